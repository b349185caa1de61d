# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Tests of a library, one of them much larger.  2.66 to 12.11 in the paper.
short=266 long=1211
kib=600
command="$work/check in/%"

material() {
	echo "$2" >"$3"
}
