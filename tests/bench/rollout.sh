#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What reports of many hosts cost at a git remote.  N=1000 of them (signed notes
# of the size that hosts write) are there; 20 more are pushed one by one; then
# what the next host's fetch of all of them, and one of nothing new, moves and
# takes.  Last, 20 hosts that report all at once, and the same as notes in one
# history that all have to merge.
#
#   tests/bench/rollout.sh [N]

set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-$PWD/build}
PATH=$BUILD/bin:$PATH
n=${1:-1000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config

now() {
	date +%s.%N
}

since() {
	awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'
}

# reports N FOLDER: files of the size of real ones, each another.
reports() {
	awk -v n="$1" -v folder="$2" 'function hex(k,  s) {
		while (length(s) < k)
			s = s sprintf("%06x", int(rand() * 16777216))
		return substr(s, 1, k)
	}
	BEGIN {
		srand(1)
		z = sprintf("%064d", 7)
		for (i = 0; i < n; i++) {
			f = folder "/" i
			printf "{\"body\":{\"about\":\"%s\",\"report\":{", z >f
			printf "\"ed25519\":\"%s\",\"statement\":{", hex(128) >f
			printf "\"cohort\":0,\"issued\":\"%s\",", \
				"2026-11-23T00:00:00Z" >f
			printf "\"kernel\":\"6.18.15\",\"key\":\"%s\",", \
				hex(64) >f
			printf "\"kind\":\"schedkit report 1\"," >f
			printf "\"named\":false,\"outcome\":\"ok\"," >f
			printf "\"policy\":\"%s\",\"rollout\":\"%s\",", z, z >f
			printf "\"serial\":1,\"why\":\"it is in force, " >f
			printf "and well\"}},\"tags\":[\"rollout-report\"]," >f
			printf "\"text\":\"policy 000000000000 is ok on a " >f
			printf "host of canary\"},\"by\":\"sched-rollout 0.1\"," >f
			printf "\"id\":\"%s\",\"kind\":\"note\",", hex(64) >f
			printf "\"parent\":[\"%s\"],\"time\":\"%s\",", z, \
				"2026-11-23T00:00:00Z" >f
			printf "\"v\":1}\n" >f
			close(f)
		}
	}'
}

# Bytes of packets of our side of a command's talk, both ways; not the pack.
moved() {
	GIT_TRACE_PACKET=$dir/packets "$@" >/dev/null 2>&1
	# A packet has four digits of its own and, mostly, a newline.
	awk 'match($0, /packet: +(fetch|push)[<>] /) {
		s += length($0) - RSTART - RLENGTH + 6 } END { print s + 0 }' packets
	rm -f packets
}

echo "git $(git version | cut -d ' ' -f 3), $n reports"
git init -q --bare hub
git init -q --bare host
git init -q --bare next
base=refs/schedkit/report/0123456789abcdef/0

mkdir texts
reports $((n + 41)) texts
for ((i = 0; i < n + 41; i++)); do
	echo "$PWD/texts/$i"
done | git -C host hash-object -w --stdin-paths >oids
# As they would be after so many pushes.
git -C host pack-objects --stdout <<<"$(head -n "$n" oids)" \
	2>/dev/null | git -C hub unpack-objects -q
head -n "$n" oids | awk -v b="$base" '{ printf "create %s/%016x %s\n", b,
	NR * 7919, $1 }' | git -C hub update-ref --stdin
mapfile -t oid < <(tail -n 41 oids)

start=$(now)
for ((i = 0; i < 20; i++)); do
	git -C host push -q ../hub "+${oid[i]}:$base/one-by-one-$i"
done
took=$(since "$start")
echo "20 pushed one by one: $took s," \
	"$(awk -v s="$took" 'BEGIN { printf "%.1f", s * 50 }') ms each"
echo "at the remote: $(du -sk hub | cut -f 1) KiB," \
	"$(git -C hub for-each-ref "$base" | wc -l) references," \
	"a report of $(wc -c <texts/0) bytes"

echo "one more push moves $(moved git -C host push ../hub \
	"+${oid[40]}:$base/ffffffffffffffff") bytes of packets"

fetch=(git -C next -c gc.auto=0 fetch -q --no-tags --prune --no-write-fetch-head
	../hub "+$base/*:$base/*")
start=$(now)
bytes=$(moved "${fetch[@]}")
took=$(since "$start")
pack=$(cat next/objects/pack/*.pack | wc -c)
loose=$(find next/objects -type f -path '*/??/*' -printf '%s\n' |
	awk '{ s += $1 } END { print s + 0 }')
echo "the next host's first fetch: $took s, $bytes bytes of packets," \
	"objects of $((pack + loose)) bytes"
start=$(now)
bytes=$(moved "${fetch[@]}")
echo "its next one, with nothing new: $(since "$start") s, $bytes bytes"
start=$(now)
bytes=$(moved git -C next fetch -q --no-tags --prune \
	../hub '+refs/schedkit/report/0123456789abcdef/bad/*:refs/bad/*')
echo "one that asks for the bad ones only: $(since "$start") s, $bytes bytes"

start=$(now)
git -C hub for-each-ref --format='delete %(refname)' "$base" |
	git -C hub update-ref --stdin
echo "removing them at the remote: $(since "$start") s"

# ---- as notes that all merge -------------------------------------------

body='{"about":"'$(printf %064d 7)'","text":"host I is well"}'
start=$(now)
for ((i = 0; i < 20; i++)); do
	b=$(sed "s/I/$i/" <<<"$body")
	id=$(printf %s "$b" | sha256sum | cut -c 1-64)
	echo '{"v":1,"kind":"note","id":"'"$id"'","parent":[],"by":"bench 0",' \
		'"time":"2026-11-23T00:00:00Z","body":'"$b"'}' |
		sched-history add --history "h$i" >/dev/null
done
git init -q --bare -b main notes
: >gave-up
for ((i = 0; i < 20; i++)); do
	sched-history push --history "h$i" "$dir/notes" >/dev/null 2>&1 ||
		echo "$i" >>gave-up &
done
wait
echo "20 hosts with a note each in one history, all at once:" \
	"$(since "$start") s, and $(wc -l <gave-up) of them gave up"
start=$(now)
for ((i = 0; i < 20; i++)); do
	git -C host push -q ../hub "+${oid[20 + i]}:$base/together-$i" &
done
wait
echo "20 hosts with a reference each, all at once: $(since "$start") s"
