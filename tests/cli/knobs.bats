#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Knobs on this very host: set, told, and set back to exactly what was before.

load ../lib
load ../knobs

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_RUN=$PWD/run
	# Names that nothing else on this host has.
	name=k$((BASHPID % 100000))x
	cp "$(command -v sleep)" "$name"
	victims=()
	# Whatever these tests run at: nobody else's priority is expected.
	if [ "$(id -u)" = 0 ]; then
		chrt -o -p 0 "$BASHPID"
		renice -n 0 -p "$BASHPID" >/dev/null
	fi
}

teardown() {
	for p in "${victims[@]}" ${deployer:-}; do
		kill -9 "$p" 2>/dev/null || true
	done
	pkill -9 -x "$name" || true
	[ -z "${open:-}" ] || rm -r "$open"
	[ ! -d "${group:-}" ] || {
		sleep 0.1
		[ ! -d "$group/in" ] || rmdir "$group/in"
		rmdir "$group"
	}
}

# knobs RULES: a policy and its verdict in `in`.
knobs() {
	knobs_story "$(knobs_policy t "$1")" w >in
}

# Everything of a task that a policy may change.
state() {
	local p
	for p in "$@"; do
		cut -d ' ' -f 18,19,41 "/proc/$p/stat"
		grep Cpus_allowed_list "/proc/$p/status"
		chrt -p "$p" | sed 's/^pid [0-9]*//'
		cat "/proc/$p/cgroup"
		grep slice "/proc/$p/sched" || true
	done
}

# victim SECONDS: a process that knobs may be set on.
victim() {
	"./$name" "$1" 3>&- &
	victims+=($!)
}

# nobodys_folder: for one who may not look into that of the tests.
nobodys_folder() {
	open=$(mktemp -d)
	export SCHEDKIT_RUN=$open/run
	mkdir "$SCHEDKIT_RUN"
	chmod 755 "$open"
	cp -r "$XDG_CONFIG_HOME" "$open/config"
	chown -R 65534 "$SCHEDKIT_RUN" "$open/config"
}

# deploy OPTION...: in the background, and in force; a group of its own.
deploy() {
	: >out
	setsid sched-deploy --no-history "$@" <in >out 2>err 3>&- &
	deployer=$!
	in_force || { cat err; return 1; }
}

in_force() {
	local i
	for ((i = 0; i < 100; i++)); do
		! grep -q '"attached"' out || return 0
		sleep 0.05
	done
	return 1
}

last() {
	tail -n 1 out | jq -r "$1"
}

all='[{"match": "*", "nice": 7, "policy": "batch", "slice_us": 20000,
	"cpus": "0"}]'

@test 'knobs: set on what runs, told, and set back exactly' {
	local before
	knobs "$all"
	victim 600
	before=$(state "${victims[@]}")
	exits 0 sched-deploy --dry-run --pid "${victims[0]}" <in
	is "$(state "${victims[@]}")" "$before"
	has "$(tail -n 1 <<<"$output" | jq -r '.body.changes[]')" 'nice 7, now 0'
	is "$(tail -n 1 <<<"$output" | jq -r .body.state)" dry-run
	deploy --pid "${victims[0]}"
	is "$(nice_of "${victims[0]}")" 7
	has "$(state "${victims[@]}")" SCHED_BATCH
	has "$(sched-deploy status)" 'knobs are set on 1 tasks'
	exits 0 sched-deploy stop
	is "$(state "${victims[@]}")" "$before"
	is "$(last .body.state)" stopped
	lacks "$(sched-deploy status)" knobs
	[ ! -e run/knobs.journal ]
	# For a time.
	exits 0 sched-deploy --for 0.3 --pid "${victims[0]}" <in
	is "$(state "${victims[@]}")" "$before"
	is "$(tail -n 1 <<<"$output" | jq -c .body.rules)" \
		'[{"match":"*","tasks":1}]'
	# The whole way is in the history.
	is "$(sched-history log | jq -r .kind | sort -u | tr '\n' ' ')" \
		'deployment policy verdict '
}

