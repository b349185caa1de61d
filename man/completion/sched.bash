# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion for sched and the sched-* tools.  It asks the tool itself for its
# options, commands and their arguments, so that it is never out of date.

# The tools next to the program that is being completed.
_schedkit_tools() {
	local program dir tool
	program=$(type -P "$1") || return
	dir=$(dirname "$program")
	for tool in "$dir"/sched-*; do
		[ -x "$tool" ] && echo "${tool##*/sched-}"
	done
}

# The pages of the manual next to it, by their short names.
_schedkit_pages() {
	local program
	program=$(type -P "$1") || return
	(cd "$(dirname "$program")/../share/man" 2>/dev/null &&
		printf '%s\n' man[157]/sched*) |
		sed -E 's,^man[157]/,,; s/(\.[157])?(\.gz)?$//
			s/^sched(kit)?-//' | sort -u
}

# What a tool, or a command of it, says of itself: rows with tabs between.
_schedkit_rows() {
	"$@" --list-completion 2>/dev/null
}

# _schedkit_names KIND <ROWS: their second fields.
_schedkit_names() {
	awk -F '\t' -v kind="$1" '$1 == kind { print $2 }'
}

# _schedkit_offer KIND ARG CUR: what an argument may be.
_schedkit_offer() {
	local kind=${1%\*} arg=$2 cur=$3 before=
	case $kind in
	one)
		mapfile -t COMPREPLY < <(compgen -W "${arg//|/ }" -- "$cur")
		;;
	many)
		[[ $cur != *,* ]] || before=${cur%,*},
		mapfile -t COMPREPLY < <(compgen -P "$before" \
			-W "${arg//,/ }" -- "${cur##*,}")
		compopt -o nospace 2>/dev/null
		;;
	dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		compopt -o filenames 2>/dev/null
		;;
	program) mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u) ;;
	file) compopt -o default 2>/dev/null ;;
	esac
}

# _schedkit_argument ROWS: when the word is the argument of the option before
# it, that is completed.
_schedkit_argument() {
	local cur=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) name letter
	local row kind arg
	# Of --target=v the shell has made three words.
	if [ "$cur" = = ]; then
		cur=
	elif [ "${COMP_WORDS[at]}" = = ]; then
		at=$((at - 1))
	fi
	[[ $at -ge 1 && ${COMP_WORDS[at]} == -* ]] || return
	# Tabs next to each other would be one to read.
	while IFS=$'\x1f' read -r row name letter kind arg _; do
		[ "$row" = option ] && [ "$kind" != flag ] || continue
		case ${COMP_WORDS[at]} in
		"$name" | "${letter:-$name}")
			_schedkit_offer "$kind" "$arg" "$cur"
			return 0
			;;
		esac
	done < <(tr '\t' '\037' <<<"$1")
	return 1
}

# Where the command line of a tool's own command begins: after "--" words are
# completed as if they stood alone.
_schedkit() {
	local cur=${COMP_WORDS[COMP_CWORD]} tool=$1 i first=1
	local rows commands kind arg
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif [ "$i" = $((COMP_CWORD - 1)) ]; then
				_schedkit_offer program '' "$cur"
			else
				compopt -o default 2>/dev/null
			fi
			return
		fi
	done
	if [ "${tool##*/}" = sched ]; then
		if [ "$COMP_CWORD" = 1 ] && [[ $cur != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W \
				"help $(_schedkit_tools "$tool")" -- "$cur")
			return
		fi
		if [ "$COMP_CWORD,${COMP_WORDS[1]}" = 2,help ]; then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_schedkit_pages "$tool")" -- "$cur")
			return
		fi
		if [ "$COMP_CWORD" -gt 1 ] && [[ ${COMP_WORDS[1]} != -* ]]; then
			tool=${tool%sched}sched-${COMP_WORDS[1]}
			first=2
		fi
	fi
	rows=$(_schedkit_rows "$tool")
	commands=$(_schedkit_names command <<<"$rows")
	# Each command has its own.
	if [ "$COMP_CWORD" -gt "$first" ] &&
		grep -qxF -- "${COMP_WORDS[first]}" <<<"$commands"; then
		rows=$(_schedkit_rows "$tool" "${COMP_WORDS[first]}")
		first=$((first + 1))
		commands=
	fi
	_schedkit_argument "$rows" && return
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_schedkit_names option <<<"$rows")" -- "$cur")
	elif [ "$COMP_CWORD" = "$first" ] && [ -n "$commands" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	elif [ "$COMP_CWORD" = "$first" ] &&
		IFS=$'\t' read -r _ kind arg < <(grep '^operand' <<<"$rows"); then
		_schedkit_offer "$kind" "$arg" "$cur"
	else
		compopt -o default 2>/dev/null
	fi
}

complete -F _schedkit sched sched-observe sched-synth sched-verify \
	sched-deploy sched-history sched-sim sched-guest sched-doctor \
	sched-agents sched-agentd sched-loop sched-report sched-train sched-intent \
	sched-demand sched-mcp sched-rollout
