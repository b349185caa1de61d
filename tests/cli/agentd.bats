#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The runtime as a service, and what steers it.

load ../lib
load ../agentd

@test 'agentd: usage; nothing runs; where it may not listen' {
	exits 2 sched-agentd operand
	exits 2 sched-agents
	exits 2 sched-agents nonsense
	for c in top queue workers metrics policy drain stop 'cancel 1'; do
		# shellcheck disable=SC2086
		exits 1 sched-agents $c
		has "$stderr" "no sched-agentd answers at '$SCHEDKIT_RUNTIME'"
	done
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	exits 3 sched-agentd -s "$BATS_TEST_TMPDIR/open/sock"
	has "$stderr" "others may write to"
	mkdir -m 700 "$BATS_TEST_TMPDIR/r"
	echo data >"$SCHEDKIT_RUNTIME"
	exits 3 sched-agentd
	has "$stderr" 'no socket of ours'
	is "$(cat "$SCHEDKIT_RUNTIME")" data
	echo '{"polcy":"fair"}' >"$BATS_TEST_TMPDIR/bad.json"
	exits 3 sched-agentd -c "$BATS_TEST_TMPDIR/bad.json"
	has "$stderr" 'polcy: no such setting'
	# Where it could not be either, without the wait for an answer.
	exits 3 sched-agents start --socket /proc/nonesuch/sock
	has "$stderr" "cannot make folder '/proc/nonesuch'"
}

@test 'agentd: started, looked at, steered, stopped' {
	exits 0 env SCHEDKIT_TIME=1 sched-agents start
	exits 0 sched-agents start
	is "$(stat -c %a "$SCHEDKIT_RUNTIME")" 600
	is "$(stat -c %a "$BATS_TEST_TMPDIR/r")" 700
	exits 0 sched-agents top --json
	is "$(jq -c '[.policy, .running, .daemon.clients]' <<<"$output")" \
		'["fair",0,1]'
	exits 0 sched-agents top
	has "$output" 'policy fair: 0 running'
	exits 0 sched-agents workers --json
	is "$(jq -r '.workers[] | "\(.name) \(.health)"' <<<"$output" | sort)" \
		$'host up\nstore up'
	exits 0 sched-agents policy mlfq
	is "$(sched-agents policy | jq -r .policy)" mlfq
	exits 3 sched-agents policy best
	has "$stderr" 'best'
	exits 1 sched-agents cancel 7
	exits 2 sched-agents cancel x
	exits 0 sched-agents stop
	exits 0 sched-agents start
	exits 0 sched-agents file put a/b <<<data
	exits 0 sched-agents stop
	exits 0 sched-agents audit --verify
	seal=$output
	exits 0 sched-agents audit
	[ "$(jq -s 'map(.time) | min' <<<"$output")" -gt $(($(date +%s) - 99)) ]
	is "$(jq -r 'select(.what == "policy").resource' <<<"$output")" \
		$'mlfq\nbest'
	is "$(jq -r 'select(.what == "storage:put").resource' <<<"$output")" \
		user/a/b
	exits 0 sched-agents audit --expect "$seal"
	log=$XDG_STATE_HOME/schedkit/runtime/audit.jsonl
	sed -i '1s/mlfq/fifo/' "$log"
	exits 1 sched-agents audit --verify
}

