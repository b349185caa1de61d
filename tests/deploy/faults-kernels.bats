#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: the kernel cannot take a policy.  make check-faults.

load ../lib
load ../faults

setup_file() {
	[ -z "$(faults_lack)" ] || return 0
	faults_setup
	# One without sched_ext, where there is none at hand but this host's.
	if [ -d /sys/kernel/sched_ext ]; then
		echo 'skipped no-sched_ext this kernel has it' >>said
	else
		release=$(uname -r) configuration=$(sched-deploy status |
			jq -r .body.configuration) \
			stream_of real "$BUILD/lib/schedkit/policy.bpf.o" >host.in
		host_case >>said
	fi
	faults_in_guest <<-'END'
		btf=/sys/kernel/btf/vmlinux
		cat $btf >$here/btf

		# without FILE: that in place of what the kernel says of its types.
		without() {
			mount --bind $1 $btf
			refusal
			said+=" $(sched-deploy status | jq -r .body.text)"
			umount $btf
			end refused "$said"
		}

		fault no-btf
		: >$here/empty
		without $here/empty

		fault cut-btf
		head -c 100000 $here/btf >$here/cut
		without $here/cut

		# As on kernels 7.1 and 7.2: a function that is called is not there.
		fault function-not-in-btf
		sed 's/\x00scx_bpf_create_dsq\x00/\x00scx_bpf_create_dsx\x00/' \
			<$here/btf >$here/without
		cmp -s $here/btf $here/without && wrong 'it is there as it was'
		without $here/without

		fault no-bpf-calls
		setpriv --bounding-set=-bpf,-sys_admin,-perfmon \
			--inh-caps=-bpf,-sys_admin,-perfmon \
			sched-deploy -t host --for 5 <$in >out 2>err &
		pid=$!
		clock
		finished
		end refused "status $rc: $(head -n 1 err)"
	END
}

# What inside.sh would say of a deployment on this very kernel.
host_case() {
	local t0=${EPOCHREALTIME/./} rc=0 wrong=''
	export SCHEDKIT_RUN=$PWD/run SCHEDKIT_HISTORY=$PWD/h
	sched-deploy --target host --for 1 <host.in >out 2>err || rc=$?
	echo "case no-sched_ext $(((${EPOCHREALTIME/./} - t0) / 1000)) refused" \
		"status $rc: $(head -n 1 err)"
	[ "$(sched-deploy status | jq -r .body.text)" = \
		'this kernel has no sched_ext' ] || wrong+='status '
	git -C h fsck --strict --no-dangling >fsck 2>&1 || wrong+='history '
	! pgrep -u "$(id -u)" -P $$ -x 'sched-deploy|load-policy' >/dev/null ||
		wrong+='processes '
	if [ -n "$wrong" ]; then
		echo "wrong no-sched_ext $wrong"
	else
		echo 'sound no-sched_ext'
	fi
}

@test 'fault: no-sched_ext' {
	shown no-sched_ext
}

@test 'fault: no-btf' {
	shown no-btf
}

@test 'fault: cut-btf' {
	shown cut-btf
}

@test 'fault: function-not-in-btf' {
	shown function-not-in-btf
}

@test 'fault: no-bpf-calls' {
	shown no-bpf-calls
}
