#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The completion of zsh, asked in a zsh on a terminal of its own.

load ../lib

setup() {
	needs zsh
	cd "$BATS_TEST_TMPDIR" || return
}

# completes LINE: what <TAB> offers at its end, "WORD -- DESCRIPTION" a line.
completes() {
	zsh -f "$TREE/tests/cli/zsh_complete.zsh" "$TREE/man/completion" "$1"
}

@test 'zsh: options, with what --help says of them' {
	has "$(completes 'sched-verify --ta')" \
		'--target -- host, vm or auto (the default)'
	has "$(completes 'sched verify --ta')" '--target -- host, vm'
	local option all
	all=$(completes 'sched-synth --')
	for option in $(sched-synth --list-options); do
		grep -qE -- "^$option( |=|\$)" <<<"$all" || {
			printf 'lacks %s:\n%s\n' "$option" "$all"
			false
		}
	done
}

@test 'zsh: tools with their purposes, commands, and options of a command' {
	has "$(completes 'sched obs')" 'observe -- watch how a workload'
	has "$(completes 'sched ')" 'help -- '
	has "$(completes 'sched-history lo')" 'log -- '
	has "$(completes 'sched-sim run --mach')" '--machine -- '
	is "$(completes 'sched-history show --work')" ''
}

@test 'zsh: arguments by their kind' {
	is "$(completes 'sched-verify --target ' | sort | paste -sd ' ')" \
		'auto host vm'
	is "$(completes 'sched-verify --target=v')" vm
	is "$(completes 'sched-verify -t v')" vm
	is "$(completes 'sched-verify --stages lint,bu')" build
	mkdir a-folder
	: >a-file
	is "$(completes 'sched-intent list --dir a-')" a-folder
	is "$(completes 'sched-synth --record a-fi')" a-file
	is "$(completes 'sched-verify --pairs ')" ''
	is "$(completes 'sched-history promote tr')" trusted
}

@test 'zsh: pages of the manual, and commands after --' {
	is "$(completes 'sched help evid')" evidence
	has "$(completes 'sched-observe -- base64')" base64
}

@test 'zsh: its own builtin keeps its completion until it is disabled' {
	KEEP=1 completes 'sched -' >own
	completes 'sched -' >ours
	has "$(cat ours)" '--command'
	lacks "$(cat own)" '--command'
}

@test 'zsh: every tool is in it' {
	local tool
	for tool in "$BUILD"/bin/*; do
		has " $(head -n 1 "$TREE/man/completion/_schedkit") " " ${tool##*/} "
	done
}
