// SPDX-License-Identifier: GPL-2.0-or-later
// From a workload to a policy in place and off again, by nothing but the
// protocol: for tests/guests/mcp.bats, in a guest that stands for a host.
//
//     end-to-end.mjs METRIC COMMAND...
//
// Prints what each step came to; fails where one came to something else.
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport }
	from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema, ElicitRequestSchema }
	from '@modelcontextprotocol/sdk/types.js';

const PATIENCE = 3_600_000;
const client = new Client({ name: 'end-to-end', version: '1' },
	{ capabilities: { elicitation: {} } });
const asked = [];
let person = 'decline';

client.setRequestHandler(ElicitRequestSchema, (r) => {
	asked.push(r.params.message);
	if (person === 'decline')
		return { action: 'decline' };
	const content = {};
	for (const k of Object.keys(r.params.requestedSchema.properties))
		content[k] = true;
	return { action: 'accept', content };
});

async function call(name, args) {
	const began = Date.now();
	let told = 0;
	const r = await client.callTool({ name, arguments: args },
		CallToolResultSchema, {
			timeout: PATIENCE,
			resetTimeoutOnProgress: true,
			onprogress: () => told++,
		});
	const s = r.structuredContent;
	const text = r.content.map((c) => c.text ?? '').join(' ');
	console.log(`${name} ${s?.outcome} ${Math.round(
		(Date.now() - began) / 1000)} s, told ${told} times` +
		(r.isError ? `: ${text.slice(0, 500)}` : ''));
	return { ...r, s, text };
}

async function done(name, args) {
	const r = await call(name, args);
	assert.ok(!r.isError, `${name}: ${r.text}`);
	return r.s;
}

const of = (s, kind) => s.documents.filter((d) => d.kind === kind);

await client.connect(new StdioClientTransport({
	command: 'sched-mcp',
	env: process.env,
	stderr: 'inherit',
}));

const observed = await done('observe', {
	what: 'command', where: 'host', name: 'end-to-end',
	metrics: [process.argv[2]], command: process.argv.slice(3),
});
const profile = of(observed, 'profile')[0].id;

const made = await done('synthesise', { profile, count: 3, by: 'rules' });
const policies = of(made, 'policy').map((d) => d.id);
assert.ok(policies.length > 0);

// Beside other work nothing may be told from noise: then it is measured again,
// as any client would.
let verdict;
for (let i = 0; i < 3 && !verdict; i++) {
	const verified = await done('verify', {
		profile, policies, where: 'host', pairs: 5, finalists: 1,
	});
	verdict = of(verified, 'verdict')
		.find((d) => d.body.decision === 'accepted');
	if (!verdict)
		for (const d of of(verified, 'verdict'))
			console.log(`${d.body.decision}: ${d.body.why}`);
}
assert.ok(verdict, 'nothing was accepted');
const deployment = {
	policy: verdict.body.policy, verdict: verdict.id, seconds: 3600,
};

// A person says no, and it is no.
const refused = await call('deploy', deployment);
assert.ok(refused.isError);
assert.equal(asked.length, 1);
assert.ok(asked[0].includes(verdict.body.policy));
let status = await done('status', {});
assert.match(JSON.stringify(status), /no policy is attached/);

// And yes, once, for this one.
person = 'accept';
const job = (await done('deploy', { ...deployment, background: true })).job;
assert.equal(asked.length, 2);
for (let i = 0; ; i++) {
	status = await done('status', {});
	if (/is attached, held/.test(JSON.stringify(status)))
		break;
	assert.ok(i < 120, 'it was not attached');
	await new Promise((ok) => setTimeout(ok, 1000));
}

await done('rollback', { steps: 0 });
status = await done('status', {});
assert.match(JSON.stringify(status), /no policy is attached/);
const last = await call('job', { job, wait_s: 30 });
assert.match(last.s.outcome, /done|no|cancelled/);
const found = await done('history_search', { kind: 'deployment' });
assert.ok(of(found, 'deployment').length > 0);
await client.close();
console.log('end to end');
