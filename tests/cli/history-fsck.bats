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

# figures COMMAND...: git notes of the figures.
figures() {
	GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x GIT_AUTHOR_NAME=x \
		GIT_AUTHOR_EMAIL=x@x git -C h notes --ref metrics "$@"
}

# The commit of the document in line N of in.
commit() {
	git -C h log --format=%H --grep "^Id: $(sed -n "$1p" in | doc_id)"
}

# wrong TEXT...: it is, and says so.
wrong() {
	exits 1 sched-history fsck
	local text
	for text; do
		has "$output" "$text"
	done
}

# The command that fsck told, which mends it with the text of the file good.
mend() {
	local words
	words=$(sed -n "s/.*'git notes --ref metrics \([a-z]*[^']*\)'.*/\1/p" \
		<<<"${output//\\n/ }" | head -n 1)
	[ -n "$words" ]
	# shellcheck disable=SC2086
	GIT_EDITOR="cp $PWD/good" figures $words
	exits 0 sched-history fsck
}

@test "history: fsck finds figures that are not a verdict's" {
	local v p
	exits 0 sched-history fsck
	is "$output" ''
	has "$stderr" ' 2 notes, '
	v=$(commit 2)
	figures show "$v" >good
	sed 's/2\.00x/9.00x/' good | figures add -f -F - "$v"
	wrong "verdict $(sed -n 2p in | doc_id | cut -c 1-12): its note" \
		"says, and it does not, 'makespan 9.00x" "lacks 'makespan 2.00x"
	mend
	# One line of two is missing.
	: | figures add -f --allow-empty -F - "$v"
	wrong "lacks 'makespan"
	mend
	p=$(commit 1)
	figures show "$p" >good
	sed 's/2\.00x/9.00x/' good | figures add -f -F - "$p"
	wrong "policy $(sed -n 1p in | doc_id | cut -c 1-12): its note" \
		'and the verdict does not' 9.00x
	mend
	figures append -m 'the best of all' "$p"
	wrong "no figures of a verdict in 'the best of all'"
	mend
	sed 's/verdict .*/verdict 0123456789ab/' good | figures append -F - "$p"
	exits 0 sched-history fsck
	has "$output" 'tells of verdict 0123456789ab, which is not here'
	figures add -f -F - "$p" <good
	# None at all: the document has them.
	figures remove "$v"
	exits 0 sched-history fsck
	has "$output" "its figures are not in git's notes"
}

@test 'history: fsck finds notes on what is not there, or no place for them' {
	local c was
	was=$(git -C h rev-parse refs/notes/metrics)
	c=$(git -C h -c user.name=x -c user.email=x@x commit-tree -m x 'main^{tree}')
	figures add -m 'makespan 2.00x' "$c"
	wrong "a note is on $c, which records no verdict"
	mend
	figures add -m 'makespan 2.00x' "$c"
	rm -f "h/objects/${c:0:2}/${c:2}"
	wrong "a note is on $c, which is not here"
	mend
	# Something that is no note.
	c=$({
		git -C h ls-tree refs/notes/metrics
		printf '100644 blob %s\tstray\n' \
			"$(git -C h rev-parse 'main^{tree}' | git -C h hash-object -w --stdin)"
	} | git -C h mktree)
	c=$(git -C h -c user.name=x -c user.email=x@x commit-tree -m x \
		-p "$was" "$c")
	git -C h update-ref refs/notes/metrics "$c"
	wrong "'stray' in refs/notes/metrics is no note"
	git -C h update-ref refs/notes/metrics "$was"
	exits 0 sched-history fsck
}

@test 'history: fsck finds references that lead to no commit' {
	local ref was
	for ref in refs/notes/metrics refs/heads/main; do
		was=$(git -C h rev-parse "$ref")
		echo x | git -C h hash-object -w --stdin >"h/$ref"
		exits 3 sched-history fsck
		has "$output" "$ref"
		has "$output" update-ref
		git -C h update-ref --no-deref "$ref" "$was"
	done
	exits 0 sched-history fsck
}
