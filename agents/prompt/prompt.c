/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies and verdicts for a model. */
#include "agents/prompt/prompt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/model.h"
#include "policy/policy.h"

#define MAX_CODE     49152
#define MAX_WHY	     600
#define MAX_FINDINGS 12 /* of a stage */
#define MAX_METRICS  12
#define WORD_MAX     64

static const char *text(const struct json *v, const char *key)
{
	return json_as_string(json_get(v, key), "");
}

static double num(const struct json *v, const char *key)
{
	return json_as_number(json_get(v, key), NAN);
}

/* ---- policies --------------------------------------------------------- */

static void write_uses(struct buf *b, const struct json *body)
{
	size_t n = 0;

	buf_puts(b, "Tells tasks apart by: ");
	json_each (u, json_get(body, "uses")) {
		buf_puts(b, n++ ? ", " : "");
		prompt_quote(b, json_as_string(u, "?"), WORD_MAX);
	}
	buf_puts(b, n ? "\n" : "nothing\n");
}

/* Lists and maps of a policy as they are in its document. */
static void write_json(struct buf *b, const struct json *body, const char *key)
{
	const struct json *v = json_get(body, key);
	char *s;

	if (!v)
		return;
	s = json_canonical(v);
	prompt_fence(b, key, s, 4000);
	free(s);
}

static void write_hypothesis(struct buf *b, const struct json *h)
{
	if (!h)
		return;
	buf_puts(b, "Hypothesis: ");
	prompt_quote(b, text(h, "metric"), WORD_MAX);
	buf_printf(b, " changes by %+.1f %%: ", num(h, "effect_pct"));
	prompt_quote(b, text(h, "text"), MAX_WHY);
	buf_puts(b, "\n");
}

void prompt_policy(struct buf *b, const struct doc *policy)
{
	const struct json *body = policy->body;

	buf_puts(b, "# Policy\n\nForm ");
	prompt_quote(b, text(body, "form"), WORD_MAX);
	buf_puts(b, ", title ");
	prompt_quote(b, text(body, "title"), 2 * WORD_MAX);
	buf_puts(b, "\n");
	write_uses(b, body);
	write_hypothesis(b, json_get(body, "hypothesis"));
	prompt_fence(b, "why", text(body, "why"), MAX_WHY);
	write_json(b, body, "params");
	if (policy_has_model(body))
		buf_puts(b, "It goes by a model that was trained on a "
			    "recording. You have none to give: what is "
			    "'predicted' there is not for you to propose.\n");
	write_json(b, body, "knobs");
	write_json(b, body, "external");
	if (json_get(body, "code"))
		prompt_code(b, "code, with line numbers", text(body, "code"),
			    MAX_CODE);
}

/* ---- verdicts --------------------------------------------------------- */

static void write_finding(struct buf *b, const struct json *f)
{
	const char *file = text(f, "file"), *slash = strrchr(file, '/');
	double line = num(f, "line");

	buf_puts(b, text(f, "rule"));
	if (*file)
		buf_printf(b, " %s", slash ? slash + 1 : file);
	if (line > 0)
		buf_printf(b, ":%.0f", line);
	buf_printf(b, ": %s\n", text(f, "text"));
}

static bool is_open(const struct json *stage)
{
	return !strcmp(text(stage, "status"), "failed") ||
	       !strcmp(text(stage, "status"), "unknown");
}

/* Of text the first fault comes first; elsewhere what failed the stage comes
 * after what merely was noticed. */
static bool begins_with_cause(const struct json *stage)
{
	return !strcmp(text(stage, "name"), "lint") ||
	       !strcmp(text(stage, "name"), "build");
}

static void write_stage(struct buf *b, const struct json *s)
{
	const struct json *list = json_get(s, "findings");
	size_t n = json_len(list), shown = n < MAX_FINDINGS ? n : MAX_FINDINGS;
	bool forward = begins_with_cause(s);
	struct buf all;

	buf_puts(b, "- stage ");
	prompt_quote(b, text(s, "name"), WORD_MAX);
	buf_puts(b, " ");
	prompt_quote(b, text(s, "status"), WORD_MAX);
	buf_puts(b, "\n");
	if (!is_open(s) || !n)
		return;
	buf_init(&all, 1 << 16);
	for (size_t i = 0; i < shown; i++)
		write_finding(&all, json_at(list, forward ? i : n - 1 - i));
	prompt_fence(b, "findings", all.data, 6000);
	if (n > shown)
		buf_printf(b, "(and %zu more)\n", n - shown);
	buf_release(&all);
}

static void write_metrics(struct buf *b, const struct json *list,
			  const char *heading)
{
	size_t n = 0;

	json_each (m, list) {
		const struct json *ci = json_get(m, "ci95");

		if (n++ == MAX_METRICS)
			break;
		if (n == 1)
			buf_printf(b,
				   "%s (ratio above 1: better than the "
				   "default scheduler)\n",
				   heading);
		buf_puts(b, "- ");
		prompt_quote(b, text(m, "name"), WORD_MAX);
		buf_printf(b, ": %.6g, default %.6g, ratio %.3f",
			   num(m, "candidate"), num(m, "baseline"),
			   num(m, "ratio"));
		if (json_len(ci) == 2)
			buf_printf(b, " (95 %%: %.3f … %.3f)",
				   json_as_number(json_at(ci, 0), NAN),
				   json_as_number(json_at(ci, 1), NAN));
		buf_puts(b, "\n");
	}
}

static void write_check(struct buf *b, const struct json *h)
{
	static const struct {
		const char *key, *words;
	} figures[] = {{"simulated_pct", "simulated"},
		       {"measured_pct", "measured"}};
	const struct json *holds = json_get(h, "holds");

	if (!h)
		return;
	buf_puts(b, "Hypothesis: ");
	prompt_quote(b, text(h, "metric"), WORD_MAX);
	buf_printf(b, " expected %+.1f %%", num(h, "expected_pct"));
	for (size_t i = 0; i < ARRAY_LEN(figures); i++)
		if (json_get(h, figures[i].key))
			buf_printf(b, ", %s %+.1f %%", figures[i].words,
				   num(h, figures[i].key));
	if (holds)
		buf_printf(b, "; it %s",
			   json_as_bool(holds, false) ? "holds"
						      : "does not hold");
	buf_puts(b, "\n");
}

void prompt_verdict(struct buf *b, const struct doc *verdict)
{
	const struct json *body = verdict->body;
	bool failed = false;

	json_each (s, json_get(body, "stages"))
		failed |= is_open(s);
	buf_puts(b, "# Verdict\n\nDecision ");
	prompt_quote(b, text(body, "decision"), WORD_MAX);
	buf_puts(b, "\n");
	/* Else a finding says the same. */
	if (!failed)
		prompt_fence(b, "why", text(body, "why"), MAX_WHY);
	json_each (s, json_get(body, "stages"))
		if (strcmp(text(s, "status"), "skipped"))
			write_stage(b, s);
	write_check(b, json_get(body, "hypothesis"));
	write_metrics(b, json_get(body, "metrics"), "Measured");
	write_metrics(b, json_path(body, "simulation.metrics"), "Simulated");
}
