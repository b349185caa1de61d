# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile clients by HTTP, below its messages: mcp_hostile.py."""
import gzip
import socket
import struct
import time

from mcp_client import (Gone, Http, META, OLD, Silent, call, code_of,
                        headers_for, message, meta, raw_request, text_of, want)

HEADERS = -32020
TRICKS = {}


def trick(f):
    TRICKS[f.__name__.replace("_", "-")] = f
    return f


def lists(id=1):
    return message("tools/list", id=id)


def turned_away(r, *statuses):
    """Refused in words of HTTP, or by hanging up; never done."""
    if r is None:
        return
    want(r.status in (statuses or range(400, 600)), f"{r}")
    want(b'"result"' not in r.body, f"taken: {r}")


def waits_at_most(c):
    """Refused, or waited for as for any slow client: its patience ends."""
    c.s.settimeout(2)
    try:
        turned_away(c.response())
    except (Gone, Silent):
        pass
    finally:
        c.close()


def said_until(c, seconds):
    c.s.settimeout(seconds)
    try:
        return c.rest()
    except Silent:
        return c.left
    finally:
        c.close()


def raw(h, m=None, replaced=(), **more):
    """A good request as text, parts of it replaced."""
    m = m or lists()
    data = raw_request(h.at, text_of(m), headers_for(m), **more)
    for old, new in replaced:
        want(old in data, f"{old!r} is not in the request")
        data = data.replace(old, new, 1)
    return data


def only_once(h, data):
    """What is sent is one request at most: no second one hides in it."""
    c = h.open()
    c.put(data)
    answers = []
    c.s.settimeout(3)
    try:
        while True:
            answers.append(c.response())
            c.s.settimeout(1)
    except (Gone, Silent):
        pass
    finally:
        c.close()
    good = [a for a in answers if b'"result"' in a.body]
    want(len(good) <= 1, f"{len(answers)} answers: {answers}")
    return answers


# ---- who is asked, and from where ------------------------------------------

@trick
def host_of_others(h):
    port = h.at.rsplit(":", 1)[1]
    for host in ("evil.example", f"evil.example:{port}",
                 f"127.0.0.1.evil.example:{port}", f"localhost.evil:{port}",
                 f"evil.example#localhost:{port}", "0.0.0.0", "[::]",
                 f"localhost@evil.example:{port}", "169.254.169.254", "",
                 f"evil.localhost.example:{port}", "127.0.0.1\t.evil"):
        turned_away(h.post(lists(), {"Host": host}), 400, 403, 421)


@trick
def host_none_or_two(h):
    b = text_of(lists())
    hs = [(n, v) for n, v in headers_for(lists()).items()]
    turned_away(h.raw(raw(h, replaced=[(b"Host: " + h.at.encode() + b"\r\n",
                                        b"")])), 400, 403)
    for two in (("Host", "evil.example"), ("Host", h.at)):
        turned_away(h.raw(raw_request(h.at, b, [("Host", h.at), two] + hs)),
                    400, 403)
        turned_away(h.raw(raw_request(h.at, b, [two, ("Host", h.at)] + hs)),
                    400, 403)


@trick
def host_in_the_target(h):
    """Where a target names a host, that one counts."""
    for t in ("http://evil.example/mcp", "https://evil.example/mcp",
              "//evil.example/mcp", "http://evil.example@127.0.0.1/mcp"):
        turned_away(h.raw(raw(h, path=t)))


@trick
def origins_of_others(h):
    port = h.at.rsplit(":", 1)[1]
    for o in ("http://evil.example", "https://evil.example:443", "null", "*",
              f"http://localhost.evil.example:{port}", "file://", "",
              f"http://127.0.0.1.evil.example:{port}", "evil.example",
              f"http://localhost@evil.example:{port}", "http://[::1].evil",
              "chrome-extension://x", "http://localhost\t.evil.example"):
        turned_away(h.post(lists(), {"Origin": o}), 403, 400)
    b = text_of(lists())
    hs = [(n, v) for n, v in headers_for(lists()).items()]
    turned_away(h.raw(raw_request(h.at, b, hs + [
        ("Origin", f"http://{h.at}"), ("Origin", "http://evil.example")])))


