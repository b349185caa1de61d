#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The prompt of sched, on a terminal and off it.

load ../lib
load ../prompt
load ../proposals

setup() {
	dir=$BATS_TEST_TMPDIR
	cd "$dir" || return
	unset SCHED_LLM COLUMNS NO_COLOR
	export LC_ALL=C.UTF-8 HOME=$dir
	past=$XDG_STATE_HOME/schedkit/repl_history
	cp "$TREE/tests/bench/requests.profile" profile
}

teardown() {
	terminal_end
}

# ---- on a terminal ----------------------------------------------------

@test "prompt: a pipe shows its table, and its documents are remembered" {
	terminal 80 24 sched
	ready
	line 'load profile'
	sees 'profile'
	line 'last | synth -b rules -n 2'
	sees 'what it sets'
	line "last | jq -r .kind | sort | uniq -c | tr -s ' ' >kinds"
	is "$(cat kinds)" ' 1 plan
 2 policy
 1 profile'
	line 'last'
	sees 'policy   '
	line 'save saved'
	is "$(jq -r .kind saved | tr '\n' ' ')" 'profile plan policy policy '
	line 'last 2 | jq -r .kind >before'
	is "$(cat before)" profile
	keys C-d
	sees 'left with 0'
	# Nothing of the session stays.
	is "$(find "$XDG_STATE_HOME/schedkit/prompt" -name 'session.*')" ''
}

@test "prompt: Tab completes commands, options with what they do, and files" {
	terminal 80 24 sched
	ready
	keys obs Tab
	sees 'sched> observe'
	keys --ta Tab
	sees 'sched> observe --target'
	keys C-u 'synth --r' Tab Tab
	sees 'about how many runs the search simulates'
	keys C-u 'history sh' Tab
	sees 'sched> history show'
	keys C-u 'help verd' Tab
	sees 'sched> help verdict'
	touch 'one file'
	keys C-u 'load one' Tab
	sees 'sched> load one\ file'
	keys C-u 'observe -- base6' Tab
	sees 'sched> observe -- base64'
}

@test "prompt: ids of the history complete, and titles there are only data" {
	local id
	doc policy '{"form":"params","params":{},"uses":[],"why":"x",
		"title":"a title \u001b]0;owned\u0007\u001b[2J \u202e"}' >p1
	doc policy '{"form":"params","params":{},"uses":[],"why":"x",
		"title":"another"}' >p2
	cat p1 p2 | sched-history add >/dev/null
	id=$(doc_id <p2)
	terminal 80 24 sched
	ready
	keys "history show ${id::4}" Tab
	sees "history show ${id::12}"
	keys C-u 'history show ' Tab Tab
	sees another
	sees 'a title'
	sees 'sched> '
	lacks "$(tmux -S "$TERMINAL" display -p -t it '#{pane_title}')" owned
}

@test "prompt: lines come back with Up, are kept once, and outlive kill -9" {
	local pid
	terminal 80 24 sched
	ready
	line 'cd .'
	line '!true one'
	line 'cd .'
	line ' !true hidden'
	is "$(cat "$past")" '!true one
cd .'
	is "$(stat -c %a "$past")" 600
	pid=$(tmux -S "$TERMINAL" display -p -t it '#{pane_pid}')
	pkill -KILL -P "$pid"
	sees 'left with 137'
	terminal_end
	terminal 80 24 sched
	ready
	keys Up Up
	sees 'sched> !true one'
	keys C-u Up
	lacks "$(screen)" hidden
}

@test "prompt: ^C ends what runs, ^Z does not stop it, the terminal is ours" {
	terminal 80 24 sched
	ready
	keys 'sleep 300 | cat' Enter
	sleep 0.5
	keys C-z
	sleep 0.3
	keys C-c
	sees '[interrupted]'
	ready
	# A program that leaves the terminal unusable.
	line '!stty raw -echo'
	line '!echo still "here"'
	sees 'still here'
	# What is typed is forgotten.
	keys 'exit 9'
	sees 'sched> exit 9'
	keys C-c
	sees 'exit 9^C'
	ready
	keys C-d
	sees 'left with 0'
}

