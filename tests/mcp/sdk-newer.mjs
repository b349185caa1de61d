// SPDX-License-Identifier: GPL-2.0-or-later
// Client 2.x: the stateless era, and the older one as it speaks that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, StreamableHTTPClientTransport }
	from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import * as z from 'zod/v4';
import { becomes, common, counts, PATIENCE, textOf, withClient }
	from './sdk-common.mjs';

const NEW = '2026-07-28';
const TASKS = 'io.modelcontextprotocol/tasks';

const api = {
	call: (c, name, args, options) => c.callTool(
		{ name, arguments: args }, { ...PATIENCE, ...options }),
};

const open = {
	stdio: () => new StdioClientTransport({ command: process.env.FIXTURE }),
	http: () => new StreamableHTTPClientTransport(new URL(process.env.URL)),
};

async function client(transport, mode, capabilities = {}) {
	const c = new Client({ name: 'sdk-2', version: '1' },
		{ capabilities, versionNegotiation: { mode } });
	await c.connect(transport, PATIENCE);
	return c;
}

for (const [kind, transport] of Object.entries(open)) {
	const who = `client 2, ${kind}`;
	const connect = (capabilities) =>
		client(transport(), { pin: NEW }, capabilities);
	const each = (name, fn, capabilities) =>
		withClient(`${who}: ${name}`, connect, fn, capabilities);

	common(who, connect, api);

	test(`${who}: finds the newest revision by itself`,
		{ timeout: 300_000 }, async () => {
			const c = await client(transport(), 'auto');
			try {
				assert.equal(c.getProtocolEra(), 'modern');
				assert.equal(c.getNegotiatedProtocolVersion(),
					NEW);
				const d = c.getDiscoverResult();
				assert.ok(d.supportedVersions.includes(NEW));
				assert.ok(Number.isInteger(d.ttlMs));
				assert.match(d.cacheScope, /public|private/);
			} finally {
				await c.close();
			}
		});

	test(`${who}: is understood in the older era, too`,
		{ timeout: 300_000 }, async () => {
			const c = await client(transport(), 'legacy');
			try {
				assert.equal(c.getNegotiatedProtocolVersion(),
					'2025-11-25');
				assert.match(textOf(await api.call(c, 'greet',
					{ name: 'older' })), /older/);
			} finally {
				await c.close();
			}
		});

	each('lists say how long they may be kept', async (c) => {
		const r = await c.listTools();
		assert.ok(Number.isInteger(r.ttlMs) && r.ttlMs >= 0);
		assert.match(r.cacheScope, /public|private/);
	});

	each('a person answers a form', async (c) => {
		let asked;
		c.setRequestHandler('elicitation/create', (r) => {
			asked = r.params;
			return { action: 'accept', content: { name: 'Ada' } };
		});
		const r = await api.call(c,
			'test_input_required_result_elicitation', {});
		assert.match(asked.message, /name/);
		assert.match(textOf(r), /Ada/);
	}, { elicitation: {} });

	each('a person says no', async (c) => {
		let times = 0;
		c.setRequestHandler('elicitation/create', () => {
			times++;
			return { action: 'decline' };
		});
		const r = await api.call(c,
			'test_input_required_result_elicitation', {})
			.catch((e) => e);
		assert.equal(times, 1);
		assert.ok(r instanceof Error || !/Ada/.test(textOf(r)));
	}, { elicitation: {} });

	each('is asked in several rounds', async (c) => {
		const asked = [];
		c.setRequestHandler('elicitation/create', (r) => {
			asked.push(r.params.message);
			const first = Object.keys(
				r.params.requestedSchema.properties)[0];
			return { action: 'accept',
				content: { [first]: 'blue' } };
		});
		await api.call(c, 'test_input_required_result_multi_round', {});
		assert.equal(asked.length, 2, `${asked}`);
	}, { elicitation: {} });

	each('nobody is asked who cannot be', async (c) => {
		const r = await api.call(c,
			'test_input_required_result_elicitation', {})
			.catch((e) => e);
		assert.ok(r instanceof Error || r.isError);
	});

	each('listens, and ends listening', async (c) => {
		const uri = 'test://watched-resource';
		const heard = [];
		c.setNotificationHandler('notifications/resources/updated',
			(n) => { heard.push(n.params.uri); });
		const s = await c.listen({
			resourceSubscriptions: [uri],
			toolsListChanged: true,
		}, PATIENCE);
		assert.ok(s.honoredFilter);
		await api.call(c, 'test_trigger_tool_change', {});
		await becomes('it is told', () => heard.includes(uri));
		await s.close();
		heard.length = 0;
		await api.call(c, 'test_trigger_tool_change', {});
		await api.call(c, 'greet', { name: 'after' });
		assert.deepEqual(heard, []);
	});

	// The client does not know this extension: what it would not let
	// through is kept here.
	const tasked = (name, fn) => test(`${who}: ${name}`,
		{ timeout: 300_000 }, async () => {
			const t = transport();
			const c = await client(t, { pin: NEW },
				{ extensions: { [TASKS]: {} } });
			const through = t.onmessage;
			let made;
			t.onmessage = (m, extra) => {
				if (m.result?.resultType === 'task') {
					made = m.result;
					m = { ...m, result: { content: [],
						resultType: 'complete' } };
				}
				through(m, extra);
			};
			try {
				await fn(c, async (seconds) => {
					made = undefined;
					await api.call(c, 'slow_compute',
						{ seconds });
					return made;
				});
			} finally {
				await c.close();
			}
		});
	const ask = (c, method, taskId) => c.request(
		{ method, params: { taskId } }, z.looseObject({}), PATIENCE);

	tasked('follows a task to its end', async (c, start) => {
		const made = await start(1);
		assert.match(made.taskId, /./);
		assert.ok(made.pollIntervalMs > 0 && made.ttlMs > 0);
		let t;
		await becomes('at an end', async () => {
			t = await ask(c, 'tasks/get', made.taskId);
			return t.status !== 'working';
		});
		assert.equal(t.status, 'completed');
		assert.match(textOf(t.result), /./);
	});

	tasked('cancels a task', async (c, start) => {
		const made = await start(100);
		await ask(c, 'tasks/cancel', made.taskId);
		await becomes('cancelled', async () => (await ask(c,
			'tasks/get', made.taskId)).status === 'cancelled');
		await assert.rejects(ask(c, 'tasks/get', 'no-such-task'),
			(e) => e.code === -32602);
	});
}

test('client 2, http: a stream that is closed cancels its call',
	{ timeout: 300_000 }, async () => {
		const c = await client(open.http(), { pin: NEW });
		try {
			const N = 10;
			const stop = new AbortController();
			const before = await counts(c, api);
			const calls = Array.from({ length: N }, () =>
				api.call(c, 'slow_compute', { seconds: 1000 },
					{ signal: stop.signal })
					.catch((e) => e));
			await becomes('all run', async () => (await counts(c,
				api)).working >= before.working + N);
			stop.abort();
			for (const e of await Promise.all(calls))
				assert.ok(e instanceof Error);
			await becomes('all are cancelled', async () =>
				(await counts(c, api)).cancelled >=
					before.cancelled + N);
		} finally {
			await c.close();
		}
	});