@trick
def no_leave_for_browsers(h):
    """A preflight gets nothing that would let a page read an answer."""
    r = h.raw(raw_request(h.at, headers={
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"}, method="OPTIONS"))
    want(r is None or r.header("access-control-allow-origin") is None, f"{r}")
    r = h.post(lists())
    want(r.header("access-control-allow-origin") is None, f"{r.headers}")


# ---- what headers say of a message -----------------------------------------

@trick
def headers_that_lie(h):
    c = call("greet", {"name": "n"})
    for m, lie in ((lists(), {"Mcp-Method": "tools/call"}),
                   (lists(), {"Mcp-Method": "Tools/List"}),
                   (lists(), {"Mcp-Method": ""}),
                   (lists(), {"Mcp-Method": None}),
                   (c, {"Mcp-Name": "failing_job"}),
                   (c, {"Mcp-Name": "GREET"}),
                   (c, {"Mcp-Name": None}),
                   (c, {"Mcp-Name": "=?base64?Z3JlZXQ?="}),
                   (c, {"Mcp-Name": "=?base64?!!!!?="}),
                   (c, {"Mcp-Name": "=?base64?Z3JlZXQNCg==?="}),
                   (c, {"Mcp-Name": "=?base64??="}),
                   (lists(), {"MCP-Protocol-Version": OLD})):
        r = h.post(m, lie)
        turned_away(r, 400)
        want(r is not None and r.code() is not None, f"{lie}: {r}")
        if "MCP-Protocol-Version" not in lie:
            want(r.code() == HEADERS, f"{lie}: {r}")


@trick
def headers_twice(h):
    c = call("greet", {"name": "n"})
    b = text_of(c)
    for two in (("Mcp-Method", "tools/list"), ("Mcp-Name", "failing_job"),
                ("MCP-Protocol-Version", OLD)):
        for put in (lambda a, x: a + [x], lambda a, x: [x] + a):
            hs = put([(n, v) for n, v in headers_for(c).items()], two)
            turned_away(h.raw(raw_request(h.at, b, hs)), 400)


@trick
def header_names_injected(h):
    """No word of a client's gets into the headers of an answer."""
    evil = "x\r\nSet-Cookie: a=b\r\n\r\n<html>"
    for m in (message(evil), call(evil), message("resources/read",
                                                 {"uri": evil})):
        r = h.post(m)
        want(r is not None and r.header("set-cookie") is None, f"{r}")
        want(r.status in (400, 404) or r.code() == -32602, f"{r}")
    r = h.old("tools/list", session="x%0d%0aSet-Cookie:%20a=b")
    want(r is None or r.header("set-cookie") is None, f"{r}")


@trick
def content_types(h):
    for t in ("text/plain", "application/x-www-form-urlencoded",
              "multipart/form-data; boundary=x", "", "application/xml",
              "application/jsonx", "text/json", "application/json, text/html",
              None):
        turned_away(h.post(lists(), {"Content-Type": t}), 400, 415)
    for t in ("application/json; charset=utf-8", "APPLICATION/JSON"):
        r = h.post(lists(), {"Content-Type": t})
        want(r.status == 200, f"{t}: {r}")


@trick
def accepts_nothing(h):
    for a in ("text/html", "image/png", "application/jsonp", ""):
        turned_away(h.post(lists(), {"Accept": a}), 400, 406)
    r = h.post(lists(), {"Accept": "*/*"})
    want(r is not None and r.status in (200, 400, 406), f"{r}")


@trick
def compression_bomb(h):
    bomb = gzip.compress(b" " * (64 << 20))
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        turned_away(h.post(bomb, {**headers_for(lists()),
                                  "Content-Encoding": coding}), 400, 415)
    r = h.post(lists(), {"TE": "gzip", "Accept-Encoding": "gzip;q=1e999"})
    want(r.status == 200 and r.header("content-encoding") is None, f"{r}")


@trick
def headers_giant(h):
    for more in ([("X", "a" * 1_000_000)], [("a" * 100_000, "x")],
                 [(f"X-{i}", "x" * 50) for i in range(20_000)],
                 [("X", "") for _ in range(20_000)]):
        hs = [(n, v) for n, v in headers_for(lists()).items()] + more
        turned_away(h.raw(raw_request(h.at, text_of(lists()), hs)))
    turned_away(h.raw(raw(h, path="/mcp?" + "a" * 1_000_000)))
    turned_away(h.raw(raw(h, method="A" * 100_000)))


@trick
def headers_broken(h):
    line = b"Mcp-Method: tools/list"
    for bad in (b"Mcp-Method : tools/list", b" Mcp-Method: tools/list",
                b"Mcp-Method\0: tools/list",
                b": tools/list", b"Mcp-Method", b"Mcp-Method: a\r\n tools/list",
                b"M\xc3\xa9thod: tools/list\r\n" + b"Mcp-Method: tools/call"):
        turned_away(h.raw(raw(h, replaced=[(line, bad)])))


@trick
def old_sessions_forged(h):
    h.initialize()
    mine = h.session
    if mine is None:
        return
    for s in ("x", "0" * len(mine), mine[:-1], mine + "0", mine.swapcase() +
              "x", "../../x", "%00", "'; --", "s" * 100_000, mine[::-1]):
        turned_away(h.old("tools/list", session=s), 404, 400, 431)
        turned_away(h.raw(raw_request(h.at, headers={
            **headers_for(None, OLD), "Mcp-Session-Id": s},
            method="DELETE")))
    h.session = None
    turned_away(h.old("tools/list"), 400, 404)
    h.session = mine
    want(h.old("tools/list").status == 200, "its own session is gone")
    b = text_of({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    hs = list(headers_for(None, OLD).items())
    turned_away(h.raw(raw_request(h.at, b, hs + [
        ("Mcp-Session-Id", mine), ("Mcp-Session-Id", "x")])), 400, 404)


@trick
def old_sessions_after_their_end(h):
    h.initialize()
    if h.session is None:
        return
    gone = raw_request(h.at, headers={**headers_for(None, OLD),
                                      "Mcp-Session-Id": h.session},
                       method="DELETE")
    want(h.raw(gone).status in (200, 204, 405), "no end")
    turned_away(h.old("tools/list"), 404)
    turned_away(h.raw(gone), 404, 405)


@trick
def old_cancels_of_others(h):
    """Nobody ends a call but who made it."""
    h.initialize()
    other = Http(h.at)
    other.initialize()
    m = {"jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": {
        "name": "test_tool_with_progress", "arguments": {}}}
    c = h.open()
    c.put(raw_request(h.at, text_of(m), {
        **headers_for(None, OLD), "Mcp-Session-Id": h.session or "x"}))
    for _ in range(5):
        other.old("notifications/cancelled", {"requestId": "same"}, id=None)
    r = c.response()
    c.close()
    want(code_of(r.answer()) is None and "result" in r.answer(), f"{r}")


@trick
def old_streams(h):
    """GET: of a session only, one at a time, whatever it says it has seen."""
    turned_away(h.raw(raw_request(h.at, headers={
        "Accept": "text/event-stream"}, method="GET")), 400, 404, 405)
    turned_away(h.raw(raw_request(h.at, headers={
        "Accept": "text/event-stream", "Mcp-Session-Id": "x",
        "Last-Event-ID": "../" * 1_000}, method="GET")), 400, 404, 405, 431)
    h.initialize()
    if h.session is None:
        return
    kept = []
    for _ in range(40):
        c = h.open()
        kept.append(c)
        c.put(raw_request(h.at, headers={
            **headers_for(None, OLD), "Accept": "text/event-stream",
            "Mcp-Session-Id": h.session, "Last-Event-ID": "9" * 100},
            method="GET", length=False))
    want(h.old("tools/list").status == 200, "a session with many streams")
    for c in kept:
        c.close()


# ---- where a message ends --------------------------------------------------

def smuggled(h, headers, before=b"0\r\n\r\n"):
    """A request with these lines about its length, another in its body."""
    inner = raw(h, lists(666))
    data = raw(h, replaced=[(
        b"Content-Length: " + str(len(text_of(lists()))).encode() + b"\r\n",
        headers), (text_of(lists()), before + inner)])
    for a in only_once(h, data):
        want(b"666" not in a.body, f"{headers!r}: {a}")


@trick
def two_lengths(h):
    """Both ways to say a length, or one of them twice."""
    for hs in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
               b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
               b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n",
               b"Transfer-Encoding: chunked, identity\r\n",
               b"Transfer-Encoding: identity, chunked\r\n",
               b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
               b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n",
               b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n",
               b"Content-Length: 5\r\nContent-Length: 9\r\n",
               b"Content-Length: 5, 9\r\n"):
        smuggled(h, hs)


@trick
def lengths_strange(h):
    for v in (b"-1", b"+5", b"0x10", b"5 5", b"1e3", b"", b"five",
              b"18446744073709551616", b"18446744073709551615",
              b"9223372036854775807", b"99999999999999999999999"):
        n = str(len(text_of(lists()))).encode()
        c = h.open()
        c.put(raw(h, replaced=[(b"Content-Length: " + n,
                                b"Content-Length: " + v)]))
        waits_at_most(c)


@trick
def chunks_strange(h):
    for body in (b"ffffffffffffffff\r\nx", b"-5\r\nhello\r\n", b"g\r\n\r\n",
                 b"5;" + b"x" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n",
                 b"5\nhello\n0\n\n", b"0x5\r\nhello\r\n0\r\n\r\n",
                 b"5\r\nhelloXX0\r\n\r\n", b"\r\n", b"1" * 100_000):
        n = str(len(text_of(lists()))).encode()
        c = h.open()
        c.put(raw(h, replaced=[(b"Content-Length: " + n,
                                b"Transfer-Encoding: chunked"),
                               (text_of(lists()), body)]))
        waits_at_most(c)


@trick
def chunks_small_and_trailers(h):
    """Each byte in a chunk is no mistake; a trailer is no header."""
    b = text_of(call("greet", {"name": "é€😀"}))
    chunks = b"".join(b"1\r\n" + bytes([x]) + b"\r\n" for x in b)
    r = h.raw(raw_request(h.at, chunks + b"0\r\nX: y\r\n\r\n", {
        **headers_for(call("greet")), "Transfer-Encoding": "chunked"},
        length=False))
    want(r is not None and "é€😀" in r.body.decode() or
         "\\u00e9" in r.body.decode(), f"{r}")
    hs = headers_for(lists())
    del hs["Mcp-Method"]
    r = h.raw(raw_request(h.at, b"%x\r\n%s\r\n0\r\nMcp-Method: tools/list"
                          b"\r\n\r\n" % (len(text_of(lists())),
                                         text_of(lists())),
                          {**hs, "Transfer-Encoding": "chunked",
                           "Trailer": "Mcp-Method"}, length=False))
    turned_away(r, 400)


@trick
def trailers_endless(h):
    n = str(len(text_of(lists()))).encode()
    c = h.open()
    c.put(raw(h, replaced=[(b"Content-Length: " + n,
                            b"Transfer-Encoding: chunked"),
                           (text_of(lists()), b"0\r\n")]))
    for i in range(2_000):
        if not c.put(b"X-%d: %s\r\n" % (i, b"y" * 2_000)):
            break
    waits_at_most(c)


@trick
def continue_expected(h):
    b = text_of(lists())
    c = h.open()
    head = raw_request(h.at, b, {**headers_for(lists()),
                                 "Expect": "100-continue"})
    c.put(head[:-len(b)])
    time.sleep(0.3)
    c.put(b)
    want(c.response().status == 200, "after 100-continue")
    c.close()
    r = h.post(lists(), {"Expect": "200-ok; " + "x" * 1_000})
    want(r is None or r.status in (200, 400, 417), f"{r}")
    # What is too large is said before it is sent.
    c = h.open()
    c.put(raw_request(h.at, b"", {**headers_for(lists()), "Content-Length":
                                  str(1 << 40), "Expect": "100-continue"}))
    try:
        turned_away(c.response(), 413, 417, 400)
    except Gone:
        pass
    c.close()


@trick
def pipelining(h):
    """Many at once on one connection: each its own answer, in order."""
    c = h.open()
    c.put(b"".join(raw(h, lists(i)) for i in range(200)))
    for i in range(200):
        a = c.response().answer()
        want(a["id"] == i and "result" in a, f"{i}: {str(a)[:200]}")
    c.close()


@trick
def body_short_or_long(h):
    b = text_of(lists())
    data = raw_request(h.at, b, {**headers_for(lists()),
                                 "Content-Length": str(len(b) + 10)})
    c = h.open()
    c.put(data)
    c.s.shutdown(socket.SHUT_WR)
    waits_at_most(c)
    only_once(h, raw(h) + b"garbage\r\n\r\n" + b"\0" * 1_000)


@trick
def half_closed(h):
    """Who has said all may say so, and is answered."""
    c = h.open()
    c.put(raw(h, call("test_tool_with_progress", {})))
    c.s.shutdown(socket.SHUT_WR)
    try:
        r = c.response()
        want(r.status == 200 and b'"result"' in r.body, f"{r}")
    except Gone:
        pass  # as one who went away
    c.close()


@trick
def reset_in_the_middle(h):
    for cut in (1, 20, 200, None):
        for _ in range(20):
            c = h.open()
            c.put(raw(h, call("test_tool_with_progress", {}))[:cut])
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack("ii", 1, 0))
            c.close()


# ---- not our protocol ------------------------------------------------------

@trick
def other_protocols(h):
    for data in (b"GET /mcp\r\n", b"GET /mcp\r\n\r\n",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\4\0\0\0\0\0",
                 b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 512,
                 b"SSH-2.0-x\r\n", b"\0" * 100, b"\r\n" * 10_000,
                 b"POST /mcp HTTP/3.0\r\nHost: x\r\n\r\n",
                 b"POST /mcp HTTP/1.1\nHost: x\n\n",
                 b"POST /mcp HTTP/9" + b"9" * 10_000 + b"\r\n\r\n",
                 b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n",
                 b"EHLO evil\r\n", b"HELP\n" * 1_000):
        c = h.open()
        c.put(data)
        try:
            c.s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        said = said_until(c, 2)
        want(b'"result"' not in said and b" 101 " not in said and
             not said.startswith(b"HTTP/1.1 200"), f"{data[:40]!r}: {said}")


@trick
def upgrades(h):
    for to in ("websocket", "h2c", "TLS/1.3"):
        r = h.post(lists(), {
            "Upgrade": to, "Connection": "Upgrade, HTTP2-Settings",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version": "13", "HTTP2-Settings": "AAMAAABk"})
        want(r is None or r.status != 101, f"{r}")
        r = h.raw(raw_request(h.at, headers={
            "Upgrade": to, "Connection": "Upgrade",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version": "13"}, method="GET"))
        turned_away(r)


@trick
def other_methods(h):
    for m in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "CONNECT",
              "PROPFIND", "post", "POSTX", "P\tOST"):
        c = h.open()
        c.put(raw(h, method=m))
        said = said_until(c, 2)
        want(b'"result"' not in said and b" 200 " not in said[:20],
             f"{m}: {said[:200]}")
        want(b"Mcp-Method: tools/list" not in said, f"{m}: {said}")


@trick
def other_paths(h):
    for p in ("/", "/mcp/../etc/passwd", "/../../../etc/passwd",
              "/MCP", "/mcp/x", "/%6dcp/..", "/.well-known/x", "*", "",
              "/mcp%2f..%2f..%2fetc%2fpasswd", "mcp", "/mcp\\..\\x"):
        r = h.raw(raw(h, path=p))
        turned_away(r)
        want(r is None or b"root:" not in r.body, f"{p}: {r}")


# ---- too much, or too slow -------------------------------------------------

@trick
def slow_headers(h):
    kept = [h.open() for _ in range(60)]
    data = raw(h)
    for i in range(20):
        for c in kept:
            c.put(data[i:i + 1])
        time.sleep(0.1)
    for c in kept:
        c.close()


@trick
def slow_bodies(h):
    b = text_of(call("greet", {"name": "a" * 3_000_000}))
    kept = [h.open() for _ in range(60)]
    for c in kept:
        c.s.settimeout(5)
        try:
            c.put(raw_request(h.at, b, headers_for(call("greet")))[:65_536])
        except socket.timeout:
            pass
    for _ in range(10):
        time.sleep(0.2)
        for c in kept:
            try:
                c.s.send(b"a", socket.MSG_DONTWAIT)
            except OSError:
                pass
    for c in kept:
        c.close()


@trick
def many_large_bodies(h):
    """All but its last byte, of as many as connections are taken."""
    b = text_of(call("greet", {"name": "a" * 3_900_000}))
    data = raw_request(h.at, b, headers_for(call("greet")))[:-1]
    kept = []
    for _ in range(100):
        try:
            c = h.open(2)
            kept.append(c)
            c.put(data)
        except OSError:
            pass
    for c in kept:
        c.close()


@trick
def connections_flood(h):
    kept = []
    for _ in range(1_000):
        try:
            kept.append(h.open(1))
        except OSError:
            break
    for c in kept:
        c.close()


@trick
def sessions_flood(h):
    """Old sessions are no way to fill the memory, nor to lock others out."""
    first = Http(h.at)
    first.initialize()
    c = h.open()
    m = text_of({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": OLD, "capabilities": {},
        "clientInfo": {"name": "n" * 1_000, "version": "1"}}})
    for _ in range(3_000):
        try:
            c.put(raw_request(h.at, m, headers_for(None, OLD)))
            r = c.response()
        except Gone:
            c = h.open()
            continue
        want(r.status in (200, 429, 503), f"{r}")
    c.close()
    end = time.monotonic() + 60
    while True:
        r = first.old("tools/list")
        if r.status in (200, 404):
            break
        want(r.status == 429 and time.monotonic() < end, f"{r}")
        time.sleep(1)


@trick
def watches_flood(h):
    kept = []
    m = message("subscriptions/listen", {"notifications": {
        "resourceSubscriptions": ["test://watched-resource"] * 1_000}})
    for i in range(300):
        try:
            c = h.open(2)
            kept.append(c)
            c.put(raw(h, {**m, "id": f"w{i}"}))
        except OSError:
            pass
    time.sleep(0.5)
    for c in kept:
        c.close()


@trick
def tasks_flood(h):
    """What is begun and never asked for."""
    can = {"_meta": meta(capabilities={"extensions": {META + "tasks": {}}})}
    tasks = []
    c = h.open()
    for i in range(2_000):
        m = call("slow_compute", {"seconds": 60, "label": f"l{i}"}, **can)
        try:
            c.put(raw(h, m))
            r = c.response()
        except Gone:
            c = h.open()
            continue
        a = r.answer()
        t = a.get("result", {}).get("taskId")
        if t:
            tasks.append(t)
    for t in tasks:
        m = message("tasks/cancel", {"taskId": t, **can})
        try:
            c.put(raw(h, m))
            c.response()
        except Gone:
            c = h.open()
    c.close()


@trick
def messages_flood(h):
    c = h.open()
    for i in range(5_000):
        c.put(raw(h, message("tools/list", id=i)))
        r = c.response()
        want(r.status in (200, 429), f"{r}")
    c.close()


@trick
def deaf(h):
    """Asks and asks, and never reads an answer."""
    kept = [h.open(2) for _ in range(10)]
    data = raw(h) * 200
    for c in kept:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        try:
            for _ in range(50):
                if not c.put(data):
                    break
        except socket.timeout:
            pass
    for c in kept:
        c.close()


@trick
def calls_left_alone(h):
    """Starts what takes long, and goes: in the new era that is a cancel."""
    for _ in range(200):
        c = h.open()
        c.put(raw(h, call("slow_compute", {"seconds": 60})))
        c.close()
