#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history, judged by git itself.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
}

@test 'history: help, version, usage' {
	exits 0 sched-history --help
	exits 0 sched-history --version
	exits 2 sched-history
	exits 2 sched-history fly
	exits 2 sched-history show
	exits 2 sched-history log more
	[ ! -e h ]
}

@test 'history: options stand before the command, after it, and at the end' {
	local id
	policy a >in
	sched-history --history "$PWD/other" add <in >/dev/null
	[ ! -e h ]
	id=$(doc_id <in)
	is "$(sched-history --history "$PWD/other" show "$id" --json)" \
		"$(cat in)"
	is "$(sched-history -n 0 --history=other log)" ''
	is "$(sched-history log --history other -n 1)" "$(cat in)"
	# Not of this command, wherever they stand.
	exits 2 sched-history -w x log
	exits 2 sched-history log -w x
	exits 2 sched-history --history
}

@test 'history: passes the stream on and records it once' {
	{
		profile
		policy a
		doc error '{"code": "EIO", "text": "t"}'
		doc strange '{"x": 1}'
	} >in
	exits 0 sched-history add <in
	is "$output" "$(cat in)"
	is "$(count)" 2
	exits 0 sched-history add <in
	is "$(count)" 2
	sound
}

@test 'history: the log git shows' {
	local p q v
	p=$(profile)
	q=$(policy 'shared queue')
	v=$(verdict "$(doc_id <<<"$q")" longtail accepted 2 1 \
		"$(doc_id <<<"$p")")
	printf '%s\n' "$p" "$q" "$v" | sched-history add >/dev/null
	is "$(git -C h log --format='%s')" \
		"verdict: accepted 'shared queue' for longtail, makespan 2.00x (1.00–9.00)
policy: 'shared queue'
profile: 'longtail' for 2 s on vm, goal makespan"
	is "$(git -C h log --format='%an %ae %at %cn %ct' | sort -u)" \
		'schedkit schedkit@localhost 1767323045 schedkit 1767323045'
	is "$(git -C h log -1 --format='%(trailers:key=Id,valueonly)%(trailers:key=Policy,valueonly)%(trailers:key=Profile,valueonly)%(trailers:key=Kernel,valueonly)')" \
		"$(doc_id <<<"$v")
$(doc_id <<<"$q")
$(doc_id <<<"$p")
6.18.15"
	has "$(git -C h log -1)" 'makespan 2.00x (1.00–9.00), 3 -> 2 s, 5 pairs'
	has "$(git -C h notes --ref metrics show main)" 'makespan 2.00x'
	has "$(git -C h notes --ref metrics show main~1)" 'longtail: accepted'
	sound
}

@test 'history: a clone has readable files and the very line' {
	local id
	policy 'one' 7000 >in
	id=$(doc_id <in)
	sched-history add <in >/dev/null
	git clone -q h c
	cd "c/policies/${id:0:2}/$id"
	cmp document.json "$BATS_TEST_TMPDIR/in"
	is "$(jq -r .title policy.json)" one
	is "$(cat params.txt)" 'slice_us = 7000'
	is "$(head -n 1 README)" "policy: 'one'"
}

@test "history: root's is the system's, where there is one" {
	needs_root
	needs unshare
	unshare -m true 2>/dev/null || skip 'needs a mount namespace'
	policy a >in
	cat >script <<-'END'
		unset SCHEDKIT_HISTORY XDG_STATE_HOME
		export HOME=$PWD/home
		mount -t tmpfs tmpfs /var/lib && mkdir -m 700 /var/lib/schedkit
		sched-history add <in >/dev/null
		echo "there $(ls /var/lib/schedkit)"
		SCHEDKIT_HISTORY=$PWD/h sched-history add <in >/dev/null
		XDG_STATE_HOME=$PWD/x sched-history add <in >/dev/null
		ls -d h x/schedkit/history
		# Somebody else's folder is not the system's.
		chown 65534 /var/lib/schedkit
		sched-history add <in >/dev/null
		ls -d home/.local/state/schedkit/history
	END
	exits 0 unshare -m bash script
	is "$output" "there history
h
x/schedkit/history
home/.local/state/schedkit/history"
}

@test 'history: log, show, best' {
	local p q v w
	p=$(policy a 1000)
	q=$(policy b 2000)
	v=$(verdict "$(doc_id <<<"$p")" w accepted 2 1)
	w=$(verdict "$(doc_id <<<"$q")" w accepted 3 2)
	printf '%s\n' "$p" "$q" "$v" "$w" | sched-history add >/dev/null
	is "$(sched-history log)" "$(printf '%s\n' "$w" "$v" "$q" "$p")"
	is "$(sched-history log -n 1 -k policy)" "$q"
	is "$(sched-history log -n 0)" ''
	exits 2 sched-history log -k error
	exits 0 sched-history show "$(doc_id <<<"$v" | head -c 8)"
	is "$output" "$v"
	exits 1 sched-history show 0000000000000000
	exits 2 sched-history show xyzw
	exits 2 sched-history show 123
	is "$(sched-history best)" "$(printf '%s\n' "$q" "$w")"
	exits 1 sched-history best -w nothing
	# Rejected since: the other one is the best now.
	verdict "$(doc_id <<<"$q")" w rejected 1 | jq -c \
		'.time = "2026-02-02T03:04:05Z"' | sched-history add >/dev/null
	is "$(sched-history best --workload w)" "$(printf '%s\n' "$p" "$v")"
}

