/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results in words and figures. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim/sim.h"

const char *sim_outcome_name(enum sim_outcome o)
{
	static const char *const names[] = {
		[SIM_DONE] = "done",	       [SIM_LIMIT] = "limit",
		[SIM_STUCK] = "stuck",	       [SIM_EJECTED] = "ejected",
		[SIM_CANCELLED] = "cancelled",
	};

	return names[o];
}

void sim_result_release(struct sim_result *r)
{
	for (size_t i = 0; i < r->finding_count; i++)
		free(r->findings[i].text);
	free(r->groups);
	free(r->metrics);
	free(r->exit_text);
	json_free(r->counters);
	json_free(r->model);
	*r = (struct sim_result){0};
}

double sim_rounded(double x)
{
	double unit;

	if (!isfinite(x) || x == 0)
		return x;
	unit = pow(10, floor(log10(fabs(x))) - 5);
	/* A power of ten below 1 has no exact double: its inverse has. */
	return unit < 1 ? round(x * round(1 / unit)) / round(1 / unit)
			: round(x / unit) * unit;
}

static double seconds(uint64_t ns)
{
	return sim_rounded((double)ns / 1e9);
}

static double us(double ns)
{
	return sim_rounded(ns / 1e3);
}

/* ---- metrics ---------------------------------------------------------- */

static void add_metric(struct json *list, const char *name, const char *what,
		       const char *unit, bool higher, double value)
{
	struct json *m = json_add(list, json_object());
	char *full = *what ? mem_printf("%s_%s", name, what) : mem_strdup(name);

	json_set_string(m, "name", full);
	json_set_string(m, "unit", unit);
	json_set_string(m, "better", higher ? "higher" : "lower");
	json_set_number(m, "value", value);
	free(full);
}

struct json *sim_result_metrics(const struct load *l,
				const struct sim_result *r)
{
	struct json *list = json_array();

	add_metric(list, "wall", "", "s", false, seconds(r->end_ns));
	for (size_t i = 0; i < r->metric_count; i++) {
		const struct sim_metric_result *m = &r->metrics[i];
		const char *name = l->metrics[i].name;

		if (!m->count || !r->end_ns)
			continue;
		add_metric(list, name, "rate", "1/s", true,
			   sim_rounded((double)m->count * 1e9 /
				       (double)r->end_ns));
		if (!m->time.count)
			continue;
		add_metric(list, name, "mean", "us", false,
			   us((double)m->time.sum / (double)m->time.count));
		add_metric(list, name, "p99", "us", false,
			   us((double)hist_quantile(&m->time, 0.99)));
	}
	for (size_t i = 0; i < r->group_count; i++) {
		const struct hist *h = &r->groups[i].delay;
		const char *name = l->groups[i].name;

		if (r->groups[i].run_ns && r->end_ns)
			add_metric(list, name, "cpus", "CPUs", true,
				   sim_rounded((double)r->groups[i].run_ns /
					       (double)r->end_ns));
		if (h->count)
			add_metric(list, name, "delay_p99", "us", false,
				   us((double)hist_quantile(h, 0.99)));
	}
	return list;
}

/* ---- everything ------------------------------------------------------- */

static struct json *findings_json(const struct sim_result *r)
{
	struct json *list = json_array();

	for (size_t i = 0; i < r->finding_count; i++) {
		const struct sim_finding *f = &r->findings[i];
		struct json *v = json_add(list, json_object());

		json_set_string(v, "rule", sim_rule_names[f->rule]);
		json_set_number(v, "at_s", seconds(f->at_ns));
		if (f->file) {
			json_set_string(v, "file", f->file);
			json_set_number(v, "line", f->line);
		}
		json_set_string(v, "text", f->text);
	}
	return list;
}

static struct json *groups_json(const struct load *l,
				const struct sim_result *r)
{
	struct json *list = json_array();

	for (size_t i = 0; i < r->group_count; i++) {
		const struct sim_group_result *g = &r->groups[i];
		struct json *v = json_add(list, json_object());

		json_set_string(v, "name", l->groups[i].name);
		json_set_number(v, "tasks", (double)g->tasks);
		json_set_number(v, "run_s", seconds(g->run_ns));
		json_set_number(v, "wait_s", seconds(g->wait_ns));
		json_set_number(v, "wakeups", (double)g->wakeups);
		json_set_number(v, "migrations", (double)g->migrations);
		json_set_number(v, "preemptions", (double)g->preemptions);
		json_set(v, "delay_us", hist_json(&g->delay));
		json_set(v, "burst_us", hist_json(&g->burst));
	}
	return list;
}

