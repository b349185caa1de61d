# SPDX-License-Identifier: GPL-2.0-or-later
"""Those who ask the services of a soak for something, all the time: some as
they should, some as nobody should.  Each is a function that does one thing
once, and is called again and again."""
import errno
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import measure
from world import TREE

sys.path.insert(0, os.path.join(TREE, "tests", "cli"))
import agentd  # noqa: E402
import mcp_client  # noqa: E402

SESSION = 50  # requests of a client of the runtime, before it comes anew
PATIENCE_S = 20
TRICK_S = 120
GUEST_S = 240

AGENTD_TRICKS = ("garbage", "endless", "half", "thief", "sloppy", "flood",
                 "heir", "circle", "deaf")
MCP_TRICKS = (
    "not-json", "invalid-utf8", "nul-bytes", "deep", "oversized",
    "duplicate-keys", "scalars", "batches", "id-null", "id-odd", "no-version",
    "methods-unknown", "params-no-object", "revisions-unknown",
    "metadata-missing", "prompts-unknown", "paths", "cursors-forged",
    "handles-forged", "host-of-others", "origins-of-others", "headers-giant",
    "headers-broken", "two-lengths", "lengths-strange", "compression-bomb",
    "other-methods", "other-paths", "upgrades", "many-large-bodies",
    "sessions-flood", "watches-flood", "messages-flood")


class Client(threading.Thread):
    """Calls what it is to do until the soak is over, with pauses."""

    def __init__(self, world, name, pause_s, do, *args):
        super().__init__(daemon=True)
        self.world, self.pause_s, self.do, self.args = (
            world, pause_s, do, args)
        self.name = name

    def run(self):
        w = self.world
        while not w.over.is_set():
            since = w.now()
            try:
                self.do(w, *self.args)
            except (OSError, EOFError, AssertionError, KeyError, ValueError,
                    TypeError, SystemExit, mcp_client.Wrong,
                    mcp_client.Gone, subprocess.SubprocessError) as e:
                w.failed(self.name, f"{type(e).__name__}: {e}"[:300],
                         since)
                w.over.wait(0.5)
            w.over.wait(self.pause_s)


