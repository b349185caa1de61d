#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The prompt when its terminal goes away: python3 repl_gone.py FOLDER

Neither it nor what it runs stays, whoever is told of it: the prompt, when it
leads the session; what runs, when a shell does; nobody, when that shell is
deaf to it.
"""
import os
import pty
import select
import sys
import time

os.chdir(sys.argv[1])

LEADERS = {
    "itself": ["sched"],
    "a shell": ["sh", "-c", "sched; :"],
    "a deaf shell": ["sh", "-c", "trap '' HUP; sched; :"],
}
PASTE = b"\x1b[200~%s\x1b[201~"
# What is typed, and what is then on the screen.
CASES = {
    "nothing": (b"", b""),
    "half a line": (b"!touch done", b"!touch done"),
    "a pipeline": (b"sh -c 'echo run''s; sleep 60' | cat\r", b"runs"),
    "a deaf pipeline": (
        b"! trap '' HUP TERM; echo run''s; while :; do sleep 1; done\r",
        b"runs"),
    "several lines": (
        PASTE % b"!echo run''s; sleep 60\n!touch done\n" + b"\r", b"runs"),
    "watch": (b"watch sh -c 'echo run''s; sleep 60'\r", b"runs"),
    "watch, between": (b"watch -n 60 echo run''s\r", b"runs"),
}
# A job that is deaf to all gets a second.  The rest is for slow machines.
GONE_S = 6


def until(fd, what):
    text = b""
    while what not in text:
        if not select.select([fd], [], [], 20)[0]:
            sys.exit("no %r in %r" % (what, text))
        text += os.read(fd, 65536)


def in_session(leader):
    """Processes that are still there, and are no zombies."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="utf-8") as f:
                stat = f.read().rpartition(")")[2].split()
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if stat[0] != "Z" and int(stat[3]) == leader:
            found.append((pid, b" ".join(words)))
    return found


def begin(argv):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(argv[0], argv)
    os.set_inheritable(fd, False)
    until(fd, b"sched> ")
    return pid, fd


def end(pid, what):
    limit = time.time() + GONE_S
    left = in_session(pid)
    while left and time.time() < limit:
        time.sleep(0.02)
        left = in_session(pid)
    for other, _ in left:
        os.kill(int(other), 9)
    os.waitpid(pid, 0)
    if left:
        sys.exit("%s: %r stayed" % (what, left))
    if os.path.exists("done"):
        sys.exit("%s: a line was done without a terminal" % what)


def close_all():
    for leader, argv in LEADERS.items():
        begun = []
        for name, (typed, seen) in CASES.items():
            pid, fd = begin(argv)
            os.write(fd, typed)
            until(fd, seen)
            begun.append((pid, fd, "led by %s, %s" % (leader, name)))
        for _, fd, _ in begun:
            os.close(fd)
        for pid, _, what in begun:
            end(pid, what)


def in_the_background():
    """Nobody is left who could bring it to the foreground."""
    pid, fd = pty.fork()
    if pid == 0:
        if os.fork() == 0:
            os.setpgid(0, 0)
            if os.fork() == 0:
                while os.getppid() != 1:
                    time.sleep(0.01)
                os.execvp("sched", ["sched"])
            os._exit(0)
        os.wait()
        time.sleep(0.5)
        # It is gone while the terminal and its session still are there.
        for _ in range(GONE_S * 50):
            if len(in_session(os.getpid())) == 1:
                os._exit(0)
            time.sleep(0.02)
        os._exit(1)
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    left = in_session(pid)
    for other, _ in left:
        os.kill(int(other), 9)
    if status or left:
        sys.exit("in the background: it stayed")


close_all()
in_the_background()
