/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched deploy status: what is attached to this kernel, and whose it is. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/status.h"
#include "agents/attacher/supplier_words.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cmd/deploy.h"
#include "cmd/note.h"
#include "term/num.h"
#include "term/openmetrics.h"
#include "term/text.h"

static bool openmetrics, quiet;

static const struct opt options[] = {
	DEPLOY_JSON,
	{.kind = OPT_FLAG,
	 .letter = 'o',
	 .name = "openmetrics",
	 .help = "as OpenMetrics text; watch: into FILE",
	 .target = &openmetrics},
	{.kind = OPT_FLAG,
	 .letter = 'q',
	 .name = "quiet",
	 .help = "say nothing; exit 1 unless what is in force is ours and well",
	 .target = &quiet},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "what is attached, whose it is, and how the last one ended",
	.synopsis = "status [OPTION...]",
	.options = options,
	.mixed = true,
};

/* ---- for people ------------------------------------------------------- */

static void put(struct buf *out, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A line; words of outsiders may be in it. */
static void put(struct buf *out, const char *name, const char *fmt, ...)
{
	char *words;
	va_list ap;

	va_start(ap, fmt);
	words = mem_vprintf(fmt, ap);
	va_end(ap);
	buf_printf(out, "%-9s", name);
	text_clean(out, words, 0);
	buf_puts(out, "\n");
	free(words);
}

/* "direct 12, queued 3" of what is not 0. */
static void put_counts(struct buf *out, const char *name,
		       const struct json *counts)
{
	struct buf b;

	buf_init(&b, DEPLOY_WORDS_MAX);
	json_each (c, counts)
		if (json_as_number(c, 0) > 0)
			buf_printf(&b, "%s%s %.0f", b.len ? ", " : "",
				   json_key(c), json_as_number(c, 0));
	if (b.len)
		put(out, name, "%s", b.data);
	buf_release(&b);
}

/* "root (logged in as alice), process 12 (sched-deploy)" */
static void put_by(struct buf *out, const struct json *by)
{
	const char *user = json_text_at(by, "user");
	const char *login = json_text_at(by, "login");
	double pid = json_as_number(json_get(by, "pid"), 0);
	struct buf b;

	buf_init(&b, DEPLOY_WORDS_MAX);
	buf_puts(&b, *user ? user : "unknown");
	if (*login && strcmp(login, user))
		buf_printf(&b, " (logged in as %s)", login);
	if (pid > 0)
		buf_printf(&b, ", process %.0f (%s)", pid,
			   json_text_at(by, "name"));
	put(out, "by", "%s", b.data);
	buf_release(&b);
}

static void put_since(struct buf *out, const char *since)
{
	time_t t = clock_parse(since);
	char num[NUM_LEN];

	if (t)
		put(out, "since", "%s, for %s", since,
		    num_us(num, (double)(clock_wall() - t) * 1e6));
}

static void put_what(struct buf *out, const struct json *v)
{
	if (*json_text_at(v, "policy"))
		put(out, "policy", "%s %s", json_text_at(v, "policy"),
		    json_text_at(v, "title"));
	if (*json_text_at(v, "verdict"))
		put(out, "verdict", "%s", json_text_at(v, "verdict"));
	if (*json_text_at(v, "program.command"))
		put(out, "program", "%s", json_text_at(v, "program.command"));
	put_since(out, json_text_at(v, "since"));
}

/* "model    0123456789ab followed since …", and what is wrong with it. */
static void put_model(struct buf *out, const struct json *m)
{
	static const char *const wrong[] = {"alarm", "trouble"};
	char *words;

	if (!m)
		return;
	words = learned_words(m);
	put(out, "model", "%s", words);
	free(words);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (*json_text_at(m, wrong[i]))
			put(out, wrong[i], "%s", json_text_at(m, wrong[i]));
}

/* What people declared, and how far it got. */
static void put_intents(struct buf *out, const struct json *v)
{
	double lacking = json_as_number(json_get(v, "lacking"), 0);
	size_t n = json_len(json_get(v, "rules"));

	if (!n)
		return;
	if (json_get(v, "why"))
		put(out, "rules", "of %s are not followed: %s",
		    json_text_at(v, "folder"), json_text_at(v, "why"));
	else
		put(out, "rules", "%zu of %s since %s, number %.0f that it has",
		    n, json_text_at(v, "folder"), json_text_at(v, "since"),
		    json_as_number(json_get(v, "generation"), 0));
	if (lacking > 0)
		put(out, "", "%.0f cgroups and files found no room", lacking);
	json_each (r, json_get(v, "rules"))
		put(out, "rule", "[%s] %s", json_text_at(r, "name"),
		    json_text_at(r, "words"));
}

static void put_attached(struct buf *out, const struct json *s)
{
	const struct json *a = json_get(s, "attached");
	const struct json *seq = json_path(s, "sched_ext.enable_seq");

	put_what(out, a);
	put_by(out, json_get(a, "by"));
	if (seq)
		put(out, "kernel", "number %.0f that it enabled, %s",
		    json_as_number(seq, 0),
		    json_get(a, "tasks") ? "for some tasks" : "for all tasks");
	if (json_get(a, "tasks"))
		put(out, "tasks", "%.0f",
		    json_as_number(json_get(a, "tasks"), 0));
	if (strcmp(json_text_at(a, "kept"), "held"))
		put(out, "kept", "%s", json_text_at(a, "kept"));
	put_model(out, json_get(a, "model"));
	put_counts(out, "counters", json_get(a, "counters"));
	put_counts(out, "events", json_get(a, "events"));
	json_each (g, json_get(a, "guards"))
		put(out, "guard", "%s", json_as_string(g, ""));
	put_intents(out, json_get(a, "intents"));
	if (*json_text_at(a, "unseen"))
		put(out, "unseen", "%s", json_text_at(a, "unseen"));
}

static void put_last(struct buf *out, const struct json *last)
{
	const char *until = json_text_at(last, "until");

	if (!last)
		return;
	put(out, "last", "%s%s%s: %s (%.12s)", json_text_at(last, "state"),
	    *until ? " at " : "", until, json_text_at(last, "title"),
	    json_text_at(last, "policy"));
	put(out, "", "%s", json_text_at(last, "why"));
	if (json_get(last, "exit_kind"))
		put(out, "", "exit kind %.0f, %s",
		    json_as_number(json_get(last, "exit_kind"), 0),
		    json_text_at(last, "exit_reason"));
}

static void put_words(const struct json *s)
{
	struct buf out;

	buf_init(&out, DEPLOY_WORDS_MAX);
	text_clean(&out, json_text_at(s, "text"), 0);
	buf_puts(&out, "\n");
	if (json_get(s, "attached"))
		put_attached(&out, s);
	else
		put_what(&out, json_get(s, "holder"));
	json_each (l, json_path(s, "knobs.left"))
		put(&out, "changed", "%s", json_as_string(l, ""));
	put_last(&out, json_get(s, "last"));
	fputs(out.data, stdout);
	buf_release(&out);
}

/* ---- for programs ----------------------------------------------------- */

static void put_metrics(const struct json *s)
{
	struct buf out;

	buf_init(&out, DEPLOY_WORDS_MAX);
	status_metrics(s, &out);
	metric_end(&out);
	fputs(out.data, stdout);
	buf_release(&out);
}

static int run(int argc, char **argv)
{
	struct json *s;
	int status = CLI_YES;

	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	if (quiet + openmetrics + deploy_json > 1)
		cli_usage(&tool, "one of --quiet, --openmetrics and --json");
	s = status_read();
	if (quiet)
		status = status_is_well(s) ? CLI_YES : CLI_NO;
	else if (openmetrics)
		put_metrics(s);
	else if (cli_wants_json(deploy_json))
		return note_put(&tool, s);
	else
		put_words(s);
	json_free(s);
	return status;
}

const struct cli_command deploy_status_command = {
	.name = "status",
	.purpose = "what is attached, whose it is, and how the last one ended",
	.tool = &tool,
	.run = run,
};
