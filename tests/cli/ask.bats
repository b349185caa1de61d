#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ask-model with programs and recordings: no network is needed.

load ../lib

KEY=sk-planted-0123456789abcdef

setup() {
	needs_landlock
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BUILD/libexec/schedkit:$PATH
	LEDGER=$XDG_STATE_HOME/schedkit/ledger.jsonl
	export XDG_CONFIG_HOME=$PWD/config XDG_CACHE_HOME=$PWD/cache
	unset SCHED_LLM SCHED_LLM_MODEL SCHED_LLM_KEY SCHED_LLM_KEY_FILE
	unset OPENAI_API_KEY OPENAI_API_KEY_FILE
	unset ANTHROPIC_API_KEY ANTHROPIC_API_KEY_FILE
}

SCHEMA='{"type": "object", "required": ["a"],
	"properties": {"a": {"type": "integer"}}}'

# request TEXT [SCHEMA [TOOLS]]
request() {
	jq -cn --arg text "$1" --argjson schema "${2:-null}" \
		--argjson tools "${3:-null}" '{role: "planner",
		system: "You plan.", messages: [{role: "user", text: $text}],
		schema: $schema, tools: $tools, max_tokens: 100}'
}

# program NAME LINE...: a shell script that is a model.
program() {
	printf '%s\n' '#!/bin/sh' "${@:2}" >"$1"
	chmod +x "$1"
}

# ask OPTION...: the requests are in $requests; the answers (without the
# hello) are in $output.
ask() {
	run --separate-stderr timeout 60 ask-model "$@" <<<"$requests"
	output=$(sed 1d <<<"$output")
}

# ---- programs ---------------------------------------------------------

@test 'ask: a program is a model' {
	requests=$(request 'what is it')
	ask -b 'command:tr a-z A-Z'
	is "$status" 0
	has "$(jq -r .text <<<"$output")" 'WHAT IS IT'
	is "$(jq -c '[.finish, .estimated, .cost_usd, .value, .calls]' \
		<<<"$output")" '["stop",true,null,null,[]]'
}

@test 'ask: the schema is told in words, the answer is found and checked' {
	program p 'cat >prompt' 'echo "Well: {\"a\": 3} it is"'
	requests=$(request q "$SCHEMA")
	ask -b command:./p
	is "$(jq -c .value <<<"$output")" '{"a":3}'
	has "$(cat prompt)" '"integer"'
	has "$(cat prompt)" 'You plan.'
}

@test 'ask: one turn to repair, both are settled' {
	program p 'n=$(cat n 2>/dev/null); echo x$n >n; cat >prompt$n' \
		'[ -n "$n" ] && echo "{\"a\": 4}" || echo "{\"a\": \"four\"}"'
	requests=$(request q "$SCHEMA")
	ask -b command:./p
	is "$(jq -c .value <<<"$output")" '{"a":4}'
	has "$(cat promptx)" '$.a: is a string'
	is "$(grep -c four promptx)" 1
	is "$(jq -s length "$LEDGER")" 2
	is "$(jq -s 'map(.id) | unique | length' "$LEDGER")" 2
}

@test 'ask: a program may ask for tools' {
	program p 'grep -q "^# tool" && echo done && exit' \
		'echo "{\"calls\": [{\"name\": \"show\", \"arguments\": {}}]}"'
	requests=$(request q null '[{"name": "show", "description": "d",
		"parameters": {"type": "object"}}]')
	ask -b command:./p
	is "$(jq -c '[.finish, .calls[0].name, .calls[0].id]' <<<"$output")" \
		'["calls","show","call_1"]'
	requests=$(jq -c '.messages += [{role: "assistant", text: "",
		calls: [{id: "call_1", name: "show", arguments: {}}]},
		{role: "tool", results: [{id: "call_1", name: "show",
		text: "shown", error: false}]}]' <<<"$requests")
	ask -b command:./p
	is "$(jq -r .text <<<"$output")" done
}

@test 'ask: quotes are honoured and no shell is there' {
	program p 'cat >/dev/null; printf "<%s>" "$@"'
	requests=$(request q)
	ask -b "command:./p 'a b' \"c;touch x\" \$(touch y) \`touch z\`"
	is "$(jq -r .text <<<"$output")" \
		'<a b><c;touch x><$(touch><y)><`touch><z`>'
	[ ! -e x ] && [ ! -e y ] && [ ! -e z ]
}

