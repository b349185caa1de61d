#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-intent: what people declare about tasks.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	umask 022
	mkdir d
}

# put FILE LINE...
put() {
	local file=$1
	shift
	printf '%s\n' "$@" >"$file"
}

teardown() {
	[ -z "${child:-}" ] || kill "$child" || true
}

# A task that can be asked about: its number is $child, its name $1.
begin() {
	cp "$(type -P sleep)" "./$1"
	"./$1" 600 &
	child=$!
	for _ in $(seq 200); do
		[ "$(cat "/proc/$child/comm")" != "$1" ] || return 0
		sleep 0.1
	done
}

# shares FOLDER ORDER: of the CPU that two tasks who want it all get.
shares() {
	put w.json '{"global":{"duration":2},"tasks":{
		"editor":{"loop":-1,"run":1000000},
		"builder":{"loop":-1,"run":1000000}}}'
	sched-sim run --json --alone --machine 1 --intents "$1" \
		-p order="$2" template w.json |
		jq -r '[.body.simulation.groups[].run_s * 50 | round] | @csv'
}

@test 'usage' {
	exits 0 sched-intent --help
	has "$output" explain
	exits 2 sched-intent
	exits 2 sched-intent fly
	exits 2 sched-intent list x
	exits 2 sched-intent explain
	exits 2 sched-intent explain 0
	exits 2 sched-intent explain 1x
	exits 2 sched-intent commit
}

@test 'list: rules in the order of the names of their files' {
	put d/20.conf '[b]' 'user = 0' 'class = batch'
	put d/10.conf '[a]' 'command = vi*' 'weight = 300'
	put d/30.conf '[a]' 'command = vim' 'weight = 200'
	exits 0 sched-intent list --dir d --json
	is "$(jq -c '[.body.intent.rules[] | [.name, .file, .line]]' \
		<<<"$output")" '[["b","d/20.conf",1],["a","d/30.conf",1]]'
	is "$(jq -r '.body.intent.rules[1].sets' <<<"$output")" 'weight 200'
	is "$(jq -c '.body.intent.policy | [.followed, (.text | length > 9)]' \
		<<<"$output")" '[false,true]'
	exits 0 sched-intent list --dir d
	has "$output" 'class batch'
	if [ ! -d /sys/kernel/sched_ext ]; then
		has "$output" 'no policy is attached: rules change nothing'
	fi
}

@test 'list: without rules there is nothing to say' {
	exits 0 sched-intent list --dir none
	is "$output" ''
	has "$stderr" 'no rules'
}

@test 'check: a mistake has its file, line and column' {
	put d/1.conf '[a]' 'command = x' 'class = slow'
	put d/2.conf '[b]' 'user = 0' 'class = batch'
	put d/3.conf '[c]' 'user = 0' 'cores = 3-1'
	put d/4.conf '[c]' 'user = 0' 'cores = 512'
	exits 1 sched-intent check --dir d
	has "$stderr" "d/3.conf:3:9: '3-1' is no list of CPUs"
	has "$stderr" "d/4.conf:3:9: '512' is no list of CPUs"
	rm d/[34].conf
	exits 1 sched-intent check --dir d
	has "$stderr" "d/1.conf:3:9: 'slow'"
	has "$output" '1 rule, 1 problem'
	put ok '[b]' 'user = 0' 'class = batch'
	exits 0 sched-intent check ok
	exits 1 sched-intent check ok no-such-file
	exits 1 sched-intent check --json d/1.conf
	is "$(jq -r '.body.intent.problems | length' <<<"$output")" 1
}

@test 'check: what others may write to does not count' {
	put d/1.conf '[a]' 'user = 0' 'class = batch'
	chmod 666 d/1.conf
	exits 1 sched-intent check --dir d
	has "$stderr" 'chmod go-w'
	chmod 777 d
	exits 3 sched-intent check --dir d
	has "$stderr" 'chmod go-w'
}

@test 'check: words of a file do nothing to a terminal' {
	printf '[a]\ncommand = x\nclass = \302\233c\n' >d/1.conf
	exits 1 sched-intent check --dir d
	lacks "$stderr" "$(printf '\302\233')"
}

