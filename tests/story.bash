# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests share that tell signed stories to sched-deploy inside a guest, as on
# a host:  load ../story

# story_setup: the file inside has what the scripts begin with.
story_setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	# A guest has an environment of its own.
	printf 'BUILD=%q\n' "$BUILD" >inside
	{
		declare -f doc doc_of doc_id
		cat <<-'END'
			export PATH=$BUILD/bin:$BUILD/external:$PATH
			export XDG_STATE_HOME=/tmp/state
			export XDG_CONFIG_HOME=/tmp/config
			sysfs=/sys/kernel/sched_ext
			[ "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs ] ||
				mount -t bpf bpf /sys/fs/bpf
			object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o")
			configuration=$(sched-deploy status |
				jq -r .body.configuration)

			# policy SLICE: in us; "stall" has a task wait too long.
			policy() {
				local params="\"slice_us\": $1"
				[ "$1" != stall ] || params='"order": "fifo",
					"slice_us": 1000000, "starve_us": 0,
					"timeout_ms": 1000'
				doc policy "{\"form\": \"params\",
					\"title\": \"slice $1\", \"why\": \"w\",
					\"uses\": [], \"params\":
					{\"queue\": \"global\", $params}}"
			}

			# story SLICE WORKLOAD [KERNEL]: it and its verdict,
			# signed; about $profile.
			story() {
				local id
				id=$(policy "$1" | doc_id)
				{
					policy "$1"
					doc verdict "{\"policy\": \"$id\",
					\"workload\": \"$2\", \"target\": \"host\",
					\"decision\": \"accepted\", \"why\": \"w\",
					\"kernel\": \"${3:-$(uname -r)}\",
					\"configuration\": \"$configuration\",
					\"object_sha256\": \"${object%% *}\",
					\"stages\": [], \"metrics\": []}" "$id" \
					${profile:+"$profile"}
				} >/tmp/story
				sched-verify --json --sign \
					"$(tail -n 1 /tmp/story | doc_id)" \
					</tmp/story 2>/dev/null
			}

			# becomes STATE [SLICE]: the kernel says so, in time.
			becomes() {
				local i want=
				[ -z "${2:-}" ] || want=schedkit_$(policy "$2" |
					doc_id | cut -c -12)
				for ((i = 0; i < 200; i++)); do
					[ "$(cat $sysfs/state)" != "$1" ] ||
						[[ $(cat $sysfs/root/ops \
						2>/dev/null) != "$want"* ]] ||
						return 0
					sleep 0.1
				done
				echo "never $1 ${2:-}, but $(cat $sysfs/state)"
				exit 1
			}

			# held SLICE: the record is there, too.
			held() {
				local i
				becomes enabled "$1"
				for ((i = 0; i < 50; i++)); do
					! sched-deploy status -q || return 0
					sleep 0.1
				done
				echo "never held"
			}

			# tell NAME FILTER: of the status.
			tell() {
				echo "$1: $(sched-deploy status |
					jq -c "[.body | $2]")"
			}
		END
	} >>inside
}

# go: what is inside, in a guest.
go() {
	exits 0 timeout "${LIMIT:-240}" sched-guest -q --cpus 2 -- bash inside
	# shellcheck disable=SC2154
	printf '%s\n' "$output" "$stderr"
	lacks "$output" never
}

# What the script inside said.
told_of() {
	sed -n "s/^$1: //p" <<<"$output"
}

# told NAME VALUE
told() {
	is "$(told_of "$1")" "$2"
}
