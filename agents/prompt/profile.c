/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile for a model: what matters first, by run time, bounded.  What
 * outsiders chose (names, commands, output) is quoted or fenced.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/observer/features.h"
#include "agents/prompt/prompt.h"
#include "base/err.h"
#include "base/mem.h"

#define SECTION_MAX  10000 /* bytes of one that is asked for */
#define NAME_MAX_    48
#define MAX_ROWS     1024
#define BRIEF_GROUPS 8
#define BRIEF_ITEMS  6
#define BRIEF_BYTES  2600 /* of a list */
#define FENCE_ROOM   200
#define MAX_WAKERS   3
#define MAX_WORDS    64 /* of a command */

struct part {
	struct buf *b;
	const struct json *body;
	bool whole; /* asked for on its own */
};

typedef void writer(struct part *p);

static double num(const struct json *v, const char *key)
{
	return json_as_number(json_get(v, key), NAN);
}

/* " 12 forks," if there are any. */
static void amount(struct buf *b, const struct json *v, const char *key,
		   const char *fmt)
{
	double x = num(v, key);

	if (x > 0)
		buf_printf(b, fmt, x);
}

static void quote(struct buf *b, const struct json *v, const char *key)
{
	prompt_quote(b, json_as_string(json_get(v, key), "?"), NAME_MAX_);
}

static size_t list_bytes(const struct part *p)
{
	return p->whole ? SECTION_MAX - FENCE_ROOM : BRIEF_BYTES;
}

/* ---- rows by run time ------------------------------------------------- */

struct rows {
	const struct json *v[MAX_ROWS];
	size_t n;
};

static int by_run_time(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a;
	const struct json *y = *(const struct json *const *)b;
	double d = num(y, "run_us") - num(x, "run_us");

	if (d > 0 || d < 0)
		return d > 0 ? 1 : -1;
	return strcmp(json_as_string(json_get(x, "name"), ""),
		      json_as_string(json_get(y, "name"), ""));
}

static void sort_rows(const struct json *list, struct rows *out)
{
	out->n = 0;
	json_each (v, list) {
		if (out->n == MAX_ROWS)
			break;
		out->v[out->n++] = v;
	}
	qsort(out->v, out->n, sizeof(*out->v), by_run_time);
}

/* Rows under one fence; what there was no room for is counted. */
static void fence_rows(struct part *p, const char *label,
		       const struct rows *rows, size_t most,
		       void row(struct buf *b, const struct json *v))
{
	size_t i = 0, max = list_bytes(p);
	struct buf all, one;

	buf_init(&all, max);
	buf_init(&one, max);
	for (; i < rows->n && (p->whole || i < most); i++) {
		buf_reset(&one);
		row(&one, rows->v[i]);
		if (all.len + one.len + 1 > max)
			break;
		buf_printf(&all, "%s\n", one.data);
	}
	prompt_fence(p->b, label, all.data, 2 * max);
	if (i < rows->n)
		buf_printf(p->b, "(and %zu more with less run time)\n",
			   rows->n - i);
	buf_release(&one);
	buf_release(&all);
}

/* ---- sections --------------------------------------------------------- */

static void write_regime(struct part *p)
{
	struct features f;
	char *text;

	features_read(p->body, &f);
	text = features_text(&f);
	buf_printf(p->b, "%s Confidence %d %%.\n", text, f.confidence_pct);
	free(text);
	features_release(&f);
}

static void write_machine(struct part *p)
{
	const struct json *s = json_get(p->body, "system");

	buf_printf(p->b, "%.0f CPUs", num(s, "cpus"));
	amount(p->b, s, "cores", ", %.0f cores");
	amount(p->b, s, "llcs", ", %.0f last-level caches");
	amount(p->b, s, "nodes", ", %.0f nodes");
	buf_puts(p->b, "; kernel ");
	quote(p->b, s, "kernel");
	buf_puts(p->b, ", sched_ext ");
	quote(p->b, s, "sched_ext");
	buf_puts(p->b, ".\n");
}

static void command_words(struct buf *b, const struct json *command)
{
	size_t n = 0;

	json_each (w, command) {
		if (n++ == MAX_WORDS) {
			buf_puts(b, " …");
			break;
		}
		if (n > 1)
			buf_puts(b, " ");
		buf_puts(b, json_as_string(w, ""));
	}
}

