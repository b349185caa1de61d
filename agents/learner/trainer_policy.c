/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was learned, as policies that go by it. */
#include <math.h>
#include <stdlib.h>

#include "agents/learner/trainer.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "policy/model.h"
#include "policy/policy.h"

/* Whoever is foretold wrongly need not wait until somebody's guard, which is
 * for 5 s by default, takes the policy off for that. */
#define STARVE_US 2000000

/*
 * The first can do the least harm; the others go further, each in another way,
 * for what helps depends on what is scheduled.
 */
static const struct point {
	const char *title, *why;
	uint32_t slack_pct, slice_us, slice_min_us;
	bool turns; /* nobody's is ended for another, nor with his burst */
} points[TRAINER_POLICIES] = {
	{"short predicted bursts first, nobody is cut short",
	 "Tasks that ask for little go first, but whoever runs ends his turn, "
	 "lest he be stopped while others wait for what he holds.",
	 400, 20000, 1000, true},
	{"short predicted bursts first",
	 "Tasks that ask for little go first, and a turn is as long as the "
	 "burst that is expected.",
	 400, 20000, 1000, false},
	{"short predicted bursts far ahead",
	 "Tasks that ask for little go far ahead of those that ask for much.",
	 1000, 20000, 1000, false},
	{"short predicted bursts first, short turns",
	 "Tasks that ask for little go first, and nobody has a CPU for long.",
	 400, 5000, 500, false},
};

static struct json *target_json(const struct train_part *p)
{
	const struct interval *r = &p->ratio[train_contender(p->chosen)];
	struct json *v = json_object(), *ci = json_array();

	json_set_string(v, "kind", forecast_kind_name(p->chosen));
	json_set_number(v, "rows", (double)p->held);
	json_set_number(v, "error", p->score[train_contender(p->chosen)].error);
	json_set_number(v, "average_error", p->score[GUESS_AVERAGE].error);
	json_set_number(v, "ratio", r->mid);
	json_add(ci, json_number(r->lo));
	json_add(ci, json_number(r->hi));
	json_set(v, "ci95", ci);
	return v;
}

static int add_digests(struct json *to, char *const *files, size_t n)
{
	char digest[DIGEST_HEX_LEN];
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		rc = digest_file_hex(files[i], digest);
		if (!rc)
			json_add(to, json_string(digest));
	}
	return rc;
}

static void add_targets(struct json *to, const struct training *t)
{
	for (int i = 0; i < FORECAST_TARGETS; i++)
		if (t->part[i].beats)
			json_set(to,
				 forecast_target_name((enum forecast_target)i),
				 target_json(&t->part[i]));
}

/* An error in powers of two is a factor for people. */
static void set_why(struct json *body, const struct point *at,
		    const struct train_part *p)
{
	unsigned who = train_contender(p->chosen);
	const struct interval *r = &p->ratio[who];
	char *why = mem_printf(
		"%s How long a task will run is foretold by a model of %zu "
		"recorded bursts. On %zu later ones, which it had not seen, it "
		"was off by a factor of %.2f where an exponential average is "
		"off by %.2f: %.0f %% of its error (95 %% interval %.0f to "
		"%.0f).",
		at->why, p->learned, p->held, exp2(p->score[who].error),
		exp2(p->score[GUESS_AVERAGE].error), 100 * r->mid, 100 * r->lo,
		100 * r->hi);

	json_set_string(body, "why", why);
	free(why);
}

static struct json *policy_body(const struct training *t,
				const struct point *at,
				const struct json *model)
{
	struct json *body = json_object();
	struct policy_params p;

	policy_params_read(NULL, &p);
	p.order = ORDER_PREDICTED;
	p.slice = at->turns ? SLICE_FIXED : SLICE_PREDICTED;
	p.preempt = at->turns ? PREEMPT_NONE : PREEMPT_KEY;
	p.starve_us = STARVE_US;
	p.slack_pct = at->slack_pct;
	p.slice_us = at->slice_us;
	p.slice_min_us = at->slice_min_us;
	policy_params_normalise(&p);
	json_set_string(body, "form", "params");
	json_set_string(body, "title", at->title);
	set_why(body, at, &t->part[FORECAST_BURST]);
	json_set(body, "uses", policy_model_uses(t->model));
	json_set(body, "params", policy_params_json(&p));
	json_set(body, "model", json_copy(model));
	return body;
}

int trainer_policies(const struct training *t, char *const *files, size_t n,
		     size_t count, struct json **out)
{
	struct json *model = policy_model_json(t->model);
	int rc = add_digests(json_set(model, "trained_on", json_array()), files,
			     n);

	add_targets(json_set(model, "targets", json_object()), t);
	for (size_t i = 0; i < count && !rc; i++)
		out[i] = policy_body(t, &points[i], model);
	json_free(model);
	return rc;
}
