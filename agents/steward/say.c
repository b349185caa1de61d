/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results in words.  Figures, ids and our own programs' words alone: what a
 * model or the owner of a task wrote stays in the structure, as data.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/steward/result.h"
#include "base/mem.h"
#include "term/text.h"

/* Up to so many lines are worth reading. */
#define LINES_MAX 20

static double at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

static const struct json *goal_of(const struct json *body)
{
	json_each (it, json_get(body, "metrics"))
		if (!json_as_bool(json_get(it, "guard"), false))
			return it;
	return NULL;
}

void steward_result_figure(const struct json *body, struct buf *out)
{
	const struct json *goal = goal_of(body);

	if (!goal)
		return;
	buf_printf(out,
		   "%.3g times as good as the kernel's own (95 %%: %.3g to "
		   "%.3g, %.0f pairs)",
		   at(goal, "ratio"), at(goal, "ci95.0"), at(goal, "ci95.1"),
		   at(goal, "pairs"));
}

/* Words of a closed set in our own documents. */
static void say_word(struct buf *out, const struct json *body, const char *path)
{
	text_clean(out, json_text_at(body, path), 24);
}

static void say_stages(const struct json *body, struct buf *out)
{
	json_each (it, json_get(body, "stages")) {
		if (!strcmp(json_text_at(it, "status"), "passed"))
			continue;
		buf_puts(out, "; ");
		say_word(out, it, "name");
		buf_puts(out, " ");
		say_word(out, it, "status");
		if (json_len(json_get(it, "findings"))) {
			buf_puts(out, " (");
			say_word(out, it, "findings.0.rule");
			buf_puts(out, ")");
		}
	}
}

static void say_compared(const struct json *b, struct buf *out)
{
	const struct json *first = json_path(b, "compared.0");

	if (!first)
		return;
	say_word(out, b, "simulation.outcome");
	buf_printf(out, ", %.3g times as good as the model of EEVDF",
		   at(first, "ratio"));
	buf_printf(out, ", %zu findings",
		   json_len(json_path(b, "simulation.findings")));
}

void steward_result_summary(const char *kind, const struct json *b,
			    struct buf *out)
{
	if (!strcmp(kind, "profile")) {
		buf_printf(out,
			   "CPUs %.0f %% busy, a task waited %.0f %% of the "
			   "time, %zu groups",
			   at(b, "run_queue.busy_pct"),
			   at(b, "run_queue.waiting_pct"),
			   json_len(json_get(b, "groups")));
	} else if (!strcmp(kind, "policy")) {
		buf_puts(out, "form ");
		say_word(out, b, "form");
	} else if (!strcmp(kind, "plan")) {
		buf_printf(out, "%.0f proposals",
			   (double)json_len(json_get(b, "proposals")));
	} else if (!strcmp(kind, "verdict")) {
		buf_puts(out, "on policy ");
		text_clean(out, json_text_at(b, "policy"), 12);
		buf_puts(out, ": ");
		say_word(out, b, "decision");
		if (goal_of(b))
			buf_puts(out, ", ");
		steward_result_figure(b, out);
		say_stages(b, out);
		if (!json_get(b, "signature"))
			buf_puts(out, "; not signed");
	} else if (!strcmp(kind, "deployment")) {
		buf_puts(out, "of policy ");
		text_clean(out, json_text_at(b, "policy"), 12);
		buf_puts(out, ": ");
		say_word(out, b, "state");
	} else if (!strcmp(kind, "note")) {
		say_compared(b, out);
	}
}

/* What is missing, in the words of our own program. */
static void say_checks(const struct json *b, struct buf *out)
{
	json_each (it, json_get(b, "checks")) {
		if (!strcmp(json_text_at(it, "status"), "ok"))
			continue;
		buf_puts(out, "\n    ");
		say_word(out, it, "name");
		buf_puts(out, " ");
		say_word(out, it, "status");
		buf_puts(out, ": ");
		text_clean(out, json_text_at(it, "text"), 160);
	}
}