@test "prompt: a program that stops itself goes on" {
	terminal 80 24 sched
	ready
	line "!kill -STOP \$\$; echo went on"
	sees 'went on'
}

@test "prompt: a status other than 0 is shown with its meaning" {
	terminal 80 24 sched
	ready
	line 'synth </dev/null'
	sees '[3: cannot until something changes]'
	line 'synth --nonesuch'
	sees '[2: usage]'
	line '!exit 7'
	sees '[7]'
	line '!kill -SEGV $$'
	sees '[Segmentation fault]'
	keys 'exit' Enter
	sees 'left with 139'
}

@test "prompt: watch repeats until a key" {
	terminal 80 24 sched
	ready
	keys 'watch -n 0.2 sh -c "echo x >>count; echo shown"' Enter
	sees 'every 0.2 s'
	sees shown
	for _ in {1..200}; do
		[ "$(wc -l <count)" -lt 3 ] || break
		sleep 0.05
	done
	keys q
	ready
	is "$([ "$(wc -l <count)" -ge 3 ] && echo often)" often
	lacks "$(screen)" 'sched> q'
	# And one that does not end by itself.
	keys 'watch sleep 300' Enter
	sees 'every 2 s'
	keys C-c
	ready
	line 'watch'
	sees 'watch [-n S] COMMAND'
}

@test "prompt: help lists, shows pages and single options" {
	command -v man >/dev/null || needs mandoc
	export PAGER=cat MANPAGER=cat
	terminal 100 40 sched
	ready
	line 'help'
	sees 'sched observe'
	sees 'save FILE'
	line 'help synth count'
	sees 'Propose'
	lacks "$(screen)" 'seed'
	line 'help synth --nonesuch'
	sees "has no option '--nonesuch'"
	line 'help plan'
	sees 'what the planning cost'
	line 'help cd'
	sees 'go to a folder'
}

@test "prompt: a pane of 40 columns" {
	terminal 40 12 sched
	ready
	line 'load profile'
	line 'last'
	sees profile
	keys 'synth --r' Tab Tab
	sees 'about how'
	# No line of the list was broken in two.
	is "$(screen | grep -c -- '^--r')" 2
	tmux -S "$TERMINAL" resize-window -t it -x 60 -y 12
	keys C-u '!echo resized' Enter
	ready
	sees resized
}

@test "prompt: several at once lose no line" {
	local second=$dir/second
	terminal 80 24 sched
	ready
	tmux -S "$second" -f /dev/null new-session -d -s it sched 3>&-
	TERMINAL=$second ready
	line '!true from the first'
	TERMINAL=$second line '!true from the second'
	line '!true again'
	tmux -S "$second" kill-server
	is "$(cat "$past")" '!true from the first
!true from the second
!true again'
}

# ---- plain words ------------------------------------------------------

@test "prompt: plain words without a model or a profile say what to do" {
	terminal 80 24 sched
	ready
	line 'keep the editor smooth'
	sees 'no model is set'
	terminal_end
	terminal 80 24 env SCHED_LLM=command:false sched
	ready
	line '? keep the editor smooth'
	sees 'has to be seen first'
	# What may be mistyped, or looks like a command, is no wish.
	line 'obsevre the editor'
	sees "did you mean 'observe'?"
	line 'frobnicate --all of it'
	sees "unknown command 'frobnicate'"
}

@test "prompt: plain words reach the planner with the last profile" {
	needs_landlock
	export XDG_CACHE_HOME=$dir/cache
	scripted_model
	say 1 "$(plan "$(experiment params "$FIFO")")"
	terminal 80 24 env SCHED_LLM="command:$dir/model" sched
	ready
	line 'load profile'
	line "do not hurt 'the editor', please"
	sees 'asking the planner'
	line 'save story'
	is "$(jq -r 'select(.kind == "plan").body.wish' story)" \
		"do not hurt 'the editor', please"
	has "$(cat 1.in)" "| do not hurt 'the editor', please"
}

