#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What models are told is true: every example in the reference climbs the
# ladder, and every function that is named exists.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	pages=$TREE/prompts/reference
}

# blocks "KIND": writes each fenced block that begins with it to a file of its
# own, PAGE-N; says how many there are.
blocks() {
	cat "$pages"/*.md | awk -v begin="\`\`\`$1" '
		$0 == begin { out = "block-" ++n; next }
		/^```/ { out = "" }
		out { print > out }
		END { print n + 0 }'
}

# climb FILE: the policy comes through the stages before the kernel's.
climb() {
	local body
	exits 1 sched-verify --json --stages lint,build,prove,sim <"$1"
	body=$(jq -c 'select(.kind == "verdict").body' <<<"$output")
	is "$(jq -c '[.stages[:4][].status] | unique' <<<"$body")" \
		'["passed"]' || {
		jq . <<<"$body"
		return 1
	}
}

# policy FORM BLOCK: an answer's pairs as a policy's body.
policy() {
	doc policy "$(jq --arg form "$1" '{form: $form, title: "t", why: "w",
		uses} + if $form == "params"
		then {params: (.params | from_entries)}
		else del(.uses) end' "$2")"
}

@test "prompts: each whole policy in the reference passes every stage" {
	local n i
	needs_clang
	n=$(blocks 'c source')
	[ "$n" -ge 3 ]
	for i in $(seq "$n"); do
		jq -Rs '{form: "source", title: "t", why: "w",
			uses: ["behaviour"], code: .}' "block-$i" >body
		doc policy "$(cat body)" >in
		climb in
	done
}

@test "prompts: each example of hooks passes every stage" {
	local n i
	needs_clang
	n=$(blocks 'c hooks')
	[ "$n" -ge 1 ]
	for i in $(seq "$n"); do
		jq -Rs '{form: "hooks", title: "t", why: "w",
			uses: ["behaviour"], code: .}' "block-$i" >body
		doc policy "$(cat body)" >in
		climb in
	done
}

@test "prompts: each example of parameters passes every stage" {
	local n i
	n=$(blocks 'json params')
	[ "$n" -ge 2 ]
	for i in $(seq "$n"); do
		policy params "block-$i" >in
		climb in
	done
}

@test "prompts: each example of knobs passes every stage" {
	local n i
	n=$(blocks 'json knobs')
	[ "$n" -ge 1 ]
	for i in $(seq "$n"); do
		policy knobs "block-$i" >in
		climb in
	done
}

@test "prompts: each example of an installed scheduler is well-formed" {
	local n i
	n=$(blocks 'json external')
	[ "$n" -ge 1 ]
	for i in $(seq "$n"); do
		policy external "block-$i" >in
		# What it lacks, if anything, is the program.
		exits 1 sched-verify --json --stages lint <in
		jq -e 'select(.kind == "verdict").body.stages[0] |
			.status == "passed" or
			(.findings[0].text | test("not installed"))' \
			<<<"$output" || {
			echo "$output"
			return 1
		}
	done
}

@test "prompts: each function that is named is declared" {
	local missing
	missing=$(grep -ohE '\b(scx_)?bpf_[a-z_]+' "$pages"/*.md | sort -u |
		while read -r name; do
			cat "$TREE"/bpf/*.bpf.h /usr/include/bpf/bpf_*.h |
				grep -qE "\b$name" || echo "$name"
		done)
	is "$missing" ''
	missing=$(grep -ohE '\b(SCX|BPF|PF)_[A-Z_]+[A-Z]\b' "$pages"/*.md |
		sort -u | while read -r name; do
			cat "$TREE"/bpf/*.bpf.h /usr/include/bpf/bpf_*.h |
				grep -qE "\b$name\b" || echo "$name"
		done)
	is "$missing" ''
}

@test "prompts: every block says what it is" {
	local other
	other=$(grep -hE '^```.' "$pages"/*.md | sort -u | grep -vxE \
		'```(c (source|hooks)|json (params|knobs|external))') || true
	is "$other" ''
}

@test "prompts: the build has every file of the tree" {
	local f
	while read -r f; do
		cmp "$TREE/prompts/$f" "$BUILD/lib/schedkit/prompts/$f"
	done < <(cd "$TREE/prompts" && find . -type f)
}
