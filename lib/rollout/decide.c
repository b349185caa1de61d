/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rollout/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "trust/claim.h"

const char *const rollout_stages[STAGES] = {
	[STAGE_NONE] = "none",		 [STAGE_TRYING] = "trying",
	[STAGE_WELL] = "well",		 [STAGE_BAD] = "bad",
	[STAGE_EJECTED] = "ejected",	 [STAGE_REFUSED] = "refused",
	[STAGE_WITHDRAWN] = "withdrawn", [STAGE_STOPPED] = "stopped",
};

/* Of a stage from which there is no way on. */
static const char *const ends[STAGES] = {
	[STAGE_BAD] = "was bad",
	[STAGE_EJECTED] = "was ejected",
	[STAGE_REFUSED] = "was refused",
	[STAGE_WITHDRAWN] = "was withdrawn",
	[STAGE_STOPPED] = "was taken off by somebody",
};

const char *const rollout_answers[] = {
	[ROLLOUT_WAIT] = "wait",
	[ROLLOUT_STAY] = "stay",
	[ROLLOUT_DEPLOY] = "deploy",
	[ROLLOUT_WITHDRAW] = "withdraw",
};

long rollout_bad(const struct rollout_tally *t)
{
	return t->by[OUTCOME_BAD] + t->by[OUTCOME_EJECTED];
}

long rollout_heard(const struct rollout_tally *t)
{
	return t->by[OUTCOME_OK] + rollout_bad(t);
}

/*
 * Bad ones are held against all that had it, as far as that is known: of those
 * that are well only some report, and as long as fewer have been heard than
 * are to be heard, against those.  A single bad one of a hundred to come is
 * then no more than that.
 */
static bool is_spoilt(const struct rollout_cohort *c,
		      const struct rollout_tally *t)
{
	double bad = (double)rollout_bad(t);
	double had = bad + (double)t->by[OUTCOME_OK] * 100 / c->report_pct;

	if (had < (double)c->reports)
		had = (double)c->reports;
	return bad > had * c->bad_pct / 100;
}

int rollout_spoilt(const struct rollout *r, const struct rollout_tally *tally)
{
	for (size_t i = 0; i < r->n; i++)
		if (is_spoilt(&r->cohorts[i], &tally[i]))
			return (int)i;
	return -1;
}

