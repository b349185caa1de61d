# SPDX-License-Identifier: GPL-2.0-or-later
"""What a soak has come to: tables for people, and TAP."""
import collections
import glob
import os
import shutil
import subprocess
import tempfile

import measure
import world
from measure import human

KIB, MIB = 1024, 1024 * 1024

# ---- what is allowed -------------------------------------------------------

# Memory of a process, of its own pages: a rate, and what an allocator keeps of
# the most that it ever had, as the daemon has of thousands of requests.
ANON_KIB_H = 1024
ANON_SLACK_KIB = {"agentd": 4096, "mcp front": 2048}
ANON_SLACK_ELSE_KIB = 1024
SHORT_S = 60  # lives that are shorter show no growth; a trial has only such
TRIAL_S = 600  # what is shorter only tries the soak
# Descriptors, threads: a client more or less; of who reads a history also the
# packs that it keeps open (lib/history/repo.c).
COUNT_SLACK, PACKS = 2, 12
# schedkit-runtime(5): a log of 16 MiB makes room for the next, 4 are kept.
AUDIT_BYTES = 6 * 16 * MIB
# The journal is written anew at twice what lives and 4 MiB more; what lives
# are at most 10000 outcomes of some hundred bytes.
JOURNAL_BYTES = 24 * MIB
# schedkit-history(5), on a disk with blocks of 4 KiB: of a document, and of a
# change of an agent's file.
DOCUMENT_BYTES, CHANGE_BYTES = 64 * KIB, 48 * KIB
PACKED_BYTES, EMPTY_BYTES = 4 * KIB, 256 * KIB
# schedkit-mcp(5); 20 of those that were answered at once; and those that run.
JOBS = world.KEPT_JOBS + 20 + 20


def entries(folder):
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0


class Sizes:
    """Bytes on the disk, once a minute."""

    def __init__(self):
        self.taken = []

    def take(self, w):
        state = w.path("state/schedkit")
        audit = sum(measure.used(p)[0]
                    for p in glob.glob(f"{state}/runtime/audit.jsonl*"))
        log = sum(measure.used(p)[0]
                  for p in glob.glob(f"{state}/mcp/audit.jsonl*"))
        jobs = f"{state}/mcp/jobs"
        self.taken.append((w.now(), {
            "history": measure.used(w.path("history"))[0],
            "journal": measure.size(f"{state}/runtime/journal"),
            "audit": audit, "mcp log": log,
            "mcp jobs": measure.used(jobs)[0],
            "jobs": entries(jobs),
            "texts": entries(f"{state}/mcp/texts"),
            "loops": measure.used(f"{state}/loops")[0],
            "cache": measure.used(w.path("cache"))[0],
            "tmp": measure.used(w.path("tmp"))[0],
            "run": measure.used(w.path("run"))[0]}))

    def line(self):
        now = self.taken[-1][1]
        return ", ".join(f"{k} {human(now[k])}" for k in (
            "history", "journal", "audit", "mcp log", "mcp jobs"))

    def most(self, what):
        return max(s[what] for _, s in self.taken)

    def last(self, what):
        return self.taken[-1][1][what]


def git(w, repository, *words):
    p = subprocess.run(["git", "-C", w.path(repository), *words], text=True,
                       env=w.env, capture_output=True, check=False)
    return p.returncode, (p.stdout + p.stderr).strip()


def number(w, repository, *words):
    rc, out = git(w, repository, "rev-list", "--count", *words)
    return int(out) if rc == 0 and out.isdigit() else 0


