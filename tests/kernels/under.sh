#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# under.sh WORKLOAD ANSWER: in a guest, under a policy.  It has to be enabled from
# the first to the last, and the workload to give the answer.
# Status 1 and words where that is not so.
state=/sys/kernel/sched_ext/state

enabled() {
	[ "$(cat $state)" = enabled ] && return
	echo "$1 the workload sched_ext is $(cat $state)" >&2
	exit 1
}

enabled before
got=$("$1") || exit
enabled after
[ "$got" = "$2" ] && exit
echo "the answer is '$got', not '$2'" >&2
exit 1
