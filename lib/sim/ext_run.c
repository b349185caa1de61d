/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calling the policy, and what happens when it does wrong. */
#include "sim/ext.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_LEN 512
/* include/linux/preempt.h */
#define HARDIRQ_OFFSET 0x10000

const char *const ext_op_names[EXT_OP_COUNT] = {
#define X(name) #name,
	EXT_OPS(X)
#undef X
};

const char *const ext_trace_names[EXT_TRACE_COUNT] = {
#define X(name) #name,
	EXT_TRACES(X)
#undef X
};

/* ---- ends ------------------------------------------------------------- */

static const char *reason_of(int kind)
{
	switch (kind) {
	case SCX_EXIT_UNREG:
		return "unregistered from user space";
	case SCX_EXIT_UNREG_BPF:
		return "unregistered from BPF";
	case SCX_EXIT_UNREG_KERN:
		return "unregistered from the main kernel";
	case SCX_EXIT_ERROR_BPF:
		return "scx_bpf_error";
	case SCX_EXIT_ERROR_STALL:
		return "runnable task stall";
	default:
		return "runtime error";
	}
}

uint32_t ext_first_insn(const struct ext *e, enum ext_op op)
{
	return ext_has(e, op) ? e->policy->object->funcs[e->op[op]].first
			      : EXT_NO_INSN;
}

void ext_line(const struct ext *e, uint32_t insn, const char **file,
	      uint32_t *line)
{
	const struct object_line *l;

	if (insn == EXT_NO_INSN)
		return;
	l = object_line(e->policy->object, insn);
	if (l) {
		*file = l->file;
		*line = l->line;
	}
}

/* The first one counts. */
void ext_exit(struct ext *e, int kind, int64_t code, const char *fmt, ...)
{
	char text[TEXT_LEN];
	va_list ap;

	if (e->dead)
		return;
	e->dead = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->exit.kind = kind;
	e->exit.exit_code = code;
	snprintf(e->exit_text, sizeof(e->exit_text), "%s", text);
	sim_eject(e->s, kind, code, "%s (%s)", reason_of(kind), text);
}

void ext_error(struct ext *e, enum sim_rule rule, uint32_t insn,
	       const char *fmt, ...)
{
	const char *file = NULL;
	char text[TEXT_LEN];
	uint32_t line = 0;
	va_list ap;

	if (e->dead)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ext_line(e, insn, &file, &line);
	sim_find(e->s, rule, file, line, "%s", text);
	ext_exit(e, SCX_EXIT_ERROR, 0, "%s", text);
}

const char *ext_reason(const struct ext *e)
{
	return reason_of((int)e->exit.kind);
}

static void faulted(struct ext *e)
{
	const struct vm_fault *f = vm_fault(e->vm);
	enum sim_rule rule =
		f->kind == VM_FAULT_UNSUPPORTED ? SIM_UNSUPPORTED : SIM_FAULT;

	sim_find(e->s, rule, f->file, f->line, "%s: %s",
		 f->func ? f->func : "?", f->text);
	ext_exit(e, SCX_EXIT_ERROR, 0, "%s: %s", f->func ? f->func : "?",
		 f->text);
}

static const char *running_name(const struct ext *e)
{
	return e->running ? e->running : "another place";
}

bool ext_allowed(struct ext *e, const char *what, unsigned contexts)
{
	if (e->context & contexts)
		return true;
	vm_fault_set(e->vm, VM_FAULT_CONTEXT, "%s() must not be called in %s",
		     what, running_name(e));
	return false;
}

/* ---- running ---------------------------------------------------------- */

static struct sim_callback_result *stat_of(struct ext *e, int *index,
					   const char *name)
{
	struct sim_result *r = e->s->r;

	if (*index < 0) {
		if (r->callback_count >= SIM_MAX_CALLBACKS)
			return NULL;
		*index = (int)r->callback_count++;
		r->callbacks[*index].name = name;
	}
	return &r->callbacks[*index];
}

static void account(struct ext *e, struct sim_callback_result *stat,
		    uint64_t insns)
{
	const struct sim_costs *c = &e->s->o->costs;

	if (stat) {
		stat->calls++;
		stat->insns += insns;
		if (insns > stat->insns_max)
			stat->insns_max = insns;
	}
	if (e->enabled && !e->dead)
		sim_charge(e->s, &e->s->cpus[e->cpu],
			   c->callback_ns +
				   (uint64_t)((double)insns * c->insn_ns));
}

static void iters_end(struct ext *e)
{
	for (int i = 0; i < EXT_MAX_ITERS; i++)
		if (e->iters[i].used)
			dsq_iter_end(&e->iters[i]);
	e->iters_open = false;
}

