#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-deploy status, history, rollback and watch, with knobs on this host.

load ../lib
load ../knobs

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_RUN=$PWD/run
	# A name that nothing else on this host has.
	name=s$((BASHPID % 100000))x
	cp "$(command -v sleep)" "$name"
	victims=()
	if [ "$(id -u)" = 0 ]; then
		chrt -o -p 0 "$BASHPID"
		renice -n 0 -p "$BASHPID" >/dev/null
	fi
}

teardown() {
	for p in "${victims[@]}" ${deployer:-}; do
		kill "$p" 2>/dev/null || true
	done
	sched-deploy stop >/dev/null 2>&1 || true
}

# knobs NICE: a policy for the victims.
knobs() {
	knobs_policy "nice $1" "[{\"match\": \"$name\", \"nice\": $1}]"
}

# story NICE WORKLOAD [OPTION...]: it and its verdict, signed; about $profile.
story() {
	knobs_story "$(knobs "$1")" "$2" "${profile:-}" "${@:3}"
}

victim() {
	"./$name" 600 3>&- &
	victims+=($!)
	nice_of "$!"
}

# background COMMAND...: sched-deploy, until it says that it is in place.
background() {
	local i
	: >out
	setsid sched-deploy "$@" <&0 >out 2>err 3>&- &
	deployer=$!
	for ((i = 0; i < 200; i++)); do
		! grep -q '"attached"' out || return 0
		sleep 0.05
	done
	cat err
	return 1
}

# ended MINUTE NICE STATE [MORE]: a deployment of this host long ago.
ended() {
	local since
	since=$(printf '2026-01-02T03:%02d:00Z' "$1")
	doc deployment "{\"policy\": \"$(knobs "$2" | doc_id)\",
		\"title\": \"nice $2\", \"target\": \"host\",
		\"state\": \"$3\", \"since\": \"$since\", \"held_us\": 4000000,
		\"why\": \"so it ended\"${4:-}}"
}

# Its text is what the specification of OpenMetrics asks for.
openmetrics() {
	is "$(tail -n 1 <<<"$1")" '# EOF'
	# A family is in one place and has one type, samples have its name.
	awk '/^# EOF/ { next }
		/^# TYPE/ { f = $3; type = $4; if (f in seen) bad = 1
			seen[f] = 1; next }
		/^# (HELP|UNIT)/ { if ($3 != f) bad = 1
			if ($2 == "UNIT" && f !~ "_" $4 "$") bad = 1; next }
		{ name = $1; sub(/[{].*/, "", name)
			if (name != f (type == "counter" ? "_total" : ""))
				bad = 1
			if (!/ [-+0-9.eNa]+$/) bad = 1 }
		bad { print "bad: " $0; exit 1 }' <<<"$1"
}

@test 'status: what is so, as text, document and figures, and quietly' {
	[ ! -d /sys/kernel/sched_ext ] || skip 'this kernel has sched_ext'
	exits 0 sched-deploy status --json
	is "$(jq -c '.kind, .body.text, .body.well, .body.sched_ext.state,
		.body.last, .body.attached' <<<"$output" | paste -sd ' ')" \
		'"note" "this kernel has no sched_ext" false "absent" null null'
	exits 1 sched-deploy status --quiet
	is "$output$stderr" ''
	exits 0 sched-deploy status --openmetrics
	openmetrics "$output"
	has "$output" 'schedkit_sched_ext_state{state="absent"} 1'
	has "$output" 'schedkit_sched_ext_state{state="enabled"} 0'
	has "$output" $'\nschedkit_attached_ours 0\n'
	has "$output" $'\nschedkit_trips_total 0\n'
	exits 2 sched-deploy status --quiet --json
	exits 2 sched-deploy status now
	# Options may stand before the command, too.
	exits 0 sched-deploy --json status
	exits 1 sched-deploy -q status
}

@test "status: figures that Prometheus' own parser takes" {
	/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null ||
		skip 'needs python3-prometheus-client'
	mkdir run
	echo '{"state": "ejected", "exit_kind": 1026, "counts":
		{"ejected": 2, "detached": 7}}' >run/ended.json
	sched-deploy status --openmetrics | /usr/bin/python3 -c '
import sys
from prometheus_client.openmetrics.parser import \
	text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as older
text = sys.stdin.read()
found = {s.name: s.value for f in openmetrics(text) for s in f.samples}
assert found["schedkit_deployments_ended_total"] in (2, 7), found
assert found["schedkit_last_exit_kind"] == 1026, found
assert len(list(older(text))) > 3'
}