# ---- off a terminal ---------------------------------------------------

@test "lines on standard input are done without a prompt" {
	printf '%s\n' '# a comment' 'load profile' '' \
		'last | synth -b rules -n 2' 'last | jq -r .kind >kinds' \
		'cd /' '!pwd' >script
	exits 0 sched <script
	is "$(tr '\n' ' ' <kinds)" 'profile plan policy policy '
	lacks "$output" 'sched>'
	is "$(tail -n 1 <<<"$output")" /
	is "$stderr" ''
	exits 0 sched < <(printf '!echo no newline')
	is "$output" 'no newline'
	# They do not read the lines that follow.
	exits 0 sched <<<$'cat\n!echo after'
	is "$output" after
}

@test "the last status is that of all" {
	exits 7 sched <<<'!exit 7'
	exits 0 sched <<<$'!exit 7\n!true'
	exits 5 sched <<<$'exit 5\n!true'
	exits 3 sched <<<'synth </dev/null'
	exits 0 sched <<<'!exit 3 | cat'
	exits 0 sched <<<$'synth </dev/null | cat'
}

@test "without any input the tools are listed" {
	local empty=$dir/empty
	: >"$empty"
	for input in /dev/null "$empty"; do
		exits 0 sched <"$input"
		has "$output" 'sched observe '
	done
	exits 0 sched < <(:)
	has "$output" 'sched observe '
	exits 0 bash -c 'exec sched <&-'
	has "$output" 'sched observe '
}

@test "-c does one line" {
	exits 0 sched -c 'load profile
last | jq -r .kind'
	is "$output" profile
	exits 4 sched -c '!exit 4'
	exits 0 sched -c cat <<<'a line'
	is "$output" 'a line'
	exits 2 sched -c 'a' b
	has "$stderr" 'not expected'
}

@test "a line that means nothing is refused, and nothing of it is run" {
	local line
	for line in 'touch x; true' 'touch x &' 'touch $HOME/x' \
		'touch x | nonesuch' 'touch x | cd /' 'touch "x' \
		'nonesuch' 'nonesuch words here' 'cd a b' 'last x' \
		'exit 256' 'save' 'help a b c'; do
		exits 2 sched <<<"$line"
		is "$output" ''
		has "$stderr" sched:
	done
	is "$([ ! -e x ] && echo none)" none
	exits 3 sched <<<'last'
	has "$stderr" 'no line had documents yet'
	exits 3 sched <<<'load /nonesuch'
	exits 3 sched <<<'cat </nonesuch'
	has "$stderr" "cannot read '/nonesuch'"
	exits 3 sched <<<'watch true'
	has "$stderr" 'needs a terminal'
}

@test "a file that is no story is not loaded" {
	echo '{"v":1}' >bad
	cat profile bad >mixed
	for file in bad mixed; do
		exits 3 sched <<<"load $file"
		has "$stderr" line
		exits 3 sched <<<"load $file
last"
		has "$stderr" 'no line had documents yet'
	done
}

@test "redirections are those of sh" {
	printf 'b\na\n' >in
	exits 0 sched <<<'sort <in >out
sort -r <in | cat >>out
! cat out'
	is "$(tr '\n' ' ' <<<"$output")" 'a b b a '
	exits 3 sched <<<'true >/nonesuch/x'
}

@test "a full disk is not success there either" {
	exits 3 bash -c 'sched -c "load profile
last" >/dev/full'
}

@test "a shared home or none: lines that cannot be kept are no reason to stop" {
	XDG_STATE_HOME=/proc/nonesuch terminal 80 24 sched
	sees 'sched>'
	keys '!echo went on' Enter
	sees 'are not kept'
	sees 'went on'
}

# ---- a serial line ----------------------------------------------------

@test "over a serial line, dumb or not, in any locale" {
	needs python3
	timeout 120 python3 "$TREE/tests/cli/repl.py" "$dir"
}

@test "a terminal that goes away takes all with it" {
	needs python3
	timeout 120 python3 "$TREE/tests/cli/repl_gone.py" "$dir"
}