@test 'knobs: for a command, what it starts, and no longer' {
	knobs "[{\"match\": \"$name\", \"nice\": 9},
		{\"match\": \"*\", \"nice\": 3, \"cpus\": \"0\"}]"
	exits 5 sched-deploy -- sh -c "nice; nproc; ./$name 0.4 &
		sleep 0.3; ps -o ni= -C $name; exit 5" <in
	is "$(grep -v '^{' <<<"$stderr" | tr -d ' ' | tr '\n' ' ')" '3 1 9 '
	[ ! -e run/knobs.journal ]
	exits 0 sched-deploy --dry-run -- sh -c 'echo never' <in
	has "$output" 'nice 3, now 0'
	lacks "$stderr" never
}

@test 'knobs: by name, and what was born meanwhile is set back, too' {
	local before child
	knobs "[{\"match\": \"$name*\", \"nice\": 4, \"policy\": \"idle\"}]"
	cp "$(command -v bash)" "${name}b"
	mkfifo fifo
	"./${name}b" -c "read -r x <fifo; ./$name 60 & ./$name 61; :" 3>&- &
	victims+=($!)
	victim 600
	before=$(state "${victims[@]}")
	deploy
	echo go >fifo
	# It is idle now, and gets what others leave.
	for ((i = 0; i < 100; i++)); do
		[ "$(pgrep -c -P "${victims[0]}")" -lt 2 ] || break
		sleep 0.1
	done
	read -r child _ <<<"$(pgrep -P "${victims[0]}" | tr '\n' ' ')"
	is "$(cut -d ' ' -f 19 "/proc/$child/stat")" 4
	exits 0 sched-deploy stop
	is "$(state "${victims[@]}")" "$before"
	while read -r p; do
		victims+=("$p")
		is "$(state "$p" | head -n 1)" "$(head -n 1 <<<"$before")"
	done < <(pgrep -P "${victims[0]}")
}

@test 'knobs: by what was executed, whatever it is called' {
	local hash other
	cp "$(command -v bash)" "${name}b"
	# shellcheck disable=SC2016 # for the shell that is started
	job=("./${name}b" -c 'sleep "$T"; :')
	T=0 sched-observe --json -- "${job[@]}" long >profile
	[ "$(jq -r .body.source profile)" = bpf ] ||
		skip 'identities are observed by BPF, which is not to be had'
	hash=$(jq -r ".body.identities[] | select(.name == \"${name}b\").hash" \
		profile)
	knobs "[{\"match\": \"${name}b\", \"identity\": \"$hash\", \"nice\": 0},
		{\"match\": \"${name}b\", \"nice\": 6}]"
	T=60 "${job[@]}" long 3>&- &
	victims+=($!)
	T=60 "${job[@]}" short 3>&- &
	other=$!
	victims+=("$other")
	sleep 0.1
	deploy
	is "$(nice_of "${victims[0]}")" 0
	is "$(nice_of "$other")" 6
	exits 0 sched-deploy stop
	is "$(nice_of "$other")" 0
	is "$(last '.body.rules[0] | .identity + " " + (.tasks | tostring)')" \
		"$hash 1"
	pkill -9 -P "${victims[0]},$other" -x sleep
}

@test 'knobs: whoever is killed, it is set back' {
	local before
	knobs "$all"
	victim 600
	before=$(state "${victims[@]}")
	deploy --pid "${victims[0]}"
	kill -9 "$deployer"
	back "$before"
	deploy --pid "${victims[0]}"
	kill -9 "$(pgrep -P "$deployer" -x set-knobs)"
	back "$before"
	ends 1
	is "$(last '.body.state + ": " + .body.why')" \
		'ejected: the process that had set the knobs was ended'
	# On how many tasks each rule was set it cannot say any more.
	is "$(last .body.rules)" null
	has "$(cat err)" 'the process that had set the knobs was ended'
	is "$(sched-deploy status --json | jq -r .body.last.state)" ejected
	# Both: the next one does it.
	deploy --pid "${victims[0]}"
	kill -9 -- "-$deployer"
	sleep 0.1
	[ "$(state "${victims[@]}")" != "$before" ]
	has "$(sched-deploy status)" 'was killed'
	exits 0 sched-deploy stop
	is "$(state "${victims[@]}")" "$before"
	deploy --pid "${victims[0]}"
	kill -9 -- "-$deployer"
	knobs '[{"match": "*", "nice": 1}]'
	exits 0 sched-deploy --for 0.2 --pid "${victims[0]}" <in
	is "$(state "${victims[@]}")" "$before"
	exits 1 sched-deploy stop
}

# ends STATUS: the deployer, with it.
ends() {
	local got=0
	wait "$deployer" || got=$?
	is "$got" "$1"
}

@test 'knobs: a command that has lost its knobs goes on without' {
	knobs '[{"match": "*", "nice": 3}]'
	# shellcheck disable=SC2016 # for the shell that is started
	exits 1 sched-deploy -- sh -c 'nice
		kill -9 "$(pgrep -P "$PPID" -x set-knobs)"
		i=0
		while [ "$(nice)" = 3 ] && [ $((i += 1)) -lt 200 ]; do
			sleep 0.05
		done
		nice; exit 5' <in
	is "$(grep -x '[0-9]*' <<<"$stderr" | xargs)" '3 0'
	is "$(tail -n 1 <<<"$output" | jq -r .body.state)" ejected
}

# back STATE: soon.
back() {
	local i
	for ((i = 0; i < 100; i++)); do
		[ "$(state "${victims[@]}")" != "$1" ] || return 0
		sleep 0.05
	done
	is "$(state "${victims[@]}")" "$1"
}

# micro N: as many seconds.
micro() {
	printf '%d.%06d\n' $(($1 / 1000000)) $(($1 % 1000000))
}

@test 'knobs: killed at twenty moments' {
	local before i changed=0 began span
	knobs "[{\"match\": \"$name\", \"nice\": 7, \"policy\": \"batch\",
		\"slice_us\": 20000, \"cpus\": \"0\"}]"
	for ((i = 0; i < 30; i++)); do
		victim 600
	done
	renice -n 2 "${victims[3]}" >/dev/null
	before=$(state "${victims[@]}")
	# How long it takes to be in force, however busy the machine is.
	began=${EPOCHREALTIME/./}
	deploy
	span=$((${EPOCHREALTIME/./} - began))
	exits 0 sched-deploy stop
	for ((i = 0; i < 20; i++)); do
		setsid sched-deploy --no-history <in >out 2>err 3>&- &
		deployer=$!
		sleep "$(micro $((span * RANDOM / 25000)))"
		# It may not have got as far as to a group of its own.
		kill -9 -- "-$deployer" 2>/dev/null || kill -9 "$deployer"
		wait "$deployer" || true
		[ "$(state "${victims[@]}")" = "$before" ] || changed=$((changed + 1))
		sched-deploy stop >/dev/null 2>&1 || true
		is "$(state "${victims[@]}")" "$before"
		lacks "$(sched-deploy status)" knobs
	done
	echo "$changed of 20 had begun"
	[ "$changed" -gt 0 ]
}

@test 'knobs: what others change meanwhile stays theirs' {
	local before
	knobs "$all"
	victim 600
	victim 600
	before=$(state "${victims[0]}")
	deploy --pid "$$"
	has "$(sched-deploy status)" 'knobs are set on'
	renice -n 12 "${victims[0]}" >/dev/null
	kill -9 "${victims[1]}"
	wait "${victims[1]}" || true
	has "$(sched-deploy status)" 'nice value is 12'
	exits 0 sched-deploy stop
	is "$(nice_of "${victims[0]}")" 12
	has "$(last '.body.left[]')" "task ${victims[0]}: its nice value is 12"
	renice -n 0 "${victims[0]}" >/dev/null
	is "$(state "${victims[0]}")" "$before"
}

@test 'knobs: one deployer at a time' {
	knobs "$all"
	victim 600
	deploy --pid "${victims[0]}"
	exits 4 sched-deploy --pid "${victims[0]}" --for 1 <in
	has "$stderr" 'another sched-deploy is at work'
	exits 0 sched-deploy stop
}

@test 'knobs: what is not there or not said is refused' {
	knobs "$all"
	exits 3 sched-deploy --for 1 <in
	has "$stderr" 'say which with --pid'
	is "$(sched-history log | jq -r 'select(.kind == "deployment")
		.body.state')" refused
	exits 3 sched-deploy --for 1 --pid 4194303 <in
	has "$stderr" 'no process 4194303'
	exits 3 sched-deploy --for 1 --cgroup /no/such/one <in
	exits 2 sched-deploy --pid 1 --cgroup / <in
	exits 2 sched-deploy --pid 1 -- true <in
	knobs '[{"match": "*", "cpus": "511"}]'
	exits 3 sched-deploy --pid $$ --for 1 <in
	has "$stderr" 'CPU 511'
	[ ! -e run/knobs.journal ]
}

@test 'knobs: without privilege' {
	local before
	needs_open_tree
	knobs "$all"
	nobodys_folder
	cp "$name" "$open"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$open/$name" 60 \
		3>&- &
	victims+=($!)
	victim 600
	sleep 0.1
	before=$(state "${victims[@]}")
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups
		env XDG_CONFIG_HOME="$open/config"
		sched-deploy --no-history --for 0.3)
	knobs "[{\"match\": \"*\", \"nice\": 5}]"
	exits 3 "${nobody[@]}" --pid "${victims[0]}" <in
	has "$stderr" "task ${victims[0]}: its priority could not be set back"
	knobs "[{\"match\": \"*\", \"nice\": -5}]"
	exits 3 "${nobody[@]}" --pid "${victims[0]}" <in
	has "$stderr" 'its priority cannot be raised'
	# Each is named, and none was changed.
	knobs "[{\"match\": \"$name\", \"policy\": \"batch\"}]"
	exits 3 "${nobody[@]}" <in
	has "$stderr" "task ${victims[1]} is another user's"
	is "$(state "${victims[@]}")" "$before"
	# What can be undone can be done; a command ends with it.
	exits 0 "${nobody[@]}" --pid "${victims[0]}" < <(
		knobs '[{"match": "*", "policy": "batch", "cpus": "0"}]'
		cat in
	)
	is "$(state "${victims[@]}")" "$before"
	knobs '[{"match": "*", "nice": 5}]'
	exits 0 "${nobody[@]}" -- nice <in
	has "$stderr" 5
}

# group: a cgroup of version 2 for this test, where root may make one.
make_group() {
	needs_root
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[ -n "$root" ] || skip 'no cgroups of version 2'
	group=$root/schedkit-test-$$
	mkdir "$group" || skip 'cgroups of version 2 cannot be made'
}

@test 'knobs: what is in a cgroup, and comes into it' {
	local before
	make_group
	victim 600
	victim 600
	before=$(state "${victims[@]}")
	echo "${victims[0]}" >"$group/cgroup.procs"
	knobs '[{"match": "*", "nice": 6}]'
	deploy --cgroup "${group#"$root"}"
	is "$(cut -d ' ' -f 19 "/proc/${victims[0]}/stat")" 6
	is "$(cut -d ' ' -f 19 "/proc/${victims[1]}/stat")" 0
	echo "${victims[1]}" >"$group/cgroup.procs"
	sleep 0.4
	is "$(cut -d ' ' -f 19 "/proc/${victims[1]}/stat")" 6
	exits 0 sched-deploy stop
	for p in "${victims[@]}"; do
		echo "$p" >"$root/cgroup.procs"
	done
	is "$(state "${victims[@]}")" "$before"
}

@test 'knobs: the weight of a cgroup, and one made beside it' {
	local before
	make_group
	grep -qw cpu "$root/cgroup.controllers" ||
		skip "no controller 'cpu' in cgroups of version 2"
	grep -qw cpu "$root/cgroup.subtree_control" ||
		echo +cpu >"$root/cgroup.subtree_control"
	mkdir "$group/in"
	echo +cpu >"$group/cgroup.subtree_control"
	victim 600
	victim 600
	echo "${victims[0]}" >"$group/in/cgroup.procs"
	echo "${victims[1]}" >"$group/in/cgroup.procs"
	files() {
		cat "$group"/in/cpu.{weight,max} "$group/cgroup.subtree_control"
		ls "$group"
		state "${victims[@]}"
	}
	before=$(files)
	knobs '[{"match": "*", "cpu_weight": 50, "cpu_max_pct": 150, "nice": 3}]'
	deploy --cgroup "${group#"$root"}/in"
	is "$(cat "$group/in/cpu.weight")" 50
	is "$(cat "$group/in/cpu.max")" '150000 100000'
	kill -9 -- "-$deployer"
	exits 0 sched-deploy stop
	is "$(files)" "$before"
	# A rule for a name has a cgroup beside.
	knobs "[{\"match\": \"$name\", \"cpu_weight\": 20}]"
	deploy --pid "${victims[0]}"
	has "$(cat "/proc/${victims[0]}/cgroup")" "${group#"$root"}/schedkit-"
	kill -9 -- "-$deployer"
	exits 0 sched-deploy stop
	is "$(files)" "$before"
}
