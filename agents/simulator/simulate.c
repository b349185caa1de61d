/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/simulator/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/evidence.h"
#include "stats/sample.h"

#define DEFAULT_CPUS 4

static uint32_t count_at(const struct json *body, const char *path,
			 uint32_t dflt)
{
	double x = json_as_number(json_path(body, path), dflt);

	return x >= 1 && x <= SIM_MAX_CPUS ? (uint32_t)x : dflt;
}

void simulate_machine(const struct json *profile, struct sim_machine *m)
{
	uint32_t cores;

	m->cpus = count_at(profile, "system.cpus", DEFAULT_CPUS);
	cores = count_at(profile, "system.cores", m->cpus);
	m->threads = cores * 2 == m->cpus ? 2 : 1;
	m->llcs = count_at(profile, "system.llcs", 1);
	m->nodes = count_at(profile, "system.nodes", 1);
	if (m->llcs > m->cpus)
		m->llcs = 1;
	if (m->nodes > m->llcs)
		m->nodes = m->llcs;
}

void simulate_costs(const struct load *l, struct sim_costs *c)
{
	sim_costs_default(c);
	if (l->costs && sim_costs_read(l->costs, c) < 0)
		sim_costs_default(c);
}

/* Of one metric over all runs. */
static double median_at(struct json *const *runs, size_t n, size_t at)
{
	double *x = mem_zalloc(n, sizeof(*x)), m;

	for (size_t i = 0; i < n; i++)
		x[i] = json_as_number(json_get(json_at(runs[i], at), "value"),
				      0);
	m = sample_median(x, n);
	free(x);
	return m;
}

/* All runs are of one load: their metrics stand in the same order. */
static struct json *medians(struct json *const *runs, size_t n)
{
	struct json *out = json_array();
	size_t at = 0;

	json_each (m, runs[0])
		json_set_number(json_add(out, json_copy(m)), "value",
				median_at(runs, n, at++));
	return out;
}

static bool has_finding(const struct sim_result *r, const struct sim_finding *f)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct sim_finding *g = &r->findings[i];

		if (g->rule == f->rule && g->line == f->line &&
		    !strcmp(g->file ? g->file : "", f->file ? f->file : ""))
			return true;
	}
	return false;
}

/* What a later seed brought to light counts as well. */
static void join(struct sim_result *to, struct sim_result *from)
{
	for (size_t i = 0; i < from->finding_count; i++) {
		struct sim_finding *f = &from->findings[i];

		if (to->finding_count == SIM_MAX_FINDINGS || has_finding(to, f))
			continue;
		to->findings[to->finding_count++] = *f;
		f->text = NULL;
	}
	if (to->outcome == SIM_DONE && from->outcome != SIM_DONE) {
		to->outcome = from->outcome;
		to->exit_kind = from->exit_kind;
		to->exit_code = from->exit_code;
		free(to->exit_text);
		to->exit_text = from->exit_text;
		from->exit_text = NULL;
	}
}

int simulate(const struct sim_opts *o, struct sim_policy *policy,
	     const struct load *load, size_t seeds, struct simulated *out)
{
	struct json **runs = mem_zalloc(seeds, sizeof(*runs));
	struct sim_opts each = *o;
	int rc = 0;

	*out = (struct simulated){0};
	for (size_t i = 0; i < seeds && !rc; i++) {
		struct sim_result r;

		each.seed = o->seed + i;
		rc = sim_run(&each, policy, load, &r);
		if (rc)
			break;
		runs[out->runs++] = sim_result_metrics(load, &r);
		out->events += r.events;
		if (!i) {
			out->result = r;
		} else {
			join(&out->result, &r);
			sim_result_release(&r);
		}
		if (out->result.outcome != SIM_DONE)
			break;
	}
	if (!rc)
		out->metrics = medians(runs, out->runs);
	for (size_t i = 0; i < out->runs; i++)
		json_free(runs[i]);
	free(runs);
	if (rc)
		simulated_release(out);
	return rc;
}

void simulated_release(struct simulated *s)
{
	json_free(s->metrics);
	sim_result_release(&s->result);
	*s = (struct simulated){0};
}

bool simulate_is_defect(const struct sim_finding *f)
{
	return f->rule != SIM_UNFAIR && f->rule != SIM_IDLE &&
	       f->rule != SIM_STARVATION;
}

bool simulate_has_defect(const struct sim_result *r)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (simulate_is_defect(&r->findings[i]))
			return true;
	return false;
}

static const struct json *metric_of(const struct json *list, const char *name)
{
	json_each (m, list)
		if (!strcmp(json_as_string(json_get(m, "name"), ""), name))
			return m;
	return NULL;
}

double simulate_ratio(const struct json *base, const struct json *cand,
		      const char *name)
{
	const struct json *a = metric_of(base, name);
	const struct json *b = metric_of(cand, name);
	bool higher;

	if (!a || !b)
		return 0;
	higher = !strcmp(json_as_string(json_get(a, "better"), ""), "higher");
	return evidence_ratio(higher, json_as_number(json_get(a, "value"), 0),
			      json_as_number(json_get(b, "value"), 0));
}

struct json *simulate_compare(const struct json *base, const struct json *cand)
{
	struct json *out = json_array();

	json_each (m, base) {
		const char *name = json_as_string(json_get(m, "name"), "");
		const struct json *b = metric_of(cand, name);
		struct json *row;
		double ratio;

		if (!b)
			continue;
		ratio = simulate_ratio(base, cand, name);
		row = json_add(out, json_object());
		json_set_string(row, "name", name);
		json_set_string(row, "unit",
				json_as_string(json_get(m, "unit"), ""));
		json_set_string(row, "better",
				json_as_string(json_get(m, "better"), ""));
		json_set_number(row, "baseline",
				json_as_number(json_get(m, "value"), 0));
		json_set_number(row, "candidate",
				json_as_number(json_get(b, "value"), 0));
		json_set_number(row, "ratio", round(ratio * 1e4) / 1e4);
	}
	return out;
}
