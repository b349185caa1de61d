#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What sched-deploy says of a kernel with sched_ext, and how it goes back: inside
# a guest, as on a host.

load ../lib
load ../story

setup() {
	story_setup
}

@test 'guest status: ours, another, killed, and what is pinned' {
	cat >>inside <<-'END'
		scx_testfifo >/dev/null 2>&1 &
		foreign=$!
		becomes enabled
		tell foreign '.attached | .ours, .by.pid == '$foreign', .by.name,
			.by.user, .kept, (.since | length), .counters'
		echo "words: $(sched-deploy status | jq -r .body.text |
			sed "s/$foreign/N/")"
		sched-deploy status -q
		echo "quiet: $?"
		sched-deploy stop 2>&1
		echo "stop: $? $(cat $sysfs/state)"
		kill $foreign
		becomes disabled

		story 5000 w >five
		sched-deploy -t host <five >/dev/null 2>&1 &
		held 5000
		tell ours '.attached | .ours, .by.pid == '$!', .by.user, .kept,
			.title, (.counters.direct + .counters.queued > 0),
			(.events | type)'
		tell well '.well, .sched_ext.switch_all'
		sched-deploy status -o | grep -E '^schedkit_(well|attached_ours|policy_actions_total.action="direct|attached.ops=.schedkit)' |
			sed 's/[{ ].*//' | sort | paste -sd ' ' | sed 's/^/figures: /'
		kill -9 $!
		becomes disabled
		tell killed '.attached, .last.state, .last.title'

		sched-deploy -t host --pin <five >/dev/null 2>&1
		tell pinned '.attached | .ours, .kept, .title'
		sched-deploy stop
		sched-deploy history | jq -r '.body | .title + " " + .state' |
			paste -sd , | sed 's/^/history: /'
		script -qc 'sched-deploy history' /dev/null </dev/null |
			sed 's/^/table: /'
	END
	go
	told foreign '[false,true,"scx_testfifo","root","held",20,null]'
	has "$(told_of words)" "not by sched-deploy but by 'scx_testfifo' \
(process N) of user root"
	told quiet 1
	told stop '3 enabled'
	told ours '[true,true,"root","held","slice 5000",true,"object"]'
	told well '[true,1]'
	told figures "schedkit_attached schedkit_attached_ours \
schedkit_policy_actions_total schedkit_well"
	told killed '[null,"lost","slice 5000"]'
	told pinned '[true,"pinned","slice 5000"]'
	told history 'slice 5000 stopped,slice 5000 attached,slice 5000 attached'
	has "$(told_of table)" 'its holder was'
	lacks "$(told_of table)" 'it was pinned'
}

@test 'guest status: how the kernel dropped it, and the way back' {
	cat >>inside <<-'END'
		story 5000 w >five
		story 7000 w >seven
		story stall w >stall
		sched-deploy -t host <five >/dev/null 2>&1 &
		held 5000
		sched-deploy stop
		sched-deploy -t host <seven >/dev/null 2>&1 &
		seven=$!
		held 7000
		sched-deploy rollback >back 2>said &
		rollback=$!
		held 5000
		wait $seven
		tell back '.attached | .ours, .title, .by.pid == '$rollback
		echo S >/proc/sysrq-trigger
		wait $rollback
		echo "fell: $?"
		tell sysrq '.last | .state, .title, .exit_kind, .exit_reason'

		# Its own guard would be rid of it before the kernel is.
		sched-deploy -t host --guard stall:60s <stall >/dev/null 2>&1 &
		stall=$!
		held stall
		for i in 1 2 3 4 5 6 7 8 9 10; do
			while :; do :; done &
			hogs="$hogs $!"
		done
		becomes disabled
		kill -9 $hogs
		wait $hogs 2>/dev/null
		wait $stall
		tell stall '.last | .state, .title, .exit_kind, .exit_reason'
		sched-deploy history | jq -r '.body | .title + " " + .state' |
			paste -sd , | sed 's/^/history: /'
		sched-deploy rollback --falls 1 2>&1 >/dev/null | tail -n 1 |
			sed 's/^/own: /'
	END
	go
	told back '[true,"slice 5000",true]'
	told fell 1
	told sysrq '["ejected","slice 5000",67,"disabled by sysrq-S"]'
	told stall '["ejected","slice stall",1026,"runnable task stall"]'
	told history "slice stall ejected,slice stall attached,slice 5000 \
ejected,slice 5000 attached,slice 7000 stopped,slice 7000 attached,\
slice 5000 stopped,slice 5000 attached"
	told own "sched-deploy: this leaves the kernel's own scheduler"
}
