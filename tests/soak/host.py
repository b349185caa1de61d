# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with sched_ext, on which sched-deploy watch lives: a guest.  What it
prints is told when it ends: a session whose guest was killed says nothing."""
import os
import subprocess
import threading

import faults
import measure
from world import TREE, Life

BOOT_S = 150  # and what a session has to do before and after
LEAST_S = 60  # shorter sessions show nothing


class Host(threading.Thread):
    def __init__(self, world, rng):
        super().__init__(daemon=True)
        self.world, self.rng = world, rng
        self.process = None
        self.lives, self.faults, self.wrong = [], [], []
        self.ends = []
        self.states, self.killed, self.asked = 0, 0, False

    def kill_guest(self):
        p = self.process
        if not p or p.poll() is not None:
            return False
        for pid in measure.below(p.pid):
            if measure.name_of(pid).startswith("qemu-system"):
                self.asked = True
                return faults.kill(pid)
        return False

    def session(self, seconds):
        w = self.world
        self.process = p = subprocess.Popen(
            ["nice", "-n", "5", "sched-guest", "-q", "--cpus", "2",
             "--timeout", str(seconds + BOOT_S + 120), "--", "env",
             f"TREE={TREE}", f"BUILD={w.build}", "bash",
             os.path.join(TREE, "tests/soak/inside.sh"), str(seconds),
             str(self.rng.randrange(32768))],
            # It holds a guest all the time: not one of those to be shared.
            env={**w.env, "SCHEDKIT_RUNTIME": "off"}, cwd=w.dir, text=True,
            errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate()
        # One that was killed, or died of its emulator, has shown nothing;
        # sched-guest may have booted another one in its place.
        if p.returncode and (self.asked or "the guest died" in err):
            self.killed += 1
            self.asked = False
            w.say(f"the guest of the watch ended with {p.returncode}: "
                  f"{err[-200:].strip()}")
            return
        self.asked = False
        if p.returncode:
            self.wrong.append(f"session: status {p.returncode}: "
                              f"{(out + err)[-300:]}")
        self.read(out)

    def read(self, out):
        pid, end = None, {}
        for line in out.splitlines():
            key, _, rest = line.partition(" ")
            v = rest.split()
            if key == "sample" and len(v) == 7:
                t, who, rss, anon, fds, threads, kids = map(int, v)
                if who != pid:
                    pid = who
                    self.lives.append(Life(pid, t))
                self.lives[-1].samples.append((t, {
                    "rss": rss, "anon": anon, "fds": fds,
                    "threads": threads, "children": kids}))
            elif key == "state":
                self.states += v[1] != "-"
            elif key == "fault":
                self.faults.append((v[1], v[2]))
            elif key == "wrong":
                self.wrong.append(rest)
            elif key == "end":
                end[v[0]] = int(v[1])
        if end:
            self.ends.append(end)

    def run(self):
        w = self.world
        while not w.over.is_set():
            left = w.seconds - w.now() - BOOT_S
            if left < LEAST_S and (self.ends or self.killed):
                return
            w.over.wait(1)
            self.session(max(LEAST_S, int(left)))
