#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile clients of an MCP server, for mcp-hostile.bats and -stdio.bats.

    mcp_hostile.py --list                    TRANSPORT TRICK, a line for each
    mcp_hostile.py stdio COMMAND... TRICK    the server is started for it
    mcp_hostile.py http HOST:PORT TRICK      a server that is there
    mcp_hostile.py peak PID KIB              whether it ever had more memory

While a trick is done by HTTP another client works, and is to be served.
MCP_TOOLKIT: the server is sched-mcp, which has not the tools of the fixture.
"""
import os
import sys
import threading
import time

import mcp_http
import mcp_stdio
import mcp_words
from mcp_client import (NEW, Connection, Gone, Http, Response, Stdio, Wrong,
                        call, headers_for, message, peak_kib, raw_request,
                        text_of, want)

TOOLKIT = "MCP_TOOLKIT" in os.environ
PEAK_KIB = int(os.environ.get("MCP_PEAK_KIB", 128 << 10))


class ByHttp:
    """What is said goes by POST; what comes back are messages."""

    def __init__(self, at):
        self.h = Http(at)
        self.r = None

    def with_revision(self, v):
        ok = isinstance(v, str) and v.isprintable() and len(v) < 1000
        return {"revision": v if ok else NEW}

    def say(self, m, like=None, first=False):
        revision = NEW
        if isinstance(like, dict) and "revision" in like:
            revision, like = like["revision"], None
        shown = like if isinstance(m, bytes) or like else m
        h = headers_for(shown)
        h["MCP-Protocol-Version"] = revision
        name = h.get("Mcp-Name", "")
        # What would be too long for a header stays away from it.
        if len(name) > 4096:
            h["Mcp-Name"] = "x"
        if len(h.get("Mcp-Method", "")) > 4096 or \
                not h.get("Mcp-Method", "").isprintable() or \
                not h.get("Mcp-Method", "").isascii():
            h["Mcp-Method"] = "x"
        data = raw_request(self.h.at, text_of(m), h)
        if first:
            return self.first(data)
        self.r = self.h.raw(data)
        return self.r.messages() if self.r else []

    def first(self, data):
        """The first message of a stream that may have no end."""
        c = Connection(self.h.at)
        c.put(data)
        self.r = None
        try:
            status, headers = c.head()
            if "chunked" not in dict(headers).get("transfer-encoding", ""):
                n = int(dict(headers).get("content-length", 0))
                self.r = Response(status, headers, c.exactly(n))
                return self.r.messages()
            body = b""
            for d in c.chunks():
                body += d
                m = Response(status, headers, body + b"\n\n").messages() \
                    if body.endswith(b"\n\n") else []
                if m:
                    return m[:1]
            return []
        except Gone:
            return []
        finally:
            c.close()

    def no_success(self):
        want(self.r is None or self.r.status >= 400, f"{self.r}")


class ByStdio:
    """What is said is a line; what comes back, the lines until a mark."""

    def __init__(self, s):
        self.s = s
        self.n = 0

    def with_revision(self, v):
        return None

    def say(self, m, like=None, first=False):
        self.n += 1
        mark = f"mark-{self.n}"
        self.s.put(text_of(m).replace(b"\n", b" ") + b"\n")
        said = []
        self.s.say(message("server/discover", id=mark))
        while True:
            a = self.s.get()
            want(a is not None, "the server has ended")
            if isinstance(a, dict) and a.get("id") == mark:
                return said
            said.append(a)

    def no_success(self):
        pass


def good(i):
    if TOOLKIT:
        return message("tools/list", id=i)
    return call("greet", {"name": f"well {i}"}, id=i)


def check_good(i, a):
    want(a.get("id") == i and "result" in a, f"{a}")
    want(TOOLKIT or f"well {i}" in a["result"]["content"][0]["text"], f"{a}")


class Well(threading.Thread):
    """A well-behaved client that works on, while others do not behave."""

    def __init__(self, at):
        super().__init__(daemon=True)
        self.at, self.served, self.slowest = at, 0, 0.0
        self.begun, self.over = threading.Event(), threading.Event()
        self.wrong = None

    def once(self, c, i):
        m = good(i)
        start = time.monotonic()
        while True:
            c.put(raw_request(self.at, text_of(m), headers_for(m)))
            r = c.response()
            # It is of the same name as the hostile ones, and asked to wait.
            if r.status != 429 or time.monotonic() - start > 60:
                break
            self.over.wait(float(r.header("retry-after")))
        a = r.answer()
        check_good(i, a)
        self.served += 1
        self.slowest = max(self.slowest, time.monotonic() - start)

    def anew(self, i):
        """Served by a new connection, as soon as those before are gone."""
        end = time.monotonic() + 30
        while True:
            try:
                c = Connection(self.at)
                self.once(c, i)
                return c
            except (Gone, OSError):
                want(time.monotonic() < end, "nobody new is served")
                time.sleep(0.2)

    def run(self):
        i = 1
        try:
            c = self.anew(i)
            self.begun.set()
            while not self.over.is_set():
                i += 1
                self.once(c, i)
                self.over.wait(0.02)
            self.anew(i + 1)
        except Gone:
            self.wrong = f"hung up on after {self.served} calls"
        except (Wrong, OSError, KeyError) as e:
            self.wrong = f"after {self.served} calls: {e!r}"
        finally:
            self.begun.set()

    def begin(self):
        """Served once before the others come: they may take all places."""
        self.start()
        self.begun.wait(120)

    def end(self):
        self.over.set()
        self.join(120)
        want(self.wrong is None, f"a client that behaves well: {self.wrong}")
        want(not self.is_alive() and self.served > 0, "it was not served")


def by_http(at, name):
    well = Well(at)
    well.begin()
    try:
        if name in mcp_http.TRICKS:
            mcp_http.TRICKS[name](Http(at))
        else:
            mcp_words.TRICKS[name](ByHttp(at))
    finally:
        well.over.set()
        well.join(120)
    well.end()


def by_stdio(command, name):
    s = Stdio(command)
    try:
        if name in mcp_stdio.TRICKS:
            mcp_stdio.TRICKS[name](s)
        else:
            mcp_words.TRICKS[name](ByStdio(s))
            check_good("last", s.ask(good("last")))
        if s.p.poll() is None:
            enough(s.p.pid, PEAK_KIB)
            if not s.p.stdin.closed and not s.p.stdout.closed and \
                    name != "deaf":
                want(s.end() == 0, "it did not end with its client")
    finally:
        s.p.kill()
        s.p.wait()


def enough(pid, kib):
    got = peak_kib(pid)
    want(0 < got < kib, f"its memory was {got} KiB, {kib} are enough")


def main(argv):
    if argv[1:] == ["--list"]:
        for t, tricks in (("http", (mcp_words, mcp_http)),
                          ("stdio", (mcp_words, mcp_stdio))):
            for m in tricks:
                for name in m.TRICKS:
                    print(t, name)
        return 0
    try:
        if argv[1] == "http":
            by_http(argv[2], argv[3])
        elif argv[1] == "stdio":
            by_stdio(argv[2:-1], argv[-1])
        else:
            enough(int(argv[2]), int(argv[3]))
    except Wrong as e:
        print(f"wrong: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
