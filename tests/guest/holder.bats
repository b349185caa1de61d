#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What becomes of a policy when those who hold it do not hold it any more, and
# who may have one loaded at all.

load ../lib
load ../holder

setup() {
	holder_setup
}

@test 'guest holder: killed or stopped, the kernel has its own scheduler back' {
	inside <<-'END'
		deploy; kill -9 $pid; becomes disabled
		echo "deployer killed: $(within 3000)"; wait $pid 2>/dev/null

		deploy; kill -STOP $pid; becomes disabled
		echo "deployer stopped: $(within 3000)"
		kill -CONT $pid; told 'deployer went on'

		deploy; kill -9 $(holder); becomes disabled
		echo "holder killed: $(within 3000)"
		told 'holder was killed'

		deploy; h=$(holder); kill -STOP $h; becomes disabled
		echo "holder stopped: $(within 3000)"
		kill -CONT $h; told 'holder went on'

		deploy; h=$(holder); kill -STOP $pid $h; becomes disabled
		echo "both stopped: $(within 3000)"
		kill -9 $pid $h; wait $pid 2>/dev/null

		deploy; kill -TERM $pid; told asked
		# It beats for as long as it takes.
		deploy; sleep 6; echo "held: $(cat $sysfs/state)"
		kill -TERM $pid; wait $pid
	END
	has "$output" 'deployer killed: yes'
	has "$output" 'deployer stopped: yes'
	has "$output" 'deployer went on: ejected: the kernel dropped the policy: this process did not beat in time'
	has "$output" 'holder killed: yes'
	has "$output" 'the process that held the policy was ended'
	has "$output" 'holder stopped: yes'
	has "$output" 'holder went on: ejected: the kernel dropped the policy: its holder has not beaten for 2000 ms'
	has "$output" 'both stopped: yes'
	has "$output" 'asked: stopped: asked to stop disabled'
	has "$output" 'held: enabled'
}

@test 'guest holder: a CPU goes and comes, and it is loaded anew' {
	inside <<-'END'
		deploy
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo "offline: $(anew 2)"
		echo 1 >/sys/devices/system/cpu/cpu1/online
		echo "online: $(anew 3)"
		sleep 1
		kill -TERM $pid; told asked
		tail -n 1 out | jq -r '.body.restarts[]'
	END
	has "$output" 'offline: enabled 2 times, now it is enabled'
	has "$output" 'online: enabled 3 times, now it is enabled'
	has "$output" 'asked: stopped: asked to stop disabled'
	has "$output" 'cpu 1 going offline'
	has "$output" 'cpu 1 going online'
}

