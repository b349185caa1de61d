# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Many questions at once, of an endpoint whose answers are a function of the
# question (tests/endpoint/generator.py), so that each can be held against what
# it has to be:  load ../lib; load ../llm; load ../many
#
# shellcheck disable=SC2034 # what the files use

KINDS=text,json,calls

# address NAME OPTIONS_OF_THE_GENERATOR: how it is reached.
address() {
	place "$1" "{\"generate\":$2}"
	address=http://127.0.0.1:$PORT/$script/v1#m
}

# asks ADDRESSES [ASKER'S OPTION...] -- [ASK-MODEL'S OPTION...]: the summary
# in $said.
asks() {
	local addresses=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		ASAN_OPTIONS="$ASAN_OPTIONS" UBSAN_OPTIONS="$UBSAN_OPTIONS" \
		SCHED_LLM="$addresses" ${settings[@]+"${settings[@]}"} \
		timeout -k 1 30 python3 "$TREE/tests/endpoint/asker" \
		"${options[@]}" -- "$BUILD/libexec/schedkit/ask-model" \
		"${LIMITS[@]}" "$@" >"$at/said" 2>"$at/err" || true
	said=$(cat "$at/said")
	[ ! -s "$at/err" ] || head -c 2000 "$at/err"
}

# holds JQ: of the summary.
holds() {
	jq -e "$1" <<<"$said" >/dev/null || {
		printf 'not: %s\n%s\n' "$1" "$said"
		return 1
	}
}
