/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/proposer/model_tools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/model_tools_parts.h"
#include "agents/prompt/prompt.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"

#define WHOLE_MAX (1u << 20)
/* Room for the word that there is more. */
#define PART_MAX (MODEL_TOOLS_OUTPUT - 200)

#define OBJECT_OF(members, required)                    \
	"{\"type\":\"object\",\"properties\":{" members \
	"},\"required\":[" required "],\"additionalProperties\":false}"
#define TEXT_OF(max) \
	"{\"type\":\"string\",\"minLength\":1,\"maxLength\":" max "}"
#define PART                                                           \
	"\"part\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":99," \
	"\"description\":\"of a long text; 1 by default\"}"

/* The keys of a draft; what they may hold, the lint stage says better. */
#define DRAFT                                                                                          \
	"\"policy\":" OBJECT_OF(                                                                       \
		"\"form\":{\"enum\":[\"params\",\"knobs\",\"external\","                               \
		"\"hooks\",\"source\"]},"                                                              \
		"\"title\":" TEXT_OF("200") ",\"why\":" TEXT_OF(                                       \
			"4000") ",\"uses\":{\"type\":\"array\",\"items\":{\"enum\":["                  \
				"\"behaviour\",\"learned_identity\","                                  \
				"\"declared_intent\"]}},"                                              \
				"\"params\":{\"type\":\"object\"},"                                    \
				"\"code\":" TEXT_OF(                                                   \
					"262144") ","                                                  \
						  "\"knobs\":{\"type\":\"array\",\"items\":{\"type\":" \
						  "\"object\"}},"                                      \
						  "\"external\":{\"type\":\"object\"},"                \
						  "\"hypothesis\":{\"type\":\"object\"}",              \
		"\"form\"")

static int profile_section(struct model_tools *t, const struct json *arguments,
			   struct buf *b)
{
	return prompt_section(b, t->o.profile,
			      json_as_string(json_get(arguments, "name"), ""));
}

static int topology(struct model_tools *t, const struct json *arguments,
		    struct buf *b)
{
	(void)arguments;
	return prompt_section(b, t->o.profile, "machine");
}

static int reference(struct model_tools *t, const struct json *arguments,
		     struct buf *b)
{
	(void)t;
	return prompt_page(b, json_as_string(json_get(arguments, "page"), ""));
}

static const struct {
	const char *name, *description, *schema;
	model_tool *call;
} tools[] = {
	{"profile_section",
	 "One section of the workload's profile: regime, workload, metrics, "
	 "machine, run_queue, groups, identities, costs, notes, output.",
	 OBJECT_OF("\"name\":" TEXT_OF("40") "," PART, "\"name\""),
	 profile_section},
	{"topology", "CPUs, cores, caches and nodes of the machine.",
	 OBJECT_OF("", ""), topology},
	{"history_search",
	 "Documents of the policy history in which all the words occur, "
	 "newest first: one line each, with the id for history_show.",
	 OBJECT_OF("\"words\":" TEXT_OF(
			   "200") ",\"kind\":{\"enum\":[\"policy\",\"verdict\","
				  "\"plan\",\"lesson\",\"note\",\"deployment\"]"
				  ",\"description\":\"policy by default\"}",
		   "\"words\""),
	 tool_history_search},
	{"history_show",
	 "One document of the history by the beginning of its id.",
	 OBJECT_OF("\"id\":" TEXT_OF("64") "," PART, "\"id\""),
	 tool_history_show},
	{"reference",
	 "A page of the reference on sched_ext and on our policies: data, forms, "
	 "patterns, params, lifecycle, custody, dsq, slices, cpus, api, "
	 "verifier, rules, source, hooks, scx, kernel.",
	 OBJECT_OF("\"page\":" TEXT_OF("40") "," PART, "\"page\""), reference},
	{"compile",
	 "Takes a draft through lint and build: what the compiler says.",
	 OBJECT_OF(DRAFT, "\"policy\""), tool_compile},
	{"prove",
	 "As compile, and looks for paths on which the draft loses a task, "
	 "loops or breaks another rule.",
	 OBJECT_OF(DRAFT, "\"policy\""), tool_prove},
	{"simulate",
	 "As prove, and runs the draft on a model of the machine under "
	 "hostile loads and the profile's: findings, and metrics beside "
	 "those of the default scheduler.",
	 OBJECT_OF(DRAFT, "\"policy\""), tool_simulate},
};

