#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Notes and files of agents: agent-store, sched agents note, sched agents file;
# judged by git itself.

load ../lib
load ../history

setup() {
	needs_landlock
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
	export SCHEDKIT_RUNTIME=off
	store=$BUILD/libexec/schedkit/agent-store
}

file() {
	sched-agents file "$@"
}

note() {
	sched-agents note "$@"
}

# ask AGENT KIND VERB [FIELDS]: the answer of a store that is started for it.
ask() {
	jq -cn --arg a "$1" --arg k "$2" --arg v "$3" --argjson f "${4:-{\}}" \
		'{id: 1, agent: $a, payload: ({kind: $k, verb: $v} + $f)}' |
		"$store"
}

# errno AGENT KIND VERB [FIELDS]: "" when it was done.
errno() {
	ask "$@" | jq -r '.error.errno // ""'
}

@test 'store: usage' {
	exits 0 sched-agents file --help
	exits 0 "$store" --help
	exits 2 file
	exits 2 file fly
	exits 2 file get
	exits 2 file put a b c
	exits 2 file rollback a x
	exits 2 note share --all
	exits 2 note share
	exits 2 note add --feature x text
	[ ! -e h ]
}

@test 'store: versions of a file, and git shows them' {
	echo one >a
	head -c 100000 /dev/urandom >b
	exits 0 file put -a me dir/f a
	is "$(jq .version <<<"$output")" 1
	exits 0 file put -a me dir/f b
	exits 0 file put -a me dir/f <b
	is "$(jq .version <<<"$output")" 2
	file get -a me dir/f | cmp - b
	file get -a me --revision 1 dir/f | cmp - a
	exits 0 file rollback -a me dir/f 1
	is "$(jq -c '[.version, .of]' <<<"$output")" '[3,1]'
	file get -a me dir/f | cmp - a
	file get -a me --revision 2 dir/f | cmp - b
	is "$(file log -a me dir/f | jq -c .version | paste -sd' ')" '3 2 1'
	is "$(git -C h log --format=%s refs/schedkit/store)" \
		'rollback: dir/f of me, version 3 is version 1
put: dir/f of me, version 2
put: dir/f of me, version 1'
	git -C h show refs/schedkit/store~1:me/files/dir/f 2>/dev/null | cmp - b
	exits 3 file get -a me nothing
	exits 3 file get -a me --revision 9 dir/f
	exits 3 file put -a me --after 2 dir/f a
	exits 0 file put -a me --after 3 dir/f b
	sound
}

@test 'store: what is no text comes back byte by byte' {
	local i
	printf 'a\0b\xff\r\n' >n0
	printf '"\\\n\t\x01\x7f\u2028\ufeff' >n1
	: >n2
	printf '\xef\xbf\xbe' >n3
	head -c 2097152 /dev/urandom >n4
	yes '"' | head -c 2097152 >n5
	for i in 0 1 2 3 4 5; do
		file put "f$i" "n$i" >/dev/null
		file get "f$i" | cmp - "n$i"
	done
	head -c 2097153 /dev/zero >n6
	exits 3 file put f6 n6
	has "$stderr" 2097152
}

@test 'store: two agents, shares, expiry, and taking back' {
	echo secret | file put -a a/x s >/dev/null
	exits 3 file get -a b -o a/x s
	exits 3 file log -a b -o a/x s
	is "$(file list -a b)" ''
	exits 0 file share -a a/x s 'b*'
	is "$(file get -a b -o a/x s)" secret
	is "$(file get -a b/sub -o a/x s)" secret
	exits 3 file get -a c -o a/x s
	is "$(file list -a b | jq -r '.owner, .name, .shares')" 'a/x
s
null'
	is "$(file list -a a/x | jq -r '.shares[].with')" 'b*'
	exits 0 file unshare -a a/x s 'b*'
	exits 3 file get -a b -o a/x s
	exits 3 file unshare -a a/x s
	SCHEDKIT_TIME=1000 exits 0 file share -a a/x --expires 60 s b
	is "$(jq .until <<<"$output")" 1060
	SCHEDKIT_TIME=1059 exits 0 file get -a b -o a/x s
	SCHEDKIT_TIME=1060 exits 3 file get -a b -o a/x s
	has "$(git -C h log --format=%s refs/schedkit/store)" \
		"unshare: file s of a/x with b*"
	sound
}