/* Runs one function; the answer is 0 if it faults. */
static uint64_t run(struct ext *e, int func, int timer, const char *name,
		    int *stat, const uint64_t *args, int nargs)
{
	uint64_t before = vm_insns(e->vm), inner = e->inner_insns, own, r0 = 0;
	struct sim_callback_result *st = stat_of(e, stat, name);
	const char *running = e->running;
	int rc;

	e->running = name;
	e->preempt_count[e->cpu] = e->s->current ? 0 : HARDIRQ_OFFSET;
	e->depth++;
	rc = timer >= 0 ? vm_timer_fire(e->vm, (uint32_t)timer)
			: vm_run_ctx(e->vm, func, args, nargs, &r0);
	e->depth--;
	e->running = running;
	own = vm_insns(e->vm) - before - (e->inner_insns - inner);
	e->inner_insns += own;
	account(e, st, own);
	if (!e->depth && e->iters_open)
		iters_end(e);
	if (rc < 0) {
		faulted(e);
		return 0;
	}
	return r0;
}

static bool is_last(enum ext_op op)
{
	return op == OP_exit || op == OP_exit_task || op == OP_disable ||
	       op == OP_cgroup_exit || op == OP_dump || op == OP_dump_cpu ||
	       op == OP_dump_task;
}

uint64_t ext_call(struct ext *e, enum ext_op op, enum ext_context ctx,
		  uint32_t locked, const uint64_t *args, int nargs)
{
	unsigned context = e->context;
	uint32_t was_locked = e->locked;
	uint64_t r0;

	if (!ext_has(e, op) || (e->dead && !is_last(op)))
		return 0;
	e->context = ctx;
	e->locked = locked;
	r0 = run(e, e->op[op], -1, ext_op_names[op], &e->stat_of_op[op], args,
		 nargs);
	e->context = context;
	e->locked = was_locked;
	return r0;
}

uint64_t ext_call_task(struct ext *e, enum ext_op op, enum ext_context ctx,
		       struct ext_task *x, uint64_t arg)
{
	uint64_t args[2] = {ext_addr(x), arg}, r0;
	struct ext_task *a0 = e->arg[0], *a1 = e->arg[1];

	if (!ext_has(e, op))
		return 0;
	e->arg[0] = x;
	e->arg[1] = NULL;
	r0 = ext_call(e, op, ctx, x->k.thread_info.cpu, args, 2);
	e->arg[0] = a0;
	e->arg[1] = a1;
	return r0;
}

void ext_trace(struct ext *e, enum ext_trace what, const uint64_t *args,
	       int nargs)
{
	unsigned context = e->context;

	if (e->dead)
		return;
	e->context = CTX_FREE;
	for (int i = 0; i < e->trace_count[what]; i++)
		run(e, e->trace[what][i], -1, ext_trace_names[what],
		    &e->stat_of_trace[what], args, nargs);
	e->context = context;
}

/* ---- timers ----------------------------------------------------------- */

static void fire_timer(struct sim *s, struct sim_event *ev)
{
	struct ext_timer *t = (struct ext_timer *)ev;
	struct ext *e = t->e;

	(void)s;
	if (e->dead)
		return;
	e->cpu = t->cpu;
	e->context = CTX_FREE;
	run(e, -1, (int)t->id, "timer", &e->stat_of_timer, NULL, 0);
	e->context = 0;
	ext_kicks_done(e, e->cpu);
}

/* The VM asks for its timers to be set here. */
void ext_set_timer(void *arg, uint32_t id, uint64_t ns, bool absolute,
		   bool pinned)
{
	struct ext *e = arg;
	uint64_t at = absolute ? ns - EXT_EPOCH_NS : sim_now(e->s) + ns;
	struct ext_timer *t;

	(void)pinned; /* timers never move here */
	if (id >= e->timer_count) {
		e->timers = mem_realloc(e->timers, id + 1, sizeof(*e->timers));
		while (e->timer_count <= id) {
			t = mem_zalloc(1, sizeof(*t));
			t->event.fire = fire_timer;
			t->e = e;
			t->id = e->timer_count;
			e->timers[e->timer_count++] = t;
		}
	}
	t = e->timers[id];
	t->cpu = e->cpu;
	if (!ns)
		sim_event_cancel(e->s, &t->event);
	else
		sim_event_set(e->s, &t->event,
			      at > sim_now(e->s) &&
					      (!absolute || ns > EXT_EPOCH_NS)
				      ? at
				      : sim_now(e->s));
}
