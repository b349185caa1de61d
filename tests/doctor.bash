# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests of sched-doctor share:  load ../lib; load ../doctor

# field NAME KEY: of a check in $output.
field() {
	jq -r --arg name "$1" --arg key "$2" \
		'.body.checks[] | select(.name == $name)[$key]' <<<"$output"
}

# A tree, "$BATS_TEST_TMPDIR/tree", whose programs are these and of which some can
# be replaced or taken away.
copy_tree() {
	mkdir "$BATS_TEST_TMPDIR/tree"
	cp -r "$BUILD/bin" "$BUILD/lib" "$BUILD/libexec" "$BATS_TEST_TMPDIR/tree"
	PATH=$BATS_TEST_TMPDIR/tree/bin:$PATH
}
