# SPDX-License-Identifier: GPL-2.0-or-later
# The workload suite here, at its small sizes: what each prints is read, what
# the batches' lists say of their jobs is so.

load ../lib
recipe=$TREE/tests/workloads/suite/recipe
batch=$BUILD/workloads/batch

# The last number that a metric's expression finds in a text.
value() {
	jq -nr --arg text "$2" --arg regex "$1" '[$text | scan($regex)] | last
		| if type == "array" then .[0] else . end // empty'
}

@test "every workload runs, and what it prints is read" {
	for name in $("$recipe" list); do
		w=$("$recipe" workload "$name")
		size=$(jq -r 'if .short then "--short" else "" end' <<<"$w")
		# On a busy machine a short look may see nothing done.
		out=$("$recipe" run "$name" $size 2>&1) ||
			out=$("$recipe" run "$name" 2>&1)
		while read -r regex; do
			[ "$(value "$regex" "$out" | jq '. > 0')" = true ] || {
				echo "$name: nothing for '$regex' in: $out"
				return 1
			}
		done < <(jq -r '.metrics[].regex // empty' <<<"$w")
	done
}

@test "each entry of the manifest is whole, and its workload is one" {
	jq -se 'all(.[]; .name == .workload.name and (.says | length > 0)
		and (.kind | length > 0) and (.goal | length > 0)
		and all(.targets[]?; .gap_closed_pct // .ratio))
		and (map(.name) | unique | length) == length
		and (map(select(.kind == "long-tailed")) | length) == 8' \
		"$TREE/tests/workloads/suite/manifest.jsonl"
	[ "$("$recipe" workload git --like | jq -r .command[1])" = \
		"$BUILD/suite/git/other" ]
	run -2 "$recipe" workload nonesuch
	[[ $output == *"no workload 'nonesuch'"* ]]
}

# A busy machine may hold up the plan.
@test "a batch's bound is no later than the batch" {
	for name in $("$recipe" list long-tailed); do
		for try in 1 2 3 4 last; do
			free=$(value 'makespan ([0-9.]+) s' \
				"$("$recipe" run "$name" --short)")
			plan=$(value 'makespan ([0-9.]+) s' \
				"$("$batch" --bound "$BUILD/suite/$name/brief")")
			! jq -en "$plan <= 1.25 * $free" >/dev/null || break
			[ "$try" != last ] || {
				echo "$name: $free s free, $plan s by plan"
				return 1
			}
		done
	done
}

@test "a batch fails when one of its jobs does" {
	cd "$BATS_TEST_TMPDIR"
	printf '3 true\n1 true\n1 false\n1 true\n' >./jobs
	run -1 "$batch" .
	[[ $output == *'a job failed: false'* ]]
	[[ $output == *makespan* ]]
	run -1 "$batch" --bound .
	printf '3 true\n1 nonesuch-program\n' >./jobs
	run -1 "$batch" .
	[[ $output == *nonesuch-program* ]]
	printf '3 true\nx true\n' >./jobs
	run -1 "$batch" .
	[[ $output == *'row 2'* ]]
	run -2 "$batch"
}

@test "the jobs fill the CPUs, the long one is not the first to start" {
	cd "$BATS_TEST_TMPDIR"
	export LOG=$PWD/log
	cat >note <<-'END'
		#!/bin/sh
		echo "$1 $(nice)" >>"$LOG"
	END
	chmod +x note
	printf '5 in/note long\n1 in/note a\n1 in/note b\n' >./jobs
	"$batch" .
	cpus=$(nproc)
	[ "$cpus" -gt 1 ] || skip 'needs two CPUs'
	[ "$(grep -cv long log)" = $((5 * (cpus - 1))) ]
	[ "$(grep -c long log)" = 1 ]
	rm log
	"$batch" --bound .
	# By plan the others get what the long one leaves.
	long=$(awk '$1 == "long" { print $2 }' log)
	for other in $(awk '$1 != "long" { print $2 }' log); do
		[ "$long" -lt "$other" ]
	done
	[ "$(grep -cv long log)" = $((5 * (cpus - 1))) ]
}

@test "nothing stays of a batch" {
	cd "$BATS_TEST_TMPDIR"
	mkdir tmp
	printf '1 touch left\n1 mkdir -p a/b/c\n' >./jobs
	TMPDIR=$PWD/tmp "$batch" .
	[ -z "$(ls -A tmp)" ]
}
