/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as a fixer gets them: few, short, without our paths. */
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/mem.h"

static struct json *finding(const char *rule, const char *text)
{
	struct json *f = json_object();
	char *cut = mem_strndup(text, FINDING_TEXT);

	json_set_string(f, "rule", rule);
	json_set_string(f, "text", cut);
	free(cut);
	return f;
}

struct json *findings_with(const struct json *findings, const char *rule,
			   const char *text)
{
	struct json *list = json_array();

	json_add(list, finding(rule, text));
	json_each (f, findings)
		if (json_len(list) < FINDINGS_MAX &&
		    strcmp(json_text_at(f, "rule"), rule))
			json_add(list, json_copy(f));
	return list;
}

static void add_stage(struct json *list, const struct json *stage)
{
	json_each (f, json_get(stage, "findings")) {
		const char *file = json_text_at(f, "file");
		const char *slash = strrchr(file, '/');
		struct json *one;

		if (json_len(list) >= FINDINGS_MAX)
			return;
		one = json_add(list, finding(json_text_at(f, "rule"),
					     json_text_at(f, "text")));
		if (!*file)
			continue;
		json_set_string(one, "file", slash ? slash + 1 : file);
		json_set(one, "line", json_copy(json_get(f, "line")));
	}
}

struct json *findings_of(const struct json *verdict)
{
	struct json *list = json_array();

	json_each (s, json_get(verdict, "stages"))
		if (!strcmp(json_text_at(s, "status"), "failed"))
			add_stage(list, s);
	return list;
}
