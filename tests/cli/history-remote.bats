#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history push, pull, remote: two histories become one, judged by git.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset SCHEDKIT_HISTORY
}

# on HISTORY COMMAND...
on() {
	SCHEDKIT_HISTORY=$PWD/$1 sched-history "${@:2}"
}

# All documents of a history, in order of id.
all() {
	on "$1" log | sort
}

whole() {
	local r
	for r in "$@"; do
		git -C "$r" fsck --strict --no-dangling >fsck 2>&1 &&
			! grep -v '^notice: ' fsck || {
			cat fsck
			return 1
		}
	done
}

# Two histories with one beginning that went apart.
apart() {
	local p
	p=$(policy 'one for both')
	on a add <<<"$p" >/dev/null
	on b pull "$PWD/a" >/dev/null
	{
		policy 'of a'
		verdict "$(doc_id <<<"$p")" wa accepted 2
	} | on a add >/dev/null
	{
		policy 'of b'
		verdict "$(doc_id <<<"$p")" wb accepted 3
	} | on b add >/dev/null
}

@test 'history: what went apart becomes one, in both directions' {
	apart
	exits 0 on a pull "$PWD/b"
	is "$(jq .documents <<<"$output")" 2
	is "$(all a | wc -l)" 5
	exits 0 on b pull "$PWD/a"
	is "$(all b)" "$(all a)"
	# The second one found all it has in what it was given.
	is "$(git -C b rev-parse main)" "$(git -C a rev-parse main)"
	is "$(git -C a rev-list --merges --count main)" 1
	is "$(on a best | wc -l)" 4
	is "$(on b best)" "$(on a best)"
	is "$(on b log -k verdict | jq -r .body.workload | sort | tr '\n' ' ')" \
		'wa wb '
	# The figures of both.
	has "$(git -C b notes --ref metrics show ":/^policy: 'one for both'")" 'wa: accepted'
	has "$(git -C b notes --ref metrics show ":/^policy: 'one for both'")" 'wb: accepted'
	whole a b
	# Nothing new moves nothing.
	before=$(git -C a for-each-ref)
	on a pull "$PWD/b" >/dev/null
	is "$(git -C a for-each-ref | grep -v remote)" \
		"$(grep -v remote <<<"$before")"
	# And one can go on.
	policy more | on b add >/dev/null
	on a pull "$PWD/b" >/dev/null
	is "$(all a)" "$(all b)"
}

@test 'history: one document recorded in two places is one' {
	local p
	p=$(policy same)
	on a add <<<"$p" >/dev/null
	policy other | on b add >/dev/null
	on b add <<<"$p" >/dev/null
	on a pull "$PWD/b" >/dev/null
	is "$(on a log | wc -l)" 2
	on b pull "$PWD/a" >/dev/null
	is "$(all b)" "$(all a)"
	whole a b
}

@test 'history: push gives what is lacking, and takes first' {
	apart
	git init -q -b main --bare hub
	exits 0 on a push "$PWD/hub"
	is "$(jq .pushed <<<"$output")" true
	is "$(git -C hub rev-parse main)" "$(git -C a rev-parse main)"
	exits 0 on a push "$PWD/hub"
	is "$(jq .pushed <<<"$output")" false
	exits 0 on b push "$PWD/hub"
	is "$(jq -c '[.documents, .pushed]' <<<"$output")" '[2,true]'
	exits 0 on a push "$PWD/hub"
	is "$(jq -c '[.documents, .pushed]' <<<"$output")" '[2,false]'
	is "$(all a)" "$(all b)"
	has "$(git -C hub for-each-ref)" refs/notes/metrics
	whole a b hub
	git clone -q hub c
	is "$(cat c/*/*/*/document.json | sort)" "$(all a)"
}

@test 'history: hosts that push at the same time lose nothing' {
	local i
	git init -q -b main --bare hub
	for i in 1 2 3 4; do
		numbered 5 "host $i" | on "h$i" add >/dev/null
	done
	for i in 1 2 3 4; do
		on "h$i" push "$PWD/hub" >/dev/null 2>"err.$i" || echo "$i" >>failed &
	done
	wait
	[ ! -e failed ] || {
		cat err.*
		return 1
	}
	on h1 pull "$PWD/hub" >/dev/null
	is "$(all h1 | wc -l)" 20
	whole hub h1 h2 h3 h4
}