/* The schemas are part of this file: one that does not parse is a defect. */
static struct json *schema(const char *text)
{
	struct json *s = json_parse(text, strlen(text));

	if (!s || json_schema_load(s))
		abort();
	return s;
}

struct model_tools *model_tools_new(const struct model_tools_opts *o)
{
	struct model_tools *t = mem_zalloc(1, sizeof(*t));

	t->o = *o;
	t->list = json_array();
	t->schemas = mem_zalloc(ARRAY_LEN(tools), sizeof(*t->schemas));
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		struct json *one = json_add(t->list, json_object());

		t->schemas[i] = schema(tools[i].schema);
		json_set_string(one, "name", tools[i].name);
		json_set_string(one, "description", tools[i].description);
		json_set(one, "parameters", json_copy(t->schemas[i]));
	}
	return t;
}

void model_tools_free(struct model_tools *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		json_free(t->schemas[i]);
	free(t->schemas);
	json_free(t->list);
	free(t);
}

const struct json *model_tools_list(const struct model_tools *t)
{
	return t->list;
}

/* Where the part after `at` begins: behind a line, or at least no half of a
 * character. */
static size_t part_end(const struct buf *b, size_t at)
{
	size_t end = at + PART_MAX;
	const char *eol;

	if (end >= b->len)
		return b->len;
	eol = memrchr(b->data + at, '\n', PART_MAX);
	if (eol && (size_t)(eol - b->data) > at + PART_MAX / 2)
		return (size_t)(eol - b->data) + 1;
	while (end > at + 1 && (b->data[end] & 0xc0) == 0x80)
		end--;
	return end;
}

/* The last part for whoever asks for more than there are. */
static void put_part(const struct buf *all, long part, bool has_parts,
		     struct buf *out)
{
	size_t at = 0, end = part_end(all, 0);

	for (long i = 1; i < part && end < all->len; i++) {
		at = end;
		end = part_end(all, at);
	}
	buf_add(out, all->data + at, end - at);
	if (end < all->len)
		buf_printf(out, "\n(%zu more bytes are cut off%s)\n",
			   all->len - end,
			   has_parts ? ": ask for the next part" : "");
}

static int call(struct model_tools *t, size_t i, const struct json *arguments,
		struct buf *out)
{
	struct json *none = NULL;
	struct buf all;
	int rc;

	/* Some models call what needs no arguments without any. */
	if (!arguments)
		arguments = none = json_object();
	buf_init(&all, WHOLE_MAX);
	rc = json_schema_check(t->schemas[i], arguments);
	if (rc)
		err_prefix(rc, "wrong arguments");
	else
		rc = tools[i].call(t, arguments, &all);
	if (!rc && all.len)
		put_part(&all,
			 (long)json_as_number(json_get(arguments, "part"), 1),
			 json_path(t->schemas[i], "properties.part"), out);
	buf_release(&all);
	json_free(none);
	return rc;
}

bool model_tools_call(struct model_tools *t, const char *name,
		      const struct json *arguments, struct buf *out)
{
	size_t i = 0;

	while (i < ARRAY_LEN(tools) && strcmp(tools[i].name, name))
		i++;
	if (i == ARRAY_LEN(tools)) {
		buf_puts(out, "there is no such tool; there are");
		for (i = 0; i < ARRAY_LEN(tools); i++)
			buf_printf(out, "%s %s", i ? "," : "", tools[i].name);
		return false;
	}
	if (!call(t, i, arguments, out))
		return true;
	/* It may quote what an outsider wrote. */
	prompt_fence(out, "error", err_text(), 2000);
	return false;
}
