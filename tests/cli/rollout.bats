#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A rollout over several hosts, which are folders here, and a bare repository
# that all of them know.  What is rolled out are knobs, which any kernel takes.

load ../lib
load ../knobs

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset SCHEDKIT_HISTORY SCHEDKIT_RUN
	victims=() hosts=()
	# What else is at work on this machine is not what is tested.
	calm=(--guard stall:60s --guard wait_p99:60s) guard=("${calm[@]}")
	git init -q --bare -b main hub
	mkdir pubs
	as admin sched-history remote add origin "$PWD/hub"
	as admin sched-verify --new-key >/dev/null
	# Whatever these tests run at.
	if [ "$(id -u)" = 0 ]; then
		chrt -o -p 0 "$BASHPID"
		renice -n 0 -p "$BASHPID" >/dev/null
	fi
}

teardown() {
	local h p
	for h in "${hosts[@]}"; do
		as "$h" sched-deploy stop >/dev/null 2>&1 || true
	done
	for p in "${victims[@]}"; do
		kill -9 "$p" 2>/dev/null || true
	done
}

# as HOST COMMAND...
as() {
	local at=$PWD/$1
	XDG_CONFIG_HOME=$at/config XDG_STATE_HOME=$at/state \
		SCHEDKIT_RUN=$at/run SCHEDKIT_HISTORY=$at/h "${@:2}"
}

