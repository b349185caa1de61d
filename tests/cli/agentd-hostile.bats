#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The runtime with clients that mean it no good.

load ../lib
load ../agentd

@test 'agentd: hostile clients are let go, and others do not suffer' {
	up
	for what in garbage endless deaf half thief flood sloppy crowd; do
		client "$what"
		client well
	done
	has "$(client circle)" "'a'"
	[ "$(sched-agents metrics | jq .daemon.closed)" -ge 4 ]
	rss=$(awk '/VmHWM/ { print $2 }' "/proc/$daemon/status")
	case $BUILD in
	*/san) ;;
	*)
		[ "$rss" -lt 400000 ]
		# What they made it take it gives back, within ten seconds.
		for ((i = 0; i < 300; i++)); do
			rss=$(awk '/RssAnon/ { print $2 }' \
				"/proc/$daemon/status")
			[ "$rss" -ge 32000 ] || break
			sleep 0.1
		done
		[ "$rss" -lt 32000 ]
		;;
	esac
	kill -0 "$daemon"
}

@test 'agentd: descriptors run out, and it does not spin' {
	(ulimit -n 40 && exec sched-agentd) 2>/dev/null 3>&- &
	daemon=$!
	for ((i = 0; i < 500; i++)); do
		! sched-agents policy >/dev/null 2>&1 || break
		sleep 0.01
	done
	python3 - "$SCHEDKIT_RUNTIME" <<-'END'
		import socket, sys, time
		c = []
		for _ in range(100):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    c.append(s)
		time.sleep(0.5)
	END
	client well
	# shellcheck disable=SC2046
	set -- $(cut -d' ' -f14,15 "/proc/$daemon/stat")
	[ $(($1 + $2)) -lt 100 ]
}