@test 'guest holder: pinned, it needs nobody' {
	inside <<-'END'
		[ "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs ] ||
			mount -t bpf bpf /sys/fs/bpf
		sched-deploy -t host --no-history --pin <in >out 2>err
		echo "pinned $? $(tail -n 1 out | jq -c '.body | [.state, .pinned]')"
		sleep 3
		echo "alone: $(cat $sysfs/state) $(pgrep -c load-policy)"
		sched-deploy -t host --no-history --for 1 <in >/dev/null 2>second
		echo "second $? $(cat second)"
		tell() {
			echo "$1: $(sched-deploy status -j | jq -c "[.body | $2]")"
		}
		tell whose '.attached.ours, .attached.kept, .holder.pinned, .well,
			(.text | sub("\\x27.*\\x27"; "P")), .last'
		echo 0 >/sys/devices/system/cpu/cpu1/online
		becomes disabled
		tell dropped '.attached, .holder, .well, .last.state, .last.pinned'
		sched-deploy -t host --no-history --pin <in >out 2>err
		echo "again $? $(cat err)"
		tell counted '.ended.ejected, .attached.ours, .last.state'
		sched-deploy stop; echo "stop $? $(cat $sysfs/state)"
		tell stopped '.attached, .last.state, .last.why, .ended.stopped'
		sched-deploy stop; echo "twice $?"
		ls /sys/fs/bpf
		mount -t tmpfs none /sys/fs/bpf
		sched-deploy -t host --no-history --pin <in >out 2>err
		echo "no file system $? $(cat $sysfs/state) $(cat err)"
	END
	has "$output" 'pinned 0 ["attached",true]'
	has "$output" 'alone: enabled 0'
	has "$output" 'second 4'
	has "$output" 'whose: [true,"pinned",true,true,"the policy P is attached, pinned by sched-deploy",null]'
	has "$output" 'dropped: [null,null,false,"ejected",true]'
	has "$output" $'again 0 \ncounted: [1,true,"ejected"]'
	has "$output" 'stop 0 disabled'
	has "$output" 'stopped: [null,"stopped","asked to stop",1]'
	has "$output" 'twice 1'
	has "$output" 'no file system 1 disabled'
	has "$output" 'has to be mounted'
}

@test 'guest holder: without privilege, by a program that has some' {
	needs setcap
	needs setpriv
	inside <<-'END'
		mkdir -p /tmp/etc/schedkit/keys.d /tmp/k
		cp /etc/passwd /etc/group /etc/ld.so.cache /tmp/etc
		mount --bind /tmp/etc /etc
		# Where capabilities of files count.
		mount -t tmpfs -o mode=755 none /tmp/k
		for f in bin/sched-deploy libexec/schedkit/load-policy \
			lib/schedkit/policy.bpf.o; do
			install -D "$BUILD/$f" /tmp/k/$f
		done
		chmod -R go+rX /tmp/config
		cp in /tmp/in
		export PATH=/tmp/k/bin:$PATH SCHEDKIT_RUN=/tmp/run
		install -d -o 65534 -g 65534 /tmp/run /tmp/state /tmp/own
		as() {
			setpriv --reuid=65534 --regid=65534 --clear-groups \
				--inh-caps=-all "$@"
		}
		try() {
			as sched-deploy -t host --no-history "$@" </tmp/in \
				>/tmp/own/out 2>/tmp/own/err
			echo "$? $(cat /tmp/own/err)"
		}
		echo "none: $(try -n)"
		setcap cap_bpf,cap_perfmon+ep \
			/tmp/k/libexec/schedkit/load-policy
		# Its own key is not the machine's.
		echo "own key: $(try -n)"
		cp signing.pub /etc/schedkit/keys.d
		echo "dry: $(try -n)"
		as sched-deploy -t host --no-history --for 4 </tmp/in \
			>/tmp/own/out 2>/tmp/own/err &
		becomes enabled
		sleep 1
		p=$(pgrep -x load-policy)
		grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$p/status
		echo "while: $(cat $sysfs/root/ops)"
		wait
		tail -n 1 /tmp/own/out | jq -r '.body | .state + " " + .why'
		echo "after: $(cat $sysfs/state)"
		# The preloaded library is not asked.
		echo "policy $(head -c 64 /dev/zero | tr '\0' 0) x" >/etc/schedkit/keys.d/revoked
		echo "key $(sed -n 's/^key //p' signing.pub) lost" >>/etc/schedkit/keys.d/revoked
		as env XDG_CONFIG_HOME=/tmp/nothing sched-deploy -t host \
			--no-history -n </tmp/in 2>&1 >/dev/null | head -n 1
	END
	has "$output" 'none: 3'
	has "$output" 'own key: 1'
	has "$output" 'which is not trusted here'
	has "$output" 'dry: 0'
	has "$output" $'CapPrm:\t0000000000000000'
	has "$output" $'CapEff:\t0000000000000000'
	has "$output" $'NoNewPrivs:\t1'
	has "$output" $'Seccomp:\t2'
	has "$output" 'while: schedkit_'
	has "$output" 'detached the time is over'
	has "$output" 'after: disabled'
	has "$output" 'is revoked (lost)'
}