# fleet HOST...: hosts that know each other's keys and the admin's, with a
# process each whose knobs are to be set.
fleet() {
	local h
	for h; do
		hosts+=("$h")
		as "$h" sched-rollout key >"pubs/$h.pub"
		as "$h" sched-history remote add origin "$PWD/hub"
		sleep 600 3>&- &
		victims+=($!)
		echo $! >"$h/victim"
	done
	for h in admin "$@"; do
		mkdir -p "$h/config/schedkit/hosts" "$h/config/schedkit/keys"
		chmod 700 "$h/config/schedkit/keys"
		cp pubs/*.pub "$h/config/schedkit/hosts"
		[ "$h" = admin ] || cp admin/config/schedkit/keys/*.pub \
			"$h/config/schedkit/keys"
	done
}

# story NICE: a policy that is verified for this machine, in the admin's history.
story() {
	as admin knobs_story "$(knobs_policy "nice $1" \
		"[{\"match\": \"*\", \"nice\": $1}]")" w >story.jsonl
	as admin sched-history add <story.jsonl >/dev/null
	policy=$(head -n 1 story.jsonl | doc_id)
}

# begin: it is rolled out, to hosts that are named so.
begin() {
	as admin sched-rollout start --spread 0 --cohort canary:0:0:1:0 \
		--cohort rest:0:0:1:0 "$policy" >/dev/null
}

# follow STATUS HOST COHORT OPTION...: $output and $stderr as exits has them.
follow() {
	exits "$1" as "$2" sched-rollout follow --cohort "$3" "${@:4}" -- \
		--pid "$(cat "$2/victim")" "${guard[@]}"
}

niceness() {
	nice_of "$(cat "$1/victim")"
}

# answered ANSWER WORDS: by the last follow.
answered() {
	is "$(jq -r .answer <<<"$output")" "$1"
	has "$(jq -r .why <<<"$output")" "$2"
}

cohort() {
	as admin sched-rollout status | jq -r --arg c "$1" --arg k "$2" \
		'.cohorts[] | select(.name == $c)[$k]'
}

@test 'rollout: help, version, usage' {
	local c
	exits 0 sched-rollout --help
	exits 0 sched-rollout --version
	for c in start halt resume status follow key prune sim; do
		exits 0 sched-rollout "$c" --help
	done
	exits 2 sched-rollout
	exits 2 sched-rollout fly
	exits 2 as admin sched-rollout start
	exits 2 as admin sched-rollout start --cohort canary abcd
	exits 2 as admin sched-rollout follow now
	exits 2 sched-rollout sim --kernel x
	exits 2 sched-rollout sim --cohort a:60 --cohort b:60
}

@test 'rollout: canaries first, the rest when they are well, and back' {
	fleet h1 h2
	story 5
	begin
	follow 0 h2 rest
	answered wait "0 of 1 hosts of 'canary'"
	is "$(niceness h2)" 0
	follow 0 h1 canary --dry-run
	answered deploy 'first cohort'
	is "$(niceness h1)" 0
	follow 0 h1 canary
	answered deploy 'first cohort'
	has "$stderr" 'reported: trying'
	is "$(niceness h1)" 5
	# It is there, and nobody has called it well yet.
	is "$(cohort canary trying)" 1
	follow 0 h2 rest
	answered wait "0 of 1 hosts of 'canary'"
	follow 0 h1 canary
	answered stay well
	has "$stderr" 'reported: ok'
	follow 0 h1 canary
	lacks "$stderr" reported
	follow 0 h2 rest
	answered deploy "the turn of 'rest'"
	is "$(niceness h2)" 5
	is "$(cohort canary ok) $(cohort rest trying)" '1 1'
	has "$(as admin sched-rollout status --each | jq -r '.hosts[].kernel')" \
		"$(uname -r)"
	# The machine itself is not in what left it.
	if [ -s /etc/machine-id ]; then
		is "$(git -C hub cat-file --batch-all-objects --batch |
			grep -cF "$(cat /etc/machine-id)")" 0
	fi
	# Halted is not withdrawn.
	exits 0 as admin sched-rollout halt --why 'wait a little'
	follow 0 h1 canary
	answered stay well
	exits 1 as admin sched-rollout status
	exits 0 as admin sched-rollout resume
	exits 0 as admin sched-rollout status
	exits 0 as admin sched-rollout halt --withdraw --why 'no good'
	for h in h1 h2; do
		follow 1 "$h" canary
		answered withdraw 'withdrawn: no good'
		is "$(niceness "$h")" 0
		follow 0 "$h" canary
		answered wait 'withdrawn: no good'
	done
	exits 1 as admin sched-rollout resume
	is "$(cohort canary withdrawn)" 2
}

@test 'rollout: one host reports it bad, the rest never gets it' {
	local i
	fleet h1 h2 h3
	story 5
	begin
	follow 0 h1 canary
	# Busy CPUs, and a guard that a host's own admin has asked for.
	for i in 1 2 3; do
		taskset -c 0 sh -c 'while :; do :; done' 3>&- &
		victims+=($!)
	done
	guard=(--guard stall:60s --guard wait_p99:1us:1s)
	follow 0 h2 canary
	for ((i = 0; i < 100; i++)); do
		grep -q tripped h2/state/schedkit/rollout/*.jsonl && break
		sleep 0.1
	done
	is "$(niceness h2)" 0
	follow 0 h2 canary
	answered wait 'was bad here'
	has "$stderr" 'reported: bad'
	has "$stderr" wait_p99
	guard=("${calm[@]}")
	# Who has it and is well goes back, too.
	follow 1 h1 canary
	answered withdraw "hosts of 'canary' that were heard report"
	is "$(niceness h1)" 0
	follow 0 h3 rest
	answered wait "hosts of 'canary' that were heard report"
	is "$(niceness h3)" 0
	exits 1 as admin sched-rollout status --each
	is "$(jq .spoilt <<<"$output")" true
	has "$(jq -r '.hosts[] | select(.outcome == "bad").why' <<<"$output")" \
		wait_p99
	# Once bad it is not tried again by this rollout, but by another.
	follow 0 h2 canary
	answered wait 'was bad here'
	story 6
	begin
	follow 0 h2 canary
	answered deploy 'first cohort'
	is "$(niceness h2)" 6
}

@test 'rollout: no remote, no change' {
	fleet h1 h2
	story 5
	begin
	follow 0 h1 canary
	is "$(niceness h1)" 5
	mv hub away
	follow 4 h1 canary
	is "$(niceness h1)" 5
	follow 4 h2 canary
	is "$(niceness h2)" 0
	exits 4 as admin sched-rollout halt
	has "$stderr" 'recorded here'
	mv away hub
	# What could not be said then is said now.
	follow 0 h1 canary
	has "$stderr" 'reported: ok'
	as admin sched-history push >/dev/null
	follow 0 h2 canary
	answered wait halted
}

@test 'rollout: what cannot be seen is not gone' {
	local i
	fleet h1
	story 5
	begin
	follow 0 h1 canary
	mkdir -p tree/bin tree/libexec
	ln -s "$BUILD/lib" tree/lib
	ln -s "$BUILD/libexec/schedkit" tree/libexec/schedkit
	cp "$BUILD/bin/sched-rollout" tree/bin
	ln -s "$BUILD/bin/sched-history" tree/bin
	printf '#!/bin/sh\n[ "$1" != status ] || exit 3\nexec %s "$@"\n' \
		"$BUILD/bin/sched-deploy" >tree/bin/sched-deploy
	chmod +x tree/bin/sched-deploy
	for i in 1 2; do
		PATH=$PWD/tree/bin:$PATH follow 3 h1 canary
		has "$stderr" 'does not say what is in force'
	done
	follow 0 h1 canary
	answered stay well
	is "$(niceness h1)" 5
}

@test 'rollout: only what a trusted key has signed' {
	fleet h1
	story 5
	# Somebody who may push, and whom nobody trusts.
	as evil sched-history remote add origin "$PWD/hub"
	as evil sched-verify --new-key >/dev/null
	cp admin/config/schedkit/keys/*.pub pubs/
	for p in admin/config/schedkit/keys/*.pub; do
		cp "$p" evil/config/schedkit/keys/admin.pub
	done
	as evil sched-history add <story.jsonl >/dev/null
	exits 0 as evil sched-rollout start --spread 0 --cohort canary:0:0 \
		"$policy"
	follow 0 h1 canary
	answered wait 'there is no rollout'
	has "$stderr" 'not trusted here'
	is "$(niceness h1)" 0
	exits 3 as admin sched-rollout status
	# Not even with a larger number does it stop one that is.
	begin
	exits 0 as evil sched-rollout halt --withdraw
	follow 0 h1 canary
	answered deploy 'first cohort'
	id=$(jq -r .rollout <<<"$output")
	# What is altered is no more signed.
	as h1 sched-history log -k note |
		jq -c --arg id "$id" 'select(.body.rollout.statement |
			.rollout == $id and .state == "running")' |
		head -n 1 | jq -cS '.body | .rollout.statement.state =
			"withdrawn" | .rollout.statement.serial = 99' >body
	doc note "$(cat body)" | jq -cS . | as h1 sched-history add >/dev/null
	follow 0 h1 canary
	answered stay well
	has "$stderr" forged
}

@test 'rollout: an old statement put back is not followed' {
	fleet h1
	story 5
	begin
	cp -r hub old
	as admin sched-rollout halt >/dev/null
	follow 0 h1 canary
	answered wait halted
	rm -rf hub h1/h
	mv old hub
	as h1 sched-history remote add origin "$PWD/hub"
	follow 3 h1 canary
	answered wait 'an old one: 2 was seen here'
	is "$(niceness h1)" 0
}

@test 'rollout: reports of hosts that are not known do not count' {
	fleet h1 h2 h3
	story 5
	begin
	rm h2/config/schedkit/hosts/h1.pub
	follow 0 h1 canary
	follow 0 h1 canary
	answered stay well
	follow 0 h2 rest
	answered wait "0 of 1 hosts of 'canary'"
	has "$stderr" 'do not count'
	# The same report under many names is one host's, and who is not named
	# to be a canary is not one.
	r=$(git -C hub for-each-ref --format='%(refname)' 'refs/schedkit/report' |
		head -n 1)
	for i in 1 2 3; do
		git -C hub update-ref "${r%/*}/$i" "$r"
	done
	is "$(cohort canary ok)" 1
	# What is no report at all does no harm.
	git -C hub update-ref "${r%/*}/tree" "$(git -C hub rev-parse 'main^{tree}')"
	git -C hub update-ref "${r%/*}/blob" \
		"$(echo '{"v":1}' | git -C hub hash-object -w --stdin)"
	is "$(cohort canary ok)" 1
	follow 0 h3 rest
	answered deploy "the turn of 'rest'"
}

@test 'rollout: it takes a signed verdict that accepts the policy' {
	fleet h1
	exits 1 as admin sched-rollout start abcdef
	story 5
	grep -v '"signature"' story.jsonl >unsigned
	rm -rf admin/h
	as admin sched-history remote add origin "$PWD/hub"
	as admin sched-history add <unsigned >/dev/null
	exits 1 as admin sched-rollout start "$policy"
	has "$stderr" 'not signed'
	as admin sched-history add <story.jsonl >/dev/null
	jq -cS 'select(.kind == "verdict") | .body + {decision: "rejected"} |
		del(.signature)' story.jsonl | head -n 1 >body
	doc verdict "$(cat body)" "$policy" |
		jq -cS '.time = "2099-01-01T00:00:00Z"' |
		as admin sched-history add >/dev/null
	exits 1 as admin sched-rollout start "$policy"
	has "$stderr" 'does not accept'
	exits 1 as admin sched-rollout status
	exits 1 as admin sched-rollout halt
}

@test 'rollout: hosts that report at once lose nothing; what is over is removed' {
	local h pids=()
	fleet h1 h2 h3 h4 h5
	story 5
	begin
	for h in "${hosts[@]}"; do
		as "$h" sched-rollout follow --cohort canary -- \
			--pid "$(cat "$h/victim")" >"$h/out" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	is "$(cohort canary trying)" 5
	story 6
	begin
	exits 0 as admin sched-rollout prune
	is "$(jq .removed <<<"$output")" 5
	is "$(git -C hub for-each-ref refs/schedkit/report | wc -l)" 0
	git -C hub fsck --strict --no-dangling
}

@test 'rollout: the way from one policy to the next' {
	fleet h1
	story 5
	begin
	follow 0 h1 canary
	is "$(niceness h1)" 5
	story 6
	begin
	follow 0 h1 canary
	answered deploy 'first cohort'
	is "$(niceness h1)" 6
	# One that is refused leaves what was there.
	story 7
	begin
	as h1 sched-verify --revoke "verdict:$(tail -n 1 story.jsonl | doc_id)"
	follow 1 h1 canary
	answered deploy 'first cohort'
	has "$stderr" 'is back in place'
	has "$stderr" 'reported: refused'
	is "$(niceness h1)" 6
	story 8
	begin
	follow 0 h1 canary
	is "$(niceness h1)" 8
	# What is revoked goes, whoever has it.
	as h1 sched-verify --revoke "policy:$policy"
	follow 1 h1 canary
	answered withdraw 'the policy is revoked'
	rm h1/config/schedkit/keys/revoked
	story 9
	begin
	follow 0 h1 canary
	is "$(niceness h1)" 9
	# Somebody here takes it off: so it stays.
	as h1 sched-deploy stop >/dev/null
	follow 0 h1 canary
	answered wait 'taken off by somebody'
	is "$(niceness h1)" 0
	is "$(cohort canary stopped)" 1
}

@test 'rollout: many hosts, simulated, to the byte' {
	local a
	a=$(sched-rollout sim --hosts 300 --kernel old:50:60 --kernel new:50:0)
	is "$(sched-rollout sim --hosts 300 --kernel old:50:60 --kernel new:50:0)" \
		"$a"
	is "$(jq -r .way <<<"$a" | paste -sd ' ')" 'cohorts at-once'
	a=$(sched-rollout sim --hosts 300 --cohort canary:10:3600:3 \
		--cohort rest:90:3600:20:5 --kernel old:50:60 --kernel new:50:0)
	is "$(jq -s '.[0].had_bad < .[1].had_bad / 3 and .[0].have == 0' <<<"$a")" \
		true
	a=$(sched-rollout sim --hosts 300 --cohort canary:10:3600:3 \
		--cohort rest:90:3600:20:5)
	is "$(jq -s '.[0].have == 300 and .[0].half_s > .[1].half_s and
		.[0].ended_s == null' <<<"$a")" true
}
