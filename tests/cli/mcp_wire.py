# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of a server of the Model Context Protocol by HTTP, good and bad.

mcp_wire.py CASE URL: exit status 0, or a traceback.
"""

import http.client
import json
import os
import select
import socket
import sys
import threading
import time
import urllib.parse

NEW = "2026-07-28"
OLD = "2025-11-25"
META = "io.modelcontextprotocol/"

url = urllib.parse.urlparse(sys.argv[2])
HOST, PORT = url.hostname, url.port
# A busy machine is slow, and no test of time fails because of it.
PATIENCE = 60


def message(method, params=None, id=1, caps=None, **meta):
    params = dict(params or {})
    params["_meta"] = {
        META + "protocolVersion": NEW,
        META + "clientCapabilities": caps or {},
        **meta,
    }
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def call_message(name, arguments=None, **more):
    params = {"name": name, "arguments": arguments or {}}
    return message("tools/call", params, **more)


def headers_of(m):
    h = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": NEW,
        "Mcp-Method": m["method"],
    }
    if "name" in m.get("params", {}):
        h["Mcp-Name"] = m["params"]["name"]
    return h


def raw(m, drop=(), add=(), body=None):
    """The bytes of a POST."""
    body = json.dumps(m).encode() if body is None else body
    h = {
        "Host": f"{HOST}:{PORT}",
        **headers_of(m),
        "Content-Length": str(len(body)),
    }
    for k in drop:
        h.pop(k)
    lines = [f"{k}: {v}" for k, v in [*h.items(), *add]]
    head = "\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""])
    return head.encode() + body


def connect():
    s = socket.create_connection((HOST, PORT), PATIENCE)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def ask(method="POST", body=None, headers=None, path="/mcp", connection=None):
    """Status, headers, body; what it knows nothing of is left to who calls."""
    c = connection or http.client.HTTPConnection(HOST, PORT, timeout=PATIENCE)
    c.request(method, path, body, headers or {})
    r = c.getresponse()
    data = r.read()
    if not connection:
        c.close()
    return r.status, r.headers, data


def post(m, connection=None, **headers):
    h = headers_of(m)
    h.update((k.replace("_", "-"), v) for k, v in headers.items())
    h = {k: v for k, v in h.items() if v is not None}
    return ask(body=json.dumps(m), headers=h, connection=connection)


def events(data):
    return [
        json.loads(line[6:])
        for line in data.decode().split("\n")
        if line.startswith("data: ")
    ]


def call(name, arguments=None, connection=None, **more):
    status, _, data = post(call_message(name, arguments, **more), connection)
    assert status == 200, (status, data)
    return json.loads(data)


def text_of(answer):
    return answer["result"]["content"][0]["text"]


def counts():
    words = text_of(call("test_counts")).replace(",", "").split()
    return int(words[1]), int(words[3])


def until(what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def old(method, params=None, id=1):
    m = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        m["id"] = id
    if params is not None:
        m["params"] = params
    return m


def old_headers(session=None, **more):
    h = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    if session:
        h["Mcp-Session-Id"] = session
        h["MCP-Protocol-Version"] = OLD
    return {**h, **{k.replace("_", "-"): v for k, v in more.items()}}


def hello(**more):
    m = old(
        "initialize",
        {
            "protocolVersion": OLD,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    )
    return ask(body=json.dumps(m), headers=old_headers(**more))


def session(**more):
    status, h, data = hello(**more)
    assert status == 200, (status, data)
    name = h["Mcp-Session-Id"]
    assert len(name) == 32
    m = old("notifications/initialized", id=None)
    h = old_headers(name, **more)
    status, _, data = ask(body=json.dumps(m), headers=h)
    assert (status, data) == (202, b""), (status, data)
    return name


def well():
    assert "simple text" in text_of(call("test_simple_text"))


# ---- the rules ----------------------------------------------------------


def case_statuses():
    good = message("tools/list")
    body, h = json.dumps(good), headers_of(good)

    def status(want, method="POST", body=body, path="/mcp", code=None, **more):
        all = {**h, **{k.replace("_", "-"): v for k, v in more.items()}}
        all = {k: v for k, v in all.items() if v is not None}
        got, heads, data = ask(method, body, all, path)
        assert got == want, (want, got, method, more, data)
        if code:
            assert json.loads(data)["error"]["code"] == code, data
        return heads

    heads = status(200)
    assert heads["Cache-Control"] == "no-store"
    assert heads["Content-Type"] == "application/json"
    status(404, path="/")
    status(404, path="/mcp/")
    for method in ("GET", "DELETE", "PUT", "OPTIONS", "HEAD"):
        assert "POST" in status(405, method, None)["Allow"], method
    status(405, "PATCH", MCP_Protocol_Version=None)
    # What it accepts.
    status(406, Accept="text/html")
    status(406, Accept="application/json;q=0, text/html")
    status(406, "GET", None, Accept="application/json",
           MCP_Protocol_Version=None)
    status(200, Accept="application/json")
    status(200, Accept="*/*")
    status(200, Accept=None)
    heads = status(200, Accept="text/event-stream;q=0.5")
    assert heads["Content-Type"] == "text/event-stream"
    assert heads["X-Accel-Buffering"] == "no"
    # What is sent.
    status(415, Content_Type="text/plain")
    status(415, Content_Type=None)
    status(415, Content_Encoding="gzip")
    status(200, Content_Type="Application/JSON; charset=utf-8")
    status(400, body="{", code=-32700)
    status(400, body="", code=-32700)
    status(400, body=b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', code=-32700)
    # Where from.
    status(403, Host="evil.example.com")
    status(403, Host="evil.example.com:%d" % PORT)
    status(403, Host="localhost.evil.example.com")
    status(403, Host="127.0.0.1@evil.example.com")
    status(403, Host="localhost:80:80")
    status(403, Host="[::1")
    status(200, Host="localhost")
    status(200, Host="LOCALHOST:1")
    status(200, Host="[::1]:%d" % PORT)
    for origin in ("https://evil.example.com", "null", "file://localhost",
                   "http://localhost.evil.org", "http://localhost@evil.org",
                   ""):
        status(403, Origin=origin)
    status(200, Origin="http://localhost:6274")
    status(200, Origin="https://127.0.0.1")
    # Headers that say what the body says.
    status(400, Mcp_Method="tools/call", code=-32020)
    status(400, Mcp_Method=None, code=-32020)
    status(400, Mcp_Name="=?base64?SGVsbG8?=", code=-32020)
    status(400, Mcp_Param_Region="=?base64?!!!!?=", code=-32020)
    status(400, MCP_Protocol_Version="2030-01-01", code=-32020)
    # Notifications are not answered.
    end = old("notifications/cancelled", {"requestId": 9}, None)
    got, _, data = ask(body=json.dumps(end), headers=h)
    assert (got, data) == (202, b""), (got, data)


def case_large():
    limit = 4 << 20
    m = call_message("greet", {"name": "x"})
    pad = limit - len(json.dumps(m))
    m["params"]["arguments"]["name"] = "x" * (pad + 1)
    assert len(json.dumps(m)) == limit
    status, _, data = post(m)
    assert status == 200 and len(data) > limit, status
    # One byte more, said beforehand or not.
    body = json.dumps(m) + " "
    status, _, data = ask(body=body, headers=headers_of(m))
    assert status == 413, status
    chunks = (body[i : i + 65536].encode() for i in range(0, len(body), 65536))
    status, _, data = ask(body=chunks, headers=headers_of(m))
    assert status == 413, status
    # So much that it is not even read, and it waits to be told to go on.
    s = connect()
    s.sendall(raw(m, drop=["Content-Length"], body=b"",
                  add=[("Content-Length", 1 << 40),
                       ("Expect", "100-continue")]))
    assert b" 413 " in s.recv(100)
    s = connect()
    s.sendall(raw(m, drop=["Content-Length"], body=b"",
                  add=[("Transfer-Encoding", "chunked")]))
    try:
        for _ in range(64):
            s.sendall(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")
        raise AssertionError("it reads for ever")
    except OSError:
        pass
    # Headers without end.
    s = connect()
    try:
        s.sendall(b"POST /mcp HTTP/1.1\r\n")
        for _ in range(1 << 14):
            s.sendall(b"X: " + b"y" * 1000 + b"\r\n")
        raise AssertionError("it reads for ever")
    except OSError:
        pass
    well()


def case_doubled():
    m = message("tools/list")
    for extra in ("Host", "Mcp-Method", "Origin", "MCP-Protocol-Version"):
        value = {
            **headers_of(m),
            "Origin": "http://localhost",
            "Host": f"{HOST}:{PORT}",
        }[extra]
        twice = [(extra, value)] * (2 if extra == "Origin" else 1)
        s = connect()
        s.sendall(raw(m, add=twice))
        assert b" 400 " in s.recv(100), extra
    # HTTP/1.1 without a host, and something else altogether.
    s = connect()
    s.sendall(raw(m, drop=["Host"]))
    assert b" 400 " in s.recv(100)
    s = connect()
    s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9)
    s.sendall(b"\r\n\r\n")
    s.recv(100)
    well()


def case_split():
    m = call_message("greet", {"name": "Zoë 🐧"})
    body = json.dumps(m, ensure_ascii=False).encode()
    data = raw(m, body=body)
    s = connect()
    for i in range(len(data)):
        s.sendall(data[i : i + 1])
    r = http.client.HTTPResponse(s)
    r.begin()
    assert text_of(json.loads(r.read())) == "Hello, Zoë 🐧!"
    chunks = (body[i : i + 1] for i in range(len(body)))
    status, _, data = ask(body=chunks, headers=headers_of(m))
    assert status == 200 and text_of(json.loads(data)) == "Hello, Zoë 🐧!"
    # Many at once in one packet: all are answered, in their order.
    s = connect()
    s.sendall(b"".join(raw(call_message("greet", {"name": str(i)}, id=i))
                       for i in range(50)))
    got = b""
    while got.count(b'"resultType"') < 50:
        part = s.recv(65536)
        assert part, got
        got += part
    at = [got.index(b"Hello, %d!" % i) for i in range(50)]
    assert at == sorted(at)


def case_header():
    m = call_message("test_header", {"region": "Zoë"})
    good = "=?base64?Wm/Dqw==?="
    for value, want in ((good, 200), ("  " + good + "  ", 200), ("Zoe", 400),
                        (None, 400), ("=?base64?Wm/Dqw?=", 400)):
        got, _, data = post(m, Mcp_Param_Region=value)
        assert got == want, (value, got, data)


# ---- who asks -----------------------------------------------------------


def case_tokens():
    m = message("tools/list")
    status, h, _ = post(m)
    assert status == 401, status
    assert h["WWW-Authenticate"].startswith("Bearer ")
    assert "invalid_token" not in h["WWW-Authenticate"]
    for said in ("Bearer", "Bearer ", "Bearer wrong", "Basic secret-a",
                 "Bearer secret-aa", "Bearer secret-", "secret-a"):
        status, h, _ = post(m, Authorization=said)
        assert status == 401 and "invalid_token" in h["WWW-Authenticate"], said
    for said in ("Bearer secret-a", "bearer  secret-b"):
        status, _, _ = post(m, Authorization=said)
        assert status == 200, said
    # One's session is none of the other's business.
    mine = session(Authorization="Bearer secret-a")
    ping = json.dumps(old("ping"))
    for who, want in (("a", 200), ("b", 404), ("c", 401)):
        h = old_headers(mine, Authorization="Bearer secret-" + who)
        assert ask(body=ping, headers=h)[0] == want, who
        if who == "b":
            assert ask("DELETE", headers=h)[0] == 404
            assert ask("GET", headers=h)[0] == 404


def case_rate():
    m = message("tools/list")
    a, b = ({"Authorization": "Bearer secret-" + x} for x in "ab")
    got = [post(m, **a)[0] for _ in range(8)]
    assert got[:5] == [200] * 5 and 429 in got, got
    status, h, data = post(m, **a)
    if status == 429:
        assert 1 <= int(h["Retry-After"]) <= 3600, h
        assert json.loads(data)["error"]["message"]
    assert post(m, **b)[0] == 200
    until(lambda: post(m, **a)[0] == 200)


def case_names():
    """--host tools.example.org --origin https://app.example.org"""
    m = message("tools/list")
    for more, want in (
        ({"Host": "tools.example.org:8080"}, 200),
        ({"Host": "other.example.org"}, 403),
        ({"Origin": "https://app.example.org"}, 200),
        ({"Origin": "http://app.example.org"}, 403),
        ({"Origin": "https://app.example.org.evil.org"}, 403),
    ):
        assert post(m, **more)[0] == want, more


