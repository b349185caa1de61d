#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-report: pages, summaries and Perfetto traces of documents.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	page=$BATS_TEST_TMPDIR/page.html
}

make_docs() {
	python3 "$TREE/tests/cli/report.py" "$@"
}

# Well-formed, within its bounds, and nothing in it that acts or fetches.
is_sound() {
	[ -s "$1" ]
	[ "$(wc -c <"$1")" -lt "${2:-1500000}" ] || {
		wc -c "$1"
		return 1
	}
	python3 - "$1" <<'PY'
import html.parser, sys

class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attrs):
        assert tag not in ('script', 'img', 'iframe', 'object', 'embed',
                           'link', 'base', 'form', 'image', 'use'), tag
        for name, value in attrs:
            assert not name.startswith('on'), name
            assert name not in ('src', 'style', 'xlink:href', 'action'), name
            assert name != 'href' or value.startswith('#'), value

text = open(sys.argv[1], encoding='utf-8').read()
Page().feed(text)
for c in text:
    assert c == '\n' or c == '\t' or ord(c) >= 32, repr(c)
    assert not 0x202a <= ord(c) <= 0x202e and ord(c) not in (0x2066, 0x2069)
style = text[text.index('<style>'):text.index('</style>')]
assert 'url(' not in style and '@import' not in style
assert "default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;" in text
PY
	if command -v xmllint >/dev/null; then
		xmllint --noout "$1"
	fi
}

# page_has TEXT..., page_lacks TEXT...: of $page, without showing it all.
page_has() {
	local text
	for text; do
		grep -qF -- "$text" "$page" || {
			echo "not on the page: $text"
			return 1
		}
	done
}

page_lacks() {
	local text
	for text; do
		! grep -qF -- "$text" "$page" || {
			echo "on the page: $text"
			return 1
		}
	done
}

# ---- what there is to tell ------------------------------------------------

@test 'report: nothing in the input is status 3, with the way out' {
	exits 3 sched-report -o "$page" </dev/null
	has "$stderr" 'sched-observe -- COMMAND'
	[ ! -e "$page" ]
	exits 3 sched-report --text </dev/null
}

@test 'report: a profile alone is told about' {
	make_docs story 0 | sed -n 1p >profile.json
	exits 0 sched-report -o "$page" profile.json
	is_sound "$page"
	page_has 'batch was observed; nothing is proposed yet.'
	page_has 'Waiting for a CPU'
	page_has 'sched-synth &lt; story.jsonl'
}

@test 'report: proposals without a verdict are told about' {
	make_docs story 3 | jq -c 'select(.kind | IN("profile", "plan",
		"policy"))' >docs
	exits 0 sched-report docs
	printf '%s\n' "$output" >"$page"
	is_sound "$page"
	has "$output" '3 policies are proposed for batch, none is measured yet.'
	lacks "$output" 'What was measured'
}

@test 'report: the answer, the figures and how to take it back' {
	make_docs story 4 >docs
	exits 0 sched-report -o "$page" --title 'A <title>' <docs
	is_sound "$page"
	page_has 'wall of batch is 3.00× better: 102 ms under the kernel&#39;s own scheduler, 34 ms under policy #1 (95 % interval 2.00 to 4.00, 5 pairs of runs).'
	page_has 'sched-deploy stop'
	page_has '<h1>A &lt;title&gt;</h1>'
	page_has 'closes 80 % of the way'
	page_has 'The loop, round by round'
	page_has 'Goals in conflict'
	page_has 'How the search went'
	page_has 'a language model'
	for id in $(jq -r 'select(.kind != "note") | .id' docs); do
		page_has "$id"
	done
}

@test 'report: what came off by itself was deployed, what was refused was not' {
	make_docs story 2 >docs
	for state in ejected tripped refused; do
		jq -c --arg s "$state" 'select(.kind == "deployment").body |
			.state = $s' docs | { read -r b; doc deployment "$b"; } \
			>>docs
		exits 0 sched-report -o "$page" docs
		page_lacks 'sched-deploy &lt;' 'To use it'
		if [ "$state" = refused ]; then
			page_has 'It is not deployed, so nothing has changed.'
		else
			page_has 'It was deployed, and came off before its time'
		fi
	done
}

@test 'report: drawings have words for those who do not see them' {
	make_docs story 4 | sched-report -o "$page"
	python3 - "$page" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
charts = re.findall(r'<svg class="(?:wide|narrow)".*?</svg>', text, re.S)
assert len(charts) > 12, len(charts)
for c in charts:
    assert 'role="img"' in c and 'viewBox=' in c
    assert re.search(r'<title>[^<]+</title>', c)
    ref = re.search(r'aria-describedby="(d\d+)"', c).group(1)
    assert '<desc id="%s">' % ref in c
assert len(re.findall('class="wide"', text)) == \
    len(re.findall('class="narrow"', text))
ids = re.findall(r' id="([^"]+)"', text)
assert len(ids) == len(set(ids))
PY
}

