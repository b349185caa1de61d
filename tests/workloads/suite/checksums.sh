# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Checksums, each file read four times.  0.21 to 0.62 in the paper.
short=21 long=62
kib=14000
command='sha256sum in/% in/% in/% in/%'

material() {
	"$material" blob "$1" "$2" >"$3"
}
