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

# ---- the ladder as the test ---------------------------------------------

# sched-history beside a stand-in for what measures: it plays the verdicts of a
# target, of RATIO HIGH for each SLICE in the file ratios, else 1.5; without a
# ratio nothing was measured.  tests/guests/history.bats has the whole.
ladder() {
	mkdir -p tree/bin
	cp "$BUILD/bin/sched-history" tree/bin
	ln -s "$BUILD/lib" "$BUILD/libexec" tree
	{
		echo '#!/bin/bash'
		echo "cd '$PWD' && . '$TREE/tests/lib.bash'"
		declare -f played
		echo 'echo "$*" >>calls; tee in.verify; played'
	} >tree/bin/sched-verify
	chmod +x tree/bin/sched-verify
	doc profile '{"scope": "command", "goal": "makespan", "source": "bpf",
		"target": "vm", "duration_us": 2000000,
		"workload": {"name": "w", "command": ["true"]},
		"system": {"cpus": 2, "kernel": "6"}, "groups": [],
		"overhead": {"drops": 0}}' | jq -cS . >profile
	sched-history add <profile >/dev/null
	# The eleventh is worse.
	for n in {11..16}; do echo "${n}000 1.2 1.3"; done >ratios
	PATH=$PWD/tree/bin:$PATH
}

played() {
	local id slice ratio high
	jq -r 'select(.kind == "policy") | "\(.id) \(.body.params.slice_us)"' \
		in.verify | while read -r id slice; do
		read -r _ ratio high < <(grep "^$slice " ratios ||
			echo "$slice 1.5 1.6")
		doc verdict "{\"policy\": \"$id\", \"workload\": \"w\",
			\"decision\": \"inconclusive\", \"why\": \"it died\",
			\"target\": \"vm\", \"kernel\": \"6.18.15\",
			\"stages\": [], \"metrics\": [$([ -z "$ratio" ] ||
				echo "{\"name\": \"wall\", \"unit\": \"s\",
				\"better\": \"lower\", \"baseline\": 3,
				\"candidate\": 2, \"ratio\": $ratio,
				\"ci95\": [1.1, $high], \"pairs\": 5,
				\"guard\": false}")]}" "$id" | jq -cS .
	done
	[ ! -e status ] || exit "$(cat status)"
	exit 1
}

@test 'history: bisect run with the ladder as its test' {
	ladder
	sched-history bisect start -w w >/dev/null
	exits 0 sched-history bisect run --target vm --pairs 3 --cpus 2 \
		--kernel 6.18 --metric wall --worse 10
	is "$(jq -r .first_bad <<<"$output")" "$(doc_id <p.11)"
	is "$(jq -r .last_good <<<"$output")" "$(doc_id <p.10)"
	is "$(jq -r .why <<<"$output")" 'wall 1.20x, the good one 1.50x'
	# The ends, then 4 of those between, each beside the good one.
	is "$(wc -l <calls)" 5
	is "$(sort -u calls)" "--json --no-confirm --screen 0 --target=vm \
--kernel=6.18 --pairs=3 --cpus=2"
	is "$(head -n 2 in.verify)" "$(cat profile p.1)"
	is "$(sed -n 3p in.verify | jq -r .kind)" policy
	has "$(sched-history bisect log)" 'the good one 1.50x'
	# Nothing of it is recorded: a verdict of few pairs would be the latest.
	is "$(sched-history log -k verdict | wc -l)" 16
	# What it said is kept.
	exits 0 sched-history bisect run
	is "$(wc -l <calls)" 5
}

@test 'history: bisect run skips what cannot be measured, or told' {
	ladder
	# In its interval is the good one; none of the figures.
	sed -i -e 's/^12000 .*/12000 1.2 1.51/' -e 's/^11000 .*/11000 /' ratios
	sched-history bisect start -w w >/dev/null
	exits 1 sched-history bisect run --worse 20
	has "$stderr" 'skipped: it died'
	has "$stderr" 'skipped: wall 1.20x, the good one 1.50x: too near to tell'
	has "$stderr" "one of the 3 after $(doc_id <p.10 | cut -c 1-12)"
}

@test 'history: bisect run where nothing is worse, or nothing can be measured' {
	exits 3 sched-history bisect run
	sched-history bisect start -w w >/dev/null
	exits 3 sched-history bisect run
	has "$stderr" "no profile of 'w'"
	ladder
	exits 1 sched-history bisect run --worse 30
	has "$stderr" 'is not worse here than the good one'
	is "$(wc -l <calls)" 1
	echo '16000 ' >ratios
	exits 1 sched-history bisect run
	has "$stderr" 'it died'
	has "$stderr" 'cannot be told from'
	exits 3 sched-history bisect run --metric rate
	has "$stderr" "'rate' is none of its metrics"
	echo '1000 ' >ratios
	exits 3 sched-history bisect run
	has "$stderr" "policy $(doc_id <p.1 | cut -c 1-12) was not measured: it died"
	echo 4 >status
	exits 4 sched-history bisect run
	is "$(sched-history bisect log | wc -l)" 2
	exits 2 sched-history bisect run --worse x
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
