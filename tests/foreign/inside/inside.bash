# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What is done on a foreign machine, by a user who has sudo:  load inside

load ../../lib
load ../../doctor

# Only there: it would change this machine, and the reader's patience.
needs_foreign() {
	[ -e /mnt/schedkit.bundle ] || skip 'needs a foreign machine'
	needs_guest
	cd "$BATS_TEST_TMPDIR" || return
}

# root COMMAND...: with what we find in PATH, and our folders.
root() {
	sudo -n env PATH="$PATH" HOME="$HOME" \
		XDG_STATE_HOME="$XDG_STATE_HOME" \
		XDG_CONFIG_HOME="$XDG_CONFIG_HOME" "$@"
}

# body KIND FILTER: true of the body of the document of that kind in $output.
body() {
	jq -se "[.[] | select(.kind == \"$1\").body | ($2)] |
		length > 0 and all" <<<"$output" >/dev/null && return
	printf 'not so: %s\n%s\n' "$2" "$output"
	return 1
}

# judged N COMMAND...: a profile, a plan and N policies of what a workload does,
# and what the ladder says of them as far as it needs no kernel; in $output.
judged() {
	local n=$1
	shift
	exits 0 sched-observe --json -- "$BUILD/workloads/known" "$@"
	printf '%s\n' "$output" >profile
	exits 0 sched-synth --json --runs 8 -n "$n" <profile
	body plan '.text | length > 0'
	printf '%s\n' "$output" >stream
	run --separate-stderr sched-verify --json \
		--stages lint,build,prove,sim <stream
	[ "$status" = 0 ] || [ "$status" = 1 ]
	body verdict '[.stages[] | select(.status == "passed")] | length >= 3'
}

# A point of the template, ready for sched-guest.
policy() {
	doc policy '{"form": "params", "title": "t", "why": "w", "uses": [],
		"params": {}}' >policy.json
}
