#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# play-rt-app remembers a figure where everybody may write: what others put
# there under its name is neither followed nor believed.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir bin victim
	# Nobody's number, so that nobody's figure is in the way.
	uid=$((4000000000 + $$))
	known=/dev/shm/schedkit-rt-app-$uid
	printf '#!/bin/sh\necho %s\n' "$uid" >bin/id
	# It belongs to whoever asks, as far as the script can see.
	printf '#!/bin/sh\necho %s\n' "$uid" >bin/stat
	cat >bin/rt-app <<-'END'
		#!/bin/sh
		cat "$1" >>"$ASKED"
		case $1 in
		turn.json) echo '0 10 50 0' >turn-t-0.log ;;
		*) printf '0 1 1\n0 1 1\n' >model-t-0.log ;;
		esac
	END
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
	export ASKED=$PWD/asked
	echo '{"global": {"calibration": "CPU0", "duration": 1 }}' >model
	sed -i 's/, "duration"/,\n"duration"/' model
}

teardown() {
	rm -rf "$known"
}

play() {
	exits 0 "$BUILD/libexec/schedkit/play-rt-app" "$PWD/model" 1
	is "$output" '2.00 rounds/s'
	# Ten loops took 50 us, by the log: 5000 ns each.
	has "$(tail -n 3 asked)" '"calibration": 5000,'
}

@test 'play: it finds a figure and remembers it' {
	play
	is "$(cat "$known")" 5000
	: >asked
	play
	lacks "$(cat asked)" '"run":5000'
}

@test 'play: a link to a folder is not followed' {
	ln -s "$PWD/victim" "$known"
	play
	is "$(ls victim)" ''
}

@test 'play: a link to a file is not followed or believed' {
	echo 7 >victim/file
	ln -s "$PWD/victim/file" "$known"
	play
	is "$(cat victim/file)" 7
}

@test 'play: what cannot be moved away is no reason to fail' {
	mkdir -p "$known/full"
	play
	[ -d "$known/full" ]
}
