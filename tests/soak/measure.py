# SPDX-License-Identifier: GPL-2.0-or-later
"""What the soak measures, and what it makes of it: no figure is judged by its
last value, which is chance, but by medians and by a slope that is one, too."""
import os
import statistics

HOUR = 3600.0
WINDOWS = 16
PAIRS = 20000  # of samples, at most: more do not change a median


# ---- arithmetic ------------------------------------------------------------

def thinned(series, most):
    """Evenly, so that the ends stay."""
    n = len(series)
    if n <= most:
        return list(series)
    return [series[i * (n - 1) // (most - 1)] for i in range(most)]


def slope(series):
    """Per hour, of (seconds, value): the median of the slopes between any two
    (Theil and Sen).  It takes 29 % of outliers to move it."""
    s = thinned(series, int((2 * PAIRS) ** 0.5))
    slopes = [(b[1] - a[1]) / (b[0] - a[0])
              for i, a in enumerate(s) for b in s[i + 1:] if b[0] > a[0]]
    return statistics.median(slopes) * HOUR if slopes else 0.0


def quarter(series, last):
    """The median of the first, or of the last quarter."""
    n = max(1, len(series) // 4)
    part = series[-n:] if last else series[:n]
    return statistics.median(v for _, v in part)


def settled(series, warm_s):
    """Without the beginning, in which caches fill; at most a fifth of it."""
    begin = series[0][0]
    warm_s = min(warm_s, (series[-1][0] - begin) / 5)
    return [x for x in series if x[0] >= begin + warm_s]


def floor(series, windows):
    """The least of each window of time: what is taken for a moment, and given
    back, is no growth, however much it was."""
    begin, end = series[0][0], series[-1][0]
    least = {}
    for t, v in series:
        k = int((t - begin) / (end - begin) * windows) if end > begin else 0
        k = min(k, windows - 1)
        if k not in least or v < least[k][1]:
            least[k] = (t, v)
    return [least[k] for k in sorted(least)]


class Growth:
    """Of one life: what it grew by, and whether that is within a bound, which
    is a rate, and what allocators keep however short the life was."""

    def __init__(self, series, per_hour, slack, warm_s=60):
        s = floor(settled(series, warm_s), WINDOWS)
        self.hours = (s[-1][0] - s[0][0]) / HOUR
        self.first, self.last = quarter(s, False), quarter(s, True)
        self.per_hour = slope(s)
        self.bound = slack + per_hour * self.hours
        # A leak that comes in few large steps has a small slope.
        self.grown = max(self.per_hour * self.hours, self.last - self.first)
        self.ok = self.grown <= self.bound


# ---- processes -------------------------------------------------------------

def children(pid):
    """Of all of its threads."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(c) for c in f.read().split()]
    except OSError:
        pass
    return found


def below(pid):
    return [p for c in children(pid) for p in [c] + below(c)]


def name_of(pid):
    """"" of one that is gone, or only waits to be asked for its status."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as f:
            head, _, rest = f.read().rpartition(")")
    except OSError:
        return ""
    return "" if rest.split()[0] == "Z" else head.partition("(")[2]


def look(pid):
    """What a process takes up, in KiB and in numbers; None: it is gone."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as f:
            status = dict(line.split(":", 1) for line in f if ":" in line)
        fds = len(os.listdir(f"/proc/{pid}/fd"))
        return {"rss": int(status["VmRSS"].split()[0]),
                "anon": int(status["RssAnon"].split()[0]),
                "threads": int(status["Threads"]), "fds": fds,
                "children": sum(name_of(c) != "" for c in children(pid))}
    except (OSError, KeyError):
        return None


def descriptors(pid):
    """What they are of, without the numbers of sockets and pipes; and without
    packs of git, of which some are kept open."""
    found = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            to = os.readlink(f"/proc/{pid}/fd/{fd}")
            to = "deleted" if to.endswith(" (deleted)") else to
            if not to.endswith(".pack"):
                found.append(to.partition(":[")[0])
    except OSError:
        pass  # it ends, or closes one just now
    return sorted(found)


# ---- files -----------------------------------------------------------------

def used(path):
    """(bytes on the disk, files) of a file or a folder."""
    blocks = files = 0
    todo = [path]
    while todo:
        at = todo.pop()
        try:
            st = os.lstat(at)
            if os.path.isdir(at) and not os.path.islink(at):
                todo += [os.path.join(at, n) for n in os.listdir(at)]
            else:
                files += 1
        except OSError:
            continue
        blocks += st.st_blocks
    return blocks * 512, files


def size(path):
    """Of one file, without what the disk adds."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def human(n):
    for unit in ("B", "KiB", "MiB"):
        if abs(n) < 1024:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:.2f} GiB"
