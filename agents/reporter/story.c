/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The story of a run: what was seen, what was tried, what came of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"

#define ROWS_TOLD     60
#define EVIDENCE_TOLD 10

/* ---- what was observed ------------------------------------------------- */

static void put_metrics(struct html *h, const struct json *profile)
{
	char value[NUM_LEN];
	size_t n = 0;

	json_each (m, json_get(profile, "metrics")) {
		if (n++ == 8)
			break;
		figure_value(value, number_at(m, "value"),
			     json_text_at(m, "unit"));
		report_fact(h, "Measured then", "%.80s: %s",
			    json_text_at(m, "name"), value);
	}
}

static void put_command(struct html *h, const struct json *profile)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, 4096);
	json_each (w, json_path(profile, "workload.command")) {
		if (n++ == 32)
			break;
		buf_printf(&b, "%s%.200s", n > 1 ? " " : "",
			   json_as_string(w, ""));
	}
	if (b.len)
		report_fact(h, "Command", "%s", b.data);
	buf_release(&b);
}

static void put_evidence(struct html *h, const struct json *plan)
{
	size_t n = 0;
	char x[NUM_LEN];

	json_each (e, json_get(plan, "evidence")) {
		if (n == EVIDENCE_TOLD)
			break;
		if (!n++)
			html_open(h, "ul", NULL);
		html_open(h, "li", NULL);
		html_cut(h, json_text_at(e, "text"), 200);
		if (json_get(e, "value"))
			html_textf(h, ": %s",
				   num_si(x, number_at(e, "value"), ""));
		html_close(h);
	}
	if (n)
		html_close(h);
}

/* In its own words, which may be a model's. */
static void put_plan(struct html *h, const struct chapter *c)
{
	const char *text = c->plan ? json_text_at(c->plan->body, "text") : "";

	if (!*text)
		return;
	html_open(h, "details", NULL);
	if (!c->profile)
		html_attr(h, "open", "open");
	html_leaf(h, "summary", NULL, "The plan in its own words");
	html_open(h, "p", NULL);
	html_cut(h, text, 4000);
	html_close(h);
	html_close(h);
}

static void put_observed(struct html *h, const struct chapter *c)
{
	const struct json *p = c->profile ? c->profile->body : NULL;
	char *regime = regime_words(c), t[NUM_LEN];

	if (p || c->plan)
		report_heading(h, "What was observed");
	if (*regime)
		html_leaf(h, "p", NULL, regime);
	free(regime);
	if (c->plan)
		put_evidence(h, c->plan->body);
	put_plan(h, c);
	if (!p)
		return;
	html_open(h, "dl", NULL);
	put_command(h, p);
	put_metrics(h, p);
	report_fact(h, "Observed for", "%s",
		    figure_us(t, number_at(p, "duration_us")));
	html_close(h);
}

/* ---- the loop ---------------------------------------------------------- */

static const char *number(char out[static NUM_LEN], double x)
{
	if (isnan(x))
		return "";
	snprintf(out, NUM_LEN, "%.0f", fmax(-1e15, fmin(1e15, x)));
	return out;
}

static void put_round(struct html *h, const struct json *r)
{
	char t[NUM_LEN];
	double gain = number_at(r, "expected_gain_pct");

	report_row(h);
	report_cell(h, "Round", "n", number(t, number_at(r, "round")));
	snprintf(t, sizeof(t), "%zu", json_len(json_get(r, "candidates")));
	report_cell(h, "Candidates", "n", t);
	report_cell(h, "Guest runs", "n",
		    number(t, number_at(r, "guest_runs")));
	report_cell(h, "Simulated runs", "n",
		    number(t, number_at(r, "sim_runs")));
	report_cell(h, "Time", "n",
		    json_get(r, "seconds")
			    ? figure_us(t, number_at(r, "seconds") * 1e6)
			    : "");
	report_cell(h, "Best so far", "n",
		    json_get(r, "best_ratio")
			    ? figure_ratio(t, number_at(r, "best_ratio"))
			    : "–");
	report_cell(h, "Foretold gain", "n",
		    isnan(gain) ? "–" : num_pct(t, gain));
	report_end_row(h);
}

static const char *ending(const char *status)
{
	if (!strcmp(status, "better"))
		return "The loop ended with something better in place.";
	if (!strcmp(status, "none"))
		return "The loop ended without finding anything better.";
	if (!strcmp(status, "later"))
		return "The loop was interrupted and can be resumed.";
	return "The loop was still running.";
}

