#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history search, diff, lineage.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h
}

ids() {
	doc_id | tr '\n' ' '
}

@test 'history: search by words' {
	local p q l
	p=$(policy 'shared queue' 1000)
	q=$(policy 'nest of cores' 2000)
	l=$(lesson "$(doc_id <<<"$p")" 'the queue was short')
	printf '%s\n' "$p" "$q" "$l" | sched-history add >/dev/null
	is "$(sched-history search QUEUE | sort)" "$(printf '%s\n' "$p" "$l" | sort)"
	is "$(sched-history search queue -k lesson)" "$l"
	is "$(sched-history search shared queue -n 1)" "$p"
	exits 1 sched-history search balloons
	exits 2 sched-history search
	exits 2 sched-history search queue -k error
	has "$(script -qec 'sched-history search cores' /dev/null)" \
		"'nest of cores'"
	# What comes later is found as well.
	l=$(doc note '{"text": "balloons"}' | jq -cS .)
	sched-history add <<<"$l" >/dev/null
	is "$(sched-history search balloons)" "$l"
}

@test 'history: the index of a search is a copy' {
	numbered 100 many >in
	sched-history add <in >/dev/null
	is "$(sched-history search many -n 1000 | sort)" "$(sort in)"
	[ -s h/documents.index ]
	cp h/documents.index whole
	for damage in 'truncate -s 3000' 'truncate -s 0' \
		'sed -i 1s/v.:1/&9/' 'sed -i 2s/m/x/'; do
		$damage h/documents.index
		is "$(sched-history search many -n 1000 | sort)" "$(sort in)"
		cp whole h/documents.index
	done
	# Of a document that is gone nothing is found.
	git clone -q h c
	git -C c rm -qr policies
	git -C c -c user.name=x -c user.email=x@x commit -qm gone
	git -C c push -q
	exits 1 sched-history search many
}

@test 'history: diff says what differs, and what was measured' {
	local p q P Q
	p=$(policy a 1000)
	q=$(policy b 2000)
	P=$(doc_id <<<"$p") Q=$(doc_id <<<"$q")
	{
		printf '%s\n' "$p" "$q"
		verdict "$P" w accepted 2
		verdict "$Q" w rejected 1
	} | sched-history add >/dev/null
	exits 0 sched-history diff "$P" "$Q"
	is "$(jq -c '[.differs[] | [.path, .a, .b]]' <<<"$output")" \
		'[["params.slice_us",1000,2000],["title","a","b"]]'
	is "$(jq -c '[.a_effects[0].ratio, .b_effects[0].decision]' \
		<<<"$output")" '[2,"rejected"]'
	is "$(sched-history diff "$P" "$P" | jq -c .differs)" '[]'
	exits 0 sched-history diff "$(verdict "$P" w accepted 2 | doc_id)" \
		"$(verdict "$Q" w rejected 1 | doc_id)"
	has "$(jq -r '.differs[].path' <<<"$output")" metrics.makespan.ratio
	exits 2 sched-history diff "$P" "$(verdict "$P" w accepted 2 | doc_id)"
	has "$(script -qec "sched-history diff $P $Q" /dev/null)" params.slice_us
}

@test 'history: diff of code is a unified one' {
	local p q
	p=$(doc_line policy '{"form": "source", "title": "a", "why": "w",
		"uses": [], "code": "int a;\nint b;\n"}')
	q=$(doc_line policy '{"form": "source", "title": "a", "why": "w",
		"uses": [], "code": "int a;\nint c;\n"}')
	printf '%s\n' "$p" "$q" | sched-history add >/dev/null
	exits 0 sched-history diff "$(doc_id <<<"$p")" "$(doc_id <<<"$q")"
	has "$(jq -r .code <<<"$output")" $'-int b;\n+int c;'
	is "$(jq -c .differs <<<"$output")" '[]'
}

@test 'history: diff of models is that of their digests' {
	local p q of='"form": "params", "title": "a", "why": "w", "uses": []'
	p=$(doc_line policy "{$of, \"model\": {\"feature_version\": 1,
		\"sha256\": \"$(sha256sum <<<a | cut -c -64)\", \"data\": \"AAAA\"}}")
	q=$(doc_line policy "{$of, \"model\": {\"feature_version\": 1,
		\"sha256\": \"$(sha256sum <<<b | cut -c -64)\", \"data\": \"BBBB\"}}")
	printf '%s\n' "$p" "$q" | sched-history add >/dev/null
	exits 0 sched-history diff "$(doc_id <<<"$p")" "$(doc_id <<<"$q")"
	is "$(jq -r '.differs[].path' <<<"$output")" model.sha256
}

@test 'history: lineage, both ways' {
	local o p v n
	o=$(profile)
	p=$(doc_line policy '{"form": "params", "title": "a", "why": "w",
		"uses": [], "params": {}}' "$(doc_id <<<"$o")")
	v=$(verdict "$(doc_id <<<"$p")" w accepted 2)
	n=$(doc_line note "{\"text\": \"t\", \"about\": \"$(doc_id <<<"$v")\"}")
	printf '%s\n' "$o" "$p" "$v" "$n" "$(policy other)" |
		sched-history add >/dev/null
	is "$(sched-history lineage "$(doc_id <<<"$p")")" \
		"$(printf '%s\n' "$o" "$p" "$v" "$n")"
	is "$(sched-history lineage "$(doc_id <<<"$n")" | ids)" \
		"$(printf '%s\n' "$o" "$p" "$v" "$n" | ids)"
	is "$(sched-history lineage "$(policy other | doc_id)")" \
		"$(policy other)"
	exits 1 sched-history lineage 0000000000000000
	is "$(script -qec "sched-history lineage $(doc_id <<<"$p")" /dev/null |
		tr -d '\r' | sed 's/ [0-9a-f]\{12\} .*//')" \
		$'parent: profile\n*: policy\n  verdict\n    note'
}
