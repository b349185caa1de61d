# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong on the way to an answer, or only looks odd.

A step's "fault", all of it optional; what is not said goes well.

Instead of the answer:
  "status": N           with "error": {"message", "type", "code"} in the
                        dialect's form, or "body": TEXT
  "raw": TEXT           these bytes and then the end of the connection
  "hang": "first_byte"  never a byte; "headers": nothing after the headers
  "endless": "headers"  headers without end
Of any answer:
  "headers": {NAME: VALUE or [VALUE...]}; {"date": SECONDS}: an HTTP date so
                        far from now
  "type": TYPE          the content type
  "delay": S            before the first byte
  "body": TEXT          this one, whatever the answer
  "fill": [TEXT, N]     "{fill}" in it becomes N times TEXT
  "gzip": true          compressed, whatever was asked for
  "chunks": "broken"    chunks whose second size is no number
  "drip": S             after the headers, a byte that says nothing every S
                        seconds, and never an end
  "cut": {"bytes": N, "how": HOW}, in a stream also "events": N, negative:
                        that many before the end; HOW is "close" (less than
                        promised), "reset" or "hang", in a stream also "end"
                        (as if it were all)
Of a stream:
  "split": N or "random"; "pause": S   pieces of so many bytes, so far apart
  "eol": TEXT           instead of a line feed
  "bom", "comments", "pings", "unknown", "lines", "tight": true   a byte order
                        mark; comments; pings; fields and events nobody knows;
                        data in several lines; no space after the colon
  "open_end": true      no empty line after the last event
  "error_after": N      events, then "error" after all
Of what is said:
  "calls"               "no_index", "no_id", "whole" (in one fragment), "text"
                        (in tags), "object" (arguments as the script has them,
                        an object or any text, not as JSON in a string)
  "choices": VALUE      instead of the choices (content), in a stream those of
                        the last chunk; "missing": none

