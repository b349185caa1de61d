#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run itself: what it counts, and that nothing bad goes uncounted.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p tests/lint tests/cli build/tests
	cp "$TREE/tests/run" tests/
	export TEST_SECONDS=120
}

# program PATH LINE...: a script that speaks TAP, or fails to.
program() {
	local path=$1
	shift
	printf '%s\n' '#!/bin/bash' "$@" >"$path"
	chmod +x "$path"
}

last_line() {
	tail -n 1 <<<"$output"
}

@test 'runner: passed, failed and skipped are added up over suites' {
	program tests/lint/a 'echo 1..2' 'echo ok 1 one' 'echo ok 2 two'
	program build/tests/test_b 'echo ok 1 - x' 'echo "not ok 2 - y"' \
		'echo "# expected 3"' 'echo "ok 3 # SKIP no such thing"' \
		'echo 1..3' 'exit 1'
	exits 1 tests/run lint unit
	is "$(last_line)" '3 passed, 1 failed, 1 skipped'
	has "$output" 'unit test_b: y'
	has "$output" '# expected 3'
	has "$output" 'no such thing'
}

@test 'runner: all good is status 0' {
	program tests/lint/a 'echo ok 1 one' 'echo 1..1'
	exits 0 tests/run lint
	is "$(last_line)" '1 passed, 0 failed, 0 skipped'
}

@test 'runner: a crash after the last test is a failure' {
	program tests/lint/a 'echo 1..1' 'echo ok 1 one' 'kill -SEGV $$'
	exits 1 tests/run lint
	is "$(last_line)" '1 passed, 1 failed, 0 skipped'
	has "$output" 'exit status 139'
}

@test 'runner: tests that did not run are a failure' {
	program tests/lint/a 'echo 1..3' 'echo ok 1 one'
	exits 1 tests/run lint
	has "$output" 'ran 1 tests, planned 3'
	program tests/lint/a 'echo 1..0'
	exits 1 tests/run lint
	program tests/lint/a 'exit 0'
	exits 1 tests/run lint
}

@test 'runner: a program that hangs is ended and a failure' {
	program tests/lint/a 'echo 1..1' 'sleep 100'
	TEST_SECONDS=1 exits 1 tests/run lint
	has "$output" 'ended after 1 seconds'
}

@test 'runner: goes on after a failure' {
	program tests/lint/a 'exit 3'
	program tests/lint/b 'echo 1..1' 'echo ok 1 later'
	exits 1 tests/run lint
	is "$(last_line)" '1 passed, 1 failed, 0 skipped'
}

@test 'runner: bats files and their skips' {
	printf '@test "a" { true; }\n@test "b" { skip "why"; }\n' >tests/cli/a.bats
	exits 0 tests/run cli
	is "$(last_line)" '1 passed, 0 failed, 1 skipped'
}

@test 'runner: programs see the build folder that was asked for' {
	program tests/lint/a 'echo 1..1' '[[ $BUILD = */build/san ]] || exit 1' \
		'echo ok 1'
	exits 0 tests/run lint:build/san
}

@test 'runner: an unknown suite is a usage error' {
	exits 2 tests/run nonesuch
	exits 2 tests/run
}

# cli/a.bats: one test that anybody runs, two that sanitizers do not.
sanitizers_skip() {
	local dollar='$'
	printf '%s\n' "san() { case ${dollar}BUILD in */san) skip \"\$1\" ;; esac; }" \
		'@test "one" { true; }' \
		'@test "(two) | three. + [4]" { san "not with ASan"; }' \
		'@test "two" { san "not with sanitizers"; }' \
		'@test "five" { skip "needs a moon"; }' >tests/cli/a.bats
}

@test 'runner: what the sanitizers could not run, the plain build runs' {
	sanitizers_skip
	printf '@test "b" { true; }\n@test "c" { skip "no moon"; }\n' \
		>tests/cli/b.bats
	program tests/cli/c 'echo 1..2' 'echo "ok 1 one"' \
		'case $BUILD in */san) echo "ok 2 two # skip not with ASan" ;;' \
		'*) echo "ok 2 two" ;; esac'
	exits 0 tests/run cli:build/san rest
	# Of a bats file nothing else.
	is "$(sed -n '/^rest/,$s/^  \([a-z.]* *[0-9]* passed\).*/\1/p' \
		<<<"$output" | tr -s ' ')" 'a.bats 2 passed
c 2 passed'
	is "$(last_line)" '7 passed, 0 failed, 5 skipped'
}

@test 'runner: what takes longest begins first, the report has them in order' {
	for name in a b c; do
		program tests/cli/$name 'echo 1..1' "echo $name >>began" \
			'echo "ok 1 one"'
	done
	printf '# of a comment\nc\nnonesuch\nb\n' >tests/longest
	TEST_JOBS=2 exits 0 tests/run cli
	is "$(sed -n 's/^  \([a-z]\) .*/\1/p' <<<"$output" | xargs)" 'a b c'
	is "$(tail -n 1 began)" a
	# One at a time there is nothing to be gained.
	rm began
	TEST_JOBS=1 exits 0 tests/run cli
	is "$(xargs <began)" 'a b c'
}

# unsteady PATH: fails the first time, and only then.
unsteady() {
	program "$1" 'echo 1..2' 'echo "ok 1 x"' \
		"[ -e $1.was ] || echo 'not ok 2 y'" \
		"[ ! -e $1.was ] || echo 'ok 2 y'" \
		"[ -e $1.was ] || { : >$1.was; exit 1; }"
}

@test 'runner: what failed beside others gets a second try alone, and a name' {
	unsteady tests/cli/a
	program tests/cli/b 'echo 1..1' 'echo ok 1 one' 'echo b >>ran'
	exits 0 tests/run cli
	is "$(last_line)" '3 passed, 0 failed, 0 skipped'
	is "$(sed -n '/^unsteady/,/^[0-9]/p' <<<"$output" | sed -n 2p)" \
		'  cli a: y'
	is "$(wc -l <ran)" 1
	is "$(grep -c '^not ok' build/log/cli/a.tap.first)" 1
	# What always fails still does; what is asked for no second try gets none.
	program tests/cli/c 'echo 1..1' 'echo not ok 1 z' 'exit 1'
	exits 1 tests/run cli
	is "$(last_line)" '3 passed, 1 failed, 0 skipped'
	rm tests/cli/a.was tests/cli/c
	TEST_AGAIN=0 exits 1 tests/run cli
	is "$(last_line)" '2 passed, 1 failed, 0 skipped'
}

@test 'runner: many that fail, or what measures, are not tried again' {
	for name in a b c d e f; do
		unsteady tests/cli/$name
	done
	exits 1 tests/run cli
	is "$(last_line)" '6 passed, 6 failed, 0 skipped'
	unsteady tests/lint/g
	exits 1 tests/run lint
}
