# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests of the prompt share: a terminal that can be looked at (tmux).
#   load ../lib; load ../prompt

# terminal COLUMNS ROWS COMMAND...: begins a terminal that runs it.
terminal() {
	local columns=$1 rows=$2
	shift 2
	needs tmux
	TERMINAL=$BATS_TEST_TMPDIR/tmux.$((terminals += 1))
	# Lines above the screen stay readable; a shell keeps it when all ends.
	tmux -S "$TERMINAL" -f /dev/null new-session -d -x "$columns" \
		-y "$rows" -s it \
		"$(printf '%q ' "$@"); echo \"left with \$?\"; sleep 600" 3>&-
}

# Ends it; for teardown.
terminal_end() {
	[ -z "${TERMINAL:-}" ] ||
		tmux -S "$TERMINAL" kill-server 2>/dev/null || true
}

# keys WORD...: text, or names of keys (Enter, Tab, C-c, Up).
keys() {
	tmux -S "$TERMINAL" send-keys -t it -- "$@"
}

# What is on the screen, without the empty lines below.
screen() {
	tmux -S "$TERMINAL" capture-pane -p -t it |
		sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

# sees TEXT: waits until it is on the screen.
sees() {
	local _
	for _ in {1..400}; do
		! screen | grep -qF -- "$1" || return 0
		sleep 0.05
	done
	printf 'not seen: %s\non the screen:\n%s\n' "$1" "$(screen)"
	return 1
}

# ready: the last line of the screen is an empty prompt.
ready() {
	local _
	for _ in {1..400}; do
		[ "$(screen | tail -n 1)" != 'sched>' ] || return 0
		sleep 0.05
	done
	printf 'no prompt, but:\n%s\n' "$(screen)"
	return 1
}

# line TEXT: types it, and waits for the next prompt.
line() {
	keys "$1" Enter
	# Until it was read, the prompt is the one before it.
	sleep 0.1
	ready
}
