# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For tests of the canary as on a host: in a guest that is at work.

setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
	release=$("$BUILD/libexec/schedkit/fetch-guest" --print 6.18 |
		awk -F '\t' '$1 == "release" { print $2 }')
	echo "export BUILD=$BUILD" >inside
	prelude >>inside
}

# stream PARAMS [TARGET MORE]: a policy that was measured in a guest, or on a host
# of this configuration, and signed.
stream() {
	local p v
	p=$(doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\": \"w\",
		\"uses\": [], \"params\": $1}")
	v=$(doc verdict "{\"policy\": \"$(doc_id <<<"$p")\", \"workload\": \"w\",
		\"decision\": \"accepted\", \"why\": \"w\",
		\"target\": \"${2:-vm}\", \"kernel\": \"$release\",
		\"object_sha256\": \"$object\", \"stages\": [],
		\"metrics\": []${3:-}}")
	vouched "$p" "$v"
	cp "$XDG_CONFIG_HOME/schedkit/keys/signing.pub" .
}

# The beginning of a script for the guest: keys, a cgroup with more to do than
# there are CPUs, and what there is to ask.
prelude() {
	cat <<-'END'
		export PATH=$BUILD/bin:$PATH XDG_STATE_HOME=/tmp/state
		export XDG_CONFIG_HOME=/tmp/config
		mkdir -p /tmp/config/schedkit/keys /sys/fs/cgroup/work
		cp signing.pub /tmp/config/schedkit/keys
		for i in {1..5}; do
			$BUILD/workloads/burn --idle &
			echo $! >/sys/fs/cgroup/work/cgroup.procs
		done
		# How many tasks have the policy SCHED_EXT: the 41st word.
		ext() {
			sed 's/.*) //' /proc/[0-9]*/task/*/stat 2>/dev/null |
				awk '$39 == 7' | wc -l
		}
		canary() {
			sched-deploy -t host --no-history --canary "$@"
		}
		# Nobody has SCHED_EXT any more, and no policy is attached: how
		# long that took, at most 10 s.
		cleared() {
			for i in {0..100}; do
				[ "$(ext) $(cat /sys/kernel/sched_ext/state)" = \
					'0 disabled' ] && break
				sleep 0.1
			done
			echo "$1: $(ext) $(cat /sys/kernel/sched_ext/state)"
		}
		# The end of one, and what is left of it.
		told() {
			tail -n 1 out | jq -r '.body | "\(.state) \(.canary.decision
				): \(.why)"'
			echo "left $(ext) $(cat /sys/kernel/sched_ext/state)"
		}
	END
}

inside() {
	cat >>inside
	exits 0 sched-guest -q --cpus 2 --timeout 200 -- bash inside
}
