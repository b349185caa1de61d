/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/rule.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define MOST_WINDOW_S 3600
#define METRIC_WINDOW 5

struct unit {
	const char *name;
	double in; /* of the kind's own unit */
};

static const struct unit times_us[] = {
	{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {NULL, 0}};
static const struct unit times_s[] = {
	{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {NULL, 0}};
static const struct unit percent[] = {{"%", 1}, {NULL, 0}};
static const struct unit rate[] = {{"/s", 1}, {NULL, 0}};
static const struct unit none[] = {{NULL, 0}};

static const struct {
	const char *name; /* NULL: many */
	const char *unit;
	const struct unit *units;
	double window_s;
	bool at_least;
	bool before; /* there is such a thing without a policy */
	double least;
} kinds[GUARD_KINDS] = {
	[GUARD_WAIT_P99] = {"wait_p99", "us", times_us, 3, false, true, 1000},
	[GUARD_STALL] = {"stall", "s", times_s, 0, false, false, 0},
	[GUARD_PSI_CPU] = {"psi_cpu", "%", percent, 6, false, true, 5},
	[GUARD_PSI_CPU_FULL] = {"psi_cpu_full", "%", percent, 6, false, true,
				5},
	[GUARD_THROUGHPUT] = {"throughput", "CPUs", none, 5, true, true, 0},
	[GUARD_POLICY_CPU] = {"policy_cpu", "%", percent, 5, false, false, 0},
	[GUARD_EVENTS] = {"events", "1/s", rate, 3, false, false, 0},
	[GUARD_EVENT] = {NULL, "1/s", rate, 3, false, false, 0},
	[GUARD_METRIC] = {NULL, "", none, METRIC_WINDOW, false, true, 0},
};

const char guard_names[] = "wait_p99, stall, psi_cpu, psi_cpu_full, "
			   "throughput, policy_cpu, events, SCX_EV_…";

const char *guard_unit(enum guard_kind k)
{
	return kinds[k].unit;
}

double guard_least(enum guard_kind k)
{
	return kinds[k].least;
}

static enum guard_kind kind_of(const char *name)
{
	for (size_t i = 0; i < GUARD_KINDS; i++)
		if (kinds[i].name && !strcmp(kinds[i].name, name))
			return (enum guard_kind)i;
	return strncmp(name, "SCX_EV_", 7) ? GUARD_METRIC : GUARD_EVENT;
}

/* ---- reading ---------------------------------------------------------- */

static int bad(const char *text, const char *why)
{
	return err_set(EINVAL, "'%s' is not NAME:BOUND[:WINDOW]: %s", text,
		       why);
}

static bool unit_of(const struct unit *u, const char *name, double *in)
{
	for (; u->name; u++) {
		if (!strcmp(u->name, name)) {
			*in = u->in;
			return true;
		}
	}
	return false;
}

static int take_name(const char *text, size_t len, struct guard_rule *out)
{
	if (!len || len >= sizeof(out->name))
		return bad(text, "the name is empty or too long");
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' &&
		    text[i] != '.' && text[i] != '-')
			return bad(text, "a name is letters, digits, '_', '.' "
					 "and '-'");
	snprintf(out->name, sizeof(out->name), "%.*s", (int)len, text);
	return 0;
}

static int take_window(const char *text, const char *words,
		       struct guard_rule *out)
{
	char *end;
	double in, x = strtod(words, &end);

	if (end == words || !unit_of(times_s, end, &in) ||
	    !(x >= 0 && x * in <= MOST_WINDOW_S))
		return bad(text, "the window is a time such as 3s or 500ms, "
				 "up to an hour");
	out->window_s = x * in;
	return 0;
}

/* As evidence_guard_floor() has it. */
static double worse(bool at_least, double pct)
{
	return at_least ? 1 - pct / 100 : 1 + pct / 100;
}

void guard_rule_point(struct guard_rule *r, bool higher_is_better)
{
	if (!(r->pct > 0))
		return;
	r->at_least = higher_is_better;
	r->bound = worse(r->at_least, r->pct);
}

static int take_times(const char *text, double x, struct guard_rule *out)
{
	if (x == 1)
		return bad(text, "1x leaves no room");
	if (out->kind == GUARD_METRIC)
		out->at_least = x < 1;
	else if (out->at_least != (x < 1))
		return bad(text, out->at_least ? "less is worse here: a "
						 "multiple below 1"
					       : "more is worse here: a "
						 "multiple above 1");
	out->bound = x;
	return 0;
}

/* "20": so much worse, in percent; "2x". */
static int take_relative(const char *text, double x, bool times,
			 struct guard_rule *out)
{
	if (!kinds[out->kind].before)
		return bad(text, "there is no such thing before a policy is "
				 "attached; give a value with its unit");
	out->relative = true;
	if (times)
		return take_times(text, x, out);
	if (out->kind == GUARD_METRIC)
		out->pct = x;
	out->bound = worse(out->at_least, x);
	return out->bound > 0 && (x < 100 || out->kind != GUARD_METRIC)
		       ? 0
		       : bad(text, "that would never be reached");
}

static int take_bound(const char *text, const char *words,
		      struct guard_rule *out)
{
	char sign = *words == '<' || *words == '>' ? *words : '\0', *end;
	double in, x;

	words += !!sign;
	x = strtod(words, &end);
	/* Neither blanks, nor infinity, nor hexadecimal. */
	if (end == words || !isdigit((unsigned char)end[-1]) ||
	    strspn(words, "0123456789.eE+-") < (size_t)(end - words) ||
	    !isfinite(x) || (x < 0 && out->kind != GUARD_METRIC))
		return bad(text, "the bound is no number");
	if (sign && out->kind != GUARD_METRIC && (sign == '>') != out->at_least)
		return bad(text, sign == '>' ? "more is worse here"
					     : "less is worse here");
	if (sign)
		out->at_least = sign == '>';
	if (!strcmp(end, "x") || (!*end && !sign))
		return sign    ? bad(text, "a sign stands before a value")
		       : x > 0 ? take_relative(text, x, *end, out)
			       : bad(text, "it leaves no room");
	in = 1;
	if (*end && !unit_of(kinds[out->kind].units, end, &in))
		return bad(text, "that is no unit of it");
	if (!*end && kinds[out->kind].units != none)
		return bad(text, "a value needs its unit");
	if (!isfinite(x * in))
		return bad(text, "the bound is no number");
	out->bound = x * in;
	return 0;
}

int guard_rule_parse(const char *text, struct guard_rule *out)
{
	const char *colon = strchr(text, ':'), *second;
	char bound[64];
	size_t len;
	int rc;

	*out = (struct guard_rule){0};
	if (!colon)
		return bad(text, "there is no bound");
	rc = take_name(text, (size_t)(colon - text), out);
	if (rc)
		return rc;
	out->kind = kind_of(out->name);
	out->at_least = kinds[out->kind].at_least;
	out->window_s = kinds[out->kind].window_s;
	second = strchr(colon + 1, ':');
	len = strcspn(colon + 1, ":");
	if (len >= sizeof(bound))
		return bad(text, "the bound is no number");
	snprintf(bound, sizeof(bound), "%.*s", (int)len, colon + 1);
	rc = take_bound(text, bound, out);
	if (!rc && second)
		rc = take_window(text, second + 1, out);
	return rc;
}

/* ---- words ------------------------------------------------------------ */

void guard_value_words(enum guard_kind k, double value, char *out, size_t size)
{
	const char *unit = kinds[k].unit;

	if (k == GUARD_WAIT_P99 && fabs(value) >= 1e6) {
		value /= 1e6;
		unit = "s";
	} else if (k == GUARD_WAIT_P99 && fabs(value) >= 1e3) {
		value /= 1e3;
		unit = "ms";
	}
	if (kinds[k].units == percent)
		snprintf(out, size, "%.3g%%", value);
	else if (kinds[k].units == rate)
		snprintf(out, size, "%.4g/s", value);
	else
		snprintf(out, size, "%.4g%s%s", value, *unit ? " " : "", unit);
}

void guard_rule_words(const struct guard_rule *r, double bound,
		      char out[static GUARD_WORDS])
{
	char value[48];
	int n;

	guard_value_words(r->kind, bound, value, sizeof(value));
	n = snprintf(out, GUARD_WORDS, "%s %s %s", r->name,
		     r->at_least ? "at least" : "at most", value);
	if (r->window_s > 0 && n < GUARD_WORDS)
		snprintf(out + n, GUARD_WORDS - (size_t)n, " (for %.3g s)",
			 r->window_s);
}

/* ---- what is watched anyway ------------------------------------------- */

size_t guard_rules_own(double watchdog_s, const struct guard_rule *asked,
		       size_t n, struct guard_rule *out)
{
	const char *const own[GUARD_OWN_MAX] = {"stall:5s", "wait_p99:2s:5s",
						"events:10000/s:5s"};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct guard_rule r;
		bool there = false;

		guard_rule_parse(own[i], &r);
		for (size_t j = 0; j < n; j++)
			there |= !strcmp(asked[j].name, r.name);
		if (there)
			continue;
		if (r.kind == GUARD_STALL)
			r.bound = fmin(r.bound, watchdog_s / 2);
		r.own = true;
		out[count++] = r;
	}
	return count;
}
