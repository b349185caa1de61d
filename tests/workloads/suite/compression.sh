# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Packing texts.  Short and long as 0.93 to 5.01 in the paper.
short=93 long=501
kib=780
command='gzip -9c in/%'

material() {
	"$material" text "$1" "$2" >"$3"
}
