#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# play-rt-app MODEL SECONDS: plays an rt-app model, prints its rounds per
# second.
#
# rt-app must know how long a turn of its loop takes; finding that out by itself
# takes it 5 to 15 s and never gives the same twice.  So it is told: from the
# least disturbed of many short runs that it logs, once on a machine, in the run
# that warms it up.  Both arms play with the same figure.
#
# It may miss its own end where threads wait for each other, so there is a
# limit.  It writes a line per round into a log for each thread.
set -eu

# A guest sees its host's /tmp, and is slower: this is its own.  Whoever else has
# something there of that name, it is neither followed nor believed.
known=/dev/shm/schedkit-rt-app-$(id -u)

calibrate() {
	echo '{"tasks":{"t":{"loop":-1,"run":5000}},"global":{"duration":2,
		"calibration":20,"logdir":"./","log_basename":"turn"}}' >turn.json
	timeout -s KILL 60 rt-app turn.json >out 2>&1 || return 1
	# The second column is of turns, the third of us.
	awk '!/^#/ && $2 > 0 { ns = $3 * 1000 / $2
		if (!least || ns < least) least = ns }
		END { if (!least) exit 1
		printf "%d\n", least < 1 ? 1 : least + 0.5 }' turn-*.log >found ||
		return 1
	mv -fT found "$known" 2>/dev/null || known=$work/found
}

fail() {
	cat out
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ [ -f "$known" ] && [ ! -L "$known" ] &&
	[ "$(stat -c %u "$known")" = "$(id -u)" ]; } || calibrate || fail
ns=$(tr -cd 0-9 <"$known")
sed "s/\"calibration\":.*/\"calibration\": ${ns:-1},/" "$1" >model.json

rc=0
timeout -s INT -k 1 $(($2 + 5)) rt-app model.json >out 2>&1 || rc=$?
case $rc in 0 | 124 | 137) ;; *) fail ;; esac
cat model-*.log 2>/dev/null | awk -v s="$2" '!/^#/ && NF { n++ }
	END { if (!n) { print "not one round"; exit 1 }; printf "%.2f rounds/s\n", n / s }'