@test 'status: of whom, since when, and how the last one ended' {
	story 5 w >in
	victim
	background --json <in
	exits 0 sched-deploy status --quiet
	exits 0 sched-deploy status
	is "$(jq -r '.body.holder | .pid, .uid, .user, .title' <<<"$output")" \
		"$deployer
$(id -u)
$(id -un)
nice 5"
	has "$(jq -r .body.text <<<"$output")" "knobs are set on 1 tasks and 0 \
cgroups by sched-deploy (process $deployer)"
	is "$(jq -r .body.well <<<"$output")" true
	exits 0 sched-deploy stop
	wait "$deployer"
	exits 1 sched-deploy status --quiet
	exits 0 sched-deploy status
	is "$(jq -r '.body.last | .state, .title, .why' <<<"$output")" \
		$'stopped\nnice 5\nasked to stop'
	is "$(jq -c .body.ended <<<"$output")" '{"stopped":1}'
	has "$(sched-deploy status -o)" \
		'schedkit_deployments_ended_total{state="stopped"} 1'
	# What the machine forgot when it was booted the history still knows.
	rm run/ended.json
	is "$(sched-deploy status | jq -r .body.last.state)" stopped
	rm -r h
	is "$(sched-deploy status | jq -r .body.last)" null
}

@test 'status: of one that was killed' {
	mkdir run
	echo '{"pid": 999999999, "start": 5, "ops": "schedkit_abc",
		"policy": "p", "title": "q", "since": "2026-01-02T03:04:05Z"}' \
		>run/deployment.json
	exits 0 sched-deploy status
	is "$(jq -r '.body.holder, .body.last.state, .body.last.title' \
		<<<"$output")" $'null\nlost\nq'
	has "$(jq -r .body.last.why <<<"$output")" 'its holder was killed'
	exits 1 sched-deploy status --quiet
}

@test 'history: newest first, beginning and end in one' {
	exits 1 sched-deploy history
	has "$stderr" 'nothing was deployed yet'
	{
		ended 1 1 attached
		ended 1 1 detached
		ended 2 2 attached
		ended 2 2 ejected ', "exit_kind": 1026'
		ended 3 3 attached
		ended 4 4 attached ", \"host\": \"$(printf '%064d' 7)\""
	} | sched-history add >/dev/null
	exits 0 sched-deploy history
	is "$(jq -r '.body | .title + " " + .state' <<<"$output")" \
		'nice 3 attached
nice 2 ejected
nice 2 attached
nice 1 detached
nice 1 attached'
	is "$(sched-deploy history -n 1 | jq -r .body.title)" 'nice 3'
	is "$(sched-deploy history --all | jq -r .body.title | head -n 1)" \
		'nice 4'
	exits 2 sched-deploy history now
	# For people.
	exits 0 script -qec 'sched-deploy history -n 2' /dev/null
	has "$output" 'nice 3'
	has "$output" 'lost'
	has "$output" ' 4 s '
	lacks "$output" 'nice 1'
}

@test 'rollback: to what was there before, with every check' {
	exits 1 sched-deploy rollback
	has "$stderr" 'nothing was deployed'
	exits 2 sched-deploy rollback 0
	exits 2 sched-deploy rollback one
	exits 2 sched-deploy rollback 1 2
	victim
	story 5 w >five
	story 7 w >seven
	background --json <five
	sched-deploy stop
	background --json <seven
	is "$(nice_of "${victims[0]}")" 7
	# It is said what would be done, and not done.
	exits 0 sched-deploy rollback --dry-run
	has "$stderr" "would put back 'nice 5'"
	is "$(nice_of "${victims[0]}")" 7
	background rollback --json
	is "$(nice_of "${victims[0]}")" 5
	has "$(cat err)" "putting back 'nice 5'"
	is "$(jq -r 'select(.kind == "deployment").body.back_from' out)" \
		"$(knobs 7 | doc_id)"
	# Before that there was nothing.
	exits 0 sched-deploy rollback
	has "$stderr" "this leaves the kernel's own scheduler"
	is "$(nice_of "${victims[0]}")" 0
	sched-deploy history |
		jq -r '.body | select(.state == "attached").title' |
		is "$(cat)" $'nice 5\nnice 7\nnice 5'
}

