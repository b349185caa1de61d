#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-deploy in a real guest, from without and, as on a host, from within.

load ../lib

setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
	release=$("$BUILD/libexec/schedkit/fetch-guest" --print 6.18 |
		awk -F '\t' '$1 == "release" { print $2 }')
}

# stream TARGET KERNEL [MORE]: signed by a key that is made for it.
stream() {
	local p v
	p=$(doc policy '{"form": "params", "title": "t", "why": "w",
		"uses": [], "params": {"queue": "global"}}')
	v=$(doc verdict "{\"policy\": \"$(doc_id <<<"$p")\", \"workload\": \"w\",
		\"decision\": \"accepted\", \"why\": \"w\",
		\"target\": \"$1\", \"kernel\": \"$2\",
		\"object_sha256\": \"$object\", \"stages\": [],
		\"metrics\": []${3:-}}")
	vouched "$p" "$v"
}

# deployment FILTER: true of the body of the last document in $output.
deployment() {
	tail -n 1 <<<"$output" | jq -e ".body | $1" >/dev/null && return
	printf 'not so: %s\n%s\n' "$1" "$output"
	return 1
}

@test 'guest deploy: a dry run attaches, reads back, detaches' {
	stream vm "$release" >in
	exits 0 sched-deploy --target vm --dry-run <in
	deployment '.state == "dry-run" and .target == "vm" and
		(.ops | startswith("schedkit_")) and
		.counters.direct + .counters.queued > 0'
	is "$(sched-history log | wc -l)" 3
}

@test 'guest deploy: a command under the policy, its status passed on' {
	stream vm "$release" >in
	exits 7 sched-deploy --target vm -- \
		sh -c 'cat /sys/kernel/sched_ext/root/ops; exit 7' <in
	# shellcheck disable=SC2154
	has "$stderr" schedkit_
	deployment '.state == "detached" and .held_us > 0'
}

@test 'guest deploy: a verdict for another kernel' {
	stream vm 6.18.1 >in
	exits 1 sched-deploy --target vm --dry-run <in
	has "$stderr" 'is for kernel 6.18.1'
	deployment '.state == "refused"'
	# The same release, otherwise configured.
	stream vm "$release" ", \"configuration\": \"$(printf '%064d' 7)\"" >in
	exits 1 sched-deploy --target vm --dry-run <in
	has "$stderr" 'another build or configuration'
}

@test 'guest deploy: hold, status, a second one, kill -9, stop, ejection' {
	local configuration
	configuration=$(guest_configuration)
	stream host "$release" ", \"configuration\": \"$configuration\"" >in
	cp "$XDG_CONFIG_HOME/schedkit/keys/signing.pub" .
	cat >inside <<-'END'
		export PATH=$BUILD/bin:$PATH XDG_STATE_HOME=/tmp/state
		export XDG_CONFIG_HOME=/tmp/config
		sched-deploy -t host --no-history <in 2>&1 >/dev/null |
			grep 'not trusted'
		mkdir -p /tmp/config/schedkit/keys
		cp signing.pub /tmp/config/schedkit/keys
		sysfs=/sys/kernel/sched_ext
		becomes() {
			for i in {1..150}; do
				[ "$(cat $sysfs/state)" = "$1" ] && return
				sleep 0.1
			done
		}
		# The record is written after the kernel says so.
		held() {
			for i in {1..150}; do
				[ -e /run/schedkit/deployment.json ] && return
				sleep 0.1
			done
		}
		sched-deploy -t host <in >first &
		becomes enabled; held
		echo "attached $(cat $sysfs/state) $(cat $sysfs/root/ops)"
		sched-deploy status | jq -r '"status " + .body.text'
		sched-deploy -t host --for 1 <in >/dev/null 2>&1
		echo "second $?"
		kill -9 $!; wait $! 2>/dev/null
		becomes disabled
		echo "killed $(cat $sysfs/state)"
		sched-deploy status | jq -r '"status " + .body.text'
		rm -f /run/schedkit/deployment.json

		sched-deploy -t host <in >stopped &
		becomes enabled; held
		sched-deploy stop
		echo "stop $?"
		wait $!
		echo "holder $? $(tail -n 1 stopped | jq -r .body.state) $(cat $sysfs/state)"

		sched-deploy -t host -- sh -c "cat $sysfs/state >&2; exit 5" <in >command
		echo "command $? $(tail -n 1 command | jq -r .body.state)"

		sched-deploy -t host <in >ejected &
		becomes enabled; held
		echo S >/proc/sysrq-trigger
		wait $!
		echo "ejected $? $(tail -n 1 ejected | jq -r .body.state) $(cat $sysfs/state)"
		sched-history log | jq -r .body.state | grep -v null | paste -sd ' '
	END
	exits 0 sched-guest -q -- bash inside
	has "$output" 'which is not trusted here'
	has "$output" 'attached enabled schedkit_'
	has "$output" 'is attached, held by sched-deploy (process '
	has "$output" 'second 4'
	has "$output" 'killed disabled'
	has "$output" 'status no policy is attached'
	has "$output" 'stop 0'
	has "$output" 'holder 0 stopped disabled'
	has "$output" 'command 5 detached'
	has "$output" 'ejected 1 ejected disabled'
	# All of it is in the history, the one that was killed, too.
	has "$output" 'ejected attached detached attached stopped attached attached'
}
