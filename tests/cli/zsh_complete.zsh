# SPDX-License-Identifier: GPL-2.0-or-later
# zsh -f zsh_complete.zsh FOLDER LINE: prints what a zsh with the completion of
# FOLDER offers for <TAB> at the end of LINE, "WORD -- DESCRIPTION" a line.  It
# types into one on a terminal of its own, where compadd, by which every
# completion ends, says what it was given.
zmodload zsh/zpty || exit 3
setopt extended_glob

inner=$(mktemp)
trap 'rm -f $inner' EXIT
cat >$inner <<'END'
PROMPT= RPROMPT=
unsetopt zle_bracketed_paste prompt_cr prompt_sp 2>/dev/null
unset zle_bracketed_paste
stty -echo 2>/dev/null
fpath=($FOLDER $fpath)
autoload -Uz compinit
compinit -u -D
[[ -n $KEEP ]] || disable sched
bindkey '^I' complete-word
bindkey '^M' undefined-key
bindkey '^J' undefined-key
zstyle ':completion:*' list-grouped false
zstyle ':completion:*' insert-tab false
zstyle ':completion:*' list-separator ''
zstyle ':completion:*' format ''
mark() { print -r -- "@@@" }
compprefuncs=(mark)
comppostfuncs=(mark)
compadd() {
	# Those that only fill arrays are none of ours.
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return $?
	fi
	local -a hits told
	local at
	if (($@[(I)-d])); then
		at=${@[$((${@[(i)-d]} + 1))]}
		told=("${(@P)at}")
	elif (($@[(I)-ld])); then
		at=${@[$((${@[(i)-ld]} + 1))]}
		told=("${(@P)at}")
	fi
	builtin compadd -A hits -D told "$@"
	local i
	for ((i = 1; i <= $#hits; i++)); do
		print -r -- "@${hits[i]}${told[i]:+ -- ${${told[i]#${hits[i]}}##[ -]#}}"
	done
	builtin compadd "$@"
}
setopt extended_glob
print -r -- @ready
END

export FOLDER=$1
zpty z zsh -f -i
zpty -w z "source $inner"
until [[ $line == *@ready* ]]; do
	zpty -r z line || exit 3
done
zpty -w -n z "$2"$'\t'
seen=0
while zpty -r z line; do
	line=${line%%[$'\r\n']##}
	case $line in
	*@@@*) (((++seen) == 2)) && break ;;
	@?*) ((seen)) && print -r -- "${line#@}" ;;
	esac
done | sort -u
zpty -d z
