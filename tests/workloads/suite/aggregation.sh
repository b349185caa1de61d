# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Sums by key where few keys are hot.  1.05 to 6.50 in the paper.
short=105 long=650
kib=460
command='awk -f in/hottest.awk in/%'
files=hottest.awk

material() {
	"$material" rows "$1" "$2" >"$3"
}
