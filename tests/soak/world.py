# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that a soak stands for: folders of its own, the services that
live long in it, what is counted, and what was said meanwhile."""
import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import measure

TREE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
DISK_MIB = 1024
READY_S = 60
PR_SET_CHILD_SUBREAPER = 36

# What a user would write for so short a day: kept for minutes, not for a week.
KEPT_JOBS, KEPT_S = 40, 300
SETTINGS = {
    "mcp.json": {
        "clients": {"local": {"class": "verify", "commands": "guest"}},
        "jobs": {"kept": KEPT_JOBS, "keep_s": KEPT_S}},
    "runtime.json": {
        "workers": [{"name": "host", "kinds": ["tool", "guest", "sim"],
                     "capacity": {"cores": 2, "guest_slots": 1}}]},
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class World:
    def __init__(self, seconds, build):
        self.seconds, self.build = seconds, build
        self.begun = time.monotonic()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.served, self.wrong = {}, []
        self.last_served = {}
        self.promised = set()  # ids of documents that are recorded
        self.disturbed_until = 0.0
        self.lines = []
        # Orphans become ours, and so none is overlooked.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.dir = tempfile.mkdtemp(prefix="soak.")
        self.own_disk = self.mount()
        self.env = self.environment()
        self.port = free_port()

    # ---- folders ---------------------------------------------------------

    def mount(self):
        """Its own small disk can be filled; without privilege there is none."""
        return os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700",
             "soak", self.dir], stderr=subprocess.DEVNULL,
            check=False).returncode == 0

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k in ("LANG", "USER", "LOGNAME", "BPF_CLANG")}
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(
            "~/.cache")
        env.update(
            PATH=f"{self.build}/bin:{os.environ['PATH']}", HOME=self.dir,
            LC_ALL="C.UTF-8", TZ="UTC", GIT_CONFIG_GLOBAL="/dev/null",
            GIT_CONFIG_NOSYSTEM="1", PYTHONDONTWRITEBYTECODE="1",
            XDG_CACHE_HOME=self.path("cache"), TMPDIR=self.path("tmp"),
            XDG_STATE_HOME=self.path("state"), BUILD=self.build,
            XDG_CONFIG_HOME=self.path("config"),
            XDG_RUNTIME_DIR=self.path("run"),
            SCHEDKIT_RUNTIME=self.path("run", "agentd.sock"),
            SCHEDKIT_HISTORY=self.path("history"))
        for name in ("cache/schedkit", "tmp", "state", "config/schedkit",
                     "run", "log"):
            os.makedirs(self.path(name), mode=0o700)
        for name, value in SETTINGS.items():
            with open(self.path("config/schedkit", name), "w") as f:
                json.dump(value, f)
        # Kernels and emulator are large, and only read.
        for name in ("kernels", "qemu", "virtiofsd", "accel"):
            at = os.path.join(cache, "schedkit", name)
            if os.path.exists(at):
                os.symlink(at, self.path("cache/schedkit", name))
        return env

    def remove(self):
        if self.own_disk:
            subprocess.run(["umount", "-l", self.dir], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- what happens ----------------------------------------------------

    def now(self):
        return time.monotonic() - self.begun

    def say(self, text):
        line = f"{self.now():7.1f} s  {text}"
        with self.lock:
            self.lines.append(line)
        print(line, file=sys.stderr, flush=True)

    def count(self, who):
        """One more call of its was served."""
        with self.lock:
            self.served[who] = self.served.get(who, 0) + 1
            self.last_served[who] = self.now()

    def failed(self, who, why, since=None):
        """Of what was begun then; without a fault that explains it that is a
        finding."""
        since = self.now() if since is None else since
        if self.over.is_set() or since < self.disturbed_until:
            return
        with self.lock:
            self.wrong.append(f"{who}: {why}")
        self.say(f"{who} failed: {why}")

    def disturb(self, seconds):
        """What fails from now on for so long is no surprise."""
        self.disturbed_until = max(self.disturbed_until,
                                   self.now() + seconds)

    def run(self, *argv, timeout=120, give=None, **env):
        """A program of ours to its end: (status, stdout, stderr)."""
        p = subprocess.Popen(
            argv, env={**self.env, **env}, text=True, errors="replace",
            stdin=subprocess.PIPE if give is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir)
        try:
            out, err = p.communicate(give, timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            return 124, out, err
        return p.returncode, out, err


class Life:
    """Of one process, from its start to its end."""

    def __init__(self, pid, now):
        self.pid, self.begun, self.ended = pid, now, None
        self.samples = []

    def length(self):
        return self.samples[-1][0] - self.samples[0][0] if self.samples else 0

    def series(self, what):
        return [(t, s[what]) for t, s in self.samples]


class Service:
    """A program that is started again whenever it ends, as by a service
    manager.  roles: of which of its processes what is measured, by name."""

    def __init__(self, world, name, argv, ready, helpers=()):
        self.world, self.name, self.argv = world, name, argv
        self.ready, self.helpers = ready, helpers
        self.lives = {role: [] for role in (name, *dict(helpers))}
        self.process = None
        self.starts = 0
        self.thread = threading.Thread(target=self.keep, daemon=True)

    def start(self):
        self.thread.start()
        end = time.monotonic() + READY_S
        while not self.ready():
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not begin: see its log")
            time.sleep(0.1)

    def keep(self):
        w = self.world
        while not w.over.is_set():
            # What it says is kept where the disk is never full.
            with tempfile.TemporaryFile(dir="/var/tmp") as log:
                self.process = subprocess.Popen(
                    self.argv, env=w.env, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=log, cwd=w.dir)
                self.starts += 1
                rc = self.process.wait()
                log.seek(max(0, log.tell() - 2000))
                said = log.read().decode(errors="replace").splitlines()
            if rc not in (0, -9) and not w.over.is_set():
                w.failed(self.name, f"ended with {rc}: {said[-3:]}")
            w.over.wait(1)

    def pid(self):
        p = self.process
        return p.pid if p and p.poll() is None else None

    def roles(self):
        """{role: pid} of those that live."""
        pid = self.pid()
        if not pid:
            return {}
        found = {self.name: pid}
        for role, comm in self.helpers:
            for c in measure.children(pid):
                if measure.name_of(c) == comm:
                    found[role] = c
                    break
        return found

    def sample(self, now):
        roles = self.roles()
        for role, lives in self.lives.items():
            pid = roles.get(role)
            if lives and lives[-1].ended is None and lives[-1].pid != pid:
                lives[-1].ended = now
            seen = measure.look(pid) if pid else None
            if not seen:
                continue
            if not lives or lives[-1].pid != pid:
                lives.append(Life(pid, now))
            lives[-1].samples.append((now, seen))

    def at_rest(self):
        """What each has open, and how many children, when nobody asks."""
        return {r: (measure.descriptors(p), len(measure.children(p)))
                for r, p in self.roles().items()}

    def end(self):
        p = self.process
        if p and p.poll() is None:
            p.terminate()
            try:
                return p.wait(30)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                return None
        return p.returncode if p else None
