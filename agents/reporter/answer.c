/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of it, in words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/observer/features.h"
#include "agents/reporter/parts.h"
#include "base/mem.h"
#include "doc/utf8.h"

static char *cut(const char *s)
{
	char *name = mem_strndup(s, CUT_NAME);
	size_t n = strlen(name);

	/* Not within a character. */
	while (n && !utf8_valid(name, n))
		name[--n] = '\0';
	return name;
}

static char *accepted_words(const struct chapter *c, const struct candidate *k)
{
	char base[NUM_LEN], cand[NUM_LEN], ratio[NUM_LEN], ci[2 * NUM_LEN];
	char *name = cut(chapter_name(c)), *metric = cut(k->goal.name), *s;

	figure_value(base, k->goal.baseline, k->goal.unit);
	figure_value(cand, k->goal.candidate, k->goal.unit);
	figure_ratio(ratio, k->goal.ratio);
	figure_interval(ci, k->goal.lo, k->goal.hi);
	s = mem_printf("%s of %s is %s better: %s under the kernel's own "
		       "scheduler, %s under policy #%zu (95 %% interval %s, "
		       "%.0f pairs of runs).",
		       metric, name, ratio, base, cand, k->number, ci,
		       k->goal.pairs);
	free(name);
	free(metric);
	return s;
}

static char *rejected_words(const struct chapter *c)
{
	const struct candidate *k = c->measured ? &c->c[c->order[0]] : NULL;
	char ratio[NUM_LEN], ci[2 * NUM_LEN];
	char *name = cut(chapter_name(c)), *s;
	size_t verdicts = 0;

	for (size_t i = 0; i < c->n; i++)
		verdicts += c->c[i].verdict != NULL;
	if (k) {
		figure_ratio(ratio, k->goal.ratio);
		figure_interval(ci, k->goal.lo, k->goal.hi);
		s = mem_printf("No policy was shown to be better than the "
			       "kernel's own scheduler for %s: the best of %zu "
			       "came to %s (95 %% interval %s).",
			       name, c->n, ratio, ci);
	} else if (verdicts) {
		s = mem_printf("None of %zu policies for %s came as far as "
			       "being measured.",
			       verdicts, name);
	} else if (c->n) {
		s = mem_printf("%zu %s for %s, none is measured yet.", c->n,
			       c->n == 1 ? "policy is proposed"
					 : "policies are proposed",
			       name);
	} else {
		s = mem_printf("%s was observed; nothing is proposed yet.",
			       name);
	}
	free(name);
	return s;
}

char *answer_sentence(const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);

	return k ? accepted_words(c, k) : rejected_words(c);
}

static const char *state_of(const struct candidate *k)
{
	return k && k->deployment ? json_text_at(k->deployment->body, "state")
				  : "";
}

char *answer_next(const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);
	const char *state = state_of(k);
	size_t verdicts = 0;

	for (size_t i = 0; i < c->n; i++)
		verdicts += c->c[i].verdict != NULL;
	if (!strcmp(state, "attached"))
		return mem_strdup("It was attached.  To take it back, which "
				  "gives the tasks to the kernel's own "
				  "scheduler at once:");
	if (!strcmp(state, "ejected") || !strcmp(state, "tripped"))
		return mem_strdup("It was deployed, and came off before its "
				  "time: there is nothing to take back.");
	if (!strcmp(state, "detached") || !strcmp(state, "stopped"))
		return mem_strdup("It was deployed and has been taken off "
				  "again: the kernel's own scheduler is at "
				  "work, and there is nothing to take back.");
	if (*state)
		return mem_strdup("It is not deployed, so nothing has "
				  "changed.");
	if (k)
		return mem_strdup("It is not deployed, so nothing has changed. "
				  " To use it, and to take it back at any "
				  "time:");
	if (verdicts)
		return mem_strdup("Nothing was changed, and there is nothing "
				  "to take back.");
	return mem_strdup("Nothing was changed.  The next step:");
}

const char *answer_command(const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);
	const char *state = state_of(k);

	if (!strcmp(state, "attached"))
		return "sched-deploy stop";
	if (*state)
		return NULL;
	if (k)
		return "sched-deploy < story.jsonl\nsched-deploy stop";
	for (size_t i = 0; i < c->n; i++)
		if (c->c[i].verdict)
			return NULL;
	return c->n ? "sched-verify --target vm < story.jsonl"
		    : "sched-synth < story.jsonl | sched-verify --target vm";
}

char *regime_words(const struct chapter *c)
{
	struct features f;
	char *words;

	if (!c->profile)
		return mem_strdup("");
	features_read(c->profile->body, &f);
	words = features_text(&f);
	features_release(&f);
	return words;
}
