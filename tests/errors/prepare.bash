# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the commands of tests/errors find in the folder they are started in: it
# is made once, here, and copied for each.
set -eu
bats_require_minimum_version() {
	:
}
. "$TREE/tests/lib.bash"
. "$TREE/tests/knobs.bash"
. "$TREE/tests/proposals.bash"
. "$TREE/tests/history.bash"
dir=$PWD
mkdir -p tmp state config/schedkit cache run intents
mkdir -m 700 r
cp "$TREE/tests/bench/requests.profile" profile
cp "$(command -v sleep)" errtask
profile_id=$(head -n 1 profile | doc_id)

# ---- policies and verdicts: the one is better, the other is not ----------

sched-verify --new-key >/dev/null 2>&1
knobs_story "$(knobs_policy 'nice 1' \
	'[{"match": "errtask", "nice": 1}]')" requests \
	"$profile_id" >signed
knobs_story "$(knobs_policy 'nice 2' \
	'[{"match": "errtask", "nice": 2}]')" requests \
	"$profile_id" >story2
mv signed story
policy=$(head -n 1 story | doc_id)
{
	cat profile
	sched-synth --json -b rules -n 2 <profile | tail -n +2
} >proposed
sched-verify --json --no-sign --stages lint,build,prove,sim <proposed \
	>judged 2>/dev/null || [ $? = 1 ]
cat profile story >all
sched-history add <all >/dev/null
sched-history add <story2 >/dev/null
sched-history learn <judged 2>/dev/null | sched-history add >/dev/null
sched-history promote candidate "$policy" >/dev/null
for i in 1 2 3 4; do
	policy "p$i" $((i * 1000)) >p
	cat p
	verdict "$(doc_id <p)" w accepted 2 | at "$i"
done | sched-history add >/dev/null
rm p
echo "$policy" >policy
sed -n 2p story | doc_id >verdict
jq -c 'select(.kind == "policy")' proposed | tail -n 1 >one

# ---- another's history; one that has less ---------------------------------

git init -q --bare -b main --template= hub
SCHEDKIT_HISTORY=$dir/other sched-history add <proposed >/dev/null
SCHEDKIT_HISTORY=$dir/other sched-history push "$dir/hub" >/dev/null 2>&1
rm -r other

# ---- a model ---------------------------------------------------------------

# shellcheck disable=SC2016
printf '%s\n' '#!/bin/sh' 'cd "${0%/*}" || exit' 'cat >tmp/asked' \
	'cat said' >model
chmod +x model
say 1 "$(plan "$(experiment params "$FIFO")")"
mv 1.out said

# ---- a loop that ran, a client's job ---------------------------------------

loop=state/schedkit/loops/$(doc_id <one)
mkdir -p "$loop"
echo '{"run":"1","name":"errtask","status":"better","rounds":[]}' \
	>"$loop/state.json"
job=state/schedkit/mcp/jobs/0123456789abcdef0123456789abcdef
mkdir -p "$job"
echo "{\"tool\":\"history\",\"client\":\"c\",\"created\":$(date +%s)}" \
	>"$job/order"

# ---- recordings, rules, messages -------------------------------------------

python3 "$TREE/tests/cli/bursts_make.py" alternating 2000 >a.bursts
sched-train -o learned a.bursts >/dev/null
printf '%s\n' '[mail]' 'command = mail*' 'class = batch' >intents/10.conf
printf '%s\n' '[edit]' 'command = vim' 'weight = 200' >rules.conf
printf '%s\n' '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{'\
'"protocolVersion":"2025-06-18","capabilities":{},'\
'"clientInfo":{"name":"tests","version":"0"}}}' \
	'{"jsonrpc":"2.0","method":"notifications/initialized"}' \
	'{"jsonrpc":"2.0","id":2,"method":"tools/list"}' \
	'{"jsonrpc":"2.0","id":3,"method":"resources/list"}' >messages
echo '{"policy":"fair"}' >config/schedkit/runtime.json
printf '%s\n' 'load profile' 'last | synth -b rules -n 1' 'save saved' >lines
