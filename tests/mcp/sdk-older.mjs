// SPDX-License-Identifier: GPL-2.0-or-later
// SDK 1.x: sessions, requests of the server's own, tasks of 2025-11-25.
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport }
	from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport }
	from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, CreateMessageRequestSchema,
	ElicitRequestSchema, LoggingMessageNotificationSchema,
	ResourceUpdatedNotificationSchema }
	from '@modelcontextprotocol/sdk/types.js';
import { becomes, common, PATIENCE, textOf, withClient }
	from './sdk-common.mjs';

const api = {
	call: (c, name, args, options) => c.callTool(
		{ name, arguments: args }, CallToolResultSchema,
		{ ...PATIENCE, ...options }),
};

const open = {
	stdio: () => new StdioClientTransport({ command: process.env.FIXTURE }),
	http: () => new StreamableHTTPClientTransport(new URL(process.env.URL)),
};

for (const [kind, transport] of Object.entries(open)) {
	const who = `SDK 1, ${kind}`;
	const connect = async (capabilities = {}) => {
		const c = new Client({ name: 'sdk-1', version: '1' },
			{ capabilities });
		await c.connect(transport(), PATIENCE);
		return c;
	};
	const each = (name, fn, capabilities) =>
		withClient(`${who}: ${name}`, connect, fn, capabilities);

	common(who, connect, api);

	each('is answered when it only wants to know', async (c) => {
		assert.deepEqual(await c.ping(PATIENCE), {});
	});

	each('a person answers a form', async (c) => {
		let asked;
		c.setRequestHandler(ElicitRequestSchema, (r) => {
			asked = r.params;
			return { action: 'accept', content: {
				username: 'ada', email: 'ada@example.org' } };
		});
		const r = await api.call(c, 'test_elicitation',
			{ message: 'Who are you?' });
		assert.equal(asked.message, 'Who are you?');
		assert.ok(asked.requestedSchema.properties.username);
		assert.match(textOf(r), /accept/);
		assert.match(textOf(r), /ada@example\.org/);
	}, { elicitation: {} });

	each('a person says no', async (c) => {
		c.setRequestHandler(ElicitRequestSchema,
			() => ({ action: 'decline' }));
		const r = await api.call(c, 'test_elicitation',
			{ message: 'm' });
		assert.match(textOf(r), /decline/);
	}, { elicitation: {} });

	each('nobody is asked who cannot be', async (c) => {
		const r = await api.call(c, 'test_elicitation',
			{ message: 'm' }).catch((e) => e);
		assert.ok(r instanceof Error || r.isError, `${r}`);
	});

	each('a model answers', async (c) => {
		c.setRequestHandler(CreateMessageRequestSchema, () => ({
			model: 'm', role: 'assistant',
			content: { type: 'text', text: 'forty-two' } }));
		const r = await api.call(c, 'test_sampling', { prompt: 'p' });
		assert.match(textOf(r), /forty-two/);
	}, { sampling: {} });

	each('hears what is logged', async (c) => {
		const heard = [];
		c.setNotificationHandler(LoggingMessageNotificationSchema,
			(n) => { heard.push(n.params); });
		await c.setLoggingLevel('debug', PATIENCE);
		await api.call(c, 'test_tool_with_logging', {});
		await becomes('three messages', () => heard.length >= 3);
		assert.ok(heard.every((m) => m.level === 'info'));
	});

	each('watches a resource, and no more', async (c) => {
		const uri = 'test://watched-resource';
		const heard = [];
		c.setNotificationHandler(ResourceUpdatedNotificationSchema,
			(n) => { heard.push(n.params.uri); });
		await c.subscribeResource({ uri }, PATIENCE);
		await api.call(c, 'test_trigger_tool_change', {});
		await becomes('it is told', () => heard.includes(uri));
		await c.unsubscribeResource({ uri }, PATIENCE);
		heard.length = 0;
		await api.call(c, 'test_trigger_tool_change', {});
		await api.call(c, 'greet', { name: 'after' });
		assert.deepEqual(heard, []);
		await assert.rejects(c.subscribeResource(
			{ uri: 'test://no-such' }, PATIENCE));
	});

	each('follows a task to its end', async (c) => {
		const seen = [];
		let result;
		for await (const m of c.experimental.tasks.callToolStream(
			{ name: 'slow_compute', arguments: { seconds: 1 } },
			CallToolResultSchema,
			{ ...PATIENCE, task: { ttl: 60_000 } })) {
			seen.push(m.type);
			if (m.type === 'error')
				throw m.error;
			if (m.type === 'result')
				result = m.result;
		}
		assert.equal(seen[0], 'taskCreated');
		assert.equal(seen.at(-1), 'result');
		assert.match(textOf(result), /./);
	});

	each('cancels a task', async (c) => {
		let id;
		for await (const m of c.experimental.tasks.callToolStream(
			{ name: 'slow_compute', arguments: { seconds: 100 } },
			CallToolResultSchema,
			{ ...PATIENCE, task: { ttl: 60_000 } })) {
			if (m.type !== 'taskCreated')
				continue;
			id = m.task.taskId;
			const { tasks } = await c.experimental.tasks
				.listTasks(undefined, PATIENCE);
			assert.ok(tasks.some((t) => t.taskId === id));
			await c.experimental.tasks.cancelTask(id, PATIENCE);
			break;
		}
		const t = await c.experimental.tasks.getTask(id, PATIENCE);
		assert.equal(t.status, 'cancelled');
		await assert.rejects(c.experimental.tasks
			.getTask('no-such-task', PATIENCE));
	});
}

withClient('SDK 1, http: a session that was ended is not gone on with',
	async () => {
		const c = new Client({ name: 'sdk-1', version: '1' });
		const t = open.http();
		await c.connect(t, PATIENCE);
		assert.match(t.sessionId, /^[\x21-\x7e]+$/);
		const id = t.sessionId;
		await t.terminateSession();
		const old = new Client({ name: 'sdk-1', version: '1' });
		await assert.rejects(old.connect(
			new StreamableHTTPClientTransport(
				new URL(process.env.URL), { requestInit: {
					headers: { 'mcp-session-id': id } } })));
		return c;
	}, () => {});

withClient('SDK 1, http: who comes back finds its task',
	async () => {
		const c = new Client({ name: 'sdk-1', version: '1' });
		await c.connect(open.http(), PATIENCE);
		return c;
	}, async (c) => {
		let id;
		for await (const m of c.experimental.tasks.callToolStream(
			{ name: 'slow_compute', arguments: { seconds: 2 } },
			CallToolResultSchema,
			{ ...PATIENCE, task: { ttl: 60_000 } }))
			if (m.type === 'taskCreated') {
				id = m.task.taskId;
				break;
			}
		await c.close();
		const again = new Client({ name: 'sdk-1', version: '1' });
		await again.connect(open.http(), PATIENCE);
		try {
			await becomes('completed', async () => (
				await again.experimental.tasks.getTask(id)
			).status === 'completed');
			const r = await again.experimental.tasks
				.getTaskResult(id, CallToolResultSchema);
			assert.match(textOf(r), /./);
		} finally {
			await again.close();
		}
	});
