/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rt/predict_parts.h"
#include "rt/worker_parts.h"
#include "stats/sample.h"

#define FORGET 0.98
/* Draws weights to 0 where the samples do not say (features that never
 * change): as much as this many samples would. */
#define RIDGE	    0.05
#define RIDGE_CONST 1e-6
/* A sample further off than this (a factor of 16) counts as one so far off. */
#define SURPRISE_MAX 2.8
/* How far a prediction leaves what was seen. */
#define LEAVE	    4
#define FEATURE_MAX 1e12
/* P90 and P95 where nothing is known but a guess. */
#define GUESS_90 3
#define GUESS_95 4

/* ---- kinds of work ----------------------------------------------------- */

static size_t put(char *out, size_t at, char between, const char *s)
{
	size_t n = strlen(s);

	if (at + n + 2 > WORK_MAX)
		return at;
	if (at)
		out[at++] = between;
	memcpy(out + at, s, n + 1);
	return at + n;
}

/* "llm sched-synth/coder gpt-5" */
static void name_of(const struct rt_request *q, char out[static WORK_MAX])
{
	size_t at = put(out, 0, ' ', rt_kind_name(q->kind));

	at = put(out, at, ' ', *q->agent ? q->agent : "-");
	for (char **want = q->wants; want && *want; want++)
		at = put(out, at, want == q->wants ? ' ' : ',', *want);
}

static struct work *find(const struct rt_predictor *p, const char *name)
{
	uint64_t h = hash_text(name);

	for (size_t i = 0; i < p->count; i++)
		if (p->v[i]->hash == h && !strcmp(p->v[i]->name, name))
			return p->v[i];
	return NULL;
}

/* One that knows nothing. */
static struct work *work_new(const char *name)
{
	struct work *w = mem_zalloc(1, sizeof(*w));

	w->name = mem_strdup(name);
	w->hash = hash_text(name);
	for (size_t i = 0; i < TERMS; i++)
		w->info[i][i] = i ? RIDGE : RIDGE_CONST;
	return w;
}

static void work_free(struct work *w)
{
	if (!w)
		return;
	free(w->name);
	free(w);
}

/* In place of the one that has been without a sample for longest, when there
 * are too many. */
struct work *predictor_add(struct rt_predictor *p, const char *name)
{
	struct work *w = work_new(name);
	size_t old = 0;

	if (p->count < WORKS_MAX) {
		p->v = mem_realloc(p->v, p->count + 1, sizeof(*p->v));
		p->v[p->count++] = w;
		return w;
	}
	for (size_t i = 1; i < p->count; i++)
		if (p->v[i]->used_at < p->v[old]->used_at)
			old = i;
	work_free(p->v[old]);
	p->v[old] = w;
	return w;
}

struct rt_predictor *rt_predictor_new(void)
{
	return mem_zalloc(1, sizeof(struct rt_predictor));
}

void rt_predictor_free(struct rt_predictor *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		work_free(p->v[i]);
	free(p->v);
	free(p);
}

/* ---- the model --------------------------------------------------------- */

static bool believed(double seconds)
{
	return seconds >= LEAST_S && seconds <= MOST_S;
}

static void terms(const struct rt_request *q, double x[static TERMS])
{
	x[0] = 1;
	x[1] = believed(q->predicted_s) ? log(q->predicted_s) : 0;
	for (size_t i = 0; i < RT_FEATURES; i++) {
		double f = q->features[i];

		x[2 + i] = f > 0 ? log1p(fmin(f, FEATURE_MAX)) : 0;
	}
}

static double dot(const double *a, const double *b)
{
	double sum = 0;

	for (size_t i = 0; i < TERMS; i++)
		sum += a[i] * b[i];
	return sum;
}

/*
 * info * weight = moment by Cholesky; false: info is not positive definite.
 * Solving anew costs no more than updating an inverse at this size, and
 * rounding cannot pile up in it.
 */
bool work_solve(struct work *w)
{
	double l[TERMS][TERMS], y[TERMS];

	for (size_t i = 0; i < TERMS; i++) {
		for (size_t j = 0; j <= i; j++) {
			double sum = w->info[i][j];

			for (size_t k = 0; k < j; k++)
				sum -= l[i][k] * l[j][k];
			if (i == j && !(sum > 0))
				return false;
			l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
		}
		y[i] = w->moment[i];
		for (size_t k = 0; k < i; k++)
			y[i] -= l[i][k] * y[k];
		y[i] /= l[i][i];
	}
	for (size_t i = TERMS; i--;) {
		for (size_t k = i + 1; k < TERMS; k++)
			y[i] -= l[k][i] * y[k];
		y[i] /= l[i][i];
	}
	for (size_t i = 0; i < TERMS; i++)
		if (!isfinite(y[i]))
			return false;
	memcpy(w->weight, y, sizeof(y));
	return true;
}

static void update(struct work *w, const double *x, double y)
{
	for (size_t i = 0; i < TERMS; i++) {
		for (size_t j = 0; j < TERMS; j++)
			w->info[i][j] = FORGET * w->info[i][j] + x[i] * x[j];
		w->info[i][i] += (1 - FORGET) * (i ? RIDGE : RIDGE_CONST);
		w->moment[i] = FORGET * w->moment[i] + x[i] * y;
	}
}

