#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history fsck finds what is wrong.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
	policy a >in
	verdict "$(doc_id <in)" w accepted 2 >>in
	sched-history add <in >/dev/null
}

# flip FILE OFFSET: another bit there.
flip() {
	chmod u+w "$1"
	python3 - "$1" "$2" <<-'END'
		import sys
		f = open(sys.argv[1], 'r+b')
		f.seek(int(sys.argv[2]))
		c = f.read(1)[0]
		f.seek(int(sys.argv[2]))
		f.write(bytes([c ^ 4]))
	END
}

# The loose object that has a document.
object() {
	local o
	o=$(git -C h ls-tree -r main | awk '/document.json/ { print $3; exit }')
	echo "h/objects/${o:0:2}/${o:2}"
}

@test 'history: fsck of a whole one' {
	exits 0 sched-history fsck
	is "$output" ''
	has "$stderr" '2 documents: 0 damaged, 0 wrong'
	sched-history promote candidate "$(head -n 1 in | doc_id)" >/dev/null
	# A parent that is absent is said.
	policy b | jq -c '.parent = ["'"$(printf '%064d' 5)"'"]' |
		sched-history add >/dev/null
	exits 0 sched-history fsck
	has "$output" 'is not here'
	git -C h gc -q
	exits 0 sched-history fsck
}

@test 'history: fsck finds a flipped bit in a loose object' {
	needs python3
	flip "$(object)" 12
	exits 3 sched-history fsck
	has "$output" damaged
}

@test 'history: fsck finds a flipped bit in a pack' {
	local pack size
	needs python3
	numbered 20 many | sched-history add >/dev/null
	git -C h gc -q
	pack=$(echo h/objects/pack/*.pack)
	size=$(stat -c %s "$pack")
	flip "$pack" $((size / 2))
	exits 3 sched-history fsck
	has "$output" damaged
}

@test 'history: fsck finds a missing object' {
	rm -f "$(object)"
	exits 3 sched-history fsck
	has "$output" missing
}

@test 'history: fsck finds what was changed by hand' {
	local id
	id=$(head -n 1 in | doc_id)
	git clone -q h c
	sed -i s/5000/6000/ "c/policies/${id:0:2}/$id/document.json"
	git -C c -c user.name=x -c user.email=x@x commit -qam changed
	git -C c push -q
	exits 3 sched-history fsck
	has "$output" "policy ${id:0:12}"
	git -C c -c user.name=x -c user.email=x@x revert --no-edit HEAD >/dev/null
	sed -i s/5000/6000/ "c/policies/${id:0:2}/$id/policy.json"
	echo x >c/stray
	mkdir -p c/policies/zz
	echo x >c/policies/zz/x
	git -C c add -A
	git -C c -c user.name=x -c user.email=x@x commit -qam changed
	git -C c push -q
	exits 1 sched-history fsck
	has "$output" "'stray' is no part"
	has "$output" "'policies/zz' is no part"
	has "$output" 'policy.json'
}
