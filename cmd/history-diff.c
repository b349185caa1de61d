/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history diff: what differs between two documents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/history.h"
#include "history/diff.h"
#include "term/num.h"
#include "term/text.h"

#define CODE_MAX (4u << 20)

static struct {
	const char *a, *b;
} arg;

static const struct opt options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "what differs between two documents of a kind",
	.synopsis = "diff [OPTION...] ID ID",
	.options = options,
	.mixed = true,
};

/* ---- measured effects -------------------------------------------------- */

struct effects {
	const char *policy;
	struct json *list;
};

static int take_verdict(const struct doc *d, void *arg_)
{
	struct effects *e = arg_;

	if (strcmp(json_text_at(d->body, "policy"), e->policy))
		return 0;
	json_each (m, json_get(d->body, "metrics")) {
		static const char *const keys[] = {"name", "ratio", "ci95",
						   "pairs", "guard"};
		static const char *const outer[] = {"workload", "decision",
						    "target", "kernel"};
		struct json *v = json_add(e->list, json_object());

		json_set_string(v, "verdict", d->id);
		for (size_t i = 0; i < ARRAY_LEN(outer); i++)
			json_set_string(v, outer[i],
					json_text_at(d->body, outer[i]));
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			if (json_get(m, keys[i]))
				json_set(v, keys[i],
					 json_copy(json_get(m, keys[i])));
	}
	return 0;
}

/* What the verdicts say of a policy, a row per metric. */
static int effects_of(struct history *h, const char *policy, struct json **out)
{
	struct effects e = {policy, json_array()};
	int rc = history_each(h, "verdict", take_verdict, &e);

	*out = e.list;
	return rc;
}

/* ---- for people -------------------------------------------------------- */

static void value_cell(struct table *t, const struct json *v)
{
	char *text = v ? json_canonical(v) : NULL;

	table_cell(t, "%s", v ? json_as_string(v, text) : "");
	free(text);
}

static void put_values(const struct json *diff, const struct doc *a,
		       const struct doc *b)
{
	struct table *t = table_new();
	char *ids[2] = {mem_strndup(a->id, HISTORY_SHORT_ID),
			mem_strndup(b->id, HISTORY_SHORT_ID)};

	table_column(t, a->kind, TABLE_LEFT);
	table_column(t, ids[0], TABLE_WRAP);
	table_column(t, ids[1], TABLE_WRAP);
	json_each (v, diff) {
		table_cell(t, "%s", json_text_at(v, "path"));
		value_cell(t, json_get(v, "a"));
		value_cell(t, json_get(v, "b"));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	free(ids[0]);
	free(ids[1]);
}

static void effect_rows(struct table *t, const char *id, const struct json *l)
{
	char num[NUM_LEN];

	json_each (e, l) {
		table_cell(t, "%.*s", HISTORY_SHORT_ID, id);
		table_cell(t, "%s", json_text_at(e, "workload"));
		table_cell(t, "%s", json_text_at(e, "decision"));
		table_cell(t, "%s%s", json_text_at(e, "name"),
			   json_as_bool(json_get(e, "guard"), false)
				   ? " (guard)"
				   : "");
		table_cell(t, "%s",
			   num_ratio(num,
				     json_as_number(json_get(e, "ratio"), 0)));
	}
}

static void put_effects(const struct doc *a, const struct json *x,
			const struct doc *b, const struct json *y)
{
	static const char *const titles[] = {"policy", "workload", "decision",
					     "metric"};
	struct table *t;

	if (!json_len(x) && !json_len(y))
		return;
	t = table_new();
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "better", TABLE_RIGHT);
	effect_rows(t, a->id, x);
	effect_rows(t, b->id, y);
	putchar('\n');
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void put_code(char *code)
{
	char *next;

	putchar('\n');
	for (char *s = code; *s; s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		history_put_clean(s);
		putchar('\n');
	}
}

/* ---- both -------------------------------------------------------------- */

struct difference {
	struct json *values, *a, *b; /* a, b: effects; NULL: no policies */
	struct buf code;
};

static void put_json(const struct difference *f, const struct doc *a,
		     const struct doc *b)
{
	struct json *v = json_object();
	char *line;

	json_set_string(v, "a", a->id);
	json_set_string(v, "b", b->id);
	json_set_string(v, "kind", a->kind);
	json_set(v, "differs", json_copy(f->values));
	if (f->a) {
		json_set(v, "a_effects", json_copy(f->a));
		json_set(v, "b_effects", json_copy(f->b));
	}
	if (f->code.len)
		json_set_string(v, "code", f->code.data);
	line = json_canonical(v);
	puts(line);
	free(line);
	json_free(v);
}

static int compare(struct history *h, const struct doc *a, const struct doc *b)
{
	struct difference f = {.values = diff_values(a->body, b->body)};
	int rc;

	buf_init(&f.code, CODE_MAX);
	rc = diff_text(json_text_at(a->body, "code"),
		       json_text_at(b->body, "code"), &f.code);
	if (!rc && !strcmp(a->kind, "policy")) {
		rc = effects_of(h, a->id, &f.a);
		if (!rc)
			rc = effects_of(h, b->id, &f.b);
	}
	if (!rc && cli_wants_json(history_arg.json)) {
		put_json(&f, a, b);
	} else if (!rc) {
		put_values(f.values, a, b);
		put_effects(a, f.a, b, f.b);
		if (f.code.len)
			put_code(f.code.data);
	}
	json_free(f.values);
	json_free(f.a);
	json_free(f.b);
	buf_release(&f.code);
	return rc;
}

static int diff(struct history *h)
{
	struct doc *a, *b = NULL;
	int status = history_the(&tool, h, NULL, arg.a, &a), rc;

	if (!status)
		status = history_the(&tool, h, NULL, arg.b, &b);
	if (!status && strcmp(a->kind, b->kind)) {
		cli_note(&tool,
			 "%.*s is a %s and %.*s a %s: nothing to compare",
			 HISTORY_SHORT_ID, a->id, a->kind, HISTORY_SHORT_ID,
			 b->id, b->kind);
		status = CLI_USAGE;
	}
	if (!status) {
		rc = compare(h, a, b);
		if (rc)
			status = cli_fail(&tool, rc);
	}
	doc_free(a);
	doc_free(b);
	return status;
}

static int run(int argc, char **argv)
{
	int at = history_operands(&tool, argc, argv, 2, 2);

	arg.a = argv[at];
	arg.b = argv[at + 1];
	return history_with(&tool, diff);
}

const struct cli_command history_diff_command = {
	.name = "diff",
	.purpose = "what differs between two documents of a kind",
	.tool = &tool,
	.run = run,
};
