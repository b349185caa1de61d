/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rollout/rollout.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "trust/claim.h"

#define SOAK_MAX    (366 * 86400.0)
#define REPORTS_MAX 10000000
#define TEXT_MAX    256

const char *const rollout_states[ROLLOUT_STATES] = {
	[ROLLOUT_RUNNING] = "running",
	[ROLLOUT_HALTED] = "halted",
	[ROLLOUT_WITHDRAWN] = "withdrawn",
};

/* ---- cohorts ----------------------------------------------------------- */

static bool is_name(const char *s)
{
	if (!islower((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) &&
		    !isdigit((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static int check_cohort(const struct rollout_cohort *c)
{
	if (!is_name(c->name))
		return err_set(EINVAL,
			       "'%s' is no name of a cohort: lower-case "
			       "letters, digits and '-'",
			       c->name);
	if (!(c->share_pct >= 0 && c->share_pct <= 100) ||
	    !(c->bad_pct >= 0 && c->bad_pct <= 100) ||
	    !(c->report_pct > 0 && c->report_pct <= 100))
		return err_set(EINVAL, "cohort '%s': a share is 0 to 100 %%",
			       c->name);
	if (!(c->soak_s >= 0 && c->soak_s <= SOAK_MAX))
		return err_set(EINVAL,
			       "cohort '%s': 0 seconds to a year, not %g",
			       c->name, c->soak_s);
	if (c->reports < 1 || c->reports > REPORTS_MAX)
		return err_set(EINVAL,
			       "cohort '%s': at least one host has to report",
			       c->name);
	return 0;
}

/* One of the numbers between colons, "5" or "5%". */
static bool take_number(const char *text, double *out)
{
	char *end;

	/* Nothing that only strtod() takes for a number. */
	if (!isdigit((unsigned char)*text) ||
	    text[strspn(text, "0123456789.%")])
		return false;
	*out = strtod(text, &end);
	return (!*end || !strcmp(end, "%")) && isfinite(*out);
}

int rollout_cohort_parse(const char *text, struct rollout_cohort *out)
{
	double v[] = {0, 3600, 1, 0, 100};
	char copy[TEXT_MAX], *at = copy, *word;
	size_t i = 0;

	memset(out, 0, sizeof(*out));
	if (strlen(text) >= sizeof(copy))
		return err_set(EINVAL, "'%.40s…' is too long for a cohort",
			       text);
	strcpy(copy, text);
	word = strsep(&at, ":");
	if (strlen(word) >= sizeof(out->name))
		return err_set(EINVAL, "'%s' is too long for a name", word);
	strcpy(out->name, word);
	if (!at)
		return err_set(EINVAL, "'%s' lacks the share of hosts", text);
	while ((word = strsep(&at, ":")))
		if (i == ARRAY_LEN(v) || !take_number(word, &v[i++]))
			return err_set(EINVAL,
				       "'%s' is not NAME:SHARE:SOAK_S:REPORTS:"
				       "BAD:REPORTING",
				       text);
	if (v[2] > REPORTS_MAX || v[2] != floor(v[2]))
		return err_set(EINVAL, "'%s': %g is no number of hosts", text,
			       v[2]);
	out->share_pct = v[0];
	out->soak_s = v[1];
	out->reports = (long)v[2];
	out->bad_pct = v[3];
	out->report_pct = v[4];
	return check_cohort(out);
}

/* ---- the whole --------------------------------------------------------- */

int rollout_check(const struct rollout *r)
{
	double sum = 0;

	if (!r->n)
		return err_set(EINVAL, "a rollout has a cohort, at least");
	for (size_t i = 0; i < r->n; i++) {
		int rc = check_cohort(&r->cohorts[i]);

		if (rc)
			return rc;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(r->cohorts[i].name, r->cohorts[j].name))
				return err_set(EINVAL,
					       "two cohorts are named '%s'",
					       r->cohorts[i].name);
		sum += r->cohorts[i].share_pct;
	}
	if (sum > 100 + 1e-9)
		return err_set(EINVAL,
			       "the cohorts' shares are %g %% in all: 100 are "
			       "what there is",
			       sum);
	if (r->serial < 1 || r->serial > ROLLOUT_SERIAL_MAX)
		return err_set(EINVAL, "%ld is no serial number", r->serial);
	if (!(r->spread_s >= 0 && r->spread_s <= SOAK_MAX))
		return err_set(EINVAL, "%g s is nothing to spread over",
			       r->spread_s);
	if (!*r->workload || !r->began || r->expires <= r->began)
		return err_set(EINVAL, "the rollout lacks a workload, or ends "
				       "before it begins");
	return 0;
}

struct json *rollout_json(const struct rollout *r)
{
	struct json *s = json_object(), *cohorts = json_array();
	char text[CLOCK_TEXT_LEN];

	clock_text(r->began, text);
	json_set_string(s, "began", text);
	clock_text(r->expires, text);
	json_set_string(s, "expires", text);
	json_set_string(s, "rollout", r->id);
	json_set_number(s, "serial", (double)r->serial);
	json_set_string(s, "state", rollout_states[r->state]);
	json_set_string(s, "policy", r->policy);
	json_set_string(s, "verdict", r->verdict);
	json_set_string(s, "workload", r->workload);
	json_set_string(s, "why", r->why);
	json_set_number(s, "spread_s", r->spread_s);
	for (size_t i = 0; i < r->n; i++) {
		const struct rollout_cohort *c = &r->cohorts[i];
		struct json *v = json_object();

		json_set_string(v, "name", c->name);
		json_set_number(v, "share_pct", c->share_pct);
		json_set_number(v, "soak_s", c->soak_s);
		json_set_number(v, "reports", (double)c->reports);
		json_set_number(v, "bad_pct", c->bad_pct);
		json_set_number(v, "report_pct", c->report_pct);
		json_add(cohorts, v);
	}
	json_set(s, "cohorts", cohorts);
	return s;
}

static bool take_text(const struct json *s, const char *key, char *out,
		      size_t size)
{
	const char *text = json_text_at(s, key);
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

/* A number that fits, or one that rollout_check() refuses. */
static long take_long(const struct json *s, const char *key)
{
	double x = json_as_number(json_get(s, key), 0);

	return x >= 0 && x <= ROLLOUT_SERIAL_MAX && x == floor(x) ? (long)x : 0;
}

static bool read_cohort(const struct json *v, struct rollout_cohort *out)
{
	*out = (struct rollout_cohort){
		.share_pct = json_as_number(json_get(v, "share_pct"), -1),
		.soak_s = json_as_number(json_get(v, "soak_s"), -1),
		.reports = take_long(v, "reports"),
		.bad_pct = json_as_number(json_get(v, "bad_pct"), -1),
		.report_pct = json_as_number(json_get(v, "report_pct"), -1),
	};
	return take_text(v, "name", out->name, sizeof(out->name));
}

int rollout_read(const struct json *statement, struct rollout *out)
{
	const struct json *cohorts = json_get(statement, "cohorts");
	const char *state = json_text_at(statement, "state");
	bool good;

	*out = (struct rollout){
		.serial = take_long(statement, "serial"),
		.state = ROLLOUT_STATES,
		.spread_s = json_as_number(json_get(statement, "spread_s"), -1),
		.began = clock_parse(json_text_at(statement, "began")),
		.issued = clock_parse(json_text_at(statement, "issued")),
		.expires = clock_parse(json_text_at(statement, "expires")),
	};
	for (int i = 0; i < ROLLOUT_STATES; i++)
		if (!strcmp(state, rollout_states[i]))
			out->state = (enum rollout_state)i;
	good = out->state != ROLLOUT_STATES &&
	       take_text(statement, "rollout", out->id, sizeof(out->id)) &&
	       take_text(statement, "policy", out->policy,
			 sizeof(out->policy)) &&
	       take_text(statement, "verdict", out->verdict,
			 sizeof(out->verdict)) &&
	       take_text(statement, "workload", out->workload,
			 sizeof(out->workload)) &&
	       take_text(statement, "why", out->why, sizeof(out->why)) &&
	       json_len(cohorts) <= ROLLOUT_COHORTS;
	if (good)
		json_each (v, cohorts)
			good = good && read_cohort(v, &out->cohorts[out->n++]);
	if (!good)
		return err_set(EINVAL, "the rollout is not of a form that is "
				       "known here");
	return rollout_check(out);
}

/* ---- hosts ------------------------------------------------------------- */

/* Twelve digits: 48 bits, which a double holds. */
static double unit_of(const char *hex)
{
	char part[13];

	memcpy(part, hex, 12);
	part[12] = '\0';
	return (double)strtoull(part, NULL, 16) / 281474976710656.0;
}

void rollout_place(const char *id, const char *key, struct rollout_place *out)
{
	char hex[DIGEST_HEX_LEN],
		*text = mem_printf("schedkit rollout\n%s\n%s\n", id, key);

	digest_hex(text, strlen(text), hex);
	free(text);
	out->point = unit_of(hex);
	out->turn = unit_of(hex + 12);
	out->voice = unit_of(hex + 24);
}

int rollout_cohort_of(const struct rollout *r, const char *name, double point)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++) {
		sum += r->cohorts[i].share_pct;
		if (name ? !strcmp(name, r->cohorts[i].name)
			 : point * 100 < sum)
			return (int)i;
	}
	return -1;
}

bool rollout_is_due(const struct rollout *r, int cohort, time_t now)
{
	double sum = 0;

	for (int i = 0; i < cohort; i++)
		sum += r->cohorts[i].soak_s;
	return difftime(now, r->began) + STATEMENT_SKEW_S >= sum;
}
