#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Code of policies on a real kernel: it loads, it runs, and it decides.

load ../lib

setup() {
	needs_guest
	needs_clang
	cd "$BATS_TEST_TMPDIR" || return
}

HOOKS=$TREE/tests/policies/hooks
BURN=$BUILD/workloads/burn

# policy FORM FILE [MORE]: MORE are further keys of the body, as JSON.
policy() {
	doc policy "$(jq -n --arg form "$1" --rawfile code "$2" \
		--argjson more "${3:-"{}"}" '{form: $form, title: "t",
		why: "w", uses: ["behaviour"], code: $code} + $more')"
}

@test "hooks and source policies load, attach and detach" {
	{
		policy hooks "$HOOKS/short_first.c"
		policy hooks "$HOOKS/everything.c" '{"params": {
			"preempt": "key", "queue": "llc",
			"classify": "behaviour"}}'
		policy source "$TREE/tests/policies/good/edf.bpf.c"
	} | sched-verify --target vm --cpus 2 --json \
		--stages lint,build,prove,kernel >out || [ $? = 1 ]
	is "$(jq -r 'select(.kind == "verdict").body.stages[]
		| select(.name == "kernel").status' out | tr '\n' ' ')" \
		'passed passed passed ' || {
		jq -c 'select(.kind == "verdict").body' out
		return 1
	}
}

# Nanoseconds that each of two commands gets of two seconds on one CPU, once
# both have started.
SHARES=BURN=$BURN'
	taskset -c 1 nice -n 1 $BURN --idle & a=$!
	taskset -c 1 nice -n 2 $BURN --idle & b=$!
	sleep 2
	read a0 x </proc/$a/schedstat; read b0 x </proc/$b/schedstat
	sleep 2
	read a1 x </proc/$a/schedstat; read b1 x </proc/$b/schedstat
	echo $((a1 - a0)); echo $((b1 - b0))
	kill -9 $a $b'

@test "hooks decide who runs, and starve nobody" {
	printf '%s\n' 'u64 hook_key(const struct hook_task *t)' '{' \
		'	return t->nice == 2 ? t->key + HOOK_MS(400) : t->key;' \
		'}' >policy.c
	policy hooks policy.c '{"params": {"order": "fifo",
		"slice_us": 5000, "starve_us": 2000000}}' >policy.jsonl
	sched-verify --json --stages lint,build <policy.jsonl >out || [ $? = 1 ]
	jq -c .body policy.jsonl >policy
	out=$(timeout 120 sched-guest --quiet --cpus 2 --policy policy \
		--report report -- sh -c "$SHARES")
	printf '%s\n' "$out"
	is "$(jq -r .outcome report)" done
	jq -e '.policy.counters.queued > 0' report
	# Always later by 400 ms: far less than half, and yet not nothing.
	awk '{ t[NR] = $1 } END { exit !(t[2] > 1e6 && t[1] > 3 * t[2]) }' \
		<<<"$out"
}
