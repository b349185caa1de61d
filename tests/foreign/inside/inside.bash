# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What is done on a foreign machine, by a user who has sudo:  load inside

load ../../lib

# Only there: it would change this machine, and the reader's patience.
needs_foreign() {
	[ -e /mnt/schedkit.bundle ] || skip 'needs a foreign machine'
	needs_guest
	cd "$BATS_TEST_TMPDIR" || return
}

# root COMMAND...: with what we find in PATH, and our folders.
root() {
	sudo -n env PATH="$PATH" HOME="$HOME" \
		XDG_STATE_HOME="$XDG_STATE_HOME" \
		XDG_CONFIG_HOME="$XDG_CONFIG_HOME" "$@"
}

# body KIND FILTER: true of the body of the document of that kind in $output.
body() {
	jq -se "[.[] | select(.kind == \"$1\").body | ($2)] |
		length > 0 and all" <<<"$output" >/dev/null && return
	printf 'not so: %s\n%s\n' "$2" "$output"
	return 1
}

# field NAME KEY: of a check of sched-doctor in $output.
field() {
	jq -r --arg name "$1" --arg key "$2" \
		'.body.checks[] | select(.name == $name)[$key]' <<<"$output"
}

# A point of the template, ready for sched-guest.
policy() {
	doc policy '{"form": "params", "title": "t", "why": "w", "uses": [],
		"params": {}}' >policy.json
}
