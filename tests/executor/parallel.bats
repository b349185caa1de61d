#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-verify over GNU parallel and ssh: two sshd of the test's own on this
# machine, with keys of its own.

load ../lib
load ../executor

lacks_ssh() {
	! command -v parallel >/dev/null || ! command -v ssh >/dev/null ||
		[ ! -x /usr/sbin/sshd ]
}

# host NAME: a sshd, and how it is reached in $AT/config.
host() {
	local port
	port=$(port)
	ssh-keygen -q -t ed25519 -N '' -f "$AT/$1.key"
	cat >"$AT/$1.conf" <<-EOF
	Port $port
	ListenAddress 127.0.0.1
	HostKey $AT/$1.key
	PidFile $AT/$1.pid
	AuthorizedKeysFile $AT/user.key.pub
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	UsePAM no
	StrictModes no
	PermitRootLogin prohibit-password
	EOF
	cat >>"$AT/config" <<-EOF
	Host $1
	HostName 127.0.0.1
	Port $port
	User $(id -un)
	IdentityFile $AT/user.key
	IdentitiesOnly yes
	UserKnownHostsFile $AT/known
	StrictHostKeyChecking accept-new
	BatchMode yes
	EOF
	serve "$1"
	echo "1/ssh -F $AT/config $1" >>"$AT/hosts"
}

serve() {
	[ ! "$(id -u)" = 0 ] || mkdir -p /run/sshd
	/usr/sbin/sshd -D -f "$AT/$1.conf" -E "$AT/$1.log" </dev/null 3>&- &
	echo $! >"$AT/$1.is"
}

setup_file() {
	export AT=$BATS_FILE_TMPDIR/ssh
	! lacks_ssh || return 0
	mkdir -p "$AT"
	ssh-keygen -q -t ed25519 -N '' -f "$AT/user.key"
	host node-a
	host node-b
	until_so 20 ssh -F "$AT/config" node-a true
	until_so 20 ssh -F "$AT/config" node-b true
}

teardown_file() {
	local f
	for f in "$AT"/*.is; do
		! [ -e "$f" ] || kill "$(cat "$f")" || :
	done
}

setup() {
	! lacks_ssh || skip 'needs parallel, ssh and sshd'
	engine_setup "parallel,hostfile=$AT/hosts,dir=$BATS_TEST_TMPDIR/jobs" \
		"$BATS_TEST_TMPDIR/jobs"
}

teardown() {
	asker_gone
}

@test 'parallel: 32 candidates on two hosts, the same answer' {
	local rc=0
	ask || rc=$?
	is $rc 1
	same_as_here
	grep -q 'Accepted publickey' "$AT/node-a.log"
	grep -q 'Accepted publickey' "$AT/node-b.log"
}

@test 'parallel: a host that dies midway, with what runs there' {
	local p
	begun 4
	# Its sessions are its children.
	p=$(cat "$AT/node-b.is")
	kill -9 $(pgrep -P "$p") "$p" || :
	ends 1
	serve node-b
	same_as_here
}

@test 'parallel: who is interrupted ends the jobs' {
	begun 2
	tell TERM
	ends 4
	has "$(cat err)" interrupted
	is "$(ls "$jobs")" ''
	until_so 20 eval '! pgrep -f "run-job $jobs" >/dev/null'
}

@test 'parallel: this machine is a host, too' {
	local rc=0
	head -n 4 in >few
	sched-verify --json --stages $STAGES \
		--executor "parallel,hosts=:,dir=$jobs" <few >out 2>err || rc=$?
	is $rc 1
	diff <(verdicts <out) <(head -n 3 want)
}

@test 'parallel: hosts that nobody answers at are for later' {
	echo "1/ssh -F $AT/config -p 9 node-a" >gone
	exits 4 sched-verify --json --stages lint \
		--executor "parallel,hostfile=$PWD/gone,dir=$jobs" <in
	has "$stderr" '32 of 32 policies have no answer'
	is "$(ls "$jobs")" ''
}
