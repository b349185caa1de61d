#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-loop without a guest: the real program beside stand-ins that play
# recorded documents for what needs a kernel (observe, verify, deploy); what
# plans, learns and records is real.  tests/guests/loop.bats has the whole.

load ../lib

setup() {
	needs jq
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/history
	unset SCHED_LLM
	tree=$PWD/tree
	mkdir -p "$tree/bin" "$tree/libexec"
	ln -s "$BUILD/lib" "$tree/lib"
	ln -s "$BUILD/libexec/schedkit" "$tree/libexec/schedkit"
	# It finds the others beside itself.
	cp "$BUILD/bin/sched-loop" "$tree/bin"
	for p in synth history; do
		ln -s "$BUILD/bin/sched-$p" "$tree/bin"
	done
	loop=$tree/bin/sched-loop
	profile >profile
	stand_in observe 'cat profile'
	stand_in verify 'played'
	stand_in deploy 'deployed "$@"'
	ratio 1.5 accepted
}

profile() {
	doc profile '{"scope": "command", "goal": "makespan", "source": "bpf",
		"target": "vm", "duration_us": 2000000, "wall_us": 2000000,
		"workload": {"name": "w", "command": ["true"], "cwd": "/",
		"metrics": [{"name": "wall", "unit": "s", "better": "lower"}]},
		"system": {"cpus": 2, "kernel": "6.18.1"},
		"run_queue": {"busy_pct": 99, "waiting_pct": 90},
		"groups": [], "overhead": {"drops": 0}}' | jq -cS .
}

# stand_in NAME WORDS: bash in its place; calls are counted in NAME.calls.
stand_in() {
	{
		echo '#!/bin/bash'
		echo "cd '$PWD'; TREE=$TREE BATS_TEST_TMPDIR=; . '$TREE/tests/lib.bash'"
		echo "echo \"\$\$ \$*\" >>'$PWD/$1.calls'"
		declare -f played deployed
		echo "$2"
	} >"tree/bin/sched-$1"
	chmod +x "tree/bin/sched-$1"
}

# What the next verdicts say: ratio RATIO DECISION
ratio() {
	echo "$1 $2" >ratio
}

# As sched-verify: passes all on, then a verdict for each policy.
played() {
	local ratio decision object
	read -r ratio decision <ratio
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
	tee in.verify
	jq -r 'select(.kind == "policy").id' in.verify | while read -r id; do
		doc verdict "{\"policy\": \"$id\", \"workload\": \"w\",
			\"decision\": \"$decision\", \"why\": \"w\",
			\"target\": \"vm\", \"kernel\": \"$(cat kernel)\",
			\"object_sha256\": \"$object\", \"stages\": [],
			\"evidence\": {\"target_runs\": 12},
			\"simulation\": {\"cpus\": 2, \"seeds\": 3},
			\"metrics\": [{
			\"name\": \"wall\", \"unit\": \"s\", \"baseline\": 30,
			\"candidate\": 20, \"ratio\": $ratio,
			\"ci95\": [$ratio, $ratio], \"pairs\": 5,
			\"guard\": false}]}" "$id" \
			"$(jq -r 'select(.kind == "profile").id' in.verify)" |
			jq -cS .
	done
	[ "$decision" = accepted ]
}

deployed() {
	tee in.deploy
	[ "$1" != status ] || return 0
	doc deployment "{\"policy\":
		\"$(jq -r 'select(.kind == "policy").id' in.deploy)\",
		\"target\": \"vm\", \"state\": \"detached\", \"why\": \"w\"}" |
		jq -cS .
}

calls() {
	cat "$1.calls" 2>/dev/null | wc -l
}

# of FILTER: of the run's own note.
of() {
	jq -r "select(.kind == \"note\" and .body.loop) | .body.loop | $1" \
		<<<"$output"
}

