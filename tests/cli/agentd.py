#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of sched-agentd for agentd.bats: agentd.py SOCKET WHAT [ARG...]"""
import json
import os
import resource
import socket
import subprocess
import sys
import time


class Client:
    def __init__(self, path, agent="test", run="run", hello=True):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(path)
        self.f = self.s.makefile("rb")
        self.seen = []
        if hello:
            self.put({"hello": {"agent": agent, "run": run, "version": 1}})
            self.want("welcome")

    def put(self, line):
        self.s.sendall(json.dumps(line).encode() + b"\n")

    def get(self):
        line = self.f.readline()
        return json.loads(line) if line else None

    def want(self, key):
        """The next line that has the key; others are kept."""
        for i, v in enumerate(self.seen):
            if key in v:
                return self.seen.pop(i)[key]
        while True:
            v = self.get()
            if v is None:
                raise SystemExit(f"the daemon closed, {key} was wanted")
            if key in v:
                return v[key]
            if "error" in v:
                raise SystemExit(f"refused: {v['error']['text']}")
            self.seen.append(v)

    def submit(self, *requests):
        self.put({"submit": list(requests), "ref": 1})
        return self.want("ids")

    def done(self, start, **outcome):
        self.put({"done": {"lease": start["lease"], **outcome}})

    def finish(self):
        ended = self.want("ended")
        self.put({"delivered": {"id": ended["id"]}})
        return ended

    def look(self, what):
        self.put({"look": what, "ref": 2})
        return self.want("value")


def tool(**more):
    return {"kind": "tool", "place": "self", **more}


GUEST = {"kind": "guest", "place": "self", "need": {"guest_slots": 1}}


def share(path):
    """Two runs want the one guest, each six times."""
    c = [Client(path, run="a"), Client(path, run="b")]
    order = ""
    for i in range(6):
        c[0].submit({**GUEST, "key": f"g{i}"})
    for i in range(6):
        c[1].submit({**GUEST, "key": f"g{i}"})
    for _ in range(12):
        for x, name in zip(c, "ab"):
            x.s.settimeout(0.05)
        while True:
            for x, name in zip(c, "ab"):
                try:
                    start = x.want("start")
                except (TimeoutError, OSError):
                    x.f = x.s.makefile("rb")
                    continue
                order += name
                x.s.settimeout(5)
                x.done(start, usage={"seconds": 1, "core_seconds": 1})
                x.finish()
                break
            else:
                continue
            break
    print(order)


def hold(path, run, *keys):
    """Holds leases until it is killed."""
    c = Client(path, run=run)
    c.submit(*[{**GUEST, "key": k} for k in keys])
    c.want("start")
    print("held", flush=True)
    time.sleep(60)


def freed(path):
    """How long after its holder is killed the guest is free, in ms."""
    child = subprocess.Popen(
        [sys.executable, __file__, path, "hold", "x", "k"],
        stdout=subprocess.PIPE)
    child.stdout.readline()
    c = Client(path, run="y")
    c.submit(GUEST)
    child.kill()
    at = time.monotonic()
    c.want("start")
    print(int((time.monotonic() - at) * 1000))
    child.wait()


def leave(path, *keys):
    """Puts requests that others are to carry out in the queue, and goes."""
    c = Client(path, run="left")
    c.submit(*[{"kind": "storage", "key": k, "idempotent": True, "payload": {
        "kind": "storage", "verb": "put", "name": k, "text": k}}
        for k in keys])
    print("left", flush=True)


def apart(path):
    """Another user without a run has a key that we have, too."""
    c = Client(path, run="")
    ours = c.submit(tool(key="k"))
    if c.submit(tool(key="k")) != ours:
        raise SystemExit("our own is not known")
    if os.fork():
        raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    for run in {}, {"run": "r"}:
        if Client(path, run="").submit(tool(key="k", **run)) == ours:
            raise SystemExit("theirs is ours")
    c = Client(path, run="", agent="long")
    c.put({"submit": [tool(run="r" * 113)], "ref": 1})
    error = c.get()["error"]
    if error["errno"] != "EINVAL":
        raise SystemExit(error)


def collect(path, *keys):
    """Outcomes of a run that another process began."""
    c = Client(path, run="left")
    for _ in keys:
        e = c.finish()
        print(e["key"], e["state"])


def store(path):
    c = Client(path)
    ask = {"kind": "storage", "idempotent": True, "payload": {
        "kind": "storage", "verb": "put", "name": "f", "text": "x"}}
    for name in ("f", "g"):
        ask["payload"]["name"] = name
        c.submit(ask)
        e = c.finish()
        print(e["state"], e["result"]["version"])
        if name == "f":
            # The store dies over the next one: it is asked again.
            me = c.look("metrics")["daemon"]["pid"]
            kids = open(f"/proc/{me}/task/{me}/children").read().split()
            os.kill(int(kids[0]), 9)
    ask["payload"]["owner"] = "another"
    c.put({"submit": [ask], "ref": 1})
    print(c.want("error")["errno"])
    ask["payload"]["kind"] = "memory"
    c.put({"submit": [ask], "ref": 1})
    print(c.want("error")["errno"])


# ---- hostile ones -------------------------------------------------------


def closes(c):
    try:
        while c.get():
            pass
    except (ConnectionError, BrokenPipeError):
        pass
    return True


