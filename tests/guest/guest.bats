#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-guest on real guests.  A boot costs seconds: many checks share one.

load ../lib

setup() {
	needs_plain_build
	needs_guest
	cd "$BATS_TEST_TMPDIR" || return
}

# The pids of virtiofsd and QEMU below a sched-guest.
parts_of() {
	local cell
	cell=$(pgrep -P "$1") || return
	pgrep -P "$cell"
}

# A guest in the background that is up and sleeps; sets tool and parts.
starts() {
	printf 'echo up\nsleep 1000\n' >commands
	sched-guest -q --each <commands >out 2>err 3>&- &
	tool=$!
	for _ in $(seq 900); do
		if grep -q up out; then
			parts=$(parts_of "$tool")
			is "$(wc -l <<<"$parts")" 2
			return
		fi
		sleep 0.1
	done
	cat err
	return 1
}

gone_within() {
	local limit=$1 p
	for _ in $(seq "$((limit * 10))"); do
		local left=
		for p in $parts; do
			[ ! -d "/proc/$p" ] || left=1
		done
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	ps -f -p "$(echo "$parts" | paste -sd ,)"
	return 1
}

# part NAME: what that one said.
part() {
	awk -v name="$1" '/^== / { on = $2 == name; next } on' rest
}

@test "output, status, folder and user pass through; topology and memory" {
	exits 7 sched-guest -t nodes=2,cores=1,threads=2 -m 512 -r rep -- \
		sh -c 'id -u; pwd; echo to-err >&2
		cat /sys/devices/system/cpu/cpu*/topology/physical_package_id |
			sort -u | wc -l
		cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list
		cat /sys/devices/system/node/node*/cpulist
		awk "/MemTotal/ { print (\$4 > 150000) }" \
			/sys/devices/system/node/node*/meminfo
		exit 7'
	is "$output" "$(id -u)
$PWD
2
0-1
0-1
2-3
1
1"
	is "$stderr" to-err
	is "$(jq -r '.target | .cpus, .memory_mib, .topology' rep |
		paste -sd ' ')" '4 512 nodes=2,cores=1,threads=2'
	has "$(jq -r .target.kernel rep)" 6.18.
}

@test "many commands share a boot, find nothing of each other, and outlive it" {
	local status=0
	sched-guest --each -m 384 --timeout 60 --report rep >out 2>err <<-'END' || status=$?
		echo made > in-cwd; echo made > /dev/shm/in-shm; cat in-cwd
		cat in-cwd /dev/shm/in-shm
		sleep 1000 & setsid sleep 1000 & echo left two
		ps -eo comm | grep -c '^sleep'
		printf 'a\0b\377{"bytes":1}\n'
		head -c 3000000 /dev/zero | tee /dev/stderr
		tail /dev/zero
		echo still there
		echo c > /proc/sysrq-trigger
		echo once more
		tr '\0' '\n' < /proc/self/environ | grep -c SECRET
		exec /no/such/program
	END
	is "$status" 1
	cat err
	is "$(jq -r .outcome rep | paste -sd ' ')" \
		"done done done done done done lost done lost done done done"
	is "$(jq -r .exit_status rep | paste -sd ' ')" \
		"0 1 0 1 0 0 137 0 0 0 1 127"
	has "$(sed -n 7p rep | jq -r .message)" 'ran out of memory: Killed process'
	has "$(sed -n 9p rep | jq -r .message)" 'sysrq triggered crash'
	[ ! -e in-cwd ]
	grep -aq 'once more' out
	[ "$(wc -c <out)" -gt 1048576 ]
}

# One boot: each says its name first, but for what fills all that is kept.
@test "bytes, long outputs, the network, clocks, and files of the host" {
	local before after status
	head -c 300000 /dev/urandom >bytes
	echo safe >victim
	cat >attack <<-'END'
		mkdir /m && mount -t virtiofs root /m && echo mounted
		mount -o remount,rw /m
		v=/m$PWD/victim
		cat $v
		echo hacked > $v
		true > $v
		rm -f $v
		mv $v $v.2
		ln $v $v.3
		chmod 777 $v
		mknod $v.4 b 8 0
		mkdir $v.5
		ln -s x $v.6
		touch /m/tmp/schedkit-guest-was-here
		echo 1 > /m/proc/sys/kernel/panic_on_oops
		for d in /m/dev/vda /m/dev/sda /m/dev/kmsg; do
			head -c 1 $d && echo read $d
		done
		echo mine > victim; cat victim
	END
	status=$(stat -c '%a %h %Y %i' victim)
	before=$(date +%s)
	sched-guest -q --each >out 2>err <<-'END'
		echo == attack; sh attack
		echo == network; ls /sys/class/net; cat /sys/class/net/lo/flags
		echo == clocks; date +%s; a=$(date +%s%N); sleep 2; b=$(date +%s%N); echo $(((b - a) / 1000000))
		yes 1234567 | head -n 400000; echo end
		cat bytes
	END
	after=$(date +%s)

	# Bytes of any kind come back as they were.
	tail -c 300000 out | cmp - bytes
	# The last MiB of a long output is kept.
	head -c -300000 out | tail -c 1048576 >long
	is "$(tail -n 1 long)" end
	is "$(head -c 1048572 long | tr -d '1-7\n' | wc -c)" 0
	head -c -1348576 out >rest

	# Root in the guest cannot write a file of the host.
	is "$(part attack)" 'mounted
safe
mine'
	is "$(cat victim)" safe
	is "$(stat -c '%a %h %Y %i' victim)" "$status"
	is "$(echo victim*)" victim
	[ ! -e /tmp/schedkit-guest-was-here ]
	has "$(cat err)" 'Read-only file system'

	# The guest has no network but its own loopback.
	is "$(part network)" 'lo
0x9'

	# Its clocks go as fast as ours.
	is "$(part clocks | wc -l)" 2
	[ "$(part clocks | head -n 1)" -ge "$before" ]
	[ "$(part clocks | head -n 1)" -le "$after" ]
	[ "$(part clocks | tail -n 1)" -ge 1970 ]
	[ "$(part clocks | tail -n 1)" -le 3500 ]
}