Texts are sent as Latin-1 where they are "body" or "raw", so that every byte
can be said.  In them and in an error's message "{key}" is the key that came
with the request, "{port}" the endpoint's port.
"""
import email.utils
import json
import random
import time
import zlib

import wire

PIECE = 1 << 16
# Stands for "{fill}": one character, which no fragment cuts in two.
FILL = "\ue000"


def play(c, request, dialect, step, port):
    """Answers a request as its step says."""
    fault, answer = step.get("fault", {}), step.get("answer", {})
    words = {"{key}": dialect.key() or "", "{port}": str(port)}
    # Before it falls into fragments.
    answer = replaced(answer, {**words, "{fill}": FILL})
    if fault.get("delay"):
        time.sleep(fault["delay"])
    if fault.get("hang") == "first_byte":
        c.hang()
    elif fault.get("endless") == "headers":
        endless_headers(c)
    elif "raw" in fault:
        c.send(replaced(fault["raw"], words).encode("latin-1"))
        c.closed = True
    else:
        Answer(c, dialect, answer, fault, words).send()
    if request.headers.get("connection", "").lower() == "close":
        c.closed = True


def replaced(value, words):
    """A text or all texts of a value with the words put in."""
    if isinstance(value, dict):
        return {replaced(k, words): replaced(v, words)
                for k, v in value.items()}
    if isinstance(value, list):
        return [replaced(v, words) for v in value]
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace(name, word)
    return value


def endless_headers(c):
    c.send(b"HTTP/1.1 200 OK\r\n")
    n = 0
    while not c.gone():
        c.send(b"".join(b"x-junk-%d: %s\r\n" % (n + i, b"j" * 200)
                        for i in range(50)))
        n += 50


class Answer:
    def __init__(self, c, dialect, answer, fault, words):
        self.c = c
        self.dialect = dialect
        self.answer = answer
        self.fault = fault
        self.words = words
        self.status = fault.get("status", 200)
        self.stream = (self.status == 200 and dialect.streaming()
                       and "body" not in fault)

    def send(self):
        data, cut = self.stream_data() if self.stream else self.body()
        source = filled(data, self.fault.get("fill"))
        if self.fault.get("gzip"):
            source = compressed(source)
        # A length is promised where there is one piece of known size.
        known = "fill" not in self.fault and not self.fault.get("gzip")
        chunked = self.stream or not known or "chunks" in self.fault
        headers = self.headers()
        if chunked:
            headers["transfer-encoding"] = "chunked"
        else:
            headers["content-length"] = str(len(data))
        head = wire.head(self.status, headers)
        if self.fault.get("hang") == "headers":
            self.c.send(head)
            self.c.hang()
        elif "drip" in self.fault:
            self.c.send(head)
            self.drip(chunked)
        elif cut is not None:
            self.c.send(head)
            self.cut(data[:cut], chunked)
        elif not chunked:
            self.c.send(head)
            self.pieces(data, False)
        else:
            self.c.send(head)
            self.chunks(source)

    def headers(self):
        kind = "text/event-stream" if self.stream else "application/json"
        kind = replaced(self.fault.get("type", kind), self.words)
        out = {"content-type": kind,
               "x-request-id": "req_1"}
        if self.fault.get("gzip"):
            out["content-encoding"] = "gzip"
        for name, value in self.fault.get("headers", {}).items():
            if isinstance(value, dict):
                value = email.utils.formatdate(time.time() + value["date"],
                                               usegmt=True)
            out[name] = replaced(value, self.words)
        return out

    # ---- what is said ------------------------------------------------

    def body(self):
        """(bytes, where they are cut or None)"""
        f = self.fault
        if "body" in f:
            data = replaced(f["body"], self.words).encode("latin-1")
            data = data.replace(b"{fill}", FILL.encode())
        elif self.status != 200:
            data = self.error()
        else:
            data = self.dialect.whole(self.answer, f).encode()
        return data, f.get("cut", {}).get("bytes", len(data)
                                          if "cut" in f else None)

    def error(self):
        e = self.fault.get("error", {})
        return self.dialect.error(
            replaced(e.get("message", "as the script says"), self.words),
            e.get("type", "api_error"), e.get("code"))

    def stream_data(self):
        f = self.fault
        events = self.dialect.events(self.answer, f)
        if "error_after" in f:
            e = f.get("error", {})
            events = events[:f["error_after"]] + [self.dialect.stream_error(
                replaced(e.get("message", "as the script says"), self.words),
                e.get("type", "overloaded_error"))]
        written = [self.event(kind, data) for kind, data in events]
        if f.get("open_end"):
            written[-1] = written[-1][:-len(f.get("eol", "\n"))]
        text = "".join(written)
        bom = b"\xef\xbb\xbf" if f.get("bom") else b""
        data = bom + text.encode()
        cut = f.get("cut", {})
        if "events" in cut:
            return data, len("".join(written[:cut["events"]]).encode())
        return data, cut.get("bytes")

    def event(self, kind, data):
        """One event in the form that the fault asks for."""
        f = self.fault
        eol, space = f.get("eol", "\n"), "" if f.get("tight") else " "
        lines = []
        if f.get("comments"):
            lines += [": keep-alive", ":", ""]
        if f.get("pings"):
            lines += ["event:" + space + "ping",
                      "data:" + space + '{"type": "ping"}', ""]
        if f.get("unknown"):
            lines += ["event: of_the_future", 'data: {"type": "of_the_future"}',
                      "", "retry: 10", "id: a\0b", "nonsense", "what: ever"]
        if kind:
            lines.append("event:" + space + kind)
        if f.get("lines") and data != "[DONE]":
            data = json.dumps(json.loads(data), indent=1, ensure_ascii=False)
        lines += ["data:" + space + s for s in data.split("\n")]
        return eol.join(lines) + eol + eol

    # ---- how it goes out ---------------------------------------------

    def pieces(self, data, chunked):
        rng = random.Random(1)
        for piece in wire.pieces(data, self.fault.get("split"), rng):
            self.c.send(wire.chunk(piece) if chunked else piece)
            if self.fault.get("pause"):
                time.sleep(self.fault["pause"])

    def chunks(self, source):
        for i, data in enumerate(source):
            if i == 0 and self.fault.get("chunks") == "broken":
                self.c.send(wire.chunk(data[:7]) + b"xyzzy\r\n" + data[7:])
                self.c.closed = True
                return
            self.pieces(data, True)
        self.c.send(b"0\r\n\r\n")

    def cut(self, data, chunked):
        how = self.fault["cut"].get("how", "close")
        if data:
            self.pieces(data, chunked)
        if how == "end":
            self.c.send(b"0\r\n\r\n")
        elif how == "reset":
            # What is under way may be lost with a reset: let it arrive.
            time.sleep(0.02)
            self.c.reset()
        elif how == "hang":
            self.c.hang()
        else:
            self.c.closed = True

    def drip(self, chunked):
        byte = b": \n\n" if self.stream else b" "
        while not self.c.gone():
            self.c.send(wire.chunk(byte) if chunked else byte)
            time.sleep(self.fault["drip"])


def filled(data, fill):
    """The bytes in pieces, with what FILL stands for."""
    if not fill:
        yield data
        return
    unit, count = fill[0].encode(), fill[1]
    before, mark, after = data.partition(FILL.encode())
    yield before
    per_piece = max(1, PIECE // len(unit))
    while mark and count > 0:
        n = min(count, per_piece)
        yield unit * n
        count -= n
    if after:
        yield after


def compressed(source):
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    for data in source:
        if out := z.compress(data):
            yield out
    yield z.flush()