@test 'explain: the rule, why, where, and what else matches' {
	begin editor-x
	put d/1.conf '[other]' 'command = none' 'class = batch' \
		'[mine]' 'command = editor-?' "user = $(id -u)" \
		'class = interactive'
	put d/2.conf '[later]' "executable = $PWD/*" 'weight = 7' \
		'[old]' 'command = editor*' 'weight = 8' 'until = 2020-01-01'
	exits 0 sched-intent explain --dir d "$child"
	has "$output" "rule [mine] of d/1.conf:4 is for task $child (editor-x)"
	has "$output" 'command editor-? matches editor-x'
	has "$output" '[later] of d/2.conf:1 matches'
	has "$output" 'past its time'
	exits 0 sched-intent explain --dir d --json "$child"
	is "$(jq -c '.body.intent | [.rule.name, (.rule.because | length),
		([.also[].name])]' <<<"$output")" '["mine",2,["later","old"]]'
	if [ ! -d /sys/kernel/sched_ext ]; then
		is "$(jq -r .body.intent.policy.attached <<<"$output")" false
		has "$(jq -r .body.intent.policy.text <<<"$output")" \
			'no policy is attached'
	fi
}

@test 'explain: no rule, and no task' {
	put d/1.conf '[x]' 'command = none' 'class = batch'
	exits 1 sched-intent explain --dir d $$
	has "$output" 'no rule is for task'
	exits 3 sched-intent explain --dir d 4194304
	has "$stderr" 'no task'
}

@test 'explain: the tag of a cgroup' {
	needs_root
	needs python3
	local root dir
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[ -n "$root" ] || skip 'no cgroups of version 2'
	dir=$root/schedkit-intent-$$
	mkdir -p "$dir/inner" 2>/dev/null || skip 'no cgroup can be made'
	if ! python3 -c 'import os, sys; os.setxattr(sys.argv[1],
		"user.schedkit.tag", b"nightly")' "$dir" 2>/dev/null; then
		rmdir "$dir/inner" "$dir"
		skip 'cgroups have no attributes'
	fi
	begin tagged
	echo "$child" >"$dir/inner/cgroup.procs"
	put d/1.conf '[t]' 'tag = night*' 'class = batch'
	run --separate-stderr sched-intent explain --dir d --json "$child"
	echo "$child" >"$root/cgroup.procs"
	rmdir "$dir/inner" "$dir"
	is "$status" 0
	is "$(jq -r .body.intent.rule.because[0].value <<<"$output")" nightly
}

@test 'commit: shows what changes, and needs a yes' {
	put a.conf '[a]' 'user = 0' 'class = batch'
	exits 2 sched-intent commit --dir new/d a.conf </dev/null
	has "$output" '+ [a] user 0: class batch'
	[ ! -e new ]
	mkdir new
	exits 0 sched-intent commit --dir new/d --yes a.conf
	is "$(cat new/d/a.conf)" "$(cat a.conf)"
	is "$(stat -c %a:%u new/d/a.conf)" "644:$(id -u)"
	put a.conf '[a]' 'user = 0' 'class = normal' '[c]' 'user = 1' \
		'weight = 5'
	exits 0 sched-intent commit --dir new/d --yes a.conf
	has "$output" '~ [a] user 0: class normal (was user 0: class batch)'
	has "$output" '+ [c] user 1: weight 5'
	put a.conf '[c]' 'user = 1' 'weight = 5'
	exits 0 sched-intent commit --dir new/d --yes a.conf
	is "$output" '- [a] user 0: class normal'
	exits 0 sched-intent commit --dir new/d --yes a.conf
	has "$stderr" 'no rule changes'
	is "$(ls -A new/d)" a.conf
}

@test 'commit: a file with a mistake is put nowhere' {
	put a.conf '[a]' 'user = 0'
	exits 3 sched-intent commit --dir d --yes a.conf
	has "$stderr" 'a.conf:1:1:'
	put a.txt '[a]' 'user = 0' 'class = batch'
	exits 3 sched-intent commit --dir d --yes a.txt
	has "$stderr" "'.conf'"
	is "$(ls -A d)" ''
}

@test 'the simulator follows rules: weight' {
	put d/1.conf '[w]' 'command = edit*' 'weight = 400'
	is "$(shares d vruntime)" 80,20
	put d/1.conf '[w]' 'command = *ilder' 'weight = 25'
	is "$(shares d vruntime)" 80,20
	put d/1.conf '[w]' 'command = b???der' 'weight = 300'
	is "$(shares d vruntime)" 25,75
	# The first rule is the only one.
	put d/0.conf '[first]' 'command = builder' 'class = batch'
	is "$(shares d vruntime)" 50,50
	# What it does not know it does not follow.
	put d/0.conf '[first]' 'command = builder' 'user = 0' 'weight = 900'
	is "$(shares d vruntime)" 25,75
}

