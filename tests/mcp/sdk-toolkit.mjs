// SPDX-License-Identifier: GPL-2.0-or-later
// sched-mcp itself, by both official clients: its own tools and resources.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Client as OlderClient }
	from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OlderStdio }
	from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as OlderHttp }
	from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema }
	from '@modelcontextprotocol/sdk/types.js';
import { Client, StreamableHTTPClientTransport }
	from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { becomes, PATIENCE, processes, textOf, withClient }
	from './sdk-common.mjs';

const ME = { name: 'toolkit', version: '1' };
const program = { command: 'sched-mcp', env: process.env };
const root = process.getuid() === 0;

// One for all who come by HTTP.
const server = spawn('sched-mcp', ['--http', '0'],
	{ stdio: ['ignore', 'inherit', 'pipe'] });
const at = new Promise((ok, no) => {
	let said = '';
	server.stderr.on('data', (d) => {
		said += d;
		const m = /http:\/\/\S+:\d+\/mcp/.exec(said);
		if (m)
			ok(new URL(m[0]));
	});
	server.on('exit', () => no(new Error(`it ended: ${said}`)));
});
after(() => server.kill());

const older = async (transport) => {
	const c = new OlderClient(ME);
	await c.connect(transport, PATIENCE);
	c.tool = (name, args, more) => c.callTool({ name, arguments: args },
		CallToolResultSchema, { ...PATIENCE, ...more });
	return c;
};

const newer = async (transport) => {
	const c = new Client(ME,
		{ versionNegotiation: { mode: { pin: '2026-07-28' } } });
	await c.connect(transport, PATIENCE);
	c.tool = (name, args, more) => c.callTool(
		{ name, arguments: args }, { ...PATIENCE, ...more });
	return c;
};

const ways = {
	'SDK 1, stdio': () => older(new OlderStdio(program)),
	'SDK 1, http': async () => older(new OlderHttp(await at)),
	'client 2, stdio': () => newer(new StdioClientTransport(program)),
	'client 2, http': async () =>
		newer(new StreamableHTTPClientTransport(await at)),
};

// Those that were started for this server's history and nobody else's.
function ours(name) {
	return processes().filter((pid) => {
		try {
			return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
				.split('\0')[0].endsWith(name) &&
				readFileSync(`/proc/${pid}/environ`, 'utf8')
					.includes(process.env.XDG_STATE_HOME);
		} catch {
			return false;
		}
	});
}

for (const [who, connect] of Object.entries(ways)) {
	const local = who.endsWith('stdio');
	const each = (name, fn) =>
		withClient(`toolkit, ${who}: ${name}`, connect, fn);

	each('lists the tools that this client may call', async (c) => {
		const { tools } = await c.listTools();
		const names = tools.map((t) => t.name);
		for (const n of ['doctor', 'status', 'observe',
			'history_search', 'job'])
			assert.ok(names.includes(n), `${n} in ${names}`);
		assert.equal(names.includes('verify'), local);
		assert.ok(!names.includes('deploy'));
		for (const t of tools)
			assert.ok(t.outputSchema || t.name === 'job', t.name);
	});

	each('asks the machine, and gets what the schema says', async (c) => {
		await c.listTools();
		const r = await c.tool('status', {});
		assert.ok(!r.isError, textOf(r));
		assert.equal(r.structuredContent.outcome, 'done');
		assert.match(textOf(r), /status: done/);
	});

	each('what is not allowed is said', async (c) => {
		const r = await c.tool('deploy', {
			policy: '0'.repeat(64), verdict: '0'.repeat(64),
			seconds: 1 }).catch((e) => e);
		assert.ok(r instanceof Error || r.isError);
	});

	each('reads what is in force, and a page of the manual', async (c) => {
		const r = await c.readResource({ uri: 'schedkit://status' });
		assert.equal(JSON.parse(r.contents[0].text).kind, 'note');
		const { resources } = await c.listResources();
		const page = resources.find((x) =>
			x.uri.startsWith('schedkit://man/sched-observe'));
		const text = await c.readResource({ uri: page.uri });
		assert.match(text.contents[0].text, /sched-observe/);
		const { resourceTemplates } = await c.listResourceTemplates();
		assert.ok(resourceTemplates.length >= 3);
		await assert.rejects(c.readResource({
			uri: 'schedkit://man/../../../etc/passwd' }));
	});

	each('has prompts, and completes their arguments', async (c) => {
		const { prompts } = await c.listPrompts();
		assert.ok(prompts.some((p) => p.name === 'planner'));
		const { completion } = await c.complete({
			ref: { type: 'ref/prompt', name: 'planner' },
			argument: { name: 'profile', value: '' },
		});
		assert.ok(Array.isArray(completion.values));
	});
}

const observe = (seconds) => ({ what: 'machine', seconds });

for (const who of ['SDK 1, stdio', 'client 2, stdio']) {
	test(`toolkit, ${who}: progress, cancel, and what ran is gone`,
		{ timeout: 300_000, skip: root ? false : 'needs root' },
		async () => {
			const c = await ways[who]();
			try {
				const stop = new AbortController();
				let told = 0;
				const call = c.tool('observe', observe(600), {
					signal: stop.signal,
					onprogress: () => told++,
				});
				call.catch(() => {});
				await becomes('it runs', () =>
					ours('sched-observe').length > 0);
				await becomes('progress', () => told > 0);
				stop.abort('enough');
				await assert.rejects(call);
				await becomes('it is gone', () =>
					ours('sched-observe').length === 0);
			} finally {
				await c.close();
			}
		});
}

test('toolkit, SDK 1: a task is followed across servers',
	{ timeout: 300_000, skip: root ? false : 'needs root' }, async () => {
		const c = await ways['SDK 1, stdio']();
		let id;
		for await (const m of c.experimental.tasks.callToolStream(
			{ name: 'observe', arguments: observe(3) },
			CallToolResultSchema,
			{ ...PATIENCE, task: { ttl: 600_000 } }))
			if (m.type === 'taskCreated') {
				id = m.task.taskId;
				break;
			} else if (m.type === 'error') {
				throw m.error;
			}
		await c.close();
		const again = await ways['SDK 1, stdio']();
		try {
			await becomes('completed', async () => (
				await again.experimental.tasks.getTask(id,
					PATIENCE)).status === 'completed');
			const r = await again.experimental.tasks.getTaskResult(
				id, CallToolResultSchema, PATIENCE);
			assert.equal(r.structuredContent.documents[0].kind,
				'profile');
		} finally {
			await again.close();
		}
	});