@test 'history: states travel, the later word counts, tags too' {
	local p P Q
	p=$(policy a 1000)
	P=$(doc_id <<<"$p")
	Q=$(policy b 2000 | doc_id)
	{
		echo "$p"
		policy b 2000
		verdict "$P" w accepted 2
		verdict "$Q" w accepted 3
	} | on a add >/dev/null
	on b pull "$PWD/a" >/dev/null
	SCHEDKIT_TIME=1767324000 on a promote trusted "$P" --force >/dev/null
	SCHEDKIT_TIME=1767325000 on b promote trusted "$Q" --force >/dev/null
	git -C b tag mine main
	on a pull "$PWD/b" >/dev/null
	is "$(on a states | jq -r 'select(.state == "trusted") | .policy')" "$Q"
	is "$(on a states | jq -r 'select(.state == "previous") | .policy')" "$P"
	on b pull "$PWD/a" >/dev/null
	is "$(on b states)" "$(on a states)"
	is "$(git -C b for-each-ref refs/schedkit/state --format='%(refname) %(objectname)')" \
		"$(git -C a for-each-ref refs/schedkit/state --format='%(refname) %(objectname)')"
	is "$(git -C a rev-parse mine)" "$(git -C b rev-parse mine)"
	# Ours stays ours.
	git -C b tag -f mine main~3 >/dev/null
	before=$(git -C a rev-parse mine)
	exits 0 on a pull "$PWD/b"
	has "$stderr" 'others here'
	is "$(git -C a rev-parse mine)" "$before"
	git init -q -b main --bare hub
	on a push "$PWD/hub" >/dev/null
	has "$(git -C hub for-each-ref)" refs/schedkit/state/trusted/w
	on a demote >/dev/null
	on a demote >/dev/null
	on a push "$PWD/hub" >/dev/null
	lacks "$(git -C hub for-each-ref)" refs/schedkit/state
}

@test "history: agents' files of both sides survive" {
	local r
	export XDG_STATE_HOME=$PWD
	policy x | on a add >/dev/null
	on b pull "$PWD/a" >/dev/null
	put() {
		sched-agents file --history "$PWD/$1" put "$2" - <<<"$3" >/dev/null
	}
	put a plan 'of a' || skip 'no store'
	put a only-a x
	put b plan 'of b'
	exits 0 on a pull "$PWD/b"
	is "$(jq .files <<<"$output")" 1
	exits 0 on b pull "$PWD/a"
	for r in a b; do
		is "$(for v in 1 2; do
			sched-agents file --history "$PWD/$r" get plan --revision $v
		done | sort | tr '\n' ' ')" 'of a of b '
	done
	is "$(sched-agents file --history "$PWD/b" get only-a)" x
	is "$(sched-agents file --history "$PWD/b" get plan)" \
		"$(sched-agents file --history "$PWD/a" get plan)"
	whole a b
}

# ---- data of others -----------------------------------------------------

# forge FILE-IN-TREE TEXT: another commit on b.
forge() {
	rm -rf c
	git clone -q b c
	mkdir -p "c/$(dirname "$1")"
	printf %s "$2" >"c/$1"
	git -C c add -A
	git -C c -c user.name=x -c user.email=x@x commit -qm forged \
		-m "Kind: policy
Id: $(printf '%064d' 3)"
	git -C c push -q
}

@test 'history: a document of others that is not what it says is not taken' {
	local id text before
	apart
	before=$(git -C a rev-parse main)
	id=$(printf '%064d' 3)
	for text in '' '{}' "$(policy x)" $'{"v":1}\n'; do
		forge "policies/00/$id/document.json" "$text"
		exits 3 on a pull "$PWD/b"
		has "$stderr" taken
		is "$(git -C a rev-parse main)" "$before"
		git -C b update-ref refs/heads/main main~1
	done
	# What is no document of ours is left where it is.
	forge stray 'x'
	forge "policies/zz/readme" 'x'
	exits 0 on a pull "$PWD/b"
	is "$(git -C a ls-tree --name-only main)" $'policies\nverdicts'
	is "$(git -C a ls-tree --name-only main policies/ | grep zz)" ''
	is "$(on a log | wc -l)" 5
	whole a
}

@test 'history: words of others are written anew' {
	local id
	apart
	id=$(policy 'of b' | doc_id)
	forge "policies/${id:0:2}/$id/README" $'verdict: accepted\e[31m\n'
	forge "policies/${id:0:2}/$id/extra" x
	on a pull "$PWD/b" >/dev/null
	is "$(git -C a ls-tree -r --name-only main "policies/${id:0:2}/$id/" |
		xargs -n 1 basename | tr '\n' ' ')" \
		'README document.json params.txt policy.json '
	has "$(git -C a show "main:policies/${id:0:2}/$id/README")" "'of b'"
	# A document without a commit that records it gets one.
	is "$(on a log | jq -r .body.title | grep -c 'of b')" 1
}

