/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What held a task up, by what the dump shows of its queue and its CPUs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/triage/parts.h"
#include "base/mem.h"

/* SCX_TASK_DSQ_ON_PRIQ: in order of vtime, not of arrival. */
#define ON_PRIQ 1u
/* SCX_SLICE_INF. */
#define SLICE_INF UINT64_MAX
/* Of the time that a task waited: what so much of it explains. */
#define MUCH 0.4
/* Of what the watchdog was late: whoever it was about waited longer. */
#define PART 0.6
/* In a dump that was asked for nobody need have waited for long. */
#define LONG_MS 1000

#define ABOVE	"of a real-time, deadline or stop class"
#define DEFAULT "of the kernel's default class"

struct words {
	const char *name, *way_out;
};

/* clang-format off */
static const struct words words[CAUSE_COUNT] = {
	[CAUSE_ASKED] = {"asked", ""},
	[CAUSE_POLICY_ERROR] = {"policy-error",
		"mend the policy: 'sched-verify --stages lint,build,prove,sim' "
		"names the line, and 'sched-history best' a policy that is "
		"accepted"},
	[CAUSE_LOCKUP] = {"lockup",
		"look above it in the kernel's log: code of the kernel held a "
		"CPU without letting go; the policy only goes first"},
	[CAUSE_RT_HOG] = {"rt-hog",
		"no policy runs a task below a real-time or deadline one: take "
		"the class away from that one (chrt -o -p 0 PID), give it a "
		"CPU of its own, or let the others go elsewhere (taskset)"},
	[CAUSE_DEFAULT_CLASS] = {"default-class",
		"tasks of the kernel's default class go before those of a "
		"policy that was attached for a part of them: attach it for "
		"all, or give these CPUs to that part alone (a cpuset)"},
	[CAUSE_LATE_TICK] = {"late-tick",
		"a stall that is seen once in a virtual machine says little of "
		"the policy: give the machine CPUs that nobody else uses, and "
		"try again; otherwise look for what keeps interrupts off"},
	[CAUSE_NEVER_INSERTED] = {"never-inserted",
		"every path of enqueue has to insert the task, or keep it "
		"where dispatch finds it: 'sched-verify --stages prove,sim' "
		"names the path"},
	[CAUSE_LONG_TURNS] = {"long-turns",
		"shorter turns (slice_us), and a starve_us well below the "
		"watchdog's timeout_ms, so that who waited so long goes first"},
	[CAUSE_PASSED_OVER] = {"passed-over",
		"a starve_us well below the watchdog's timeout_ms, so that who "
		"waited so long goes first; an order that ages (fifo), or "
		"less weight for those before it (nice)"},
	[CAUSE_PINNED] = {"pinned",
		"a task that may run on one CPU only is to wait in that CPU's "
		"own queue, and that CPU has to look there first; or let the "
		"task go elsewhere (taskset -pc 0-N PID)"},
	[CAUSE_KTHREAD] = {"kthread",
		"threads of the kernel that belong to one CPU are to be "
		"inserted into SCX_DSQ_LOCAL at once, as the template does: "
		"whole machines wait for them"},
	[CAUSE_UNDRAINED] = {"undrained-queue",
		"dispatch has to move tasks from every queue that enqueue "
		"fills (scx_bpf_dsq_move_to_local), on every CPU that they may "
		"run on, and none of them only when the others are empty: "
		"'sched-verify --stages prove,sim' names the queue"},
	[CAUSE_IDLE_CPU] = {"idle-cpu",
		"wake a CPU when a task is queued for it (scx_bpf_kick_cpu "
		"with SCX_KICK_IDLE), and claim an idle one only to use it"},
	[CAUSE_UNKNOWN] = {"unknown",
		"a longer dump (exit_dump_len of the policy), or the trace "
		"point sched_ext_dump, shows the queues; a policy that is "
		"trusted goes on meanwhile: 'sched-history best'"},
};
/* clang-format on */

