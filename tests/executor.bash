# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Policies for an executor, what two answers to them must have in common, and how
# a real engine is asked:  load ../lib; load ../executor

# policies N: a profile and N policies, some of which no simulator takes.
policies() {
	local profile i
	profile=$(head -n 1 "$TREE/tests/bench/requests.profile")
	printf '%s\n' "$profile"
	for ((i = 1; i <= $1; i++)); do
		doc policy "{\"form\": \"params\", \"title\": \"number $i; \$(id)\",
			\"why\": \"w\", \"uses\": [], \"params\":
			{\"slice_us\": $((i % 5 == 3 ? 7 : 1000 + 250 * i))}}" \
			"$(doc_id <<<"$profile")"
	done
}

# verdicts < DOCUMENTS: without what no two runs have in common.
verdicts() {
	jq -cS 'select(.kind == "verdict") | {kind, parent, by, body: (.body |
		del(.stages[].seconds, .evidence.host_load))}'
}

# here IN STAGES: the answer of this machine, in "local"; one for a file.
here() {
	[ -s "$BATS_FILE_TMPDIR/local" ] ||
		sched-verify --json --stages "$2" <"$1" 2>/dev/null |
		verdicts >"$BATS_FILE_TMPDIR/local"
	cat "$BATS_FILE_TMPDIR/local"
}

# until_so SECONDS COMMAND...: until it succeeds.
until_so() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || {
			echo "not so in time: $*"
			return 1
		}
		sleep 0.1
	done
}

# answers DIR N: so many jobs are answered, at least.
answers() {
	[ "$(find "$1" -name '*.answer' | wc -l)" -ge "$2" ]
}

# ---- a real engine ------------------------------------------------------

STAGES=lint,build,prove,sim

# engine_setup ENGINE JOBS: what is asked of it in all tests of a file, and where
# its jobs are.
engine_setup() {
	cd "$BATS_TEST_TMPDIR" || return
	engine=$1 jobs=$2
	policies 32 >in
	here in $STAGES >want
	is "$(wc -l <want)" 32
}

ask() {
	sched-verify --json --stages $STAGES --executor "$engine" <in \
		>out 2>err 3>&-
}

# begun N: it is asked in the background, $asker, and has N answers.
begun() {
	ask 3>&- &
	asker=$!
	until_so 120 answers "$jobs" "$1"
}

# tell SIGNAL: to the sched-verify that asks.
tell() {
	pkill "-$1" -P "$asker" -x sched-verify
}

# ends STATUS: who was asked in the background.
ends() {
	local rc=0
	wait "$asker" || rc=$?
	asker=
	is $rc "$1"
}

# Nothing of a test that failed is left to the next.
asker_gone() {
	[ -z "${asker:-}" ] || tell KILL || :
}

same_as_here() {
	diff <(verdicts <out) want
	is "$(ls "$jobs")" ''
}

# A port that nobody uses.
port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