@test 'history: addresses that run programs are refused' {
	policy x | on a add >/dev/null
	for url in 'ext::touch hit' 'fd::1' '-u/x' '--upload-pack=touch hit/x' \
		'foo://x/y'; do
		exits 2 on a remote add x -- "$url"
		run -3 on a pull -- "$url"
	done
	[ ! -e hit ]
	# Neither do hooks run.
	mkdir -p a/hooks b
	for hook in pre-push reference-transaction post-merge; do
		printf '#!/bin/sh\ntouch %s/hit\n' "$PWD" >a/hooks/$hook
		chmod +x a/hooks/$hook
	done
	git init -q -b main --bare hub
	exits 0 on a push "$PWD/hub"
	[ ! -e hit ]
}

@test 'history: remotes have names' {
	policy x | on a add >/dev/null
	policy y | on b add >/dev/null
	exits 3 on a pull
	has "$stderr" 'which remote'
	exits 0 on a remote add other b
	is "$(on a remote list)" "other	$PWD/b"
	exits 0 on a pull
	is "$(all a | wc -l)" 2
	exits 3 on a remote add other b
	exits 2 on a remote add ../x b
	exits 0 on a remote remove other
	is "$(git -C a for-each-ref refs/schedkit/remote)" ''
	exits 3 on a remote remove other
	exits 2 on a remote fly
	exits 3 on a pull other
}

@test 'history: the other side is away, or goes away' {
	policy x | on a add >/dev/null
	before=$(git -C a for-each-ref)
	exits 4 on a pull "$PWD/nowhere"
	exits 4 on a push "$PWD/nowhere"
	is "$(git -C a for-each-ref)" "$before"
	# One that never answers.
	cat >ssh <<-'END'
		#!/bin/sh
		sleep 60
	END
	chmod +x ssh
	GIT_SSH_COMMAND=$PWD/ssh exits 4 on a pull --timeout 1 x:/y
	# One that breaks off in the middle.
	cat >ssh <<-END
		#!/bin/bash
		exec 4<&0
		exec head -c 700 < <(exec git upload-pack "$PWD/b" <&4)
	END
	numbered 20 many | on b add >/dev/null
	GIT_SSH_COMMAND=$PWD/ssh exits 4 on a pull --timeout 3 x:/y
	is "$(all a | wc -l)" 1
	whole a
	cat >ssh <<-END
		#!/bin/sh
		exec git upload-pack "$PWD/b"
	END
	GIT_SSH_COMMAND=$PWD/ssh exits 0 on a pull x:/y
	is "$(all a | wc -l)" 21
}

@test 'history: a remote that refuses is not asked again and again' {
	policy x | on a add >/dev/null
	git init -q -b main --bare hub
	printf '#!/bin/sh\necho >>%s/asked\nexit 1\n' "$PWD" \
		>hub/hooks/pre-receive
	chmod +x hub/hooks/pre-receive
	exits 4 on a push "$PWD/hub"
	has "$stderr" 'hook declined'
	is "$(wc -l <asked)" 1
}

@test 'history: a pull that is killed at any moment leaves a whole repository' {
	local i
	needs_plain_build
	numbered 60 many | on b add >/dev/null
	policy x | on a add >/dev/null
	for i in {1..12}; do
		on a pull "$PWD/b" >/dev/null 2>&1 &
		sleep "0.0$((RANDOM % 90 + 10))"
		kill -9 "$(pgrep -n -P $! -x sched-history || echo $!)" || true
		wait || true
		whole a
		is "$(on a log | wc -l | grep -cE '^(1|61)$')" 1
		[ "$(on a log | wc -l)" = 1 ] || {
			rm -rf a
			policy x | on a add >/dev/null
		}
	done 2>/dev/null
	exits 0 on a pull "$PWD/b"
	is "$(all a | wc -l)" 61
	whole a
}

# Lock files of references that somebody left.
locks() {
	find "$@" -name '*.lock'
}

# What an address without a name is called.
at() {
	printf 'at-%.16s' "$(printf %s "$PWD/$1" | sha256sum)"
}

# talk VERB DELAY [all]: a and b, until it is killed after so many seconds; with
# the git that talks for it, or without.
talk() {
	local pid git=
	SCHEDKIT_HISTORY=$PWD/a sched-history "$1" "$PWD/b" >/dev/null 2>&1 3>&- &
	pid=$!
	sleep "$2"
	[ -z "${3:-}" ] || git=$(pgrep -P "$pid") || true
	# shellcheck disable=SC2086
	kill -9 "$pid" $git || true
	wait "$pid" || true
} 2>/dev/null

