# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP/1.1 as bytes on a socket: what a fault needs to be able to break."""
import select
import socket
import struct


class Connection:
    """A socket with a buffer before it and a count behind it."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent = 0
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        self.sock.close()

    def fill(self):
        """More into the buffer; False at the end."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        self.buffer += data
        return bool(data)

    def send(self, data):
        self.sock.sendall(data)
        self.sent += len(data)

    def reset(self):
        """Ends with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.closed = True
        self.sock.close()

    def hang(self):
        """Says nothing until the other end gives up."""
        self.closed = True
        while self.fill():
            self.buffer = b""

    def gone(self):
        """Whether the other end has given up."""
        if select.select([self.sock], [], [], 0)[0]:
            return not self.fill()
        return False


class Request:
    def __init__(self, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ", 2)
        self.path = self.target.split("?", 1)[0]
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.body = b""


def read_request(c):
    """None: there is none any more."""
    while b"\r\n\r\n" not in c.buffer:
        if not c.fill():
            return None
    head, c.buffer = c.buffer.split(b"\r\n\r\n", 1)
    r = Request(head)
    if r.headers.get("expect", "").lower() == "100-continue":
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    if r.headers.get("transfer-encoding", "").lower() == "chunked":
        r.body = read_chunks(c)
        return r
    size = int(r.headers.get("content-length", 0))
    while len(c.buffer) < size:
        if not c.fill():
            return None
    r.body, c.buffer = c.buffer[:size], c.buffer[size:]
    return r


def read_chunks(c):
    body = b""
    while True:
        while b"\r\n" not in c.buffer and c.fill():
            pass
        line, c.buffer = c.buffer.split(b"\r\n", 1)
        size = int(line.split(b";")[0], 16)
        while len(c.buffer) < size + 2 and c.fill():
            pass
        body += c.buffer[:size]
        c.buffer = c.buffer[size + 2:]
        if size == 0:
            return body


def head(status, headers):
    """A status line and headers; a header may have several values."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}"]
    for name, value in headers.items():
        for v in value if isinstance(value, list) else [value]:
            lines.append(f"{name}: {v}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


REASONS = {200: "OK", 302: "Found", 307: "Temporary Redirect",
           400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error"}


def respond(c, status, headers, body):
    """A whole answer in one piece."""
    headers = {"content-type": "application/json",
               "content-length": str(len(body)), **headers}
    c.send(head(status, headers) + body)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def pieces(data, split, rng):
    """Cuts bytes as a fault says: a size or "random"."""
    if not split:
        yield data
        return
    at = 0
    while at < len(data):
        n = rng.choice((1, 2, 3, 5, 8, 40)) if split == "random" else split
        yield data[at:at + n]
        at += n
