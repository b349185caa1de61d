# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the bats files about language models share:  load ../lib; load ../llm
#
# A file starts one endpoint (tests/endpoint); every question of a test has a
# script of its own there and a folder of its own, $at.
#
# shellcheck disable=SC2034 # what the files use

KEY=sk-planted-5f1d0c7e93ab4826
LIMITS=(--connect 5 --first-byte 5 --idle 5 --total 9 --retry-wait 1)
DONE='{"answer":{"text":"done"}}'
HELLO='{"role":"coder","system":"You write.","max_tokens":100,'\
'"messages":[{"role":"user","text":"Hello"}]}'
# The usage that the endpoint says if the script does not.
USAGE='{"cached":3,"in":11,"out":7}'
NOTHING='{"cached":0,"in":0,"out":0}'

# No test of a file that has no setup of its own runs without an endpoint.
setup() {
	needs python3
	needs_landlock
}

# endpoint_start [OPTION...]: for setup_file, which cannot skip; more than one
# may run.
endpoint_start() {
	local port
	command -v python3 >/dev/null || return 0
	port=$(mktemp -d -p "$BATS_FILE_TMPDIR")/port
	SCRIPTS=$BATS_FILE_TMPDIR/scripts
	mkdir -p "$SCRIPTS"
	"$TREE/tests/endpoint/endpoint" --seconds 900 --port "$port" "$@" \
		3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	for _ in {1..3000}; do
		[ ! -s "$port" ] || break
		sleep 0.01
	done
	PORT=$(cat "$port")
	export PORT SCRIPTS
}

endpoint_stop() {
	local pid
	[ -e "$BATS_FILE_TMPDIR/pids" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done <"$BATS_FILE_TMPDIR/pids"
}

# place NAME STEPS: where a question finds its script and leaves its traces.
place() {
	at=$BATS_TEST_TMPDIR/$1
	script=$BATS_TEST_NUMBER-$((placed += 1))-$1
	log=$SCRIPTS/$script.log
	ledger=$at/state/schedkit/ledger.jsonl
	rm -rf "$at"
	mkdir -p "$at/home" "$at/state"
	printf %s "$2" >"$SCRIPTS/$script.json"
}

# ask BACKEND REQUEST [OPTION...]: one process, its questions one in a line,
# the answers in $at/out (what it says first is in $at/hello), its id in $at/pid.
ask() {
	local backend=$1 questions=$2
	[ -v key ] || local key=(SCHED_LLM_KEY="$KEY")
	shift 2
	env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		ASAN_OPTIONS="$ASAN_OPTIONS" UBSAN_OPTIONS="$UBSAN_OPTIONS" \
		SCHED_LLM="$backend:http://127.0.0.1:$PORT/$script/v1${model-#a-model}" \
		"${key[@]}" "${settings[@]}" \
		timeout -k 1 "${seconds:-10}" \
		sh -c 'echo $$ >"$0" && exec "$@"' "$at/pid" \
		"$BUILD/libexec/schedkit/ask-model" "${LIMITS[@]}" "$@" \
		<<<"$questions" \
		2>"$at/err" | {
		# Not head: that may take more than a line from a pipe.
		read -r said_first || true
		printf '%s\n' "$said_first" >"$at/hello"
		cat >"$at/out"
	}
	return "${PIPESTATUS[0]}"
}

SUMS='
	def usage: {cached, in, out};
	def requests: "\(map(select(.method)) | length)\(
		map(.complaint // "") | add)";
	def billed: "\(length) \({cached: (map(.tokens_cached) | add // 0),
		in: (map(.tokens_in) | add // 0),
		out: (map(.tokens_out) | add // 0)})";'

# How many requests the endpoint saw, and what was wrong with them.
requests() {
	[ -e "$log" ] || { echo 0 && return; }
	jq -rs "$SUMS requests" "$log"
}

# The lines of the ledger, and what they say was used.
billed() {
	jq -rs "$SUMS billed" "$ledger"
}

# outcome: "ok" or the name of the error.
outcome() {
	jq -r 'if .error then .error.errno else "ok" end' "$at/out"
}

# One question in one mode, BACKEND or BACKEND-stream:
#   one MODE REQUESTS OUTCOME STEPS [OPTION...]
# It ends as said, the endpoint saw so many requests and nothing wrong with
# them, and the ledger has one line that says what the answer says.
#   $want     what jq has to find true of the answer ("done" is its text)
#   $request  instead of a greeting
#   $usage, $usage_anthropic  of all attempts
#   $lines  of the ledger, if not 1;  $complaint  that the endpoint had
one() {
	local mode=$1 n=$2 end=$3 steps=$4 stream=(--no-stream) said
	local usage=${usage:-} want=${want:-}
	shift 4
	[[ $mode != *-stream ]] || stream=()
	[[ $mode != anthropic* ]] || usage=${usage_anthropic:-$usage}
	[ "$end" != ok ] || : "${usage:=$USAGE}" "${want:=.text == \"done\"}"
	place "$mode" "$steps"
	ask "${mode%-stream}" "${request:-$HELLO}" "${stream[@]}" "$@" ||
		fail "exit status $?: $(cat "$at/err")"
	touch "$log" "$ledger"
	# One jq: it takes longer to start than what is tested.
	said=$(jq -rn --slurpfile a "$at/out" --slurpfile g "$ledger" \
		--slurpfile l "$log" "$SUMS"'$a[0] | [.error.errno // "ok",
		(.usage | usage), ('"${want:-true}"'), ($l | requests),
		($g | billed)] | map(tostring) | join(" ")')
	is "$said" "$end ${usage:=$NOTHING} true $n${complaint:-} ${lines:-1} $usage" ||
		fail "$(head -c 2000 "$at/out")"
}

fail() {
	printf '%s: %s\n' "$mode" "$*"
	return 1
}

# The same for: both dialects, streaming and not.  (No "&&" or "||": below
# them bash goes on after a failure.)
both() {
	local mode
	for mode in openai openai-stream anthropic anthropic-stream; do
		one "$mode" "$@"
	done
}

# ... streaming only,
streams() {
	one openai-stream "$@"
	one anthropic-stream "$@"
}

# ... not streaming,
wholes() {
	one openai "$@"
	one anthropic "$@"
}
