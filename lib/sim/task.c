/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task's program.
 *
 * Instructions take no time but for what they cost; whatever a task still owes
 * is paid before its next instruction that others could notice.  Semaphores
 * hand themselves to who waited longest.  Mutexes are as futex ones: the one
 * that waited longest is woken and tries again, so another that comes first
 * may have it (the one that let go keeps its CPU), and who tried in vain waits
 * at the end again.  Spin locks go to who spins for the longest time of those
 * that are on a CPU.
 */
#include "sim/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* More instructions than this that take no time are a program that never
 * will. */
#define MAX_STEPS 1000000

struct queue {
	struct sim_task *first, *last;
};

struct sem {
	uint64_t count;
	struct queue queue;
};

struct mutex {
	uint32_t owner; /* a pid: who holds it may end; 0: nobody */
	struct queue queue;
};

struct barrier {
	uint32_t arrived;
	struct queue queue;
};

struct objects {
	struct sem *sems;
	struct mutex *mutexes;
	struct barrier *barriers;
	uint64_t *instances; /* of each kind of task */
	struct process {
		uint32_t tgid; /* 0: nothing of it has begun */
		bool led;      /* its leader has */
	} * processes;
};

int task_objects_init(struct sim *s)
{
	const struct load *l = s->load;
	struct objects *o = mem_zalloc(1, sizeof(*o));

	o->sems = mem_zalloc(l->sem_count, sizeof(*o->sems));
	o->mutexes = mem_zalloc(l->lock_count, sizeof(*o->mutexes));
	o->barriers = mem_zalloc(l->barrier_count, sizeof(*o->barriers));
	o->instances = mem_zalloc(l->task_count, sizeof(*o->instances));
	o->processes = mem_zalloc(l->process_count, sizeof(*o->processes));
	for (size_t i = 0; i < l->sem_count; i++)
		o->sems[i].count = l->sems[i].initial;
	s->objects = o;
	return 0;
}

void task_objects_release(struct sim *s)
{
	struct objects *o = s->objects;

	free(o->sems);
	free(o->mutexes);
	free(o->barriers);
	free(o->instances);
	free(o->processes);
	free(o);
}

/* ---- tasks ------------------------------------------------------------ */

/* A process has its leader's number, even if that comes later than others. */
static void number(struct sim *s, struct sim_task *t)
{
	struct objects *o = s->objects;
	struct process *p;

	if (!t->def->process) {
		t->pid = t->tgid = s->next_pid++;
		return;
	}
	p = &o->processes[t->def->process - 1];
	if (!p->tgid || (t->def->leader && p->led))
		*p = (struct process){.tgid = s->next_pid++};
	t->tgid = p->tgid;
	t->pid = t->def->leader ? p->tgid : s->next_pid++;
	p->led |= t->def->leader;
}

struct sim_task *task_new(struct sim *s, uint32_t def, struct sim_task *parent)
{
	struct objects *o = s->objects;
	struct load_task *d = &s->load->tasks[def];
	struct sim_task *t = mem_zalloc(1, sizeof(*t));

	t->def = d;
	t->group = d->group;
	number(s, t);
	t->state = TASK_NEW;
	t->nice = d->nice;
	t->weight = task_weight(d->policy, d->nice);
	t->cgroup = d->cgroup;
	t->identity = d->identity;
	t->parent = parent;
	t->loops = mem_zalloc(d->op_count, sizeof(*t->loops));
	t->begun = mem_zalloc(s->load->metric_count, sizeof(*t->begun));
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		uint64_t bit = 1ull << (i % 64);

		if (d->mask >= 0 &&
		    !(s->load->masks[d->mask].bits[i / 64] & bit))
			continue;
		t->allowed[i / 64] |= bit;
		t->nr_allowed++;
	}
	/* A mask for another machine: the kernel would refuse it. */
	if (!t->nr_allowed) {
		memset(t->allowed, 0xff, sizeof(t->allowed));
		t->nr_allowed = s->nr_cpus;
	}
	rng_init(&t->rng, s->o->seed + ((uint64_t)(def + 1) << 40) +
				  o->instances[def]++);
	return t;
}