/* ---- telling ----------------------------------------------------------- */

void triage_see(struct triage_evidence *e, size_t line)
{
	if (line == DUMP_NO_LINE || e->n == TRIAGE_EVIDENCE)
		return;
	for (size_t i = 0; i < e->n; i++)
		if (e->line[i] == line)
			return;
	e->line[e->n++] = line;
}

static int by_line(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void triage_add(struct triage *t, enum triage_cause c,
		const struct triage_evidence *seen, const char *fmt, ...)
{
	struct json *v = json_add(t->causes, json_object()), *list;
	struct triage_evidence e = *seen;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_set_string(v, "cause", words[c].name);
	json_set_string(v, "text", text);
	json_set_string(v, "way_out", words[c].way_out);
	list = json_set(v, "evidence", json_array());
	qsort(e.line, e.n, sizeof(*e.line), by_line);
	for (size_t i = 0; i < e.n; i++) {
		const char *s = t->dump.line[e.line[i]];
		struct json *row = json_add(list, json_object());

		json_set_number(row, "line", (double)(e.line[i] + 1));
		json_set_string(row, "text", s + strspn(s, " "));
	}
	if (t->cause == CAUSE_COUNT)
		t->cause = c;
}

/* The lines about the task itself. */
static struct triage_evidence about(const struct triage *t)
{
	struct triage_evidence e = {.n = 0};

	triage_see(&e, t->task->line);
	for (size_t i = t->task->line; i <= t->task->last_line; i++) {
		const char *s = t->dump.line[i];

		if (strstr(s, " dsq_id=") || strstr(s, " cpus="))
			triage_see(&e, i);
	}
	return e;
}

static double waited_ms(const struct triage *t)
{
	return t->dump.waited_s > 0 ? t->dump.waited_s * 1000
				    : (double)t->task->wait_ms;
}

/* ---- CPUs -------------------------------------------------------------- */

static bool is_above(const struct dump_cpu *c)
{
	return !strcmp(c->class, "rt_sched_class") ||
	       !strcmp(c->class, "dl_sched_class") ||
	       !strcmp(c->class, "stop_sched_class");
}

static bool is_default(const struct dump_cpu *c)
{
	return !strcmp(c->class, "fair_sched_class");
}

static bool is_idle(const struct dump_cpu *c)
{
	return !strcmp(c->class, "idle_sched_class");
}

static unsigned cpus_open(const struct triage *t)
{
	unsigned n = 0;

	for (int cpu = 0; cpu < DUMP_MAX_CPUS; cpu++)
		n += triage_may_run(t, cpu);
	return n;
}

/* Who holds a CPU that the task may run on is of a class above the policy's:
 * all of these CPUs, or (whole false) one. */
static void held_by(struct triage *t, bool (*is)(const struct dump_cpu *c),
		    enum triage_cause cause, const char *what, bool whole)
{
	struct triage_evidence e = about(t);
	const struct dump_cpu *held = NULL;
	unsigned n = 0, open = cpus_open(t);

	for (size_t i = 0; i < t->dump.cpus; i++) {
		const struct dump_cpu *c = &t->dump.cpu[i];

		if (!triage_may_run(t, c->cpu) || !is(c))
			continue;
		held = held ? held : c;
		triage_see(&e, c->line);
		triage_see(&e, c->class_line);
		n++;
	}
	if (!held || (n == open) != whole)
		return;
	triage_add(t, cause, &e, "%s[%d], %s, runs on CPU %d, %s", held->comm,
		   held->pid, what, held->cpu,
		   n == open ? "and the task may run nowhere else"
			     : "one of those that the task may run on");
}

/* ---- queues ------------------------------------------------------------ */

struct queue {
	unsigned waiting;		/* the task included */
	unsigned running;		/* on CPUs that it may run on */
	uint64_t slice;			/* the longest of theirs */
	size_t slice_line;		/* of whom that is */
	const struct dump_task *before; /* came later and stands before it */
	const struct dump_task *free;	/* as long there, and not pinned */
	const struct dump_task *other;	/* the next one there */
	const struct dump_task *served; /* of another queue, and soon */
	long longest_ms;		/* of those that wait there */
};

/* vtime wraps, as the kernel compares it. */
static bool earlier(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

static void count_waiting(struct queue *q, const struct dump_task *me,
			  const struct dump_task *x)
{
	bool sorted = me->dsq_flags & x->dsq_flags & ON_PRIQ;

	q->waiting++;
	if (x->wait_ms > q->longest_ms)
		q->longest_ms = x->wait_ms;
	if (x == me)
		return;
	if (!q->other)
		q->other = x;
	if (sorted && earlier(x->vtime, me->vtime) &&
	    (double)x->wait_ms < MUCH * (double)me->wait_ms)
		q->before = x;
	if (dump_allowed(x) != 1 && x->no_mig <= 0 &&
	    (double)x->wait_ms >= MUCH * (double)me->wait_ms)
		q->free = x;
}

static struct queue look_at_queue(const struct triage *t)
{
	struct queue q = {.slice_line = DUMP_NO_LINE};

	for (size_t i = 0; i < t->dump.tasks; i++) {
		const struct dump_task *x = &t->dump.task[i];
		bool here = triage_may_run(t, t->dump.cpu[x->cpu].cpu);
		bool counts = x->running && here;

		if (triage_same_queue(t->task, x) && !x->running) {
			count_waiting(&q, t->task, x);
			counts = true;
		} else if (!x->running && x->queued &&
			   x->dsq != DUMP_DSQ_LOCAL &&
			   (double)x->wait_ms <
				   MUCH * (double)t->task->wait_ms) {
			q.served = q.served ? q.served : x;
		}
		q.running += x->running && here;
		if (counts && x->has_slice && x->slice > q.slice) {
			q.slice = x->slice;
			q.slice_line = x->line;
		}
	}
	return q;
}

/* Everybody waits for the turns of those before it. */
static void long_turns(struct triage *t, const struct queue *q)
{
	double slice_ms = (double)q->slice / 1e6, round_ms;
	struct triage_evidence e = about(t);
	char all[32];

	if (!t->task->queued || !q->running || q->slice_line == DUMP_NO_LINE)
		return;
	round_ms = slice_ms * (q->waiting + q->running) / q->running;
	if (round_ms < MUCH * waited_ms(t))
		return;
	for (size_t i = q->slice_line; i < q->slice_line + 6; i++)
		if (i < t->dump.lines &&
		    (i == q->slice_line || strstr(t->dump.line[i], " slice=")))
			triage_see(&e, i);
	if (q->slice == SLICE_INF) {
		triage_add(t, CAUSE_LONG_TURNS, &e,
			   "a turn without end is under way, and %u wait",
			   q->waiting);
		return;
	}
	snprintf(all, sizeof(all), "%.1f s", round_ms / 1000);
	triage_add(t, CAUSE_LONG_TURNS, &e,
		   "turns of %.0f ms for the %u that wait and the %u that run: "
		   "once round takes %s",
		   slice_ms, q->waiting, q->running, all);
}

static void passed_over(struct triage *t, const struct queue *q)
{
	struct triage_evidence e = about(t);

	if (!q->before)
		return;
	triage_see(&e, q->before->line);
	triage_add(t, CAUSE_PASSED_OVER, &e,
		   "the order of its queue puts those that come later before "
		   "it: %s[%d] has waited for %ld ms and is next",
		   q->before->comm, q->before->pid, q->before->wait_ms);
}

static void never_inserted(struct triage *t)
{
	struct triage_evidence e = about(t);

	if (t->task->queued || t->task->running ||
	    t->task->ops_state != DUMP_OPSS_QUEUED)
		return;
	for (size_t i = t->task->line; i <= t->task->last_line; i++)
		if (strstr(t->dump.line[i], " ops_state/qseq="))
			triage_see(&e, i);
	triage_add(t, CAUSE_NEVER_INSERTED, &e,
		   "the policy was given the task (ops_state 2) and put it "
		   "into no queue (dsq_id n/a)");
}

static bool is_pinned(const struct dump_task *t)
{
	return dump_allowed(t) == 1 || t->no_mig > 0;
}

static void pinned(struct triage *t, const struct queue *q)
{
	struct triage_evidence e = about(t);
	const struct dump_task *me = t->task;
	const struct dump_cpu *c = NULL;
	char instead[128] = "was idle and took it from no queue";
	int cpu = 0;

	if (!is_pinned(me) || q->free || !me->queued)
		return;
	while (!triage_may_run(t, cpu))
		cpu++;
	c = triage_cpu(&t->dump, cpu);
	if (c) {
		triage_see(&e, c->line);
		triage_see(&e, c->class_line);
	}
	if (c && !is_idle(c))
		snprintf(instead, sizeof(instead), "ran %s[%d] instead",
			 c->comm, c->pid);
	if (me->kthread)
		triage_add(t, CAUSE_KTHREAD, &e,
			   "a thread of the kernel that belongs to CPU %d had "
			   "to stand in a queue, and that CPU %s",
			   cpu, instead);
	else
		triage_add(t, CAUSE_PINNED, &e,
			   "it may run on CPU %d only%s, and that CPU %s", cpu,
			   dump_allowed(me) == 1 ? ""
						 : " (migration is disabled)",
			   instead);
}

static void undrained(struct triage *t, const struct queue *q)
{
	struct triage_evidence e = about(t);
	char *name, *served = NULL;

	if (!t->task->queued || t->task->dsq == DUMP_DSQ_LOCAL || q->before)
		return;
	name = triage_queue_text(t, t->task);
	if (q->served)
		served = triage_queue_text(t, q->served);
	if (q->other)
		triage_see(&e, q->other->line);
	if (q->served)
		triage_see(&e, q->served->line);
	for (size_t i = 0; i < t->dump.cpus; i++)
		if (triage_may_run(t, t->dump.cpu[i].cpu))
			triage_see(&e, t->dump.cpu[i].class_line);
	triage_add(t, CAUSE_UNDRAINED, &e,
		   "%u task%s in %s, for up to %.1f s, while its CPUs ran "
		   "%s%s: nobody takes tasks out of it, or only when nothing "
		   "else is left",
		   q->waiting, q->waiting == 1 ? " stands" : "s stand", name,
		   (double)q->longest_ms / 1000,
		   served ? "those of " : "others or nothing",
		   served ? served : "");
	free(served);
	free(name);
}

static void kernel_thread(struct triage *t)
{
	struct triage_evidence e = about(t);

	if (!t->task->kthread || !is_pinned(t->task))
		return;
	triage_add(t, CAUSE_KTHREAD, &e,
		   "%s[%d] is a thread of the kernel that belongs to one CPU",
		   t->task->comm, t->task->pid);
}

/* A CPU without a part in the dump had nothing to run. */
static void idle(struct triage *t)
{
	struct triage_evidence e = about(t);
	int idle_cpu = -1;
	bool shown = false;

	if (t->task->running)
		return;
	for (int cpu = 0; cpu < DUMP_MAX_CPUS && idle_cpu < 0; cpu++) {
		const struct dump_cpu *c = triage_cpu(&t->dump, cpu);

		if (!triage_may_run(t, cpu) || (!c && t->dump.truncated) ||
		    (c && !is_idle(c)))
			continue;
		idle_cpu = cpu;
		shown = c != NULL;
		if (c)
			triage_see(&e, c->class_line);
	}
	if (idle_cpu < 0)
		return;
	triage_add(t, CAUSE_IDLE_CPU, &e, "CPU %d, where it may run, %s",
		   idle_cpu,
		   shown ? "was idle"
			 : "has no part in the dump: it was idle, or off");
}

/* ---- all --------------------------------------------------------------- */

static bool has(const struct triage *t, enum triage_cause c)
{
	json_each (v, t->causes)
		if (!strcmp(json_text_at(v, "cause"), words[c].name))
			return true;
	return false;
}

/*
 * Turns are over and no tick has ended them: a virtual machine that was
 * paused, or interrupts that were off.  A tick that finds the watchdog late
 * ends a turn as well, so one CPU may look like that by chance.
 */
static void late_tick(struct triage *t, bool sure)
{
	double waited = (double)t->task->wait_ms / 1000;
	struct triage_evidence e = about(t);
	unsigned over = 0, running = 0;

	for (size_t i = 0; i < t->dump.tasks; i++) {
		const struct dump_task *x = &t->dump.task[i];

		if (!x->running)
			continue;
		running++;
		if (!x->has_slice || x->slice)
			continue;
		over++;
		triage_see(&e, x->line);
	}
	triage_see(&e, t->dump.reason_line);
	if (!over || over != running ||
	    sure != (t->dump.late_s > 0 && waited < PART * t->dump.late_s))
		return;
	triage_add(t, CAUSE_LATE_TICK, &e,
		   "the turns of all %u that run are over and no tick has "
		   "ended them%s: the machine itself stood still",
		   running,
		   sure ? ", and nobody has waited for as long as the watchdog "
			  "was late"
			: "");
}

/* What the policy made of its queues. */
static void policy_causes(struct triage *t)
{
	struct queue q = look_at_queue(t);

	late_tick(t, true);
	never_inserted(t);
	long_turns(t, &q);
	passed_over(t, &q);
	if (t->task->queued && t->task->dsq == DUMP_DSQ_LOCAL)
		idle(t);
	pinned(t, &q);
	/* Those before it explain it, unless others are served instead. */
	if (!has(t, CAUSE_LONG_TURNS) || q.served)
		undrained(t, &q);
	/* What nobody has put anywhere has no CPU that might take it. */
	if (!has(t, CAUSE_NEVER_INSERTED)) {
		if (!has(t, CAUSE_KTHREAD))
			kernel_thread(t);
		if (!has(t, CAUSE_IDLE_CPU))
			idle(t);
	}
	held_by(t, is_above, CAUSE_RT_HOG, ABOVE, false);
	held_by(t, is_default, CAUSE_DEFAULT_CLASS, DEFAULT, false);
	late_tick(t, false);
}

void triage_causes(struct triage *t)
{
	struct triage_evidence e = {.n = 0};

	if (!t->task) {
		triage_see(&e, t->dump.head_line);
		triage_see(&e, t->dump.reason_line);
		triage_add(t, CAUSE_UNKNOWN, &e,
			   t->dump.has_kind
				   ? "the dump does not show the task"
				   : "the kernel's log does not show queues "
				     "and CPUs, only the dump does");
		return;
	}
	if (!dump_is_stall(&t->dump) && t->task->wait_ms < LONG_MS) {
		triage_see(&e, t->dump.head_line);
		triage_see(&e, t->task->line);
		triage_add(t, CAUSE_ASKED, &e,
			   "the dump was asked for, and nobody had waited for "
			   "more than %ld ms",
			   t->task->wait_ms);
		return;
	}
	held_by(t, is_above, CAUSE_RT_HOG, ABOVE, true);
	held_by(t, is_default, CAUSE_DEFAULT_CLASS, DEFAULT, true);
	/* Nothing that a policy does is any help then. */
	if (t->cause == CAUSE_COUNT)
		policy_causes(t);
	if (t->cause == CAUSE_COUNT) {
		e = about(t);
		triage_add(t, CAUSE_UNKNOWN, &e,
			   "nothing in the dump explains why it did not run");
	}
}