@test 'ask: a program has no capability, no new privilege and no key' {
	program p 'cat >/dev/null' 'grep -E "^(Cap|NoNew)" /proc/self/status' \
		env
	requests=$(request q)
	OPENAI_API_KEY=$KEY SCHED_LLM_KEY=$KEY ANTHROPIC_API_KEY=$KEY \
		ask -b command:./p
	is "$(jq -r .text <<<"$output" | grep -c '^Cap.*0000000000000000')" 5
	has "$(jq -r .text <<<"$output")" 'NoNewPrivs:	1'
	lacks "$output" _KEY
}

@test 'ask: what a program fails with is told' {
	program p 'echo out; echo it broke >&2; exit 7'
	requests=$(request q)
	ask -b command:./p
	is "$(jq -r .error.errno <<<"$output")" EIO
	has "$(jq -r .error.text <<<"$output")" 'status 7: it broke'
	ask -b command:/nowhere/p
	is "$(jq -r .error.errno <<<"$output")" ENOENT
	ask -b command:true
	is "$(jq -r .error.errno <<<"$output")" EBADMSG
}

@test 'ask: time and bytes are limited, nothing is left running' {
	program p 'cat >/dev/null; echo $$ >pid; sleep 600 & sleep 600'
	requests=$(request q)
	ask -b command:./p --total 0.5
	is "$(jq -r .error.errno <<<"$output")" ETIMEDOUT
	is "$(ps -eo pgid=,stat= | awk -v g="$(cat pid)" \
		'$1 == g && $2 !~ /^Z/')" ''
	requests=$(request q)
	ask -b 'command:cat /dev/zero' --max-bytes 100000
	is "$(jq -r .error.errno <<<"$output")" EMSGSIZE
}

@test 'ask: output that is no text is refused' {
	requests=$(request q)
	ask -b 'command:head -c 10 /dev/zero'
	is "$(jq -r .error.errno <<<"$output")" EBADMSG
	has "$(jq -r .error.text <<<"$output")" NUL
}

@test 'ask: presets switch the tools of agent programs off' {
	mkdir bin
	local p
	# What a user has set for his own work is not for this.
	export OPENCODE_CONFIG_CONTENT='{"permission":"allow"}'
	for p in claude codex opencode; do
		program bin/$p 'cat >/dev/null' \
			"for a; do printf '<%s>' \"\$a\"; done >$PWD/args" \
			"tr '\\0' '\\n' </proc/\$\$/environ >$PWD/env-$p" \
			"pwd -P >$PWD/where" "case $p in" \
			'claude) echo "{\"result\": \"hi\"}" ;;' \
			'opencode) echo "{\"type\":\"text\",\"part\":{\"text\":\"hi\"}}" ;;' \
			'*) echo hi ;; esac'
		requests=$(request q)
		PATH=$PWD/bin:$PATH ask -b command:$p -m m1
		has "$(jq -r .text <<<"$output")" hi
		has "$(cat args)" '<--model><m1>'
		is "$(sed -n s/^PWD=//p env-$p)" "$(cat where)"
		case $p in
		claude) has "$(cat args)" '<--tools><>' ;;
		codex) has "$(cat args)" '<--disable><shell_tool>' ;;
		opencode)
			has "$(cat args)" '<--agent><schedkit>'
			is "$(sed -n s/^OPENCODE_CONFIG_CONTENT=//p env-$p |
				jq -c '.permission, .agent.schedkit')" \
				$'"deny"\n{"mode":"primary","permission":{"*":"deny"}}'
			;;
		esac
	done
}

# ---- recordings -------------------------------------------------------

@test 'ask: what was recorded is replayed to the last byte' {
	program p 'n=$(cat n 2>/dev/null); echo $n. >n; cat >/dev/null' \
		'echo "answer$n {\"a\": 1}"'
	requests=$(request one; request two "$SCHEMA"; request one)
	ask -b command:./p --record r1
	is "$status" 0
	local first=$output
	ask -b replay:r1 --record r2
	is "$(jq -c 'del(.cost_usd, .endpoint)' <<<"$output")" \
		"$(jq -c 'del(.cost_usd, .endpoint)' <<<"$first")"
	is "$(jq -r .endpoint <<<"$output" | uniq)" replay
	is "$(jq -s -c 'map(.cost_usd)' <<<"$output")" '[0,0,0]'
	cmp r1 r2
	is "$(jq -r 'select(.request.system) | .digest' r1 | wc -l)" 1
	is "$(stat -c %a r1)" 600
}

