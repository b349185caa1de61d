// SPDX-License-Identifier: GPL-2.0-or-later
// node --import resolve.mjs FILE: packages come from the folder $MCP_PACKAGES,
// wherever the file is that asks for one.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url, {
	data: { packages: process.env.MCP_PACKAGES },
});
