# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests share that set knobs on this host:  load ../knobs

# knobs_policy TITLE RULES
knobs_policy() {
	doc policy "{\"form\": \"knobs\", \"title\": \"$1\", \"why\": \"w\",
		\"uses\": [\"declared_intent\"], \"knobs\": $2}"
}

# knobs_story POLICY WORKLOAD [PROFILE [OPTION...]]: the policy and its verdict,
# signed for this host; the profile is an id, or empty.
knobs_story() {
	local id
	: "${configuration:=$(sched-deploy status | jq -r .body.configuration)}"
	id=$(doc_id <<<"$1")
	{
		echo "$1"
		doc verdict "{\"policy\": \"$id\", \"workload\": \"$2\",
			\"decision\": \"accepted\", \"why\": \"so it is\",
			\"target\": \"host\", \"kernel\": \"$(uname -r)\",
			\"configuration\": \"$configuration\",
			\"stages\": [], \"metrics\": []}" "$id" \
			${3:+"$3"}
	} >story
	sched-verify --json --sign "$(tail -n 1 story | doc_id)" "${@:4}" \
		<story 2>/dev/null
}

nice_of() {
	ps -o ni= -p "$1" | tr -d ' '
}