void task_free(struct sim *s, struct sim_task *t)
{
	sim_event_cancel(s, &t->wake);
	s->tasks_kept--;
	free(t->loops);
	free(t->begun);
	free(t);
}

/* ---- waiting for each other ------------------------------------------- */

static void queue_add(struct queue *q, struct sim_task *t)
{
	t->wait_next = NULL;
	if (q->last)
		q->last->wait_next = t;
	else
		q->first = t;
	q->last = t;
}

static struct sim_task *queue_take(struct queue *q)
{
	struct sim_task *t = q->first;

	if (!t)
		return NULL;
	q->first = t->wait_next;
	if (!q->first)
		q->last = NULL;
	t->wait_next = NULL;
	return t;
}

static void queue_remove(struct queue *q, struct sim_task *t)
{
	struct sim_task **p = &q->first, *before = NULL;

	while (*p != t) {
		before = *p;
		p = &before->wait_next;
	}
	*p = t->wait_next;
	if (q->last == t)
		q->last = before;
	t->wait_next = NULL;
}

static void wake_all(struct sim *s, struct queue *q)
{
	struct queue woken = *q;
	struct sim_task *t;

	*q = (struct queue){0};
	while ((t = queue_take(&woken)))
		sim_wake(s, t, 0);
}

static bool sem_take(struct sem *sem, struct sim_task *t)
{
	if (sem->count) {
		sem->count--;
		return true;
	}
	queue_add(&sem->queue, t);
	return false;
}

static void sem_post(struct sim *s, const struct load_op *op)
{
	struct sem *sem = &((struct objects *)s->objects)->sems[op->obj];
	struct sim_task *t;

	if (!op->n) {
		wake_all(s, &sem->queue);
		return;
	}
	for (int32_t n = op->n; n > 0; n--) {
		t = queue_take(&sem->queue);
		if (t)
			sim_wake(s, t, 0);
		else if (!s->load->sems[op->obj].lossy)
			sem->count++;
		else
			break;
	}
}

static struct mutex *mutex(const struct sim *s, uint32_t obj)
{
	return &((struct objects *)s->objects)->mutexes[obj];
}

static bool lock(struct sim *s, uint32_t obj, struct sim_task *t)
{
	struct mutex *m = mutex(s, obj);

	if (!m->owner || m->owner == t->pid) {
		m->owner = t->pid;
		return true;
	}
	queue_add(&m->queue, t);
	return false;
}

static void stop_spinning(struct sim *s, struct sim_task *t)
{
	if (t->spin_on)
		queue_remove(&mutex(s, t->spin_on - 1)->queue, t);
	t->spin_on = 0;
	t->spinning = false;
}

static bool spin_lock(struct sim *s, uint32_t obj, struct sim_task *t)
{
	struct mutex *m = mutex(s, obj);

	/* It came to another CPU, where another lock is asked for. */
	if (t->spin_on && t->spin_on != obj + 1)
		stop_spinning(s, t);
	if (!m->owner || m->owner == t->pid) {
		stop_spinning(s, t);
		m->owner = t->pid;
		return true;
	}
	if (!t->spin_on)
		queue_add(&m->queue, t);
	t->spin_on = obj + 1;
	t->spinning = true;
	return false;
}

static void spin_hand_over(struct sim *s, struct mutex *m)
{
	struct sim_task *next = m->queue.first;

	while (next && !(next->spinning && next->state == TASK_ON_CPU))
		next = next->wait_next;
	if (!next)
		return;
	m->owner = next->pid;
	stop_spinning(s, next);
	task_look(s, next);
}

static void unlock(struct sim *s, uint32_t obj, struct sim_task *t)
{
	struct mutex *m = mutex(s, obj);
	struct sim_task *next;

	if (m->owner != t->pid)
		return;
	m->owner = 0;
	if (m->queue.first && m->queue.first->spin_on) {
		spin_hand_over(s, m);
		return;
	}
	next = queue_take(&m->queue);
	if (next)
		sim_wake(s, next, 0);
}

