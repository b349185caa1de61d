#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-synth with several endpoints: the drafts go side by side, and the result
# is the same as one after the other.  How much sooner that is, is for
# tests/bench/parallel.sh to say: here others use the machine, too.

load ../lib
load ../parallel

setup() {
	needs_landlock
	needs_clang
	needs python3
	dir=$BATS_TEST_TMPDIR
	profile=$TREE/tests/bench/requests.profile
	servers=()
	# What a second question costs depends on how soon the first is answered.
	mkdir -p "$XDG_CONFIG_HOME/schedkit"
	echo '{"hedge_pct": 0}' >"$XDG_CONFIG_HOME/schedkit/runtime.json"
	export XDG_CACHE_HOME=$dir/cache SCHEDKIT_RUNTIME=off
	export SCHED_LLM_KEY=sk-test-0123456789abcdef
	unset SCHED_LLM SCHED_LLM_MODEL SCHED_LLM_KEY_FILE
}

teardown() {
	local pid
	for pid in "${servers[@]}" ${daemon:+"$daemon"}; do
		kill "$pid" 2>/dev/null || :
		# It may still write into the folder that is to be removed.
		wait "$pid" 2>/dev/null || :
	done
}

# synth STATUS ARGUMENT...: asks the endpoints of $SCHED_LLM.
synth() {
	local want=$1
	shift
	exits "$want" sched-synth --json "$@" <"$profile"
}

body() {
	jq -c "select(.kind == \"$1\").body" <<<"$output"
}

# Calls that the notes account for.
accounted() {
	jq -s '[.[] | select(.body.accounts?).body.accounts[].calls] | add' \
		<<<"$output"
}

# Calls that the endpoints answered.
asked() {
	jq -s '[.[] | select(.body and .step != null)] | length' \
		"$dir"/e*/many.log
}

nobody_left() {
	for _ in $(seq 50); do
		pgrep -f "$dir/" -a | grep -v tests/endpoint || return 0
		sleep 0.1
	done
	return 1
}

# begin ARGUMENT...: in the background, $pid; documents in out.
begin() {
	sched-synth --json "$@" <"$profile" >"$dir/out" 2>"$dir/err" 3>&- &
	pid=$!
}

# until COMMAND...: for at most ten seconds.
until_it() {
	for _ in $(seq 200); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.05
	done
	printf 'in vain: %s\n' "$*"
	return 1
}

# asked_at_least N
asked_at_least() {
	[ "$(asked)" -ge "$1" ]
}

# The processes that develop drafts.
hands() {
	pgrep -P "$pid" -f sched-synth
}

@test "parallel: side by side the same as one after the other" {
	local start one all
	script_many 3 0.01
	endpoints 2
	SCHED_LLM=$(address 2)
	export SCHED_LLM
	start=$EPOCHREALTIME
	synth 0 -n 3 --jobs 1
	one=$((${EPOCHREALTIME/./} - ${start/./}))
	same <<<"$output" >"$dir/one"
	is "$(body policy | wc -l)" 3
	is "$(accounted)" 13
	is "$(asked)" 13

	start=$EPOCHREALTIME
	synth 0 -n 3
	all=$((${EPOCHREALTIME/./} - ${start/./}))
	same <<<"$output" | diff "$dir/one" -
	is "$(accounted)" 13
	[ $(($(most_at_once 1) + $(most_at_once 2))) -ge 3 ]
	is "$(jq -s 'map(select(.complaint)) | length' "$dir"/e*/many.log)" 0
	echo "# one after the other $((one / 1000)) ms, side by side" \
		"$((all / 1000)) ms" >&3
}

@test "parallel: a hand that is killed is a draft not proposed" {
	script_many 3 0.02
	endpoints 1
	SCHED_LLM=$(address 4) begin -n 3
	until_it asked_at_least 5
	kill -KILL "$(hands | head -n 1)"
	wait "$pid"
	output=$(cat "$dir/out")
	is "$(body policy | wc -l)" 2
	has "$(body plan | jq -r .text)" 'its process was killed by signal 9'
	# What it had cost is not forgotten.
	is "$(body note | jq -s 'map(select(.text | contains("killed")))
		| length')" 1
	[ "$(accounted)" -ge $((1 + 2 * 4 + 1)) ]
	nobody_left
}