@test 'history: which model a policy had, and what became of it' {
	local p n sha
	sha=$(printf 'ab%.0s' {1..32})
	p=$(doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\": \"w\",
		\"uses\": [], \"params\": {\"order\": \"predicted\"},
		\"model\": {\"sha256\": \"$sha\", \"feature_version\": 1,
		\"trained_on\": [\"$sha\"], \"data\": \"x\",
		\"targets\": {\"burst\": {\"kind\": \"trees\", \"rows\": 9,
		\"error\": 1, \"average_error\": 2, \"ratio\": 0.5,
		\"ci95\": [0.5, 0.5]}}}}")
	n=$(doc note "{\"text\": \"the model abababababab is retired\",
		\"about\": \"$(doc_id <<<"$p")\", \"tags\": [\"model\"],
		\"model\": {\"event\": \"retired\", \"sha256\": \"$sha\",
		\"feature_version\": 1, \"generation\": 3, \"trips\": 3,
		\"state\": \"retired\", \"bursts\": 7, \"ratio\": 16}}" \
		"$(doc_id <<<"$p")")
	printf '%s\n' "$p" "$n" | sched-history add >/dev/null
	has "$(script -qec "sched-history show $(doc_id <<<"$p")" /dev/null)" \
		"model   $sha, features of version 1, of 1 recording: burst 50 % of the average's error by trees"
	has "$(script -qec 'sched-history log -k note' /dev/null)" \
		'the model abababababab is retired'
	is "$(sched-history log -k note)" "$(jq -cS . <<<"$n")"
	# What no tool says of a model is refused.
	exits 3 sched-history add < <(doc note "$(jq -c \
		'.body | .model.event = "lost"' <<<"$n")")
	has "$stderr" model.event
}

@test 'history: an ambiguous prefix is named' {
	local i id prefix
	# Four digits in common: found by trying.
	i=$(
		for ((i = 0; i < 1200; i++)); do
			printf '{"text":"%d"}' "$i" | sha256sum | cut -c 1-64
		done | awk '{ p = substr($0, 1, 4) } p in at { print at[p], NR - 1; exit }
			{ at[p] = NR - 1 }'
	)
	[ -n "$i" ] || skip 'no two ids alike'
	for i in $i; do
		doc note "{\"text\": \"$i\"}"
	done >in
	sched-history add <in >/dev/null
	prefix=$(head -n 1 in | doc_id | head -c 4)
	exits 2 sched-history show "$prefix"
	while read -r id; do
		# shellcheck disable=SC2154
		has "$stderr" "$id"
	done < <(doc_id <in)
	is "$output" ''
}

@test 'history: a bad line is passed on and named' {
	{
		policy a
		policy b | head -c 50
	} >in
	exits 3 sched-history add <in
	is "$(count)" 1
	has "$stderr" 'line 2'
	is "$(tail -n 1 <<<"$output" | jq -r .kind)" error
}

@test 'history: eight writers of fifty documents lose nothing' {
	local w i
	for w in 1 2 3 4 5 6 7 8; do
		numbered 50 "writer $w" >"in.$w"
	done
	for w in 1 2 3 4 5 6 7 8; do
		for ((i = 1; i <= 50; i += 5)); do
			sed -n "$i,$((i + 4))p" "in.$w" |
				sched-history add >/dev/null || echo "$w" >>failed
		done &
	done
	wait
	[ ! -e failed ]
	is "$(count)" 400
	is "$(sched-history log -k policy | jq -r .body.title | sort)" \
		"$(cat in.* | jq -r .body.title | sort)"
	sound
}

@test 'history: notes of many writers survive each other' {
	local p w i id
	p=$(policy judged)
	id=$(doc_id <<<"$p")
	sched-history add <<<"$p" >/dev/null
	for w in 1 2 3 4; do
		for i in 1 2 3; do
			verdict "$id" "w$w-$i" accepted 2 | sched-history add >/dev/null
		done &
	done
	wait
	is "$(git -C h notes --ref metrics show ":/^policy: 'judged'" |
		grep -c accepted)" 12
	is "$(git -C h notes --ref metrics list | wc -l)" 13
	sound
}

