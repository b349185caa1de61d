/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process that may set knobs is asked, as anybody may have written
 * it.  A request that passes has rules that are in range, end where they must,
 * and can be looked up for any task.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "knob/request.h"

static void check_rule(const struct knob_rule *r)
{
	expect(memchr(r->match, 0, sizeof(r->match)) && *r->match);
	expect(!(r->set & KNOB_NICE) || (r->nice >= -20 && r->nice <= 19));
	expect(!(r->set & KNOB_SLICE) || r->slice_us <= 100000);
	expect(!(r->set & KNOB_WEIGHT) ||
	       (r->cpu_weight && r->cpu_weight <= 10000));
	expect(!(r->set & KNOB_MAX) || r->cpu_max_pct >= 1);
	expect(r->policy <= KNOB_IDLE);
}

static void check(const struct knob_request *r)
{
	static const char *const names[] = {"", "a", "cc1plus",
					    "a name that is too long", "\xff["};
	const uint64_t identity = r->knobs.rules[0].identity;
	struct exec_ids ids = {.pid = 1, .count = 1, .v = {identity}};

	expect(strlen(r->policy) < sizeof(r->policy));
	expect(memchr(r->scope.cgroup, 0, sizeof(r->scope.cgroup)) != NULL);
	if (r->verb == KNOB_UNDO || r->verb == KNOB_TUNE)
		return;
	expect(r->knobs.count && r->knobs.count <= KNOBS_MAX_RULES);
	for (size_t i = 0; i < r->knobs.count; i++)
		check_rule(&r->knobs.rules[i]);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct knob_who who = {names[i], &identity, 1};
		int rule = knobs_rule(&r->knobs, &who), now;

		expect(rule >= -1 && rule < (int)r->knobs.count);
		expect(knobs_rule_now(&r->knobs, names[i], 1, &ids, &now));
		expect(now == rule);
	}
	knobs_check_cpus(&r->knobs, 2, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct knob_request *r = calloc(1, sizeof(*r));

	expect(r != NULL);
	memcpy(r, data, size < sizeof(*r) ? size : sizeof(*r));
	/* Most are of this version. */
	if (size & 3)
		r->size = sizeof(*r);
	if (!knob_request_check(r))
		check(r);
	free(r);
	return 0;
}