@test "parallel: an endpoint that dies: the other has it all" {
	script_many 3 0.02
	endpoints 2
	SCHED_LLM=$(address 2) begin -n 3
	until_it asked_at_least 5
	kill -KILL "${servers[0]}"
	wait "$pid" || cat "$dir/err"
	output=$(cat "$dir/out")
	is "$(body policy | wc -l)" 3
	is "$(body plan | jq -r '.text | contains("Ended early")')" false
}

@test "parallel: a budget ends it with the best so far" {
	script_many 4 0.005
	endpoints 2
	SCHED_LLM=$(address 4) synth 4 -n 4 --budget calls=12
	has "$(body plan | jq -r .text)" 'Ended early'
	has "$stderr" 'calls=12'
	is "$(accounted)" 12
	is "$(asked)" 12
	[ "$(body policy | wc -l)" -lt 4 ]
}

@test "parallel: --enough cancels the rest, which is accounted for" {
	local passed
	script_many 5 0.01
	endpoints 2
	SCHED_LLM=$(address 4) synth 0 -n 5 --enough 2
	# One may pass before it hears that it need not.
	passed=$(body policy | wc -l)
	[ "$passed" -ge 2 ]
	[ "$passed" -lt 5 ]
	has "$(body plan | jq -r .text)" 'not needed: 2 passed already'
	is "$(body plan | jq -r .text | grep -o 'not needed' | wc -l)" \
		$((5 - passed))
	[ "$(accounted)" = "$(asked)" ]
	nobody_left
}

@test "parallel: two that come to the same are proposed once, the first" {
	script_many 1 0 3
	jq 'map(.match.contains |= if test("draft_") then ";" else . end)' \
		"$dir/many.json" >"$dir/alike.json"
	mv "$dir/alike.json" "$dir/many.json"
	endpoints 1
	SCHED_LLM=$(address 4) synth 0 -n 3
	is "$(body policy | jq -r .title)" 'idea 0'
	is "$(body plan | jq -r .text |
		grep -o "it does the same as 'idea 0'" | wc -l)" 2
	same <<<"$output" >"$dir/all"
	SCHED_LLM=$(address 4) synth 0 -n 3 --jobs 1
	same <<<"$output" | diff - "$dir/all"
}

@test "parallel: an interrupt ends them all at once" {
	local rc=0
	script_many 4 0.1
	endpoints 2
	SCHED_LLM=$(address 4) begin -n 4
	until_it asked_at_least 5
	kill -INT "$pid"
	wait "$pid" || rc=$?
	is "$rc" 4
	output=$(cat "$dir/out")
	has "$(body plan | jq -r .text)" 'Ended early'
	is "$(body policy)" ''
	nobody_left
}

@test "parallel: killed, it leaves no process behind" {
	script_many 4 0.1
	endpoints 2
	SCHED_LLM=$(address 4) begin -n 4
	until_it asked_at_least 5
	kill -KILL "$pid"
	wait "$pid" || :
	nobody_left
}

# done_of KIND: requests that the daemon has seen done.
done_of() {
	sched-agents metrics --json | jq ".kinds.$1.done"
}

@test "parallel: two runs share the slots of their endpoints" {
	local first second
	script_many 3 0.01
	endpoints 2
	SCHED_LLM=$(address 2)
	export SCHED_LLM SCHEDKIT_RUNTIME=$dir/agentd.sock
	sched-agentd --socket "$SCHEDKIT_RUNTIME" 3>&- &
	daemon=$!
	until_it test -S "$SCHEDKIT_RUNTIME"
	XDG_STATE_HOME=$dir/other sched-synth --json -n 3 <"$profile" \
		>"$dir/first" 3>&- &
	first=$!
	begin -n 3
	second=$pid
	wait "$first"
	wait "$second"
	is "$(jq -c 'select(.kind == "policy").id' "$dir/first" | wc -l)" 3
	is "$(jq -c 'select(.kind == "policy").id' "$dir/out" | sort)" \
		"$(jq -c 'select(.kind == "policy").id' "$dir/first" | sort)"
	[ "$(most_at_once 1)" -le 2 ]
	[ "$(most_at_once 2)" -le 2 ]
	# Every question and every climb once, and none by who climbs.
	is "$(done_of llm)" 26
	is "$(done_of sim)" 18
	# What is verified beside them takes its turn as well.
	sched-verify --json --stages lint,build,prove,sim <"$dir/first" \
		>"$dir/verdicts" || [ $? = 1 ]
	is "$(jq -s 'map(select(.kind == "verdict")) | length' \
		"$dir/verdicts")" 3
	is "$(done_of sim)" 19
}