static void say_documents(const struct json *v, struct buf *out)
{
	size_t n = 0;

	json_each (it, json_get(v, "documents")) {
		const struct json *body = json_get(it, "body");
		const char *kind = json_text_at(it, "kind");

		if (n++ == LINES_MAX) {
			buf_puts(out, "\n- and more");
			break;
		}
		buf_puts(out, "\n- ");
		text_clean(out, kind, 16);
		buf_puts(out, " ");
		text_clean(out, json_text_at(it, "id"), 64);
		if (*json_text_at(it, "summary"))
			buf_printf(out, ": %s", json_text_at(it, "summary"));
		if (!strcmp(kind, "note"))
			say_checks(body, out);
	}
}

/* Of history_diff: where, and how many. */
static void say_differences(const struct json *v, struct buf *out)
{
	const struct json *differs = json_path(v, "values.0.differs");
	size_t n = 0;

	if (!differs)
		return;
	buf_printf(out, "\n%zu differences", json_len(differs));
	json_each (it, differs) {
		if (n++ == LINES_MAX)
			break;
		buf_puts(out, n == 1 ? ": " : ", ");
		text_clean(out, json_text_at(it, "path"), 60);
	}
}

/* ---- what to do next ---------------------------------------------------- */

static const struct {
	const char *tool, *outcome, *text;
} hints[] = {
	{"observe", "done",
	 "Give the profile's id to plan (a moment) or synthesise, with simulate "
	 "for single questions."},
	{"plan", "done",
	 "Give the profile's and the policies' ids to verify, or more to "
	 "synthesise."},
	{"synthesise", "done",
	 "Give the profile's and the policies' ids to verify; simulate looks "
	 "at one of them first."},
	{"simulate", "done",
	 "These are figures of a model: verify measures on a kernel."},
	{"simulate", "no", "The findings say what is wrong with the policy."},
	{"verify", "done",
	 "Give the ids of the policy and its signed verdict to deploy, with "
	 "dry_run first; a person has to agree."},
	{"verify", "no",
	 "Nothing was accepted: the verdicts say why.  Learn from it with "
	 "synthesise, which knows of it now."},
	{"deploy", "no", "Nothing is in place: the words say why."},
	{"history_search", "no",
	 "Nothing has these words: try fewer, or none for the newest."},
	{"history_best", "no", "No policy is accepted there yet: verify some."},
	{"doctor", "no", "The checks say what is missing, and the way out."},
	{NULL, "failed",
	 "It cannot work until something changes; doctor says what this "
	 "machine lacks, history_search which documents there are."},
	{NULL, "later", "Try again later, with the same arguments."},
	{NULL, "cancelled", "It was ended before it was done."},
	{NULL, "running", "Ask the tool job with this handle."},
};

static const char *hint_for(const char *tool, const char *outcome)
{
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if ((!hints[i].tool || !strcmp(hints[i].tool, tool)) &&
		    !strcmp(hints[i].outcome, outcome))
			return hints[i].text;
	return NULL;
}

static void say_state(const struct steward_job *j, const struct json *v,
		      struct buf *out)
{
	buf_printf(out, "%s: %s", steward_job_tool(j),
		   json_text_at(v, "outcome"));
	if (j->state == STEWARD_JOB_ENDED)
		buf_printf(out, " (exit status %d, %.0f s)", j->exit_status,
			   at(v, "seconds"));
	else if (j->state == STEWARD_JOB_LOST)
		buf_puts(out, " (who looked after it was killed)");
	buf_printf(out, ", job %s", j->id);
}

void steward_result_text(const struct steward_job *j, const struct json *v,
			 struct buf *out)
{
	const char *hint =
		hint_for(steward_job_tool(j), json_text_at(v, "outcome"));
	const char *plain = json_text_at(v, "output");

	say_state(j, v, out);
	say_documents(v, out);
	say_differences(v, out);
	if (*json_text_at(v, "words"))
		buf_printf(out, "\nIt said last (data): %s",
			   json_text_at(v, "words"));
	if (*plain)
		buf_printf(out, "\nIts output, which is data:\n\n%s", plain);
	if (hint)
		buf_printf(out, "\n%s", hint);
}
