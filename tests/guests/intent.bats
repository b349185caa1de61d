#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rules that people declare, on a real kernel: changed under load, they change
# who gets the CPU.

load ../lib
load ../holder

setup() {
	holder_setup
	stream "$release" "$configuration" '{"queue": "global",
		"order": "vruntime", "slice_us": 5000}' >in
	cat >>common <<-'END'
		rules=$PWD/rules
		install -d -m 755 "$rules"
		# Two who want all of one CPU, known by their names.
		begin() {
			local n
			for n in left right; do
				cp "$(type -P bash)" "./$n"
				taskset -c 0 "./$n" -c 'while :; do :; done' &
				eval "$n=$!"
			done
			sleep 1
		}
		# rule LINE...: at once the only one.
		rule() {
			rm -f "$rules/new"
			printf '%s\n' '[w]' "$@" 'weight = 900' >"$rules/new"
			mv "$rules/new" "$rules/1.conf"
		}
		ticks() {
			local f
			read -ra f <"/proc/$1/stat"
			echo $((f[13] + f[14]))
		}
		# share WHAT: of the left one, from a second after on.
		share() {
			local l r
			sleep 1
			l=$(ticks $left) r=$(ticks $right)
			sleep 4
			l=$(($(ticks $left) - l)) r=$(($(ticks $right) - r))
			echo "$1: $((100 * l / (l + r + 1))) %"
		}
		# follows PID WHAT: explain says that it does, and after how long.
		follows() {
			local t0=${EPOCHREALTIME/./} now
			for ((i = 0; i < 300; i++)); do
				sched-intent explain -d "$rules" "$1" >why &&
					grep -q 'attached follows it' why &&
					break
				read -rt 0.02 -u "$nap"
			done
			now=${EPOCHREALTIME/./}
			echo "$2: seen after $(((now - t0) / 1000)) ms"
			tr -s ' \n' ' ' <why
			echo
		}
	END
}

# between LOW HIGH WHAT: the share of the left one.
between() {
	local n
	n=$(sed -n "s/^$3: \([0-9]*\) %.*/\1/p" <<<"$output")
	[ -n "$n" ] && [ "$n" -ge "$1" ] && [ "$n" -le "$2" ] && return
	printf '%s: %s, want %s to %s\n%s\n' "$3" "$n" "$1" "$2" "$output"
	return 1
}

@test 'guest intent: changed under load, it changes who gets the CPU' {
	inside <<-'END'
		begin
		rule 'command = left'
		deploy --intents "$rules"
		follows $left first; share first
		rule 'command = r?ght'
		follows $right second; share second
		sched-deploy status -j | jq -r '.body.text'
		sched-deploy status -j | jq -c '"in force: \(.body.attached.intents |
			[.generation, .lacking, .rules])"'
		script -qc 'sched-deploy status' /dev/null </dev/null | grep '^rule'
		sched-intent list -d "$rules"
		rule "executable = $PWD/left"
		follows $left file; share file
		# A mistake changes nothing but what its file says.
		printf '[w]\nweight = heavy\n' >"$rules/1.conf"
		printf '[v]\nuser = 0\ncommand = righ*\nweight = 900\n' \
			>"$rules/2.conf"
		follows $right user; share user
		rm "$rules/2.conf"; share none
		kill -TERM $pid; told end
		sched-intent explain -d "$rules" $left; echo "after: $?"
		kill $left $right
	END
	between 75 100 first
	between 0 25 second
	between 75 100 file
	between 0 25 user
	between 35 65 none
	has "$output" 'command left matches left'
	has "$output" 'command r?ght matches right'
	has "$output" 'end: stopped'
	has "$output" 'no policy is attached'
	has "$output" 'in force: [2,0,[{\"name\":\"w\",\"words\":\"command r?ght:'
	has "$output" 'rule     [w] command r?ght: weight 900'
	has "$output" "rules    1 of $PWD/rules since 20"
	has "$output" 'number 2 that it has'
	has "$output" 'the policy that is attached follows them; it has had'
	sed -n 's/.*seen after/# a rule is in force after/p' <<<"$output" >&3
	# It is told at once; a busy machine is given more.
	for ms in $(sed -n 's/.*seen after \([0-9]*\) ms/\1/p' <<<"$output"); do
		[ "$ms" -lt 5000 ]
	done
}

