#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# External schedulers deployed, in a real guest: from without, and as on a host
# from within.  scx_testfifo is a program as upstream's are.

load ../lib

setup() {
	needs_guest
	needs_plain_build
	needs_root
	PATH=$BUILD/external:$PATH
	cd "$BATS_TEST_TMPDIR" || return
	program=$(sha256sum "$BUILD/external/scx_testfifo" | cut -d ' ' -f 1)
	release=$("$BUILD/libexec/schedkit/fetch-guest" --print 6.18 |
		awk -F '\t' '$1 == "release" { print $2 }')
}

# stream TARGET CONFIGURATION FLAG...: signed by a key that is made for it.
stream() {
	local target=$1 configuration=$2 p v
	shift 2
	p=$(doc policy "$(jq -cn '{form: "external", title: "t", why: "w",
		uses: [], external: {program: "scx_testfifo",
			flags: $ARGS.positional}}' --args -- "$@")")
	v=$(doc verdict "{\"policy\": \"$(doc_id <<<"$p")\", \"workload\": \"w\",
		\"decision\": \"accepted\", \"why\": \"w\",
		\"target\": \"$target\", \"kernel\": \"$release\",
		\"object_sha256\": \"$program\", \"stages\": [],
		\"metrics\": []${configuration:+, \"configuration\":
			\"$configuration\"}}")
	vouched "$p" "$v"
}

# What is in every script that runs inside.
prelude() {
	cat <<-'END'
		export PATH=$BUILD/bin:$BUILD/external:$PATH
		export XDG_STATE_HOME=/tmp/state XDG_CONFIG_HOME=/tmp/config
		mkdir -p /tmp/config/schedkit/keys
		cp signing.pub /tmp/config/schedkit/keys
		sysfs=/sys/kernel/sched_ext record=/run/schedkit/deployment.json
		state() {
			cat $sysfs/state
		}
		becomes() {
			for i in {1..300}; do
				[ "$(state)" = "$1" ] && return
				sleep 0.1
			done
			echo "never $1"
		}
		# The record is written after the kernel says so.
		held() {
			becomes enabled
			for i in {1..150}; do
				[ -e $record ] && return
				sleep 0.1
			done
		}
		hold=(sched-deploy -t host --no-history)
		deploy() {
			"${hold[@]}" "$@"
		}
		# deployment FILE FILTER: of the last one there.
		deployment() {
			tail -n 1 "$1" | jq -r ".body | $2"
		}
		left() {
			pgrep -c 'scx_te|hold-ex'
		}
		# Soon there is nobody.
		none_left() {
			for i in {1..100}; do
				[ "$(left)" = 0 ] && return
				sleep 0.1
			done
		}
	END
}

# inside FILE...: the script on standard input, with these streams made.
inside() {
	{
		prelude
		cat
	} >script
	cp "$XDG_CONFIG_HOME/schedkit/keys/signing.pub" .
	# What was said before it took too long is worth seeing.
	exits 0 timeout 220 sched-guest -q -- bash -c \
		'timeout 200 bash script 2>&1; echo "ended $?"'
	has "$output" 'ended 0'
}

@test 'guest external: in a guest, and another program than was measured' {
	stream vm '' -f --slice-us 5000 >in
	exits 7 sched-deploy --target vm --no-history -- \
		sh -c 'cat /sys/kernel/sched_ext/root/ops; exit 7' <in
	# shellcheck disable=SC2154
	has "$stderr" testfifo
	tail -n 1 <<<"$output" | jq -e '.body | .state == "detached" and
		(.ops | startswith("testfifo"))' >/dev/null
	program=$(printf '%064d' 7)
	stream vm '' >in
	exits 1 sched-deploy --target vm --no-history --dry-run <in
	has "$stderr" 'measured 000000000000'
}