@test 'ask: a recording answers nothing that it was not asked' {
	requests=$(request one)
	ask -b command:cat --record r1
	requests=$(request two; request one; request one)
	ask -b replay:r1
	is "$(jq -r '.error.errno // "ok"' <<<"$output" | xargs)" \
		'ENOENT ok ENOENT'
	has "$(jq -r .error.text <<<"$output")" 'no answer to this request'
	has "$(jq -r .error.text <<<"$output")" 'once more'
	echo '{"no": 1}' >bad
	run --separate-stderr ask-model -b replay:bad <<<"$requests"
	is "$status" 3
	has "$output" 'line 1'
}

@test 'ask: errors are recorded and replayed' {
	program p 'exit 3'
	requests=$(request one)
	ask -b command:./p --record r1
	local first=$output
	ask -b replay:r1
	is "$(jq -c .error <<<"$output")" "$(jq -c .error <<<"$first")"
}

# ---- keys -------------------------------------------------------------

# opens with the key file and says why not
refused() {
	run --separate-stderr ask-model "$@" <<<"$(request q)"
	is "$status" 3
	jq -r '.error.errno + " " + .error.text' <<<"$output"
}

@test 'ask: a key file is for its owner alone' {
	echo $KEY >key
	chmod 640 key
	export OPENAI_API_KEY_FILE=$PWD/key
	has "$(refused -b openai)" EACCES
	has "$(refused -b openai)" "chmod 600 '$PWD/key'"
	chmod 600 key
	ln key link
	run --separate-stderr ask-model -b openai </dev/null
	is "$status" 0
	mkfifo -m 600 fifo
	has "$(OPENAI_API_KEY_FILE=$PWD/fifo refused -b openai)" 'regular file'
}

@test "ask: a vendor's host wants a key, this machine does not" {
	has "$(refused -b openai)" ENOKEY
	has "$(refused -b anthropic)" ANTHROPIC_API_KEY_FILE
	run --separate-stderr ask-model -b http://127.0.0.1:9/v1#m </dev/null
	is "$status" 0
	has "$(refused -b http://example.org/v1#m)" EINVAL
	has "$(refused)" SCHED_LLM
}

@test 'ask: a key is found nowhere' {
	program p 'cat; cat "$OLDPWD/key" 2>/dev/null; echo "$1"'
	echo $KEY >key
	chmod 600 key
	requests=$(request "my key is $KEY")
	OPENAI_API_KEY=$KEY ask -b "command:./p $KEY" --record r1 --run "$KEY"
	[ -n "$output" ]
	has "$(jq -r .text <<<"$output")" '[secret]'
	lacks "$output$stderr" $KEY
	run grep -r $KEY r1 "$XDG_STATE_HOME"
	is "$status" 1
}

# Its vendor's key is the one that a preset's program has.
@test 'ask: nor is a part of it, where a long message is cut' {
	local key=planted0123456789abcdefghijklmnopqrstuv n
	mkdir bin
	for n in {1963..2003..8}; do
		program bin/claude 'cat >/dev/null' \
			"printf 'x %s %s' \$ANTHROPIC_API_KEY \\" \
			"\"\$(printf %${n}s | tr ' ' y)\" >&2" 'exit 3'
		requests=$(request q)
		PATH=$PWD/bin:$PATH ANTHROPIC_API_KEY=$key ask -b command:claude
		has "$(jq -r .error.text <<<"$output")" 'status 3: '
		lacks "$output" stuv
		program bin/claude 'cat >/dev/null' \
			"printf '{\"is_error\":true,\"result\":\"%s %s\"}' \\" \
			"\"\$(printf %${n}s | tr ' ' y)\" \$ANTHROPIC_API_KEY"
		PATH=$PWD/bin:$PATH ANTHROPIC_API_KEY=$key ask -b command:claude
		has "$(jq -r .error.text <<<"$output")" 'claude reports: yy'
		lacks "$output" planted
	done
}

@test 'ask: nor is the password of a proxy that is wrongly written' {
	local proxy
	requests=$(request q)
	for proxy in 'http://me:pass word@proxy.invalid:1' \
		'gopher://me:password@proxy.invalid:1'; do
		https_proxy=$proxy ask -b 'openai:https://host.invalid/v1#m' \
			--attempts 1 --record r2
		has "$(jq -r .error.text <<<"$output")" proxy
		lacks "$output$stderr$(cat r2)" word
	done
}

