#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2094 # nothing is read while it is written
# What verdicts teach: sched-history learn and neighbours, and sched-synth with
# lessons in its input.

load ../lib


GROUP='"run_us":18000000,"wait_us":60000000,"wakeups":900,
	"burst_us":{"count":9,"sum":9,"max":9,"p50":900000,"p90":900000,"p99":9},
	"delay_us":{"count":9,"sum":9,"max":9,"p50":9,"p90":9,"p99":9}'
PROFILE='{"scope":"command","goal":"makespan","source":"bpf","target":"vm",
	"duration_us":10000000,"overhead":{"drops":0},
	"workload":{"name":"first","command":["true"]},
	"system":{"cpus":2,"kernel":"6.18.15"},
	"run_queue":{"busy_pct":99,"waiting_pct":90},
	"groups":[{"name":"job","tasks":4,'$GROUP'}]}'

setup() {
	export SCHEDKIT_HISTORY=$BATS_TEST_TMPDIR/history
	cd "$BATS_TEST_TMPDIR" || return
	doc profile "$PROFILE" >profile
}

# story PROFILE RATIO DECISION: a stream up to the verdicts of two policies;
# the last gets the decision, the others were no better.
story() {
	local id
	sched-synth --json -n 2 <"$1"
	sched-synth --json -n 2 <"$1" | jq -r 'select(.kind == "policy").id' |
		while read -r id; do
			verdict "$1" "$id" "$2" "$3"
			set -- "$1" 1.0 rejected
		done
}

# verdict PROFILE POLICY RATIO DECISION
verdict() {
	local line
	line=$(doc verdict '{"policy":"'"$2"'","decision":"'"$4"'","why":"w",
		"target":"vm","kernel":"6.18.15","accelerator":"tcg",
		"stages":[{"name":"run","status":"passed","findings":[],
			"seconds":1}],
		"metrics":[{"name":"wall","unit":"s","better":"lower",
			"baseline":12,"candidate":9,"ratio":'"$3"',
			"ci95":['"$3"','"$3"'],"pairs":5,"guard":false}],
		"evidence":{"runs":7,"min_effect_pct":3}}')
	jq -c --arg a "$2" --arg b "$(doc_id <"$1")" '.parent = [$a, $b]' \
		<<<"$line"
}

@test "learn: a lesson for each verdict, after all that came in" {
	story profile 1.4 accepted >story
	exits 0 sched-history learn <story
	is "$(head -n "$(wc -l <story)" <<<"$output")" "$(cat story)"
	is "$(jq -r .kind <<<"$output" | tail -n 2 | tr '\n' ' ')" \
		'lesson lesson '
	is "$(jq -r 'select(.kind == "lesson").body.outcome' <<<"$output" |
		tr '\n' ' ')" 'better no-better '
	has "$(jq -r 'select(.kind == "lesson").body.text' <<<"$output")" \
		'was 1.4 (1.4 to 1.4) times as good as EEVDF in wall'
}

@test "learn: the same story gives the same lessons, and only once" {
	story profile 1.4 accepted >story
	sched-history learn <story >a
	sched-history learn <story >b
	is "$(jq -r .id a)" "$(jq -r .id b)"
	exits 0 sched-history learn <a
	is "$output" "$(cat a)"
}

@test "learn: a verdict alone teaches nothing, and that is said" {
	story profile 1.4 accepted | jq -c 'select(.kind == "verdict")' >story
	exits 0 sched-history learn <story
	is "$output" "$(cat story)"
	has "$stderr" '2 verdicts taught nothing'
	has "$stderr" 'pass on all that sched-verify wrote'
}

@test "learn: a bad line is named, the rest teaches, status 3" {
	{
		echo '{"v":1,'
		story profile 1.4 accepted
	} >story
	exits 3 sched-history learn <story
	has "$stderr" 'line 1'
	is "$(grep -c '"kind":"lesson"' <<<"$output")" 2
}

# another CPUS: a profile like the first, under other names.
another() {
	doc profile "$(jq -c --argjson n "$1" '.workload.name = "second"
		| .groups[0].name = "task" | .groups[0].run_us += 500000
		| .system.cpus = $n' <<<"$PROFILE")"
}

@test "neighbours: lessons of the history as they were recorded" {
	story profile 1.4 accepted | sched-history learn | tee learned |
		sched-history add >/dev/null
	another 2 >second
	exits 0 sched-history neighbours <second
	is "$(head -n 1 <<<"$output")" "$(cat second)"
	is "$(tail -n +2 <<<"$output" | sort)" \
		"$(grep '"kind":"lesson"' learned | sort)"
	# What was of use comes first.
	is "$(sed -n 2p <<<"$output" | jq -r .body.outcome)" better
	exits 0 sched-history neighbours -n 1 <second
	is "$(wc -l <<<"$output")" 2
	exits 0 sched-history neighbours --max-distance 0 <second
	is "$output" "$(cat second)"
}

@test "neighbours: what is in the input already is not added again" {
	story profile 1.4 accepted | sched-history learn | tee learned |
		sched-history add >/dev/null
	exits 0 sched-history neighbours <learned
	is "$output" "$(cat learned)"
}

