/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a replay comes to. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/replay_parts.h"
#include "stats/sample.h"

/* ---- what a request takes ---------------------------------------------- */

const struct rt_trace_worker *replay_worker(const struct rt_trace *t,
					    const char *name)
{
	size_t i = 0;

	while (strcmp(t->workers[i].spec.name, name))
		i++;
	return &t->workers[i];
}

/* Before any work: a suspended one is set up again, and an endpoint reads the
 * prompt, with it what it has written of the answer already. */
double replay_overhead(const struct rt_trace_request *r,
		       const struct rt_trace_worker *w, double done,
		       bool resumed)
{
	double s = resumed ? w->spec.restart_s : 0;

	if (r->q.kind == RT_LLM)
		s += ((double)r->q.tokens_in + done) / w->input_s;
	return s;
}

double replay_work(const struct rt_trace_request *r,
		   const struct rt_trace_worker *w)
{
	return r->service_s / w->speed + (double)r->tokens / w->tokens_s;
}

static double least_seconds(const struct rt_trace *t,
			    const struct rt_trace_request *r)
{
	double best = INFINITY;

	for (size_t i = 0; i < t->worker_count; i++) {
		const struct rt_trace_worker *w = &t->workers[i];

		if (w->spec.kinds & 1u << r->q.kind)
			best = fmin(best, replay_overhead(r, w, 0, false) +
						  replay_work(r, w));
	}
	return isfinite(best) ? best : 0;
}

/* ---- runs -------------------------------------------------------------- */

static struct replay_run *run_of(struct replay_figures *f, const char *name)
{
	for (size_t i = 0; i < f->run_count; i++)
		if (!strcmp(f->runs[i].name, name))
			return &f->runs[i];
	f->runs[f->run_count].name = name;
	return &f->runs[f->run_count++];
}

static double share_of(const struct vec *need, const struct vec *whole)
{
	return fmin(vec_dominant(need, whole), 1);
}

void replay_figures_init(struct replay_figures *f, const struct rt_trace *t)
{
	struct vec whole = {0};

	*f = (struct replay_figures){.t = t};
	f->items = mem_zalloc(t->request_count, sizeof(*f->items));
	f->runs = mem_zalloc(t->request_count, sizeof(*f->runs));
	for (size_t i = 0; i < t->worker_count; i++)
		vec_add(&whole, &t->workers[i].spec.capacity);
	for (size_t i = 0; i < t->request_count; i++) {
		struct replay_item *x = &f->items[i];

		x->r = &t->requests[i];
		x->run = run_of(f, x->r->q.run);
		x->share = share_of(&x->r->q.need, &whole);
		x->least = least_seconds(t, x->r);
	}
}

void replay_figures_release(struct replay_figures *f)
{
	free(f->items);
	free(f->runs);
}

void replay_figures_until(struct replay_figures *f, double now)
{
	double s = now - f->at;
	size_t there = 0;

	f->at = now;
	if (s <= 0)
		return;
	for (size_t i = 0; i < f->run_count; i++)
		there += f->runs[i].wants > 1e-12;
	for (size_t i = 0; i < f->run_count; i++) {
		struct replay_run *r = &f->runs[i];

		if (r->wants > 1e-12) {
			r->due += s * fmin(r->wants, 1 / (double)there);
			r->had += s * r->has;
		}
	}
}

static double jain(const struct replay_figures *f)
{
	double *x = mem_zalloc(f->run_count, sizeof(*x)), index;
	size_t n = 0;

	for (size_t i = 0; i < f->run_count; i++)
		if (f->runs[i].due > 0)
			x[n++] = fmin(1, f->runs[i].had / f->runs[i].due);
	index = rt_jain(x, n);
	free(x);
	return index;
}

/* ---- the whole --------------------------------------------------------- */

/* Which of those that were done. */
struct which {
	double least;  /* seconds that it takes, at most */
	double share;  /* of the whole, at least */
	long priority; /* at least */
};

static double waited(const struct replay_item *x)
{
	return x->waited;
}

static double turnaround(const struct replay_item *x)
{
	return x->turnaround;
}

static double least(const struct replay_item *x)
{
	return x->least;
}

/* What these had, sorted. */
static size_t sample(const struct replay_figures *f, struct which w,
		     double (*what)(const struct replay_item *x), double *out)
{
	size_t n = 0;

	for (size_t i = 0; i < f->t->request_count; i++) {
		const struct replay_item *x = &f->items[i];

		if (x->done && x->least <= w.least && x->share >= w.share &&
		    x->r->q.priority >= w.priority)
			out[n++] = what(x);
	}
	sample_sort(out, n);
	return n;
}

static double quantile(const double *x, size_t n, double q)
{
	return n ? sample_quantile(x, n, q) : NAN;
}

static double p99_of(const struct replay_figures *f, struct which w, double *x)
{
	return quantile(x, sample(f, w, waited, x), 0.99);
}

static void times(const struct replay_figures *f, struct rt_figures *out,
		  double *x)
{
	const struct which all = {.least = INFINITY};
	struct which w = all;
	size_t n = sample(f, all, least, x);

	w.least = quantile(x, n, 0.5);
	out->wait_short_p99 = p99_of(f, w, x);
	w = all;
	w.priority = RT_URGENT;
	out->wait_urgent_p99 = p99_of(f, w, x);
	w = all;
	w.share = 0.5;
	out->wait_wide_p99 = p99_of(f, w, x);
	n = sample(f, all, waited, x);
	out->wait_p50 = quantile(x, n, 0.5);
	out->wait_p99 = quantile(x, n, 0.99);
	n = sample(f, all, turnaround, x);
	out->turnaround_mean = n ? sample_mean(x, n) : NAN;
	out->turnaround_p50 = quantile(x, n, 0.5);
	out->turnaround_p99 = quantile(x, n, 0.99);
}

