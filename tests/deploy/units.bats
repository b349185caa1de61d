#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The system's services under a real service manager: in a guest whose kernel
# has sched_ext, systemd is started, as the first process of a name space of its
# own, with our units and few of its own.  A machine that is switched off is one
# whose name space is killed.

load ../lib
load ../story

setup() {
	needs systemctl
	[ -x /lib/systemd/systemd ] || skip 'needs systemd'
	story_setup
	MAKEFLAGS='' make -s -C "$TREE" BUILD="${BUILD#"$TREE"/}" \
		DESTDIR="$PWD/dest" PREFIX=/opt/schedkit install
	mkdir -p units
	local u
	for u in basic sysinit multi-user shutdown local-fs sockets paths timers \
		slices umount; do
		cp "/lib/systemd/system/$u.target" units/
	done
	cp -r dest/opt/schedkit/lib/systemd/system/* units/
	# A service that is killed is to come back soon here, and what it says
	# to be read.
	sed -i 's/^RestartSec=.*/RestartSec=1/' units/schedkit-*.service
	sed -i 's,^StandardError=.*,StandardError=append:/run/units.log,' \
		units/schedkit-.service.d/*.conf
	cat >>inside <<-'END'
		# What the services said.
		trap 'cat /run/units.log >&2' EXIT
		mkdir -p /opt/schedkit /etc/schedkit/keys.d /etc/systemd/system
		mount --bind dest/opt/schedkit /opt/schedkit
		mount -t tmpfs tmpfs /etc/systemd/system
		mount -t tmpfs -o mode=700 tmpfs /var/lib
		mkdir -m 700 /var/lib/schedkit
		mountpoint -q /sys/fs/cgroup ||
			mount -t cgroup2 cgroup2 /sys/fs/cgroup
		: >/etc/machine-id
		# Services, and we, have the system's history.
		unset XDG_STATE_HOME
		unit=schedkit-deploy@w.service
		export SYSTEMD_UNIT_PATH=$PWD/units:/etc/systemd/system
		# Nothing of what this machine mounts.
		mkdir -p /run/none
		export SYSTEMD_GENERATOR_PATH=/run/none SYSTEMD_IGNORE_CHROOT=1
		# The manager hears those alone whose process it can see.
		beside() {
			nsenter -t "$(pgrep -P $manager)" --pid --mount --root \
				"$@"
		}
		systemctl() {
			beside systemctl "$@"
		}

		# Until the manager has started what is enabled.
		boot() {
			local i
			container=test unshare --pid --fork --mount-proc \
				/lib/systemd/systemd --system \
				--unit=multi-user.target --show-status=no \
				--log-target=kmsg &
			manager=$!
			sleep 0.5
			for ((i = 0; i < 300; i++)); do
				[ "$(systemctl is-active multi-user.target \
					2>/dev/null)" != active ] || return 0
				sleep 0.1
			done
			echo "never booted"
			dmesg | tail -n 40
			exit 1
		}
		power_off() {
			kill -9 "$(pgrep -P $manager)"
			wait $manager 2>/dev/null
			becomes disabled
			rm -rf /run/systemd /run/schedkit
		}
		# turns PROPERTY VALUE: the unit's, soon.
		turns() {
			local i
			for ((i = 0; i < 300; i++)); do
				[ "$(systemctl show -P "$1" $unit)" != "$2" ] ||
					return 0
				sleep 0.1
			done
			echo "never $1 $2 but $(systemctl show -P "$1" $unit)"
			tail -n 20 /run/units.log
		}
		# trust SLICE [KERNEL]: by the system, for the workload w.
		trust() {
			local state
			story "$1" w "${2:-}" | sched-history add >/dev/null
			install -m 644 $XDG_CONFIG_HOME/schedkit/keys/*.pub \
				/etc/schedkit/keys.d/
			for state in candidate canary trusted; do
				sched-history promote $state -w w --force \
					"$(policy "$1" | doc_id)" >/dev/null
			done
		}
	END
}

@test 'guest units: what is enabled is there after a boot, and nothing else' {
	cat >>inside <<-'END'
		trust 5000
		boot
		sleep 2
		echo "not enabled: $(cat $sysfs/state)"
		systemctl enable $unit 2>/dev/null
		power_off
		boot
		becomes enabled 5000
		turns SubState running
		echo "enabled: $(systemctl show -P ActiveState $unit)"
		echo "whose: $(beside sched-deploy status |
			jq -c '.body.attached | [.ours, .by.user, .title]')"
		pid=$(systemctl show -P MainPID $unit)
		echo "can: $(beside sed -n 's/^CapBnd:\t//p' /proc/$pid/status)"
		power_off
		# Another kernel was booted: what was measured is for the old one.
		trust 7000 6.18.1
		boot
		turns ActiveState failed
		echo "updated: $(systemctl show -P ExecMainStatus $unit)" \
			"$(systemctl show -P NRestarts $unit)" \
			"$(cat $sysfs/state)"
		echo "why: $(grep -o 'is for kernel 6.18.1' /run/units.log |
			head -n 1)"
		power_off
	END
	go
	told 'not enabled' disabled
	told enabled active
	told whose '[true,"root","slice 5000"]'
	# CAP_SYS_NICE, CAP_PERFMON and CAP_BPF.
	told can 000000c000800000
	told updated '1 0 disabled'
	told why 'is for kernel 6.18.1'
}

@test 'guest units: comes back, gives up, lets go, disturbs nobody' {
	cat >>inside <<-'END'
		trust 5000
		boot
		systemctl start $unit
		becomes enabled 5000
		turns SubState running
		systemctl kill -s KILL --kill-who=main $unit
		becomes disabled
		turns NRestarts 1
		becomes enabled
		echo "again: $(systemctl show -P Result $unit)"
		systemctl kill -s KILL --kill-who=main $unit
		turns NRestarts 2
		becomes enabled
		systemctl kill -s KILL --kill-who=main $unit
		turns ActiveState failed
		becomes disabled
		echo "limit: $(systemctl show -P NRestarts $unit)"
		systemctl reset-failed $unit

		systemctl start $unit
		becomes enabled
		systemctl stop $unit
		echo "stopped: $(systemctl show -P Result $unit)" \
			"$(cat $sysfs/state)"
		sched-history log -k deployment | jq -r .body.state | sort -u |
			paste -sd ' ' | sed 's/^/history: /'

		# Somebody is at work.
		story 7000 w | sched-deploy -t host --no-history >/dev/null 2>&1 &
		held 7000
		systemctl start $unit
		turns NRestarts 1
		turns ActiveState failed
		echo "busy: $(systemctl show -P ExecMainStatus $unit)" \
			"$(sched-deploy status | jq -r .body.attached.title)"
		sched-deploy stop >/dev/null
		systemctl reset-failed $unit

		# Root's own key is none of the system's.
		mv /etc/schedkit/keys.d/*.pub .
		systemctl start $unit
		turns ActiveState failed
		echo "key: $(systemctl show -P ExecMainStatus $unit)" \
			"$(grep -o 'is not trusted' /run/units.log | head -n 1)"
		power_off
	END
	go
	told again success
	told limit 3
	told stopped 'success disabled'
	told history 'attached stopped'
	told busy '4 slice 7000'
	told key '1 is not trusted'
}
