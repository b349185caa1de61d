#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-demand: what cgroups will want.  What it sets is tested in a guest.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_RUN=$PWD/run
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || skip 'no cgroups of version 2 here'
}

teardown() {
	[ -z "${victim:-}" ] || kill -9 "$victim" || true
	[ -z "${group:-}" ] || [ ! -d "$group" ] || {
		sleep 0.2
		rmdir "$group"
	}
}

# A cgroup of our own: its folder is $group, its path $path.
own_group() {
	path=/demand-$((BASHPID % 100000))-$BATS_TEST_NUMBER
	mkdir "$root$path" 2>/dev/null || skip 'no cgroup can be made here'
	group=$root$path
}

@test "usage" {
	exits 0 sched-demand --help
	has "$output" show
	has "$output" run
	exits 0 sched-demand --version
	exits 0 sched-demand run --help
	exits 2 sched-demand
	exits 2 sched-demand fly
	exits 2 sched-demand show
	exits 2 sched-demand run --reserve magic /
	has "$stderr" "'magic' is no way to reserve"
	exits 2 sched-demand run --min 2 --max 1 /
	exits 2 sched-demand run --cap /
	exits 2 sched-demand show --every 1 --lead 100 /
	exits 2 sched-demand show --every 0 /
}

@test "a wave is seen, foretold, and its forecast better than others" {
	own_group
	# Busy for a quarter of every 2 seconds, by the clock.
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec {nap}<> <(:)
		while :; do
			t=$((${EPOCHREALTIME/./} % 2000000))
			[ $t -lt 500000 ] ||
				read -rt "$(printf '%d.%06d' \
					$(((2000000 - t) / 1000000)) \
					$(((2000000 - t) % 1000000)))" -u "$nap" ||
					true
		done
	) 3>&- &
	victim=$!
	exits 0 sched-demand show --json --every 0.1 --lead 0.3 --for 25 "$path"
	jq -e --arg path "$path" '.kind == "note" and (.body.demand.cgroups[0] |
		.cgroup == $path and .better and .samples > 150 and
		.period_s > 1.9 and .period_s < 2.1 and .mean > 0.1 and
		.error < .error_last and .error < .error_mean)' <<<"$output"
}

@test "what is idle has no period, and its forecast is no better" {
	own_group
	exits 1 sched-demand show --json --every 0.1 --for 4 "$path"
	jq -e '.body.demand.cgroups[0] | .mean == 0 and .period_s == null and
		(.better | not)' <<<"$output"
	# Something for the history.
	export SCHEDKIT_HISTORY=$PWD/h
	sched-history add <<<"$output" >added
	is "$(sched-history show --json "$(jq -r .id <<<"$output")" |
		jq -r .body.demand.cgroups[0].cgroup)" "$path"
	COLUMNS=120 exits 1 script -qec \
		"sched-demand show --every 0.1 --for 1 $path" /dev/null
	has "$output" "$path"
	has "$output" 'last value'
}

@test "a cgroup that goes away ends it, and is told" {
	own_group
	sched-demand show --json --every 0.1 --for 60 "$path" >out 2>err 3>&- &
	pid=$!
	sleep 1
	rmdir "$group"
	rc=0
	wait "$pid" || rc=$?
	is "$rc" 1
	has "$(<err)" "the cgroup '$path' is gone"
	jq -e '.body.demand.cgroups[0].gone' out
}

@test "names that are none, twice, or hostile" {
	exits 3 sched-demand show --for 1 /no/such/cgroup
	has "$stderr" "there is no cgroup"
	exits 3 sched-demand show --for 1 / /
	has "$stderr" 'named twice'
	exits 3 sched-demand show --for 1 /../../etc
	exits 3 sched-demand show --for 1 "$(printf '/\033[31mred')"
	lacks "$stderr" "$(printf '\033')"
	own_group
	mkdir "$group"/$'a\x1b[2J'
	exits 1 sched-demand show --json --every 0.1 --for 0.5 \
		"$path"/$'a\x1b[2J'
	lacks "$output" "$(printf '\033')"
	rmdir "$group"/$'a\x1b[2J'
}

@test "a cgroup that cannot be set is named, and nothing was done" {
	own_group
	if [ -e "$group/cpu.weight" ]; then
		skip 'its CPU can be set here'
	fi
	exits 3 sched-demand run --for 1 "$path"
	has "$stderr" "has no 'cpu.weight'"
	exits 3 sched-demand run --dry-run --reserve uclamp --for 1 "$path"
	has "$stderr" 'CONFIG_UCLAMP_TASK_GROUP'
	[ ! -e run/knobs.journal ]
}
