# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the lints share.  Each prints TAP.  LINT_TREE names another tree than
# the one it is in: selftest gives each lint a tree with a fault.

set -uo pipefail
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export TREE
: "${BUILD:=$TREE/build}"
HERE=$TREE/tests/lint
export HERE BUILD
cd "${LINT_TREE:-$TREE}" || exit 3
tests_run=0 tests_bad=0

# check NAME FINDINGS: ok when there are none.
check() {
	tests_run=$((tests_run + 1))
	if [ -z "$2" ]; then
		echo "ok $tests_run $1"
		return
	fi
	tests_bad=$((tests_bad + 1))
	echo "not ok $tests_run $1"
	# shellcheck disable=SC2001
	sed 's/^/# /' <<<"$2"
}

# skip NAME REASON
skip() {
	tests_run=$((tests_run + 1))
	echo "ok $tests_run $1 # skip $2"
}

finish() {
	echo "1..$tests_run"
	exit $((tests_bad > 0))
}

# sources FIND-EXPRESSION...: files of ours, none of a build.
sources() {
	find . \( -path ./build -o -path ./.git \) -prune -o -type f \
		\( "$@" \) -print | sed 's,^\./,,' | sort
}

c_sources() {
	sources -name '*.[ch]'
}