void replay_figures_finish(const struct replay_figures *f,
			   struct rt_figures *out)
{
	double *x = mem_zalloc(f->t->request_count, sizeof(*x));
	double needed = 0;

	*out = (struct rt_figures){
		.requests = f->t->request_count,
		.makespan = f->end,
		.jain = jain(f),
		.tokens = f->tokens,
		.cost_usd = f->cost_usd,
		.lost_s = f->lost_s,
		.preemptions = f->preemptions,
		.retries = f->retries,
		.late = f->late,
	};
	for (size_t i = 0; i < f->t->request_count; i++) {
		const struct replay_item *it = &f->items[i];

		out->done += it->done;
		out->refused += it->refused;
		if (!it->done)
			continue;
		needed += (double)(it->r->tokens);
		if (it->r->q.kind == RT_LLM)
			needed += (double)it->r->q.tokens_in;
	}
	out->failed = out->requests - out->done - out->refused;
	out->lost_tokens = fmax(0, f->tokens - needed);
	times(f, out, x);
	free(x);
}

/* ---- as a document ----------------------------------------------------- */

struct json *rt_figures_json(const struct rt_figures *f)
{
	const struct {
		const char *name;
		double x;
	} numbers[] = {
		{"requests", (double)f->requests},
		{"done", (double)f->done},
		{"failed", (double)f->failed},
		{"refused", (double)f->refused},
		{"wait_p50_s", f->wait_p50},
		{"wait_p99_s", f->wait_p99},
		{"wait_short_p99_s", f->wait_short_p99},
		{"wait_urgent_p99_s", f->wait_urgent_p99},
		{"wait_wide_p99_s", f->wait_wide_p99},
		{"turnaround_mean_s", f->turnaround_mean},
		{"turnaround_p50_s", f->turnaround_p50},
		{"turnaround_p99_s", f->turnaround_p99},
		{"makespan_s", f->makespan},
		{"jain", f->jain},
		{"tokens", f->tokens},
		{"cost_usd", f->cost_usd},
		{"lost_tokens", f->lost_tokens},
		{"lost_s", f->lost_s},
		{"preemptions", (double)f->preemptions},
		{"retries", (double)f->retries},
		{"late", (double)f->late},
	};
	struct json *v = json_object();

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_set_number(v, numbers[i].name, numbers[i].x);
	return v;
}

/* ---- what was expected ------------------------------------------------- */

struct rows {
	const char *const *policies;
	struct json **v;
	size_t n;
};

static double figure(const struct rows *r, const char *policy, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->policies[i], policy))
			return json_as_number(json_get(r->v[i], name), NAN);
	return NAN;
}

/* Whether x is first among all, least or most. */
static bool outstanding(const struct rows *r, const char *name, double x,
			bool most)
{
	for (size_t i = 0; i < r->n; i++) {
		double y = json_as_number(json_get(r->v[i], name), NAN);

		if (!(most ? x >= y : x <= y))
			return false;
	}
	return true;
}

/* {"policy","has":"least"|"most"|"zero"|"less"|"more","of","than","times",
 *  "why"} */
static int expectation(const struct rows *r, const struct json *e)
{
	const char *policy = json_text_at(e, "policy");
	const char *has = json_text_at(e, "has"), *of = json_text_at(e, "of");
	double x = figure(r, policy, of), y;

	if (isnan(x))
		return err_set(EINVAL,
			       "the trace expects something of '%s' of '%s', "
			       "which there is not",
			       of, policy);
	if (!strcmp(has, "least") || !strcmp(has, "most"))
		return outstanding(r, of, x, *has == 'm');
	if (!strcmp(has, "zero"))
		return x == 0;
	y = figure(r, json_text_at(e, "than"), of) *
	    json_as_number(json_get(e, "times"), 1);
	if (isnan(y) || (strcmp(has, "less") && strcmp(has, "more")))
		return err_set(EINVAL,
			       "the trace expects '%s' to have '%s' of '%s', "
			       "which is not to be understood",
			       policy, has, of);
	return *has == 'l' ? x < y : x > y;
}

int rt_trace_check(const struct rt_trace *t, const char *const *policies,
		   const struct rt_figures *f, size_t n,
		   void (*fn)(void *arg, const char *words), void *arg)
{
	struct rows r = {policies, mem_zalloc(n, sizeof(*r.v)), n};
	int rc = 0, wrong = 0;

	for (size_t i = 0; i < n; i++)
		r.v[i] = rt_figures_json(&f[i]);
	json_each (e, json_get(t->header, "expect")) {
		char *words = NULL;

		rc = expectation(&r, e);
		if (rc < 0)
			break;
		if (rc)
			continue;
		wrong++;
		words = mem_printf(
			"%s has not %s %s%s%s: %s", json_text_at(e, "policy"),
			json_text_at(e, "has"), json_text_at(e, "of"),
			json_get(e, "than") ? " than " : "",
			json_text_at(e, "than"), json_text_at(e, "why"));
		fn(arg, words);
		free(words);
	}
	for (size_t i = 0; i < n; i++)
		json_free(r.v[i]);
	free(r.v);
	return rc < 0 ? rc : wrong;
}
