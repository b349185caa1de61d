#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# make install and uninstall, into a folder of the test's own.

load ../lib
load ../proposals

setup() {
	needs_plain_build
	D=$BATS_TEST_TMPDIR/dest
}

# into TARGET [VARIABLE=VALUE...]
into() {
	MAKEFLAGS='' make --no-print-directory -C "$TREE" BUILD="${BUILD#"$TREE"/}" \
		DESTDIR="$D" PREFIX=/opt "$@"
}

@test 'install: an installed tree works from where it lies' {
	into install
	local bin=$D/opt/bin tool
	exits 0 "$bin/sched-observe" --version
	for tool in "$BUILD"/bin/*; do
		[ -x "$bin/${tool##*/}" ]
	done
	run --separate-stderr "$bin/sched" doctor --json
	is "$(jq -r '.body.checks[] | select(.name == "policy object").text' \
		<<<"$output")" "$D/opt/lib/schedkit/policy.bpf.o"
	exits 0 "$bin/sched" help schedkit
	[ -x "$D/opt/libexec/schedkit/fetch-guest" ]
	[ -f "$D/opt/share/man/man5/schedkit-policy.5" ]
	[ -f "$D/opt/share/doc/schedkit/LICENSE" ]
	[ -f "$D/opt/lib/tmpfiles.d/schedkit.conf" ]
}

@test 'install: the tree can be moved' {
	into install
	mv "$D/opt" "$BATS_TEST_TMPDIR/elsewhere"
	run --separate-stderr "$BATS_TEST_TMPDIR/elsewhere/bin/sched" doctor --json
	has "$(jq -r '.body.checks[] | select(.name == "policy object").text' \
		<<<"$output")" "$BATS_TEST_TMPDIR/elsewhere/lib"
}

@test 'install: what models are told and what code is built with is there' {
	into install
	local here=$BATS_TEST_TMPDIR/elsewhere
	mv "$D/opt" "$here"
	diff -r "$TREE/prompts" "$here/lib/schedkit/prompts"
	diff -r -x "*.d" "$BUILD/lib/schedkit" "$here/lib/schedkit"
	diff <(ls "$BUILD/libexec/schedkit") <(ls "$here/libexec/schedkit")
	# A model is asked, and what it wrote is compiled, from there alone.
	needs_clang
	dir=$BATS_TEST_TMPDIR
	export XDG_CACHE_HOME=$dir/cache
	scripted_model
	script_of hooks
	exits 0 "$here/bin/sched-synth" --json -n 1 \
		--backend "command:$dir/model" \
		<"$TREE/tests/bench/requests.profile"
	is "$(jq -r 'select(.kind == "policy").body.form' <<<"$output")" hooks
	has "$(cat "$dir/1.in")" 'You are the planner'
}

# As packages have them.
@test 'install: pages that are packed are read as well' {
	into install
	local bin=$D/opt/bin page
	is "$("$bin/sched" help starve_us)" "$(sched help starve_us)"
	gzip -n "$D"/opt/share/man/man*/*
	is "$("$bin/sched" help starve_us)" "$(sched help starve_us)"
	is "$("$bin/sched" help watchdog)" "$(sched help watchdog)"
	if command -v man >/dev/null || command -v mandoc >/dev/null; then
		exits 0 "$bin/sched" help evidence
		has "$(sed 's/.\x08//g' <<<"$output")" 'schedkit-evidence'
	fi
	# The front of this server can start no program.
	page=$("$bin/sched-mcp" <<-'END' | jq -r 'select(.id == 1).result.contents[0].text'
		{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}
		{"jsonrpc":"2.0","method":"notifications/initialized"}
		{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"schedkit://man/schedkit-evidence.7"}}
	END
	)
	has "$page" 'how it is measured whether a policy is better'
	# What is cut off is no page, and no crash.
	truncate -s 1000 "$D/opt/share/man/man7/schedkit-policies.7.gz"
	exits 0 "$bin/sched" help watchdog
	lacks "$output" 'schedkit-policies(7)'
}

@test 'install: the manual for a browser, and completion of zsh' {
	into install
	[ -f "$D/opt/share/zsh/site-functions/_schedkit" ]
	needs mandoc
	[ -f "$D/opt/share/doc/schedkit/html/index.html" ]
	[ -f "$D/opt/share/doc/schedkit/html/manual.css" ]
	local page
	for page in "$TREE"/man/*.[157]; do
		[ -s "$D/opt/share/doc/schedkit/html/${page##*/}.html" ]
	done
}

@test 'install: the completion is found under every name' {
	into install
	local tool
	for tool in "$BUILD"/bin/*; do
		[ -f "$D/opt/share/bash-completion/completions/${tool##*/}" ]
	done
}

# Of the user's service manager and of the system's.
@test 'install: units name what is installed, and systemd takes them' {
	into install
	local units=("$D"/opt/lib/systemd/*/*[er]) u p
	is "$(grep -rho '@[A-Z]*@' "$D/opt/lib/systemd")" ''
	for p in $(grep -rho '/opt/[^" ]*' "$D/opt/lib/systemd" | sort -u); do
		[ -x "$D$p" ] || { echo "no $p"; false; }
	done
	needs systemd-analyze
	# It looks for the programs where the units say they are.
	find "$D/opt/lib/systemd" -type f -exec sed -i "s,/opt/,$D/opt/,g" {} +
	for u in "${units[@]}"; do
		case $u in
		*/user/*) XDG_RUNTIME_DIR=$PWD exits 0 systemd-analyze \
			--man=no --user verify "$u" ;;
		*) exits 0 systemd-analyze --man=no verify "$u" ;;
		esac
		is "$stderr" ''
	done
}

@test "install: the system's services are shut in" {
	needs systemd-analyze
	into install
	local units=("$D"/opt/lib/systemd/system/*.service) u
	[ ${#units[@]} -ge 2 ]
	# Of 10, where 10 is a service with all that root may do.
	for u in "${units[@]}"; do
		exits 0 systemd-analyze security --offline=yes --no-pager \
			--threshold=30 "$u"
	done
}

@test 'install: nothing is writable by others, nothing names the build' {
	into install
	is "$(find "$D" -perm -o+w ! -type l)" ''
	is "$(find "$D" -type l -lname '/*')" ''
}

@test 'uninstall: leaves no file behind' {
	into install
	echo mine >"$D/opt/bin/mine"
	into uninstall
	is "$(find "$D" ! -type d)" "$D/opt/bin/mine"
}
