/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sched-synth shows people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/synth.h"
#include "policy/form.h"
#include "policy/policy.h"
#include "term/text.h"

static void show(struct table *t)
{
	cli_table(t, isatty(STDOUT_FILENO) ? text_columns(STDOUT_FILENO) : 0);
}

static void show_values(struct table *t, const struct param *p)
{
	struct buf all;

	if (p->kind == PARAM_NUMBER) {
		table_cell(t, "%u to %u", p->min, p->max);
		table_cell(t, "%u", p->dflt);
		return;
	}
	if (p->kind == PARAM_SWITCH) {
		table_cell(t, "true, false");
		table_cell(t, "%s", p->dflt ? "true" : "false");
		return;
	}
	buf_init(&all, 1024);
	for (size_t i = 0; p->choices[i]; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", p->choices[i]);
	table_cell(t, "%s", all.data);
	table_cell(t, "%s", p->choices[p->dflt]);
	buf_release(&all);
}

void synth_show_params(void)
{
	struct table *t = table_new();

	table_column(t, "parameter", TABLE_LEFT);
	table_column(t, "axis", TABLE_LEFT);
	table_column(t, "values", TABLE_WRAP);
	table_column(t, "default", TABLE_LEFT);
	table_column(t, "meaning", TABLE_WRAP);
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];

		table_cell(t, "%s", p->name);
		table_cell(t, "%s", p->axis);
		show_values(t, p);
		table_cell(t, "%s", p->help);
	}
	show(t);
}

static void show_text(const char *words)
{
	struct table *t = table_new();

	table_column(t, "", TABLE_WRAP);
	table_cell(t, "%s", words);
	show(t);
	putchar('\n');
}

static void show_account(const struct doc *d)
{
	const struct json *a = json_get(d->env, "provenance");
	const struct json *cost = json_get(a, "cost_usd");
	struct buf name;

	if (json_as_number(json_get(a, "calls"), 0) < 1)
		return;
	buf_init(&name, 256);
	text_clean(&name, json_as_string(json_get(a, "model"), "?"), 0);
	printf("%s %.12s: %s, %.0f calls, %.0f tokens in (%.0f cached), "
	       "%.0f out",
	       d->kind, d->id, name.len ? name.data : "?",
	       json_as_number(json_get(a, "calls"), 0),
	       json_as_number(json_get(a, "tokens_in"), 0),
	       json_as_number(json_get(a, "tokens_cached"), 0),
	       json_as_number(json_get(a, "tokens_out"), 0));
	if (json_type(cost) == JSON_NUMBER)
		printf(", %.4f USD", json_as_number(cost, 0));
	putchar('\n');
	buf_release(&name);
}

void synth_show(const struct stream *s, size_t first)
{
	struct table *t = table_new();

	table_column(t, "policy", TABLE_LEFT);
	table_column(t, "form", TABLE_LEFT);
	table_column(t, "title", TABLE_LEFT);
	table_column(t, "what it sets", TABLE_WRAP);
	for (size_t i = first; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);
		const struct json *body = d->body;
		char *words;

		if (!strcmp(d->kind, "plan"))
			show_text(json_as_string(json_get(body, "text"), ""));
		if (strcmp(d->kind, "policy"))
			continue;
		words = policy_text(body);
		table_cell(t, "%.12s", d->id);
		table_cell(t, "%s", json_as_string(json_get(body, "form"), ""));
		table_cell(t, "%s",
			   json_as_string(json_get(body, "title"), ""));
		table_cell(t, "%s", words);
		free(words);
	}
	show(t);
	for (size_t i = first; i < stream_count(s); i++)
		show_account(stream_at(s, i));
}