@test 'the simulator follows rules: the longest turn' {
	put d/1.conf '[s]' 'command = builder' 'slice_max = 4ms'
	is "$(shares d fifo)" 83,17
	put d/1.conf '[s]' 'command = builder' 'slice_min = 80ms'
	is "$(shares d fifo)" 20,80
}

@test 'the simulator follows rules: the class' {
	put d/1.conf '[c]' 'command = editor' 'class = interactive' \
		'[b]' 'command = builder' 'class = batch'
	put w.json '{"global":{"duration":2},"tasks":{
		"editor":{"loop":-1,"run":1000000},
		"builder":{"loop":-1,"run":1000000}}}'
	sched-sim run --json --alone --machine 1 --intents d -p order=fifo \
		-p slice=class -p slice_interactive_us=60000 \
		-p slice_batch_us=20000 template w.json >out
	is "$(jq -r '[.body.simulation.groups[].run_s * 50 | round] | @csv' \
		out)" 75,25
}

# cores FIGURES QUEUE [PARAM=VALUE]: of two CPUs, with the rules of d and the
# workload w.json.
cores() {
	sched-sim run --json --alone --machine 2 --intents d -p queue="$2" \
		-p "${3:-order=vruntime}" template w.json >out
	is "$(jq '.body.simulation.findings | length' out)" 0
	is "$(jq -c "[.body.simulation | $1]" out)" "$4"
}

@test 'the simulator follows rules: cores' {
	local q
	put d/1.conf '[l]' 'command = left' 'cores = 1' '[r]' \
		'command = right' 'cores = 0'
	for q in global llc; do
		# Others come and go; each stays on its own, once it is there.
		put w.json '{"global":{"duration":2},"tasks":{
			"left":{"loop":-1,"run":1000000},
			"right":{"loop":-1,"run":1000000},
			"tick":{"instance":2,"loop":-1,"run":2000,"sleep":7000}}}'
		cores '.groups[:2][].migrations' "$q" order=vruntime '[1,1]'
		mv d e
		mkdir d
		sched-sim run --json --alone --machine 2 --intents d \
			-p queue="$q" template w.json >out
		[ "$(jq '[.body.simulation.groups[:2][].migrations] | min' \
			out)" -gt 5 ]
		rmdir d
		mv e d
	done
}

@test 'the simulator: cores leave nobody waiting beside an idle CPU' {
	local q
	for q in global llc cpu; do
		put d/1.conf '[l]' 'command = hog' 'cores = 0'
		put w.json '{"global":{"duration":2},"tasks":{
			"hog":{"instance":3,"loop":-1,"run":1000000}}}'
		cores '.groups[0].run_s, .idle_waiting_s < 0.001' "$q" \
			steal=true '[4,true]'
		# With one queue for several CPUs nothing is left lying there.
		[ "$q" = cpu ] || cores '.groups[0].run_s' "$q" steal=false '[4]'
		# What the kernel allows it to run on comes first.
		put d/1.conf '[p]' 'command = pinned' 'cores = 1' '[t]' \
			'command = tick' 'cores = 1,7'
		put w.json '{"global":{"duration":2},"tasks":{
			"pinned":{"loop":-1,"run":1000000,"cpus":[0]},
			"tick":{"instance":2,"loop":-1,"run":2000,"sleep":7000}}}'
		cores '.groups[] | [.run_s > 0.8, .migrations]' "$q" \
			preempt=key '[[true,0],[true,0]]'
	done
}

@test 'the simulator: rules with a mistake, and policies that take none' {
	put w.json '{"global":{"duration":1},"tasks":{
		"editor":{"loop":-1,"run":1000}}}'
	put d/1.conf '[s]' 'class = slow'
	exits 3 sched-sim run --intents d template w.json
	has "$stderr" 'd/1.conf:2:9'
	rm d/1.conf
	exits 3 sched-sim run --intents d eevdf w.json
	exits 3 sched-sim run --intents d \
		"$BUILD/policies/good/minimal.bpf.o" w.json
	has "$stderr" 'takes no intents'
	# Without a rule nothing is as much as touched.
	sched-sim run --json --alone template w.json | jq .body.simulation.groups >a
	sched-sim run --json --alone --intents d template w.json |
		jq .body.simulation.groups >b
	cmp a b
}