@test 'store: notes by words, by numbers, by both' {
	local id
	id=$(note add -a a -t build -f cpus=2 short slices help | jq -r .id)
	note add -a a -f cpus=8 long slices hurt >/dev/null
	note add -a b -f cpus=64 slices of another >/dev/null
	is "$(note search -a a slices | jq -r .text | sort)" \
		'long slices hurt
short slices help'
	is "$(note search -a a -f cpus=3 | jq -r .text | head -1)" \
		'short slices help'
	is "$(note search -a a -f cpus=7 short | jq -r .text | wc -l)" 2
	is "$(note search -a a -t build hurt help | jq -r .text)" \
		'short slices help'
	is "$(note list -a a -n 1 | jq -r .text)" 'long slices hurt'
	exits 1 note search -a a nothing
	exits 2 note search --tag x --tag y word
	exits 3 note search -a a
	exits 0 note show -a a "${id:0:8}"
	is "$(jq -c .features <<<"$output")" '{"cpus":2}'
	exits 3 note show -a b "$id"
	is "$(sched-history log --kind note | jq -r .body.agent | sort | uniq -c |
		paste -sd' ' | tr -s ' ')" ' 2 a 1 b'
	# Of the same words there is one.
	exits 0 note add -a a -t build -f cpus=2 short slices help
	is "$(jq -c . <<<"$output")" "{\"id\":\"$id\",\"new\":false}"
	echo 'from a file' | note add -a a - >/dev/null
	is "$(note list -a a -n 1 | jq -r .text)" 'from a file'
	sound
}

@test 'store: notes are shared one by one or all, and run out' {
	local id
	id=$(note add -a a one | jq -r .id)
	note add -a a two >/dev/null
	exits 1 note list -a b
	exits 3 note share -a b "$id" c
	exits 0 note share -a a "${id:0:10}" b
	is "$(note list -a b | jq -r .text)" one
	exits 0 note unshare -a a "$id"
	exits 1 note list -a b
	SCHEDKIT_TIME=1000 exits 0 note share -a a --all --expires 60 '*'
	is "$(SCHEDKIT_TIME=1059 note list -a b | wc -l)" 2
	SCHEDKIT_TIME=1060 exits 1 note list -a b
	exits 0 note share -a a --all b
	note add -a a three >/dev/null
	is "$(note list -a b | wc -l)" 3
	exits 0 note unshare -a a --all b
	exits 1 note list -a b
}

# What each may do with the owner's: owner, one it shares with, another.
@test 'store: permissions' {
	local agent want got id
	ask a storage put '{"name":"f","text":"1"}' >/dev/null
	ask a storage share '{"name":"f","with":"b"}' >/dev/null
	id=$(ask a memory add '{"text":"n"}' | jq -r .result.id)
	ask a memory share "{\"id\":\"$id\",\"with\":\"b\"}" >/dev/null
	while read -r agent want; do
		got=$(
			printf '%s,' \
				"$(errno "$agent" storage get '{"name":"f","owner":"a"}')" \
				"$(errno "$agent" storage log '{"name":"f","owner":"a"}')" \
				"$(errno "$agent" storage share '{"name":"f","with":"x"}')" \
				"$(errno "$agent" storage unshare '{"name":"f","with":"x"}')" \
				"$(errno "$agent" storage rollback '{"name":"f","version":1}')" \
				"$(errno "$agent" memory get "{\"id\":\"$id\"}")" \
				"$(errno "$agent" memory share "{\"id\":\"$id\",\"with\":\"x\"}")" \
				"$(ask "$agent" storage list '{"owner":"a"}' | jq '.result.files | length')" \
				"$(ask "$agent" memory list | jq '.result.notes | length')"
		)
		is "$agent $got" "$agent $want"
	done <<-'END'
		a ,,,,,,,1,1,
		b ,,ENOENT,ENOENT,ENOENT,,ENOENT,1,1,
		c EACCES,EACCES,ENOENT,ENOENT,ENOENT,ENOENT,ENOENT,0,0,
	END
	# A put of another is a file of its own.
	ask b storage put '{"name":"f","text":"2","owner":"a"}' >/dev/null
	is "$(ask a storage get '{"name":"f"}' | jq -r .result.text)" 1
}

