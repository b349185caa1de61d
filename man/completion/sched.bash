# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion for sched and the sched-* tools.  It asks the tool itself for its
# options, so that it is never out of date.

# The tools next to the program that is being completed.
_schedkit_tools() {
	local program dir tool
	program=$(type -P "$1") || return
	dir=$(dirname "$program")
	for tool in "$dir"/sched-*; do
		[ -x "$tool" ] && echo "${tool##*/sched-}"
	done
}

# The commands of a tool that has some: its help lists them.
_schedkit_commands() {
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# Where the command line of a tool's own command begins: after "--" words are
# completed as if they stood alone.
_schedkit() {
	local cur=${COMP_WORDS[COMP_CWORD]} tool=$1 i first=1 commands
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif [ "$i" = $((COMP_CWORD - 1)) ]; then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
			else
				compopt -o default 2>/dev/null
			fi
			return
		fi
	done
	if [ "${tool##*/}" = sched ]; then
		if [ "$COMP_CWORD" = 1 ] && [[ $cur != -* ]] ||
			[ "$COMP_CWORD,${COMP_WORDS[1]}" = 2,help ]; then
			mapfile -t COMPREPLY < <(compgen -W \
				"help $(_schedkit_tools "$tool")" -- "$cur")
			return
		fi
		if [ "$COMP_CWORD" -gt 1 ]; then
			tool=${tool%sched}sched-${COMP_WORDS[1]}
			first=2
		fi
	fi
	commands=$(_schedkit_commands "$tool")
	if [[ $cur == -* ]]; then
		# Each command has its own.
		local command=()
		[ "$COMP_CWORD" -gt "$first" ] &&
			grep -qxF -- "${COMP_WORDS[first]}" <<<"$commands" &&
			command=("${COMP_WORDS[first]}")
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$tool" "${command[@]}" --list-options 2>/dev/null)" \
			-- "$cur")
	elif [ "$COMP_CWORD" = "$first" ] && [ -n "$commands" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	else
		compopt -o default 2>/dev/null
	fi
}

complete -F _schedkit sched sched-observe sched-synth sched-verify \
	sched-deploy sched-history sched-sim sched-guest sched-doctor \
	sched-agents sched-agentd sched-loop sched-report sched-train sched-intent \
	sched-demand sched-mcp
