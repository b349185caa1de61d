# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the bats files share:  load ../lib
#
# $BUILD is the absolute build folder; its programs come first in PATH.
# Settings, histories and caches of a test stay in the test's own folder, except
# for guest kernels, which are too large to be fetched twice.

bats_require_minimum_version 1.5.0

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${BUILD:=build}"
case $BUILD in
/*) ;;
*) BUILD=$TREE/$BUILD ;;
esac
export TREE BUILD
PATH=$BUILD/bin:$PATH
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
if [ -n "${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-}}" ]; then
	export XDG_STATE_HOME=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/state
	export XDG_CONFIG_HOME=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/config
fi
# A leak, an overrun or undefined behaviour is never an answer (SAN=1).
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=86}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-exitcode=86:print_stacktrace=1}

# ---- reasons to skip --------------------------------------------------

needs_root() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
}

# Another user's process is to run our programs: nobody reads below a home.
needs_open_tree() {
	needs_root
	needs setpriv
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		test -x "$BUILD/bin/sched" ||
		skip 'the tree is not for everybody to read'
}

needs() {
	command -v "$1" >/dev/null || skip "needs $1"
}

# Without it no model is asked.
needs_landlock() {
	! "$BUILD/libexec/schedkit/ask-model" --backend command:true 2>&1 \
		</dev/null | grep -q 'no Landlock' || skip 'needs Landlock'
}

# What code of policies is compiled with, as lib/ looks for it, and confined by.
needs_clang() {
	local c
	needs_landlock
	for c in ${BPF_CLANG:-} clang-16 clang-17 clang-18 clang-19 clang-20 \
		clang-21 clang; do
		! command -v "$c" >/dev/null || return 0
	done
	skip 'needs clang'
}

# guest_lacks [SERIES]: what is not there of QEMU, virtiofsd and a kernel of the
# series.  For setup_file, too, which cannot skip.
guest_lacks() {
	"$BUILD/libexec/schedkit/fetch-guest" --print "${1:-6.18}" |
		awk -F '\t' '$2 == "" && $1 ~ /^(qemu|virtiofsd|kernel)$/ {
			printf "%s ", $1 }'
}

# needs_guest [SERIES]
needs_guest() {
	local lack
	lack=$(guest_lacks "$@")
	[ -z "$lack" ] || skip "no guest (make deps): lacks $lack"
}

# vouched POLICY VERDICT: both as a stream, the verdict signed.
vouched() {
	printf '%s\n' "$@" |
		sched-verify --json --sign "$(doc_id <<<"$2")" 2>/dev/null |
		sed 2d
}

# guest_configuration: its kernel's, as sched-deploy has it.  A suite boots one
# guest for it.
guest_configuration() {
	local at=${SUITE_DIR:-$BATS_RUN_TMPDIR}/guest-configuration
	[ -s "$at" ] ||
		sched-guest -q -- "$BUILD/bin/sched-deploy" status --json |
		jq -r .body.configuration >"$at"
	cat "$at"
}

# Programs built with SAN=1 are slower: for tests of timing and of guests.
needs_plain_build() {
	case $BUILD in
	*/san) skip 'not with sanitizers' ;;
	esac
}

# ---- checks that say what they got ------------------------------------

# is GOT WANT
is() {
	[ "$1" = "$2" ] && return
	printf 'got:  %s\nwant: %s\n' "$1" "$2"
	return 1
}

# has TEXT PART
has() {
	[[ $1 == *"$2"* ]] && return
	printf 'got:  %s\nwant somewhere in it: %s\n' "$1" "$2"
	return 1
}

# lacks TEXT PART
lacks() {
	[[ $1 != *"$2"* ]] && return
	printf 'got:  %s\nwant nowhere in it: %s\n' "$1" "$2"
	return 1
}

# What interrupts and the hypervisor took of this machine's CPUs, in us: what runs
# meanwhile takes that much longer, while its CPU time does not grow.
taken_us() {
	awk '$1 == "cpu" { printf "%.0f", ($7 + $8 + $9) * 1e6 / hz }' \
		hz="$(getconf CLK_TCK)" /proc/stat
}

# exits STATUS COMMAND...: like run --separate-stderr, and the status is
# checked; $output and $stderr as usual.
exits() {
	local want=$1
	shift
	run --separate-stderr -- "$@"
	# shellcheck disable=SC2154
	[ "$status" = "$want" ] && return
	# shellcheck disable=SC2154
	printf 'exit status %s, want %s: %s\nstdout: %s\nstderr: %s\n' \
		"$status" "$want" "$*" "$output" "${stderr:-}"
	return 1
}

# ---- documents --------------------------------------------------------

# doc KIND BODY [PARENT...]: a document's line.  The id is right as long as
# the body holds ASCII and whole numbers only: there jq -cS writes what
# RFC 8785 asks for.
doc() {
	local kind=$1 body
	# One jq, not two: tests make thousands of these.
	body=$(jq -cSj . <<<"$2") || return
	shift 2
	doc_of "$kind" "$body" "$@"
}

# The same of a body that jq -cS wrote.
doc_of() {
	local kind=$1 body=$2 id parents=''
	shift 2
	id=$(printf %s "$body" | sha256sum)
	[ -z "${1:-}" ] || parents=$(printf ',"%s"' "$@")
	printf '{"v":1,"kind":"%s","id":"%s","parent":[%s],"by":"tests 0",' \
		"$kind" "${id%% *}" "${parents#,}"
	printf '"time":"2026-01-02T03:04:05Z","body":%s}\n' "$body"
}

# The id of the document whose line is on standard input.
doc_id() {
	jq -r .id
}

# ---- verdicts ----------------------------------------------------------

# judge STATUS ARGUMENT...: $body is the verdict's.
judge() {
	local want=$1
	shift
	exits "$want" sched-verify --json "$@"
	body=$(jq -c 'select(.kind == "verdict").body' <<<"$output")
}

# so FILTER: true of the verdict.
so() {
	jq -e "$1" <<<"$body" >/dev/null && return
	printf 'not so: %s\n%s\n' "$1" "$body"
	return 1
}

# verdict_so N FILTER: true of the body of the N-th verdict in the file out.
verdict_so() {
	local body
	body=$(jq -cs "map(select(.kind == \"verdict\"))[$1].body" out)
	so "$2"
}

# host_wait_pct <DOCUMENTS: of its time a guest waited for its CPUs, at most.
host_wait_pct() {
	jq -s 'map(select(.kind == "verdict").body.evidence.host_wait_pct // 0) |
		max | floor'
}

# edited FILTER <STREAM: its verdicts' bodies edited, with the ids that they then
# have.
edited() {
	local line
	while read -r line; do
		if [ "$(jq -r .kind <<<"$line")" = verdict ]; then
			doc_of verdict "$(jq -cS ".body | $1" <<<"$line")" \
				"$(jq -r .body.policy <<<"$line")"
		else
			echo "$line"
		fi
	done
}
