#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-doctor --stall: what kernels really said when they took policies off
# (tests/dumps), and what the history knows of the change that brought it.

load ../lib

DUMPS=$TREE/tests/dumps

# stall STATUS ARGUMENT...: $body is the note's.
stall() {
	local want=$1
	shift
	exits "$want" timeout 60 sched-doctor --stall --json "$@"
	body=$(jq -c .body <<<"$output")
}

# policy TITLE SLICE_US [PARENT...]
policy() {
	local title=$1 slice=$2
	shift 2
	doc policy "{\"form\":\"params\",\"title\":\"$title\",\"why\":\"w\",
		\"uses\":[],\"params\":{\"order\":\"fifo\",
		\"slice_us\":$slice}}" "$@"
}

# ended POLICY STATE [EXIT_KIND]: a deployment.
ended() {
	doc deployment "{\"policy\":\"$1\",\"target\":\"host\",
		\"state\":\"$2\",\"why\":\"w\",\"exit_kind\":${3:-64}}"
}

# dump NAME: of the folder, as text that jq takes.
dump() {
	jq -Rs . "$DUMPS/$1"
}

@test 'stall: every dump of a kernel is told for what it is' {
	local file cause task queue cpus n=0
	while IFS='|' read -r file cause task queue cpus _; do
		[[ $file != '#'* && -n $file ]] || continue
		stall 0 "$DUMPS/${file// /}"
		so ".stall.causes[0].cause == \"${cause// /}\""
		[ "${task// /}" = - ] ||
			so ".stall.task.comm | test(\"^${task// /}\")"
		queue=${queue# } queue=${queue%% }
		[ "${queue// /}" = - ] ||
			so ".stall.queue.name | test(\"$(sed 's/^ *//; s/ *$//' \
				<<<"$queue")\")"
		[ "${cpus// /}" = - ] ||
			so ".stall.affinity.text == \"$(sed 's/^ *//; s/ *$//' \
				<<<"$cpus")\""
		so '.stall.causes | all(.[]; (.evidence | length) > 0 and
			(.text | length) > 0)'
		# Each line that is given as evidence is in the file.
		jq -r '.stall.causes[].evidence[].text' <<<"$body" |
			while IFS= read -r line; do
				grep -qF -- "$line" "$DUMPS/${file// /}"
			done
		n=$((n + 1))
	done <"$DUMPS/manifest.txt"
	is "$n" "$(find "$DUMPS" -name '*.txt' ! -name manifest.txt | wc -l)"
	[ "$n" -ge 4 ]
}

@test 'stall: for people, with evidence and the way out' {
	exits 0 sched-doctor --stall "$DUMPS/undrained-queue.txt"
	has "$output" undrained-queue
	has "$output" scx_bpf_dsq_move_to_local
	has "$output" 'line '
	has "$output" 'may run on'
}

@test 'stall: from standard input, with what logs put before it' {
	sed 's/^/Jun 13 05:27:08 host bash[1097]: /' \
		"$DUMPS/undrained-queue.txt" >"$BATS_TEST_TMPDIR/log"
	stall 0 - <"$BATS_TEST_TMPDIR/log"
	so '.stall.causes[0].cause == "undrained-queue"'
}

@test 'stall: nothing that ended is an answer, too' {
	exits 1 sched-doctor --stall - </dev/null
	has "$stderr" 'no sched_ext scheduler was taken off'
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
	exits 1 sched-doctor --stall "$BATS_TEST_TMPDIR/noise"
	exits 3 sched-doctor --stall "$BATS_TEST_TMPDIR/nowhere"
	has "$stderr" nowhere
	truncate -s 1G "$BATS_TEST_TMPDIR/large"
	exits 3 sched-doctor --stall "$BATS_TEST_TMPDIR/large"
	exits 2 sched-doctor --stall one two
	exits 2 sched-doctor --policy 0123
}

@test "stall: the kernel's log is for those that may read it" {
	needs_root
	needs setpriv
	[ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ] ||
		skip 'everybody may read it here'
	exits 3 setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all \
		--reuid=0 "$BUILD/bin/sched-doctor" --stall
	has "$stderr" CAP_SYSLOG
}

@test 'stall: names of tasks act on no terminal and pass for nothing' {
	local name=$'\033]0;x\a'
	printf '%s\n' 'k[1] triggered exit kind 1026:' \
		"  runnable task stall (${name}[7] failed to run for 5.000s)" '' \
		'CPU 0   : nr_run=1 flags=0x1' \
		"          curr=${name}[8] class=rt_sched_class" '' \
		"  R ${name}[7] -5000ms" \
		'      scx_state/flags=3/0x9 dsq_flags=0x0 ops_state/qseq=0/1' \
		'      sticky/holding_cpu=-1/-1 dsq_id=0x1' \
		'      cpus=1 no_mig=0' >"$BATS_TEST_TMPDIR/dump"
	exits 0 sched-doctor --stall "$BATS_TEST_TMPDIR/dump"
	lacks "$output" $'\033'
	lacks "$output" $'\a'
	has "$output" rt-hog
	stall 0 "$BATS_TEST_TMPDIR/dump"
	so '.stall.task.pid == 7'
}

