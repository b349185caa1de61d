#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Signed verdicts: keys are made and kept, and sched-deploy takes nothing that
# is not signed by one it trusts, says what is wrong and how to mend it.

load ../lib

setup() {
	needs jq
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_RUN=$PWD/run
	keys=$XDG_CONFIG_HOME/schedkit/keys
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
	here=$(sched-deploy status | jq -r .body.configuration)
}

# policy [SLICE]
policy() {
	doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\": \"w\",
		\"uses\": [], \"params\": {\"slice_us\": ${1:-5000}}}" |
		jq -cS .
}

# accepted [MEMBER VALUE]...: a verdict on policy, measured on this host.
accepted() {
	local body
	body=$(jq -cSn --arg policy "$(policy | doc_id)" --arg o "$object" \
		--arg k "$(uname -r)" --arg c "$here" '{policy: $policy,
		workload: "w", decision: "accepted", why: "so it is",
		target: "host", kernel: $k, configuration: $c,
		object_sha256: $o, stages: [], metrics: []} +
		([$ARGS.positional as $p | range(0; $p | length; 2) |
		{($p[.]): $p[. + 1]}] | add // {})' --args "$@")
	doc_of verdict "$body" "$(jq -r .policy <<<"$body")"
}

# The one verdict of standard input, signed; OPTION... for sched-verify.
sign() {
	local id
	cat >unsigned
	id=$(jq -r 'select(.kind == "verdict").id' unsigned)
	sched-verify --json --sign "$id" "$@" <unsigned >signed 2>said ||
		{ cat said; return 1; }
	# Only the signed one is passed on, as whoever forges would.
	jq -c 'select(.id != $id)' --arg id "$id" signed
}

# refused WORDS...: what deploy says of standard input.
refused() {
	local words
	cat >in
	exits 1 sched-deploy --target host --dry-run --no-history <in
	# shellcheck disable=SC2154
	for words; do
		has "$stderr" "$words"
	done
	# Nothing was tried, and that is on record.
	is "$(tail -n 1 <<<"$output" | jq -r '.kind, .body.state')" \
		$'deployment\nrefused'
}

# Every check passed: only the kernel is missing, or not even that.
taken() {
	cat >in
	if [ -d /sys/kernel/sched_ext ]; then
		run --separate-stderr -- sched-deploy --target host \
			--dry-run --no-history <in
		[ "$status" != 1 ]
	else
		exits 3 sched-deploy --target host --dry-run --no-history <in
		has "$stderr" 'without sched_ext'
	fi
}

both() {
	policy
	accepted "$@"
}

# ---- keys --------------------------------------------------------------

@test 'sign: a new key is for its owner alone, and is never overwritten' {
	exits 0 sched-verify --new-key
	has "$output" "$keys/signing.key"
	has "$output" "$keys/signing.pub"
	has "$output" "$(sed -n 's/^key //p' "$keys/signing.pub")"
	is "$(stat -c %a "$keys" "$keys/signing.key" "$keys/signing.pub")" \
		$'700\n600\n644'
	cp "$keys/signing.key" before
	exits 3 sched-verify --new-key
	has "$stderr" 'stays as it is'
	has "$stderr" '--new-key NAME'
	cmp before "$keys/signing.key"
	exits 0 sched-verify --new-key two --expires 1
	has "$output" "$keys/two.key"
	exits 0 sched-verify --keys
	is "$(tail -n +2 <<<"$output" | awk '{ print $2 }')" $'own\nown'
	# The seed is in its file and nowhere else.
	lacks "$output" "$(sed -n 's/^seed //p' before)"
}

@test 'sign: usage' {
	exits 2 sched-verify --new-key ../x
	exits 2 sched-verify --new-key one two
	exits 2 sched-verify --keys --new-key
	exits 2 sched-verify --revoke abc
	exits 2 sched-verify --no-sign --sign abc </dev/null
	exits 2 sched-verify --expires 0 </dev/null
	exits 3 sched-verify --revoke key:abc
	exits 1 sched-verify --keys
	has "$stderr" 'no key is trusted'
	[ ! -e "$keys" ]
}

@test 'sign: the first signature makes the first key, and says so' {
	both >in
	exits 0 sched-verify --sign "$(accepted | doc_id)" <in
	has "$stderr" "made the key"
	has "$stderr" "$keys/signing.key"
	is "$(stat -c %a "$keys/signing.key")" 600
	is "$(tail -n 1 <<<"$output" | jq -r .body.signature.statement.key)" \
		"$(sed -n 's/^key //p' "$keys/signing.pub")"
	# The second one does not.
	exits 0 sched-verify --sign "$(accepted | doc_id)" <in
	is "$stderr" ''
}

@test 'sign: a private key that others may read signs nothing' {
	sched-verify --new-key
	chmod 644 "$keys/signing.key"
	both >in
	exits 3 sched-verify --sign "$(accepted | doc_id)" <in
	has "$stderr" "chmod 600 '$keys/signing.key'"
	lacks "$output" signature
	chmod 600 "$keys/signing.key"
	chmod 755 "$keys"
	exits 3 sched-verify --sign "$(accepted | doc_id)" <in
	has "$stderr" "chmod 700 '$keys'"
	chmod 700 "$keys"
	echo 'schedkit secret key 1' >"$keys/signing.key"
	exits 3 sched-verify --sign "$(accepted | doc_id)" <in
	has "$stderr" 'is damaged'
	is "$(cat "$keys/signing.key")" 'schedkit secret key 1'
}

@test 'sign: settings that are read-only' {
	needs_root
	unshare -m true 2>/dev/null || skip 'needs mount namespaces'
	mkdir -p "$XDG_CONFIG_HOME/schedkit"
	both >in
	cat >inside <<-'END'
		mount -t tmpfs -o mode=755 none "$1/schedkit"
		mount -o remount,ro "$1/schedkit"
		sched-verify --new-key
		echo "none $?"
		sched-verify --sign "$2" <in | grep -c ed25519
		mount -o remount,rw "$1/schedkit"
		sched-verify --new-key >/dev/null
		mount -o remount,ro "$1/schedkit"
		sched-verify --sign "$2" <in >out
		echo "there $?"
	END
	exits 0 unshare -m bash inside "$XDG_CONFIG_HOME" \
		"$(accepted | doc_id)"
	is "$output" $'none 3\n0\nthere 0'
	has "$stderr" "cannot make folder '$keys': Read-only"
	has "$stderr" 'no key could be made'
	tail -n 1 out | jq -e .body.signature >/dev/null
}

@test 'sign: a full disk leaves no half key, and the next try makes one' {
	needs_root
	unshare -m true 2>/dev/null || skip 'needs mount namespaces'
	mkdir -p "$keys"
	chmod 700 "$keys"
	# shellcheck disable=SC2016
	exits 0 unshare -m bash -c '
		mount -t tmpfs -o size=8k,mode=700 none "$1" || exit 77
		head -c 8192 /dev/zero >"$1/filler" || exit 1
		sched-verify --new-key && exit 2
		ls -A "$1"
		# Room for one of the two files.
		head -c 4096 /dev/zero >"$1/filler"
		sched-verify --new-key && exit 3
		ls -A "$1"
		rm "$1/filler"
		sched-verify --new-key >/dev/null || exit 4
		ls -A "$1"
		sched-verify --keys >/dev/null' - "$keys"
	is "$output" $'filler\nfiller\nsigning.key\nsigning.pub'
	has "$stderr" 'No space left'
}

# ---- what is refused ---------------------------------------------------

@test 'sign: a signed verdict is taken' {
	both | sign | taken
}

@test 'sign: unsigned' {
	both | refused 'is not signed' 'sched-verify --sign ID'
}

@test 'sign: expired' {
	both | SCHEDKIT_TIME=1760000000 sign --expires 1 |
		refused 'expired at 2025-10-10T08:53:20Z' 'verify again'
	# The environment of sched-deploy does not turn its clock back.
	cp in old
	SCHEDKIT_TIME=1760000000 refused 'expired at' <old
	# Its key has, and not the signature.
	SCHEDKIT_TIME=1760000000 sched-verify --new-key short --expires 2
	both | SCHEDKIT_TIME=1760000000 sign --key short --expires 36000 |
		refused 'the key' 'has expired' -- '--new-key'
}

@test 'sign: signed in the future' {
	both | SCHEDKIT_TIME=$(($(date +%s) + 3600)) sign |
		refused 'set the clock'
	# Clocks differ a little.
	both | SCHEDKIT_TIME=$(($(date +%s) + 120)) sign | taken
}

@test 'sign: a key that is not known here, until it is' {
	both | XDG_CONFIG_HOME=$PWD/theirs sign >foreign
	refused 'is not trusted here' /etc/schedkit/keys.d 'keys(5)' <foreign
	mkdir -p "$keys"
	chmod 755 "$keys"
	cp theirs/schedkit/keys/signing.pub "$keys/colleague.pub"
	taken <foreign
	is "$(sched-verify --keys | awk 'NR == 2 { print $2 }')" trusted
	# Where others may write, they would say whom to trust.
	chmod 777 "$keys"
	exits 3 sched-deploy --target host --dry-run <foreign
	has "$stderr" "chmod go-w '$keys'"
	chmod 755 "$keys"
	echo x >"$keys/bad.pub"
	exits 3 sched-deploy --target host --dry-run <foreign
	has "$stderr" bad.pub
}

@test 'sign: two keys, the newest signs, the old one stays trusted' {
	both | SCHEDKIT_TIME=$(($(date +%s) - 60)) sign >old
	sched-verify --new-key next
	both | sign >new
	[ "$(tail -n 1 old | jq .body.signature.statement.key)" != \
		"$(tail -n 1 new | jq .body.signature.statement.key)" ]
	is "$(tail -n 1 new | jq -r .body.signature.statement.key)" \
		"$(sed -n 's/^key //p' "$keys/next.pub")"
	taken <old
	taken <new
	both | sign --key signing | taken
	both >in
	exits 3 sched-verify --key third --sign "$(accepted | doc_id)" <in
	has "$stderr" "no key 'third'"
}

@test 'sign: revoked: a key, a verdict, a policy' {
	local id
	both | SCHEDKIT_TIME=$(($(date +%s) - 60)) sign >old
	sched-verify --new-key next
	both | sign >new
	id=$(sed -n 's/^key //p' "$keys/next.pub")
	exits 0 sched-verify --revoke "key:${id:0:10}"
	has "$output" "$id"
	refused 'which is revoked' <new
	taken <old
	# It signs no more, either.
	both | sign >again
	is "$(tail -n 1 again | jq .body.signature.statement.key)" \
		"$(tail -n 1 old | jq .body.signature.statement.key)"
	sched-verify --revoke "verdict:$(tail -n 1 old | jq -r .id)"
	refused 'is revoked' <old
	taken <again
	# What it says is revoked, whoever signs it and however often.
	sched-verify --revoke "verdict:$(accepted | doc_id)"
	refused 'is revoked' <again
	rm "$keys/revoked"
	taken <again
	echo "policy $(policy | doc_id) starves the backup" >"$keys/revoked"
	refused 'starves the backup' <again
	echo half >>"$keys/revoked"
	exits 3 sched-deploy --target host --dry-run <again
	has "$stderr" "'$keys/revoked': line 2"
}

@test 'sign: altered, in the body, the statement, the signature' {
	both | sign >good
	edited '.kernel = "6.18.15"' <good | refused "for kernel '$(uname -r)'"
	edited '.target = "vm"' <good | refused "for target 'host'"
	edited '.why = "better"' <good | refused 'altered after it was signed'
	edited '.signature.statement.expires = "2099-01-01T00:00:00Z"' <good |
		refused 'altered or the signature forged'
	edited '.signature.ed25519 |= (.[0:127] + (if .[127:] == "0" then "1"
		else "0" end))' <good | refused forged
	edited '.signature.note = "x"' <good | refused damaged
	edited 'del(.signature)' <good | refused 'is not signed'
}