static void write_workload(struct part *p)
{
	const struct json *w = json_get(p->body, "workload");
	struct buf words;

	buf_puts(p->b, "Goal: ");
	quote(p->b, p->body, "goal");
	buf_puts(p->b, ", scope ");
	quote(p->b, p->body, "scope");
	buf_printf(p->b, ", observed for %.1f s by ",
		   num(p->body, "duration_us") / 1e6);
	quote(p->b, p->body, "source");
	buf_puts(p->b, ".\n");
	if (!w)
		return;
	buf_init(&words, 1 << 16);
	command_words(&words, json_get(w, "command"));
	prompt_fence(p->b, "command of the workload", words.data,
		     p->whole ? 4000 : 400);
	buf_release(&words);
}

static void write_metrics(struct part *p)
{
	size_t n = 0;

	json_each (m, json_get(p->body, "metrics")) {
		double x = num(m, "value");

		if (n++ == (p->whole ? 64 : BRIEF_ITEMS))
			break;
		buf_puts(p->b, n == 1 ? "- goal: " : "- ");
		quote(p->b, m, "name");
		buf_puts(p->b, " in ");
		quote(p->b, m, "unit");
		buf_printf(p->b, ", %s is better",
			   strcmp(json_as_string(json_get(m, "better"), ""),
				  "higher")
				   ? "lower"
				   : "higher");
		if (isfinite(x))
			buf_printf(p->b, ", measured %.6g", x);
		buf_puts(p->b, "\n");
	}
	if (!n)
		buf_puts(p->b, "None: rounds per second of a model of it.\n");
}

