# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Documents for the tests of the history, which is h:  load ../history

# As the tools write their documents.
doc_line() {
	doc "$@" | jq -cS .
}

# policy TITLE [SLICE]
policy() {
	doc_line policy "{\"form\": \"params\", \"title\": \"$1\", \"why\": \"w\",
		\"uses\": [], \"params\": {\"slice_us\": ${2:-5000}}}"
}

# verdict POLICY-ID WORKLOAD DECISION RATIO [LOW [PARENT...]]
verdict() {
	doc_line verdict "{\"policy\": \"$1\", \"workload\": \"$2\",
		\"decision\": \"$3\", \"why\": \"measured\", \"target\": \"vm\",
		\"kernel\": \"6.18.15\", \"stages\": [], \"metrics\": [{
		\"name\": \"makespan\", \"unit\": \"s\", \"baseline\": 3,
		\"candidate\": 2, \"ratio\": $4, \"ci95\": [${5:-1}, 9],
		\"pairs\": 5, \"guard\": false}]}" "$1" "${@:6}"
}

profile() {
	doc_line profile '{"scope": "command", "goal": "makespan",
		"source": "bpf", "target": "vm", "duration_us": 2000000,
		"workload": {"name": "longtail", "command": ["true"]},
		"system": {"cpus": 2, "kernel": "6"}, "groups": [],
		"overhead": {"drops": 0}}'
}

# numbered N TAG: N policies.
numbered() {
	local body
	jq -cnS --arg tag "$2" --argjson n "$1" 'range($n) | {form: "params",
		title: "\($tag) \(.)", why: "w", uses: [],
		params: {slice_us: 5000}}' >bodies
	while read -r body; do
		printf %s "$body" | sha256sum
	done <bodies | cut -c 1-64 | paste - bodies | jq -cRS 'split("\t") |
		{v: 1, kind: "policy", id: .[0], parent: [], by: "tests 0",
		time: "2026-01-02T03:04:05Z", body: (.[1] | fromjson)}'
}

sound() {
	git -C h fsck --strict --no-dangling >fsck 2>&1 &&
		! grep -v '^notice: ' fsck && return
	cat fsck
	return 1
}

# lesson POLICY-ID TEXT: of the workload w.
lesson() {
	doc_line lesson "{\"profile\": \"$1\", \"policy\": \"$1\",
		\"verdict\": \"$1\", \"workload\": \"w\", \"features\": {},
		\"tried\": {\"form\": \"params\", \"title\": \"t\",
		\"source\": \"rule\", \"params\": {}}, \"outcome\": \"better\",
		\"text\": \"$2\", \"conditions\": {\"target\": \"vm\",
		\"kernel\": \"6.18.15\"}}" "$1"
}

# at SECONDS: the line on standard input, made so long after the others.
at() {
	jq -cS --argjson s "$1" '.time = (1767323045 + $s | todate)'
}

count() {
	git -C h rev-list --count main
}
