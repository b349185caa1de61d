/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/err.h"
#include "sim/load_make.h"

/* What an instruction's obj counts, for the message. */
static const char *object_of(const struct load *l, const struct load_op *op,
			     size_t *count)
{
	switch (op->what) {
	case LOAD_WAIT:
	case LOAD_POST:
	case LOAD_COND_WAIT:
		*count = l->sem_count;
		return "semaphore";
	case LOAD_LOCK:
	case LOAD_UNLOCK:
		*count = l->lock_count;
		return "lock";
	case LOAD_BARRIER:
		*count = l->barrier_count;
		return "barrier";
	case LOAD_FORK:
		*count = l->task_count;
		return "task";
	case LOAD_AFFINITY:
		*count = l->mask_count;
		return "mask";
	case LOAD_BEGIN:
	case LOAD_DONE:
		*count = l->metric_count;
		return "metric";
	default:
		return NULL;
	}
}

static const char *dist_wrong(const struct load_dist *d)
{
	uint64_t last = 0;

	if (d->ns > LOAD_MAX_NS || d->max_ns > LOAD_MAX_NS)
		return "a time is over two years";
	if (d->kind == DIST_UNIFORM && d->max_ns < d->ns)
		return "a range of times ends before it begins";
	if (d->kind != DIST_QUANTILE)
		return NULL;
	if (!d->table)
		return "a table of quantiles is missing";
	for (size_t i = 0; i < LOAD_QUANTILES; i++) {
		if (d->table[i] < last || d->table[i] > LOAD_MAX_NS)
			return "a table of quantiles does not ascend";
		last = d->table[i];
	}
	return NULL;
}

/* Whether something in [from, to] can take time or wait. */
static bool takes_time(const struct load_task *t, size_t from, size_t to)
{
	for (size_t i = from; i <= to; i++) {
		const struct load_dist *d = &t->ops[i].dist;

		switch (t->ops[i].what) {
		case LOAD_RUN:
		case LOAD_SPIN:
		case LOAD_SLEEP:
		case LOAD_TIMER:
			if (d->ns || d->max_ns ||
			    (d->table && d->table[LOAD_QUANTILES - 1]))
				return true;
			break;
		case LOAD_WAIT:
		case LOAD_COND_WAIT:
		case LOAD_BARRIER:
		case LOAD_JOIN:
		case LOAD_YIELD:
			return true;
		default:
			break;
		}
	}
	return false;
}

static const char *jump_wrong(const struct load_task *t, size_t at)
{
	const struct load_op *op = &t->ops[at];

	if (op->what == LOAD_SKIP) {
		if (op->n < 0 || at + 1 + (size_t)op->n >= t->op_count)
			return "a skip leaves the program";
		return NULL;
	}
	if (op->what != LOAD_LOOP)
		return NULL;
	if (op->obj > at || op->n < 0)
		return "a loop does not go back";
	if (!op->n && !takes_time(t, op->obj, at))
		return "a loop for ever that takes no time";
	return NULL;
}

static const char *op_wrong(const struct load *l, const struct load_task *t,
			    size_t at)
{
	const struct load_op *op = &t->ops[at];
	size_t count = 0;
	const char *wrong;

	if (op->what > LOAD_EXIT)
		return "it is unknown";
	if (object_of(l, op, &count) && op->obj >= count)
		return "its object does not exist";
	if ((op->what == LOAD_LOCK || op->what == LOAD_UNLOCK) && op->obj2 &&
	    op->obj2 > l->lock_count - op->obj)
		return "its locks do not exist";
	if (op->what == LOAD_COND_WAIT && op->obj2 >= l->lock_count)
		return "the condition's lock does not exist";
	if (op->what == LOAD_BARRIER && op->n < 1)
		return "a barrier for nobody";
	if (op->what == LOAD_POST && op->n < 0)
		return "a semaphore is posted less than no times";
	if (op->what == LOAD_NICE && (op->n < -20 || op->n > 19))
		return "nice values go from -20 to 19";
	wrong = dist_wrong(&op->dist);
	return wrong ? wrong : jump_wrong(t, at);
}

static int check_task(const struct load *l, const struct load_task *t)
{
	const struct load_op *last;

	if (t->group >= l->group_count)
		return err_set(EINVAL, "task '%s': no such group", t->name);
	if (t->cgroup >= l->cgroup_count)
		return err_set(EINVAL, "task '%s': no such cgroup", t->name);
	if (t->process > l->process_count || (t->leader && !t->process))
		return err_set(EINVAL, "task '%s': no such process", t->name);
	if (t->mask >= 0 && (size_t)t->mask >= l->mask_count)
		return err_set(EINVAL, "task '%s': no such mask", t->name);
	if (t->nice < -20 || t->nice > 19)
		return err_set(EINVAL,
			       "task '%s': nice values go from -20 to 19",
			       t->name);
	if (!t->op_count || t->op_count > LOAD_MAX_OPS)
		return err_set(EINVAL, "task '%s' has %zu instructions",
			       t->name, t->op_count);
	for (size_t i = 0; i < t->op_count; i++) {
		const char *wrong = op_wrong(l, t, i);

		if (wrong)
			return err_set(EINVAL, "task '%s', instruction %zu: %s",
				       t->name, i, wrong);
	}
	last = &t->ops[t->op_count - 1];
	if (last->what != LOAD_EXIT && (last->what != LOAD_LOOP || last->n))
		return err_set(EINVAL, "task '%s' has no end", t->name);
	return 0;
}

static int check_machine(const struct load *l)
{
	uint64_t last = 0;

	if (l->cpus > LOAD_MAX_CPUS)
		return err_set(EINVAL, "%u CPUs: there may be %d", l->cpus,
			       LOAD_MAX_CPUS);
	for (size_t i = 0; i < l->event_count; i++) {
		if (l->events[i].cpu >= LOAD_MAX_CPUS ||
		    l->events[i].at_ns < last)
			return err_set(EINVAL, "event %zu is out of order", i);
		last = l->events[i].at_ns;
	}
	for (size_t i = 0; i < l->mask_count; i++) {
		uint64_t any = 0;

		for (size_t j = 0; j < LOAD_CPU_WORDS; j++)
			any |= l->masks[i].bits[j];
		if (!any)
			return err_set(EINVAL, "mask %zu allows no CPU", i);
	}
	for (size_t i = 0; i < l->cgroup_count; i++) {
		const struct load_cgroup *c = &l->cgroups[i];

		if (c->parent >= (i ? i : 1) || c->weight < 1 ||
		    c->weight > 10000)
			return err_set(EINVAL,
				       "cgroup '%s': its parent or its weight "
				       "is out of range",
				       c->name);
	}
	return 0;
}

int load_check(const struct load *l)
{
	uint64_t instances = 0;
	int rc = check_machine(l);

	if (!l->task_count || l->task_count > LOAD_MAX_TASKS)
		return err_set(EINVAL, "a load of %zu tasks: 1 to %u may be",
			       l->task_count, LOAD_MAX_TASKS);
	for (size_t i = 0; i < l->task_count && !rc; i++) {
		rc = check_task(l, &l->tasks[i]);
		instances += l->tasks[i].instances;
	}
	if (!rc && (!instances || instances > LOAD_MAX_INSTANCES))
		rc = err_set(EINVAL, "%llu tasks are started: 1 to %u may be",
			     (unsigned long long)instances, LOAD_MAX_INSTANCES);
	return rc;
}
