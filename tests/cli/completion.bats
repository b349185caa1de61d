#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The bash completion, asked as bash asks it.

load ../lib

setup() {
	# shellcheck source=man/completion/sched.bash
	source "$TREE/man/completion/sched.bash"
}

# completes WORD...: what <TAB> offers after the last word, one per line.
completes() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	# Installed completions are called by the command's name, too.
	complete -p "$1" >/dev/null
	_schedkit "$1" "${!#}" "${*: -2:1}"
	printf '%s\n' "${COMPREPLY[@]}"
}

@test 'completion: a long option from its beginning' {
	is "$(completes sched-observe --ta)" --target
}

@test 'completion: the options are those of the tool' {
	is "$(completes sched-synth -)" "$(sched-synth --list-options)"
}

@test 'completion: sched knows its tools' {
	is "$(completes sched obs)" observe
	has "$(completes sched '')" doctor
	has "$(completes sched '')" help
}

@test 'completion: sched observe has the options of sched-observe' {
	is "$(completes sched observe --ta)" --target
}

@test 'completion: a tool knows its commands, and each its options' {
	is "$(completes sched-sim e | sort | paste -sd ' ')" 'exec export'
	is "$(completes sched sim ru)" run
	is "$(completes sched-history lo)" log
	is "$(completes sched-sim run -)" "$(sched-sim run --list-options)"
	is "$(completes sched sim exec --m)" --mem
}

@test 'completion: help takes a tool' {
	is "$(completes sched help ver)" verify
}

@test 'completion: after -- the words are a command' {
	is "$(completes sched-observe -- base64)" base64
	is "$(completes sched-observe -- cat --ta)" ''
}

@test 'completion: an unknown tool completes to nothing and says nothing' {
	is "$(completes sched nonesuch --ta 2>&1)" ''
}

@test 'completion: every tool is in it' {
	local tool
	for tool in "$BUILD"/bin/*; do
		complete -p "${tool##*/}"
	done
}
