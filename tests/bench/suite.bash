# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks of the loop share.  Each step writes a file below
# $out; one that is there is not run again, so that a benchmark that was
# interrupted goes on where it was.  Remove $BUILD/bench to start anew.
#
#   SUITE="NAME..."      only these workloads of the suite
#   BENCH_ROUNDS=3       rounds of the loop
#   BENCH_CANDIDATES=4   policies of a round

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 3
: "${BUILD:=build}"
case $BUILD in
/*) ;;
*) BUILD=$PWD/$BUILD ;;
esac
export BUILD
bin=$BUILD/bin
recipe=$PWD/tests/workloads/suite/recipe
bench=$BUILD/bench
rounds=${BENCH_ROUNDS:-3}
candidates=${BENCH_CANDIDATES:-4}
mkdir -p "$bench"
# Keys of their own; the user's are not for this.
export XDG_CONFIG_HOME=$bench/config

say() {
	printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2
}

# step FILE COMMAND...: its documents, unless they are there.  Status 1, "the
# answer is no", is an answer; 4, "try again" (a guest died), is tried twice
# more.  Beside it, how long that took.
step() {
	local file=$1 began=$SECONDS rc=4 tries
	shift
	[ -e "$file" ] && return
	mkdir -p "$(dirname "$file")"
	for ((tries = 0; rc == 4 && tries < 3; tries++)); do
		rc=0
		"$@" >"$file.part" 2>"$file.log" || rc=$?
	done
	if [ "$rc" -gt 1 ]; then
		say "failed with status $rc: $*"
		tail -n 3 "$file.log" >&2
		return "$rc"
	fi
	echo $((SECONDS - began)) >"$file.seconds"
	mv "$file.part" "$file"
}

entry() {
	"$recipe" entry "$1"
}

cpus_of() {
	entry "$1" | jq -r '.cpus // 2'
}

# The options of sched-verify and sched-loop that guard the others.
guards_of() {
	entry "$1" | jq -r '.guards // [] | .[] | "--guard", .'
}

# loop NAME WORKLOAD-FILE OPTION...: a loop over a workload of the suite.
# The history is the caller's.
loop() {
	local name=$1 file=$2 guards
	shift 2
	mapfile -t guards < <(guards_of "$name")
	"$bin/sched-loop" --workload "$file" --target vm \
		--cpus "$(cpus_of "$name")" --goal "$(entry "$name" |
			jq -r .goal)" --rounds "$rounds" \
		--candidates "$candidates" --no-deploy --backend builtin \
		--json ${guards[@]+"${guards[@]}"} "$@" </dev/null
}

# What a run of the loop came to, from its documents: its last note.
outcome() {
	jq -cs '[.[] | select(.kind == "note" and .body.loop)] | last
		| .body.loop // empty' "$1"
}