@test 'report: medians are of all runs, also of those that are not drawn' {
	local runs='[range(40) | $few] + [range(60) | $most]' of
	make_docs story 1 >docs
	jq -c 'def runs($few; $most): '"$runs"';
		select(.kind == "verdict") | .body | .metrics[0] |= (.pairs = 100 |
		.baseline = 345 | .candidate = 172 | .samples = {
		baseline: runs(123; 345), candidate: runs(61; 172)})' docs >body
	grep -v '"kind":"verdict"' docs >others
	mapfile -t of < <(jq -r 'select(.kind == "verdict").parent[]' docs)
	doc verdict "$(cat body)" "${of[@]}" >>others
	exits 0 sched-report -o "$page" others
	python3 - "$page" <<'PY'
import re, sys
said = re.findall('<text[^>]*>([^<]*)</text>', open(sys.argv[1]).read())
assert '345 ms' in said and '172 ms' in said, said
assert '123 ms' not in said and '61 ms' not in said, said
PY
}

@test 'report: two observations of a workload are drawn beside each other' {
	make_docs story 2 >docs
	make_docs story 0 | sed -n 1p | jq -c '.body | .duration_us = 7' |
		{ read -r b; doc profile "$b"; } >>docs
	exits 0 sched-report docs
	has "$output" 'dashed ones the earlier'
}

@test 'report: many workloads begin with an overview' {
	for w in one two three; do make_docs story 2 "$w"; done >docs
	exits 0 sched-report docs
	printf '%s\n' "$output" >"$page"
	is_sound "$page"
	has "$output" 'Better than the kernel&#39;s own scheduler on 3 of 3 workloads, worse on 0; 3.00× on geometric mean'
	has "$output" 'href="#w3"'
	lacks "$output" '<pre class="lines">'
	doc note '{"tags": ["bench"], "text": "name   ratio\n<b>    1.20"}' >>docs
	exits 0 sched-report docs
	has "$output" $'<pre class="lines">name   ratio\n&lt;b&gt;    1.20\n</pre>'
}

@test 'report: where nothing is accepted the mean counts the kernel itself' {
	make_docs story 2 one >docs
	make_docs story 2 two | jq -c 'select(.kind != "verdict")' >>docs
	jq -c 'select(.kind == "verdict").body | .workload = "two" |
		.decision = "rejected"' docs | sed -n 2p | { read -r b
		doc verdict "$b" "$(jq -r 'select(.kind == "profile").id' docs |
			sed -n 2p)"; } >>docs
	exits 0 sched-report docs
	has "$output" 'scheduler on 1 of 2 workloads, worse on 0; 1.73× on'
}

# ---- what they may hold ---------------------------------------------------

@test 'report: hostile strings and numbers stay text' {
	make_docs hostile >docs
	exits 0 sched-report -o "$page" docs
	is_sound "$page"
	page_has '&lt;script&gt;alert(1)'
	page_has '\u{202e}'
	exits 0 sched-report --text docs
	[[ $output != *$'\x1b'* ]]
}

@test 'report: what a trace is said to be is not believed' {
	make_docs hostile | sed -n 1p >docs
	exits 0 sched-report -o "$page" docs
	has "$stderr" 'is no file'
	echo other >other
	make_docs story 0 | sed -n 1p | jq -c ".body | .trace = {events: 1,
		drops: 0, path: \"$PWD/other\", sha256: \"$(printf %064d 0)\"}" |
		{ read -r b; doc profile "$b"; } >docs2
	exits 0 sched-report -o "$page" docs2
	has "$stderr" 'is not the one of the profile'
}

@test 'report: strings of megabytes make no page of megabytes' {
	make_docs long 5000000 >docs
	exits 0 sched-report -o "$page" docs
	is_sound "$page" 200000
}

@test 'report: thousands of candidates make a page of bounded size' {
	make_docs story 3000 >docs
	exits 0 timeout 20 sched-report -o "$page" docs
	is_sound "$page"
	page_has 'more policies are left out'
	exits 0 sched-report --text docs
	[ "${#lines[@]}" -lt 100 ]
}

@test 'report: the same document twice is told once, in any order' {
	make_docs story 3 >docs
	sched-report docs >one
	cat docs docs | sched-report >two
	tac docs | sched-report -o "$page"
	is_sound "$page"
	is "$(grep -c 'point 1' one)" "$(grep -c 'point 1' two)"
}

@test 'report: a bad line is named, the rest is reported on' {
	make_docs story 2 >docs
	echo '{"v":1,' >>docs
	exits 3 sched-report -o "$page" docs
	has "$stderr" "line $(wc -l <docs)"
	is_sound "$page"
}

# ---- terminals ------------------------------------------------------------

