# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# Who asks most, from packed access logs: a shell script of steps.
# 0.53 to 4.18 in the paper.
short=53 long=418
kib=1150
command='in/talkers in/%.gz'
files=talkers

material() {
	"$material" log "$1" "$2" | gzip -n >"$3.gz"
}