@test 'rollback: what has expired, is revoked, or falls, is passed over' {
	{
		SCHEDKIT_TIME=1760000000 story 1 w --expires 1
		story 2 w
		story 3 w
		ended 1 1 detached
		ended 2 2 detached
		ended 3 3 detached
		for i in 4 5 6; do
			ended "$i" 4 ejected
		done
		ended 7 5 detached ', "scope": {"command": "make"}'
		ended 8 6 detached
		ended 9 7 stopped
	} | sed -E "s/\"time\":\"[^\"]*/\"time\":\"$(date -u \
		+%Y-%m-%dT%H:%M:%SZ)/" | sched-history add >/dev/null
	sched-verify --revoke "policy:$(knobs 3 | doc_id)"
	exits 0 sched-deploy rollback --for 0.2
	has "$stderr" "going back from policy $(knobs 7 | doc_id | cut -c -12)"
	has "$stderr" "the history has no policy"
	has "$stderr" "'nice 5' ($(knobs 5 | doc_id | cut -c -12)) is not put \
back: its knobs were for one command"
	has "$stderr" 'it was taken off 3 times'
	has "$stderr" 'is revoked'
	has "$stderr" "putting back 'nice 2'"
	lacks "$stderr" "putting back 'nice 1'"
	is "$(tail -n 1 <<<"$output" | jq -r '.body.title, .body.state')" \
		$'nice 2\ndetached'
	# From there on one step is the one that has expired.
	exits 1 sched-deploy rollback
	has "$stderr" 'expired at'
	has "$stderr" "this leaves the kernel's own scheduler"
	# Three steps from the last: those that are nearer do not count.
	is "$(sched-deploy rollback --dry-run --falls 9 3 2>&1 | tail -n 1)" \
		"sched-deploy: would leave the kernel's own scheduler"
}

# known WORKLOAD NICE: a lesson on this very machine, and a trusted policy.
known() {
	local profile state
	sched-observe --json -n "$1" -- sleep 0.3 >seen
	profile=$(doc_id <seen)
	{
		cat seen
		story "$2" "$1"
	} | sched-history learn --json 2>/dev/null |
		sched-history add >/dev/null
	for state in candidate canary trusted; do
		sched-history promote "$state" -w "$1" --force \
			"$(knobs "$2" | doc_id)" >/dev/null
	done
}

watching=(sched-deploy watch -s 0.2 -i 0.2 --near 900 --far 1000 --dwell 0)

@test 'watch: usage' {
	exits 2 sched-deploy watch now
	exits 2 sched-deploy watch --lasts 2 --of 4
	exits 2 sched-deploy watch --lasts 5 --of 4
	exits 2 sched-deploy watch --near 2 --far 1
	exits 2 sched-deploy watch --per-hour 1
}

@test 'watch: nothing that is known: the kernel alone' {
	exits 0 "${watching[@]}" -r 2 --lasts 1 --of 1 -o "$PWD/figures"
	is "$output$stderr" ''
	openmetrics "$(cat figures)"
	has "$(cat figures)" 'schedkit_watch_windows_total 2'
	is "$(stat -c %a figures)" 644
	[ ! -e h ]
}

@test 'watch: what is trusted for what goes on, as long as it watches' {
	known w 6
	victim
	exits 0 "${watching[@]}" -r 2 --lasts 1 --of 1 --dry-run
	has "$stderr" "would put $(knobs 6 | doc_id | cut -c -12) in place: \
1 of the last 1 windows are like 'w'"
	is "$(sched-history log -k note | jq -r .body.tags[0] | sort -u)" \
		promoted
	"${watching[@]}" --lasts 2 --of 2 -o "$PWD/figures" >out 2>err 3>&- &
	deployer=$!
	for ((i = 0; i < 300; i++)); do
		! grep -q "watch_present{policy=\"$(knobs 6 | doc_id)" \
			figures 2>/dev/null || break
		sleep 0.1
	done
	has "$(cat err)" "put 'nice 6' ($(knobs 6 | doc_id | cut -c -12)) in \
place: 2 of the last 2 windows are like 'w'"
	is "$(nice_of "${victims[0]}")" 6
	kill "$deployer"
	wait "$deployer"
	is "$(nice_of "${victims[0]}")" 0
	has "$(tail -n 1 err)" "back to the kernel's own scheduler"
	has "$(cat figures)" 'schedkit_watch_changes_total 1'
	# It is told, with what was seen.
	is "$(sched-history log -k note | jq -r 'select(.body.tags[0] ==
		"watch") | (.body.features.version | tostring) + " " +
		(.body.text | .[:11])')" $'1 back to the\n1 put \'nice 6'
	is "$(jq -r .kind out | sort -u)" note
}

@test 'watch: what is refused is left alone' {
	known w 6
	sched-verify --revoke "policy:$(knobs 6 | doc_id)"
	exits 0 "${watching[@]}" -r 3 --lasts 1 --of 1
	is "$(grep -c 'is not in place: .*is revoked' <<<"$stderr")" 1
	is "$(grep -c 'not yet' <<<"$stderr")" 1
}

@test 'watch: kill -9 of it takes all of it off' {
	known w 6
	victim
	"${watching[@]}" --lasts 1 --of 1 >out 2>err 3>&- &
	deployer=$!
	for ((i = 0; i < 300; i++)); do
		[ "$(nice_of "${victims[0]}")" != 6 ] || break
		sleep 0.1
	done
	is "$(nice_of "${victims[0]}")" 6
	kill -9 "$deployer"
	for ((i = 0; i < 100; i++)); do
		[ "$(nice_of "${victims[0]}")" != 0 ] || break
		sleep 0.1
	done
	is "$(nice_of "${victims[0]}")" 0
}