@test 'report: text fits 80 and 40 columns, in any locale' {
	make_docs story 6 >docs
	make_docs hostile >>docs
	for columns in 80 40; do
		for locale in C C.UTF-8; do
			COLUMNS=$columns LC_ALL=$locale exits 0 sched-report --text docs
			printf '%s\n' "$output" >text
			LC_ALL=C.UTF-8 run -1 grep -E \
				"^.{$((columns + 1)),}" text
			[ $locale != C ] || LC_ALL=C run -1 grep '[^ -~]' text
		done
	done
}

@test 'report: text on the narrowest terminals' {
	make_docs story 6 >docs
	for columns in 1 20 21 22 23 24 30; do
		COLUMNS=$columns LC_ALL=C exits 0 sched-report --text docs
		printf '%s\n' "$output" | grep '^long ' >text
		! grep -E "^.{$((columns < 20 ? 21 : columns + 1)),}" text
	done
}

@test 'report: on a terminal it is text' {
	needs script
	make_docs story 2 >docs
	COLUMNS=80 script -qec "sched-report $PWD/docs" /dev/null >text
	has "$(cat text)" 'Ratio to the kernel'
	lacks "$(cat text)" '<html'
}

# ---- traces ---------------------------------------------------------------

@test 'report: a timeline of a trace' {
	make_docs trace t
	make_docs story 1 | sed -n 1p >docs
	exits 0 sched-report -o "$page" --trace t docs
	is_sound "$page"
	page_has 'Who ran when'
	page_has 'The second in which tasks waited most'
	page_has 'job 1'
	jq -c ".body | .trace = {path: \"$PWD/t\", events: 1, drops: 0,
		sha256: \"$(sha256sum t | cut -d ' ' -f 1)\"}" docs |
		{ read -r b; doc profile "$b"; } >docs2
	exits 0 sched-report docs2
	is "$stderr" ''
	has "$output" 'Who ran when'
}

@test 'report: Perfetto gets every switch and wakeup of the trace' {
	make_docs trace t
	exits 0 sched-report --perfetto p --trace t
	make_docs counts t >want
	make_docs perfetto p >got
	diff want got
	[ "$(wc -l <want)" -gt 6 ]
	sched-report --perfetto - --trace t </dev/null | cmp - p
	exits 3 sched-report --perfetto p2 --trace "$TREE/Makefile"
	has "$stderr" 'not a trace'
	make_docs story 1 >docs
	exits 3 sched-report --perfetto p2 docs
	has "$stderr" 'sched-observe --trace FILE'
}

# ---- the history ----------------------------------------------------------

@test 'report: from the history by workload, policy and run' {
	export SCHEDKIT_HISTORY=$BATS_TEST_TMPDIR/history
	exits 3 sched-report --workload batch
	{
		make_docs story 3
		make_docs story 2 other
	} | sched-history add >docs
	exits 0 sched-report --workload batch -o "$page"
	page_has 'wall of batch'
	page_lacks 'wall of other'
	id=$(jq -r 'select(.kind == "policy").id' docs | sed -n 2p)
	exits 0 sched-report --policy "${id:0:12}" -o "$page"
	is_sound "$page"
	page_has "$id"
	exits 0 sched-report --run run-1 -o "$page"
	page_has 'The loop, round by round'
	exits 0 sched-report --history "$SCHEDKIT_HISTORY" -o "$page"
	page_has 'geometric mean'
	exits 3 sched-report --run nothing -o "$page"
	has "$stderr" 'sched-history log'
}

# ---- browsers -------------------------------------------------------------

@test 'report: a validator finds nothing' {
	needs tidy
	make_docs story 4 >docs
	make_docs trace t
	sched-report --trace t -o "$page" docs
	run tidy -q -e "$page"
	is "$output" ''
}

@test 'report: in a browser nothing is wider than a telephone, or a screen' {
	needs chromium
	needs_plain_build
	{
		make_docs story 5
		make_docs hostile
	} >docs
	make_docs trace t
	sched-report --trace t -o "$page" docs
	# A copy that measures itself: the page itself lets no script run.
	python3 - "$page" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
text = re.sub(r'<meta http-equiv=[^>]*/>', '', text)
text = text.replace('</body>', '<script>parent.postMessage(innerWidth + " " '
                    '+ document.documentElement.scrollWidth, "*")'
                    '</script></body>')
open('measured.html', 'w').write(text)
for width in (360, 1280):
    open('frame%d.html' % width, 'w').write(
        '<body><iframe style="border:0;width:%dpx;height:800px" '
        'src="measured.html"></iframe><script>addEventListener("message", e '
        '=> document.body.setAttribute("data-w", e.data))</script>' % width)
PY
	for width in 360 1280; do
		timeout 60 chromium --headless --no-sandbox --disable-gpu \
			--hide-scrollbars --disable-dev-shm-usage \
			--user-data-dir="$PWD/profile" --window-size=1400,900 \
			--virtual-time-budget=4000 --dump-dom \
			"file://$PWD/frame$width.html" >dom 2>/dev/null
		is "$(grep -o 'data-w="[^"]*"' dom)" "data-w=\"$width $width\""
	done
}