@test 'stall: the change that brought it, by plan, and what it is suspected of' {
	local old bad worse
	old=$(policy old 20000) bad=$(policy bad 500000)
	worse=$(policy worse 1000000)
	{
		printf '%s\n' "$old" "$bad" "$worse"
		doc plan "{\"profile\":\"$(printf "0%.0s" {1..64})\",\"regime\":{\"bound\":\"latency\",\"traits\":[]},
			\"evidence\":[],\"text\":\"t\",\"proposals\":[],
			\"seed\":1,\"origins\":[
			{\"policy\":\"$(doc_id <<<"$bad")\",\"source\":\"optimiser\",
			\"from\":\"$(doc_id <<<"$old")\"},
			{\"policy\":\"$(doc_id <<<"$worse")\",\"source\":\"optimiser\",
			\"from\":\"$(doc_id <<<"$bad")\"}]}"
		ended "$(doc_id <<<"$old")" detached
		ended "$(doc_id <<<"$bad")" ejected 1026
	} | sched-history add >"$BATS_TEST_TMPDIR/added"
	# Both ended so: the change is the first one's.
	stall 0 --policy "$(doc_id <<<"$worse")" "$DUMPS/long-turns.txt"
	so '.stall.causes[0].cause == "long-turns"'
	so ".stall.change.policy == \"$(doc_id <<<"$bad")\""
	so ".stall.change.against == \"$(doc_id <<<"$old")\""
	so '.stall.change.differs == [{"path":"params.slice_us","a":20000,
		"b":500000,"suspect":true}]'
	exits 0 sched-doctor --stall --policy "$(doc_id <<<"$worse")" \
		"$DUMPS/long-turns.txt"
	has "$output" 'params.slice_us: 20000 -> 500000'
	has "$output" "against $(doc_id <<<"$old" | head -c 12) 'old'"
	exits 3 sched-doctor --stall --policy ffff "$DUMPS/long-turns.txt"
}

@test "stall: the kernel's log names the policy, the history has its dump" {
	local old bad id
	old=$(policy old 20000) bad=$(policy bad 1000000)
	id=$(doc_id <<<"$bad")
	{
		printf '%s\n' "$old" "$bad"
		ended "$(doc_id <<<"$old")" detached
		doc_of deployment "$(jq -cSj --argjson dump "$(dump long-turns.txt)" \
			--arg policy "$id" '. + {policy: $policy, exit_dump: $dump}' \
			<<<'{"target":"host","state":"ejected","why":"w",
			"exit_kind":1026,"exit_reason":"runnable task stall"}')"
	} | sched-history add >"$BATS_TEST_TMPDIR/added"
	printf '[ 9.1] sched_ext: %s\n' \
		"BPF scheduler \"schedkit_${id:0:12}\" disabled (runnable task stall)" \
		"schedkit_${id:0:12}: burn[1] failed to run for 1.2s" \
		>"$BATS_TEST_TMPDIR/log"
	stall 0 "$BATS_TEST_TMPDIR/log"
	so '.stall.causes[0].cause == "long-turns"'
	so ".stall.policy == \"$id\""
	# No plan says where it came from: what was attached before it.
	so ".stall.change.against == \"$(doc_id <<<"$old")\""
	so '.stall.change.why | test("attached before")'
	so '.stall.change.differs[0].path == "params.slice_us"'
}

@test 'stall: a text that changed is shown as a difference' {
	local a b
	source_of() {
		doc policy "$(jq -nc --arg code "$1" --arg t "$2" '{form:"source",
			title:$t,why:"w",uses:[],code:$code}')" "${@:3}"
	}
	a=$(source_of $'one\ntwo\nthree\n' first)
	b=$(source_of $'one\n2\nthree\n' second "$(doc_id <<<"$a")")
	printf '%s\n' "$a" "$b" | sched-history add >"$BATS_TEST_TMPDIR/added"
	stall 0 --policy "$(doc_id <<<"$b")" "$DUMPS/undrained-queue.txt"
	so '.stall.change.code | test("-two\n\\+2\n")'
	exits 0 sched-doctor --stall --policy "$(doc_id <<<"$b")" \
		"$DUMPS/undrained-queue.txt"
	has "$output" '-two'
}