static struct json *units_json(const struct load *l, const struct sim_result *r)
{
	struct json *list = json_array();

	for (size_t i = 0; i < r->metric_count; i++) {
		struct json *v = json_add(list, json_object());

		json_set_string(v, "name", l->metrics[i].name);
		json_set_number(v, "count", (double)r->metrics[i].count);
		json_set(v, "time_us", hist_json(&r->metrics[i].time));
		/* Kept as if 1 were a microsecond. */
		json_set(v, "slowdown", hist_json(&r->metrics[i].slowdown));
	}
	return list;
}

static struct json *callbacks_json(const struct sim_result *r)
{
	struct json *list = json_array();

	for (size_t i = 0; i < r->callback_count; i++) {
		const struct sim_callback_result *c = &r->callbacks[i];
		struct json *v;

		if (!c->calls)
			continue;
		v = json_add(list, json_object());
		json_set_string(v, "name", c->name);
		json_set_number(v, "calls", (double)c->calls);
		json_set_number(
			v, "insns_mean",
			sim_rounded((double)c->insns / (double)c->calls));
		json_set_number(v, "insns_max", (double)c->insns_max);
	}
	return list;
}

static struct json *machine_json(const struct sim_opts *o)
{
	struct json *v = json_object();

	json_set_number(v, "cpus", o->machine.cpus);
	json_set_number(v, "threads", o->machine.threads);
	json_set_number(v, "llcs", o->machine.llcs);
	json_set_number(v, "nodes", o->machine.nodes);
	return v;
}

static void set_figures(struct json *v, const struct sim_result *r)
{
	const struct {
		const char *name;
		uint64_t x;
	} counts[] = {
		{"events", r->events},
		{"switches", r->switches},
		{"wakeups", r->wakeups},
		{"migrations", r->migrations},
		{"preemptions", r->preemptions},
		{"kicks", r->kicks},
		{"ticks", r->ticks},
		{"unfinished", r->unfinished},
	};
	const struct {
		const char *name;
		uint64_t ns;
	} times[] = {
		{"end_s", r->end_ns},
		{"busy_s", r->busy_ns},
		{"idle_s", r->idle_ns},
		{"overhead_s", r->overhead_ns},
		{"idle_waiting_s", r->idle_waiting_ns},
		{"longest_wait_s", r->longest_wait_ns},
	};

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		json_set_number(v, times[i].name, seconds(times[i].ns));
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		json_set_number(v, counts[i].name, (double)counts[i].x);
	if (r->weight_error >= 0)
		json_set_number(v, "weight_error",
				sim_rounded(r->weight_error));
}

struct json *sim_result_json(const struct load *l, const struct sim_opts *o,
			     const struct sim_result *r)
{
	struct json *v = json_object();

	json_set_string(v, "load", l->name);
	json_set(v, "machine", machine_json(o));
	json_set_number(v, "seed", (double)o->seed);
	json_set(v, "costs", sim_costs_json(&o->costs));
	json_set_string(v, "outcome", sim_outcome_name(r->outcome));
	if (r->outcome == SIM_EJECTED) {
		json_set_number(v, "exit_kind", r->exit_kind);
		json_set_number(v, "exit_code", (double)r->exit_code);
		json_set_string(v, "exit_text", r->exit_text);
	}
	set_figures(v, r);
	json_set(v, "metrics", sim_result_metrics(l, r));
	json_set(v, "groups", groups_json(l, r));
	json_set(v, "units", units_json(l, r));
	json_set(v, "findings", findings_json(r));
	if (r->callback_count)
		json_set(v, "callbacks", callbacks_json(r));
	if (r->counters)
		json_set(v, "counters", json_copy(r->counters));
	if (r->model)
		json_set(v, "model", json_copy(r->model));
	if (json_len(l->notes))
		json_set(v, "notes", json_copy(l->notes));
	return v;
}
