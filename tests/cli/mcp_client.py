# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of an MCP server that can also do what no client should.

Nothing but the standard library, and sockets that are written to as they are:
a library would correct what is to be wrong.
"""
import base64
import json
import os
import select
import socket
import subprocess
import time

NEW = "2026-07-28"
OLD = "2025-11-25"
PATIENCE = 60.0  # s; a machine under sanitizers and load is slow
META = "io.modelcontextprotocol/"


class Wrong(Exception):
    """The server did what it must not."""


class Silent(Wrong):
    """It neither answers nor hangs up."""


def want(so, text):
    if not so:
        raise Wrong(text)


def meta(revision=NEW, capabilities=None, **more):
    m = {META + "protocolVersion": revision,
         META + "clientInfo": {"name": "hostile", "version": "1"},
         META + "clientCapabilities": capabilities or {}}
    m.update(more)
    return m


def message(method, params=None, id=1, **more):
    """A request of the new era."""
    p = {"_meta": meta()}
    p.update(params or {})
    m = {"jsonrpc": "2.0", "method": method, "params": p}
    if id is not None:
        m["id"] = id
    m.update(more)
    return m


def call(tool, arguments=None, id=1, **params):
    return message("tools/call", {"name": tool, "arguments": arguments or {},
                                  **params}, id)


def text_of(m):
    """A message as bytes: what is bytes already stays as it is."""
    if isinstance(m, bytes):
        return m
    return json.dumps(m, ensure_ascii=False, separators=(",", ":")).encode()


def code_of(m):
    return m.get("error", {}).get("code") if isinstance(m, dict) else None


# ---- HTTP ------------------------------------------------------------------

class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        v = [v for n, v in self.headers if n == name.lower()]
        return v[0] if v else None

    def messages(self):
        kind = self.header("content-type") or ""
        if kind.startswith("text/event-stream"):
            out = []
            for event in self.body.replace(b"\r\n", b"\n").split(b"\n\n"):
                data = [line[5:].strip() for line in event.split(b"\n")
                        if line.startswith(b"data:")]
                if any(data):
                    out.append(json.loads(b"\n".join(data)))
            return out
        if kind.startswith("application/json") and self.body:
            m = json.loads(self.body)
            return m if isinstance(m, list) else [m]
        return []

    def answer(self):
        """The last message."""
        m = self.messages()
        want(m, f"no message in {self.status} {self.body[:200]!r}")
        return m[-1]

    def code(self):
        m = self.messages()
        return code_of(m[-1]) if m else None

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Gone(Exception):
    """The server closed before a whole answer was there."""


class Connection:
    """One TCP connection to host:port."""

    def __init__(self, at, timeout=PATIENCE):
        host, port = at.rsplit(":", 1)
        self.s = socket.create_connection((host, int(port)), timeout)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = b""

    def close(self):
        self.s.close()

    def put(self, data):
        """False: the server does not take all of it."""
        try:
            self.s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def more(self):
        try:
            d = self.s.recv(65536)
        except ConnectionResetError:
            d = b""
        except socket.timeout as e:
            raise Silent("no answer, and no end of the connection") from e
        if not d:
            raise Gone(self.left)
        self.left += d

    def line(self):
        while b"\r\n" not in self.left:
            self.more()
        line, self.left = self.left.split(b"\r\n", 1)
        return line

    def exactly(self, n):
        while len(self.left) < n:
            self.more()
        d, self.left = self.left[:n], self.left[n:]
        return d

    def head(self):
        """Status and headers of the next answer, but for 100."""
        while True:
            line = self.line()
            want(line.startswith(b"HTTP/1."), f"answered {line[:80]!r}")
            status = int(line.split()[1])
            headers = []
            while True:
                h = self.line()
                if not h:
                    break
                name, _, value = h.decode("latin-1").partition(":")
                headers.append((name.lower(), value.strip()))
            if status != 100:
                return status, headers
            self.continued = True

    def chunks(self):
        while True:
            n = int(self.line().split(b";")[0], 16)
            d = self.exactly(n)
            if n == 0:
                while self.line():
                    pass
                return
            self.exactly(2)
            yield d

    def response(self):
        self.continued = False
        status, headers = self.head()
        h = dict(headers)
        if "chunked" in h.get("transfer-encoding", ""):
            body = b"".join(self.chunks())
        elif "content-length" in h:
            body = self.exactly(int(h["content-length"]))
        elif status in (202, 204, 304):
            body = b""
        else:
            body = self.rest()
        return Response(status, headers, body)

    def rest(self):
        try:
            while True:
                self.more()
        except Gone:
            pass
        d, self.left = self.left, b""
        return d


def headers_for(m, revision=NEW):
    """What a well-behaved client sends with a message."""
    h = {"Content-Type": "application/json",
         "Accept": "application/json, text/event-stream"}
    if os.environ.get("MCP_TOKEN"):
        h["Authorization"] = "Bearer " + os.environ["MCP_TOKEN"]
    if revision:
        h["MCP-Protocol-Version"] = revision
    if revision != NEW or not isinstance(m, dict) or "method" not in m:
        return h
    h["Mcp-Method"] = str(m["method"])
    p = m.get("params")
    key = {"tools/call": "name", "prompts/get": "name", "tasks/get": "taskId",
           "tasks/update": "taskId", "tasks/cancel": "taskId",
           "resources/read": "uri"}.get(str(m["method"]))
    name = p.get(key) if isinstance(p, dict) else None
    if isinstance(name, str):
        plain = name.isascii() and name.isprintable() and name == name.strip()
        h["Mcp-Name"] = name if plain else (
            "=?base64?" + base64.b64encode(
                name.encode("utf-8", "surrogatepass")).decode() + "?=")
    return h


def raw_request(at, body=b"", headers=None, method="POST", path="/mcp",
                length=True):
    """headers: a dict, or a list of pairs; a Host of ours if there is none."""
    pairs = list(headers.items() if isinstance(headers, dict)
                 else headers or [])
    names = [n.lower() for n, _ in pairs]
    if "host" not in names:
        pairs.insert(0, ("Host", at))
    if length and "content-length" not in names:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{n}: {v}" for n, v in pairs if v is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Http:
    """A client by HTTP; each request on a connection of its own unless kept."""

    def __init__(self, at):
        self.at = at
        self.session = None

    def open(self, timeout=PATIENCE):
        return Connection(self.at, timeout)

    def raw(self, data, timeout=PATIENCE):
        """An answer, or None where there was none but the end."""
        c = self.open(timeout)
        c.put(data)
        try:
            return c.response()
        except Gone:
            return None
        finally:
            c.close()

    def post(self, m, headers=None, revision=NEW, **more):
        """headers: to be set, or with None to be left out."""
        body = text_of(m)
        h = headers_for(m, revision)
        for n, v in (headers or {}).items():
            for known in [k for k in h if k.lower() == n.lower()]:
                del h[known]
            h[n] = v
        return self.raw(raw_request(self.at, body, h, **more))

    # The older era.
    def old(self, method, params=None, id=1, session=None, **headers):
        m = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        if id is not None:
            m["id"] = id
        s = session or self.session
        h = {"Mcp-Session-Id": s} if s else {}
        h.update(headers)
        return self.post(m, h, revision=OLD)

    def initialize(self, capabilities=None, revision=OLD):
        for _ in range(60):
            r = self.old("initialize", {
                "protocolVersion": revision,
                "capabilities": capabilities or {},
                "clientInfo": {"name": "hostile", "version": "1"}})
            if not r or r.status not in (429, 503):
                break
            time.sleep(1)
        want(r and r.status == 200, f"initialize: {r}")
        self.session = r.header("mcp-session-id")
        self.old("notifications/initialized", id=None)
        return r.answer()


# ---- stdio -----------------------------------------------------------------

class Stdio:
    """A server of our own, spoken to by its standard streams."""

    def __init__(self, command, **more):
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0,
                                  stderr=subprocess.DEVNULL, **more)
        self.left = b""

    def put(self, data):
        """Waits for nobody to read; what is said meanwhile is kept."""
        data = memoryview(data)
        os.set_blocking(self.p.stdin.fileno(), False)
        end = time.monotonic() + PATIENCE
        while len(data):
            r, w, _ = select.select([self.p.stdout], [self.p.stdin], [], 1)
            if r:
                d = os.read(self.p.stdout.fileno(), 65536)
                self.left += d
                if not d:
                    return False
            if w:
                try:
                    n = os.write(self.p.stdin.fileno(), data[:65536])
                except BrokenPipeError:
                    return False
                data = data[n:]
            want(time.monotonic() < end, "the server does not read")
        return True

    def say(self, *messages):
        return self.put(b"".join(text_of(m) + b"\n" for m in messages))

    def line(self, within=PATIENCE):
        """The next line; None: the server has ended."""
        end = time.monotonic() + within
        while b"\n" not in self.left:
            wait = end - time.monotonic()
            r = select.select([self.p.stdout], [], [], max(wait, 0))[0]
            want(r, "no answer")
            d = os.read(self.p.stdout.fileno(), 65536)
            if not d:
                return None
            self.left += d
        line, self.left = self.left.split(b"\n", 1)
        return line

    def get(self, within=PATIENCE):
        line = self.line(within)
        return None if line is None else json.loads(line)

    def answer(self, id, within=PATIENCE):
        """The answer to id; what else is said is passed over."""
        while True:
            m = self.get(within)
            want(m is not None, "the server has ended")
            if "method" not in m and m.get("id") == id:
                return m

    def ask(self, m):
        self.say(m)
        return self.answer(m["id"])

    def initialize(self, revision=OLD, capabilities=None, id="init"):
        r = self.ask({"jsonrpc": "2.0", "id": id, "method": "initialize",
                      "params": {"protocolVersion": revision,
                                 "capabilities": capabilities or {},
                                 "clientInfo": {"name": "hostile",
                                                "version": "1"}}})
        self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return r

    def end(self, within=PATIENCE):
        """Its exit status, once nothing more is said to it."""
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass
        end = time.monotonic() + within
        while self.line(max(end - time.monotonic(), 0.1)) is not None:
            pass
        try:
            return self.p.wait(max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired as e:
            raise Wrong("it outlives its client") from e

    def peak_kib(self):
        return peak_kib(self.p.pid)


# ---- what is true of both --------------------------------------------------

def family(pid):
    """pid and those it has started."""
    out = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            for c in f.read().split():
                out += family(int(c))
    except OSError:
        pass
    return out


def peak_kib(pid):
    """The most memory that any of its processes ever had."""
    most = 0
    for p in family(pid):
        try:
            with open(f"/proc/{p}/status") as f:
                for line in f:
                    if line.startswith("VmHWM:"):
                        most = max(most, int(line.split()[1]))
        except OSError:
            pass
    return most
