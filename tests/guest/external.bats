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
	printf '%s\n' "$p" "$v" |
		sched-verify --json --sign "$(doc_id <<<"$v")" 2>/dev/null |
		sed 2d
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
		deploy() {
			sched-deploy -t host --no-history "$@"
		}
		# deployment FILE FILTER: of the last one there.
		deployment() {
			tail -n 1 "$1" | jq -r ".body | $2"
		}
		left() {
			pgrep -c 'scx_testfifo|hold-external'
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
	timeout 200 sched-guest -q -- bash -c 'bash script >said 2>&1' || {
		printf 'the script ended with %d\n' $?
		cat said
		return 1
	}
	output=$(cat said)
}

configuration() {
	sched-guest -q -- "$BUILD/bin/sched-deploy" status --json |
		jq -r .body.configuration
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

@test 'guest external: others attach, manage, and a CPU goes' {
	local c
	c=$(configuration)
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

		deploy <in >cpu 2>/dev/null &
		held
		sleep 11
		echo 0 >/sys/devices/system/cpu/cpu1/online
		sleep 3
		echo "hotplug $(state)"
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
	has "$output" 'hotplug enabled'
	has "$output" 'again 0 stopped 1 true'
	has "$output" 'end disabled 0'
}