def garbage(path):
    c = Client(path, hello=False)
    c.s.sendall(b"\x00\xff GET / HTTP/1.1\r\n" * 40)
    assert closes(c)


def endless(path):
    """A line without end: before hello, and after it."""
    for hello in (False, True):
        c = Client(path, hello=hello)
        try:
            for _ in range(400):
                c.s.sendall(b"x" * 65536)
        except (ConnectionError, BrokenPipeError):
            pass
        assert closes(c)


def deaf(path):
    """Asks, and never reads."""
    c = Client(path, run="deaf")
    c.submit(*[tool(need={"cores": 2}) for _ in range(2000)])
    line = (json.dumps({"look": "queue", "ref": 1}) + "\n").encode() * 500
    c.s.settimeout(20)
    try:
        for _ in range(2000):
            c.s.sendall(line)
    except (ConnectionError, BrokenPipeError):
        return
    raise SystemExit("it was never let go")


def half(path):
    """Says that nothing more comes, while it holds a lease."""
    c = Client(path, run="half")
    c.submit(GUEST)
    c.want("start")
    c.s.shutdown(socket.SHUT_WR)
    assert closes(c)


def thief(path):
    """Leases, requests and names of others."""
    a = Client(path, agent="alice", run="a")
    b = Client(path, agent="bob", run="b")
    a.submit(tool())
    start = a.want("start")
    b.done(start, result=1)
    b.put({"progress": {"lease": start["lease"], "usage": {"seconds": 9}}})
    b.put({"suspended": {"lease": start["lease"], "usage": {}}})
    b.put({"delivered": {"id": start["id"]}})
    assert b.want("error")["errno"] == "EACCES"
    b.put({"submit": [tool(agent="alice")], "ref": 3})
    assert b.want("error")["errno"] == "EACCES"
    a.done(start, result=2)
    assert a.finish()["result"] == 2


def crowd(path):
    """As many connections as there may be, and more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    all_of_them = []
    for _ in range(1100):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        all_of_them.append(s)
    time.sleep(0.3)
    said = 0
    for s in all_of_them:
        s.setblocking(False)
        try:
            said += b"too many" in s.recv(200)
        except BlockingIOError:
            pass
    assert 50 < said < 120, said
    for s in all_of_them:
        s.close()


def flood(path):
    """Far more than can run; all of it is a graph that is refused, or ends."""
    c = Client(path, run="flood")
    c.submit(*[tool(need={"cores": 1}) for _ in range(4096)])
    c.put({"submit": [tool()] * 4097, "ref": 4})
    assert c.want("error")["errno"] == "EINVAL"
    c.put({"submit": [tool(payload="x" * (5 << 20))], "ref": 4})
    assert c.want("error")["errno"] == "EINVAL"
    c.put({"cancel": {"run": "flood"}, "ref": 5})
    assert c.want("value")["cancelled"] == 4096


def sloppy(path):
    """What is of the wrong type is refused, not taken for something else."""
    c = Client(path, run="sloppy")
    c.submit(tool(key=f"kept {os.getpid()}"))
    start = c.want("start")
    for line in ({"stop": False}, {"stop": "later"}, {"drain": 1},
                 {"cancel": {}}, {"cancel": {"id": "1"}},
                 {"cancel": {"run": "sloppy", "candidate": 5}},
                 {"cancel": {"run": 5}}, {"drop": {"name": "w", "now": 1}},
                 {"worker": {"name": "v", "kinds": ["llm"], "ours": "no",
                             "capacity": {"endpoint_slots": 1}}}):
        if "drop" in line:
            c.put({"worker": {"name": "w", "kinds": ["llm"],
                              "capacity": {"endpoint_slots": 1}}, "ref": 1})
            c.want("value")
        c.put({**line, "ref": 2})
        assert c.want("error")["errno"] == "EINVAL", line
    for hello in ({"run": 5}, {"still": "k"}):
        d = Client(path, hello=False)
        d.put({"hello": {"agent": "a", "version": 1, **hello}})
        assert d.want("error")["errno"] == "EINVAL", hello
    c.put({"look": "policies"})
    assert "ref" not in c.get()
    c.done(start)
    assert c.finish()["state"] == "done"


def heir(path):
    """What a client leaves is its run's, also if another came before."""
    w = Client(path, run="w")
    w.put({"worker": {"name": "q", "kinds": ["llm"],
                      "capacity": {"endpoint_slots": 1}}, "ref": 1})
    w.want("value")
    a = Client(path, run="family")
    b = Client(path, run="family")
    key = f"k {os.getpid()}"
    a.submit({"kind": "llm", "place": "worker", "idempotent": True,
              "need": {"endpoint_slots": 1}, "key": key})
    start = w.want("start")
    a.f.close()
    a.s.close()
    w.done(start, result=1)
    assert b.finish()["key"] == key


def circle(path):
    c = Client(path)
    c.put({"submit": [tool(key="a", after=["b"]), tool(key="b", after=["a"])],
           "ref": 1})
    print(c.want("error")["text"])


def well(path):
    """An honest client, beside all of them."""
    c = Client(path, run="well")
    at = time.monotonic()
    for _ in range(100):
        c.submit(tool())
        c.done(c.want("start"))
        c.finish()
    assert time.monotonic() - at < 3


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1], *sys.argv[3:])