@test 'store: hostile names, requests and lines' {
	local name
	for name in .. ../x /x a//b .git/config git~1 'a\nb' 'a\\b' '\u202ex' ''; do
		is "$(errno a storage put "{\"name\":\"$name\",\"text\":\"\"}")" \
			EINVAL
	done
	is "$(errno 'a\nb' storage list)" EINVAL
	is "$(errno "$(head -c 129 /dev/zero | tr '\0' x)" storage list)" EINVAL
	is "$(errno a storage put '{"name":"x"}')" EINVAL
	is "$(errno a storage put '{"name":"x","text":"","base64":""}')" EINVAL
	is "$(errno a storage put '{"name":"x","base64":"%"}')" EINVAL
	is "$(errno a storage put '{"name":"x","text":"","after":-1}')" EINVAL
	is "$(errno a storage get '{"name":"x","version":1.5}')" EINVAL
	is "$(errno a storage fly)" EINVAL
	is "$(errno a tool run)" EINVAL
	is "$(errno a memory add '{"text":"x","tags":"y"}')" EINVAL
	is "$(errno a memory add '{"text":"x","features":{"y":"z"}}')" EINVAL
	is "$(errno a memory add '{"text":"x","about":"y"}')" EINVAL
	is "$(errno a memory get '{"id":"x"}')" EINVAL
	is "$(errno a storage share '{"name":"x","with":"b","expires_s":0}')" \
		EINVAL
	{
		echo nonsense
		echo '[]'
		echo '{"id":7}'
		head -c 5000000 /dev/zero | tr '\0' x
		echo
		echo '{"id":8,"agent":"a","payload":{"kind":"storage","verb":"list"}}'
	} >in
	"$store" <in >out
	is "$(jq -c '[.id, .error.errno]' out | paste -sd' ')" \
		'[null,"EBADMSG"] [null,"EBADMSG"] [7,"EINVAL"] [null,"E2BIG"] [8,null]'
	sound
}

@test 'store: an answer is never longer than a request may be' {
	head -c 60000 /dev/zero | tr '\0' x >x
	jq -cn --rawfile x x 'range(80) | {id: ., agent: "a", payload: {
		kind: "memory", verb: "add", text: "\(.) word \($x)"}}' |
		"$store" >out
	is "$(errno a memory search '{"text":"word","max":1000}')" E2BIG
	is "$(ask a memory search '{"text":"word","max":20}' |
		jq '.result.notes | length')" 20
	for i in 1 2 3; do
		echo | file put "f$i" >/dev/null
	done
	is "$(file list -n 2 | wc -l)" 2
	is "$(file log -n 1 f1 | wc -l)" 1
}

@test 'store: the runtime is asked where the repository is the usual one' {
	unset SCHEDKIT_HISTORY
	echo 1 | exits 0 file put f
	is "$(file get f)" 1
	exits 3 file get -a other -o user f
	has "$stderr" "'user' shares no file"
	[ -d "$XDG_STATE_HOME/schedkit/history" ]
	SCHEDKIT_RUNTIME=$PWD/none exits 3 file get f
	lacks "$(file list --history h)" f
}

# The store writes the history, and reaches nothing else.
@test 'store: is shut in' {
	needs strace
	needs_plain_build
	file put f /dev/null >/dev/null
	echo '{"agent":"a","payload":{"kind":"storage","verb":"list"}}' |
		strace -f -qq -e trace=landlock_restrict_self,seccomp,prctl \
			"$store" 2>trace >/dev/null || skip 'cannot trace'
	grep -q 'landlock_restrict_self(.*= 0' trace
	grep -q 'SECCOMP' trace
}

@test 'store: many agents at once lose nothing' {
	local i
	file put -a z f </dev/null >/dev/null
	for i in 1 2 3 4; do
		jq -cn --arg i "$i" 'range(50) | {id: ., agent: "a",
			payload: {kind: "storage", verb: "put", name: "f\($i)",
			text: "\($i) \(.)"}}' | "$store" >out$i &
	done
	wait
	for i in 1 2 3 4; do
		is "$(jq -s 'map(select(.result)) | length' out$i)" 50
		is "$(file log -a a "f$i" | head -1 | jq .version)" 50
	done
	is "$(git -C h rev-list --count refs/schedkit/store)" 201
	sound
}

@test 'store: neither gc nor a clone is disturbed' {
	echo 1 | file put f >/dev/null
	echo 2 | file put f >/dev/null
	note add a note >/dev/null
	git -C h gc -q --prune=now
	is "$(file get --revision 1 f)" 1
	git clone -q h c
	is "$(git -C c for-each-ref --format='%(refname)' | grep -c schedkit)" 0
	git -C c fetch -q origin 'refs/schedkit/*:refs/schedkit/*'
	is "$(git -C c show refs/schedkit/store:user/files/f)" 2
	is "$(git -C c log --format=%s | head -1)" 'note: a note'
	sound
}

# versions NAME: all there are, as "NAME VERSION BLOB".
versions() {
	ask a storage log "{\"name\":\"$1\",\"max\":1000000}" |
		jq -r --arg n "$1" '.result.versions[] | "\($n) \(.version) \(.blob)"'
}