class Verdict:
    def __init__(self, w, services, loop, host, broken, sizes, before, after,
                 ends):
        self.w, self.services, self.loop = w, services, loop
        self.host, self.broken, self.sizes = host, broken, sizes
        self.before, self.after, self.ends = before, after, ends
        self.n = self.bad = self.skipped = 0

    # ---- TAP -------------------------------------------------------------

    def check(self, good, name, *why):
        self.n += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.n} soak: {name}")
        for line in why if not good else ():
            print(f"# {line}")

    def skip(self, name):
        self.n += 1
        self.skipped += 1
        what, _, why = name.partition(": ")
        print(f"ok {self.n} soak: {what} # skip {why}")

    # ---- processes -------------------------------------------------------

    def lives(self):
        """(role, its lives, how often it was asked)."""
        served = self.w.served
        calls = {"agentd": served.get("agentd", 0),
                 "store": served.get("store", 0),
                 "mcp": served.get("mcp", 0),
                 "mcp front": served.get("mcp", 0),
                 "watch": self.host.states}
        found = {r: ls for s in self.services for r, ls in s.lives.items()}
        found["watch"] = self.host.lives
        return [(r, ls, calls[r]) for r, ls in found.items()]

    def memory(self):
        print(f"{'process':<10} {'lives':>5} {'longest':>8} {'asked':>7} "
              f"{'RSS at first':>13} {'at last':>9} {'growth':>12} "
              f"{'descriptors':>11}")
        results = []
        for role, lives, calls in self.lives():
            short = min(SHORT_S, self.w.seconds / 8)
            rows = [x for x in lives if len(x.samples) > 3 and
                    x.length() >= short]
            long = max(rows, default=None, key=world.Life.length)
            if not long:
                results.append((role, None, None))
                continue
            slack = ANON_SLACK_KIB.get(role, ANON_SLACK_ELSE_KIB)
            rss = measure.Growth(long.series("rss"), ANON_KIB_H, slack)
            worst = max((measure.Growth(x.series("anon"), ANON_KIB_H, slack)
                         for x in rows), key=lambda g: g.grown - g.bound)
            fds = measure.quarter(long.series("fds"), True)
            print(f"{role:<10} {len(lives):>5} {rss.hours * 3600:>6.0f} s "
                  f"{calls:>7} {human(rss.first * KIB):>13} "
                  f"{human(rss.last * KIB):>9} "
                  f"{human(worst.per_hour * KIB) + '/h':>12} {fds:>11.0f}")
            results.append((role, worst, rows))
        print()
        for role, worst, rows in results:
            if worst is None and self.w.seconds < TRIAL_S:
                self.skip(f"{role}: no life was long enough to tell")
                continue
            if worst is None:
                self.check(False, f"{role}: no life was long enough to tell")
                continue
            self.check(worst.ok, f"{role}: memory of its own grew by "
                       f"{human(worst.grown * KIB)} in "
                       f"{worst.hours * 60:.0f} min "
                       f"({human(worst.bound * KIB)} are allowed)")
            for what in ("fds", "threads"):
                slack = COUNT_SLACK
                if what == "fds" and role in ("store", "mcp front"):
                    slack += PACKS
                g = [measure.Growth(x.series(what), 0, slack) for x in rows]
                bad = [x for x in g if not x.ok]
                self.check(not bad, f"{role}: {what} do not grow",
                           *(f"{x.first:.0f} at first, {x.last:.0f} at last"
                             for x in bad))

    def at_rest(self):
        for service, was in self.before.items():
            for role, (fds, kids) in was.items():
                now, more = self.after[service].get(role, ([], 0))
                old, new = (collections.Counter(x) for x in (fds, now))
                self.check(old == new and kids == more, f"{role}: at rest it "
                           f"has the {len(fds)} descriptors and {kids} "
                           "children that it began with",
                           f"children: {more}",
                           *(f"no more: {x}" for x in (old - new).elements()),
                           *(f"new: {x}" for x in (new - old).elements()))
        for name, rc in self.ends.items():
            self.check(rc == 0, f"{name}: ends when it is told to",
                       f"status {rc}")

    # ---- faults ----------------------------------------------------------

    def faults(self):
        names = sorted({e.fault for e in self.broken.expected})
        for name in names:
            some = [e for e in self.broken.expected if e.fault == name]
            late = [e for e in some if e.took is None or e.took > e.bound]
            # What had no time to come is not known.
            late = [e for e in late if e.took is not None or
                    self.w.now() - e.since > e.bound]
            if not late and all(e.took is None for e in some):
                self.skip(f"{name}: there was no time to be served again")
                continue
            took = max((e.took for e in some if e.took is not None),
                       default=0)
            self.check(not late, f"{name} {self.broken.done[name]} times: "
                       f"all are served again after {took:.1f} s at most",
                       *(f"{e.who}: {e.took or 'never'}, {e.bound} s are "
                         "allowed" for e in late))
        for name in sorted(set(self.broken.skipped)):
            if name.partition(": ")[0] not in self.broken.done:
                self.skip(name)
        self.check(not self.w.wrong, "nobody is refused who behaves, but "
                   "during a fault", *self.w.wrong[:20])

    def watch(self):
        h = self.host
        # A trial may be over before a guest has come up.
        if self.w.seconds < TRIAL_S and not h.ends and not h.wrong:
            self.skip("watch: too short for a host that emulation is slow on")
            return
        late = [f"{name} never" for name, took in h.faults if took == "never"]
        self.check(h.ends and not h.wrong and not late,
                   f"watch: sound through {len(h.faults)} faults on its "
                   f"host and {h.killed} deaths of it",
                   *h.wrong[:20], *late, *([] if h.ends else
                                           ["no session came to its end"]))
        long = max(h.ends, default={}, key=lambda e: e.get("looks", 0))
        self.check(long.get("policies", 0) > 0, "watch: policies come and go: "
                   f"{long.get('policies', 0)} different ones, "
                   f"{long.get('looks', 0)} looks")
        self.check(long.get("temporary", 1) == 0,
                   "watch: no temporary folder is left")

    def loops(self):
        e = self.loop.ends
        if self.w.seconds < TRIAL_S and not e.get(0, 0) + e.get(1, 0):
            self.skip("loop: too short for one that comes to its end")
            return
        self.check(e.get(0, 0) + e.get(1, 0) > 0, "loop: comes to an end, "
                   f"also after kills: by status {dict(sorted(e.items()))}, "
                   f"the longest run {self.loop.longest:.0f} s")

    # ---- what is kept ----------------------------------------------------

    def histories(self):
        w = self.w
        for who in ("history", "elsewhere", "history"):
            for verb in ("push", "pull"):
                rc, _, err = w.run("sched-history", verb, w.path("remote"),
                                   SCHEDKIT_HISTORY=w.path(who))
                self.check(rc == 0, f"{who}: {verb} at the end", err[-300:])
        ids = {}
        for who in ("history", "elsewhere"):
            for tool in (["git", "-C", w.path(who), "fsck", "--strict",
                          "--no-dangling"], ["sched-history", "fsck"]):
                rc, out, err = w.run(*tool, timeout=600,
                                     SCHEDKIT_HISTORY=w.path(who))
                self.check(rc == 0, f"{who}: {tool[0]} fsck finds nothing",
                           *(out + err).splitlines()[-5:])
            _, out = git(w, who, "ls-tree", "-r", "--name-only", "main")
            ids[who] = {x.split("/")[2] for x in out.splitlines()
                        if x.endswith("/document.json")}
        self.check(ids["history"] == ids["elsewhere"], "both histories have "
                   f"the same {len(ids['history'])} documents",
                   f"{len(ids['history'] ^ ids['elsewhere'])} differ")
        lost = w.promised - ids["history"]
        self.check(w.promised and not lost, f"none of {len(w.promised)} that "
                   "were recorded is lost", f"{len(lost)} are")
        self.history_size(len(ids["history"]))

    def history_size(self, documents):
        w = self.w
        changes = number(w, "history", "refs/schedkit/store")
        now, files = measure.used(w.path("history"))
        allowed = (EMPTY_BYTES + documents * DOCUMENT_BYTES +
                   changes * CHANGE_BYTES)
        self.check(now <= allowed, f"history: {human(now)} in {files} files "
                   f"for {documents} documents and {changes} changes of "
                   f"agents' files ({human(allowed)} are allowed)")
        # Elsewhere, as there may be no room for it here.
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(w.path("history"), copy, dirs_exist_ok=True)
            rc, out = git(w, copy, "gc", "-q", "--prune=now")
            now, files = measure.used(copy)
        allowed = EMPTY_BYTES + (documents + changes) * PACKED_BYTES
        self.check(rc == 0 and now <= allowed, "history: after git gc "
                   f"{human(now)} in {files} files ({human(allowed)} are "
                   "allowed)", out[-200:])

    def state(self):
        s, w = self.sizes, self.w
        self.check(s.most("journal") <= JOURNAL_BYTES, "journal: "
                   f"{human(s.most('journal'))} at most")
        for what, asked in (("audit", "agentd"), ("mcp log", "mcp")):
            self.check(s.most(what) <= AUDIT_BYTES, f"{what}: "
                       f"{human(s.most(what))} at most, "
                       f"{s.last(what) / max(1, w.served.get(asked, 0)):.0f} "
                       "bytes for a call that was served")
        for name in ("runtime", "mcp"):
            log = w.path(f"state/schedkit/{name}/audit.jsonl")
            rc, _, err = w.run("sched-agents", "audit", "--verify", log)
            self.check(rc == 0, f"{name}: its log is whole", err[-300:])
        self.check(s.last("jobs") <= JOBS, f"mcp: {s.last('jobs')} jobs are "
                   f"kept, {human(s.last('mcp jobs'))}")
        self.check(s.last("texts") <= JOBS, f"mcp: {s.last('texts')} texts of "
                   "clients are kept")
        self.check(s.last("loops") <= MIB, f"loops: {human(s.last('loops'))}")
        self.check(s.last("cache") <= 64 * MIB,
                   f"cache: {human(s.last('cache'))}")

    def left(self):
        """Processes and temporary files, once all has ended."""
        names = [measure.name_of(p) for p in measure.below(os.getpid())]
        names = [x for x in names if x]
        self.check(not names, "no process is left", *names)
        tmp = os.listdir(self.w.path("tmp"))
        more = glob.glob(self.w.path("cache/schedkit/tmp/*")) + \
            glob.glob(self.w.path("cache/schedkit/drafts/*"))
        self.check(not tmp, "no temporary file is left", *tmp)
        self.check(not more, "nothing half made is left in the cache", *more)
        run = [x for x in os.listdir(self.w.path("run"))
               if not x.endswith(".lock")]
        self.check(run in ([], ["schedkit"]), "no socket is left", *run)

    def tell(self):
        w = self.w
        print("\nasked, and served:")
        for who, n in sorted(w.served.items()):
            print(f"  {who:<28} {n}")
        print("\n  state, bytes       first    most    last")
        for what in ("history", "journal", "audit", "mcp log", "mcp jobs",
                     "loops", "cache", "tmp"):
            print(f"  {what:<12} {human(self.sizes.taken[0][1][what]):>11} "
                  f"{human(self.sizes.most(what)):>11} "
                  f"{human(self.sizes.last(what)):>11}")
        print()
        self.memory()
        self.at_rest()
        self.faults()
        self.watch()
        self.loops()
        self.left()
        self.state()
        self.histories()
        print(f"1..{self.n}")
        print(f"{self.n - self.bad - self.skipped} passed, {self.bad} failed,"
              f" {self.skipped} skipped")
        return self.bad
