# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Clips that are scaled and coded anew.  3.21 to 10.63 in the paper.
short=321 long=1063
kib=6900
command="$work/transcode in/%"

material() {
	"$material" frames "$1" "$2" >"$3"
}
