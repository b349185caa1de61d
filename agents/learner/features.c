/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a workload is like, in numbers that another one can be compared by. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/observer/features.h"
#include "agents/learner/learner.h"
#include "base/mem.h"
#include "search/near.h"

/*
 * A difference that counts as one.  A trait stands at the end of a line that
 * was drawn through figures which are compared themselves, so it counts less
 * than what the workload is after.
 */
#define OCTAVE	       1.0 /* twice as much or half */
#define SHARE	       0.25
#define TRAIT	       0.7
#define AFTER	       0.5
#define MAX_ROWS       64
#define ENOUGH_WAKEUPS 50.0 /* per second, to speak of their shares */
#define KEY_LEN	       48
#define ROUNDED(x)     (round((x)*1e4) / 1e4)

struct rows {
	struct row {
		char key[KEY_LEN];
		double value, scale;
	} v[MAX_ROWS];
	size_t n;
};

static void add(struct rows *r, double scale, double value, const char *prefix,
		const char *name)
{
	struct row *row = &r->v[r->n++];

	snprintf(row->key, sizeof(row->key), "%s%s", prefix, name);
	for (char *c = row->key; *c; c++)
		if (*c == '-')
			*c = '_';
	row->scale = scale;
	row->value = ROUNDED(value);
}

static void add_octaves(struct rows *r, const char *key, double x)
{
	add(r, OCTAVE, log2(1 + (x > 0 ? x : 0)), key, "_log2");
}

static double over(double x, double y)
{
	return y > 0 ? x / y : 0;
}

/* Documented in man/schedkit-lesson.5; a change of meaning is a version. */
static void read_rows(const struct features *f, struct rows *r)
{
	double run_us = f->busy * f->seconds * 1e6; /* of one CPU */
	/* Shares of next to nothing are chance. */
	double enough = fmin(1, f->wakeups_per_s / ENOUGH_WAKEUPS);

	r->n = 0;
	add_octaves(r, "cpus", f->cpus);
	add(r, SHARE, f->busy, "", "busy");
	add(r, SHARE, f->waiting, "", "waiting");
	add(r, SHARE, f->delay_share, "", "delay_share");
	add(r, TRAIT, f->saturated, "", "saturated");
	add(r, 2 * OCTAVE, log2(1 + f->burst_us), "", "burst_us_log2");
	add_octaves(r, "tasks_per_cpu", over(f->tasks, f->cpus));
	add_octaves(r, "identities", f->identity_count);
	add_octaves(r, "tail", over(f->longest_us, f->typical_us));
	add(r, SHARE, fmin(over(f->longest_us, run_us), 2), "",
	    "longest_share");
	add_octaves(r, "wakeups_per_s", f->wakeups_per_s);
	add_octaves(r, "forks_per_s", f->forks_per_s);
	add_octaves(r, "holder_wakes_per_s", f->holder_wakes_per_s);
	add(r, SHARE, f->chain_share * enough, "", "chain_share");
	add(r, SHARE, f->short_share * enough, "", "short_share");
	add(r, SHARE, f->long_share, "", "long_share");
	for (size_t i = 0; i < ARRAY_LEN(bound_names); i++)
		add(r, AFTER, f->bound == i, "goal_", bound_names[i]);
	for (size_t i = 0; i < TRAIT_COUNT; i++)
		add(r, TRAIT, f->trait[i], "trait_", trait_names[i]);
}

struct json *learner_features(const struct json *profile)
{
	struct json *out = json_object();
	struct features f;
	struct rows r;

	features_read(profile, &f);
	read_rows(&f, &r);
	features_release(&f);
	json_set_number(out, "version", LEARNER_VERSION);
	for (size_t i = 0; i < r.n; i++)
		json_set_number(out, r.v[i].key, r.v[i].value);
	return out;
}

/* ---- distance --------------------------------------------------------- */

static bool is_of_version(const struct json *features)
{
	return json_as_number(json_get(features, "version"), 0) ==
	       LEARNER_VERSION;
}

double learner_distance(const struct json *a, const struct json *b)
{
	double x[MAX_ROWS], y[MAX_ROWS], scale[MAX_ROWS], d;
	const struct features none = {.bound = BOUND_LATENCY};
	struct rows r;

	if (!is_of_version(a) || !is_of_version(b))
		return INFINITY;
	read_rows(&none, &r);
	for (size_t i = 0; i < r.n; i++) {
		x[i] = json_as_number(json_get(a, r.v[i].key), NAN);
		y[i] = json_as_number(json_get(b, r.v[i].key), NAN);
		scale[i] = r.v[i].scale;
	}
	d = near_distance(x, y, scale, r.n);
	return isnan(d) ? INFINITY : d;
}

/* "6.18" of "6.18.15+deb13-cloud-amd64". */
static bool same_series(const char *a, const char *b)
{
	size_t n = strspn(a, "0123456789");

	if (a[n] == '.')
		n += 1 + strspn(a + n + 1, "0123456789");
	return !strncmp(a, b, n) && strspn(b + n, "0123456789") == 0;
}

double learner_lesson_distance(const struct json *lesson,
			       const struct json *profile,
			       const struct json *features)
{
	const struct json *where = json_get(lesson, "conditions");
	double d = learner_distance(json_get(lesson, "features"), features);
	double cpus = json_as_number(json_path(profile, "system.cpus"), 0);

	if (strcmp(json_text_at(where, "target"),
		   json_text_at(profile, "target")))
		d += LEARNER_ELSEWHERE;
	if (!same_series(json_text_at(where, "kernel"),
			 json_text_at(profile, "system.kernel")))
		d += LEARNER_ELSEWHERE;
	if (json_as_number(json_get(where, "cpus"), cpus) != cpus)
		d += LEARNER_ELSEWHERE;
	return d;
}