@test 'agentd: what is cut off the audit log is found by its seal' {
	log=$XDG_STATE_HOME/schedkit/runtime/audit.jsonl
	up
	exits 0 sched-agents policy fifo
	exits 0 sched-agents policy mlfq
	exits 0 sched-agents stop
	gone
	exits 0 sched-agents audit --verify
	is "$stderr" ''
	n=$(wc -l <"$log")
	cp "$log" "$BATS_TEST_TMPDIR/whole"
	# Its last lines; then all of them.
	head -n -1 "$BATS_TEST_TMPDIR/whole" >"$log"
	exits 1 sched-agents audit --verify
	has "$stderr" "number $n was sealed: lines were cut off"
	: >"$log"
	exits 1 sched-agents audit --verify
	has "$stderr" "number $n was sealed: lines were cut off"
	# Nor does it help to let the daemon go on from there, and seal that.
	head -n -1 "$BATS_TEST_TMPDIR/whole" >"$log"
	up
	for p in fifo fair sjf; do
		exits 0 sched-agents policy $p
	done
	kill "$daemon"
	gone || true
	exits 1 sched-agents audit --verify
	has "$stderr" "is not the one that was sealed as number $n"
	# Another one in its place is none of it; it has none at another.
	up --audit "$BATS_TEST_TMPDIR/other"
	exits 0 sched-agents policy fair
	kill "$daemon"
	gone || true
	cp "$BATS_TEST_TMPDIR/other" "$log"
	exits 1 sched-agents audit --verify
	has "$stderr" 'was begun anew'
	exits 0 sched-agents audit --verify "$BATS_TEST_TMPDIR/other"
	exits 0 sched-agents audit --verify "$BATS_TEST_TMPDIR/whole"
	has "$stderr" 'the history has no seal of it'
	# Nobody goes by the name that it is written under.
	up
	exits 3 sched-agents file --agent schedkit-audit list
	has "$stderr" "the runtime's own name"
}

@test 'agentd: metrics as OpenMetrics has them' {
	up
	client well
	exits 0 sched-agents metrics --openmetrics
	is "$(tail -n 1 <<<"$output")" '# EOF'
	has "$output" 'schedkit_ended_total{state="done"} 100'
	has "$output" 'schedkit_worker_done_total{worker="host"} 100'
	has "$output" 'schedkit_kind_gini{kind="tool"} 0'
	has "$output" 'schedkit_predictor_kendall_tau{work="tool'
	has "$output" 'schedkit_late_total 0'
	is "$(sched-agents metrics | jq -c '.predictor[0] |
		[.work, .samples, (.kendall_tau | type)]')" \
		'["tool test",100,"number"]'
	# Every sample belongs to the family before it, which has a type.
	awk '/^# TYPE/ { f = $3; t[f]++; next }
		/^# (HELP|UNIT)/ { if ($3 != f) bad = 1; next }
		/^# EOF/ { next }
		index($1, f) != 1 || !/ [-+0-9.eNa]+$/ { bad = 1; print }
		END { for (x in t) if (t[x] > 1) bad = 1; exit bad }' \
		<<<"$output"
}

@test 'agentd: two runs share the one guest fairly' {
	up
	order=$(client share)
	is "${#order}" 12
	# The first is taken before the second run has asked.
	lacks "$order" aaa
	lacks "$order" bbb
}

@test 'agentd: what a killed client held is free at once' {
	up
	ms=$(client freed)
	[ "$ms" -lt 100 ] || {
		echo "$ms ms"
		false
	}
	client heir
}

@test 'agentd: waits for a lock that is let go of, not for another daemon' {
	mkdir -m 700 "$BATS_TEST_TMPDIR/r"
	# As a child does that a killed daemon had just begun to start.
	flock "$SCHEDKIT_RUNTIME.lock" sleep 0.3 3>&- &
	sleep 0.1
	up
	exits 4 timeout 20 sched-agentd
	has "$stderr" 'another sched-agentd serves'
}

@test 'agentd: the queue outlives its daemon' {
	up
	sched-agents drain --off
	# Nobody is there to hear of it, and the daemon is killed.
	client leave one two three
	kill -9 "$daemon"
	wait "$daemon" || true
	up
	is "$(client collect one two three | sort)" \
		$'one done\nthree done\ntwo done'
	# Told once.
	client well
	is "$(sched-agents queue | jq '.requests | length')" 0
}

@test 'agentd: notes and files are served, and served again' {
	[ -x "$BUILD/libexec/schedkit/agent-store" ] || skip 'no store'
	up
	is "$(client store)" $'done 1\ndone 1\nEACCES\nEINVAL'
}

