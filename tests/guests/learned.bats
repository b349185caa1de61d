#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Models of a policy that is attached: swapped under load, watched, retired.

load ../lib
load ../holder

setup() {
	holder_setup
	make_model() {
		python3 "$TREE/tests/model_make.py" "$@"
	}
	# As good as the average, for it is that; better or worse by chance;
	# and one that takes every burst for the longest.
	make_model 0 1 1 >average
	make_model 0.01 1 1 >nearly
	make_model 63 >absurd
	head -c 8200 average >torn
	learned=$BUILD/lib/schedkit/learned.bpf.o
	object=$(sha256sum "$learned" | cut -d ' ' -f 1)
	model="{\"sha256\": \"$(tail -c 65 average)\",
		\"feature_version\": 1, \"data\": \"$(base64 -w 0 average)\"}"
	# Who is of no weight waits for long beside those who compute.
	stream "$release" "$configuration" '{"queue": "global",
		"order": "predicted", "starve_us": 2000000}' "\"model\": $model" >in
	cat >>common <<-'END'
		# put FILE: a whole one, at once.
		put() {
			install -m 644 "$1" next && mv next model
		}
		is_now() {
			sched-deploy status -j | jq -r ".body.attached.model | $1"
		}
		# gets WHAT FILTER: it comes to that.
		gets() {
			local end=$((${EPOCHREALTIME%.*} + 25))
			while [ "${EPOCHREALTIME%.*}" -lt $end ]; do
				[ "$(is_now "$2")" = true ] && break
				read -rt 0.1 -u "$nap"
			done
			echo "$1: $(is_now '"\(.state) \(.generation)"')"
		}
		load() {
			"$BUILD/workloads/timers" 6 3 "$1" >/dev/null &
			busy=$!
		}
		notes() {
			jq -r 'select(.kind == "note") | .body.model |
				"note: \(.event) \(.generation) \(.state)"' out
		}
	END
}

@test 'guest learned: swapped under load, braked, retired, and another one' {
	inside <<-'END'
		put average
		load 60
		deploy --model "$PWD/model"
		gets first '.state == "followed"'
		is_now '"sha: " + .sha256 + " \(.feature_version)"'
		put torn
		gets torn 'has("trouble")'
		is_now '"trouble: " + .trouble'
		put nearly
		gets second '.generation == 2 and .state == "followed"'
		is_now '"well: \(has("trouble")) \(has("alarm"))"'
		put absurd
		gets absurd '.state == "retired"'
		is_now '"alarm: " + .alarm'
		sched-deploy status -o | grep '^schedkit_model'
		put average
		gets third '.generation == 4 and .state == "followed"'
		cat $sysfs/state
		kill $busy; kill -TERM $pid; told end
		notes
		cat err
	END
	has "$output" 'first: followed 1'
	has "$output" "sha: $(tail -c 65 average) 1"
	has "$output" 'torn: followed 1'
	has "$output" 'it is damaged'
	has "$output" 'second: followed 2'
	has "$output" 'well: false false'
	has "$output" 'absurd: retired 3'
	has "$output" 'alarm: it was braked 3 times within an hour'
	has "$output" 'schedkit_model_state{state="retired"} 1'
	has "$output" 'third: followed 4'
	has "$output" 'end: stopped'
	has "$output" $'note: refused 1 followed\nnote: swapped 2 trial'
	has "$output" $'note: braked 3 braked\nnote: braked 3 '
	has "$output" 'note: retired 3 retired'
	has "$output" 'is retired, for it was braked 3 times within an hour'
}

@test 'guest learned: many swaps, and a model outlives its CPU' {
	for ((i = 0; i < 40; i += 2)); do
		install -m 644 nearly s$i
		install -m 644 average s$((i + 1))
	done
	LIMIT=400 inside <<-'END'
		put average
		load 200
		deploy --model "$PWD/model"
		for ((i = 0; i < 40; i++)); do
			mv s$i model
			read -rt 0.15 -u "$nap"
		done
		gets many '.state == "followed"'
		n=$(notes | grep -c swapped)
		echo "swaps: $((n > 20 && n <= 40)) $(is_now ".generation == $((n + 1))")"
		put nearly
		gets last ".generation == $((n + 2)) and .state == \"followed\""
		sha=$(is_now .sha256)
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo "offline: $(anew 2)"
		# The policy's own is the first one then.
		gets anew '.generation == 2 and .state == "followed"'
		echo "same: $(is_now ".sha256 == \"$sha\"")"
		kill $busy; kill -TERM $pid; told end
		echo "restarts: $(jq -r '.body.restarts // empty | length' out)"
	END
	echo "# $(sed -n 's/^many: followed //p' <<<"$output") generations" >&3
	has "$output" 'swaps: 1 true'
	has "$output" 'offline: enabled 2 times, now it is enabled'
	has "$output" 'anew: followed 2'
	has "$output" 'same: true'
	has "$output" 'end: stopped'
	has "$output" 'restarts: 1'
}

@test 'guest learned: what follows no model is handed none' {
	# Of inside().
	# shellcheck disable=SC2034
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
	export object
	stream "$release" "$configuration" '{"queue": "global"}' >in
	inside <<-'END'
		put average
		sched-deploy -t host --no-history --for 5 --model "$PWD/model" \
			<in >out 2>err
		echo "plain: $? $(cat $sysfs/state)"
		tail -n 1 out | jq -r '.body | .state + ": " + .why'
		sched-deploy -t host --no-history --for 1 <in >out 2>err
		echo "without: $?"
	END
	has "$output" 'plain: 1 disabled'
	has "$output" 'refused: the policy follows no model'
	has "$output" 'without: 0'
}

@test 'guest learned: a thousand models under load, and no wakeup is lost' {
	jq -c "select(.kind == \"policy\") | .body" in >body
	# Work of a fixed size that is handed on from task to task: it comes to
	# its end only if everyone who is woken runs.
	run timeout 300 sched-guest -q --cpus 2 -- \
		"$BUILD/models/swap" body many 1000 average absurd \
		"$BUILD/workloads/pipeline" 12000
	echo "# $output" | tail -n 1 >&3
	[ "$status" -eq 0 ]
	has "$output" 'the last is number 1001; the command ended with 0'
	has "$output" 'the policy is attached'
}

@test 'guest learned: each of 20 poisoned models is braked within a second' {
	jq -c "select(.kind == \"policy\") | .body" in >body
	python3 "$TREE/tests/model_make.py" 0 >zero
	python3 "$TREE/tests/model_make.py" 21 0 7 4 -3 7 9 11 -2.5 >random
	python3 "$TREE/tests/model_make.py" 45 0 -1 >opposite
	for bad in absurd zero random opposite; do
		run timeout 300 sched-guest -q --cpus 2 -- \
			"$BUILD/models/swap" body brake 5 average $bad \
			"$BUILD/workloads/foreseen" pool --seconds 120
		echo "# $bad: $(sed -n 's/.*braked after //p' <<<"$output" |
			tr '\n' ' ')ms" >&3
		[ "$status" -eq 0 ]
		[ "$(grep -c 'braked after' <<<"$output")" -eq 5 ]
		while read -r ms; do
			[ "$ms" -ge 0 ]
			[ "$ms" -le 1000 ]
		done < <(sed -n 's/.*braked after //p' <<<"$output")
	done
}
