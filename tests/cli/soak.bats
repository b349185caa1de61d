#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The arithmetic by which tests/soak/run judges: what grows is found, what does
# not is not.  The run itself is make soak.

load ../lib

setup() {
	needs python3
}

# python: a script on standard input, with what the soak measures with.
python() {
	{
		cat <<-'END'
			import random
			from measure import (Growth, below, children, floor, look, name_of,
			                     quarter, settled, slope, thinned, used)

			def life(seconds, value, every=10):
			    return [(t, value(t)) for t in range(0, seconds, every)]

			def grows(series):
			    return not Growth(series, 1024, 1024).ok

			rng = random.Random(7)
		END
		cat
	} | PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TREE/tests/soak python3 -
}

@test 'soak: the slope is the one of a line, in spite of outliers' {
	python <<'END'
line = life(3600, lambda t: 5000 + t)
assert abs(slope(line) - 3600) < 1, slope(line)
odd = [(t, v * 10 if i % 5 == 0 else v) for i, (t, v) in enumerate(line)]
assert abs(slope(odd) - 3600) < 900, slope(odd)
assert slope(life(3600, lambda t: 7)) == 0
assert slope([(1, 5)]) == 0
# Thousands of samples are thinned, and the ends stay.
long = life(86400, lambda t: t / 2, 1)
assert thinned(long, 100)[0] == long[0]
assert thinned(long, 100)[-1] == long[-1] and len(thinned(long, 100)) == 100
assert abs(slope(long) - 1800) < 1
END
}

@test 'soak: what does not grow is let pass' {
	python <<'END'
assert not grows(life(1500, lambda t: 9000))
assert not grows(life(1500, lambda t: 9000 + rng.randrange(-400, 400)))
# A sawtooth, and caches that fill at the beginning.
assert not grows(life(1500, lambda t: 9000 + t % 100 * 20))
assert not grows(life(1500, lambda t: 9000 + min(t, 50) * 100))
# What is taken for a moment, in the last quarter more than before.
assert not grows(life(1500, lambda t: 70000 if t % 60 < (
    50 if t > 1100 else 20) else 9000))
# One that shrinks; one outlier, also as the last.
assert not grows(life(1500, lambda t: 9000 - t))
assert not grows(life(1500, lambda t: 90000 if t > 1480 else 9000))
# Within the rate and the slack.
assert not grows(life(3600, lambda t: 9000 + t * 1800 // 3600))
END
}

@test 'soak: what grows is found' {
	python <<'END'
assert grows(life(3600, lambda t: 9000 + t * 3000 // 3600))
assert grows(life(3600, lambda t: 9000 + t + rng.randrange(-900, 900)))
# A short life, and a fast leak.
assert grows(life(300, lambda t: 9000 + t * 10))
# In few large steps.
assert grows(life(3600, lambda t: 9000 + t // 1200 * 2000))
assert grows(life(3600, lambda t: 9000 if t < 1800 else 14000))
# Descriptors: not one more than two.
assert Growth(life(1500, lambda t: 12 + t // 10 % 2), 0, 2).ok
assert not Growth(life(1500, lambda t: 12 + t // 300), 0, 2).ok
END
}

@test 'soak: its bounds, and what a life began and ended with' {
	python <<'END'
g = Growth(life(3600, lambda t: 100 + t / 36, 36), 50, 7, warm_s=0)
assert abs(g.per_hour - 100) < 1 and 0.9 < g.hours < 1, vars(g)
assert abs(g.bound - 7 - 50 * g.hours) < 0.1 and not g.ok
assert quarter([(0, 1), (1, 2), (2, 3), (3, 4)], False) == 1
assert quarter([(0, 1), (1, 2), (2, 3), (3, 4)], True) == 4
assert floor([(0, 5), (1, 3), (2, 9), (3, 7)], 2) == [(1, 3), (3, 7)]
assert floor([(4, 5)], 2) == [(4, 5)]
# Warming up takes a fifth of a life at most.
assert settled(life(100, lambda t: t), 60)[0][0] == 20
assert settled(life(1000, lambda t: t), 60)[0][0] == 60
END
}

@test 'soak: what a process takes up is seen' {
	python <<'END'
import os
import subprocess
import tempfile

me = os.getpid()
before = look(me)
files = [tempfile.TemporaryFile() for _ in range(5)]
child = subprocess.Popen(["sleep", "60"])
now = look(me)
assert now["fds"] >= before["fds"] + 5 and now["children"] == 1, now
assert now["rss"] > now["anon"] > 0 and now["threads"] == 1
assert children(me) == [child.pid] == below(me)
child.kill()
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
# One that only waits to be asked for its status is none.
assert look(me)["children"] == 0 and name_of(child.pid) == ""
child.wait()
assert look(child.pid) is None
with tempfile.TemporaryDirectory() as d:
    os.mkdir(d + "/sub")
    with open(d + "/sub/f", "wb") as f:
        f.write(b"x" * 100000)
    os.symlink("/usr", d + "/link")
    bytes_used, n = used(d)
    assert 100000 <= bytes_used < 200000 and n == 2, (bytes_used, n)
END
}

@test 'soak: of faults an hour has each about twice, and all are apart' {
	python <<'END'
import types

import faults

def plan(seconds, seed):
    w = types.SimpleNamespace(seconds=seconds)
    return faults.Faults(w, random.Random(seed), *[None] * 4).plan

for seconds in (120, 3600, 86400):
    p = plan(seconds, 3)
    at = [t for t, _ in p]
    assert at == sorted(at) and at[0] > 0 and at[-1] < seconds * 0.9
    assert min(b - a for a, b in zip(at, at[1:])) > seconds * 0.02 / max(
        1, seconds / 3600)
    of = {}
    for _, what in p:
        of[what.__name__] = of.get(what.__name__, 0) + 1
    assert len(of) == 11 and min(of.values()) >= 1, of
assert [f.__name__ for _, f in plan(3600, 3)] == [
    f.__name__ for _, f in plan(3600, 3)]
assert [f.__name__ for _, f in plan(3600, 3)] != [
    f.__name__ for _, f in plan(3600, 4)]
END
}
