/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rollout/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "rollout/signed.h"

const char *const rollout_outcomes[OUTCOMES] = {
	[OUTCOME_TRYING] = "trying",   [OUTCOME_OK] = "ok",
	[OUTCOME_BAD] = "bad",	       [OUTCOME_EJECTED] = "ejected",
	[OUTCOME_REFUSED] = "refused", [OUTCOME_WITHDRAWN] = "withdrawn",
	[OUTCOME_STOPPED] = "stopped",
};

bool rollout_is_bad(enum rollout_outcome o)
{
	return o == OUTCOME_BAD || o == OUTCOME_EJECTED;
}

struct json *rollout_report_json(const struct rollout_report *r)
{
	struct json *s = json_object();

	json_set_string(s, "rollout", r->rollout);
	json_set_string(s, "policy", r->policy);
	json_set_number(s, "serial", (double)r->serial);
	json_set_number(s, "cohort", r->cohort);
	json_set_bool(s, "named", r->named);
	json_set_string(s, "outcome", rollout_outcomes[r->outcome]);
	json_set_string(s, "kernel", r->kernel);
	json_set_string(s, "why", r->why);
	return s;
}

/* What does not fit is cut off: it is for people to read. */
static void take_text(const struct json *s, const char *key, char *out,
		      size_t size)
{
	const char *text = json_text_at(s, key);
	size_t len = strnlen(text, size - 1);

	/* Not through the middle of a character. */
	while (len && text[len] && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(out, text, len);
	out[len] = '\0';
}

static int take(const struct json *s, const struct rollout *of,
		struct rollout_report *out)
{
	double cohort = json_as_number(json_get(s, "cohort"), -1);
	double serial = json_as_number(json_get(s, "serial"), -1);

	*out = (struct rollout_report){
		.named = json_as_bool(json_get(s, "named"), false),
		.outcome = OUTCOMES,
		.time = clock_parse(json_text_at(s, "issued")),
	};
	for (int i = 0; i < OUTCOMES; i++)
		if (!strcmp(json_text_at(s, "outcome"), rollout_outcomes[i]))
			out->outcome = (enum rollout_outcome)i;
	if (out->outcome == OUTCOMES || !out->time || cohort != floor(cohort) ||
	    cohort < 0 || cohort >= (double)of->n || serial != floor(serial) ||
	    serial < 1 || serial > ROLLOUT_SERIAL_MAX)
		return err_set(EINVAL, "the report is damaged");
	out->cohort = (int)cohort;
	out->serial = (long)serial;
	take_text(s, "rollout", out->rollout, sizeof(out->rollout));
	take_text(s, "policy", out->policy, sizeof(out->policy));
	take_text(s, "key", out->key, sizeof(out->key));
	take_text(s, "kernel", out->kernel, sizeof(out->kernel));
	take_text(s, "why", out->why, sizeof(out->why));
	return 0;
}

int rollout_report_read(const struct trust *hosts, const struct rollout *of,
			const struct json *body, time_t now,
			struct rollout_report *out)
{
	const struct json *v = json_get(body, "report");
	struct rollout_place place;
	int rc;

	if (signed_check(hosts, SIGNED_REPORT, v, now))
		return -EACCES;
	rc = take(json_get(v, "statement"), of, out);
	if (rc)
		return rc;
	if (strcmp(out->rollout, of->id) || strcmp(out->policy, of->policy))
		return err_set(EACCES, "it is about another rollout");
	rollout_place(of->id, out->key, &place);
	if (!out->named &&
	    rollout_cohort_of(of, NULL, place.point) != out->cohort)
		return err_set(EACCES,
			       "the host with the key %.12s is not in the "
			       "cohort '%s'",
			       out->key, of->cohorts[out->cohort].name);
	return 0;
}

/* ---- counting ---------------------------------------------------------- */

/* By key; what counts most first. */
static int compare(const void *x, const void *y)
{
	const struct rollout_report *a = x, *b = y;
	int by = strcmp(a->key, b->key);

	if (!by)
		by = rollout_is_bad(b->outcome) - rollout_is_bad(a->outcome);
	if (!by)
		by = (a->time < b->time) - (a->time > b->time);
	if (!by)
		by = (int)b->outcome - (int)a->outcome;
	return by ? by : a->cohort - b->cohort;
}

void rollout_count(const struct rollout *of, struct rollout_report *v, size_t n,
		   struct rollout_tally *tally)
{
	memset(tally, 0, of->n * sizeof(*tally));
	if (n)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(v[i - 1].key, v[i].key))
			tally[v[i].cohort].by[v[i].outcome]++;
}
