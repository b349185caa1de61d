# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the matrix of faults shares:  load ../faults
#
# tests/deploy/faults.txt is the table: a case each line, with its bound and its
# end.  Many cases run in one guest, from setup_file:
#
#   setup_file() { faults_in_guest <<'END'
#   fault NAME        a case begins
#   …                 what is broken
#   end CLASS WORDS   how it ended: $took milliseconds after …
#   END
#   }
#
# and each has a test of its own, which reads what the guest said of it.  After
# each case the same must hold: see settled().

FAULTS_TABLE=$TREE/tests/deploy/faults.txt

# ---- documents ---------------------------------------------------------

# policy_of TITLE PARAMS
policy_of() {
	doc policy "{\"form\": \"params\", \"title\": \"$1\", \"why\": \"w\",
		\"uses\": [], \"params\": $2}"
}

# verdict_of POLICY-ID OBJECT KERNEL CONFIGURATION [PARENT...]
verdict_of() {
	doc verdict "{\"policy\": \"$1\", \"workload\": \"w\",
		\"decision\": \"accepted\", \"why\": \"w\",
		\"target\": \"host\", \"kernel\": \"$3\",
		\"configuration\": \"$4\", \"object_sha256\": \"$2\",
		\"stages\": [], \"metrics\": []}" "$1" "${@:5}"
}

# signed: the policy and the verdict on standard input, signed.
signed() {
	local story
	story=$(cat)
	sched-verify --json --sign "$(tail -n 1 <<<"$story" | doc_id)" \
		<<<"$story" 2>/dev/null | sed 2d
}

digest() {
	sha256sum "$1" | cut -d ' ' -f 1
}

# stream_of TITLE OBJECT-FILE [PARAMS]: for the guest's kernel.
stream_of() {
	local p
	p=$(policy_of "$1" "${3:-{\"queue\": \"global\"\}}")
	{
		echo "$p"
		verdict_of "$(doc_id <<<"$p")" "$(digest "$2")" "$release" \
			"$configuration"
	} | signed
}

# ---- the guest ---------------------------------------------------------

# Signed policies for the guest's own kernel, in files NAME.in, and what scripts
# have in common.
faults_setup() {
	cd "$BATS_FILE_TMPDIR" || return
	release=$("$BUILD/libexec/schedkit/fetch-guest" --print 6.18 |
		awk -F '\t' '$1 == "release" { print $2 }')
	configuration=$(guest_configuration)
	local o name
	stream_of real "$BUILD/lib/schedkit/policy.bpf.o" >real.in
	for o in "$BUILD"/policies/faults/*.bpf.o; do
		name=${o##*/}
		name=${name%.bpf.o}
		stream_of "$name" "$o" '{"queue": "global", "starve_us": 0,
			"timeout_ms": 2000}' >"$name.in"
	done
	cp "$XDG_CONFIG_HOME/schedkit/keys/signing.pub" .
	cp "$TREE/tests/deploy/inside.sh" .
}

# Why there is no guest, for skipping.
faults_lack() {
	case $BUILD in
	*/san) echo 'not with sanitizers' ;;
	*) guest_lacks | sed 's/^\(.\)/no guest (make deps): lacks \1/' ;;
	esac
}

# faults_in_guest [OPTION...] <SCRIPT: what it says is in the file said.
faults_in_guest() {
	[ -z "$(faults_lack)" ] || return 0
	cd "$BATS_FILE_TMPDIR" || return
	[ -e real.in ] || faults_setup || return
	{
		printf 'BUILD=%q EVERY=%q CUTS=%q\n' "$BUILD" "${EVERY:-}" \
			"${CUTS:-10}"
		echo '. ./inside.sh'
		cat
		echo 'echo over'
	} >script
	# A guest that dies of its emulator has shown nothing: once more.
	for _ in 1 2; do
		timeout "${LIMIT:-1800}" sched-guest -q --cpus 2 \
			--timeout "${LIMIT:-1800}" "$@" -- bash script \
			>tells 2>&1 && break
		set -- $? "$@"
		echo "the guest: status $1" >>tells
		[ "$1" = 4 ] || break
		shift
	done
	cat tells >>said
}

# ---- the table ---------------------------------------------------------

# row NAME: its line of the table.
row() {
	awk -F ' *[|] *' -v n="$1" '$1 == n' "$FAULTS_TABLE"
}

# shown NAME: what the guest said of it is what the table says.
shown() {
	local lack broken bound class words ms got said
	lack=$(faults_lack)
	[ -z "$lack" ] || skip "$lack"
	said=$BATS_FILE_TMPDIR/said
	IFS='|' read -r _ broken bound class words < <(row "$1" |
		sed 's/ *| */|/g')
	[ -n "$broken" ] || { echo "$1 is not in the table"; return 1; }
	if grep -q "^skipped $1 " "$said"; then
		skip "$(sed -n "s/^skipped $1 //p" "$said")"
	fi
	read -r _ _ ms got < <(grep "^case $1 " "$said") || {
		echo "the guest said nothing of $1:"
		tail -n 30 "$said"
		return 1
	}
	printf '# %s: %s ms, bound %s: %s\n' "$1" "$ms" "$bound" "$got" >&3
	sed -n "s/^wrong $1 //p" "$said"
	has "$got" "$class "
	has "$got" "$words"
	[ "$ms" != never ] && [ "$ms" -le "$bound" ] ||
		{ echo "after $ms ms, bound $bound"; return 1; }
	! grep -q "^wrong $1 " "$said"
	grep -q "^sound $1\$" "$said"
}