# Waits until `out` grows, however busy the machine is.
answers() {
	local i was
	was=$(stat -c %s out)
	for ((i = 0; i < 500; i++)); do
		[ "$(stat -c %s out)" = "$was" ] || return 0
		sleep 0.01
	done
}

# A store is killed in the middle of puts, again and again: what it has
# acknowledged is there, as the version and with the content it said.
@test 'store: kill -9 loses nothing that was acknowledged' {
	needs_plain_build
	local i pid kills=${STORE_KILLS:-40}
	head -c 12000 /dev/urandom | base64 -w 0 >long
	jq -cn --rawfile x long 'range(300) | {id: ., agent: "a", payload: {
		kind: "storage", verb: "put", name: "f\(. % 3)",
		text: "\(.) \($x)"}}' >in
	: >out
	for ((i = 0; i < kills; i++)); do
		"$store" <in >>out 2>/dev/null 3>&- &
		pid=$!
		answers
		sleep "0.0$((RANDOM % 9))$((RANDOM % 10))"
		kill -9 "$pid"
		wait "$pid" 2>/dev/null || true
		# The answer that it died over.
		[ -z "$(tail -c 1 out)" ] || sed -i '$d' out
	done
	jq -r 'select(.result).result | "\(.name) \(.version) \(.blob)"' out |
		sort -u >said
	for i in f0 f1 f2; do
		versions "$i"
	done | sort >have
	is "$(comm -23 said have)" ''
	sound
	echo "# $kills kills, $(wc -l <said) versions acknowledged," \
		"$(wc -l <have) there" >&3
	[ "$(wc -l <said)" -ge "$kills" ]
}

@test 'store: a full disk is an answer, and loses nothing' {
	local i
	echo before | file put f >/dev/null
	head -c 300000 /dev/urandom | base64 -w 0 >big
	{
		echo '{"id":1,"agent":"user","payload":{"kind":"storage","verb":"get","name":"f"}}'
		jq -cn --rawfile b big '{id: 2, agent: "user", payload: {
			kind: "storage", verb: "put", name: "g", base64: $b}}'
	} >in
	(
		ulimit -f 100
		"$store" <in
	) >out
	is "$(jq -c '[.id, .error.errno, .result.text]' out | paste -sd' ')" \
		'[1,null,"before\n"] [2,"EFBIG",null]'
	is "$(file get f)" before
	exits 3 file get g
	"$store" <in >out
	is "$(jq -c '[.id, .result.version]' out | paste -sd' ')" '[1,1] [2,1]'
	sound
}

@test 'store: a full file system is an answer, too' {
	needs_root
	mkdir m
	mount -t tmpfs -o size=1500k none m || skip 'cannot mount'
	head -c 900000 /dev/urandom >big
	export SCHEDKIT_HISTORY=$PWD/m/h
	echo 1 | file put f >/dev/null
	file put g big >/dev/null
	head -c 900000 /dev/urandom >big
	run --separate-stderr -- sched-agents file put g big
	got=$(file get f)
	head -c 100 big | file put h >/dev/null || true
	run git -C m/h fsck --strict --no-dangling
	umount m
	has "$stderr" 'no space left'
	is "$got" 1
	is "$status" 0
}

# STORE_NOTES=10000 for the figures of the manual.
@test 'store: many notes are found at once' {
	needs_plain_build
	local ms n=${STORE_NOTES:-1000}
	jq -cn --argjson n "$n" 'range($n) | {id: ., agent: "a", payload: {
		kind: "memory", verb: "add", text: "note \(.) of a slice of \(. * 7 % 5000) us, latency \(. * 31 % 997) on workload w\(. % 37)",
		features: {cpus: (. % 64), load: (. % 101)}}}' |
		"$store" >out
	is "$(jq -s 'map(select(.result.new)) | length' out)" "$n"
	note search -a a latency >/dev/null # the copy is written
	jq -cn 'range(100) | {id: ., agent: "a", payload: {kind: "memory",
		verb: "search", text: "latency w\(. % 37) slice",
		features: {cpus: 5, load: 50}}}' >in
	ms=$(date +%s%3N)
	note search -a a latency w5 >/dev/null
	ms=$(($(date +%s%3N) - ms))
	echo "# search over $n notes by a new process: $ms ms" >&3
	[ "$ms" -lt 2000 ]
	ms=$(date +%s%3N)
	"$store" <in >out
	ms=$(($(date +%s%3N) - ms))
	echo "# 100 searches by words and features: $ms ms" >&3
	is "$(jq -s 'map(.result.notes | length) | add' out)" 1000
	[ "$ms" -lt 10000 ]
}
