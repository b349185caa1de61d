/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/simulator/contest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/model.h"
#include "policy/object.h"

/* What an oracle has to gain, as a part of what there is without it. */
#define LEAST_WAY 0.01

const char *const contest_names[CONTEST_ARMS] = {
	"EEVDF", "vruntime", "average", "model", "oracle",
};

/* ---- the arms ---------------------------------------------------------- */

static struct json *body_of(const struct contest_opts *o, enum contest_arm arm)
{
	struct json *body = json_object(), *params;
	const char *order = arm == CONTEST_PLAIN     ? "vruntime"
			    : arm == CONTEST_AVERAGE ? "deadline"
						     : "predicted";

	json_set_string(body, "form", "params");
	params = json_set(body, "params", json_copy(o->params));
	json_set_string(params, "order", order);
	if (arm >= CONTEST_MODEL)
		json_set(body, "model", policy_model_json(o->model));
	/* Only a model foretells turns. */
	else if (!strcmp(json_text_at(params, "slice"), "predicted"))
		json_set_string(params, "slice", "fixed");
	return body;
}

static int open_arm(const struct contest_opts *o, enum contest_arm arm,
		    struct sim_policy **out)
{
	struct json *body;
	char *path;
	int rc;

	*out = NULL;
	if (arm == CONTEST_EEVDF)
		return 0;
	body = body_of(o, arm);
	path = policy_object_path(body);
	rc = sim_policy_open(path, body, o->kernel, out);
	if (!rc && arm == CONTEST_ORACLE)
		rc = sim_policy_oracle(*out);
	free(path);
	json_free(body);
	return rc;
}

static double mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

/* One burst of a microsecond behind one of a second would decide on the mean
 * of slowdowns alone, not on that of their logarithms. */
static void set_figures(const struct sim_metric_result *m,
			struct contest_figures *f)
{
	uint64_t n = m->slowdown.count;

	f->bursts = m->time.count;
	f->response_us = mean(&m->time) / 1e3;
	f->response_p99_us = (double)hist_quantile(&m->time, 0.99) / 1e3;
	f->slowdown =
		n ? exp2((double)m->slowdown_log / FORECAST_ONE / (double)n) /
				1e3
		  : 0;
	f->slowdown_p99 = (double)hist_quantile(&m->slowdown, 0.99) / 1e3;
}

static void measure(const struct sim_result *r, struct contest_figures *f)
{
	struct sim_metric_result all = {0};

	for (size_t i = 0; i < r->metric_count; i++) {
		hist_merge(&all.time, &r->metrics[i].time);
		hist_merge(&all.slowdown, &r->metrics[i].slowdown);
		all.slowdown_log += r->metrics[i].slowdown_log;
	}
	set_figures(&all, f);
	f->wall_s = (double)r->end_ns / 1e9;
}

static int check_end(const struct sim_result *r, enum contest_arm arm)
{
	if (r->outcome == SIM_DONE)
		return 0;
	if (r->outcome == SIM_CANCELLED)
		return err_set(EINTR, "interrupted");
	return err_set(ECANCELED, "%s: the run did not come to its end: %s%s%s",
		       contest_names[arm], sim_outcome_name(r->outcome),
		       r->exit_text ? ": " : "",
		       r->exit_text ? r->exit_text : "");
}

/* ---- the note ---------------------------------------------------------- */

static void figures_json(struct json *v, const struct contest_figures *f)
{
	json_set_number(v, "bursts", (double)f->bursts);
	json_set_number(v, "response_us", sim_rounded(f->response_us));
	json_set_number(v, "response_p99_us", sim_rounded(f->response_p99_us));
	json_set_number(v, "slowdown", sim_rounded(f->slowdown));
	json_set_number(v, "slowdown_p99", sim_rounded(f->slowdown_p99));
}

static struct json *groups_json(const struct load *l,
				const struct sim_result *r)
{
	struct json *list = json_array();

	for (size_t i = 0; i < r->metric_count; i++) {
		struct contest_figures f = {0};
		struct json *v;

		if (!r->metrics[i].time.count)
			continue;
		set_figures(&r->metrics[i], &f);
		v = json_add(list, json_object());
		json_set_string(v, "name", l->metrics[i].name);
		figures_json(v, &f);
	}
	return list;
}

