// SPDX-License-Identifier: GPL-2.0-or-later
// The named peer of mcp.sh: a server made with the official TypeScript SDK, as
// its own examples make one, with the same tool.
//
//     mcp-peer.mjs          by stdio
//     mcp-peer.mjs --http   prints its port
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport }
	from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport }
	from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const server = new McpServer({ name: 'peer', version: '1' });
server.registerTool('test_simple_text', { description: 'Says something.' },
	() => ({ content: [{ type: 'text',
		text: 'This is a simple text response for testing.' }] }));

if (process.argv[2] === '--http') {
	const transport = new StreamableHTTPServerTransport({
		sessionIdGenerator: randomUUID,
		enableJsonResponse: true,
	});
	await server.connect(transport);
	const http = createServer((req, res) =>
		transport.handleRequest(req, res));
	http.listen(0, '127.0.0.1', () => console.log(http.address().port));
} else {
	await server.connect(new StdioServerTransport());
}
