#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history note, revert, restore: words that decide something.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
}

@test 'history: a note about a document' {
	policy a >in
	sched-history add <in >/dev/null
	exits 0 sched-history note --about "$(doc_id <in | head -c 8)" -t one \
		good here --tag two
	is "$(jq -c '[.kind, .body.text, .body.tags, .parent[0]]' <<<"$output")" \
		"[\"note\",\"good here\",[\"one\",\"two\"],\"$(doc_id <in)\"]"
	is "$(sched-history log -n 1)" "$output"
	exits 2 sched-history note words
	exits 2 sched-history note --about "$(doc_id <in)"
	exits 1 sched-history note --about 00000000 words
	# Tags that decide something have commands of their own.
	exits 2 sched-history note --about "$(doc_id <in)" -t reverted words
	sound
}

@test 'history: a lesson is reverted and restored, in one second too' {
	local id
	export SCHEDKIT_TIME=1767323046
	lesson "$(policy a | doc_id)" one >in
	id=$(doc_id <in)
	sched-history add <in >/dev/null
	exits 0 sched-history restore "$id"
	has "$stderr" 'counts already'
	is "$output" ''
	for _ in 1 2 3; do
		exits 0 sched-history revert "$id" --why 'of another machine'
		is "$(jq -r .body.tags[0] <<<"$output")" reverted
		is "$(jq -r .body.text <<<"$output")" 'of another machine'
		exits 0 sched-history revert "$id"
		has "$stderr" 'reverted already'
		exits 0 sched-history restore "$id"
		is "$(jq -r .body.tags[0] <<<"$output")" restored
	done
	is "$(sched-history log -k note | wc -l)" 6
	is "$(count)" 7
	exits 1 sched-history revert "$(policy b | doc_id)"
	sound
}

@test "history: an agent's note decides nothing" {
	local id
	lesson "$(policy a | doc_id)" one >in
	id=$(doc_id <in)
	doc note "{\"text\": \"gone\", \"agent\": \"model\",
		\"about\": \"$id\", \"tags\": [\"reverted\"]}" "$id" >>in
	sched-history add <in >/dev/null
	exits 0 sched-history restore "$id"
	has "$stderr" 'counts already'
}

@test 'history: what was removed by a commit of git is gone' {
	local id
	policy a >in
	policy b >>in
	sched-history add <in >/dev/null
	id=$(head -n 1 in | doc_id)
	git clone -q h c
	git -C c rm -qr "policies/${id:0:2}/$id"
	git -C c -c user.name=x -c user.email=x@x commit -qm gone
	git -C c push -q
	is "$(sched-history log)" "$(sed 1d in)"
	exits 1 sched-history show "$id"
	sched-history add <in >/dev/null
	is "$(sched-history log | sort)" "$(sort in)"
}

@test 'history: a commit cannot lie about its document' {
	local id
	policy a >in
	sched-history add <in >/dev/null
	id=$(doc_id <in)
	git clone -q h c
	git -C c -c user.name=x -c user.email=x@x commit -q --allow-empty \
		-m "verdict: accepted" -m "Kind: policy
Id: $id"
	git -C c push -q
	has "$(script -qec 'sched-history log' /dev/null)" "'a'"
	lacks "$(script -qec 'sched-history log' /dev/null)" accepted
}