static void write_run_queue(struct part *p)
{
	static const struct {
		const char *key, *words;
	} figures[] = {
		{"busy_pct", "percent of all CPU time used:"},
		{"depth_mean", "waiting tasks per CPU:"},
		{"waiting_pct", "percent of the time in which a task waits:"},
		{"idle_while_waiting_pct", "the same, beside an idle CPU:"},
	};
	const struct json *q = json_get(p->body, "run_queue");

	if (!json_len(q)) {
		buf_puts(p->b, "Not measured.\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		if (isfinite(num(q, figures[i].key)))
			buf_printf(p->b, "- %s %.2f\n", figures[i].words,
				   num(q, figures[i].key));
}

static void hist_text(struct buf *b, const struct json *g, const char *key,
		      const char *name)
{
	const struct json *h = json_get(g, key);

	if (num(h, "count") > 0)
		buf_printf(b, "; %s %.0f/%.0f/%.0f", name, num(h, "p50"),
			   num(h, "p90"), num(h, "p99"));
}

static void wakers_text(struct buf *b, const struct json *wakers)
{
	size_t n = 0;

	json_each (w, wakers) {
		if (n++ == MAX_WAKERS)
			break;
		buf_puts(b, n == 1 ? " by " : ", ");
		quote(b, w, "group");
		buf_printf(b, " %.0f", num(w, "count"));
	}
}

static void group_row(struct buf *b, const struct json *g)
{
	quote(b, g, "name");
	if (json_as_bool(json_get(g, "kernel"), false))
		buf_puts(b, " (kernel)");
	buf_printf(b, ": %.0f tasks, run %.1f ms, wait %.1f ms; woken %.0f",
		   num(g, "tasks"), num(g, "run_us") / 1e3,
		   num(g, "wait_us") / 1e3, num(g, "wakeups"));
	wakers_text(b, json_get(g, "wakers"));
	amount(b, g, "forks", "; forks %.0f");
	amount(b, g, "migrations", "; migrated %.0f");
	amount(b, g, "preemptions", "; preempted %.0f");
	amount(b, g, "preempted_holder_wakes",
	       "; waits for a preempted task %.0f");
	if (num(g, "weight") > 0 && num(g, "weight") != 1024)
		buf_printf(b, "; weight %.0f", num(g, "weight"));
	hist_text(b, g, "burst_us", "burst");
	hist_text(b, g, "delay_us", "delay");
	hist_text(b, g, "sleep_us", "sleep");
	hist_text(b, g, "block_us", "block");
}

static void write_groups(struct part *p)
{
	struct rows rows;

	sort_rows(json_get(p->body, "groups"), &rows);
	buf_puts(p->b, "Tasks of one name; p50/p90/p99 in us: burst = run "
		       "until it sleeps, delay = runnable until it runs, "
		       "sleep, block = waits for a device.\n");
	fence_rows(p, "groups, most run time first", &rows, BRIEF_GROUPS,
		   group_row);
}

static void identity_row(struct buf *b, const struct json *v)
{
	quote(b, v, "hash");
	buf_puts(b, " ");
	quote(b, v, "name");
	buf_printf(b, ": %.0f runs, mean %.1f ms, longest %.1f ms",
		   num(v, "execs"),
		   num(v, "run_us") / 1e3 / fmax(num(v, "execs"), 1),
		   num(v, "max_us") / 1e3);
}

static void write_identities(struct part *p)
{
	struct rows rows;

	sort_rows(json_get(p->body, "identities"), &rows);
	buf_printf(p->b,
		   "%zu executables with arguments have known run times; with "
		   "`learned_identity` a policy is given all of them.\n",
		   json_len(json_get(p->body, "identities")));
	if (rows.n)
		fence_rows(p, "identities, most run time first", &rows,
			   BRIEF_ITEMS, identity_row);
}

static void write_costs(struct part *p)
{
	static const char *const names[] = {
		"switch_ns",  "wake_ns", "wake_remote_ns",
		"migrate_ns", "fork_ns", "exec_ns",
		"hz"};
	const struct json *c = json_get(p->body, "costs");

	if (!json_len(c)) {
		buf_puts(p->b, "Not measured.\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (isfinite(num(c, names[i])))
			buf_printf(p->b, "%s%s %.0f", i ? ", " : "", names[i],
				   num(c, names[i]));
	buf_puts(p->b, "\n");
}

static void write_notes(struct part *p)
{
	struct buf all;

	buf_init(&all, 1 << 16);
	json_each (n, json_get(p->body, "notes"))
		buf_printf(&all, "%s\n", json_as_string(n, ""));
	prompt_fence(p->b, "what could not be measured", all.data,
		     p->whole ? list_bytes(p) : 400);
	buf_release(&all);
}

static void write_output(struct part *p)
{
	prompt_fence(p->b, "end of the workload's output",
		     json_as_string(json_get(p->body, "output_tail"), ""),
		     list_bytes(p));
}

static const struct section {
	const char *name, *heading;
	writer *write;
	bool brief; /* part of the first message */
} sections[] = {
	{"regime", "Regime", write_regime, true},
	{"workload", "Workload", write_workload, true},
	{"metrics", "Metrics", write_metrics, true},
	{"machine", "Machine", write_machine, true},
	{"run_queue", "Run queue", write_run_queue, true},
	{"groups", "Groups", write_groups, true},
	{"identities", "Identities", write_identities, true},
	{"costs", "Costs of scheduling", write_costs, true},
	{"notes", "Notes", write_notes, false},
	{"output", "Output", write_output, false},
};

void prompt_profile(struct buf *b, const struct doc *profile)
{
	struct part p = {b, profile->body, false};

	buf_puts(b, "# Profile\n");
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (!sections[i].brief)
			continue;
		buf_printf(b, "\n## %s\n", sections[i].heading);
		sections[i].write(&p);
	}
}

static int no_section(const char *name)
{
	struct buf all;
	int rc;

	buf_init(&all, 1024);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		buf_printf(&all, "%s%s", i ? ", " : "", sections[i].name);
	rc = err_set(ENOENT, "no section '%.40s'; there are %s", name,
		     all.data);
	buf_release(&all);
	return rc;
}

int prompt_section(struct buf *b, const struct doc *profile, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		struct buf text;
		struct part p = {&text, profile->body, true};

		if (strcmp(sections[i].name, name))
			continue;
		buf_init(&text, SECTION_MAX);
		buf_printf(&text, "## %s\n", sections[i].heading);
		sections[i].write(&p);
		buf_puts(b, text.data);
		if (text.truncated)
			buf_puts(b, "\n(the rest is left out)\n");
		buf_release(&text);
		return 0;
	}
	return no_section(name);
}
