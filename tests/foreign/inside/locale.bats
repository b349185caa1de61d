#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# German in Latin 1, where a comma stands in numbers and no byte above 127
# means what it means in UTF-8; German in UTF-8; and C.  What people see has no
# byte that their terminal cannot show, documents are UTF-8 everywhere, and
# nothing of ours depends on other programs' words.

load inside

setup_file() {
	[ -e /mnt/schedkit.bundle ] || return 0
	{
		sudo -n apt-get -q update
		sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
			--no-install-recommends locales
		sudo -n localedef -i de_DE -f ISO-8859-1 de_DE.ISO-8859-1
		sudo -n localedef -i de_DE -f UTF-8 de_DE.UTF-8
	} >"$BATS_FILE_TMPDIR/log" 2>&1 || cat "$BATS_FILE_TMPDIR/log"
}

setup() {
	needs_foreign
	locale -a | grep -qi 'de_DE.iso88591' || skip 'needs locales'
	unset LC_ALL
	export SCHEDKIT_HISTORY=$PWD/history
}

# in_each FUNCTION: with the language of each.
in_each() {
	local l
	for l in de_DE.ISO-8859-1 C; do
		echo "LANG=$l"
		LANG=$l "$@"
	done
}

# A terminal's or a pipe's: what it shows, in bytes that it can.
ascii() {
	run "$@"
	if LC_ALL=C grep -nP '[^\x00-\x7f]' <<<"$output"; then
		echo "said more than ASCII: $*"
		return 1
	fi
	[ "$status" = 0 ] || [ "$status" = 1 ] || [ "$status" = 3 ]
	[ -n "$output" ]
}

is_utf8() {
	python3 -c 'import json, sys
for line in open(sys.argv[1], "rb"):
    json.loads(line.decode("utf-8"))' "$1"
}

# A workload whose name, arguments and output are Latin 1 and are UTF-8.
names() {
	cp "$BUILD/workloads/known" $'caf\xe9'
	cp "$BUILD/workloads/known" 'Gerät'
}

pages() {
	local on="stty cols 100;"
	ascii sched-doctor
	ascii script -qec "$on sched-doctor" /dev/null
	ascii script -qec "$on sched-observe -- ./Gerät spin 50" /dev/null
	ascii script -qec "$on sched-observe -- ./caf* spin 50" /dev/null
	ascii sched help schedkit
	ascii sched-verify --help
	ascii sh -c 'sched-history log | cat'
	ascii script -qec "$on sched-history log" /dev/null
	ascii script -qec "$on sched-synth -n 1 --runs 8 <profile" /dev/null
	ascii sched-report --text profile
	ascii script -qec "$on sched-sim run \
		$BUILD/policies/good/dice.bpf.o hostile:one_cpu" /dev/null
}

@test "what people see has no broken byte" {
	names
	LANG=C.UTF-8 sched-observe --json -m "n=re:([0-9]+)" -- \
		./Gerät say 'Größe 3' >profile
	sched-history add <profile >/dev/null
	sched-history note --about "$(doc_id <profile)" \
		'Größe und Übung' >/dev/null
	in_each pages
}

documents() {
	sched-observe --json -- ./Gerät say $'Gr\xf6\xdfe' >a
	sched-observe --json -- "./$(printf 'caf\351')" say 'Größe' >b
	is_utf8 a
	is_utf8 b
	jq -e '.body.wall_us > 0' a >/dev/null
	sched-synth --json -n 1 --runs 8 <a >c
	is_utf8 c
	sched-history add --json <c >d
	cmp c d
	sched-report -o page.html a
	python3 -c 'open("page.html", encoding="utf-8").read()'
	sched-doctor --json >e || true
	is_utf8 e
}

@test "documents and pages are UTF-8, with points in numbers" {
	names
	in_each documents
}

@test "one and the same candidate, whatever the language" {
	sched-observe --json -- "$BUILD/workloads/known" spin 200 >profile
	export SCHEDKIT_TIME=1767323045
	for l in C.UTF-8 de_DE.ISO-8859-1 de_DE.UTF-8; do
		LANG=$l LC_NUMERIC=$l sched-synth --json -n 2 --runs 8 --seed 1 \
			<profile | jq -c 'select(.kind == "policy").id' >"$l"
	done
	[ -s C.UTF-8 ]
	cmp C.UTF-8 de_DE.ISO-8859-1
	cmp C.UTF-8 de_DE.UTF-8
}

@test "the fetcher understands a loader that speaks German" {
	mkdir bin cache cache/schedkit
	cat >bin/ldd <<-'END'
		#!/bin/sh
		if [ "${LC_ALL:-$LANG}" = C ]; then
			echo '	libnone.so.1 => not found'
		else
			echo '	libnone.so.1 => nicht gefunden'
		fi
	END
	chmod +x bin/ldd
	ln -s "$HOME"/.cache/schedkit/{kernels,qemu} cache/schedkit
	LANG=de_DE.UTF-8 PATH=$PWD/bin:$PATH XDG_CACHE_HOME=$PWD/cache \
		exits 3 "$BUILD/libexec/schedkit/fetch-guest"
	has "$stderr" 'libnone.so.1 => not found'
}

@test "the tests themselves, and a guest" {
	LANG=de_DE.ISO-8859-1 exits 0 sched-guest -q -- sh -c 'echo $LANG'
	is "$output" de_DE.ISO-8859-1
	LANG=de_DE.ISO-8859-1 exits 0 env -u BUILD make -C "$TREE" check-unit
}
