/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/planner/knob_rules.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/observer/features.h"
#include "base/mem.h"
#include "policy/knobs.h"

#define MAX_JOBS   256
#define MAX_NAMES  16
#define MAX_GRADED 24 /* identities with a rule of their own */
/* Less of all run time than this is nobody's rule. */
#define LEAST_SHARE 0.002
#define HOG_US	    4000.0 /* bursts of what computes */
#define BRISK_US    2000.0 /* bursts of what is waited for */
#define SLICES	    "6.12" /* the first kernel where tasks have their own */

struct job {
	const char *hash, *name;
	double us; /* expected of one execution */
};

struct names {
	const char *v[MAX_NAMES];
	size_t n;
};

struct pool {
	struct proposal *out;
	size_t n, max;
	struct job jobs[MAX_JOBS]; /* the longest first */
	size_t job_count;
	struct names hogs, brisk; /* groups that compute, and that wait */
	bool slices;
};

static const int nices[] = {10, 19, 5};
static const char *const behind[] = {"batch", "idle"};

/* ---- what is there ---------------------------------------------------- */

/* A pattern that matches just this name; NULL: there is none so short. */
static const char *pattern_of(const char *name)
{
	size_t len = strlen(name);

	return len && len <= KNOBS_NAME_LEN && !name[strcspn(name, "*?[\\")]
		       ? name
		       : NULL;
}

static void add_name(struct names *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++)
		if (!strcmp(to->v[i], name))
			return;
	if (pattern_of(name) && to->n < MAX_NAMES)
		to->v[to->n++] = name;
}

static int longest_first(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	if (x->us != y->us)
		return x->us < y->us ? 1 : -1;
	return strcmp(x->hash, y->hash);
}

static void read_jobs(struct pool *p, const struct json *profile)
{
	double all = features_all_us(profile);

	json_each (v, json_get(profile, "identities")) {
		struct job j = {json_text_at(v, "hash"),
				pattern_of(json_text_at(v, "name")),
				features_expect(v, all)};
		double run = json_as_number(json_get(v, "run_us"), 0);

		/* Of what was never seen to begin nothing is expected. */
		if (j.name && *j.hash && p->job_count < MAX_JOBS && j.us > 0 &&
		    j.us != FEATURES_DISPATCHER_US && run >= LEAST_SHARE * all)
			p->jobs[p->job_count++] = j;
	}
	qsort(p->jobs, p->job_count, sizeof(*p->jobs), longest_first);
}

static double at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

static void read_groups(struct pool *p, const struct json *profile)
{
	double all = 0;

	json_each (g, json_get(profile, "groups"))
		all += at(g, "run_us");
	json_each (g, json_get(profile, "groups")) {
		const char *name = json_text_at(g, "name");
		double burst = at(g, "burst_us.p50");

		if (json_as_bool(json_get(g, "kernel"), false))
			continue;
		if (burst >= HOG_US && at(g, "run_us") >= LEAST_SHARE * all)
			add_name(&p->hogs, name);
		else if (burst > 0 && burst <= BRISK_US &&
			 at(g, "wakeups") > at(g, "tasks"))
			add_name(&p->brisk, name);
	}
}

/* ---- rules ------------------------------------------------------------ */

static struct json *add_rule(struct json *rules, const char *match)
{
	struct json *r = json_add(rules, json_object());

	json_set_string(r, "match", match);
	return r;
}

static bool is_known(const struct pool *p, const struct json *rules)
{
	char *text = json_canonical(rules);
	bool known = false;

	for (size_t i = 0; i < p->n && !known; i++) {
		char *other = json_canonical(p->out[i].knobs);

		known = !strcmp(text, other);
		free(other);
	}
	free(text);
	return known;
}

static int read_rules(const struct json *rules, struct knobs *out)
{
	struct json *body = json_object();
	int rc;

	json_set(body, "knobs", json_copy(rules));
	rc = knobs_read(body, out);
	json_free(body);
	return rc;
}

/* Takes rules; those that cannot be, or are there, are nothing. */
static struct proposal *propose(struct pool *p, const char *title,
				struct json *rules)
{
	struct proposal *out = &p->out[p->n];
	struct knobs k;

	if (p->n >= p->max || read_rules(rules, &k) || is_known(p, rules)) {
		json_free(rules);
		return NULL;
	}
	*out = (struct proposal){
		.title = title, .source = SOURCE_RULE, .knobs = rules};
	p->n++;
	return out;
}