static enum task_next lock_op(struct sim *s, struct sim_task *t,
			      const struct load_op *op)
{
	uint32_t obj = op->obj + (op->obj2 ? t->cpu % op->obj2 : 0);

	if (op->n) {
		if (spin_lock(s, obj, t))
			t->op++;
		return TASK_WORKS;
	}
	if (!lock(s, obj, t))
		return TASK_BLOCKED;
	t->op++;
	return TASK_WORKS;
}

static void unlock_op(struct sim *s, struct sim_task *t,
		      const struct load_op *op)
{
	uint32_t obj = op->obj, end = obj + (op->obj2 ? op->obj2 : 1);

	while (obj < end && mutex(s, obj)->owner != t->pid)
		obj++;
	if (obj < end)
		unlock(s, obj, t);
}

/* Waits with the mutex given up; woken (t->taken) it wants that again. */
static enum task_next cond_wait(struct sim *s, struct sim_task *t,
				const struct load_op *op)
{
	struct sem *sem = &((struct objects *)s->objects)->sems[op->obj];

	if (!t->taken) {
		t->taken = true;
		unlock(s, op->obj2, t);
		if (!sem_take(sem, t))
			return TASK_BLOCKED;
	}
	if (!lock(s, op->obj2, t))
		return TASK_BLOCKED;
	t->taken = false;
	t->op++;
	return TASK_WORKS;
}

static enum task_next barrier(struct sim *s, struct sim_task *t,
			      const struct load_op *op)
{
	struct barrier *b = &((struct objects *)s->objects)->barriers[op->obj];

	t->op++;
	if (++b->arrived < (uint32_t)op->n) {
		queue_add(&b->queue, t);
		return TASK_BLOCKED;
	}
	b->arrived = 0;
	wake_all(s, &b->queue);
	return TASK_WORKS;
}

/* ---- instructions ----------------------------------------------------- */

static uint64_t draw(struct sim_task *t, const struct load_op *op)
{
	if (op->dist.kind == DIST_CONST)
		return op->dist.ns;
	return load_draw(&op->dist, rng_unit(&t->rng));
}

static enum task_next timer(struct sim *s, struct sim_task *t,
			    const struct load_op *op)
{
	t->op++;
	if (!t->timer_armed) {
		t->timer_armed = true;
		t->timer_next = s->now;
	}
	t->timer_next += draw(t, op);
	if (t->timer_next > s->now) {
		task_sleep(s, t, t->timer_next);
		return TASK_BLOCKED;
	}
	if (op->n)
		t->timer_next = s->now;
	return TASK_WORKS;
}

static void asks(const struct sim *s, struct sim_task *t, uint64_t ns)
{
	uint64_t paid = t->burst_ns + t->penalty_ns;

	t->work_ns = ns;
	if (s->load->costs_inside && !t->asked_ns)
		t->work_ns -= paid < ns ? paid : ns;
	t->asked_ns += ns;
}

/* Instructions about the program itself: they may be done at any time. */
static bool control(const struct sim *s, struct sim_task *t,
		    const struct load_op *op)
{
	switch (op->what) {
	case LOAD_RUN:
		asks(s, t, draw(t, op));
		t->op++;
		return true;
	case LOAD_SKIP:
		t->op++;
		if (rng_unit(&t->rng) < (double)op->p)
			t->op += (uint32_t)op->n;
		return true;
	case LOAD_LOOP:
		if (op->n && ++t->loops[t->op] >= (uint32_t)op->n) {
			t->loops[t->op] = 0;
			t->op++;
		} else {
			t->op = op->obj;
		}
		return true;
	default:
		return false;
	}
}

/* What the instruction costs; it is paid for before it is done. */
static uint64_t cost(const struct sim *s, const struct load_op *op)
{
	switch (op->what) {
	case LOAD_FORK:
		return s->o->costs.fork_ns;
	case LOAD_EXEC:
		return s->o->costs.exec_ns;
	case LOAD_EXIT:
		return s->o->costs.exit_ns;
	default:
		return 0;
	}
}

