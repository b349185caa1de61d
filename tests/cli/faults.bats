#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The table of the matrix of faults is what its tests test.

load ../lib

setup() {
	cd "$TREE/tests/deploy" || return
	rows=$(sed '/^#/d; /^$/d' faults.txt)
}

@test 'faults: the table has more than forty cases, each whole' {
	[ "$(wc -l <<<"$rows")" -ge 40 ]
	is "$(awk -F ' [|] ' 'NF != 5 || $3 !~ /^[0-9]+$/ || $5 == "" ||
		$4 !~ /^(own|attached|foreign|refused)$/' <<<"$rows")" ''
	is "$(cut -d '|' -f 1 <<<"$rows" | sort | uniq -d)" ''
}

@test 'faults: each case is a test, in the file that the table says' {
	is "$(awk '/^# ----/ { f = $0; sub(/.*[(]/, "", f); sub(/[)].*/, "", f) }
		/^[^#]/ { print f, $1 }' faults.txt | sort)" \
		"$(for f in faults-*.bats; do
			sed -n "s/^@test 'fault: \(.*\)' {/$f \1/p" "$f"
		done | sort)"
}
