#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched, the name before every tool.

load ../lib

@test 'sched: alone lists every tool with its purpose' {
	exits 0 sched
	local tool
	for tool in "$BUILD"/bin/sched-*; do
		tool=${tool##*/sched-}
		has "$output" "sched $tool "
	done
	has "$output" 'what this machine can do'
	lacks "$output" 'does not answer'
}

@test 'sched: TOOL runs sched-TOOL with its arguments and status' {
	exits 0 sched doctor --version
	is "$output" "$(sched-doctor --version)"
	exits 2 sched doctor --nonesuch
	has "$stderr" "sched-doctor: unknown option '--nonesuch'"
}

@test 'sched: an unknown tool is a usage error that says what to do' {
	exits 2 sched observ
	has "$stderr" "sched: unknown tool 'observ'"
	has "$stderr" "'sched' lists"
	is "$output" ''
}

@test 'sched: a name cannot leave the folder' {
	exits 2 sched ../bin/sched-doctor
	exits 2 sched ''
	exits 2 sched help ../../../etc/passwd
}

@test 'sched: only its own folder counts, not PATH' {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho wrong\n' >"$BATS_TEST_TMPDIR/bin/sched-nonesuch"
	chmod +x "$BATS_TEST_TMPDIR/bin/sched-nonesuch"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH exits 2 sched nonesuch
}

@test 'sched: help shows pages of tools, documents and the whole' {
	command -v man >/dev/null || needs mandoc
	# mandoc strikes letters over for bold, wherever it writes to.
	local page name
	for page in observe:sched-observe verdict:schedkit-verdict :schedkit; do
		name=${page#*:} page=${page%%:*}
		exits 0 sched help ${page:+"$page"}
		has "$(sed 's/.\x08//g' <<<"$output")" "$name"
	done
	exits 2 sched help nonesuch
	has "$stderr" "no manual page 'nonesuch'"
}

@test 'sched: help takes a page by any of its names' {
	command -v man >/dev/null || needs mandoc
	local name
	for name in schedkit-policy.5 'schedkit-policy(5)' policy policy.5; do
		exits 0 sched help "$name"
		has "$(sed 's/.\x08//g' <<<"$output")" 'a way to schedule'
	done
	exits 0 sched help evidence
	has "$(sed 's/.\x08//g' <<<"$output")" 'how it is measured'
}

@test 'sched: help tells of a parameter, a key, a variable, an option, a status' {
	exits 0 sched help starve_us
	has "$output" 'schedkit-policies(7)'
	has "$output" 'Who waited longer is moved'
	exits 0 sched help gap_closed_pct
	has "$output" 'schedkit-verdict(5)'
	exits 0 sched help SCHEDKIT_PROGRESS
	has "$output" 'schedkit(7)'
	exits 0 sched help --halving
	has "$output" 'sched-verify(1)'
	has "$output" 'in rungs'
	# Only the tools that have it, not whoever speaks of it.
	is "$(grep -c '^sched.*([157])$' <<<"$output")" 1
	exits 0 sched help 3
	has "$output" 'Cannot, until something changes'
	lacks "$output" 'sched-verify(1)'
}

@test 'sched: help lists the pages that have a word, those about it first' {
	exits 0 sched help watchdog
	has "$output" 'schedkit-safety(7)'
	has "$output" 'schedkit-policies(7)'
	exits 0 sched help 'LEARN FROM'
	is "$(sed -n 2p <<<"$output" | cut -d ' ' -f 1)" 'sched-train(1)'
	exits 2 sched help 'no page says this'
	has "$stderr" "no manual page 'no page says this'"
	exits 2 sched help ''
}

@test 'sched: a full disk is not success' {
	exits 3 bash -c 'sched >/dev/full'
	has "$stderr" 'cannot write standard output'
}

@test 'every tool: --help, --version and a usage error' {
	local tool
	for tool in "$BUILD"/bin/*; do
		exits 0 "$tool" --help
		has "$output" 'usage: '
		is "$stderr" ''
		exits 0 "$tool" --version
		has "$output" "${tool##*/} "
		exits 2 "$tool" --no-such-option
		has "$stderr" "${tool##*/}: unknown option '--no-such-option'"
		has "$stderr" 'usage: '
		is "$output" ''
	done
}