def torn(s):
    """Closed as by a cable that is pulled: the other side gets a reset."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


# ---- the runtime -----------------------------------------------------------

class Runtime(agentd.Client):
    def __init__(self, world, run):
        super().__init__(world.env["SCHEDKIT_RUNTIME"], "soak", run)
        self.s.settimeout(PATIENCE_S)

    def close(self):
        self.f.close()
        self.s.close()


def put(name, text):
    return {"kind": "storage", "idempotent": True, "payload": {
        "kind": "storage", "verb": "put", "name": name, "text": text}}


def remember(text):
    return {"kind": "memory", "idempotent": True, "payload": {
        "kind": "memory", "verb": "add", "text": text}}


def runtime(w, run=None):
    """A tool at its work: requests, each with its outcome; then it is gone,
    once in a while without a word.  run: whose; else each time a new one."""
    n = w.served.get("agentd", 0)
    c = Runtime(w, run or f"run-{n}")
    try:
        for i in range(SESSION):
            c.submit(agentd.tool(payload={"n": i, "text": "x" * 200}))
            c.done(c.want("start"), result=i,
                   usage={"seconds": 0.1, "core_seconds": 0.1})
            assert c.finish()["state"] == "done"
            w.count("agentd")
            if w.over.wait(0.1):
                break
        if n % 3 == 0:
            c.submit(agentd.tool())
            c.want("start")
            torn(c.s)
    finally:
        c.close()


def store(w):
    """Notes and files, which the history keeps for ever."""
    c = Runtime(w, "keeper")
    try:
        n = w.served.get("store", 0)
        for ask in (put(f"soak/{n % 8}", f"version {n}"),
                    remember(f"note {n} of the soak")):
            c.submit(ask)
            e = c.finish()
            assert e["state"] == "done", e
            w.count("store")
    finally:
        c.close()


def runtime_tools(w):
    """What a person types."""
    for words in (["metrics"], ["top", "--once", "--json"], ["queue"],
                  ["audit", "--verify"]):
        rc, _, err = w.run("sched-agents", *words, timeout=PATIENCE_S * 3)
        assert rc == 0, f"sched-agents {words}: status {rc}: {err[-200:]}"
        w.count("sched-agents")


def runtime_trick(w, trick):
    rc, out, err = w.run(
        sys.executable, os.path.join(TREE, "tests/cli/agentd.py"),
        w.env["SCHEDKIT_RUNTIME"], trick, timeout=TRICK_S)
    assert rc == 0, f"{trick}: status {rc}: {(out + err)[-300:]}"
    w.count("agentd, hostile")


def runtime_hostile(w, rng):
    runtime_trick(w, rng.choice(AGENTD_TRICKS))


# ---- the server of the Model Context Protocol ------------------------------

def at(w):
    return f"127.0.0.1:{w.port}"


def ask(w, m):
    """The answer by a connection of its own; who is asked to wait, waits."""
    h = mcp_client.Http(at(w))
    end = time.monotonic() + 60
    while True:
        r = h.raw(mcp_client.raw_request(
            h.at, mcp_client.text_of(m), mcp_client.headers_for(m)),
            PATIENCE_S)
        if not r:
            raise OSError(errno.ECONNRESET, "hung up on")
        if r.status != 429 or time.monotonic() > end:
            break
        w.over.wait(float(r.header("retry-after") or 1))
    a = r.answer()
    if "result" not in a:
        raise mcp_client.Wrong(f"{m['method']}: {str(a)[:200]}")
    w.count("mcp")
    return a["result"]


def tool(w, name, arguments=None):
    return ask(w, mcp_client.call(name, arguments))


def looks(w):
    """Lists, resources, prompts, and what short programs say."""
    m = mcp_client.message
    ask(w, m("tools/list"))
    ask(w, m("resources/list"))
    ask(w, m("prompts/list"))
    ask(w, m("resources/read", {"uri": "schedkit://history/log"}))
    ask(w, m("resources/read", {"uri": "schedkit://man/sched-mcp.1"}))
    r = tool(w, "history_search", {"kind": "policy"})
    assert not r.get("isError"), r
    tool(w, "job")


def torn_calls(w):
    """A call of which the client does not wait for the end."""
    m = mcp_client.call("doctor")
    c = mcp_client.Connection(at(w), PATIENCE_S)
    c.put(mcp_client.raw_request(
        at(w), mcp_client.text_of(m), mcp_client.headers_for(m)))
    w.over.wait(0.2)
    torn(c.s)


def sessions(w):
    """The older era: some of its sessions are ended, some are left."""
    h = mcp_client.Http(at(w))
    h.initialize()
    r = h.old("tools/list", id=2)
    if not r or r.status != 200:
        raise OSError(f"tools/list: {r}")
    w.count("mcp")
    if w.served["mcp"] % 2:
        h.raw(mcp_client.raw_request(
            h.at, b"", {"Mcp-Session-Id": h.session}, method="DELETE"))


def observes(w):
    """A command of the client's in a throw-away guest, as a job that is
    followed, across deaths of the server."""
    r = tool(w, "observe", {"what": "command", "command": ["sleep", "0.5"],
                            "background": True})
    if r.get("isError"):
        return  # others have the place
    job = r["structuredContent"]["job"]
    end = time.monotonic() + GUEST_S
    while not w.over.is_set():
        try:
            s = tool(w, "job", {"job": job})["structuredContent"]
            if s["outcome"] != "running":
                # It may have been killed, which it has to say.
                w.count(f"mcp jobs, {s['outcome']}")
                return
        except (OSError, mcp_client.Gone):
            pass  # the server is started again
        assert time.monotonic() < end, f"job {job} has no end"
        w.over.wait(3)


def mcp_hostile(w, rng):
    trick = rng.choice(MCP_TRICKS)
    rc, out, err = w.run(
        sys.executable, os.path.join(TREE, "tests/cli/mcp_hostile.py"),
        "http", at(w), trick, timeout=TRICK_S, MCP_TOOLKIT="1")
    assert rc == 0, f"{trick}: status {rc}: {(out + err)[-300:]}"
    w.count("mcp, hostile")


# ---- the history -----------------------------------------------------------

def documents(n):
    """A policy and its verdict, such as a round of the loop leaves: their ids,
    and both as lines."""
    def doc(kind, body, *parents):
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        d = {"v": 1, "kind": kind, "parent": list(parents), "by": "tests 0",
             "id": hashlib.sha256(text.encode()).hexdigest(),
             "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
             "body": body}
        return d["id"], json.dumps(d, sort_keys=True, separators=(",", ":"))

    policy, line = doc("policy", {
        "form": "params", "title": f"soak {n}", "why": "w", "uses": [],
        "params": {"slice_us": 1000 + n % 9000}})
    verdict, second = doc("verdict", {
        "policy": policy, "workload": f"soak-{n % 5}",
        "decision": "rejected", "why": "measured", "target": "vm",
        "kernel": "6.18.15", "stages": [], "metrics": [
            {"name": "makespan", "unit": "s", "baseline": 3, "candidate": 3,
             "ratio": 1, "ci95": [1, 1], "pairs": 5, "guard": False}]},
        policy)
    return (policy, verdict), f"{line}\n{second}\n"


def records(w, counter, who):
    """Documents, given to the one of the two histories."""
    ids, text = documents(next(counter))
    rc, out, err = w.run("sched-history", "add", give=text,
                         SCHEDKIT_HISTORY=w.path(who))
    assert rc == 0 and '"kind":"error"' not in out, f"add: {rc} {err[-200:]}"
    w.promised.update(ids)
    w.count(f"{who}, documents")


def exchanges(w, who):
    """Both histories give the remote what they have, and take what it has."""
    for verb in ("push", "pull"):
        rc, _, err = w.run("sched-history", verb, w.path("remote"),
                           SCHEDKIT_HISTORY=w.path(who))
        # 4: the other one was quicker.
        assert rc in (0, 4), f"{verb}: status {rc}: {err[-300:]}"
        if rc == 0:
            w.count(f"{who}, exchanges")


# ---- the loop --------------------------------------------------------------

class Loop(threading.Thread):
    """sched-loop --once, as cron has it, without end."""

    ARGV = ("sched-loop", "--once", "--target", "vm", "--cpus", "2",
            "--candidates", "1", "--pairs", "5", "--budget", "time=240",
            "--", "sleep", "0.1")
    MOST_S = 420

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        self.process = None
        self.ends = {}
        self.longest = 0

    def victims(self):
        p = self.process
        if not p or p.poll() is not None:
            return []
        return [p.pid] + measure.below(p.pid)

    def once(self):
        w = self.world
        begun, since = time.monotonic(), w.now()
        self.process = p = subprocess.Popen(
            self.ARGV, env=w.env, cwd=w.dir, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace")
        while True:
            try:
                _, err = p.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if w.over.is_set():
                    p.terminate()
                if time.monotonic() - begun > self.MOST_S:
                    p.kill()
                    w.failed("loop", f"no end after {self.MOST_S} s",
                             since)
        took = time.monotonic() - begun
        self.ends[p.returncode] = self.ends.get(p.returncode, 0) + 1
        if p.returncode in (0, 1):
            self.longest = max(self.longest, took)
            w.count("loop")
        elif p.returncode not in (4, -9):
            w.failed("loop", f"status {p.returncode}: {err[-300:]}",
                     since)

    def run(self):
        while not self.world.over.is_set():
            self.once()
            self.world.over.wait(3)
