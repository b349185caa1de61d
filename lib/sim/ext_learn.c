/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy that follows a model has of the world beside its tasks: the
 * context that user space would fill in, an oracle in place of the model, and
 * what the policy found out about its model.
 */
#include "sim/ext.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/learned.h"

/* As lib/trace/context.c looks at a machine. */
#define LOOK_NS	  100000000u
#define LOOKS	  10   /* … a second: as often it says how many waited */
#define LOAD_PART 10   /* one of so many: a new value in the average */
#define LOAD_BITS 8    /* below that, in the average */
#define PRESSED	  1000 /* 1/100 percent of a second: a tenth of it */

struct ext_look {
	struct sim_event event;
	struct ext *e;
	uint64_t load; /* in 1/256, LOAD_BITS more; per CPU */
	uint32_t looks, pressed;
	struct feature_context is;
};

/* ---- the context ------------------------------------------------------- */

static void tell_context(struct ext *e, const struct feature_context *c)
{
	uint32_t zero = 0;

	vm_map_set(e->vm, object_map(e->policy->object, "model_context"), &zero,
		   sizeof(zero), 0, c, sizeof(*c));
}

static void look(struct sim *s, struct sim_event *ev)
{
	struct ext_look *c = (struct ext_look *)ev;
	uint32_t waiting = 0, running = 0;
	uint64_t load;

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		waiting += s->cpus[i].nr_waiting;
		running += s->cpus[i].curr != NULL;
	}
	load = ((uint64_t)(waiting + running) << (8 + LOAD_BITS)) / s->nr_cpus;
	c->load = (c->load * (LOAD_PART - 1) + load) / LOAD_PART;
	load = c->load >> LOAD_BITS;
	c->is.load = (int16_t)(load < INT16_MAX ? load : INT16_MAX);
	c->pressed += waiting > 0;
	if (++c->looks == LOOKS) {
		c->is.pressure = (int16_t)(c->pressed * PRESSED);
		c->looks = c->pressed = 0;
	}
	tell_context(c->e, &c->is);
	sim_event_set(s, ev, sim_now(s) + LOOK_NS);
}

/* ---- the oracle -------------------------------------------------------- */

/* In place of foretell() of bpf/policy_learned.bpf.h, which is about the task
 * that its callback is about. */
static uint64_t foretell(struct vm *vm, const uint64_t r[5])
{
	struct ext *e = ext_of(vm);
	const struct ext_task *x = e->arg[0];

	(void)r;
	if (!x || !x->t)
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a burst is foretold of no task");
	/* Costs are part of a burst, too. */
	return (uint64_t)feature_log2(task_ahead(e->s, x->t) + x->t->costs_ns);
}

int sim_policy_oracle(struct sim_policy *p)
{
	if (object_map(p->object, "models") < 0)
		return err_set(ENOTSUP, "the object asks no model");
	p->oracle = true;
	return 0;
}

/* ---- begin and end ----------------------------------------------------- */

int ext_learn_start(struct ext *e)
{
	if (e->policy->oracle) {
		int rc = vm_override(e->vm, "foretell", foretell);

		if (rc)
			return rc;
	}
	if (object_map(e->policy->object, "model_context") < 0)
		return 0;
	e->look = mem_zalloc(1, sizeof(*e->look));
	*e->look = (struct ext_look){
		.event = {.fire = look, .background = true},
		.e = e,
	};
	look(e->s, &e->look->event);
	return 0;
}

void ext_learn_report(struct ext *e)
{
	int map = object_map(e->policy->object, "model_report");
	struct learned_report r = {0};
	uint32_t zero = 0;

	if (map < 0 ||
	    vm_map_get(e->vm, map, &zero, sizeof(zero), 0, &r, sizeof(r)))
		return;
	e->s->r->model = json_object();
	learned_json(&r, e->s->r->model);
}

void ext_learn_stop(struct ext *e)
{
	if (e->look)
		sim_event_cancel(e->s, &e->look->event);
	free(e->look);
}
