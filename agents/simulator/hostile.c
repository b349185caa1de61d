/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/simulator/hostile.h"

#include "policy/form.h"
#include "policy/policy.h"

#define CPUS 4

/* The loads are short: who waits this long in one waits for ever. */
#define STARVE_NS  2000000000ull
#define LIMIT_NS   60000000000ull
#define MAX_EVENTS 2000000ull /* some 40 times what the loads need */

/* enum scx_exit_kind and scx_exit_code of the kernel. */
#define EXIT_UNREG_KERN	 66
#define EXIT_ACT_RESTART (1ll << 48)

void hostile_init(struct hostile *h, struct sim_policy *policy,
		  const struct json *body, uint64_t seed,
		  const volatile sig_atomic_t *cancel)
{
	struct policy_params p;
	uint64_t declared;

	*h = (struct hostile){.policy = policy,
			      .seed = seed,
			      .cancel = cancel,
			      .starve_ns = STARVE_NS};
	if (policy_form(body) == FORM_SOURCE ||
	    policy_form(body) == FORM_KNOBS || policy_params_read(body, &p) < 0)
		return;
	h->by_design = policy_form(body) == FORM_HOOKS ||
		       p.order == ORDER_LONGEST || p.order == ORDER_SHORTEST ||
		       p.classify == CLASSIFY_BEHAVIOUR ||
		       p.classify == CLASSIFY_IDENTITY;
	/* Who waited that long goes first, but not at once. */
	declared = p.starve_us * 1250ull;
	if (declared > h->starve_ns)
		h->starve_ns = declared;
}

int hostile_run(const struct hostile *h, const char *name, size_t seeds,
		struct simulated *out)
{
	struct sim_opts o = {
		.machine = {.cpus = CPUS, .threads = 1, .llcs = 1, .nodes = 1},
		.seed = h->seed,
		.limit_ns = LIMIT_NS,
		.max_events = MAX_EVENTS,
		.starve_ns = h->starve_ns,
		.cancel = h->cancel,
	};
	struct load *l;
	int rc = load_hostile(name, CPUS, o.seed, &l);

	if (rc)
		return rc;
	sim_costs_default(&o.costs);
	if (l->cpus)
		o.machine.cpus = l->cpus;
	if (h->knobs)
		rc = load_set_knobs(l, h->knobs, o.machine.cpus);
	if (!rc)
		rc = simulate(&o, h->policy, l, seeds, out);
	load_free(l);
	return rc;
}

bool hostile_fails(const struct hostile *h, const struct sim_finding *f)
{
	if (f->rule == SIM_UNSUPPORTED)
		return false;
	return f->rule != SIM_UNFAIR || !h->by_design;
}

bool hostile_wants_restart(const struct sim_result *r)
{
	return r->outcome == SIM_EJECTED && r->exit_kind == EXIT_UNREG_KERN &&
	       r->exit_code & EXIT_ACT_RESTART;
}

static bool survives(const struct hostile *h, const char *name)
{
	struct simulated s;
	bool ok;

	if (hostile_run(h, name, 1, &s) < 0)
		return false;
	ok = s.result.outcome == SIM_DONE || hostile_wants_restart(&s.result);
	for (size_t i = 0; i < s.result.finding_count; i++)
		ok &= !hostile_fails(h, &s.result.findings[i]);
	simulated_release(&s);
	return ok;
}

bool hostile_survives(const struct hostile *h)
{
	for (size_t i = 0; load_hostile_names[i]; i++)
		if (!survives(h, load_hostile_names[i]))
			return false;
	return true;
}