@test 'guest intent: by cgroup and unit, and when it is loaded anew' {
	inside <<-'END'
		begin
		root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
		mkdir -p "$root/a.slice/b.service/c"
		deploy --intents "$rules"
		echo $left >"$root/a.slice/b.service/c/cgroup.procs"
		rule 'cgroup = /a.slice/*/c'
		follows $left path; share path
		echo $left >"$root/cgroup.procs"
		echo $right >"$root/a.slice/b.service/c/cgroup.procs"
		follows $right moved; share moved
		rule 'unit = b.service'
		follows $right unit; share unit
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo "offline: $(anew 2)"
		follows $right again; share again
		kill -TERM $pid; told end
		kill $left $right
	END
	between 75 100 path
	between 0 25 moved
	between 0 25 unit
	has "$output" 'offline: enabled 2 times, now it is enabled'
	between 0 25 again
}

@test 'guest intent: two that compute keep to their cores' {
	inside <<-'END'
		begin
		taskset -pc 0-1 $left >/dev/null
		taskset -pc 0-1 $right >/dev/null
		# elsewhere WHAT: how often each was seen on the other CPU.
		elsewhere() {
			local f l=0 r=0
			sleep 1
			for ((i = 0; i < 100; i++)); do
				read -ra f <"/proc/$left/stat"
				[ "${f[38]}" = "$on" ] || ((l += 1))
				read -ra f <"/proc/$right/stat"
				[ "${f[38]}" = $((1 - on)) ] || ((r += 1))
				read -rt 0.04 -u "$nap"
			done
			echo "$1: $((l > r ? l : r)) %"
		}
		# prefer CPU: of the left one; the right one has the other.
		prefer() {
			on=$1
			printf '%s\n' '[l]' 'command = left' "cores = $on" '[r]' \
				'command = right' "cores = $((1 - on))" >"$rules/new"
			mv "$rules/new" "$rules/1.conf"
		}
		prefer 1
		deploy --intents "$rules"
		follows $left first; elsewhere one
		prefer 0
		follows $left second; elsewhere other
		# Nobody waits beside an idle CPU for a core of its own.
		printf '%s\n' '[a]' 'user = 0' 'cores = 0' >"$rules/1.conf"
		follows $left third
		sleep 1
		l=$(ticks $left) r=$(ticks $right)
		sleep 4
		echo "both: $((($(ticks $left) - l + $(ticks $right) - r) / 4)) %"
		# What the kernel allows comes first.
		taskset -pc 1 $left >/dev/null
		sleep 1
		read -ra f <"/proc/$left/stat"
		echo "pinned: ${f[38]}"
		kill -TERM $pid; told end
		kill $left $right
	END
	has "$output" 'cores 1'
	sed -n 's/^\(one\|other\|both\): /# &/p' <<<"$output" >&3
	between 0 15 one
	between 0 15 other
	between 150 250 both
	has "$output" 'pinned: 1'
	has "$output" 'end: stopped'
}

@test 'guest intent: a folder that comes later counts, too' {
	inside <<-'END'
		begin
		rm -r "$rules"
		deploy --intents "$rules/later"
		sleep 2
		script -qc 'sched-deploy status' /dev/null </dev/null |
			grep '^rule' || echo 'no rules yet'
		sched-intent explain -d "$rules/later" $left | tail -n 2
		mkdir -m 755 "$rules" "$rules/later"
		rules=$rules/later
		rule 'command = left'
		follows $left first; share first
		rm -r "$rules"; share none
		sched-deploy status -j | jq -c '.body.attached.intents.rules'
		kill -TERM $pid; told end
		kill $left $right
	END
	has "$output" 'no rules yet'
	sed -n 's/.*seen after/# a folder is followed after/p' <<<"$output" >&3
	between 75 100 first
	between 35 65 none
	has "$output" '[]'
	has "$output" 'end: stopped'
}
