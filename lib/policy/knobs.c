/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/knobs.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/knobs_range.h"

#define TEXT_MAX 16384

static const char *const policy_names[] = {"other", "batch", "idle"};

/* ---- one value -------------------------------------------------------- */

static int read_number(const struct knob_range *n, const struct json *v,
		       size_t at, double *out)
{
	double x = json_as_number(v, NAN);

	if (isnan(x))
		return err_set(EINVAL,
			       "knobs.%zu.%s: a number is wanted, not %s", at,
			       n->key, json_type_name(json_type(v)));
	if (x < n->min)
		return err_set(EINVAL, "knobs.%zu.%s: %g is below %g", at,
			       n->key, x, n->min);
	if (x > n->max)
		return err_set(EINVAL, "knobs.%zu.%s: %g is above %g", at,
			       n->key, x, n->max);
	if (n->whole && x != floor(x))
		return err_set(EINVAL, "knobs.%zu.%s: %g is not a whole number",
			       at, n->key, x);
	*out = x;
	return 0;
}

static int take_number(const struct knob_range *n, const struct json *v,
		       size_t at, struct knob_rule *r)
{
	double x = 0;
	int rc = read_number(n, v, at, &x);

	if (rc)
		return rc;
	r->set |= n->bit;
	switch (n->bit) {
	case KNOB_NICE:
		r->nice = (int)x;
		break;
	case KNOB_SLICE:
		r->slice_us = (uint32_t)x;
		break;
	case KNOB_WEIGHT:
		r->cpu_weight = (uint32_t)x;
		break;
	default:
		r->cpu_max_pct = x;
	}
	return 0;
}

/* A number of a list; -1: there is none, or it is too large. */
static long cpu_number(const char **s)
{
	char *end;
	long n;

	if (**s < '0' || **s > '9')
		return -1;
	n = strtol(*s, &end, 10);
	*s = end;
	return n < KNOBS_MAX_CPUS ? n : -1;
}

bool knobs_read_cpus(const char *s, uint64_t bits[static KNOBS_CPU_WORDS])
{
	do {
		long from = cpu_number(&s), to = from;

		if (*s == '-') {
			s++;
			to = cpu_number(&s);
		}
		if (from < 0 || to < from)
			return false;
		for (long i = from; i <= to; i++)
			bits[i / 64] |= 1ull << (i % 64);
	} while (*s++ == ',');
	return !s[-1];
}

static int take_cpus(const struct json *v, size_t at, struct knob_rule *r)
{
	const char *s = json_as_string(v, "");

	if (!knobs_read_cpus(s, r->cpus))
		return err_set(EINVAL,
			       "knobs.%zu.cpus: '%s' is no list of CPUs below "
			       "%d, as '0-3,6' is",
			       at, s, KNOBS_MAX_CPUS);
	r->set |= KNOB_CPUS;
	return 0;
}

static int take_policy(const struct json *v, size_t at, struct knob_rule *r)
{
	const char *s = json_as_string(v, "");

	for (size_t i = 0; i < ARRAY_LEN(policy_names); i++) {
		if (strcmp(policy_names[i], s) != 0)
			continue;
		r->policy = (enum knob_policy)i;
		r->set |= KNOB_POLICY;
		return 0;
	}
	return err_set(EINVAL,
		       "knobs.%zu.policy: '%s' is not other, batch or idle", at,
		       s);
}

static int take_match(const struct json *v, size_t at, struct knob_rule *r)
{
	const char *s = json_as_string(v, "");
	size_t len = strlen(s);

	if (!len)
		return err_set(EINVAL,
			       "knobs.%zu.match: a pattern is wanted; '*' is "
			       "the whole workload",
			       at);
	if (len > KNOBS_NAME_LEN)
		return err_set(EINVAL,
			       "knobs.%zu.match: '%s' is longer than the %d "
			       "bytes of a task's name",
			       at, s, KNOBS_NAME_LEN);
	memcpy(r->match, s, len + 1);
	return 0;
}

static int take_identity(const struct json *v, size_t at, struct knob_rule *r)
{
	const char *s = json_as_string(v, "");
	bool good = strlen(s) == 16 && strspn(s, "0123456789abcdef") == 16;

	r->identity = good ? strtoull(s, NULL, 16) : 0;
	if (!r->identity)
		return err_set(EINVAL,
			       "knobs.%zu.identity: '%s' is not 16 hexadecimal "
			       "digits of a profile's identity",
			       at, s);
	return 0;
}

/* ---- a rule, and all of them ------------------------------------------ */