@test 'guest external: status, figures, stop, and whoever is killed' {
	local c
	c=$(guest_configuration)
	stream host "$c" -f --slice-us 5000 >in
	stream host "$c" --no-such-flag >unknown
	stream host "$c" --deaf >deaf
	stream host "$c" --fail-after 1500 >fails
	inside <<-'END'
		deploy -n <in >dry
		echo "dry $? $(deployment dry .state) $(state) $(left)"
		deployment dry .program.command
		deploy <unknown >/dev/null 2>words
		echo "unknown $? $(cat words)"

		"${hold[@]}" <in >first &
		held
		echo "attached $(state) $(cat $sysfs/root/ops)"
		sched-deploy status | jq -r '"status " + .body.text'
		jq -r '"record " + .program.command' $record
		deploy --for 1 <in >/dev/null 2>&1
		echo "second $?"
		sched-deploy stop
		echo "stop $? $(state) $(left)"
		wait $!
		echo "holder $? $(deployment first .state)"
		deployment first '"figures \(.stats.queued > 0) \(.stats["queues.local.direct"] > 0) \(.stats.slice_us) \(.stats.name)"'
		deployment first '"said \(.output[-1])"'

		"${hold[@]}" <in >/dev/null 2>&1 &
		held
		kill -9 $!; wait $! 2>/dev/null
		rm -f $record
		becomes disabled
		none_left
		echo "killed $(state) $(left)"

		"${hold[@]}" <in >minder 2>/dev/null &
		held
		kill -9 "$(pgrep hold-external)"
		wait $!
		echo "minder $? $(state) $(left) $(deployment minder '"\(.state): \(.why)"')"

		"${hold[@]}" <in >both 2>/dev/null &
		held
		kill -9 $! "$(pgrep hold-external)"
		rm -f $record
		becomes disabled
		none_left
		echo "both $(state) $(left)"

		"${hold[@]}" <in >program 2>/dev/null &
		held
		kill -9 "$(pgrep scx_testfifo)"
		wait $!
		echo "program $? $(state) $(deployment program '"\(.state): \(.why)"')"

		"${hold[@]}" <in >ejected 2>/dev/null &
		held
		echo S >/proc/sysrq-trigger
		wait $!
		echo "ejected $? $(state) $(deployment ejected '"\(.state): \(.exit_reason) \(.no_stats)"')"

		deploy --for 30 <fails >failed 2>/dev/null
		echo "failed $? $(state) $(deployment failed '"\(.state): \(.exit_message)"')"

		deploy --for 1 <deaf >deafs 2>/dev/null
		echo "deaf $? $(state) $(left) $(deployment deafs .state)"

		deploy -- sh -c "cat $sysfs/root/ops >&2; exit 5" <in >command
		echo "command $? $(deployment command '"\(.state): \(.why)"')"
	END
	has "$output" 'dry 0 dry-run disabled 0'
	has "$output" 'scx_testfifo -f --slice-us 5000'
	has "$output" 'unknown 1 '
	has "$output" "knows no '--no-such-flag'"
	has "$output" 'attached enabled testfifo'
	has "$output" "status the policy 'testfifo"
	has "$output" 'record scx_testfifo -f --slice-us 5000'
	has "$output" 'second 4'
	has "$output" 'stop 0 disabled 0'
	has "$output" 'holder 0 stopped'
	has "$output" 'figures true true 5000 null'
	has "$output" 'said asked to end'
	has "$output" 'killed disabled 0'
	has "$output" 'minder 1 disabled 0 ejected: the scheduler is gone: who'
	has "$output" 'both disabled 0'
	has "$output" 'program 1 disabled ejected: the scheduler is gone: it ended with signal 9'
	has "$output" 'ejected 1 disabled ejected: disabled by sysrq-S'
	has "$output" 'failed 1 disabled ejected: asked to fail'
	has "$output" 'deaf 0 disabled 0 detached'
	has "$output" 'command 5 detached: the command ended with status 5'
}

@test 'guest external: others attach, manage, and a CPU goes' {
	local c
	c=$(guest_configuration)
	stream host "$c" >in
	inside <<-'END'
		scx_testfifo >/dev/null &
		other=$!
		becomes enabled
		deploy <in >/dev/null 2>words
		echo "other $? $(grep -c 'already attached\|is attached' words) $(state)"
		mkdir -p /sys/fs/cgroup/system.slice/scx.service
		echo $other >/sys/fs/cgroup/system.slice/scx.service/cgroup.procs
		deploy <in >/dev/null 2>words
		echo "unit $? $(grep -o 'systemctl stop scx.service' words)"
		sched-deploy stop 2>/dev/null
		echo "untouched $? $(state)"
		kill -INT $other
		wait $other
		becomes disabled

		cp "$(command -v sleep)" /tmp/scx_loader
		/tmp/scx_loader 100 &
		loader=$!
		deploy <in >/dev/null 2>words
		echo "loader $? $(grep -o 'systemctl stop scx_loader' words) $(state)"
		kill -0 $loader && echo "alive"
		kill $loader

		mkdir /tmp/other
		cp "$BUILD/external/scx_testfifo" /tmp/other
		echo >>/tmp/other/scx_testfifo
		PATH=/tmp/other:$PATH deploy <in >/dev/null 2>words
		echo "changed $? $(grep -o 'not the object that was measured' words)"
		rm -r /tmp/other

		"${hold[@]}" <in >cpu 2>/dev/null &
		held
		sleep 11
		echo 0 >/sys/devices/system/cpu/cpu1/online
		sleep 3
		echo "hotplug $(state) $(sched-deploy status --json |
			jq -r '"\(.body.attached.ours) \(.body.attached.program.command)"')"
		sched-deploy stop >/dev/null
		wait $!
		echo "again $? $(deployment cpu '"\(.state) \(.program.restarts) \(.stats.queued > 0)"')"
		echo "end $(state) $(left)"
	END
	has "$output" 'other 4 1 enabled'
	has "$output" 'unit 4 systemctl stop scx.service'
	has "$output" 'untouched 3 enabled'
	has "$output" 'loader 4 systemctl stop scx_loader disabled'
	has "$output" alive
	has "$output" 'changed 1 not the object that was measured'
	has "$output" 'hotplug enabled true scx_testfifo'
	has "$output" 'again 0 stopped 1 true'
	has "$output" 'end disabled 0'
}