@test 'sign: replayed for another policy, another object' {
	local sig other
	both | sign >good
	sig=$(tail -n 1 good | jq -c .body.signature)
	other=$(policy 9000 | doc_id)
	{
		policy 9000
		accepted policy "$other" |
			edited ".signature = $sig"
	} | refused 'signature is for policy' "${other:0:12}"
	edited ".object_sha256 = \"$(printf '%064d' 7)\"" <good |
		refused 'for object_sha256'
	# Signed for an object that is not the one here.
	both object_sha256 "$(printf '%064d' 7)" | sign |
		refused 'not the object that was measured'
}

@test 'sign: made for another kernel, or another configuration of it' {
	both kernel 6.18.15 | sign | refused 'is for kernel 6.18.15'
	both configuration "$(printf '%064d' 7)" | sign |
		refused 'another build or configuration' 000000000000
	accepted | edited 'del(.configuration)' >v
	cat <(policy) v | sign | refused 'another build or configuration' none
	both target vm | sign | refused "measured on 'vm'"
}

@test 'sign: what sched-verify does not put its name under' {
	both | sign >good
	edited '.why = "better"' <good >bad
	exits 3 sched-verify --sign "$(tail -n 1 bad | jq -r .id)" <bad
	has "$stderr" 'altered'
	both decision rejected >in
	exits 3 sched-verify --sign "$(accepted decision rejected | doc_id)" <in
	has "$stderr" "'rejected'"
	exits 3 sched-verify --sign ffff <in
	has "$stderr" 'no verdict'
	accepted >in
	exits 3 sched-verify --sign "$(accepted | doc_id)" <in
	has "$stderr" 'is not in the stream'
	both >in
	head -c 50 good >>in
	exits 3 sched-verify --json --sign "$(accepted | doc_id)" <in
	has "$stderr" 'line 3'
	lacks "$output" ed25519
}

@test 'sign: of what is signed later, the history knows the signed one as best' {
	both | sign >good
	cat unsigned <(tail -n 1 good) >in
	sched-history add <in
	is "$(sched-history best -w w | jq -r 'select(.kind == "verdict").id')" \
		"$(tail -n 1 good | jq -r .id)"
}