static enum task_next changed(struct sim_task *t)
{
	return t->state == TASK_ON_CPU ? TASK_WORKS : TASK_CHANGED;
}

/* What others may notice, and what needs no waiting. */
static enum task_next act(struct sim *s, struct sim_task *t,
			  const struct load_op *op)
{
	t->op++;
	switch (op->what) {
	case LOAD_SPIN:
		t->spin_until = s->now + draw(t, op);
		return TASK_WORKS;
	case LOAD_SLEEP:
		task_sleep(s, t, s->now + draw(t, op));
		return TASK_BLOCKED;
	case LOAD_POST:
		sem_post(s, op);
		return TASK_WORKS;
	case LOAD_UNLOCK:
		unlock_op(s, t, op);
		return TASK_WORKS;
	case LOAD_FORK:
		task_fork(s, t, op->obj);
		return TASK_WORKS;
	case LOAD_EXEC:
		task_exec(s, t, op->id);
		return changed(t);
	case LOAD_NICE:
		task_set_nice(s, t, op->n);
		return TASK_CHANGED;
	case LOAD_AFFINITY:
		task_set_mask(s, t, &s->load->masks[op->obj]);
		return TASK_CHANGED;
	case LOAD_PIN:
		task_set_pin(s, t, op->n != 0);
		return changed(t);
	case LOAD_BEGIN:
		task_unit_begins(s, t, op);
		return TASK_WORKS;
	case LOAD_DONE:
		task_unit_done(s, t, op->obj);
		return TASK_WORKS;
	case LOAD_YIELD:
		return TASK_YIELDED;
	default:
		return TASK_ENDED;
	}
}

/* One instruction; what waits for others moves on only when it has it. */
static enum task_next step(struct sim *s, struct sim_task *t,
			   const struct load_op *op)
{
	struct objects *o = s->objects;

	switch (op->what) {
	case LOAD_WAIT:
		t->op++;
		return sem_take(&o->sems[op->obj], t) ? TASK_WORKS
						      : TASK_BLOCKED;
	case LOAD_LOCK:
		return lock_op(s, t, op);
	case LOAD_COND_WAIT:
		return cond_wait(s, t, op);
	case LOAD_BARRIER:
		return barrier(s, t, op);
	case LOAD_TIMER:
		return timer(s, t, op);
	case LOAD_JOIN:
		t->op++;
		t->joining = t->children > 0;
		return t->joining ? TASK_BLOCKED : TASK_WORKS;
	default:
		return act(s, t, op);
	}
}

uint64_t task_ahead(const struct sim *s, const struct sim_task *t)
{
	const struct objects *o = s->objects;
	uint64_t sum = t->work_ns, taken = 0;

	for (uint32_t i = t->op;; i++) {
		const struct load_op *op = &t->def->ops[i];

		switch (op->what) {
		case LOAD_RUN:
			sum += op->dist.ns;
			break;
		case LOAD_WAIT:
			/* It goes on with what was posted meanwhile. */
			if (taken++ >= o->sems[op->obj].count)
				return sum;
			break;
		case LOAD_POST:
		case LOAD_FORK:
		case LOAD_EXEC:
		case LOAD_NICE:
		case LOAD_BEGIN:
		case LOAD_DONE:
			break;
		default:
			return sum;
		}
	}
}

enum task_next task_advance(struct sim *s, struct sim_task *t)
{
	for (int steps = 0; steps < MAX_STEPS && !s->over; steps++) {
		const struct load_op *op = &t->def->ops[t->op];
		enum task_next next;

		if (t->work_ns || t->spinning || t->spin_until > s->now)
			return TASK_WORKS;
		if (control(s, t, op))
			continue;
		if (!t->paid && cost(s, op)) {
			t->penalty_ns += cost(s, op);
			t->paid = true;
		}
		if (t->penalty_ns)
			return TASK_WORKS;
		t->paid = false;
		next = step(s, t, op);
		if (next != TASK_WORKS)
			return next;
	}
	if (!s->over)
		s->r->outcome = SIM_LIMIT;
	s->over = true;
	return TASK_WORKS;
}
