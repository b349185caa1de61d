# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Events joined with the products they are about.  0.70 to 3.81 in the paper.
short=70 long=381
kib=580
command='in/popular in/%'
files='popular products'

material() {
	"$material" events "$1" "$2" >"$3"
}
