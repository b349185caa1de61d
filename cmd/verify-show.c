/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/verify.h"
#include "policy/form.h"
#include "term/num.h"
#include "term/table.h"
#include "term/text.h"
#include "trust/statement.h"

#define MAX_OUTPUT (16u << 20)

static double number_at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

/* "mlfq.bpf.c:46: what it is"; documents have the whole path. */
static void add_finding(struct table *t, const struct json *f)
{
	const char *file = json_text_at(f, "file"), *slash = strrchr(file, '/');

	if (*file)
		table_cell(t, "%s:%.0f: %s", slash ? slash + 1 : file,
			   number_at(f, "line"), json_text_at(f, "text"));
	else
		table_cell(t, "%s", json_text_at(f, "text"));
}

static void add_stages(const struct json *body, struct buf *out)
{
	struct table *t = table_new();

	table_column(t, "stage", TABLE_LEFT);
	table_column(t, "status", TABLE_LEFT);
	table_column(t, "time", TABLE_RIGHT);
	table_column(t, "finding", TABLE_WRAP);
	json_each (s, json_get(body, "stages")) {
		size_t i = 0;

		do {
			const struct json *f =
				json_at(json_get(s, "findings"), i);
			double seconds = number_at(s, "seconds");

			table_cell(t, "%s", i ? "" : json_text_at(s, "name"));
			table_cell(t, "%s", i ? "" : json_text_at(s, "status"));
			if (i || seconds < 0.05)
				table_cell(t, "%s", "");
			else
				table_cell(t, "%.1f s", seconds);
			add_finding(t, f);
		} while (++i < json_len(json_get(s, "findings")));
	}
	table_render(t, text_columns(STDOUT_FILENO), out);
	table_free(t);
}

static void add_metrics(const struct json *body, struct buf *out)
{
	static const char *const titles[] = {"EEVDF", "policy", "better",
					     "from",  "to",	"pairs"};
	struct table *t;

	if (!json_len(json_get(body, "metrics")))
		return;
	t = table_new();
	table_column(t, "metric", TABLE_LEFT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	json_each (m, json_get(body, "metrics")) {
		static const char *const ratios[] = {"ratio", "ci95.0",
						     "ci95.1"};
		const char *unit = json_text_at(m, "unit");
		char num[NUM_LEN];

		table_cell(t, "%s%s", json_text_at(m, "name"),
			   json_as_bool(json_get(m, "guard"), false)
				   ? " (guard)"
				   : "");
		table_cell(t, "%.4g %s", number_at(m, "baseline"), unit);
		table_cell(t, "%.4g %s", number_at(m, "candidate"), unit);
		for (size_t i = 0; i < ARRAY_LEN(ratios); i++) {
			double x = number_at(m, ratios[i]);

			/* No end of the interval is known. */
			table_cell(t, "%s", x > 0 ? num_ratio(num, x) : "-");
		}
		table_cell(t, "%.0f", number_at(m, "pairs"));
	}
	table_render(t, text_columns(STDOUT_FILENO), out);
	table_free(t);
}

/* Not in the table: those are figures of a kernel. */
static void add_foretold(const struct json *body, struct buf *out)
{
	const struct json *list = json_path(body, "simulation.metrics");
	static const char *const shown[] = {"wall", "request_rate",
					    "request_p99"};
	const char *comma = "the simulator had foretold: ";

	json_each (m, list) {
		const char *name = json_text_at(m, "name");
		char num[NUM_LEN];

		for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
			if (strcmp(name, shown[i]))
				continue;
			buf_printf(out, "%s%s %s", comma, name,
				   num_ratio(num, number_at(m, "ratio")));
			comma = ", ";
		}
	}
	if (*comma == ',')
		buf_puts(out, "\n");
}

static void add_policy(const struct json *body, struct buf *out)
{
	char *text = policy_text(body);

	buf_puts(out, "policy: ");
	text_clean(out, text, 0);
	buf_puts(out, "\n");
	free(text);
}

static void add_signature(const struct json *body, struct buf *out)
{
	const struct json *s = statement_of(body);

	if (s)
		buf_printf(out, "signed with the key %.12s until %s\n",
			   json_text_at(s, "key"), json_text_at(s, "expires"));
}

static void add_verdict(const struct stream *s, const struct json *body,
			struct buf *out)
{
	const struct doc *p = stream_find(s, json_text_at(body, "policy"));
	const struct json *gap = json_path(body, "bound.gap_closed_pct");
	const char *node = json_text_at(body, "evidence.node");

	buf_printf(out, "%s: ", json_text_at(body, "decision"));
	text_clean(out, p ? json_text_at(p->body, "title") : "?", 0);
	buf_printf(out, " (%.12s)\n", json_text_at(body, "policy"));
	if (p)
		add_policy(p->body, out);
	text_clean(out, json_text_at(body, "why"), 0);
	buf_printf(out, "\non %s, kernel %s, accelerator %s",
		   json_text_at(body, "target"), json_text_at(body, "kernel"),
		   json_text_at(body, "accelerator"));
	if (*node) {
		buf_puts(out, ", node ");
		text_clean(out, node, 0);
	}
	buf_puts(out, "\n");
	add_signature(body, out);
	add_metrics(body, out);
	add_foretold(body, out);
	if (gap)
		buf_printf(out,
			   "%.0f %% of the gap to the bound %.4g closed "
			   "(%.0f to %.0f)\n",
			   json_as_number(gap, 0),
			   number_at(body, "bound.value"),
			   number_at(body, "bound.ci95.0"),
			   number_at(body, "bound.ci95.1"));
	add_stages(body, out);
	buf_puts(out, "\n");
}

void verify_show(const struct stream *s, size_t verdicts)
{
	size_t n = stream_count(s);
	struct buf out;

	buf_init(&out, MAX_OUTPUT);
	/* Ours are the last ones. */
	for (size_t i = n - verdicts; i < n; i++)
		add_verdict(s, stream_at(s, i)->body, &out);
	if (out.len)
		fputs(out.data, stdout);
	buf_release(&out);
}