@test 'agentd: drains' {
	up
	exits 0 sched-agents drain
	run client well
	has "$output" 'refused:'
	is "$(sched-agents top --json | jq .draining)" true
	exits 0 sched-agents drain --off
	client well
}

@test 'agentd: leaves when it is idle, not while something is pending' {
	up --idle 1
	python3 "$TREE/tests/cli/agentd.py" "$SCHEDKIT_RUNTIME" hold run k \
		>"$BATS_TEST_TMPDIR/held" 3>&- &
	holder=$!
	sleep 1.8
	is "$(cat "$BATS_TEST_TMPDIR/held")" held
	kill -0 "$daemon"
	kill "$holder"
	gone
	[ ! -e "$SCHEDKIT_RUNTIME" ]
}

@test 'agentd: one of many wins' {
	local i pids=()
	for i in 1 2 3 4 5; do
		sched-agents start 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	exits 4 sched-agentd
	has "$stderr" 'another sched-agentd serves'
	sched-agents stop
	exits 1 sched-agents top
}

@test 'agentd: started by its socket' {
	mkdir -m 700 "$BATS_TEST_TMPDIR/r"
	python3 - "$SCHEDKIT_RUNTIME" 3>&- <<-'END' &
		import os, select, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(8)
		select.select([s], [], [])
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
		os.execvp("sched-agentd", ["sched-agentd", "--idle", "0.3"])
	END
	daemon=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$SCHEDKIT_RUNTIME" ] || break
		sleep 0.02
	done
	client well
	gone
	# It is the service manager's.
	[ -S "$SCHEDKIT_RUNTIME" ]
}

@test 'agentd: says that it is ready when it is' {
	local journal=$XDG_STATE_HOME/schedkit/runtime/journal
	notified() {
		timeout 20 python3 - "$BATS_TEST_TMPDIR/notify" 3>&- <<-'END'
			import os, socket, subprocess, sys
			s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
			s.bind(sys.argv[1])
			env = {**os.environ, "NOTIFY_SOCKET": sys.argv[1]}
			p = subprocess.Popen(["sched-agentd", "-i", "0.1"], env=env)
			print(p.wait())
			s.setblocking(False)
			try:
			    print(s.recv(99).decode())
			except BlockingIOError:
			    print("nothing")
			os.unlink(sys.argv[1])
		END
	}
	is "$(notified)" $'0\nREADY=1'
	echo 'something else, of another program' >"$journal"
	is "$(notified)" $'3\nnothing'
}

@test 'agentd: another user asks for what the rules say' {
	needs_open_tree
	echo '{"access":[{"agent":"*","uid":65534,"may":["look","tool"]},
		{"agent":"*","may":["*"]}],"workers":[{"name":"host",
		"kinds":["tool","guest"],"capacity":{"cores":2,"guest_slots":1}}]}' \
		>"$XDG_CONFIG_HOME/schedkit/runtime.json"
	open=$(mktemp -d /tmp/agentd.XXXXXX)
	export SCHEDKIT_RUNTIME=$open/sock
	up
	nobody() {
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	}
	exits 3 nobody sched-agents top
	# As a service manager's socket would let them in.
	chmod 755 "$open"
	chmod 666 "$SCHEDKIT_RUNTIME"
	exits 0 nobody sched-agents top --json
	exits 3 nobody sched-agents policy sjf
	has "$stderr" 'control:policy'
	# A run of theirs is not ours of that name.
	client leave one
	exits 3 nobody sched-agents cancel --run left
	has "$stderr" 'control:cancel:65534:left'
	exits 0 sched-agents queue
	# Nor where neither has one.
	exits 0 client apart
	is "$(sched-agents audit | jq -c 'select(.outcome == "refused") |
		[.uid, .what]' | head -n 1)" '[65534,"policy"]'
}
