#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The prompt on terminals that tmux cannot be: python3 repl.py FOLDER

A serial line has no size; a dumb terminal gets no sequence of control
characters; a locale without UTF-8 gets ASCII only.
"""
import os
import pty
import re
import select
import sys
import time

os.chdir(sys.argv[1])


class Terminal:
    def __init__(self, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env)
            os.execvp("sched", ["sched"])
        self.text = b""

    def send(self, data):
        os.write(self.fd, data)

    def until(self, what, seconds=20):
        """What came up to the text, which has to come."""
        end = time.time() + seconds
        while what not in self.text:
            ready, _, _ = select.select([self.fd], [], [], end - time.time())
            if not ready:
                sys.exit("no %r in %r" % (what, self.text))
            self.text += os.read(self.fd, 65536)
        at = self.text.index(what) + len(what)
        seen, self.text = self.text[:at], self.text[at:]
        return seen

    def leave(self):
        self.send(b"\x04")
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if status != 0:
            sys.exit("left with %d" % status)


def fail_if(found, what):
    if found:
        sys.exit("%s: %r" % (what, found))


for term, locale in [("dumb", "C"), ("vt100", "C"), ("dumb", "C.UTF-8"),
                     ("vt100", "C.UTF-8"), ("", "C"), ("nonesuch", "C")]:
    t = Terminal(TERM=term, LC_ALL=locale, NO_COLOR="1")
    seen = t.until(b"sched> ")
    t.send(b"load profile\r")
    seen += t.until(b"sched> ")
    t.send(b"last | synth -b rules -n 2\r")
    seen += t.until(b"what it sets")
    seen += t.until(b"sched> ")
    t.send(b"synth --r\t\t")
    seen += t.until(b"about how many")
    seen += t.until(b"sched> ")
    t.send(b"\x03")
    seen += t.until(b"sched> ")
    t.send(b"watch -n 0.1 sh -c 'echo again'\r")
    seen += t.until(b"again\r\n")
    seen += t.until(b"again\r\n")
    t.send(b"q")
    seen += t.until(b"sched> ")
    t.leave()
    if term in ("dumb", ""):
        fail_if(b"\x1b" in seen and seen,
                "control sequences on a dumb terminal")
    fail_if(re.search(rb"\x1b\[[0-9;]*m", seen), "colours")
    if locale == "C":
        fail_if(re.search(rb"[\x80-\xff]", seen), "not ASCII")