# ---- streams ------------------------------------------------------------


def case_streams():
    """Two at once, and each gets its own."""
    got = {}

    def run(i):
        m = call_message("test_tool_with_progress", id=i,
                         progressToken=f"t{i}")
        got[i] = post(m)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i, (status, h, data) in got.items():
        assert status == 200 and h["Content-Type"] == "text/event-stream"
        all = events(data)
        assert [e["params"]["progress"] for e in all[:-1]] == [0, 50, 100], all
        assert {e["params"]["progressToken"] for e in all[:-1]} == {f"t{i}"}
        assert all[-1]["id"] == i


def case_quiet():
    m = call_message("test_sleep", {"seconds": 2.5})
    status, h, data = post(m)
    assert h["Content-Type"] == "text/event-stream"
    assert data.startswith(b":\n\n"), data
    assert text_of(events(data)[0]) == "Slept 2.5 s."
    # Who reads no events waits.
    status, h, data = post(m, Accept="application/json")
    assert h["Content-Type"] == "application/json"
    assert text_of(json.loads(data)) == "Slept 2.5 s."


def sleeping(s, seconds=PATIENCE, **more):
    before = counts()
    s.sendall(raw(call_message("test_sleep", {"seconds": seconds}, **more)))
    until(lambda: counts()[0] == before[0] + 1)
    return before


