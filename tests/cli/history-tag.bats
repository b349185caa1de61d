#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history tag: judged by git.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
	policy a >in
	policy b >>in
	sched-history add <in >/dev/null
	A=$(head -n 1 in | doc_id)
	export GIT_CONFIG_GLOBAL=$PWD/config
	git config --global user.name x
	git config --global user.email x@x
}

teardown() {
	[ -z "${GNUPGHOME:-}" ] || {
		gpgconf --kill all
		rm -rf "$GNUPGHOME"
	}
}

@test 'history: a tag on the commit of a document' {
	exits 0 sched-history tag good "${A:0:8}" -m 'the good one'
	is "$(git -C h cat-file -t good)" tag
	is "$(git -C h rev-parse 'good^{commit}')" "$(git -C h rev-parse main~1)"
	has "$(git -C h tag -n good)" 'the good one'
	exits 0 sched-history tag other "$A"
	has "$(git -C h tag -n other)" "policy: 'a'"
	exits 3 sched-history tag good "$A"
	exits 2 sched-history tag 'a b' "$A"
	exits 2 sched-history tag -- -d "$A"
	exits 2 sched-history tag good
	exits 1 sched-history tag x 00000000
	exits 1 sched-history tag --verify good
	exits 3 sched-history tag --verify none
	sound
}

@test 'history: a tag signed with ssh, which git verifies' {
	needs ssh-keygen
	ssh-keygen -q -t ed25519 -N '' -f key
	git config --global gpg.format ssh
	git config --global user.signingkey "$PWD/key.pub"
	echo "x@x $(cat key.pub)" >allowed
	git config --global gpg.ssh.allowedSignersFile "$PWD/allowed"
	exits 0 sched-history tag --sign good "$A"
	git -C h tag -v good
	exits 0 sched-history tag --verify good
	# Of another key.
	ssh-keygen -q -t ed25519 -N '' -f key2
	echo "x@x $(cat key2.pub)" >allowed
	exits 1 sched-history tag --verify good
	# Without one.
	git config --global user.signingkey "$PWD/none"
	exits 3 sched-history tag --sign bad "$A"
	is "$(git -C h tag)" good
	sound
}

# key NAME: a new key of GnuPG without a passphrase; its fingerprint.
key() {
	gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
		--quick-generate-key "$1 <x@x>" ed25519 sign never
	gpg --batch --with-colons --list-keys "$1" |
		awk -F : '$1 == "fpr" { print $10; exit }'
}

@test 'history: a tag signed with GnuPG, which git verifies' {
	local mine
	needs gpg
	needs gpg-agent
	# The path of the agent's socket must not be long.
	GNUPGHOME=$(mktemp -d /tmp/schedkit-gnupg.XXXXXX)
	export GNUPGHOME
	mine=$(key mine)
	git config --global user.signingkey "$mine"
	exits 0 sched-history tag --sign good "$A" -m 'the good one'
	has "$(git -C h cat-file tag good)" 'BEGIN PGP SIGNATURE'
	has "$(git -C h tag -n1 good)" 'the good one'
	run -0 git -C h tag -v good
	has "$output" "$mine"
	is "$(git -C h rev-parse 'good^{commit}')" "$(git -C h rev-parse main~1)"
	exits 0 sched-history tag --verify good
	# One that says something else than what was signed.
	git -C h cat-file tag good | sed 's/the good one/the bad one/' |
		git -C h hash-object -t tag -w --stdin |
		xargs git -C h update-ref refs/tags/forged
	run ! git -C h tag -v forged
	exits 1 sched-history tag --verify forged
	# It travels, and is as good there; not to those who lack the key.
	SCHEDKIT_HISTORY=$PWD/b sched-history pull "$PWD/h" >/dev/null
	git -C b tag -v good
	SCHEDKIT_HISTORY=$PWD/b exits 0 sched-history tag --verify good
	gpg --batch --yes --delete-secret-and-public-key "$mine"
	exits 1 sched-history tag --verify good
	# Nobody can sign with it any more: no plain tag is left either.
	exits 3 sched-history tag --sign bad "$A"
	is "$(git -C h tag)" $'forged\ngood'
	sound
}