state() {
	echo "$XDG_STATE_HOME"/schedkit/loops/*
}

prepare() {
	"$BUILD/libexec/schedkit/fetch-guest" --print 2>/dev/null |
		awk -F '\t' '$1 == "release" { printf "%s", $2 }' >kernel
	[ -s kernel ] || printf 6.18.1 >kernel
}

run_loop() {
	local want=$1
	shift
	prepare
	exits "$want" "$loop" --target vm "$@" -- true
}

@test 'usage' {
	exits 2 sched-loop
	exits 2 sched-loop --budget days=1 -- true
	has "$stderr" "'days=1' is not time=S, usd=X or tokens=N"
	exits 2 sched-loop --goal makespan:0.5 -- true
	has "$stderr" 'how many times better is enough'
	exits 2 sched-loop --target moon -- true
	exits 2 sched-loop --workload w.json -- true
	exits 2 sched-loop --bound "'" -- true
	exits 3 sched-loop --workload nothing.json
	has "$stderr" nothing.json
}

@test 'a form that nobody can propose is refused before anything is measured' {
	prepare
	exits 2 "$loop" --target vm --form knob -- true
	has "$stderr" \
		"'knob' is not knobs, external, params, hooks or source"
	for f in external hooks source; do
		exits 2 "$loop" --target vm --form "$f" -- true
		has "$stderr" "only a model writes '$f'; set SCHED_LLM or --backend"
	done
	exits 2 "$loop" --target vm --form hooks --backend rules -- true
	exits 2 "$loop" --target vm --form hooks --backend random -- true
	exits 2 "$loop" --target vm --form knobs --backend random -- true
	has "$stderr" 'the backend random is not for knobs'
	is "$(calls observe)" 0
	# A model may; how far a loop is can be asked without it.
	SCHED_LLM=command:false exits 2 "$loop" --target vm --form hook -- true
	exits 1 "$loop" --target vm --form hooks --status -- true
	run_loop 0 --rounds 1 --candidates 1 --form hooks --backend command:false
	run_loop 0 --rounds 1 --candidates 1 --form params
	is "$(calls observe)" 2
}

@test 'random points instead of what is built in, not beside it' {
	run_loop 0 --rounds 1 --candidates 4 --backend random
	is "$(jq -r 'select(.kind == "policy").body.title' in.verify |
		sort -u)" 'a random point'
}

@test 'from nothing to deployed, and what it tells' {
	run_loop 0 --rounds 1 --candidates 2 --goal makespan
	is "$(of .status)" better
	is "$(of .spent.guest_runs)" 13
	is "$(of .spent.sim_runs)" 6
	is "$(of '.rounds | length')" 1
	is "$(of '.rounds[0].candidates | length')" 2
	is "$(of .best_ratio)" 1.5
	is "$(of .stopped)" '1 round is done'
	is "$(of .regret.regret_pct)" 0
	has "$(cat deploy.calls)" ' -- true'
	# All of it is in the history, lessons too.
	for kind in profile plan policy verdict lesson deployment note; do
		has "$(sched-history log --json -k $kind)" "\"kind\":\"$kind\""
	done
	git -C "$SCHEDKIT_HISTORY" fsck --strict --no-dangling
	has "$(sched-history states --json)" candidate
	# And in the state, where no lock is held any more.
	exits 0 sched-loop --status
	has "$output" '"status":"better"'
	has "$output" '"alive":false'
}

@test 'a table for people' {
	needs script
	prepare
	run script -qec "$loop --target vm --rounds 1 --candidates 1 -- true" \
		/dev/null
	has "$output" 'round'
	has "$output" '1.50x'
	has "$output" 'the command ran under it in a guest'
	has "$output" 'sched-history show '
}

@test 'nothing better: status 1, nothing deployed' {
	ratio 1 rejected
	run_loop 1 --rounds 4 --candidates 1
	is "$(of .status)" none
	is "$(calls deploy)" 0
	# Two rounds without improvement are enough, or less was promised.
	[ "$(calls verify)" -le 2 ]
}

@test 'what the options become' {
	run_loop 0 --rounds 1 --candidates 1 --no-run --guard p99:5 --cpus 2 \
		--metric 'rate,higher,1/s=re:([0-9]+) per' --bound "a 'b c'" \
		--short '"it'"'"'s" short'
	has "$(tail -n 1 observe.calls)" "--metric rate,higher,1/s=re:([0-9]+) per"
	has "$(tail -n 1 observe.calls)" "--bound 'a' 'b c' --short 'it'\\''s' 'short' -- true"
	has "$(tail -n 1 verify.calls)" '--guard p99:5'
	has "$(tail -n 1 verify.calls)" '--cpus 2'
	has "$(tail -n 1 deploy.calls)" '--dry-run'
	rm deploy.calls
	run_loop 0 --rounds 1 --candidates 1 --no-deploy
	is "$(calls deploy)" 0
}

@test 'a workload in a file, and a profile' {
	prepare
	echo '{"name": "w", "command": ["true"], "cwd": "/"}' >w.json
	exits 0 "$loop" --target vm --rounds 1 --candidates 1 --workload w.json
	is "$(calls observe)" 1
	exits 0 "$loop" --target vm --rounds 1 --candidates 1 --workload profile
	is "$(calls observe)" 1
	is "$(of .spent.guest_runs)" 12
	echo '{"name": "w"}' >w.json
	exits 3 "$loop" --workload w.json
	has "$stderr" command
}

@test 'one loop per workload: the second one says who has it' {
	stand_in observe 'touch there; sleep 60'
	prepare
	"$loop" --target vm -- true >/dev/null 2>&1 &
	for _ in {1..100}; do [ -e there ] && break || sleep 0.1; done
	exits 4 "$loop" --target vm -- true
	has "$stderr" "another loop has this workload already (process $!)"
	exits 0 sched-loop --status
	has "$output" '"alive":true'
	# Its children go with it.
	child=$(cut -d ' ' -f 1 observe.calls)
	kill -9 $!
	wait $! || true
	for _ in {1..100}; do kill -0 "$child" 2>/dev/null || break; sleep 0.1; done
	! kill -0 "$child" 2>/dev/null
}

@test 'kill -9 in each phase, then --resume' {
	for p in observe verify deploy; do
		rm -f there ./*.calls
		case $p in
		observe) stand_in observe 'touch there; sleep 60' ;;
		verify) stand_in verify 'touch there; sleep 60' ;;
		deploy) stand_in deploy 'touch there; sleep 60' ;;
		esac
		prepare
		"$loop" --target vm --rounds 1 --candidates 1 -- true \
			>/dev/null 2>&1 &
		for _ in {1..200}; do [ -e there ] && break || sleep 0.1; done
		sleep 1.5
		kill -9 $!
		wait $! || true
		stand_in observe 'cat profile'
		stand_in verify 'played'
		stand_in deploy 'deployed "$@"'
		run_loop 0 --rounds 1 --candidates 1 --resume
		is "$(of .status)" better
		# What was done is not done again, and what it took counts.
		[ $p = observe ] || is "$(calls observe)" 1
		[ $p != deploy ] || is "$(calls verify)" 1
		jq -e '.spent.seconds > 1' "$(state)/state.json"
		is "$(jq -s '[.[].id] | length == (unique | length)' <<<"$output")" \
			true
		rm -rf "$XDG_STATE_HOME"
	done
	git -C "$SCHEDKIT_HISTORY" fsck --strict --no-dangling
}

@test 'a torn document does not count' {
	stand_in verify 'touch there; sleep 60'
	prepare
	"$loop" --target vm --rounds 1 --candidates 1 -- true >/dev/null 2>&1 &
	for _ in {1..200}; do [ -e there ] && break || sleep 0.1; done
	kill -9 $!
	wait $! || true
	printf '{"v":1,"kind":"verd' >>"$(state)/stream.jsonl"
	stand_in verify 'played'
	run_loop 0 --rounds 1 --candidates 1 --resume
	is "$(jq -c . "$(state)/stream.jsonl" | wc -l)" \
		"$(wc -l <"$(state)/stream.jsonl")"
}

@test 'stopped with ctrl-c: later, and what was found is kept' {
	stand_in verify 'touch there; exec sleep 60'
	prepare
	setsid "$loop" --target vm --rounds 1 --candidates 1 -- true >out 2>err &
	for _ in {1..200}; do [ -e there ] && break || sleep 0.1; done
	kill -INT $!
	rc=0
	wait $! || rc=$?
	is $rc 4
	has "$(tail -n 1 out)" '"status":"later"'
	has "$(sched-history log --json -k plan)" '"kind":"plan"'
	# Without --resume it begins anew and says so.
	stand_in verify 'played'
	run_loop 0 --rounds 1 --candidates 1
	has "$stderr" '--resume would go on with it'
	exits 3 "$loop" --target vm --resume -- true
	has "$stderr" 'there is no unfinished run'
}

@test 'stopped while the policy is put in place: it is not taken for done' {
	stand_in deploy '[ "$1" = status ] || { touch there; exec sleep 60; }'
	prepare
	setsid "$loop" --target host --rounds 1 --candidates 1 -- true \
		>out 2>err &
	for _ in {1..200}; do [ -e there ] && break || sleep 0.1; done
	kill -INT $!
	rc=0
	wait $! || rc=$?
	is $rc 4
	stand_in deploy 'deployed "$@"'
	exits 0 "$loop" --target host --rounds 1 --candidates 1 --resume -- true
	is "$(grep -c -- --policy= deploy.calls)" 2
}

@test 'whose reader leaves goes on, and knows what it knew' {
	prepare
	{
		sleep 0.5
		"$loop" --target vm --rounds 1 --candidates 1 --workload profile
	} 2>err | true
	is "$(calls verify)" 1
	rm -rf "$XDG_STATE_HOME"
	stand_in verify 'exit 4'
	run_loop 4 --rounds 1 --candidates 1
	stand_in verify 'played'
	{
		sleep 0.5
		"$loop" --target vm --rounds 1 --candidates 1 --resume -- true
	} 2>err | true
	is "$(calls observe)" 1
}

@test 'what a model may cost is noted before it is asked' {
	rm tree/bin/sched-synth
	stand_in synth '
		case $* in
		*builtin*) exec "$BUILD/bin/sched-synth" "$@" ;;
		esac
		cat >/dev/null
		[ -e once ] || { touch once; exit 1; }
		touch there
		sleep 60'
	sed -i "2i BUILD='$BUILD'" tree/bin/sched-synth
	ratio 1 rejected
	prepare
	"$loop" --target vm --rounds 2 --candidates 2 --backend http://x.invalid \
		--budget usd=1 -- true >/dev/null 2>&1 &
	for _ in {1..300}; do [ -e there ] && break || sleep 0.1; done
	kill -9 $!
	wait $! || true
	# All that is left is for the last round.
	has "$(tail -n 1 synth.calls)" 'usd=1.000000'
	is "$(jq .held.usd "$(state)/state.json")" 1
}

@test 'a program that says later, or cannot' {
	stand_in verify 'echo "sched-verify: busy" >&2; exit 4'
	run_loop 4 --rounds 1 --candidates 1
	has "$stderr" 'busy'
	stand_in verify 'played'
	run_loop 0 --rounds 1 --candidates 1 --resume
	is "$(calls observe)" 1
	rm -rf "$XDG_STATE_HOME"
	stand_in observe 'echo "sched-observe: no such thing" >&2; exit 3'
	run_loop 3 --rounds 1
	has "$stderr" 'no such thing'
}

@test 'a program that somebody kills is started once more' {
	stand_in verify '[ -e once ] || { touch once; kill -9 $$; }; played'
	run_loop 0 --rounds 1 --candidates 1
	is "$(calls verify)" 2
}

@test 'the time is over in the middle of a phase' {
	stand_in observe 'exec sleep 60'
	SECONDS=0
	run_loop 1 --rounds 1 --candidates 1 --budget time=2
	[ $SECONDS -lt 20 ]
	has "$(of .stopped)" 'are over'
}

@test 'cron: silent while what was found holds' {
	export SCHEDKIT_TIME=1790000000
	run_loop 0 --once --candidates 1
	has "$output" 'in place'
	run_loop 0 --once --candidates 1
	is "$output$stderr" ''
	is "$(calls verify)" 1
	# Too old, another kernel, not in the history any more: measured anew.
	SCHEDKIT_TIME=1799999999
	run_loop 0 --once --candidates 1
	is "$(calls verify)" 2
	run_loop 0 --once --candidates 1
	is "$(calls verify)" 2
	rm -rf "$SCHEDKIT_HISTORY"
	run_loop 0 --once --candidates 1
	is "$(calls verify)" 3
	# Nothing better: silent, too.
	rm -rf "$XDG_STATE_HOME"
	ratio 1 rejected
	run_loop 1 --once --candidates 1
	is "$output$stderr" ''
}

@test 'cron goes on with what was interrupted' {
	stand_in verify 'exit 4'
	run_loop 4 --once --candidates 1
	stand_in verify 'played'
	run_loop 0 --once --candidates 1
	is "$(calls observe)" 1
	lacks "$stderr" resume
}

@test 'a full disk: said, and nothing is lost' {
	needs_root
	mkdir disk
	unshare -m true 2>/dev/null || skip 'needs mount namespaces'
	cat >full <<-'END'
		mount -t tmpfs -o size=64k tmpfs disk
		export XDG_STATE_HOME=$PWD/disk
		"$1" --target vm --rounds 1 --candidates 1 -- true >/dev/null 2>err1 &
		for _ in {1..200}; do [ -e there ] && break || sleep 0.1; done
		cat /dev/zero >disk/filler 2>/dev/null
		touch go
		wait $!
		echo "status $?"
		rm -f disk/filler
		"$1" --target vm --rounds 1 --candidates 1 --resume -- true >/dev/null
		echo "status $?"
	END
	stand_in verify 'touch there; while [ ! -e go ]; do sleep 0.1; done; played'
	prepare
	exits 0 unshare -m bash full "$loop"
	is "$(paste -sd ' ' <<<"$output")" 'status 3 status 0'
	has "$(cat err1)" 'No space left'
	is "$(calls observe)" 1
}

@test 'killed at random moments: the same answer, nothing left' {
	stand_in observe 'sleep 0.2; cat profile'
	stand_in verify 'sleep 0.3; played'
	prepare
	LOOP=$loop exits 0 "$TREE/tests/crash/loop" 4 true
	has "$output" '4 kills: status 0 each time'
}
