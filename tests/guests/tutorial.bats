#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What schedkit-tutorial(7) tells its readers to type, all of it and in order: a
# user's lines here, root's in a guest as on a machine that gets the policy.

load ../lib
load ../page
load ../story

page=$TREE/man/schedkit-tutorial.7

setup() {
	story_setup
	needs mandoc
}

# may_end STATUS COMMAND: an answer may be "no", and nothing may be missing.
may_end() {
	case $1:$2 in
	0:*) ;;
	# Without all stages nothing is accepted.
	1:sched-verify*--stages*) ;;
	# Cannot: a guest has no guests, a kernel may have no log.
	3:*'sched doctor'*) ;;
	1:*'sched doctor --stall') ;;
	# A few seconds of a machine that does nothing decide nothing.
	1:*--canary*) ;;
	# Nothing better than what was accepted a moment ago.
	1:sched-loop*) ;;
	# The loop may have done so.
	1:'sched-history promote'*) ;;
	*) return 1 ;;
	esac
}

# ended LINES: "STATUS COMMAND" of each that was run; they are those of the page.
ended() {
	local line bad=0
	while IFS= read -r line; do
		may_end "${line%% *}" "${line#* }" || {
			echo "status ${line%% *}: ${line#* }"
			bad=1
		}
	done <<<"$1"
	return $bad
}

# Whether figures say nothing, as the guest had to wait too often for its CPUs.
busy() {
	[ "$(host_wait_pct <story.jsonl)" -gt 33 ]
}

# On a machine that is busy nothing is accepted: a story as it would have been.
stand_in() {
	local p v
	p=$(jq -c 'select(.kind == "policy")' policies.jsonl | head -n 1)
	v=$(doc verdict "{\"policy\": \"$(doc_id <<<"$p")\",
		\"workload\": \"nightly\", \"decision\": \"accepted\",
		\"why\": \"w\", \"target\": \"vm\", \"kernel\": \"$(
		"$BUILD/libexec/schedkit/fetch-guest" --print 6.18 |
			awk -F '\t' '$1 == "release" { print $2 }')\",
		\"object_sha256\": \"$(sha256sum \
		"$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)\",
		\"stages\": [], \"metrics\": []}" \
		"$(doc_id <<<"$p")" "$(doc_id <profile.json)")
	{
		cat profile.json
		vouched "$p" "$v"
	} >story.jsonl
}

@test 'guest tutorial: a first session, line by line' {
	local command ends='' rc quiet=true
	set -o pipefail
	page_text <"$page" | page_commands '$' >commands
	[ "$(wc -l <commands)" -ge 25 ]
	mkdir tour
	cd tour
	while IFS= read -r command <&3; do
		case $command in
		*'--kernel 7.0'*) [ -z "$(guest_lacks 7.0)" ] || continue ;;
		esac
		rc=0
		echo "\$ $command"
		eval "$command" </dev/null || rc=$?
		if [[ $rc$command == 1sched-verify*'> story.jsonl' ]] && busy
		then
			quiet=false rc=0
			stand_in
		fi
		ends+="$rc $command"$'\n'
	done 3<../commands
	ended "${ends%$'\n'}"

	# What the page says of it.
	jq -e '.body | .source == "bpf" and .overhead.drops * 100 <= .overhead.events and
		([.identities[] | select(.name == "gzip")] | length == 10)' \
		profile.json
	jq -es 'any(.kind == "verdict" and .body.decision == "accepted")' \
		story.jsonl
	jq -es 'map(select(.kind == "verdict").body.why) | length == 1 and
		(.[0] | startswith("stage sim failed"))' rejected.jsonl
	jq -es 'last.body | .state == "dry-run"' dry.jsonl
	jq -es 'last.body | .state == "detached"' under.jsonl
	exits 1 sched-deploy --target vm --cpus 2 --dry-run <best.jsonl
	has "$stderr" revoked
	$quiet || skip 'this machine is busy: all but the figures'
}

@test 'guest tutorial: before production, line by line' {
	local command
	page_text <"$page" | page_commands '#' >commands
	[ "$(wc -l <commands)" -ge 18 ]
	{
		cat <<-'END'
			mkdir -p /etc/schedkit/keys.d
			story 20000 nightly | sched-history add >/dev/null
			sched-verify --keys >/dev/null
			cp $XDG_CONFIG_HOME/schedkit/keys/*.pub /etc/schedkit/keys.d
			set -o pipefail
			exec 2>&1
		END
		while IFS= read -r command; do
			printf 'echo %q\n' "# $command"
			printf '%s\n' "$command"
			case $command in
			*'&') echo 'held 20000' ;;
			*) printf 'echo "ended: $? "%q\n' "$command" ;;
			esac
		done <commands
	} >>inside
	exits 0 timeout 600 sched-guest -q --cpus 2 -- bash inside
	printf '%s\n' "$output"
	ended "$(told_of ended)"
	is "$(told_of ended | wc -l)" "$(grep -vc '&$' commands)"

	# What the page says of it.
	has "$output" '"well":true'
	has "$output" 'schedkit_well 0'
	has "$output" $'\ndisabled\n'
	has "$output" 'asked: it was taken off'
}
