// SPDX-License-Identifier: GPL-2.0-or-later
// How modules are found; see resolve.mjs.
import * as fs from 'node:fs';
import { pathToFileURL } from 'node:url';

let from;

// The conformance suite imports a function that node 20 lacks, for a command of
// its own that is not used here.
const older = `export * from 'node:fs';
	export { default } from 'node:fs';
	export function globSync() { throw new Error('needs node 22'); }`;

export async function initialize({ packages }) {
	from = pathToFileURL(`${packages}/x.mjs`).href;
}

export async function resolve(name, context, next) {
	if (name === 'fs' && fs.globSync === undefined)
		return {
			url: `data:text/javascript,${encodeURIComponent(older)}`,
			shortCircuit: true,
		};
	if (/^(@|[a-z])/.test(name) && !/^[a-z]+:/.test(name) &&
	    !context.parentURL?.includes('/node_modules/'))
		return next(name, { ...context, parentURL: from });
	return next(name, context);
}
