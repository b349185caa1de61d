/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/predict_parts.h"

/* ---- how good it is ---------------------------------------------------- */

struct pair {
	double a, b;
};

static int by_a_then_b(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return (p->b > q->b) - (p->b < q->b);
}

/* Sorts v by b; returns how many pairs stood the wrong way round. */
static double inversions(struct pair *v, struct pair *room, size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;
	double wrong;

	if (n < 2)
		return 0;
	wrong = inversions(v, room, half);
	wrong += inversions(v + half, room, n - half);
	while (i < half || j < n) {
		if (j == n || (i < half && v[i].b <= v[j].b)) {
			room[k++] = v[i++];
		} else {
			wrong += (double)(half - i);
			room[k++] = v[j++];
		}
	}
	memcpy(v, room, n * sizeof(*v));
	return wrong;
}

/* Pairs of equal ones; v is sorted so that they stand together. */
static double ties(const struct pair *v, size_t n, bool of_a, bool of_b)
{
	double sum = 0, run = 0;

	for (size_t i = 1; i < n; i++) {
		bool same = (!of_a || v[i].a == v[i - 1].a) &&
			    (!of_b || v[i].b == v[i - 1].b);

		run = same ? run + 1 : 0;
		sum += run;
	}
	return sum;
}

/* Knight, JASA 1966. */
double rt_kendall(const double *a, const double *b, size_t n)
{
	struct pair *v = mem_zalloc(n + 1, sizeof(*v));
	struct pair *room = mem_zalloc(n + 1, sizeof(*room));
	double all = (double)n * ((double)n - 1) / 2;
	double in_a, in_b, both, wrong, whole;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct pair){a[i], b[i]};
	qsort(v, n, sizeof(*v), by_a_then_b);
	in_a = ties(v, n, true, false);
	both = ties(v, n, true, true);
	wrong = inversions(v, room, n);
	in_b = ties(v, n, false, true);
	free(v);
	free(room);
	whole = sqrt((all - in_a) * (all - in_b));
	return whole > 0 ? (all - in_a - in_b + both - 2 * wrong) / whole : 0;
}

static struct json *report(const struct work *w)
{
	double foretold[RECENT], real[RECENT], off = 0, covered = 0;
	struct json *v = json_object();
	size_t n = 0;

	for (size_t i = 0; i < recent_count(w); i++) {
		const struct recent *r = &w->recent[i];

		if (r->p50 <= 0)
			continue;
		foretold[n] = r->p50;
		real[n++] = r->seconds;
		off += fabs(r->p50 - r->seconds) / r->seconds;
		covered += r->seconds <= r->p90;
	}
	json_set_string(v, "work", w->name);
	json_set_number(v, "samples", (double)w->samples);
	if (n) {
		json_set_number(v, "mape_pct", 100 * off / (double)n);
		json_set_number(v, "kendall_tau",
				rt_kendall(foretold, real, n));
		json_set_number(v, "covered_p90_pct",
				100 * covered / (double)n);
	}
	return v;
}

struct json *rt_predictor_report(const struct rt_predictor *p)
{
	struct json *v = json_array();

	for (size_t i = 0; i < p->count; i++)
		json_add(v, report(p->v[i]));
	return v;
}

/* ---- all that it knows ------------------------------------------------- */

static struct json *row(const double *x, size_t n)
{
	struct json *v = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(v, json_number(x[i]));
	return v;
}

/* From the oldest on. */
static struct json *recent_json(const struct work *w)
{
	struct json *v = json_array();
	size_t n = recent_count(w);

	for (size_t i = 0; i < n; i++) {
		const struct recent *r =
			&w->recent[(w->samples - n + i) % RECENT];
		const double x[] = {r->seconds, r->p50, r->p90, r->residual,
				    r->counted};

		json_add(v, row(x, ARRAY_LEN(x)));
	}
	return v;
}

static struct json *work_json(const struct work *w)
{
	struct json *v = json_object();

	json_set_string(v, "work", w->name);
	json_set_number(v, "samples", (double)w->samples);
	json_set_number(v, "used", (double)w->used_at);
	json_set(v, "info", row(&w->info[0][0], (size_t)TERMS * TERMS));
	json_set(v, "moment", row(w->moment, TERMS));
	json_set(v, "recent", recent_json(w));
	return v;
}

struct json *rt_predictor_json(const struct rt_predictor *p)
{
	struct json *v = json_array();

	for (size_t i = 0; i < p->count; i++)
		json_add(v, work_json(p->v[i]));
	return v;
}

/* Exactly n numbers, none larger than 1e15. */
static bool read_row(const struct json *v, double *out, size_t n)
{
	size_t i = 0;

	if (json_type(v) != JSON_ARRAY || json_len(v) != n)
		return false;
	json_each (it, v) {
		out[i] = json_as_number(it, NAN);
		if (!(fabs(out[i++]) <= 1e15))
			return false;
	}
	return true;
}

/* They come in the order in which they were learnt. */
static bool read_recent(const struct json *v, double samples, struct work *w)
{
	size_t n = samples < RECENT ? (size_t)samples : RECENT;

	if (json_type(v) != JSON_ARRAY || json_len(v) != n)
		return false;
	w->samples = (size_t)samples - n;
	json_each (it, v) {
		double x[5];

		if (!read_row(it, x, ARRAY_LEN(x)) || x[0] < LEAST_S ||
		    x[0] > MOST_S || x[1] < 0 || x[2] < 0)
			return false;
		work_remember(
			w, &(struct recent){x[0], x[1], x[2], x[3], x[4] != 0});
	}
	return true;
}

static bool read_work(const struct json *v, struct work *w)
{
	double samples = json_as_number(json_get(v, "samples"), 0);
	double used = json_as_number(json_get(v, "used"), -1);

	if (!(samples >= 1 && samples <= 1e15) || samples != trunc(samples) ||
	    !(used >= 0 && used <= 1e15))
		return false;
	w->used_at = (uint64_t)used;
	return read_row(json_get(v, "info"), &w->info[0][0],
			(size_t)TERMS * TERMS) &&
	       read_row(json_get(v, "moment"), w->moment, TERMS) &&
	       work_solve(w) && read_recent(json_get(v, "recent"), samples, w);
}

/* The name of something new, not too long; else NULL. */
static const char *new_name(const struct rt_predictor *p, const struct json *v)
{
	const char *name = json_text_at(v, "work");

	if (!*name || strlen(name) >= WORK_MAX || p->count == WORKS_MAX)
		return NULL;
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->v[i]->name, name))
			return NULL;
	return name;
}

static void replace(struct rt_predictor *p, struct rt_predictor *with)
{
	struct rt_predictor old = *p;

	*p = *with;
	*with = old;
}

int rt_predictor_read(struct rt_predictor *p, const struct json *v)
{
	struct rt_predictor *read = rt_predictor_new();
	int rc = 0;

	if (json_type(v) != JSON_ARRAY)
		rc = err_set(EINVAL, "a predictor has to be an array");
	json_each (it, v) {
		const char *name = rc ? NULL : new_name(read, it);
		struct work *w = name ? predictor_add(read, name) : NULL;

		if (!rc && (!w || !read_work(it, w)))
			rc = err_set(EINVAL,
				     "a predictor's kind of work '%s' makes "
				     "no sense",
				     json_text_at(it, "work"));
		if (!rc && w->used_at > read->samples)
			read->samples = w->used_at;
	}
	if (!rc)
		replace(p, read);
	rt_predictor_free(read);
	return rc;
}
