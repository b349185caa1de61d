/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of rules, as anybody may have written it: what is read of it is in
 * range and compiles to what the program with privilege takes; and what that
 * one is given, as anybody may have sent it.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "intent/compile.h"
#include "policy/intent_rules.h"

static void check_rules(const struct intents *i)
{
	struct intent_who w = {.command = "cc1", .process = "make"};
	struct intent_rules *r;

	expect(i->count <= INTENT_MAX_RULES);
	w.cgroup = (char *)"/a.slice/b.service";
	expect(intents_find(i, &w, 1) < (int)i->count);
	for (size_t k = 0; k < i->count; k++) {
		free(intent_match_text(&i->v[k]));
		free(intent_effects_text(&i->v[k]));
	}
	intents_compile(i, 1, false, &r, NULL);
	expect(!intent_rules_check(r, r->size));
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intent_rules *r = calloc(1, sizeof(*r));
	struct intents i = {0};

	expect(r != NULL);
	if (!intents_parse(&i, "f", (const char *)data, size, 1000000))
		check_rules(&i);
	else
		expect(!i.count);
	intents_release(&i);
	memcpy(r, data, size < sizeof(*r) ? size : sizeof(*r));
	if (!intent_rules_check(r, size) && r->table.count)
		expect(r->table.v[r->table.count - 1].len <=
		       INTENT_COMMAND_MAX);
	free(r);
	return 0;
}
