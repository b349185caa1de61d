# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Trees that are put under version control.  1.32 to 5.64 in the paper.
short=132 long=564
kib=1800
command='in/track in/%'
files=track

# A few files with most of it, and many small ones.
material() {
	mkdir -p "$3"
	"$material" text "$1" "$(($2 / 3))" >"$3/a"
	"$material" rows "$1" "$(($2 / 3))" >"$3/b"
	"$material" log "$1" "$(($2 / 3))" |
		split -b 32k -a 3 - "$3/part-"
}