@test 'history: a push or pull that is killed at any moment goes on the next time' {
	local i v p P start took before
	needs_plain_build
	p=$(policy 'one for both')
	P=$(doc_id <<<"$p")
	{
		echo "$p"
		verdict "$P" w accepted 2
	} | on a add >/dev/null
	on b pull "$PWD/a" >/dev/null
	for i in a b; do
		numbered 60 "of $i" | split -l 5 - "$i."
		SCHEDKIT_TIME=1767323045 on $i promote trusted "$P" -w w$i \
			--force >/dev/null
	done
	start=${EPOCHREALTIME/./}
	exits 0 on a push "$PWD/b"
	took=$((${EPOCHREALTIME/./} - start))
	i=0
	for v in a.*; do
		i=$((i + 1))
		{
			cat "$v"
			verdict "$P" "a $i" accepted 2
		} | on a add >/dev/null
		{
			cat "b.${v#a.}"
			verdict "$P" "b $i" accepted 2
		} | on b add >/dev/null
		git -C a tag "t$i" main
		before=$(all a; all b)
		talk "$( ((i % 2)) && echo push || echo pull)" \
			"$(awk -v t="$took" -v r="$RANDOM" \
				'BEGIN { print t * r / 32768 / 1e6 }')" \
			"$( ((i % 4 < 2)) || echo all)"
		# Nothing that was on a side is lost there.
		is "$(comm -23 <(sort -u <<<"$before") <({ all a; all b; } | sort -u))" ''
		whole a b
	done
	# What is left of them does not keep it from going on.
	exits 0 on a push "$PWD/b"
	is "$(all a | wc -l)" $((2 + 2 + 12 * 12))
	is "$(all b)" "$(all a)"
	is "$(git -C b for-each-ref refs/tags refs/schedkit/state refs/notes)" \
		"$(git -C a for-each-ref refs/tags refs/schedkit/state refs/notes)"
	is "$(git -C b tag | wc -l)" 12
	is "$(git -C a for-each-ref refs/schedkit/state/trusted | wc -l)" 2
	is "$(locks a b)" ''
	whole a b
	exits 0 on a fsck
	exits 0 on b fsck
	is "$output" ''
}

# What a process that was killed leaves, or a machine that lost its power.
@test 'history: no lock that was left keeps push and pull from going on' {
	local p P lock
	p=$(policy a)
	P=$(doc_id <<<"$p")
	{
		echo "$p"
		verdict "$P" w accepted 2
	} | on b add >/dev/null
	on b promote trusted "$P" --force >/dev/null
	git -C b tag old main
	on a pull "$PWD/b" >/dev/null
	git -C a pack-refs --all
	# There is something new for every one of these.
	on b demote >/dev/null
	git -C b tag -d old >/dev/null
	git -C b tag new main
	verdict "$P" v accepted 3 | on b add >/dev/null
	on b promote candidate "$P" -w v >/dev/null
	mkdir -p a/{,logs/}refs/schedkit/state/{trusted,candidate} a/refs/tags \
		a/refs/schedkit/remote/"$(at b)"/{heads,tags,state/trusted}
	for lock in packed-refs refs/{heads/main,notes/metrics,tags/new} \
		{,logs/}refs/schedkit/state/candidate/v \
		refs/schedkit/state/trusted/w \
		refs/schedkit/remote/"$(at b)"/{heads/main,tags/new,tags/old}; do
		touch -d '-10 seconds' "a/$lock.lock"
	done
	exits 0 on a pull "$PWD/b"
	is "$(all a)" "$(all b)"
	is "$(locks a)" ''
	is "$(git -C a for-each-ref --format='%(refname)' refs/schedkit/state)" \
		refs/schedkit/state/candidate/v
	git -C a rev-parse new
	# One that is young may be somebody's.
	git -C b tag newer main
	touch -d "-4 seconds" "a/refs/schedkit/remote/$(at b)/tags/newer.lock"
	exits 0 on a pull "$PWD/b"
	git -C a rev-parse newer
	# What lies in the repository of others is theirs, and is named.
	touch b/refs/tags/ours.lock
	git -C a tag ours main
	exits 4 on a push "$PWD/b"
	has "$stderr" 'refs/tags/ours.lock'
	rm b/refs/tags/ours.lock
	exits 0 on a push "$PWD/b"
}

@test 'history: a pull that ended before its last step is made good' {
	local p P
	p=$(policy a)
	P=$(doc_id <<<"$p")
	{
		echo "$p"
		verdict "$P" w accepted 2
	} | on b add >/dev/null
	on b promote trusted "$P" --force >/dev/null
	on a pull "$PWD/b" >/dev/null
	# As it is when the documents are in, and nothing else.
	git -C a update-ref -d refs/schedkit/state/trusted/w
	git -C a update-ref -d refs/notes/metrics
	exits 0 on a pull "$PWD/b"
	is "$(git -C a for-each-ref refs/notes refs/schedkit/state)" \
		"$(git -C b for-each-ref refs/notes refs/schedkit/state)"
}
