/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ladder takes of a machine that others use as well: cores for
 * the simulator, a guest with its cores and memory for runs.  It is waited for
 * before anything is measured.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agents/verifier/state.h"

#define CORE	     1000
#define GUEST_CPUS   4	  /* at most, where nothing is said */
#define GUEST_MEMORY 1024 /* MiB */

static long cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n;
}

/* As many as are simulated at the same time. */
static void need_simulator(const struct verifier *v, struct rt_request *q)
{
	long most = cores(), n = 0;

	for (size_t i = 0; i < v->count; i++)
		n += candidate_alive(&v->all[i]);
	q->kind = RT_SIM;
	q->need.v[RES_CORES] = CORE * (n < most ? n : most);
}

static void need_target(const struct verifier_opts *o, struct rt_request *q)
{
	long most = cores(), cpus = o->cpus;

	q->kind = RT_GUEST;
	/* What is measured on the host itself has all of it. */
	if (!strcmp(o->target, "host"))
		cpus = most;
	else
		q->need.v[RES_GUESTS] = 1;
	if (!cpus)
		cpus = GUEST_CPUS;
	q->need.v[RES_CORES] = CORE * (cpus < most ? cpus : most);
	q->need.v[RES_MEMORY] = o->memory_mib ? o->memory_mib : GUEST_MEMORY;
}

/* One that can never be had is gone without. */
static bool is_hopeless(int rc)
{
	return rc == -ERANGE || rc == -ENODEV || rc == -EPERM;
}

bool lease_take(struct verifier *v, enum stage_id id)
{
	struct rt_request q;
	int rc;

	if (!v->o->runtime || v->cancelled || v->failed)
		return !v->cancelled && !v->failed;
	rt_request_init(&q);
	q.place = RT_SELF;
	if (id == STAGE_SIM)
		need_simulator(v, &q);
	else
		need_target(v->o, &q);
	run_progress(v, "waiting for %s",
		     id == STAGE_SIM ? "cores" : "a guest");
	rc = rt_lease_take(v->o->runtime, &q, v->o->cancel, &v->lease);
	rt_request_release(&q);
	if (rc && !is_hopeless(rc))
		target_fail(v, rc);
	if (rc)
		v->lease = 0;
	return !v->cancelled && !v->failed;
}

void lease_give(struct verifier *v)
{
	struct rt_outcome o;

	if (!v->lease)
		return;
	rt_outcome_init(&o);
	rt_lease_give(v->o->runtime, v->lease, &o);
	rt_outcome_release(&o);
	v->lease = 0;
}
