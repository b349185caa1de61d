/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine has done and does, as figures. */
#include <stdlib.h>

#include "base/mem.h"
#include "rt/rt_parts.h"

static struct json *quantiles(const struct hist *h)
{
	struct json *to = json_object();

	json_set_number(to, "p50", (double)hist_quantile(h, 0.5) / 1e6);
	json_set_number(to, "p90", (double)hist_quantile(h, 0.9) / 1e6);
	json_set_number(to, "p99", (double)hist_quantile(h, 0.99) / 1e6);
	return to;
}

static struct json *kinds_json(const struct rt *r)
{
	struct json *to = json_object();

	for (int k = 0; k < RT_KINDS; k++) {
		struct rt_balance b;
		struct json *one;

		rt_workers_balance(&r->workers, (enum rt_kind)k, &b);
		if (!b.workers && !r->kinds[k].turnaround.count &&
		    !r->kinds[k].queued)
			continue;
		one = json_set(to, rt_kind_name((enum rt_kind)k),
			       json_object());
		json_set_number(one, "queued", (double)r->kinds[k].queued);
		json_set_number(one, "running", (double)r->kinds[k].running);
		json_set_number(one, "done", (double)r->kinds[k].done);
		json_set_number(one, "failed", (double)r->kinds[k].failed);
		json_set(one, "wait_s", quantiles(&r->kinds[k].wait));
		json_set(one, "turnaround_s",
			 quantiles(&r->kinds[k].turnaround));
		json_set_number(one, "workers", (double)b.workers);
		json_set_number(one, "gini", b.gini);
		json_set_number(one, "jain", b.jain);
	}
	return to;
}

static struct json *worker_json(const struct rt_worker *w, double now)
{
	struct json *to = rt_worker_spec_json(&w->spec);
	static const char *const breaker[] = {"closed", "open", "half-open"};
	double load = vec_dominant(&w->used, &w->spec.capacity);

	json_set(to, "used", vec_json(&w->used));
	json_set_string(to, "health", rt_health_name(w->health));
	json_set_bool(to, "draining", w->draining);
	json_set_string(to, "breaker",
			breaker[rt_breaker_worst(&w->breaker, now)]);
	json_set_number(to, "running", (double)w->running);
	json_set_number(to, "done", (double)w->done);
	json_set_number(to, "failed", (double)w->failed);
	json_set_number(to, "load", load);
	json_set_number(
		to, "busy_s",
		w->busy_s + (now > w->busy_at ? load * (now - w->busy_at) : 0));
	return to;
}

/* Of the seconds for which each run's requests have held something. */
static double jain_runs(const struct rt *r)
{
	const struct party *p;
	size_t n = 0, count = 0;
	double *x, jain;

	queue_each(p, &r->parties, all)
	{
		count += !p->g.parent;
	}
	x = mem_zalloc(count + 1, sizeof(*x));
	queue_each(p, &r->parties, all)
	{
		if (!p->g.parent)
			x[n++] = p->g.attained.seconds;
	}
	jain = rt_jain(x, n);
	free(x);
	return jain;
}

struct json *rt_stats(const struct rt *r, double now)
{
	struct json *to = json_object(), *ended, *workers;
	struct hist wait = {0}, turnaround = {0};
	size_t running = 0, ready = 0;

	for (int k = 0; k < RT_KINDS; k++) {
		hist_merge(&wait, &r->kinds[k].wait);
		hist_merge(&turnaround, &r->kinds[k].turnaround);
		running += r->kinds[k].running;
	}
	for (size_t i = 0; i < r->shape_count; i++)
		ready += r->shapes[i]->s.ready;
	json_set_string(to, "policy", r->policy->ops->name);
	json_set_bool(to, "draining", r->draining);
	json_set_number(to, "queued", (double)ready);
	json_set_number(to, "running", (double)running);
	json_set_number(to, "waiting", (double)(r->queued - ready));
	ended = json_set(to, "ended", json_object());
	for (int s = RT_DONE; s <= RT_SKIPPED; s++)
		json_set_number(ended, rt_state_name((enum rt_state)s),
				(double)r->ended[s]);
	json_set(to, "wait_s", quantiles(&wait));
	json_set(to, "turnaround_s", quantiles(&turnaround));
	json_set_number(to, "tokens_in", (double)r->used.tokens_in);
	json_set_number(to, "tokens_cached", (double)r->used.tokens_cached);
	json_set_number(to, "tokens_out", (double)r->used.tokens_out);
	json_set_number(to, "core_seconds", r->used.core_seconds);
	json_set_number(to, "cost_usd", r->used.cost_usd);
	json_set_number(to, "jain_runs", jain_runs(r));
	json_set(to, "kinds", kinds_json(r));
	workers = json_set(to, "workers", json_array());
	for (size_t i = 0; i < r->workers.count; i++)
		json_add(workers, worker_json(r->workers.v[i], now));
	json_set_number(to, "hedges", (double)r->hedges);
	json_set_number(to, "preemptions", (double)r->preemptions);
	json_set_number(to, "migrations", (double)r->migrations);
	json_set_number(to, "retries", (double)r->retries);
	json_set_number(to, "late", (double)r->late);
	json_set_number(to, "deadlocks", (double)r->deadlocks);
	return to;
}