static double clip(double x, double lo, double hi)
{
	/* What is no number is lo. */
	return x >= lo ? (x <= hi ? x : hi) : lo;
}

/* Where x stands, or would. */
static size_t place(const struct work *w, double x)
{
	size_t lo = 0, hi = w->sorted_count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (w->sorted[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void sorted_remove(struct work *w, double x)
{
	size_t at = place(w, x);

	w->sorted_count--;
	memmove(w->sorted + at, w->sorted + at + 1,
		(w->sorted_count - at) * sizeof(*w->sorted));
}

static void sorted_add(struct work *w, double x)
{
	size_t at = place(w, x);

	memmove(w->sorted + at + 1, w->sorted + at,
		(w->sorted_count - at) * sizeof(*w->sorted));
	w->sorted[at] = x;
	w->sorted_count++;
}

void work_remember(struct work *w, const struct recent *r)
{
	struct recent *at = &w->recent[w->samples % RECENT];
	double sum = 0;
	size_t n;

	if (w->samples >= RECENT && at->counted)
		sorted_remove(w, at->residual);
	*at = *r;
	if (r->counted)
		sorted_add(w, r->residual);
	w->samples++;
	n = recent_count(w);
	w->least = w->most = r->seconds;
	for (size_t i = 0; i < n; i++) {
		double s = w->recent[i].seconds;

		w->least = s < w->least ? s : w->least;
		w->most = s > w->most ? s : w->most;
		sum += s;
	}
	w->mean = sum / (double)n;
}

/* ---- predictions ------------------------------------------------------- */

static void guess(const struct rt_request *q, struct rt_prediction *out)
{
	static const double of_kind[RT_KINDS] = {
		[RT_LLM] = 20,	     [RT_TOOL] = 5, [RT_MEMORY] = 0.02,
		[RT_STORAGE] = 0.05, [RT_SIM] = 10, [RT_GUEST] = 60};
	double s = of_kind[q->kind];

	if (q->predicted_s >= 0 && isfinite(q->predicted_s))
		s = clip(q->predicted_s, LEAST_S, MOST_S);
	out->p50_s = s;
	out->p90_s = s * GUESS_90;
	out->p95_s = s * GUESS_95;
}

static void of_average(const struct work *w, struct rt_prediction *out)
{
	out->p50_s = w->mean;
	out->p90_s = out->p95_s = w->most;
}

/* What the next residual is not above with probability q: of n, the (n + 1) q
 * th (Hyndman and Fan's definition 6; the 7th covers too little). */
static double quantile(const struct work *w, double q)
{
	double n = (double)w->sorted_count;

	/* A file may say that none of them counts. */
	if (!w->sorted_count)
		return 0;
	return sample_quantile(w->sorted, w->sorted_count,
			       clip((q * (n + 1) - 1) / (n - 1), 0, 1));
}

static void of_model(const struct work *w, const double *x,
		     struct rt_prediction *out)
{
	double y = dot(w->weight, x);
	double lo = log(w->least / LEAVE), hi = log(w->most * LEAVE);

	out->p50_s = exp(clip(y + quantile(w, 0.5), lo, hi));
	out->p90_s = exp(clip(y + quantile(w, 0.9), lo, hi));
	out->p95_s = exp(clip(y + quantile(w, 0.95), lo, hi));
}

static void predict(const struct work *w, const struct rt_request *q,
		    const double *x, struct rt_prediction *out)
{
	out->samples = w ? w->samples : 0;
	if (!out->samples)
		guess(q, out);
	else if (out->samples < FEW)
		of_average(w, out);
	else
		of_model(w, x, out);
}

void rt_predict(const struct rt_predictor *p, const struct rt_request *q,
		struct rt_prediction *out)
{
	char name[WORK_MAX];
	double x[TERMS];
	const struct work *w;

	name_of(q, name);
	w = find(p, name);
	if (w && w->samples >= FEW)
		terms(q, x);
	predict(w, q, x, out);
}

void rt_predictor_learn(struct rt_predictor *p, const struct rt_request *q,
			double seconds)
{
	struct rt_prediction before;
	struct recent r = {.seconds = seconds};
	char name[WORK_MAX];
	double x[TERMS], y;
	struct work *w;

	if (!believed(seconds))
		return;
	name_of(q, name);
	w = find(p, name);
	if (!w)
		w = predictor_add(p, name);
	terms(q, x);
	predict(w, q, x, &before);
	if (w->samples) {
		r.p50 = before.p50_s;
		r.p90 = before.p90_s;
	}
	y = log(seconds);
	r.residual = y - dot(w->weight, x);
	r.counted = w->samples >= FEW / 2;
	if (w->samples >= FEW)
		y += clip(r.residual, -SURPRISE_MAX, SURPRISE_MAX) - r.residual;
	update(w, x, y);
	work_solve(w);
	work_remember(w, &r);
	w->used_at = ++p->samples;
}