@test "neighbours: a lesson that was reverted is left out" {
	local id
	story profile 1.4 accepted | sched-history learn | tee learned |
		sched-history add >/dev/null
	id=$(jq -r 'select(.body.outcome == "better").id' learned)
	sched-history revert "$id" >/dev/null
	exits 0 sched-history neighbours <profile
	lacks "$output" "$id"
	is "$(wc -l <<<"$output")" 2
	sched-history restore "$id" >/dev/null
	exits 0 sched-history neighbours <profile
	has "$output" "$id"
}

@test "neighbours: no history is an empty one, no profile is status 3" {
	exits 0 sched-history neighbours <profile
	is "$output" "$(cat profile)"
	exits 3 sched-history neighbours </dev/null
	has "$stderr" 'sched-observe'
}

@test "the second plan begins with what worked, and says so" {
	story profile 1.4 accepted | sched-history learn | tee learned |
		sched-history add >/dev/null
	another 2 >second
	sched-history neighbours <second >with
	exits 0 sched-synth --json -n 1 <with
	plan=$(jq -c 'select(.kind == "plan").body' <<<"$output")
	is "$(jq -r '.origins[0].source' <<<"$plan")" neighbour
	is "$(jq -r '.origins[0].from' <<<"$plan")" \
		"$(jq -r 'select(.body.outcome == "better").id' learned)"
	is "$(jq -c 'select(.kind == "policy").body.params' <<<"$output")" \
		"$(jq -c 'select(.body.outcome == "better").body.tried.params' \
			learned)"
	has "$(jq -r .text <<<"$plan")" 'on a workload like this one'
	# The same stream, the same ids.
	is "$(sched-synth --json -n 1 <with | jq -r .id)" \
		"$(jq -r .id <<<"$output")"
}

@test "what was measured for this profile is not proposed again" {
	story profile 1.0 rejected | sched-history learn >learned
	exits 0 sched-synth --json -n 5 <learned
	is "$(jq -c 'select(.kind == "policy").body.params' <<<"$output" |
		sort | uniq -d)" ''
}

@test "a model is told what was measured, as data" {
	story profile 1.4 accepted | sched-history learn >learned
	exits 0 sched-synth --show-prompt planner <learned
	text=$(jq -r '.messages[0].text' <<<"$output")
	has "$text" 'What was measured on workloads like this one'
	has "$text" 'distance 0.0; params: '
	has "$text" 'was 1.4 (1.4 to 1.4) times as good as EEVDF'
	{
		cat learned
		doc note '{"text":"it was not so","tags":["reverted"],
			"about":"'"$(jq -r 'select(.kind == "lesson" and
				.body.outcome == "better").id' learned)"'"}'
	} >taken-back
	exits 0 sched-synth --show-prompt planner <taken-back
	text=$(jq -r '.messages[0].text' <<<"$output")
	has "$text" 'made no difference that counts'
	lacks "$text" 'was 1.4 (1.4 to 1.4) times as good as EEVDF in wall'
}

@test "sources: only those that are named propose" {
	exits 0 sched-synth --json -n 3 --sources rule <profile
	is "$(jq -r '.body.origins[]?.source' <<<"$output" | sort -u)" rule
	exits 0 sched-synth --json -n 3 --sources optimiser <profile
	is "$(jq -r '.body.origins[]?.source' <<<"$output" | sort -u)" optimiser
	exits 3 sched-synth --json -n 3 --sources neighbour <profile
	has "$stderr" 'none of the sources'
	exits 2 sched-synth --sources luck <profile
	exits 2 sched-synth --sources rule --backend openai <profile
}

@test "random: any points, by the seed, and all of them pass the lint" {
	sched-synth --json -n 30 --backend random --seed 3 <profile >a
	sched-synth --json -n 30 --sources random --seed 3 <profile >b
	sched-synth --json -n 30 --sources random --seed 4 <profile >c
	# A document says when it was made; its id does not depend on that.
	cmp <(jq -r .id a) <(jq -r .id b)
	run ! cmp -s <(jq -r .id a) <(jq -r .id c)
	is "$(jq -r 'select(.kind == "policy").id' a | sort -u | wc -l)" 30
	sched-verify --stages lint,build --json <a >v || [ $? = 1 ]
	is "$(jq -r 'select(.kind == "verdict").body.stages[0].status' v |
		sort | uniq -c | tr -s ' ')" ' 30 passed'
}

@test "sweep: every point of the grid, in order" {
	exits 0 sched-synth --json --sweep \
		'order=fifo,longest;slice_us=5000,20000' <profile
	is "$(jq -r 'select(.kind == "policy").body.params
		| "\(.order) \(.slice_us)"' <<<"$output")" \
		$'fifo 5000\nfifo 20000\nlongest 5000\nlongest 20000'
	is "$(jq -r '.body.origins[]?.source' <<<"$output" | sort -u)" person
	exits 2 sched-synth --sweep 'colour=red' <profile
	has "$stderr" "there is no parameter 'colour'"
	exits 2 sched-synth --sweep 'slice_us=1' <profile
}
