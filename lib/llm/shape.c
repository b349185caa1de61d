/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all providers make of a request in the same way. */
#include <stdlib.h>

#include "base/mem.h"
#include "llm/provider.h"

char *shape_system(const struct llm_request *r, enum llm_shape shape)
{
	char *schema, *text;

	if (!r->schema || shape < SHAPE_JSON)
		return r->system ? mem_strdup(r->system) : NULL;
	/* At the end: the part that many requests share stays a prefix. */
	schema = json_ordered(r->schema);
	text = mem_printf("%s%sAnswer with one JSON object and nothing else: "
			  "no explanation, no fence.  It must be valid against "
			  "this JSON schema:\n%s\n",
			  r->system ? r->system : "", r->system ? "\n\n" : "",
			  schema);
	free(schema);
	return text;
}

void limits_fill(struct llm_limits *l)
{
	if (l->connect_s <= 0)
		l->connect_s = 10;
	if (l->first_byte_s <= 0)
		l->first_byte_s = 120;
	if (l->idle_s <= 0)
		l->idle_s = 60;
	if (l->total_s <= 0)
		l->total_s = 600;
	if (l->attempts <= 0)
		l->attempts = 4;
	if (l->retry_s <= 0)
		l->retry_s = 120;
	if (!l->max_bytes)
		l->max_bytes = 4 << 20;
}

struct llm_answer answer_none(void)
{
	return (struct llm_answer){
		.cost_usd = -1,
		.first_token_s = -1,
		.told = {-1, -1, -1, -1, -1, -1, -1, -1, -1},
	};
}

long tokens_guess(size_t bytes)
{
	return (long)((bytes + 3) / 4);
}
