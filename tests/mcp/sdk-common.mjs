// SPDX-License-Identifier: GPL-2.0-or-later
// What is the same whichever official client asks; for sdk-older and sdk-newer.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

// A machine under load is slow; nothing here waits for time to pass.
export const PATIENCE = { timeout: 120_000 };

export function textOf(result) {
	return result.content.filter((c) => c.type === 'text')
		.map((c) => c.text).join('');
}

export function processes() {
	return readdirSync('/proc').filter((p) => /^\d+$/.test(p)).map(Number);
}

// becomes(WHAT, TEST): waits for it, and fails if it does not come true.
export async function becomes(what, check, ms = 60_000) {
	for (const end = Date.now() + ms; Date.now() < end; await sleep(50))
		if (await check())
			return;
	assert.fail(`did not come true: ${what}`);
}

// with_client(NAME, CONNECT, FN): a test that has a client for itself.
export function withClient(name, connect, fn, options) {
	test(name, { timeout: 300_000 }, async () => {
		const client = await connect(options);
		try {
			await fn(client);
		} finally {
			await client.close();
		}
	});
}

// What the fixture works on, and how much of it was cancelled.
export async function counts(client, api) {
	const text = textOf(await api.call(client, 'test_counts', {}));
	const [working, cancelled] = text.match(/\d+/g).map(Number);
	return { working, cancelled };
}

// What a client of either era sees of the fixture.  api hides where they differ
// in calling: api.call(client, name, args, options).
export function common(who, connect, api) {
	const each = (name, fn, options) =>
		withClient(`${who}: ${name}`, connect, fn, options);

	each('it says who it is and what it can', async (c) => {
		const v = c.getServerVersion();
		assert.match(v.name, /./);
		assert.match(v.version, /./);
		const can = c.getServerCapabilities();
		for (const k of ['tools', 'resources', 'prompts', 'completions'])
			assert.ok(can[k], `declares ${k}`);
	});

	each('lists tools, each with a schema', async (c) => {
		const { tools } = await c.listTools();
		const names = tools.map((t) => t.name);
		for (const n of ['greet', 'test_simple_text',
			'test_tool_with_progress', 'slow_compute'])
			assert.ok(names.includes(n), `${n} in ${names}`);
		assert.equal(new Set(names).size, names.length);
		for (const t of tools) {
			assert.equal(t.inputSchema.type, 'object', t.name);
			assert.match(t.description, /./, t.name);
		}
		const again = await c.listTools();
		assert.deepEqual(again.tools, tools);
	});

	each('calls a tool', async (c) => {
		const r = await api.call(c, 'test_simple_text', {});
		assert.equal(textOf(r),
			'This is a simple text response for testing.');
		assert.ok(!r.isError);
		assert.match(textOf(await api.call(c, 'greet', {
			name: 'Grüße, 世界 🌍' })), /Grüße, 世界 🌍/);
	});

	each('calls many at once, each with its own answer', async (c) => {
		const names = Array.from({ length: 20 }, (_, i) => `n${i}.`);
		const all = await Promise.all(names.map((name) =>
			api.call(c, 'greet', { name })));
		all.forEach((r, i) => assert.ok(textOf(r).includes(names[i])));
	});

	each('a tool that fails is a result, not an error', async (c) => {
		const r = await api.call(c, 'test_error_handling', {});
		assert.equal(r.isError, true);
		assert.match(textOf(r), /./);
	});

	each('arguments that do not fit are a result that says why',
		async (c) => {
			const r = await api.call(c, 'greet', { name: 7 });
			assert.equal(r.isError, true);
			assert.match(textOf(r), /name/);
		});

	each('an unknown tool is an error of the protocol', async (c) => {
		await assert.rejects(api.call(c, 'no_such_tool', {}),
			(e) => e.code === -32602);
	});

	each('gets progress that grows', async (c) => {
		const seen = [];
		await api.call(c, 'test_tool_with_progress', {}, {
			onprogress: (p) => seen.push(p),
		});
		// Of those that come together with the answer the client
		// drops the last.
		assert.ok(seen.length >= 2, `${seen.length} times`);
		for (let i = 1; i < seen.length; i++)
			assert.ok(seen[i].progress > seen[i - 1].progress);
		assert.equal(seen.at(-1).total, 100);
	});

	each('cancels a call, and goes on', async (c) => {
		const stop = new AbortController();
		const before = await counts(c, api);
		const call = api.call(c, 'slow_compute', { seconds: 1000 }, {
			signal: stop.signal,
		});
		call.catch(() => {});
		await becomes('it runs', async () =>
			(await counts(c, api)).working > before.working);
		stop.abort('enough');
		await assert.rejects(call);
		await becomes('it is cancelled', async () =>
			(await counts(c, api)).cancelled > before.cancelled);
	});

	each('lists and reads resources', async (c) => {
		const { resources } = await c.listResources();
		for (const r of resources)
			assert.match(r.name, /./, r.uri);
		const uris = resources.map((r) => r.uri);
		for (const u of ['test://static-text', 'test://static-binary'])
			assert.ok(uris.includes(u), `${u} in ${uris}`);
		const text = await c.readResource({ uri: 'test://static-text' });
		assert.equal(text.contents[0].text,
			'This is the content of the static text resource.');
		const bin = await c.readResource({ uri: 'test://static-binary' });
		assert.equal(Buffer.from(bin.contents[0].blob, 'base64')
			.subarray(1, 4).toString(), 'PNG');
		await assert.rejects(c.readResource({ uri: 'test://no-such' }));
	});

	each('lists templates, and reads what one makes', async (c) => {
		const { resourceTemplates } = await c.listResourceTemplates();
		assert.ok(resourceTemplates.some((t) =>
			t.uriTemplate === 'test://template/{id}/data'));
		const r = await c.readResource({
			uri: 'test://template/abc/data' });
		assert.match(r.contents[0].text, /abc/);
	});

	each('lists and gets prompts', async (c) => {
		const { prompts } = await c.listPrompts();
		assert.ok(prompts.some((p) => p.name === 'test_simple_prompt'));
		const one = await c.getPrompt({
			name: 'test_prompt_with_arguments',
			arguments: { arg1: 'first', arg2: 'second' },
		});
		assert.match(JSON.stringify(one.messages), /first.*second/);
		await assert.rejects(c.getPrompt({ name: 'no_such_prompt' }),
			(e) => e.code === -32602);
	});

	each('completes an argument', async (c) => {
		const { completion } = await c.complete({
			ref: { type: 'ref/prompt',
				name: 'test_prompt_with_arguments' },
			argument: { name: 'arg1', value: 'par' },
		});
		assert.deepEqual(completion.values, ['paris', 'park', 'party']);
	});
}
