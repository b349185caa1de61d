/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/observer/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/observer/features.h"
#include "base/mem.h"
#include "bpf/hist_abi.h"
#include "stats/hist.h"
#include "term/num.h"
#include "term/plot.h"
#include "term/table.h"
#include "term/text.h"

#define TOP_GROUPS 8
#define BAR	   12
#define MOST_NS	   1e18

static double number(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

static const char *text(const struct json *v, const char *path)
{
	return json_as_string(json_path(v, path), "");
}

static void head(const struct json *body, struct buf *out)
{
	char a[NUM_LEN];

	const char *scope = text(body, "scope");

	buf_puts(out, "observed ");
	if (json_get(body, "workload"))
		text_clean(out, text(body, "workload.name"), 40);
	else
		buf_puts(out, !strcmp(scope, "all")   ? "the whole machine"
			      : !strcmp(scope, "pid") ? "a process"
						      : "a cgroup");
	buf_printf(out, " for %s on %s: %.0f CPUs, Linux ",
		   num_us(a, number(body, "duration_us")), text(body, "target"),
		   number(body, "system.cpus"));
	text_clean(out, text(body, "system.kernel"), 0);
	buf_printf(out, ", sched_ext %s\n", text(body, "system.sched_ext"));
}

static void command(const struct json *body, struct buf *out)
{
	char a[NUM_LEN], b[NUM_LEN], c[NUM_LEN];

	if (!json_get(body, "exit_status"))
		return;
	buf_printf(out, "ended with status %.0f after %s; %s user, %s system\n",
		   number(body, "exit_status"),
		   num_us(a, number(body, "wall_us")),
		   num_us(b, number(body, "user_us")),
		   num_us(c, number(body, "sys_us")));
	json_each (m, json_get(body, "metrics")) {
		buf_puts(out, "  ");
		text_clean(out, text(m, "name"), 30);
		if (json_get(m, "value"))
			buf_printf(out, " = %g ", number(m, "value"));
		else
			buf_puts(out, " was not in the output ");
		text_clean(out, text(m, "unit"), 20);
		buf_printf(out, " (%s is better)\n", text(m, "better"));
	}
}

static void kind(const struct json *body, int columns, struct buf *out)
{
	struct table *t = table_new();
	struct features f;
	char *words;

	features_read(body, &f);
	words = features_text(&f);
	buf_puts(out, "\nWhat it is\n");
	table_column(t, "", TABLE_WRAP);
	table_cell(t, "%s", words);
	table_render(t, columns, out);
	table_free(t);
	free(words);
	features_release(&f);
}

static void share(const struct json *body, const char *path, const char *words,
		  struct buf *out)
{
	double pct;

	if (!json_path(body, path))
		return;
	pct = number(body, path);
	buf_printf(out, "  %5.1f %%  %-44s ", pct, words);
	plot_bar(out, pct / 100, BAR);
	buf_puts(out, "\n");
}

static void where(const struct json *body, struct buf *out)
{
	double run = 0, wait = 0;

	json_each (g, json_get(body, "groups")) {
		run += number(g, "run_us");
		wait += number(g, "wait_us");
	}
	buf_puts(out, "\nWhere the time goes\n");
	share(body, "run_queue.busy_pct", "of CPU time was used", out);
	share(body, "run_queue.waiting_pct", "of the time some task waited",
	      out);
	share(body, "run_queue.idle_while_waiting_pct",
	      "of CPU time was idle while one waited", out);
	if (run + wait > 0) {
		buf_printf(out, "  %5.1f %%  %-44s ", 100 * wait / (run + wait),
			   "of runnable time was spent in a queue");
		plot_bar(out, wait / (run + wait), BAR);
		buf_puts(out, "\n");
	}
	if (json_path(body, "run_queue.depth_mean"))
		buf_printf(out, "  %5.2f    tasks waiting per CPU on average\n",
			   number(body, "run_queue.depth_mean"));
}

/* One column per power of two, from the first to the last in use. */
static void spark(const struct json *hist, char *line, size_t size)
{
	double v[HIST_SLOTS / 4 + 1] = {0};
	int first = ARRAY_LEN(v), last = -1;
	struct buf b;

	json_each (pair, json_get(hist, "buckets")) {
		/* A guest's may have any, in any order. */
		double low = json_as_number(json_at(pair, 0), 0) * 1000;
		uint64_t ns = (uint64_t)fmin(fmax(low, 0), MOST_NS);
		int i = (int)(hist_slot(ns) + 3) / 4;

		v[i] += json_as_number(json_at(pair, 1), 0);
		first = i < first ? i : first;
		last = i > last ? i : last;
	}
	buf_init(&b, size - 1);
	if (first <= last)
		plot_spark(&b, v + first, (size_t)(last - first + 1));
	line[0] = '\0';
	if (b.len)
		memcpy(line, b.data, b.len + 1);
	buf_release(&b);
}

static void group_row(struct table *t, const struct json *g)
{
	char a[NUM_LEN], line[256];

	table_cell(t, "%s%s", text(g, "name"),
		   json_as_bool(json_get(g, "kernel"), false) ? " (kernel)"
							      : "");
	table_cell(t, "%.0f", number(g, "tasks"));
	table_cell(t, "%s", num_us(a, number(g, "run_us")));
	table_cell(t, "%s", num_us(a, number(g, "wait_us")));
	if (!json_get(g, "wakers")) {
		for (int i = 0; i < 6; i++)
			table_cell(t, "%s", "");
		return;
	}
	table_cell(t, "%s", num_us(a, number(g, "burst_us.p50")));
	table_cell(t, "%s", num_us(a, number(g, "delay_us.p50")));
	table_cell(t, "%s", num_us(a, number(g, "delay_us.p99")));
	table_cell(t, "%s", num_si(a, number(g, "wakeups"), ""));
	table_cell(t, "%s", text(g, "wakers.0.group"));
	spark(json_get(g, "delay_us"), line, sizeof(line));
	table_cell(t, "%s", line);
}

static void groups(const struct json *body, int columns, struct buf *out)
{
	static const struct {
		const char *title;
		enum table_style style;
	} heads[] = {
		{"group", TABLE_LEFT},	    {"tasks", TABLE_RIGHT},
		{"run", TABLE_RIGHT},	    {"wait", TABLE_RIGHT},
		{"burst p50", TABLE_RIGHT}, {"delay p50", TABLE_RIGHT},
		{"delay p99", TABLE_RIGHT}, {"wakeups", TABLE_RIGHT},
		{"woken by", TABLE_LEFT},   {"delays", TABLE_LEFT},
	};
	struct table *t = table_new();
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_column(t, heads[i].title, heads[i].style);
	json_each (g, json_get(body, "groups")) {
		if (n++ == TOP_GROUPS)
			break;
		group_row(t, g);
	}
	if (n) {
		buf_puts(out, "\nWho\n");
		table_render(t, columns, out);
	}
	table_free(t);
	n = json_len(json_get(body, "groups"));
	if (n > TOP_GROUPS)
		buf_printf(out, "and %zu more\n", n - TOP_GROUPS);
}

static void sure(const struct json *body, int columns, struct buf *out)
{
	struct table *t = table_new();
	bool bpf = !strcmp(text(body, "source"), "bpf");
	double drops = number(body, "overhead.drops");
	char a[NUM_LEN];

	table_column(t, "", TABLE_WRAP);
	if (bpf)
		table_cell(t,
			   "every switch and wakeup was seen by BPF (%s "
			   "events, %.0f missed); observing took %.2f %% of "
			   "the CPU time",
			   num_si(a, number(body, "overhead.events"), ""),
			   drops, number(body, "overhead.pct"));
	else
		table_cell(t, "sampled from /proc: totals only, no "
			      "distributions");
	json_each (n, json_get(body, "notes"))
		table_cell(t, "%s", json_as_string(n, ""));
	buf_puts(out, "\nHow sure\n");
	table_render(t, columns, out);
	table_free(t);
}

void observer_page(const struct json *body, int columns, struct buf *out)
{
	head(body, out);
	command(body, out);
	kind(body, columns, out);
	where(body, out);
	groups(body, columns, out);
	sure(body, columns, out);
}