@test 'ask: the process shows its keys to nobody' {
	mkfifo in
	OPENAI_API_KEY=$KEY ask-model -b openai <in >out 3>&- &
	local pid=$!
	exec 9>in
	for _ in {1..100}; do
		[ -s out ] && break
		sleep 0.05
	done
	[ -s out ]
	run grep -c $KEY "/proc/$pid/environ"
	[ "$output" != 1 ]
	grep -qE '^Seccomp:.*2' "/proc/$pid/status"
	grep -qE '^CapEff:.*0000000000000000' "/proc/$pid/status"
	exec 9>&-
	wait $pid
}

# ---- budgets ----------------------------------------------------------

@test 'ask: a budget that is reached says which, and nothing is sent' {
	program p 'cat >/dev/null; echo x >>calls; echo hi'
	requests=$(request q; request q; request q)
	ask -b command:./p --budget calls=2
	is "$status" 0
	is "$(jq -r '.error.errno // "ok"' <<<"$output" | xargs)" 'ok ok EDQUOT'
	has "$output" 'calls=2'
	is "$(wc -l <calls)" 2
	is "$(jq -s length "$LEDGER")" 2
	requests=$(for _ in 1 2 3; do request "$(printf %4000d 0)"; done)
	ask -b command:./p --budget tokens=2500
	is "$(jq -r '.error.errno // "ok"' <<<"$output" | xargs)" \
		'ok ok EDQUOT'
	has "$output" 'tokens=2500'
	ask -b command:./p --budget calls_day=1
	is "$(jq -r .error.errno <<<"$output" | uniq)" EDQUOT
}

@test 'ask: money needs a price, which the user may name' {
	requests=$(request q)
	ask -b command:cat -m mine --budget usd=1
	is "$(jq -r .error.errno <<<"$output")" ENODATA
	has "$(jq -r .error.text <<<"$output")" \
		"$XDG_CONFIG_HOME/schedkit/prices.json"
	mkdir -p "$XDG_CONFIG_HOME/schedkit"
	echo '{"models": [{"match": "mine*", "in_usd_per_mtok": 1000,
		"out_usd_per_mtok": 2000}]}' \
		>"$XDG_CONFIG_HOME/schedkit/prices.json"
	ask -b command:cat -m mine --budget usd=1
	is "$(jq '.cost_usd == (.usage.in * 1000 + .usage.out * 2000) / 1e6' \
		<<<"$output")" true
	ask -b command:cat -m mine --budget usd=0.0001
	is "$(jq -r .error.errno <<<"$output")" EDQUOT
}

@test 'ask: the list of prices is one, with its source' {
	local list=$BUILD/lib/schedkit/prices.json
	jq -e '.as_of and .source and (.models | length > 10) and
		all(.models[]; .match and .out_usd_per_mtok >= .in_usd_per_mtok
		and .cached_usd_per_mtok <= .in_usd_per_mtok)' "$list"
}

@test 'ask: a budget that is none is refused' {
	has "$(refused -b command:cat --budget tokens=many)" EINVAL
	has "$(refused -b command:cat --budget bytes=3)" "'bytes=3'"
}

# ---- the protocol -----------------------------------------------------

@test 'ask: a bad request is answered, and the next one too' {
	requests=$(echo '{"a":'; echo '{}'; echo '{"messages": [{"role": "x"}]}'
		request fine)
	ask -b command:cat
	is "$status" 0
	is "$(jq -r '.error.errno // "ok"' <<<"$output" | xargs)" \
		'EINVAL EINVAL EINVAL ok'
}

@test 'ask: says who answers first' {
	run --separate-stderr ask-model -b command:cat </dev/null
	is "$(jq -c 'del(.endpoints)' <<<"$output")" \
		'{"backend":"command","name":"cat"}'
	is "$(jq -c '.endpoints[0] | [.name, .model, .slots, .resume]' \
		<<<"$output")" '["command","cat",1,"none"]'
}

@test 'ask: a signal ends a call, and what it cost is settled' {
	program p 'cat >/dev/null; echo up >up; sleep 600'
	request q >in
	ask-model -b command:./p <in >out 3>&- &
	local pid=$!
	for _ in {1..100}; do
		[ -s up ] && break
		sleep 0.05
	done
	kill $pid
	wait $pid
	is "$(sed 1d out | jq -r .error.errno)" EINTR
	is "$(jq -r .outcome "$LEDGER")" EINTR
}
