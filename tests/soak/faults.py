# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks during a soak, when, and who has to work again how soon."""
import os
import signal
import threading
import time

import measure

# Seconds until somebody is served again, once a fault is over.
AGAIN_S = {"agentd": 20, "store": 40, "mcp": 20, "loop": 900,
           "history, documents": 30, "history, exchanges": 90}
STOPPED_S, FULL_S, GONE_S = 5, 20, 30


class Expected:
    """Somebody is served again after a fault."""

    def __init__(self, fault, who, since):
        self.fault, self.who, self.since = fault, who, since
        self.bound, self.took = AGAIN_S[who], None

    def look(self, w):
        at = w.last_served.get(self.who, -1)
        if self.took is None and at > self.since:
            self.took = at - self.since
        return self.took is not None


def kill(pid, how=signal.SIGKILL):
    try:
        os.kill(pid, how)
        return True
    except (OSError, TypeError):
        return False


class Faults(threading.Thread):
    """One after the other, at times that the seed says."""

    def __init__(self, world, rng, agentd, mcp, loop, host):
        super().__init__(daemon=True)
        self.world, self.rng = world, rng
        self.agentd, self.mcp, self.loop, self.host = agentd, mcp, loop, host
        self.expected, self.done, self.skipped = [], {}, []
        self.plan = self.schedule()

    # ---- when ------------------------------------------------------------

    def schedule(self):
        """(when, what): each about as often as an hour has it."""
        hours = self.world.seconds / measure.HOUR
        twice = max(1, round(2 * hours))
        once = max(1, round(hours))
        often = [(self.kill_agentd, twice), (self.kill_store, twice),
                 (self.kill_mcp, once), (self.kill_front, once),
                 (self.stop_agentd, once), (self.stop_mcp, once),
                 (self.kill_loop, once), (self.kill_of_loop, twice),
                 (self.kill_qemu, once), (self.fill_disk, twice),
                 (self.remove_remote, twice)]
        all_of_them = []
        for what, n in often:
            for k in range(n):
                # Lives between two of a kind are long.
                part = (k + self.rng.uniform(0.3, 0.7)) / n
                all_of_them.append((part, what))
        all_of_them.sort(key=lambda x: x[0])
        # Evenly: what one breaks is whole again before the next one.
        n = len(all_of_them)
        return [(self.world.seconds * (0.08 + 0.8 * i / n), what)
                for i, (_, what) in enumerate(all_of_them)]

    def run(self):
        for when, what in self.plan:
            if self.world.over.wait(max(0, when - self.world.now())):
                return
            what()

    # ---- what ------------------------------------------------------------

    def tell(self, name, done, *who):
        """It is over; from now on who is to be served."""
        w = self.world
        if not done:
            self.skipped.append(f"{name}: there was none to break")
            w.say(f"fault: {self.skipped[-1]}")
            return
        self.done[name] = self.done.get(name, 0) + 1
        w.say(f"fault: {name}")
        w.disturb(max((min(AGAIN_S[x], 60) for x in who), default=5))
        self.expected += [Expected(name, x, w.now()) for x in who]

    def kill_agentd(self):
        self.world.disturb(5)
        self.tell("runtime killed", kill(self.agentd.pid()),
                  "agentd", "store")

    def kill_store(self):
        self.world.disturb(5)
        self.tell("store killed", kill(self.agentd.roles().get("store")),
                  "store")

    def kill_mcp(self):
        self.world.disturb(5)
        self.tell("MCP server killed", kill(self.mcp.pid()), "mcp")

    def kill_front(self):
        self.world.disturb(5)
        self.tell("MCP front killed",
                  kill(self.mcp.roles().get("mcp front")), "mcp")

    def stopped(self, name, pid, *who):
        self.world.disturb(STOPPED_S + 5)
        done = kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED_S)
        kill(pid, signal.SIGCONT)
        self.tell(name, done, *who)

    def stop_agentd(self):
        self.stopped("runtime stopped", self.agentd.pid(), "agentd")

    def stop_mcp(self):
        self.stopped("MCP front stopped", self.mcp.roles().get("mcp front"),
                     "mcp")

    def kill_loop(self):
        p = self.loop.victims()
        self.tell("loop killed", p and kill(p[0]), "loop")

    def kill_of_loop(self):
        p = self.loop.victims()[1:]
        name = ""
        if p:
            pid = self.rng.choice(p)
            name = measure.name_of(pid)
            kill(pid)
        self.world.say(f"of the loop {name or 'nobody'} is killed")
        self.tell("part of the loop killed", name, "loop")

    def kill_qemu(self):
        self.tell("guest of the watch killed", self.host.kill_guest())

    def fill_disk(self):
        w = self.world
        if not w.own_disk:
            self.skipped.append("disk full: needs a disk of its own, and "
                                "with it root")
            return
        length = min(FULL_S, w.seconds / 15)
        w.disturb(length + 60)
        at = w.path("filler")
        fd = os.open(at, os.O_WRONLY | os.O_CREAT, 0o600)
        end, step, much = time.monotonic() + length, 1 << 20, 0
        # Again and again, since others make room, too.
        while time.monotonic() < end:
            try:
                os.posix_fallocate(fd, much, step)
                much += step
            except OSError:
                step = max(4096, step // 2)
                time.sleep(0.05)
        os.close(fd)
        os.unlink(at)
        self.tell("disk full", much, "agentd", "store", "mcp",
                  "history, documents", "history, exchanges")

    def remove_remote(self):
        w = self.world
        length = min(GONE_S, w.seconds / 15)
        w.disturb(length + 30)
        os.rename(w.path("remote"), w.path("remote.gone"))
        w.over.wait(length)
        os.rename(w.path("remote.gone"), w.path("remote"))
        self.tell("remote gone", True, "history, exchanges")