@test 'history: a writer beside git push' {
	local i
	policy first | sched-history add >/dev/null
	git clone -q h c
	git -C c -c user.name=x -c user.email=x@x commit -q --allow-empty -m mine
	git -C c push -q
	policy second | sched-history add >/dev/null
	is "$(git -C h log --format=%s)" "policy: 'second'
mine
policy: 'first'"
	is "$(sched-history log | wc -l)" 2
	sound
}

@test 'history: writers killed at any moment leave a whole repository' {
	local i
	needs_plain_build
	{
		numbered 40 killed
		verdict "$(policy 'killed 0' | doc_id)" w accepted 2
	} >in
	for i in {1..10}; do
		# Slow input: many small commits, so that there is much to hit.
		{
			while read -r line; do
				echo "$line"
				sleep 0.002
			done <in
		} 2>/dev/null | sched-history add >/dev/null 2>&1 &
		sleep "0.0$((RANDOM % 90 + 10))"
		kill -9 "$(pgrep -n -P $$ -x sched-history || echo $!)" || true
		wait || true
		[ ! -e h/HEAD ] || sound
	done 2>/dev/null
	exits 0 sched-history add <in
	is "$(count)" 41
	is "$(sched-history log | sort)" "$(sort in)"
	has "$(git -C h notes --ref metrics show main)" makespan
	sound
}

@test 'history: a lock file of the dead is no obstacle for ever' {
	policy a | sched-history add >/dev/null
	touch -d '1 minute ago' h/refs/heads/main.lock
	exits 0 sched-history add <<<"$(policy b)"
	is "$(count)" 2
	sound
}

@test 'history: a full disk' {
	needs_root
	mkdir h
	mount -t tmpfs -o size=8m none h || skip 'cannot mount'
	numbered 400 full >in
	local rc=0
	sched-history add <in >out 2>err || rc=$?
	git -C h fsck --strict --no-dangling >fsck 2>&1 || true
	n=$(count)
	umount h
	is "$rc" 3
	has "$(cat err)" 'no space left'
	has "$(cat err)" 'were not recorded'
	# The stream went on, and what was recorded is whole.
	is "$(grep -v '"kind":"error"' out)" "$(cat in)"
	is "$(cat fsck)" ''
	[ "$n" -gt 0 ]
	[ "$n" -lt 400 ]
}

# A folder that others can reach.
public_history() {
	needs_root
	public=$(mktemp -d /tmp/schedkit-history.XXXXXX)
	chmod a+rx "$public"
	export SCHEDKIT_HISTORY=$public/h
}

teardown() {
	[ -z "${public:-}" ] || rm -rf "$public"
}

@test 'history: a folder that cannot be written' {
	public_history
	policy a | sched-history add >/dev/null
	chown -R nobody "$public/h"
	chmod -R a-w "$public/h"
	policy b >in
	exits 3 sched-history add <in
	has "$stderr" 'ermission denied'
	is "$(head -n 1 <<<"$output")" "$(cat in)"
	is "$(git -c safe.directory='*' -C "$public/h" rev-list --count main)" 1
	# Reading still works.
	exits 0 sched-history log
	is "$output" "$(policy a)"
}

@test "history: root writes as the repository's owner" {
	public_history
	policy a | sched-history add >/dev/null
	chown -R nobody "$public/h"
	policy b | sched-history add >/dev/null
	is "$(find "$public/h" ! -user nobody)" ''
	is "$(git -c safe.directory='*' -C "$public/h" rev-list --count main)" 2
}

@test 'history: none yet, something else, damage' {
	exits 3 sched-history log
	has "$stderr" 'no history'
	mkdir h
	echo dear >h/letter
	exits 3 sched-history add <<<"$(policy a)"
	has "$stderr" 'not empty'
	is "$(cat h/letter)" dear
	rm h/letter
	policy a | sched-history add >/dev/null
	echo 1234567890123456789012345678901234567890 >h/refs/heads/main
	exits 3 sched-history add <<<"$(policy b)"
	has "$stderr" damaged
	has "$stderr" "fsck"
	exits 3 sched-history log
	has "$stderr" damaged
}

@test 'history: text of documents is data' {
	policy $'x\\u001b[31m\\nKind: verdict' | sched-history add >/dev/null
	lacks "$(git -C h log)" $'\e'
	is "$(git -C h log --format='%(trailers:key=Kind,valueonly)')" policy
}

@test 'history: a thousand documents in seconds, whatever came before' {
	needs_plain_build
	numbered 1000 many >in
	# Of its own CPU, so that a busy machine does not matter: it takes 1 s.
	TIMEFORMAT='%U %S'
	{ time sched-history add <in >out; } 2>cpu
	cmp in out
	awk '{ exit !($1 + $2 < 8) }' cpu || {
		cat cpu
		return 1
	}
	is "$(count)" 1000
	is "$(git -C h ls-tree main policies/ | wc -l)" \
		"$(doc_id <in | cut -c 1-2 | sort -u | wc -l)"
}