static int take_member(const struct json *m, size_t at, struct knob_rule *r)
{
	const char *key = json_key(m);

	for (size_t i = 0; i < KNOB_RANGES; i++)
		if (!strcmp(knob_ranges[i].key, key))
			return take_number(&knob_ranges[i], m, at, r);
	if (!strcmp(key, "match"))
		return take_match(m, at, r);
	if (!strcmp(key, "identity"))
		return take_identity(m, at, r);
	if (!strcmp(key, "policy"))
		return take_policy(m, at, r);
	if (!strcmp(key, "cpus"))
		return take_cpus(m, at, r);
	return err_set(EINVAL,
		       "knobs.%zu.%s: there is no such knob; there are nice, "
		       "policy, slice_us, cpus, cpu_weight, cpu_max_pct",
		       at, key);
}

static int read_rule(const struct json *v, size_t at, struct knobs *k)
{
	struct knob_rule *r = &k->rules[at];
	int rc = 0;

	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "knobs.%zu: an object is wanted, not %s",
			       at, json_type_name(json_type(v)));
	for (const struct json *m = json_first(v); m && !rc; m = json_next(m))
		rc = take_member(m, at, r);
	if (rc)
		return rc;
	if (!*r->match)
		return take_match(NULL, at, r);
	if (!r->set)
		return err_set(EINVAL, "knobs.%zu: the rule '%s' sets nothing",
			       at, r->match);
	for (size_t i = 0; i < at; i++)
		if (!strcmp(k->rules[i].match, r->match) &&
		    k->rules[i].identity == r->identity)
			return err_set(EINVAL,
				       "knobs.%zu.match: '%s' is that of rule "
				       "%zu, too",
				       at, r->match, i);
	return 0;
}

int knobs_read(const struct json *body, struct knobs *out)
{
	const struct json *list = json_get(body, "knobs");
	size_t n = json_len(list), at = 0;

	*out = (struct knobs){0};
	if (json_type(list) != JSON_ARRAY || !n)
		return err_set(EINVAL,
			       "knobs: the form 'knobs' needs a list of rules");
	if (n > KNOBS_MAX_RULES)
		return err_set(EINVAL, "knobs: %zu rules are more than %d", n,
			       KNOBS_MAX_RULES);
	json_each (v, list) {
		int rc = read_rule(v, at, out);

		if (rc)
			return rc;
		out->set |= out->rules[at].set;
		out->by_name |= !knobs_rule_is_all(&out->rules[at]);
		if (knobs_rule_is_all(&out->rules[at]) && at + 1 < n)
			return err_set(EINVAL,
				       "knobs.%zu.match: nothing is left for "
				       "the rules after '*'",
				       at);
		at++;
	}
	out->count = n;
	return 0;
}

void knobs_rule_name(const struct knob_rule *r, struct json *row)
{
	char hash[17];

	json_set_string(row, "match", r->match);
	snprintf(hash, sizeof(hash), "%016" PRIx64, r->identity);
	if (r->identity)
		json_set_string(row, "identity", hash);
}

/* ---- for people ------------------------------------------------------- */

static void text_of(const struct knob_rule *r, const char *cpus,
		    struct buf *out)
{
	const char *sep = "";

	buf_puts(out, strcmp(r->match, "*") ? r->match : "all");
	if (r->identity)
		buf_printf(out, " %016" PRIx64, r->identity);
	buf_puts(out, ": ");
	if (r->set & KNOB_POLICY) {
		buf_puts(out, policy_names[r->policy]);
		sep = ", ";
	}
	if (r->set & KNOB_NICE) {
		buf_printf(out, "%snice %d", sep, r->nice);
		sep = ", ";
	}
	if (r->set & KNOB_SLICE) {
		buf_printf(out, "%sslice %u us", sep, r->slice_us);
		sep = ", ";
	}
	if (r->set & KNOB_CPUS) {
		buf_printf(out, "%sCPUs %s", sep, cpus);
		sep = ", ";
	}
	if (r->set & KNOB_WEIGHT) {
		buf_printf(out, "%sweight %u", sep, r->cpu_weight);
		sep = ", ";
	}
	if (r->set & KNOB_MAX)
		buf_printf(out, "%sat most %g %% of a CPU", sep,
			   r->cpu_max_pct);
}

char *knobs_text(const struct json *body)
{
	struct knobs k;
	struct buf out;
	size_t at = 0;

	if (knobs_read(body, &k) < 0)
		return mem_strdup("(invalid)");
	buf_init(&out, TEXT_MAX);
	json_each (v, json_get(body, "knobs")) {
		buf_puts(&out, at ? "; " : "");
		text_of(&k.rules[at++], json_as_string(json_get(v, "cpus"), ""),
			&out);
	}
	return buf_take(&out);
}