__attribute__((format(printf, 2, 3))) static void because(struct proposal *p,
							  const char *fmt, ...)
{
	va_list ap;

	if (!p)
		return;
	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
}

/* ---- jobs that are known ---------------------------------------------- */

static void names_below(const struct pool *p, size_t from, struct names *out)
{
	for (size_t i = from; i < p->job_count; i++)
		add_name(out, p->jobs[i].name);
}

static void set_back(struct json *rule, int nice, const char *policy)
{
	if (nice)
		json_set_number(rule, "nice", nice);
	if (policy)
		json_set_string(rule, "policy", policy);
}

/* The first n jobs as they are, everything of the others' names behind. */
static struct json *spare(const struct pool *p, size_t n, int nice,
			  const char *policy)
{
	struct json *rules = json_array();
	struct names short_ones = {{0}, 0};

	names_below(p, n, &short_ones);
	for (size_t i = 0; i < n; i++) {
		struct json *r = add_rule(rules, p->jobs[i].name);

		json_set_string(r, "identity", p->jobs[i].hash);
		set_back(r, 0, policy ? "other" : NULL);
		if (!policy)
			json_set_number(r, "nice", 0);
	}
	for (size_t i = 0; i < short_ones.n; i++)
		set_back(add_rule(rules, short_ones.v[i]), nice, policy);
	return rules;
}

static void say_spared(struct proposal *q, const struct pool *p, size_t n)
{
	because(q,
		"%zu of %zu known jobs %s expected to run %.3g s and more, the "
		"next %.3g s: what is short stands back for what would be last",
		n, p->job_count, n == 1 ? "is" : "are", p->jobs[n - 1].us / 1e6,
		p->jobs[n].us / 1e6);
}

static void spare_first(struct pool *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(nices); i++)
		say_spared(propose(p, "short jobs stand back for the long ones",
				   spare(p, n, nices[i], NULL)),
			   p, n);
	for (size_t i = 0; i < ARRAY_LEN(behind); i++)
		say_spared(propose(p, "short jobs run beside the long ones",
				   spare(p, n, 0, behind[i])),
			   p, n);
}

/* Where one job is that much longer than the next, something is to be won by
 * their order. */
static void spare_long(struct pool *p)
{
	static const double steps[] = {4, 2, 1.4};

	for (size_t s = 0; s < ARRAY_LEN(steps); s++)
		for (size_t i = 1; i < p->job_count && i <= MAX_GRADED; i++)
			if (p->jobs[i - 1].us >= steps[s] * p->jobs[i].us)
				spare_first(p, i);
}

/* Each its own nice, by the logarithm of what is expected of it. */
static void grade(struct pool *p, int most)
{
	size_t n = p->job_count < MAX_GRADED ? p->job_count : MAX_GRADED;
	struct json *rules = json_array();
	struct names rest = {{0}, 0};
	double span;

	span = n > 1 ? log(p->jobs[0].us / p->jobs[n - 1].us) : 0;
	for (size_t i = 0; i < n && span > 0; i++) {
		struct json *r = add_rule(rules, p->jobs[i].name);
		double below = log(p->jobs[0].us / p->jobs[i].us) / span;

		json_set_string(r, "identity", p->jobs[i].hash);
		json_set_number(r, "nice", round(most * below));
	}
	names_below(p, n, &rest);
	for (size_t i = 0; i < rest.n; i++)
		set_back(add_rule(rules, rest.v[i]), most, NULL);
	because(propose(p, "nice by expected run time", rules),
		"%zu known jobs of %.3g to %.3g s: the longer, the sooner it "
		"has its time",
		p->job_count, p->jobs[n ? n - 1 : 0].us / 1e6,
		p->jobs[0].us / 1e6);
}

/* ---- what computes and what waits ------------------------------------- */

static struct json *hogs_behind(const struct pool *p, int nice,
				const char *policy, double slice_us)
{
	struct json *rules = json_array();

	for (size_t i = 0; i < p->hogs.n; i++)
		set_back(add_rule(rules, p->hogs.v[i]), nice, policy);
	for (size_t i = 0; slice_us > 0 && i < p->brisk.n; i++)
		json_set_number(add_rule(rules, p->brisk.v[i]), "slice_us",
				slice_us);
	return rules;
}

