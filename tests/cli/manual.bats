#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual for a browser and for paper.

load ../lib

setup() {
	needs mandoc
	cd "$BATS_TEST_TMPDIR" || return
}

@test 'manual: every page is a page for a browser, and good HTML' {
	exits 0 "$TREE/man/render" html html
	local page
	for page in "$TREE"/man/*.[157]; do
		[ -s "html/${page##*/}.html" ]
		grep -q "href=\"${page##*/}.html\"" html/index.html
	done
	needs tidy
	for page in html/*.html; do
		run tidy -quiet -errors "$page"
		[ "$status" -lt 2 ] || {
			printf '%s\n%s\n' "$page" "$output"
			false
		}
	done
}

@test 'manual: every link leads somewhere' {
	exits 0 "$TREE/man/render" html html
	exits 0 python3 "$TREE/tests/cli/links.py" html
	has "$output" ' links, '
	# It finds those that do not.
	echo '<p><a href="sched-none.1.html">x</a></p>' >>html/index.html
	exits 1 python3 "$TREE/tests/cli/links.py" html
	has "$output" 'index.html: sched-none.1.html'
	exits 0 "$TREE/man/render" html html
	echo '<p><a href="sched.1.html#NONE">x</a></p>' >>html/index.html
	exits 1 python3 "$TREE/tests/cli/links.py" html
	has "$output" 'index.html: sched.1.html#NONE'
}

@test 'manual: every page is one for paper' {
	exits 0 "$TREE/man/render" pdf pdf
	local page n
	for page in "$TREE"/man/*.[157]; do
		is "$(head -c 5 "pdf/${page##*/}.pdf")" %PDF-
		is "$(tail -n 1 "pdf/${page##*/}.pdf")" %%EOF
		n=$(grep -ac '^/Type /Page$' "pdf/${page##*/}.pdf")
		[ "$n" -gt 0 ]
		is "$(grep -ao '/Count [0-9]*' "pdf/${page##*/}.pdf")" "/Count $n"
	done
}

@test 'manual: what it is made into has to be said' {
	exits 2 "$TREE/man/render"
	has "$stderr" 'usage: render'
	exits 2 "$TREE/man/render" html
	exits 2 "$TREE/man/render" rtf here
}