static void put_spent(struct html *h, const struct json *loop)
{
	char a[NUM_LEN], b[NUM_LEN];
	double usd = number_at(loop, "spent.usd");
	double regret = number_at(loop, "regret.regret_pct");

	html_open(h, "dl", NULL);
	report_fact(h, "Run", "%.100s", json_text_at(loop, "run"));
	report_fact(h, "Stopped because", "%.300s",
		    json_text_at(loop, "stopped"));
	if (json_path(loop, "spent.seconds"))
		report_fact(
			h, "Time spent", "%s%s%s",
			figure_us(a, number_at(loop, "spent.seconds") * 1e6),
			json_path(loop, "budget.seconds") ? " of " : "",
			json_path(loop, "budget.seconds")
				? figure_us(b,
					    number_at(loop, "budget.seconds") *
						    1e6)
				: "");
	if (json_path(loop, "spent.guest_runs"))
		report_fact(h, "Guest runs", "%s",
			    number(a, number_at(loop, "spent.guest_runs")));
	if (usd >= 0)
		report_fact(h, "Paid for a model", "%.4f USD", usd);
	if (!isnan(regret))
		report_fact(h, "Regret",
			    "%.1f %% behind the best point that is known, %s",
			    fmax(-1e6, fmin(1e6, regret)),
			    figure_ratio(a, number_at(loop, "regret.best_known_"
							    "ratio")));
	html_close(h);
}

static void put_loop(struct html *h, const struct chapter *c)
{
	static const char *const titles[] = {
		"#Round", "#Candidates",  "#Guest runs",    "#Simulated runs",
		"#Time",  "#Best so far", "#Foretold gain", NULL};
	const struct json *rounds = json_get(c->loop, "rounds");
	size_t shown = 0;

	if (!c->loop)
		return;
	html_leaf(h, "h3", NULL, "The loop, round by round");
	html_leaf(h, "p", NULL, ending(json_text_at(c->loop, "status")));
	if (json_len(rounds)) {
		report_table(h,
			     "Each round proposes, measures and learns, "
			     "while it promises enough over the best so far.",
			     titles);
		json_each (r, rounds) {
			if (shown++ == ROWS_TOLD)
				break;
			put_round(h, r);
		}
		report_end_table(h);
	}
	put_spent(h, c->loop);
}

/* ---- what was tried ---------------------------------------------------- */

static const char *source_words(const char *source)
{
	static const char *const words[][2] = {
		{"rule", "a rule"},
		{"neighbour", "a neighbour in the history"},
		{"optimiser", "the optimiser"},
		{"model", "a language model"},
		{"person", "a person"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i][0], source))
			return words[i][1];
	return source;
}

/* The verdict's reason, else the first thing a stage found. */
static const char *reason(const struct candidate *k)
{
	const struct json *b = k->verdict ? k->verdict->body : NULL;
	const char *why = json_text_at(b, "why");

	if (*why)
		return why;
	json_each (stage, json_get(b, "stages")) {
		if (!strcmp(json_text_at(stage, "status"), "failed"))
			return json_text_at(stage, "findings.0.text");
	}
	return "";
}

static void put_measured(struct html *h, const struct candidate *k)
{
	char ratio[NUM_LEN], ci[2 * NUM_LEN], both[4 * NUM_LEN] = "–";

	if (k->measured)
		snprintf(both, sizeof(both), "%s (%s)",
			 figure_ratio(ratio, k->goal.ratio),
			 figure_interval(ci, k->goal.lo, k->goal.hi));
	else if (!isnan(k->loop_ratio))
		snprintf(both, sizeof(both), "%s",
			 figure_ratio(ratio, k->loop_ratio));
	report_cell(h, "Measured", "n", both);
}

static void put_candidate(struct html *h, const struct candidate *k)
{
	const char *decision = candidate_decision(k);
	char t[NUM_LEN];

	report_row(h);
	snprintf(t, sizeof(t), "#%zu", k->number);
	report_cell(h, "Policy", "n", t);
	html_open(h, "td", NULL);
	html_attr(h, "data-h", "What");
	html_cut(h, candidate_title(k), CUT_NAME);
	html_close(h);
	report_cell(h, "Thought of by", NULL, source_words(k->source));
	report_cell(h, "Predicted", "n",
		    isnan(k->predicted) ? "–" : figure_ratio(t, k->predicted));
	put_measured(h, k);
	html_open(h, "td", "w");
	html_attr(h, "data-h", "Decision");
	html_open(h, "span",
		  !strcmp(decision, "accepted")	  ? "good"
		  : !strcmp(decision, "rejected") ? "bad"
						  : "dim");
	html_cut(h, decision, 40);
	html_close(h);
	if (*reason(k)) {
		html_text(h, ": ");
		html_cut(h, reason(k), 300);
	}
	html_close(h);
	report_end_row(h);
}

static void put_tried(struct html *h, const struct chapter *c)
{
	static const char *const titles[] = {
		"#Policy",  "What", "Thought of by", "#Predicted", "#Measured",
		"Decision", NULL};
	size_t n = c->n < ROWS_TOLD ? c->n : ROWS_TOLD;

	if (!c->n)
		return;
	html_leaf(h, "h3", NULL, "What was tried");
	report_table(h,
		     "The best first.  Figures are how many times better than "
		     "the kernel's own scheduler: predicted in the simulator, "
		     "measured on a kernel, with 95 % intervals.",
		     titles);
	for (size_t i = 0; i < n; i++)
		put_candidate(h, &c->c[c->order[i]]);
	report_end_table(h);
	report_rest(h, c->n, n, "policies");
}

void report_story(struct html *h, const struct chapter *c)
{
	put_observed(h, c);
	put_loop(h, c);
	put_tried(h, c);
}