@test "kill -9 leaves no process behind" {
	starts
	kill -9 "$tool"
	gone_within 2
}

@test "SIGTERM while booting" {
	sched-guest -q -- true 2>err 3>&- &
	tool=$!
	until parts=$(parts_of "$tool"); do sleep 0.1; done
	kill -TERM "$tool"
	gone_within 3
	status=0
	wait "$tool" || status=$?
	is "$status" 4
}

@test "SIGTERM ends all within three seconds" {
	starts
	kill -TERM "$tool"
	gone_within 3
	status=0
	wait "$tool" || status=$?
	is "$status" 4
	has "$(cat err)" 'stopped on request'
}

@test "QEMU killed under the command is a lost run" {
	starts
	kill -9 "$(tail -n 1 <<<"$parts")"
	status=0
	wait "$tool" || status=$?
	is "$status" 4
	has "$(cat err)" 'the guest died'
}

# Each command under each policy, in one boot.
@test "a policy is attached for its command only, or refused before it" {
	local status=0
	echo '{"form":"params","title":"t","why":"w","uses":[],"params":{"slice_us":7}}' >bad
	echo '{"form":"params","title":"t","why":"w","uses":[],"params":{}}' >good
	printf '%s\n' 'cat /sys/kernel/sched_ext/state /sys/kernel/sched_ext/root/ops' \
		'sleep 100' >commands
	sched-guest --each --timeout 6 -p bad -p good -r rep <commands >out \
		2>err || status=$?
	is "$status" 1
	is "$(jq -r .outcome rep | paste -sd ' ')" 'refused done refused timeout'
	is "$(head -n 1 out)" enabled
	has "$(sed -n 2p out)" schedkit
	is "$(wc -l <out)" 2
	is "$(sed -n 2p rep | jq -r '.policy.alive, .target.sched_ext' |
		paste -sd ' ')" 'false disabled'
	[ "$(sed -n 2p rep | jq '.policy.counters | add')" -gt 0 ]
	is "$(sed -n 2p rep | jq -r .policy.state_after)" disabled
	is "$(sed -n 2p rep | jq -r '.policy.kernel_log[]' |
		grep -oE 'enabled|disabled' | paste -sd ' ')" 'enabled disabled'
	has "$(cat err)" 'the policy did not load'
	has "$(cat err)" slice_us
	is "$(sed -n 4p rep | jq -r .exit_status)" 143
	has "$(sed -n 4p rep | jq -r .message)" 'did not end within 6 s'
}

@test "an ordinary user has guests too" {
	needs_root
	needs setpriv
	local c=${XDG_CACHE_HOME:-$HOME/.cache}/schedkit
	mkdir -p cache/schedkit work
	cp -r "$c/kernels" "$c/qemu" "$c/virtiofsd" cache/schedkit/ 2>/dev/null ||
		[ -d cache/schedkit/kernels ]
	cp -r "$BUILD/bin" "$BUILD/libexec" "$BUILD/lib" work/
	chown -R daemon: cache work
	local d=$PWD
	while [ "$d" != / ]; do
		[ "$(stat -c %a "$d" | tail -c 2)" -ge 5 ] || chmod o+rx "$d"
		d=$(dirname "$d")
		case $d in /tmp | /var/tmp) break ;; esac
	done
	cd work
	echo '{"form":"params","title":"t","why":"w","uses":[],"params":{}}' >pol
	# People are in groups; virtiofsd would like to leave them.
	exits 0 setpriv --reuid=daemon --regid=daemon --groups=daemon,users \
		env XDG_CACHE_HOME="$BATS_TEST_TMPDIR/cache" HOME="$PWD" \
		bin/sched-guest -p pol -- \
		sh -c 'id -un; cat /sys/kernel/sched_ext/state; touch new; ls /root; true'
	is "$output" 'daemon
enabled'
	has "$stderr" 'Permission denied'
	[ ! -e new ]
}
