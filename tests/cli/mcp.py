# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of sched-mcp, for mcp.bats: a session by pipes, and what happens to
it, one function each."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE_S = 120


class Client:
    def __init__(self, *args, capabilities=None, answer=None):
        self.proc = subprocess.Popen(
            ["sched-mcp", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.count = 0
        self.told = []
        self.asked = []
        self.answer = answer
        self.info = self.request(
            "initialize",
            {
                "protocolVersion": "2025-06-18",
                "capabilities": capabilities or {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        )["result"]
        self.send({"method": "notifications/initialized"})

    def send(self, message):
        self.proc.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.proc.stdin.flush()

    def start(self, method, params):
        self.count += 1
        self.send({"id": self.count, "method": method, "params": params})
        return self.count

    def wait(self, number):
        while True:
            line = self.proc.stdout.readline()
            if not line:
                raise EOFError("the server is gone")
            message = json.loads(line)
            if "method" in message and "id" in message:
                self.asked.append(message)
                self.send({"id": message["id"], "result": self.answer})
            elif "method" in message:
                self.told.append(message)
            elif message["id"] == number:
                return message

    def request(self, method, params=None):
        return self.wait(self.start(method, params or {}))

    def tool(self, name, arguments=None, **more):
        params = {"name": name, "arguments": arguments or {}, **more}
        return self.request("tools/call", params)["result"]

    def end(self):
        self.proc.stdin.close()
        return self.proc.wait(PATIENCE_S)


def text(result):
    return result["content"][0]["text"]


def until(what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(what)


def processes(words):
    """Those that run this very command."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f.read().split(b"\0")[:-1] == [w.encode() for w in words]:
                    found.append(int(pid))
        except OSError:
            pass
    return found


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def below(pid):
    return [pid] + [p for child in children(pid) for p in below(child)]


def name_of(pid):
    """Of its program, or "" of one that is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return os.path.basename(f.read().split(b"\0")[0].decode())
    except OSError:
        return ""


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        lines = [line.rstrip("\n").split(":\t", 1) for line in f]
    return dict(pair for pair in lines if len(pair) == 2)


def configure(**client):
    folder = os.environ["XDG_CONFIG_HOME"] + "/schedkit"
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/mcp.json", "w", encoding="utf-8") as f:
        json.dump({"clients": {"stdio": client}, "jobs": {"each": 2}}, f)


# ---- what is tested --------------------------------------------------------


def session():
    c = Client()
    names = [t["name"] for t in c.request("tools/list")["result"]["tools"]]
    assert "simulate" in names and "deploy" not in names, names
    r = c.tool("doctor")
    assert r["structuredContent"]["documents"][0]["kind"] == "note", r
    assert not r.get("isError"), r
    r = c.tool("history_search", {"kind": "policy"})
    policies = [d["id"] for d in r["structuredContent"]["documents"]]
    assert len(policies) == 2, r
    profile = c.tool("history_search", {"kind": "profile"})
    profile = profile["structuredContent"]["documents"][0]["id"]
    question = {"policy": policies[0], "profile": profile, "limit_s": 1}
    r = c.tool("simulate", question)
    s = r["structuredContent"]
    assert s["outcome"] in ("done", "no"), r
    assert s["documents"][0]["body"]["compared"], r
    assert "as good as the model of EEVDF" in text(r), r
    r = c.tool("history_diff", {"a": policies[0], "b": policies[1]})
    assert r["structuredContent"]["values"][0]["differs"], r
    r = c.tool("history_show", {"id": profile[:12]})
    assert r["structuredContent"]["documents"][0]["id"] == profile, r
    r = c.tool("plan", {"profile": profile})
    kinds = {d["kind"] for d in r["structuredContent"]["documents"]}
    assert kinds == {"plan", "policy"}, r
    r = c.tool("report", {"policy": policies[0]})
    assert "none\nis measured yet" in r["structuredContent"]["output"], r
    r = c.tool("history_show", {"id": "0000"})
    assert r["structuredContent"]["outcome"] == "no", r
    r = c.tool("simulate", {"file": "/etc/passwd"})
    assert r["isError"] and "mcp.json" in text(r), r
    assert c.end() == 0


def logged():
    """Every call, also those that no program is run for, or nobody gets."""
    configure(**{"class": "observe"})
    c = Client()
    c.tool("job")
    for name in ("verify", "plan\nfine"):
        r = c.request("tools/call", {"name": name, "arguments": {}})
        assert r["error"]["code"] == -32602, r
    c.tool("history_show", {"id": "nonsense"})
    c.request("resources/read", {"uri": "schedkit://man/sched-mcp.1"})
    c.request("prompts/get", {"name": "none"})
    assert c.end() == 0
    path = os.environ["XDG_STATE_HOME"] + "/schedkit/mcp/audit.jsonl"
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    seen = [(x["what"], x["resource"], x["outcome"]) for x in lines]
    assert seen == [
        ("tool", '"job"', "allowed"),
        ("tool", '"verify"', "refused"),
        ("tool", "", "refused"),
        ("tool", '"history_show"', "refused"),
        ("resource", '"schedkit://man/sched-mcp.1"', "allowed"),
        ("prompt", '"none"', "refused"),
    ], seen


def shut_in():
    c = Client()
    front = until(lambda: children(c.proc.pid))[0]
    s = until(
        lambda: status_of(front)["Seccomp"] == "2" and status_of(front)
    )
    assert s["NoNewPrivs"] == "1", s
    assert int(s["CapEff"], 16) == 0, s
    assert status_of(c.proc.pid)["Seccomp"] == "0"
    assert c.end() == 0


def bare():
    """What proposes has no privilege, what looks has the user's."""
    c = Client()

    def capabilities(program, tool, arguments):
        def found():
            try:
                for pid in below(c.proc.pid):
                    if name_of(pid) == program:
                        return status_of(pid)["CapPrm"]
            except OSError:
                pass
            return None

        for _ in range(20):
            c.start("tools/call", {"name": tool, "arguments": arguments})
            end = time.monotonic() + 1
            while time.monotonic() < end:
                value = found()
                if value:
                    return int(value, 16)
        raise TimeoutError(program)

    found = c.tool("history_search", {"kind": "profile"})
    profile = found["structuredContent"]["documents"][0]["id"]
    assert capabilities("sched-synth", "synthesise", {"profile": profile}) == 0
    own = int(status_of("self")["CapPrm"], 16)
    looks = {"what": "machine", "seconds": 1}
    assert capabilities("sched-observe", "observe", looks) == own
    assert c.end() == 0


def cancelled():
    configure(commands="host")
    words = ["sleep", f"98{os.getpid()}"]
    c = Client()
    observe = {"what": "command", "where": "host", "command": words}
    wanted = {"_meta": {"progressToken": 5}}
    n = c.start(
        "tools/call", {"name": "observe", "arguments": observe, **wanted}
    )
    until(lambda: processes(words))
    time.sleep(3)
    c.send({"method": "notifications/cancelled", "params": {"requestId": n}})
    until(lambda: not processes(words))
    jobs = until(
        lambda: [
            j
            for j in c.tool("job")["structuredContent"]["jobs"]
            if j["state"] == "cancelled"
        ]
    )
    assert len(jobs) == 1, jobs
    r = c.tool("job", {"job": jobs[0]["job"]})
    assert r["isError"] and r["structuredContent"]["outcome"] == "cancelled", r
    assert any(t["method"] == "notifications/progress" for t in c.told), c.told
    # The same by the handle.
    r = c.tool("observe", {**observe, "background": True})
    job = r["structuredContent"]["job"]
    until(lambda: processes(words))
    r = c.tool("job", {"job": job, "action": "cancel", "wait_s": 30})
    assert r["structuredContent"]["outcome"] == "cancelled", r
    assert not processes(words)
    assert c.end() == 0


def guest():
    """A guest, with all that carries it, is gone when its call is cancelled."""
    c = Client()
    arguments = {"what": "command", "command": ["sleep", "600"]}

    def carriers():
        try:
            names = {pid: name_of(pid) for pid in below(c.proc.pid)}
        except OSError:
            return None
        found = {
            pid: name
            for pid, name in names.items()
            if name.startswith(("qemu-system", "virtiofsd"))
        }
        return len(set(found.values())) > 1 and found

    n = c.start("tools/call", {"name": "observe", "arguments": arguments})
    found = until(carriers)
    time.sleep(3)
    assert carriers()
    c.send({"method": "notifications/cancelled", "params": {"requestId": n}})
    until(lambda: not any(name_of(p) == name for p, name in found.items()))
    jobs = until(
        lambda: [
            j
            for j in c.tool("job")["structuredContent"]["jobs"]
            if j["state"] == "cancelled"
        ]
    )
    assert len(jobs) == 1, jobs
    assert c.end() == 0


def killed():
    configure(commands="host")
    words = ["sleep", "7.5"]
    c = Client()
    r = c.tool(
        "observe",
        {
            "what": "command",
            "where": "host",
            "command": words,
            "background": True,
        },
    )
    job = r["structuredContent"]["job"]
    until(lambda: processes(words))
    front = children(c.proc.pid)[0]
    os.kill(c.proc.pid, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{front}"))
    assert processes(words), "the job ended with its server"
    c = Client()
    r = c.tool("job", {"job": job})
    assert r["structuredContent"]["outcome"] == "running", r
    r = until(
        lambda: (x := c.tool("job", {"job": job, "wait_s": 40}))
        and x["structuredContent"]["outcome"] != "running"
        and x
    )
    assert r["structuredContent"]["outcome"] == "done", r
    profile = r["structuredContent"]["documents"][0]
    assert profile["kind"] == "profile", r
    # What it made is in the history.
    r = c.tool("history_show", {"id": profile["id"]})
    assert r["structuredContent"]["outcome"] == "done", r
    # A job whose keeper was killed ends, and is told to be lost.
    r = c.tool(
        "observe",
        {
            "what": "command",
            "where": "host",
            "command": ["sleep", "777"],
            "background": True,
        },
    )
    job = r["structuredContent"]["job"]
    until(lambda: processes(["sleep", "777"]))
    folder = os.environ["XDG_STATE_HOME"] + "/schedkit/mcp/jobs/" + job
    with open(folder + "/lock", encoding="ascii") as f:
        os.kill(int(f.read()), signal.SIGKILL)
    until(lambda: not processes(["sleep", "777"]))
    r = c.tool("job", {"job": job})
    assert r["isError"] and "killed" in text(r), r
    assert c.end() == 0


def tasks():
    configure(commands="host")
    newest = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {
            "extensions": {"io.modelcontextprotocol/tasks": {}}
        },
    }
    c = Client()

    def ask(method, **params):
        return c.request(method, {**params, "_meta": newest})["result"]

    def begin(words):
        arguments = {"what": "command", "where": "host", "command": words}
        r = ask("tools/call", name="observe", arguments=arguments)
        assert r["resultType"] == "task" and r["status"] == "working", r
        return r["taskId"]

    task = begin(["sleep", "1.25"])

    def ended():
        t = ask("tasks/get", taskId=task)
        return t["status"] != "working" and t

    done = until(ended)
    assert done["status"] == "completed", done
    s = done["result"]["structuredContent"]
    assert s["documents"][0]["kind"] == "profile", done
    words = ["sleep", f"96{os.getpid()}"]
    task = begin(words)
    until(lambda: processes(words))
    ask("tasks/cancel", taskId=task)
    assert ask("tasks/get", taskId=task)["status"] == "cancelled"
    until(lambda: not processes(words))
    # What runs at once is answered at once.
    r = ask("tools/call", name="history_search", arguments={})
    assert r["resultType"] == "complete", r
    assert c.end() == 0


def bounded():
    configure(commands="host")
    c = Client()
    long = {
        "what": "command",
        "where": "host",
        "command": ["sleep", "555"],
        "background": True,
    }
    jobs = [
        c.tool("observe", long)["structuredContent"]["job"] for _ in range(2)
    ]
    r = c.tool("observe", long)
    assert r["isError"] and "2 of them this client's" in text(r), r
    for job in jobs:
        c.tool("job", {"job": job, "action": "cancel", "wait_s": 30})
    assert not processes(["sleep", "555"])
    assert c.end() == 0


def approve(code, word):
    """A person at a terminal; exit status and what was shown."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("sched-mcp", ["sched-mcp", "approve", code])
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(fd, 4096)
    os.write(fd, word.encode() + b"\n")
    try:
        while chunk := os.read(fd, 4096):
            shown += chunk
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def code_of(result):
    assert result["isError"] and "sched-mcp approve" in text(result), result
    return text(result).split("sched-mcp approve ")[1].split()[0]


def deploys():
    configure(**{"class": "deploy", "approval": "local"})
    policy, verdict = "a" * 64, "b" * 64
    deploy = {"policy": policy, "verdict": verdict, "seconds": 5}
    # A client that can ask is not believed where a terminal has to.
    c = Client(
        capabilities={"elicitation": {}},
        answer={"action": "accept", "content": {"agree": True}},
    )
    r = c.tool("deploy", deploy)
    assert not c.asked, c.asked
    code = code_of(r)
    # Without a terminal nobody agrees.
    p = subprocess.run(
        ["setsid", "-w", "sched-mcp", "approve", code],
        capture_output=True,
        text=True,
    )
    assert p.returncode == 3 and "terminal" in p.stderr, p
    status, shown = approve(code, "n")
    assert status == 1 and policy in shown, shown
    again = code_of(c.tool("deploy", deploy))
    assert again != code
    assert approve(again, "y")[0] == 0
    # Not for another policy.
    code_of(c.tool("deploy", {**deploy, "policy": "c" * 64}))
    # Agreed to: it goes on to what the history lacks.
    r = c.tool("deploy", deploy)
    assert r["isError"] and "sched-history: " in text(r), r
    # Once.
    code_of(c.tool("deploy", deploy))
    # What changes nothing needs nobody.
    r = c.tool("deploy", {**deploy, "dry_run": True})
    assert "sched-history: " in text(r), r
    assert c.end() == 0


def elicits():
    configure(**{"class": "deploy"})
    c = Client(
        capabilities={"elicitation": {}}, answer={"action": "decline"}
    )
    r = c.tool("rollback", {"steps": 1})
    assert len(c.asked) == 1, r
    assert c.asked[0]["method"] == "elicitation/create", c.asked
    assert r["isError"] and "did not agree" in text(r), r
    c.answer = {"action": "accept", "content": {"agree": False}}
    r = c.tool("rollback", {"steps": 1})
    assert r["isError"] and "did not agree" in text(r), r
    # A verdict that is not there is no question for a person.
    deploy = {"policy": "a" * 64, "verdict": "b" * 64, "seconds": 5}
    r = c.tool("deploy", deploy)
    assert len(c.asked) == 2, c.asked
    assert r["isError"] and "no verdict of this id" in text(r), r
    c.answer = {"action": "accept", "content": {"agree": True}}
    r = c.tool("rollback", {"steps": 1})
    assert r["structuredContent"]["tool"] == "rollback", r
    assert "exit_status" in r["structuredContent"], r
    assert c.end() == 0


def http():
    token = subprocess.run(
        ["sched-mcp", "token", "laptop"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    p = subprocess.Popen(
        ["sched-mcp", "--http", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    url = p.stderr.readline().split()[-1]

    def post(headers, method, params):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            url,
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    first = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    assert post({}, "initialize", first)[0] == 401
    bad = {"Authorization": "Bearer " + "0" * 64}
    assert post(bad, "initialize", first)[0] == 401
    mine = {"Authorization": "Bearer " + token}
    status, answer = post(mine, "initialize", first)
    assert status == 200 and "schedkit" in answer, answer
    p.terminate()
    assert p.wait(PATIENCE_S) == 0, p.returncode


if __name__ == "__main__":
    globals()[sys.argv[1]]()
