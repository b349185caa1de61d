#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: what vouches for a policy is forged, stale, for another
# one, or damaged.  make check-faults.

load ../lib
load ../faults

setup_file() {
	local o=$BUILD/policies/faults/plain.bpf.o p q
	[ -z "$(faults_lack)" ] || return 0
	faults_setup
	cp "$TREE/tests/deploy/replay.py" .
	edited '.signature.ed25519 |= (if startswith("0") then
		"1" else "0" end) + .[1:]' <plain.in >forged.in
	edited 'del(.signature)' <plain.in >unsigned.in
	edited '.signature.statement.expires =
		"2099-01-01T00:00:00Z"' <plain.in >prolonged.in
	edited '.target = "vm"' <plain.in >elsewhere.in
	edited '.decision = "rejected"' <plain.in >rejected.in
	XDG_CONFIG_HOME=$PWD/other stream_of plain "$o" >stranger.in
	release=6.18.1 stream_of plain "$o" >kernel.in
	configuration=$(printf '%064d' 7) stream_of plain "$o" >built.in
	# Another policy under the statement about the first.
	p=$(policy_of other '{"queue": "cpu"}')
	q=$(doc_id <<<"$p")
	{
		echo "$p"
		tail -n 1 plain.in | edited ".policy = \"$q\""
	} >replayed.in
	head -c -40 plain.in >short.in
	head -n 1 plain.in >alone.in
	# One bit of the policy itself.
	{
		head -n 1 plain.in | sed 's/"global"/"llc"/'
		tail -n 1 plain.in
	} >altered.in
	faults_in_guest <<-'END'
		# unproved NAME [OPTION...]: that stream.
		unproved() {
			fault $1
			in=$work/$2.in
			refusal
			end refused "$said"
		}

		unproved forged-signature forged
		unproved no-signature unsigned
		unproved prolonged-signature prolonged
		unproved signed-by-a-stranger stranger
		unproved another-kernel kernel
		unproved another-configuration built
		unproved measured-elsewhere elsewhere
		unproved not-accepted rejected
		unproved replayed-token replayed
		unproved altered-parameter altered
		unproved cut-stream short
		unproved no-verdict alone

		fault altered-object
		printf x >>$BUILD/lib/schedkit/policy.bpf.o
		refusal
		end refused "$said"

		fault no-object
		rm $BUILD/lib/schedkit/policy.bpf.o
		refusal
		end refused "$said"

		fault object-of-another
		cp $BUILD/policies/faults/errors.bpf.o \
			$BUILD/lib/schedkit/policy.bpf.o
		refusal
		end refused "$said"

		k=$(sed -n 's/^key //p' $work/signing.pub)
		p=$(head -n 1 $work/plain.in | jq -r .id)
		fault revoked-key
		echo "key $k it was lost" >$keys/revoked
		refusal
		rm $keys/revoked
		end refused "$said"

		fault revoked-policy
		echo "policy $p it is slow" >$keys/revoked
		refusal
		rm $keys/revoked
		end refused "$said"

		fault damaged-revocations
		printf 'key %s' ${k:0:20} >$keys/revoked
		refusal
		rm $keys/revoked
		end refused "$said"

		fault keys-open-to-write
		chmod 777 $keys
		refusal
		chmod 700 $keys
		end refused "$said"

		fault no-keys
		mv $keys $keys.away
		refusal
		mv $keys.away $keys
		end refused "$said"

		fault expired
		date -s '+40 days' >/dev/null
		refusal
		date -s '-40 days' >/dev/null
		end refused "$said"

		fault not-yet-valid
		date -s '-40 days' >/dev/null
		refusal
		date -s '+40 days' >/dev/null
		end refused "$said"

		# What goes over the socket, kept, and sent once more.
		l=$BUILD/libexec/schedkit/load-policy
		cp $l real-loader
		printf '#!/bin/sh\nexec %s/replay.py keep %s\n' $work \
			$here/request >$l
		use plain
		sched-deploy -t host --no-history --for 1 <$in >out 2>err
		cp real-loader $l
		echo "kept $(stat -c %s $here/request)"
		last_byte=$(($(stat -c %s $here/request) - 100))

		fault replayed-request
		said="$($work/replay.py send $here/request $l | xargs)"
		stop_clock
		end own "$said"

		fault replayed-when-expired
		date -s '+40 days' >/dev/null
		clock
		said="$($work/replay.py send $here/request $l)"
		stop_clock
		date -s '-40 days' >/dev/null
		end refused "$said"

		fault replayed-when-revoked
		echo "key $k it was lost" >$keys/revoked
		said="$($work/replay.py send $here/request $l)"
		stop_clock
		rm $keys/revoked
		end refused "$said"

		fault request-with-another-object
		said="$($work/replay.py send $here/request $l $last_byte)"
		stop_clock
		end refused "$said"

		fault request-cut
		truncate -s -1000 $here/request
		said="$($work/replay.py send $here/request $l)"
		stop_clock
		end refused "$said"
	END
}

@test 'fault: forged-signature' {
	shown forged-signature
}

@test 'fault: no-signature' {
	shown no-signature
}

@test 'fault: prolonged-signature' {
	shown prolonged-signature
}

@test 'fault: signed-by-a-stranger' {
	shown signed-by-a-stranger
}

@test 'fault: another-kernel' {
	shown another-kernel
}

@test 'fault: another-configuration' {
	shown another-configuration
}

@test 'fault: measured-elsewhere' {
	shown measured-elsewhere
}

@test 'fault: not-accepted' {
	shown not-accepted
}

@test 'fault: replayed-token' {
	shown replayed-token
}

@test 'fault: altered-parameter' {
	shown altered-parameter
}

@test 'fault: cut-stream' {
	shown cut-stream
}

@test 'fault: no-verdict' {
	shown no-verdict
}

@test 'fault: altered-object' {
	shown altered-object
}

@test 'fault: no-object' {
	shown no-object
}

@test 'fault: object-of-another' {
	shown object-of-another
}

@test 'fault: revoked-key' {
	shown revoked-key
}

@test 'fault: revoked-policy' {
	shown revoked-policy
}

@test 'fault: damaged-revocations' {
	shown damaged-revocations
}

@test 'fault: keys-open-to-write' {
	shown keys-open-to-write
}

@test 'fault: no-keys' {
	shown no-keys
}

@test 'fault: expired' {
	shown expired
}

@test 'fault: not-yet-valid' {
	shown not-yet-valid
}

@test 'fault: replayed-request' {
	shown replayed-request
}

@test 'fault: replayed-when-expired' {
	shown replayed-when-expired
}

@test 'fault: replayed-when-revoked' {
	shown replayed-when-revoked
}

@test 'fault: request-with-another-object' {
	shown request-with-another-object
}

@test 'fault: request-cut' {
	shown request-cut
}