static void part(struct pool *p)
{
	static const double slices[] = {500, 100, 1000};
	static const char why[] =
		"short bursts beside long ones: who computes stands back for "
		"who is waited for";

	for (size_t i = 0; i < ARRAY_LEN(nices); i++)
		because(propose(p, "what computes behind what waits",
				hogs_behind(p, nices[i], NULL, 0)),
			"%s", why);
	for (size_t i = 0; i < ARRAY_LEN(behind); i++)
		because(propose(p, "what computes in the background",
				hogs_behind(p, 0, behind[i], 0)),
			"%s", why);
	for (size_t i = 0; p->slices && i < ARRAY_LEN(slices); i++)
		because(propose(p, "short turns for what waits",
				hogs_behind(p, 10, "batch", slices[i])),
			"%s, and a short turn has an early deadline", why);
}

/* ---- everything ------------------------------------------------------- */

static void lengthen(struct pool *p)
{
	static const double slices[] = {0, 10000, 30000, 100000};

	for (size_t i = 0; i < (p->slices ? ARRAY_LEN(slices) : 1); i++) {
		struct json *rules = json_array(), *r = add_rule(rules, "*");

		json_set_string(r, "policy", "batch");
		if (slices[i] > 0)
			json_set_number(r, "slice_us", slices[i]);
		because(propose(p, "longer turns for everything", rules),
			"nobody is to interrupt anybody on waking, and every "
			"turn costs a switch and a cold cache");
	}
}

/* ---- variants --------------------------------------------------------- */

static void jitter(struct json *rule, struct rng *rng)
{
	double nice = json_as_number(json_get(rule, "nice"), 0);
	double slice = json_as_number(json_get(rule, "slice_us"), 0);

	if (nice > 0)
		json_set_number(
			rule, "nice",
			fmin(fmax(nice + (double)rng_below(rng, 9) - 4, 1),
			     19));
	if (slice > 0)
		json_set_number(
			rule, "slice_us",
			fmin(fmax(round(slice * exp2(2 * rng_unit(rng) - 1)),
				  100),
			     100000));
}

static struct json *varied(const struct json *rules, struct rng *rng)
{
	struct json *out = json_array();

	json_each (r, rules)
		jitter(json_add(out, json_copy(r)), rng);
	return out;
}

static void vary(struct pool *p, struct rng *rng)
{
	size_t first = p->n;

	for (size_t t = 0; first && p->n < p->max && t < 4 * p->max; t++) {
		const struct proposal *of = &p->out[rng_below(rng, first)];
		struct proposal *q =
			propose(p, of->title, varied(of->knobs, rng));

		if (!q)
			continue;
		q->source = SOURCE_OPTIMISER;
		q->of = of->title;
		because(q, "%s, by other numbers", of->why);
	}
}

/* ---- the whole -------------------------------------------------------- */

/* Whether the kernel that was observed is of that version at least. */
static bool is_at_least(const struct json *profile, const char *version)
{
	unsigned is[2] = {0, 0}, least[2] = {0, 0};

	sscanf(json_text_at(profile, "system.kernel"), "%u.%u", &is[0], &is[1]);
	sscanf(version, "%u.%u", &least[0], &least[1]);
	return is[0] > least[0] || (is[0] == least[0] && is[1] >= least[1]);
}

size_t knob_rules_propose(const struct json *profile, struct rng *rng,
			  struct proposal *out, size_t max)
{
	struct pool p = {
		.out = out, .max = max, .slices = is_at_least(profile, SLICES)};

	read_jobs(&p, profile);
	read_groups(&p, profile);
	spare_long(&p);
	if (p.job_count > 1)
		for (size_t i = 0; i < ARRAY_LEN(nices); i++)
			grade(&p, nices[i]);
	if (p.hogs.n && p.brisk.n)
		part(&p);
	lengthen(&p);
	vary(&p, rng);
	return p.n;
}

struct json *knob_rules_uses(const struct json *rules)
{
	struct json *uses = json_array();
	struct knobs k;

	/* They were read when they were proposed. */
	if (read_rules(rules, &k))
		return uses;
	if (knobs_uses(&k, false))
		json_add(uses, json_string("declared_intent"));
	if (knobs_uses(&k, true))
		json_add(uses, json_string("learned_identity"));
	return uses;
}
