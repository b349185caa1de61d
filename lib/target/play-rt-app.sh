#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# play-rt-app MODEL SECONDS: plays an rt-app model, prints its rounds per
# second.
#
# rt-app must know how long a turn of its loop takes; finding out takes it 5 to
# 15 s and never gives the same twice.  So that is done once on a machine, in
# the run that warms it up, and both arms play with the same figure.
#
# It may miss its own end where threads wait for each other, so there is a
# limit.  It writes a line per round into a log for each thread.
set -eu

# A guest sees its host's /tmp, and is slower: this is its own.
known=/dev/shm/schedkit-rt-app-$(id -u)

calibrate() {
	echo '{"tasks":{"t":{"loop":1,"run":1}},"global":{"duration":1,
		"calibration":"CPU0","logdir":"./"}}' >calibrate.json
	timeout -s KILL 90 rt-app calibrate.json >out 2>&1 || return 1
	sed -n 's/.*pLoad = \([0-9]*\)ns.*/\1/p' out >found
	[ -s found ] && mv found "$known"
}

fail() {
	cat out
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
[ -f "$known" ] && [ "$(stat -c %u "$known")" = "$(id -u)" ] || calibrate ||
	fail
ns=$(tr -cd 0-9 <"$known")
sed "s/\"calibration\":.*/\"calibration\": ${ns:-1},/" "$1" >model.json

rc=0
timeout -s INT -k 1 $(($2 + 5)) rt-app model.json >out 2>&1 || rc=$?
case $rc in 0 | 124 | 137) ;; *) fail ;; esac
cat model-*.log 2>/dev/null | awk -v s="$2" '!/^#/ && NF { n++ }
	END { if (!n) { print "not one round"; exit 1 }; printf "%.2f rounds/s\n", n / s }'
