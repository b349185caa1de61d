#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history bisect with the ladder as its test, in real guests: which of
# the policies that were in place made it worse.

load ../lib
load ../history
load ../hogs

setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
}

# As many, but how often they had to wait, all in all, and one more.
all_hogs='for i in 1 2 3 4 5; do (
		n=0
		while ((n++ < 9000)); do :; done
		while read -r key value; do
			[ "$key" = nonvoluntary_ctxt_switches: ] &&
				echo "$value"
		done </proc/$BASHPID/status
	) & done | { s=1; while read -r n; do s=$((s + n)); done
		echo "switches: $s"; }'

@test 'guest history: bisect finds the policy with which the slices got short' {
	local i=0 slice
	{
		hogs_profile bash -c "$all_hogs" | jq -cS .
		for slice in 200000 190000 195000 1000 1100; do
			i=$((i + 1))
			policy "p$i" "$slice" | tee "p.$i"
			verdict "$(doc_id <"p.$i")" hogs accepted 2 | at "$i"
		done
	} | sched-history add >/dev/null
	sched-history bisect start -w hogs >/dev/null
	exits 0 sched-history bisect run --target vm --cpus 2 --pairs 3 \
		--metric switches --worse 80
	echo "# $(jq -r .why <<<"$output")"
	is "$(jq -r .first_bad <<<"$output")" "$(doc_id <p.4)"
	is "$(jq -r .last_good <<<"$output")" "$(doc_id <p.3)"
	is "$(jq -r .tests <<<"$output")" 2
	has "$(jq -r .why <<<"$output")" switches
}
