#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history bisect finds the policy that made it worse.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
	local i
	for i in {1..16}; do
		policy "p$i" $((i * 1000)) >"p.$i"
		cat "p.$i"
		verdict "$(doc_id <"p.$i")" w accepted 2 | at "$i"
	done | sched-history add >/dev/null
	# Bad from the eleventh on.
	cat >check <<-'END'
		#!/bin/bash
		n=$(jq -r .body.params.slice_us)
		echo x >>tests
		[ "$n" != 9000 ] || [ ! -e skip9 ] || exit 125
		[ "$n" -lt 11000 ]
	END
	chmod +x check
}

@test 'history: bisect run finds the first bad one in few steps' {
	exits 3 sched-history bisect log
	exits 2 sched-history bisect start
	exits 0 sched-history bisect start -w w
	exits 0 sched-history bisect run ./check
	is "$(jq -r .first_bad <<<"$output")" "$(doc_id <p.11)"
	is "$(jq -r .last_good <<<"$output")" "$(doc_id <p.10)"
	is "$(jq -c '[.differs[] | select(.path == "params.slice_us") | .a, .b]' \
		<<<"$output")" '[10000,11000]'
	[ "$(wc -l <tests)" -le 5 ]
	is "$(sched-history bisect log | wc -l)" $(($(wc -l <tests) + 2))
	exits 0 sched-history bisect reset
	exits 3 sched-history bisect log
}

@test 'history: bisect by hand, skipped ones, and on where it was left' {
	touch skip9
	exits 0 sched-history bisect start -w w --good "$(doc_id <p.2)" \
		--bad "$(doc_id <p.15)"
	is "$output" "$(cat p.8)"
	exits 0 sched-history bisect good
	exits 0 sched-history bisect bad "$(doc_id <p.12)"
	is "$output" "$(cat p.10)"
	exits 0 sched-history bisect skip
	exits 1 sched-history bisect run ./check
	has "$stderr" 'one of the 3 after'
	# A test that dies is no answer.
	sched-history bisect start -w w >/dev/null
	exits 4 sched-history bisect run sh -c 'kill -9 $$'
	is "$(sched-history bisect log | wc -l)" 2
	exits 3 sched-history bisect start -w other
	exits 3 sched-history bisect start -w w --good "$(doc_id <p.9)" \
		--bad "$(doc_id <p.3)"
}

@test 'history: bisect goes by what was promoted' {
	local i
	for i in 5 2 11 9; do
		SCHEDKIT_TIME=$((1767323045 + i)) sched-history promote trusted \
			"$(doc_id <"p.$i")" --force >/dev/null
	done
	exits 0 sched-history bisect start -w w --good "$(doc_id <p.2)" \
		--bad "$(doc_id <p.11)"
	exits 0 sched-history bisect run ./check
	is "$(jq -r .first_bad <<<"$output")" "$(doc_id <p.11)"
	is "$(jq -r .last_good <<<"$output")" "$(doc_id <p.9)"
}