static void answer(struct rollout_choice *out, enum rollout_answer a,
		   const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void answer(struct rollout_choice *out, enum rollout_answer a,
		   const char *fmt, ...)
{
	va_list ap;

	out->answer = a;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

/* Nothing can be said: as it is, so it stays. */
#define LEAVE(...) \
	answer(out, h->in_force ? ROLLOUT_STAY : ROLLOUT_WAIT, __VA_ARGS__)
/* It ends: who has it goes back. */
#define END(...) \
	answer(out, h->in_force ? ROLLOUT_WITHDRAW : ROLLOUT_WAIT, __VA_ARGS__)

/* A clock that cannot be believed; true: it was answered. */
static bool is_wrong(const struct rollout *r, const struct rollout_host *h,
		     time_t now, struct rollout_choice *out)
{
	char then[CLOCK_TEXT_LEN], text[CLOCK_TEXT_LEN];

	clock_text(now, text);
	if (now < h->clock - ROLLOUT_BACK_S) {
		clock_text(h->clock, then);
		LEAVE("the clock says %s, and it was %s already: what has "
		      "expired cannot be told",
		      text, then);
	} else if (r->issued > now + STATEMENT_SKEW_S) {
		clock_text(r->issued, then);
		LEAVE("the rollout was signed at %s, and here it is %s: one of "
		      "the two clocks is wrong",
		      then, text);
	} else {
		return false;
	}
	out->wrong = true;
	return true;
}

/* It was ended, by somebody or by what hosts have reported. */
static bool is_over(const struct rollout *r, const struct rollout_tally *tally,
		    const struct rollout_host *h, struct rollout_choice *out)
{
	int i = rollout_spoilt(r, tally);
	const struct rollout_tally *t = i < 0 ? NULL : &tally[i];

	if (r->state == ROLLOUT_WITHDRAWN)
		END("the rollout is withdrawn%s%s", *r->why ? ": " : "",
		    r->why);
	else if (i >= 0)
		END("%ld of %ld hosts of '%s' that were heard report that it "
		    "is bad, more than %g %%",
		    rollout_bad(t), rollout_heard(t), r->cohorts[i].name,
		    r->cohorts[i].bad_pct);
	else
		return false;
	return true;
}

/* The first earlier cohort that has not said enough; -1: all have. */
static int closed(const struct rollout *r, const struct rollout_tally *tally,
		  int cohort)
{
	for (int i = 0; i < cohort; i++)
		if (rollout_heard(&tally[i]) < r->cohorts[i].reports)
			return i;
	return -1;
}

static void stay(const struct rollout *r, const struct rollout_host *h,
		 time_t now, struct rollout_choice *out)
{
	double soak = h->cohort < 0 ? 0 : r->cohorts[h->cohort].soak_s;
	double left = soak - difftime(now, h->since);

	out->well = h->stage == STAGE_WELL || left <= 0;
	if (out->well)
		answer(out, ROLLOUT_STAY, "it is in force, and well");
	else
		answer(out, ROLLOUT_STAY,
		       "it is in force; in %.0f s it will have been well for "
		       "long enough",
		       left);
}

/* It does not have it, and nothing stands against it but its turn. */
static void take_turn(const struct rollout *r,
		      const struct rollout_tally *tally,
		      const struct rollout_host *h, time_t now,
		      struct rollout_choice *out)
{
	int before = closed(r, tally, h->cohort);
	const char *name = r->cohorts[h->cohort].name;
	double left;

	if (before >= 0) {
		answer(out, ROLLOUT_WAIT,
		       "this host is of '%s': %ld of %ld hosts of '%s' have "
		       "reported",
		       name, rollout_heard(&tally[before]),
		       r->cohorts[before].reports, r->cohorts[before].name);
		return;
	}
	out->open = true;
	left = h->turn * r->spread_s - (h->open ? difftime(now, h->open) : 0);
	if (left > 0)
		answer(out, ROLLOUT_WAIT,
		       "it is the turn of '%s'; this host's own moment is in "
		       "%.0f s",
		       name, left);
	else if (h->cohort)
		answer(out, ROLLOUT_DEPLOY,
		       "it is the turn of '%s': the cohorts before it are "
		       "well",
		       name);
	else
		answer(out, ROLLOUT_DEPLOY, "'%s' is the first cohort", name);
}

void rollout_decide(const struct rollout *r, const struct rollout_tally *tally,
		    const struct rollout_host *h, time_t now,
		    struct rollout_choice *out)
{
	char text[CLOCK_TEXT_LEN];

	*out = (struct rollout_choice){0};
	if (!r) {
		LEAVE("there is no rollout to follow");
	} else if (r->serial < h->serial) {
		out->wrong = true;
		LEAVE("statement %ld is an old one: %ld was seen here, and "
		      "only a newer one undoes that",
		      r->serial, h->serial);
	} else if (is_over(r, tally, h, out) || is_wrong(r, h, now, out)) {
		/* To go back is safe whatever the clock says. */
	} else if (h->stage > STAGE_WELL) {
		LEAVE("it %s here: only another rollout tries again",
		      ends[h->stage]);
	} else if (h->in_force) {
		stay(r, h, now, out);
	} else if (r->expires < now - STATEMENT_SKEW_S) {
		clock_text(r->expires, text);
		answer(out, ROLLOUT_WAIT, "the rollout has expired at %s",
		       text);
	} else if (r->state == ROLLOUT_HALTED) {
		answer(out, ROLLOUT_WAIT, "the rollout is halted%s%s",
		       *r->why ? ": " : "", r->why);
	} else if (h->cohort < 0) {
		answer(out, ROLLOUT_WAIT,
		       "this host is in no cohort of the rollout");
	} else {
		take_turn(r, tally, h, now, out);
	}
}

bool rollout_listens(const struct rollout_host *h)
{
	return h->in_force || h->stage <= STAGE_WELL;
}

unsigned int rollout_asks(const struct rollout *r,
			  const struct rollout_tally *tally,
			  const struct rollout_host *h, time_t now)
{
	bool due = h->stage == STAGE_NONE && h->cohort > 0 &&
		   rollout_is_due(r, h->cohort, now);
	unsigned int all = 0;

	for (size_t i = 0; i < r->n; i++) {
		/* As if none was well. */
		struct rollout_tally bad = {.by[OUTCOME_BAD] =
						    rollout_bad(&tally[i])};

		if ((due && (int)i < h->cohort) ||
		    is_spoilt(&r->cohorts[i], &bad))
			all |= 1u << i;
	}
	return all;
}

enum rollout_outcome rollout_outcome_of(enum rollout_stage stage)
{
	static const enum rollout_outcome outcomes[STAGES] = {
		[STAGE_NONE] = OUTCOMES,
		[STAGE_TRYING] = OUTCOME_TRYING,
		[STAGE_WELL] = OUTCOME_OK,
		[STAGE_BAD] = OUTCOME_BAD,
		[STAGE_EJECTED] = OUTCOME_EJECTED,
		[STAGE_REFUSED] = OUTCOME_REFUSED,
		[STAGE_WITHDRAWN] = OUTCOME_WITHDRAWN,
		[STAGE_STOPPED] = OUTCOME_STOPPED,
	};

	return outcomes[stage];
}

bool rollout_is_said(const struct rollout_cohort *c, enum rollout_outcome o,
		     double voice)
{
	return (o != OUTCOME_TRYING && o != OUTCOME_OK) ||
	       voice * 100 < c->report_pct;
}
