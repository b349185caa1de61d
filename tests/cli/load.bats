#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program that loads policies, asked by somebody else than sched-deploy.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	program=$BUILD/libexec/schedkit/load-policy
}

# ask PYTHON: what it answers to the bytes that this expression gives.
ask() {
	python3 - "$program" <<-END
		import socket, subprocess, sys
		ours, theirs = socket.socketpair()
		p = subprocess.Popen([sys.argv[1]], stdin=theirs, stdout=theirs)
		theirs.close()
		try:
		    ours.sendall($1)
		    ours.shutdown(socket.SHUT_WR)
		except BrokenPipeError:
		    pass
		answer = b''
		while True:
		    try:
		        more = ours.recv(4096)
		    except ConnectionResetError:
		        continue
		    if not more:
		        break
		    answer += more
		print(answer.decode().rstrip('\n'))
		sys.exit(p.wait())
	END
}

@test 'load: what is no request' {
	exits 1 ask "b''"
	is "$output" 'no EINVAL half a request'
	exits 1 ask "b'{\"v\": 1, \"kind\": \"policy\"}'"
	is "$output" 'no EINVAL half a request'
	exits 1 ask "bytes(1 << 20)"
	is "$output" 'no EINVAL not a request of this version to load a policy'
	exits 1 ask "b'\xff' * (1 << 20)"
	is "$output" 'no EINVAL not a request of this version to load a policy'
	exits 1 "$program" </dev/null
}

@test 'load: what it gives up before it reads a byte' {
	needs_plain_build
	coproc "$program" 2>/dev/null
	local i
	for i in {1..100}; do
		grep -q 'Seccomp:.*2' "/proc/$COPROC_PID/status" && break
		sleep 0.02
	done
	grep -E '^(Cap...|NoNewPrivs|Seccomp):' "/proc/$COPROC_PID/status" >got
	kill "$COPROC_PID"
	grep -q 'NoNewPrivs:.*1' got
	grep -q 'Seccomp:.*2' got
	# CAP_PERFMON and CAP_BPF: 38 and 39.
	for i in $(sed -n 's/^Cap\(Prm\|Eff\):\t//p' got); do
		is $((0x$i & ~(3 << 38))) 0
	done
	is "$(sed -n 's/^CapInh:\t//p' got)" 0000000000000000
	is "$(sed -n 's/^CapAmb:\t//p' got)" 0000000000000000
}

@test 'load: it has no library that reads documents' {
	local all
	all=$(ldd "$program")
	has "$all" libbpf
	lacks "$all" cjson
	lacks "$all" curl
	lacks "$all" git2
}