/* How what was foretold fared against the average, in the policy's own eyes;
 * both in powers of two, for a burst. */
static void model_json(struct json *v, const struct json *model)
{
	static const char *const errors[] = {"error", "average_error"};

	json_set(v, "followed", json_copy(json_get(model, "follow")));
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (json_get(model, errors[i]))
			json_set(v, errors[i],
				 json_copy(json_get(model, errors[i])));
}

static void add_arm(struct json *list, const struct load *l,
		    const struct sim_result *r, enum contest_arm arm,
		    const struct contest_figures *f)
{
	struct json *v = json_add(list, json_object());

	json_set_string(v, "name", contest_names[arm]);
	figures_json(v, f);
	json_set_number(v, "wall_s", sim_rounded(f->wall_s));
	json_set_number(v, "findings", (double)r->finding_count);
	json_set(v, "groups", groups_json(l, r));
	if (r->model)
		model_json(v, r->model);
}

static char *sentence(const struct contest *c)
{
	const struct contest_figures *model = &c->arm[CONTEST_MODEL];
	double ratio = c->arm[CONTEST_AVERAGE].slowdown / model->slowdown;
	char part[80] = "";

	if (isfinite(c->way_slowdown))
		snprintf(part, sizeof(part),
			 ", %.0f %% of the way to who knows their lengths",
			 100 * c->way_slowdown);
	return mem_printf("by the model %llu bursts take %.4g times as long as "
			  "alone, %.4g times as good as by their average%s",
			  (unsigned long long)model->bursts, model->slowdown,
			  ratio, part);
}

static void set_way(struct json *v, const char *name, double way)
{
	if (isfinite(way))
		json_set_number(v, name, sim_rounded(100 * way));
}

static void finish(const struct contest_opts *o, struct contest *c,
		   struct json *arms)
{
	struct json *v;
	char *text = sentence(c);

	c->body = json_object();
	json_set_string(c->body, "text", text);
	free(text);
	v = json_set(c->body, "judgement", json_object());
	json_set_bool(v, "beats", c->beats);
	set_way(v, "way_response_pct", c->way_response);
	set_way(v, "way_slowdown_pct", c->way_slowdown);
	json_set(v, "arms", arms);
	json_set(v, "assumed", json_copy(o->load->notes));
}

/* ---- all of it --------------------------------------------------------- */

static int run_arm(const struct contest_opts *o, enum contest_arm arm,
		   struct contest_figures *f, struct json *list)
{
	struct sim_policy *policy;
	struct sim_result r = {0};
	int rc = open_arm(o, arm, &policy);

	if (!rc)
		rc = sim_run(&o->sim, policy, o->load, &r);
	if (!rc)
		rc = check_end(&r, arm);
	if (!rc) {
		measure(&r, f);
		add_arm(list, o->load, &r, arm, f);
	}
	sim_result_release(&r);
	sim_policy_free(policy);
	return rc;
}

/* Better is less.  Of a way of nearly no length nobody has gone a part. */
static double way(double average, double model, double oracle)
{
	double length = average - oracle;

	return length > LEAST_WAY * average ? (average - model) / length : NAN;
}

int contest_run(const struct contest_opts *o, struct contest *out)
{
	const struct contest_figures *a = out->arm;
	struct json *list = json_array();
	int rc = 0;

	*out = (struct contest){0};
	for (int i = 0; i < CONTEST_ARMS && !rc; i++)
		rc = run_arm(o, (enum contest_arm)i, &out->arm[i], list);
	if (!rc && !a[CONTEST_EEVDF].bursts)
		rc = err_set(ENODATA, "no burst is left to be measured");
	if (rc) {
		json_free(list);
		return rc;
	}
	out->way_response = way(a[CONTEST_AVERAGE].response_us,
				a[CONTEST_MODEL].response_us,
				a[CONTEST_ORACLE].response_us);
	out->way_slowdown =
		way(a[CONTEST_AVERAGE].slowdown, a[CONTEST_MODEL].slowdown,
		    a[CONTEST_ORACLE].slowdown);
	out->beats = a[CONTEST_MODEL].slowdown < a[CONTEST_AVERAGE].slowdown;
	finish(o, out, list);
	return 0;
}

void contest_release(struct contest *c)
{
	json_free(c->body);
	*c = (struct contest){0};
}
