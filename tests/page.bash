# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests share that run what manual pages tell their readers to type.

# page_text: a page, as it is read.
page_text() {
	mandoc -T ascii -O width=200 | sed 's/.\x08//g'
}

# page_section NAME: one of its sections.
page_section() {
	page_text | sed -n "/^$1\$/,/^[A-Z]/{/^ /p}"
}

# page_commands [PROMPT]: what stands behind the prompt ("$" or "#"), a command
# a line; one goes on behind \ or |, and until its quotes are closed.
page_commands() {
	awk -v prompt="${1:-$} " '
		{ line = $0; sub(/^ +/, "", line) }
		index(line, prompt) == 1 {
			sub(/^ *[$#] /, "")
			on = 1
		}
		on && NF {
			more = sub(/ *\\$/, "")
			more = more || /\|$/
			sub(/^ +/, "")
			quotes = gsub(/\047/, "&")
			odd = (odd + quotes) % 2
			printf "%s%s", $0, (more || odd) ? " " : "\n"
			on = more || odd
		}'
}