def case_closed():
    """Who closes does not want to know any more."""
    s = connect()
    working, cancelled = sleeping(s)
    s.close()
    until(lambda: counts() == (working, cancelled + 1), 10)
    # Also one that only says that it will send no more.
    s = connect()
    sleeping(s)
    s.shutdown(socket.SHUT_WR)
    until(lambda: counts() == (working, cancelled + 2), 10)
    assert s.recv(100) == b""
    # In the middle of its events.
    s = connect()
    s.sendall(raw(call_message("test_flood", {"count": 3, "bytes": 10,
                                              "seconds": PATIENCE},
                               **{META + "logLevel": "debug"})))
    got = b""
    while got.count(b"data: ") < 3:
        got += s.recv(65536)
    s.close()
    until(lambda: counts() == (working, cancelled + 3), 10)
    # An answer that is there at once is read all the same.
    s = connect()
    s.sendall(raw(call_message("test_simple_text"),
                  add=[("Connection", "close")]))
    s.shutdown(socket.SHUT_WR)
    got = b""
    while part := s.recv(65536):
        got += part
    assert b"simple text" in got, got


def case_closed_old():
    """In a session the call goes on."""
    name = session()
    working, cancelled = counts()
    m = old("tools/call",
            {"name": "test_sleep", "arguments": {"seconds": 1.5}}, 7)
    body = json.dumps(m).encode()
    h = "".join(f"{k}: {v}\r\n" for k, v in old_headers(name).items())
    s = connect()
    s.sendall(f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{h}"
              f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    until(lambda: counts()[0] == working + 1)
    s.close()
    time.sleep(0.3)
    assert counts() == (working + 1, cancelled)
    until(lambda: counts() == (working, cancelled))
    # It says so if it wants it to end, and its stream ends without an answer.
    m["params"]["arguments"]["seconds"] = PATIENCE
    got = []
    t = threading.Thread(target=lambda: got.append(
        ask(body=json.dumps(m), headers=old_headers(name))))
    t.start()
    until(lambda: counts()[0] == working + 1)
    end = old("notifications/cancelled", {"requestId": 7}, None)
    assert ask(body=json.dumps(end), headers=old_headers(name))[0] == 202
    t.join()
    assert counts() == (working, cancelled + 1)
    assert b"result" not in got[0][2], got


def case_deaf():
    """It asks for much and reads nothing."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((HOST, PORT))
    before = counts()
    flood = {"count": 400, "bytes": 65536, "seconds": PATIENCE}
    s.sendall(raw(call_message("test_flood", flood,
                               **{META + "logLevel": "debug"})))
    until(lambda: counts()[1] == before[1] + 1)
    well()
    # A large answer that nobody reads is not kept for ever.
    t = socket.socket()
    t.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    t.connect((HOST, PORT))
    t.sendall(raw(call_message("test_large", {"bytes": 8 << 20})))
    time.sleep(4)
    got = 0
    try:
        while part := t.recv(1 << 20):
            got += len(part)
    except OSError:
        pass
    assert got < 8 << 20, got
    well()


def case_slow():
    """A byte now and then, of the headers or of the body."""
    m = message("tools/list")
    data = raw(m)
    for first in (20, len(data) - 10):
        s = connect()
        s.sendall(data[:first])
        began = time.monotonic()
        try:
            while not select.select([s], [], [], 0.2)[0]:
                s.sendall(b"y")
                assert time.monotonic() - began < PATIENCE
                well()
            assert s.recv(1) == b""
        except OSError:
            pass
        assert time.monotonic() - began > 0.9
    # One that says nothing at all.
    s = connect()
    assert s.recv(1) == b""


# ---- sessions -----------------------------------------------------------


def case_session():
    ping = json.dumps(old("ping"))
    name = session()
    other = session()
    assert name != other
    got, _, data = ask(body=ping, headers=old_headers(name))
    assert got == 200 and json.loads(data)["result"] == {}
    for bad in ("0" * 32, name[:-1], name + "0", name.upper() + "x", "x"):
        assert ask(body=ping, headers=old_headers(bad))[0] == 404, bad
    # None at all, but of the older era.
    h = old_headers(MCP_Protocol_Version=OLD)
    assert ask(body=ping, headers=h)[0] == 400
    assert ask("GET", headers={"Accept": "text/event-stream"})[0] == 400
    assert ask("DELETE")[0] == 400
    # Another revision than was agreed.
    h = old_headers(name, MCP_Protocol_Version="2025-06-18")
    assert ask(body=ping, headers=h)[0] == 400
    h = old_headers(name)
    del h["MCP-Protocol-Version"]
    assert ask(body=ping, headers=h)[0] == 200
    # A body that is none of its business.
    passing = session()
    h = old_headers(passing)
    assert ask("DELETE", "{}", h)[0] == 200
    # Its end, with what goes on in it.
    got = []
    sleep = old("tools/call", {"name": "test_sleep",
                               "arguments": {"seconds": PATIENCE}})
    t = threading.Thread(target=lambda: got.append(
        ask(body=json.dumps(sleep), headers=old_headers(name))))
    before = counts()
    t.start()
    until(lambda: counts()[0] == before[0] + 1)
    assert ask("DELETE", headers=old_headers(name))[0] == 200
    t.join()
    assert got[0][0] == 404, got
    assert counts() == (before[0], before[1] + 1)
    assert ask(body=ping, headers=old_headers(name))[0] == 404
    assert ask(body=ping, headers=old_headers(other))[0] == 200


def case_sessions_bound():
    names = [session() for _ in range(4)]
    status, h, _ = hello()
    assert status == 503 and int(h["Retry-After"]) > 0
    ping = json.dumps(old("ping"))
    for n in names:
        assert ask(body=ping, headers=old_headers(n))[0] == 200
    assert ask("DELETE", headers=old_headers(names[0]))[0] == 200
    names[0] = session()
    # Idle, they are forgotten.
    until(lambda: ask(body=ping, headers=old_headers(names[1]))[0] == 404
          or time.sleep(2.5))
    until(lambda: hello()[0] == 200)


class Stream:
    """The events of a GET."""

    def __init__(self, name):
        self.c = http.client.HTTPConnection(HOST, PORT, timeout=PATIENCE)
        self.c.request("GET", "/mcp", headers={
            "Accept": "text/event-stream", "Mcp-Session-Id": name})
        self.r = self.c.getresponse()
        assert self.r.status == 200, self.r.read()

    def next(self):
        while line := self.r.readline():
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        return None


def case_get():
    name = session()
    first = Stream(name)
    change = old("tools/call", {"name": "test_trigger_tool_change"})
    assert ask(body=json.dumps(change), headers=old_headers(name))[0] == 200
    assert first.next()["method"] == "notifications/tools/list_changed"
    # Who comes again has lost the one before.
    second = Stream(name)
    try:
        assert first.next() is None
    except (OSError, http.client.HTTPException):
        pass
    assert ask(body=json.dumps(change), headers=old_headers(name))[0] == 200
    assert second.next()["method"] == "notifications/tools/list_changed"
    assert ask("DELETE", headers=old_headers(name))[0] == 200
    assert second.next() is None


# ---- many ---------------------------------------------------------------


def case_crowd():
    """200 connections, all at once, and all are answered."""
    all = [connect() for _ in range(200)]
    for i, s in enumerate(all):
        s.sendall(raw(call_message("test_sleep", {"seconds": 0.5}, id=i)))
    for i, s in enumerate(all):
        r = http.client.HTTPResponse(s)
        r.begin()
        assert json.loads(r.read())["id"] == i
    for s in all[::2]:
        s.close()
    for i, s in enumerate(all[1::2]):
        s.sendall(raw(call_message("greet", {"name": str(i)})))
        r = http.client.HTTPResponse(s)
        r.begin()
        assert text_of(json.loads(r.read())) == f"Hello, {i}!"


def case_limit():
    """--connections 20 --per-address 16"""
    all = [connect() for _ in range(16)]
    for s in all:
        s.sendall(raw(call_message("test_simple_text")))
        r = http.client.HTTPResponse(s)
        r.begin()
        assert r.status == 200
        r.read()
    s = connect()
    try:
        s.sendall(raw(call_message("test_simple_text")))
        assert s.recv(1) == b""
    except OSError:
        pass
    all[3].sendall(raw(call_message("test_simple_text")))
    assert b" 200 " in all[3].recv(100)
    all.pop().close()

    def again():
        try:
            well()
            return True
        except (OSError, http.client.HTTPException):
            return False

    until(again)


def case_descriptors():
    """It has few, and as soon as there are some again it goes on."""
    all = [connect() for _ in range(100)]
    with open(f"/proc/{sys.argv[3]}/stat") as f:
        before = f.read().split()[13:15]
    time.sleep(1)
    with open(f"/proc/{sys.argv[3]}/stat") as f:
        after = f.read().split()[13:15]
    spent = sum(map(int, after)) - sum(map(int, before))
    assert spent < 30, spent
    for s in all:
        s.close()
    well()


def case_flat():
    """Many calls, and memory stays as it is."""

    def rss():
        with open(f"/proc/{sys.argv[3]}/statm") as f:
            return int(f.read().split()[1]) * 4

    c = http.client.HTTPConnection(HOST, PORT, timeout=PATIENCE)
    m = call_message("test_simple_text")
    before = None
    n = int(sys.argv[4])
    began = time.monotonic()
    for i in range(n):
        assert post(m, c)[0] == 200
        if i == n // 4:
            before = rss()
    print(f"# {n / (time.monotonic() - began):.0f} calls a second, "
          f"{before} KiB after a quarter, {rss()} at the end")
    assert rss() < before + 512, (before, rss())


def case_leave():
    """Streams are open, and the server is told to leave."""
    s = connect()
    s.sendall(raw(call_message("test_sleep", {"seconds": PATIENCE})))
    listen = message("subscriptions/listen",
                     {"notifications": {"toolsListChanged": True}}, id=5)
    t = connect()
    t.sendall(raw(listen))
    got = t.recv(65536)
    while b"acknowledged" not in got:
        got += t.recv(65536)
    until(lambda: counts()[0] == 1)
    os.kill(int(sys.argv[3]), 15)
    assert b" 503 " in s.recv(65536)
    got = b""
    while part := t.recv(65536):
        got += part
    assert events(got)[-1]["id"] == 5, got


if __name__ == "__main__":
    globals()["case_" + sys.argv[1]]()
