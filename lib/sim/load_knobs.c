/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A load as it is once the knobs of a policy are set. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "policy/knobs.h"
#include "sim/load.h"

_Static_assert(KNOBS_CPU_WORDS == LOAD_CPU_WORDS, "masks of one size");
_Static_assert((int)KNOB_BATCH == LOAD_BATCH && (int)KNOB_IDLE == LOAD_IDLE,
	       "policies of one numbering");

/* The cgroups that a target makes: one for the workload, in it one for each
 * rule, and one for what no rule is for. */
struct cgroups {
	uint32_t of_rule[KNOBS_MAX_RULES], rest;
};

static void add_cgroups(struct load *l, const struct knobs *k,
			struct cgroups *g)
{
	uint32_t all;

	if (!(k->set & KNOB_CGROUP))
		return;
	all = load_add_cgroup(l, "knobs", 0, 100);
	g->rest = load_add_cgroup(l, "rest", all, 100);
	for (size_t i = 0; i < k->count; i++) {
		const struct knob_rule *r = &k->rules[i];

		g->of_rule[i] = load_add_cgroup(
			l, r->match, all,
			r->set & KNOB_WEIGHT ? r->cpu_weight : 100);
	}
}

static void set_rule(struct load *l, struct load_task *t,
		     const struct knob_rule *r)
{
	struct load_mask mask;

	if (r->set & KNOB_NICE)
		t->nice = r->nice;
	if (r->set & KNOB_POLICY)
		t->policy = (enum load_policy)r->policy;
	if (r->set & KNOB_SLICE)
		t->slice_ns = r->slice_us * 1000ull;
	if (r->set & KNOB_CPUS && t->mask < 0) {
		memcpy(mask.bits, r->cpus, sizeof(mask.bits));
		t->mask = (int)load_add_mask(l, &mask);
	}
}

/* What a job executes is what it is, though it is forked as something else. */
static int rule_for(const struct knobs *k, const struct load_task *t)
{
	struct knob_who who = {t->name, &t->identity, t->identity ? 1 : 0};

	for (size_t i = 0; i < t->op_count && !who.identity_count; i++) {
		who.identities = &t->ops[i].id;
		who.identity_count = t->ops[i].what == LOAD_EXEC;
	}
	return knobs_rule(k, &who);
}

int load_check_knobs(const struct knobs *k, uint32_t cpus)
{
	if (k->set & KNOB_MAX)
		return err_set(ENOTSUP, "the simulator's model has no limit "
					"on CPU time (cpu_max_pct)");
	return knobs_check_cpus(k, cpus, false);
}

int load_set_knobs(struct load *l, const struct knobs *k, uint32_t cpus)
{
	int rc = load_check_knobs(k, l->cpus ? l->cpus : cpus);
	struct cgroups groups = {0};

	if (rc)
		return rc;
	add_cgroups(l, k, &groups);
	for (size_t i = 0; i < l->task_count; i++) {
		struct load_task *t = &l->tasks[i];
		int rule = rule_for(k, t);

		if (t->kernel)
			continue;
		if (k->set & KNOB_CGROUP)
			t->cgroup =
				rule < 0 ? groups.rest : groups.of_rule[rule];
		if (rule >= 0)
			set_rule(l, t, &k->rules[rule]);
	}
	return 0;
}
