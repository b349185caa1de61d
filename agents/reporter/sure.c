/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How sure it is, under which conditions, and where to find it all again. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"

#define NOTES_TOLD 12
#define IDS_TOLD   40

static const char *accelerator_words(const char *a)
{
	if (!strcmp(a, "tcg"))
		return "tcg: emulated; the figures rank policies and say "
		       "little about this machine's own times";
	return a;
}

static void whole(struct html *h, const char *key, const struct json *v,
		  const char *path)
{
	double x = number_at(v, path);

	if (isfinite(x) && fabs(x) < 1e15)
		report_fact(h, key, "%.0f", x);
}

static const char *stopped_words(const char *s)
{
	if (!strcmp(s, "decided"))
		return "early: it was decided";
	if (!strcmp(s, "futile"))
		return "early: it could no longer become better";
	return s;
}

static void put_evidence(struct html *h, const struct json *v)
{
	const struct json *e = json_get(v, "evidence");
	double effect = number_at(e, "min_effect_pct");

	report_fact(h, "Kernel", "%.100s", json_text_at(v, "kernel"));
	report_fact(h, "Target", "%.20s", json_text_at(v, "target"));
	report_fact(h, "Accelerator", "%.200s",
		    accelerator_words(json_text_at(v, "accelerator")));
	whole(h, "Pairs", v, "metrics.0.pairs");
	whole(h, "Pairs to choose by", e, "screening_pairs");
	whole(h, "Fresh pairs to confirm", e, "confirmation_pairs");
	if (json_get(e, "confirmed"))
		report_fact(h, "Confirmed", "%s",
			    json_as_bool(json_get(e, "confirmed"), false)
				    ? "yes, by a separate measurement"
				    : "no");
	whole(h, "Invalid runs", v, "invalid_runs");
	whole(h, "Runs in all", e, "runs");
	whole(h, "Warm-up runs left out", e, "warmup");
	report_fact(h, "Order of the arms", "%.40s", json_text_at(e, "order"));
	report_fact(h, "Stopped", "%.80s",
		    stopped_words(json_text_at(e, "stopped")));
	if (effect >= 0 && effect < 1e4)
		report_fact(h, "Smallest effect that counts", "%.3g %%",
			    effect);
	whole(h, "Seed of the intervals", e, "seed");
}

static void put_machine(struct html *h, const struct chapter *c)
{
	const struct json *p;

	if (!c->profile)
		return;
	p = c->profile->body;
	whole(h, "CPUs observed", p, "system.cpus");
	report_fact(h, "Kernel observed", "%.100s",
		    json_text_at(p, "system.kernel"));
	report_fact(h, "Observed by", "%.20s, on %.20s",
		    json_text_at(p, "source"), json_text_at(p, "target"));
	whole(h, "Events lost", p, "overhead.drops");
	if (c->plan)
		whole(h, "Seed of the search", c->plan->body, "seed");
}

static void put_stages(struct html *h, const struct candidate *k)
{
	static const char *const titles[] = {"Stage", "Status", "#Time",
					     "What was found", NULL};
	const struct json *stages = json_get(k->verdict->body, "stages");
	char t[NUM_LEN], caption[80];

	if (!json_len(stages))
		return;
	snprintf(caption, sizeof(caption), "What policy #%zu went through",
		 k->number);
	report_table(h, caption, titles);
	json_each (s, stages) {
		report_row(h);
		report_cell(h, "Stage", NULL, json_text_at(s, "name"));
		report_cell(h, "Status", NULL, json_text_at(s, "status"));
		report_cell(h, "Time", "n",
			    figure_us(t, number_at(s, "seconds") * 1e6));
		report_cell(h, "What was found", "w",
			    json_text_at(s, "findings.0.text"));
		report_end_row(h);
	}
	report_end_table(h);
}

static void put_profile_notes(struct html *h, const struct chapter *c)
{
	size_t n = 0;

	if (!c->profile)
		return;
	json_each (v, json_get(c->profile->body, "notes")) {
		if (n == NOTES_TOLD)
			break;
		if (!n++)
			html_open(h, "ul", NULL);
		html_open(h, "li", NULL);
		html_cut(h, json_as_string(v, ""), 300);
		html_close(h);
	}
	if (n)
		html_close(h);
}

/* ---- ids --------------------------------------------------------------- */

static void put_id(struct html *h, const char *what, const struct doc *d)
{
	if (!d)
		return;
	html_leaf(h, "dt", NULL, what);
	html_open(h, "dd", NULL);
	html_open(h, "code", NULL);
	html_cut(h, d->id, 80);
	html_close(h);
	html_close(h);
}

static void put_ids(struct html *h, const struct chapter *c)
{
	char what[48];
	size_t shown = 0;

	html_leaf(h, "h3", NULL, "To find everything again");
	html_open(h, "p", NULL);
	html_leaf(h, "code", NULL, "sched-history show ID");
	html_text(h, " prints any of these, where they were recorded; the "
		     "beginning of an id is enough.");
	html_close(h);
	html_open(h, "dl", "ids");
	put_id(h, "Observation", c->profile);
	put_id(h, "Earlier observation", c->earlier);
	put_id(h, "Plan", c->plan);
	put_id(h, "Loop", c->loop_doc);
	for (size_t i = 0; i < c->n && shown < IDS_TOLD; i++) {
		const struct candidate *k = &c->c[c->order[i]];

		snprintf(what, sizeof(what), "Policy #%zu", k->number);
		if (k->policy)
			put_id(h, what, k->policy);
		snprintf(what, sizeof(what), "Verdict on #%zu", k->number);
		put_id(h, what, k->verdict);
		snprintf(what, sizeof(what), "Deployment of #%zu", k->number);
		put_id(h, what, k->deployment);
		shown++;
	}
	html_close(h);
	report_rest(h, c->n, shown, "policies");
}

void report_sure(struct html *h, const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);

	for (size_t i = 0; i < c->n && !k; i++)
		if (c->c[c->order[i]].verdict)
			k = &c->c[c->order[i]];
	report_heading(h, "How sure this is");
	html_open(h, "dl", NULL);
	if (k)
		put_evidence(h, k->verdict->body);
	put_machine(h, c);
	html_close(h);
	put_profile_notes(h, c);
	if (k)
		put_stages(h, k);
	put_ids(h, c);
}
