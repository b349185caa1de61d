# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests of a deployed policy inside a guest share:  load ../holder

# A signed policy for the guest's own kernel, in the file in; what scripts have
# in common, in the file common.
holder_setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
	release=$("$BUILD/libexec/schedkit/fetch-guest" --print 6.18 |
		awk -F '\t' '$1 == "release" { print $2 }')
	configuration=$(guest_configuration)
	stream "$release" "$configuration" >in
	cp "$XDG_CONFIG_HOME/schedkit/keys/signing.pub" .
	# A guest has an environment of its own.
	printf 'BUILD=%q\n' "$BUILD" >common
	cat >>common <<-'END'
		export PATH=$BUILD/bin:$PATH XDG_STATE_HOME=/tmp/state
		export XDG_CONFIG_HOME=/tmp/config
		mkdir -p /tmp/config/schedkit/keys
		cp signing.pub /tmp/config/schedkit/keys
		sysfs=/sys/kernel/sched_ext
		# To wait without starting a process.
		exec {nap}<> <(:)
		# becomes STATE: and after how many milliseconds.
		becomes() {
			local s t0=${EPOCHREALTIME/./}
			for ((i = 0; i < 1500; i++)); do
				read -r s <$sysfs/state
				[ "$s" = "$1" ] && break
				read -rt 0.01 -u "$nap"
			done
			took=$(((${EPOCHREALTIME/./} - t0) / 1000))
			[ "$s" = "$1" ]
		}
		# anew N: it has been enabled so many times.
		anew() {
			local s seq end=$((${EPOCHREALTIME%.*} + 40))
			while [ "${EPOCHREALTIME%.*}" -lt $end ]; do
				read -r seq <$sysfs/enable_seq
				read -r s <$sysfs/state
				[ "$seq" -ge "$1" ] && [ "$s" = enabled ] && break
				read -rt 0.02 -u "$nap"
			done
			echo "enabled $seq times, now it is $s"
		}
		# deploy OPTION...: its number is $pid; the policy is attached.
		deploy() {
			rm -f /run/schedkit/deployment.json
			sched-deploy -t host --no-history "$@" <in >out 2>err &
			pid=$!
			for ((i = 0; i < 1500; i++)); do
				[ -e /run/schedkit/deployment.json ] && return
				kill -0 $pid 2>/dev/null || break
				read -rt 0.01 -u "$nap"
			done
			cat err
		}
		holder() {
			pgrep -P $pid -x load-policy
		}
		# told WHAT: and what its document says in the end.
		told() {
			wait $pid 2>/dev/null
			echo "$1: $(tail -n 1 out |
				jq -r '.body | .state + ": " + .why') $(cat $sysfs/state)"
		}
		within() {
			[ "$took" -lt "$1" ] && echo yes || echo "no: $took ms"
		}
	END
}

# stream KERNEL CONFIGURATION [PARAMS [MEMBERS]]: signed by a key that is made for it.
stream() {
	local p v params=${3:-'{"queue": "global"}'}
	p=$(doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\": \"w\",
		\"uses\": [], \"params\": $params${4:+, $4}}")
	v=$(doc verdict "{\"policy\": \"$(doc_id <<<"$p")\", \"workload\": \"w\",
		\"decision\": \"accepted\", \"why\": \"w\",
		\"target\": \"host\", \"kernel\": \"$1\",
		\"configuration\": \"$2\",
		\"object_sha256\": \"$object\", \"stages\": [],
		\"metrics\": []}")
	vouched "$p" "$v"
}

# inside <SCRIPT: in a guest, after what is common.
inside() {
	cat common - >script
	exits 0 timeout "${LIMIT:-200}" sched-guest -q --cpus 2 -- bash script
	echo "$output"
}

# ---- many trials ------------------------------------------------------

# inside_trials N <SCRIPT: as inside, a guest for 24 of them after another: those
# from $first on before $end.  Their lines "trial KIND TIME ..." are the file
# trials.  What a guest tells that dies of its emulator does not count.
inside_trials() {
	local body first end deaths=0
	body=$(cat)
	: >trials
	for ((first = 0; first < $1; first = end)); do
		end=$((first + 24 < $1 ? first + 24 : $1))
		printf '%s\n' "$(<common)" "first=$first end=$end" "$body" >script
		until run timeout "${LIMIT:-600}" sched-guest -q --cpus 2 -- \
			bash script && [ "$status" != 4 ]; do
			[ $((deaths++)) -lt 3 ]
			echo "# ${lines[-1]}: its trials are made anew" >&3
		done
		[ "$status" = 0 ] || echo "$output"
		sed -n 's/^trial //p' <<<"$output" >>trials
		is "$(wc -l <trials)" "$end"
	done
}

# percentile P UNITS KIND: of the times in trials, in whole ms, of which each
# has so many units; all of them are of the kind ".".
percentile() {
	grep "$3" trials | cut -d ' ' -f 2 | sort -n | awk -v p="$1" -v u="$2" '
		{ t[NR] = $1 }
		END { print int(t[int(NR * p / 100 + 0.999999)] / u) }'
}

# tell_percentiles UNITS: to whoever runs the tests, of each kind and of all.
tell_percentiles() {
	local kind
	for kind in . $(cut -d ' ' -f 1 trials | sort -u); do
		echo "# $kind: $(grep -c "$kind" trials) trials, median" \
			"$(percentile 50 "$1" "$kind") ms, p99" \
			"$(percentile 99 "$1" "$kind") ms, most" \
			"$(percentile 100 "$1" "$kind") ms" >&3
	done
}
