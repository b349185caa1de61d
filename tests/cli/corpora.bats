#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The corpora of policies are what their manifest says.

load ../lib

MANIFEST=$TREE/tests/policies/manifest.txt

# listed KIND: the names of the manifest.
listed() {
	awk -F ' *[|] *' -v kind="$1" '!/^#/ && $2 == kind { print $1 }' "$MANIFEST"
}

@test "the manifest names every policy, once, and there are enough" {
	local kind
	for kind in good bad; do
		is "$(listed "$kind" | sort)" "$(cd "$TREE/tests/policies/$kind" &&
			printf '%s\n' *.bpf.c | sed 's/\.bpf\.c$//' | sort)"
	done
	[ "$(listed good | wc -l)" -ge 20 ]
	[ "$(listed bad | wc -l)" -ge 40 ]
}

@test "every bad policy marks its wrong line and has a stage, a rule, words" {
	local name kind stage rule kernel words
	while IFS='|' read -r name kind stage rule kernel words; do
		[ "${kind// /}" = bad ] || continue
		grep -q '/\* WRONG' "$TREE/tests/policies/bad/${name// /}.bpf.c"
		[[ ${stage// /} =~ ^(lint|build|prove|sim|kernel|run)$ ]]
		[[ ${rule// /} =~ ^[a-z]+$ && -n ${words// /} ]]
		[[ ${kernel// /} =~ ^(load|attach|stall|error|unnoticed)$ ]]
	done < <(grep -v '^#' "$MANIFEST")
	run grep -rl WRONG "$TREE/tests/policies/good"
	is "$output" ''
}

# The programs with sanitizers take five times as long: there every good
# policy, and of the bad ones the first of each stage and rule.
pattern() {
	case $BUILD in
	*/san) awk -F ' *[|] *' '/^ *(#|$)/ { next }
		{ key = $2 == "good" ? NR : $3 "/" $4 }
		!seen[key]++ { names = names "|" $1 }
		END { print "@(" substr(names, 2) ")" }' "$MANIFEST" ;;
	*) echo '*' ;;
	esac
}

setup_file() {
	"$TREE/tests/policies/check" -p "$(pattern)" \
		>"$BATS_FILE_TMPDIR/verdicts" || :
}

# all_as_listed KIND LEAST: what check says of a kind, at least so many.
all_as_listed() {
	local verdicts=$BATS_FILE_TMPDIR/verdicts
	is "$(grep "^not ok $1 " "$verdicts")" ''
	[ "$(grep -c "^ok $1 " "$verdicts")" -ge "$2" ]
}

@test "up to the simulator no good policy is rejected" {
	all_as_listed good "$(listed good | wc -l)"
}

@test "every bad policy is rejected in time, by its rule, at its line" {
	local least
	least=$(listed bad | wc -l)
	case $BUILD in
	*/san) least=15 ;;
	esac
	all_as_listed bad "$least"
}
