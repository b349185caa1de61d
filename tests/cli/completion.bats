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

@test 'completion: help takes every page by its short name' {
	is "$(completes sched help veri)" verify
	is "$(completes sched help evid)" evidence
	is "$(completes sched help schedk)" schedkit
	lacks "$(completes sched help '')" .gz
}

@test 'completion: the argument of an option, by its kind' {
	is "$(completes sched-verify --target v)" vm
	is "$(completes sched-verify -t '' | paste -sd ' ')" 'host vm auto'
	is "$(completes sched-verify --target = v)" vm
	is "$(completes sched-verify --target =)" "$(completes sched-verify -t '')"
	is "$(completes sched verify --target v)" vm
	is "$(completes sched-agents sim --fit b)" best
	is "$(completes sched-history log -k verd)" verdict
	# Of numbers and words of one's own there is nothing to offer.
	is "$(completes sched-verify --pairs '')" ''
	is "$(completes sched-synth --wish '')" ''
	mkdir "$BATS_TEST_TMPDIR/a-folder"
	: >"$BATS_TEST_TMPDIR/a-file"
	cd "$BATS_TEST_TMPDIR"
	is "$(completes sched-intent list --dir a-)" a-folder
	# A flag has none: the options are what comes next.
	is "$(completes sched-verify --halving --seq)" --sequential
}

@test 'completion: a list of words, one after the other' {
	is "$(completes sched-verify --stages bu)" build
	is "$(completes sched-verify --stages lint,bu)" lint,build
	is "$(completes sched-train --target burst,sleep,c)" burst,sleep,class
}

@test 'completion: what the first operand of a command can be' {
	is "$(completes sched-history promote tr)" trusted
	is "$(completes sched agents policy m)" mlfq
	is "$(completes sched-history bisect r | paste -sd ' ')" 'run reset'
	is "$(completes sched-history promote trusted tr)" ''
}

@test 'completion: each row is whole, and says what --help says' {
	local tool kind name help
	for tool in "$BUILD"/bin/* ; do
		"$tool" --list-completion | while IFS= read -r row; do
			kind=$(cut -f 1 <<<"$row")
			case $kind in
			option) is "$(tr -cd '\t' <<<"$row" | wc -c)" 5 ;;
			command | operand) is "$(tr -cd '\t' <<<"$row" | wc -c)" 2 ;;
			*) is "$row" 'a row of a known kind' ;;
			esac
		done
		is "$("$tool" --list-completion | awk -F '\t' \
			'$1 == "option" { print $2 }')" \
			"$("$tool" --list-options)"
	done
	help=$(sched-verify --help)
	sched-verify --list-completion | while IFS=$'\t' read -r kind name _; do
		[ "$kind" != option ] || has "$help" "$name"
	done
}

@test 'completion: after -- the words are a command' {
	is "$(completes sched-observe -- base64)" base64
	is "$(completes sched-observe -- cat --ta)" ''
}

@test 'completion: an unknown tool completes to nothing and says nothing' {
	is "$(completes sched nonesuch --ta 2>&1)" ''
}

# In bash itself, with its own way of breaking words.
@test 'completion: a shell that people type into' {
	needs tmux
	local t=schedkit-$$-$BATS_TEST_NUMBER
	tmux -L $t -f /dev/null new-session -d -x 100 -y 30 \
		"PATH=$PATH bash --norc --noprofile"
	tmux -L $t send-keys "source $TREE/man/completion/sched.bash" Enter
	tmux -L $t send-keys 'sched-verify --target=v' Tab '--stages lint,pro' Tab
	for _ in $(seq 50); do
		sleep 0.2
		tmux -L $t capture-pane -p >"$BATS_TEST_TMPDIR/screen"
		grep -qF 'lint,prove' "$BATS_TEST_TMPDIR/screen" && break
	done
	tmux -L $t kill-server
	has "$(cat "$BATS_TEST_TMPDIR/screen")" \
		'sched-verify --target=vm --stages lint,prove'
}

@test 'completion: every tool is in it' {
	local tool
	for tool in "$BUILD"/bin/*; do
		complete -p "${tool##*/}"
	done
}
