# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP proxy: CONNECT and absolute URLs, to 127.0.0.1 alone."""
import json
import socket
import threading
from urllib.parse import urlsplit

import wire


class Proxy:
    def __init__(self, log):
        self.log_path = log
        self.lock = threading.Lock()

    def log(self, r):
        if not self.log_path:
            return
        with self.lock, open(self.log_path, "a", encoding="utf-8") as f:
            f.write(json.dumps({"method": r.method, "target": r.target,
                                "headers": r.headers}) + "\n")

    def serve(self, conn):
        with wire.Connection(conn) as c:
            r = wire.read_request(c)
            if r is None:
                return
            self.log(r)
            if r.method == "CONNECT":
                port = int(r.target.rsplit(":", 1)[1])
            else:
                url = urlsplit(r.target)
                port = url.port or 80
            with socket.create_connection(("127.0.0.1", port)) as there:
                if r.method == "CONNECT":
                    c.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    there.sendall(forwarded(r, url))
                there.sendall(c.buffer)
                both_ways(c.sock, there)


def forwarded(r, url):
    lines = [f"{r.method} {url.path} HTTP/1.1", "connection: close"]
    lines += [f"{n}: {v}" for n, v in r.headers.items()
              if n not in ("proxy-connection", "connection")]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + r.body


def both_ways(a, b):
    up = threading.Thread(target=copy, args=(a, b), daemon=True)
    up.start()
    copy(b, a)
    up.join(5)


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
