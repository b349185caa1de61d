/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the simulator share; nobody outside lib/sim includes it.
 *
 *   engine*.c the clock, the heap of events, CPUs: who runs, for how long
 *   task*.c   a task's program: what it does when it runs and when it wakes
 *   eevdf.c   the kernel's own scheduler     \  struct sim_class, told by the
 *   ext_*.c   sched_ext with a policy in a VM/  engine what happened
 *
 * The engine owns a task's state, times and figures; a class owns queues.
 */
#ifndef SCHEDKIT_SIM_STATE_H
#define SCHEDKIT_SIM_STATE_H

#include "base/clock.h"
#include "sim/sim.h"

struct sim;
struct sim_task;
struct sim_cpu;

/* ---- time ------------------------------------------------------------- */

/* A thing that will happen; embedded in what it happens to.  Never allocated
 * per event.  Equal times: in the order they were set. */
struct sim_event {
	uint64_t at, seq;
	uint32_t slot;	 /* in the heap + 1; 0: not set */
	bool background; /* a watch: alone it keeps nothing going */
	void (*fire)(struct sim *s, struct sim_event *e);
};

void sim_event_set(struct sim *s, struct sim_event *e, uint64_t at);
void sim_event_cancel(struct sim *s, struct sim_event *e);

/* ---- tasks ------------------------------------------------------------ */

enum sim_task_state {
	TASK_NEW,
	TASK_SLEEPING,
	TASK_RUNNABLE, /* waiting for a CPU */
	TASK_ON_CPU,
	TASK_DEAD,
};

/* Kernel threads are told by load_task.kernel. */
struct sim_task {
	struct load_task *def;
	uint32_t group, pid, tgid;
	enum sim_task_state state;
	uint32_t cpu; /* where it runs, waits or ran last */
	int nice;
	uint32_t weight; /* the kernel's: 1024 at nice 0 */
	uint64_t allowed[LOAD_CPU_WORDS];
	uint32_t nr_allowed; /* of the CPUs that are possible */
	bool migration_disabled;
	uint32_t cgroup;
	struct sim_task *parent;
	struct sim_task *next; /* in the engine's list of all live tasks */
	struct sim_task *prev;
	uint64_t identity; /* what it executed last */

	/* Its program; task.c's. */
	struct rng rng; /* its own, so that arms draw the same */
	uint32_t op;
	uint32_t *loops;     /* rounds done, one per instruction */
	uint64_t work_ns;    /* CPU time left of the present RUN */
	uint32_t work_frac;  /* 2^-16 ns of it done already */
	uint64_t penalty_ns; /* costs still to be paid before work goes on */
	uint64_t spin_until; /* LOAD_SPIN; 0: not spinning */
	struct {
		uint64_t at; /* + 1; 0: it has not begun */
		uint64_t exec;
	} * begun; /* of each metric: when, with how much CPU time before it */
	uint64_t timer_next;
	bool timer_armed;
	bool spinning;	  /* in vain, for a lock … */
	uint32_t spin_on; /* … + 1, in whose queue it is; 0: none */
	bool paid;	  /* for the present instruction */
	bool taken;	  /* COND_WAIT: has its semaphore, wants the mutex */
	bool joining;	  /* sleeps until children is 0 */
	uint32_t children;
	struct sim_task *wait_next; /* in a semaphore's, lock's … queue */
	struct sim_event wake;	    /* a sleep's end */

	/* Times; the engine's. */
	uint64_t runnable_at, woken_at;
	uint64_t ran_at;      /* when it last left a CPU */
	uint32_t last_cpu;    /* … which; UINT32_MAX: it never ran */
	uint64_t sum_exec_ns; /* CPU time in all */
	uint64_t burst_ns;    /* since it last slept */
	uint64_t asked_ns;    /* of that, what its program asked for */
	uint64_t costs_ns;    /* the rest of a burst: moving average */
	struct {
		bool counted;	  /* the run waits for its end */
		bool free;	  /* waits, and may run anywhere */
		uint64_t share0;  /* s->idle_share when it began to wait */
		uint64_t since;	  /* wants a CPU without a break since */
		uint64_t exec0;	  /* sum_exec_ns when the window began */
		uint32_t windows; /* … that it wanted all of */
		double had, due, equal; /* CPU time in these */
	} check;

	/* The class's. */
	void *ext; /* struct ext_task of ext_*.c */
	struct {
		/* struct sched_entity's ideas; eevdf.c's */
		int64_t vruntime, deadline, vlag;
		int64_t min_vruntime; /* of its part of the queue */
		int64_t vprot;	      /* protected until */
		uint64_t weight;      /* its own times its cgroup's share */
		uint32_t slot;	      /* in the CPU's queue + 1 */
		bool delayed;	      /* sleeps, and is still in the queue */
		bool relative;	      /* its deadline is, to vruntime */
		uint32_t recent_cpu, flips;
		uint32_t wakee; /* pid */
		uint64_t flips_at;
	} fair;
};

/* ---- CPUs ------------------------------------------------------------- */

struct sim_cpu {
	uint32_t id, core, llc, node;
	int32_t sibling; /* the other thread; -1: none */
	bool online;
	struct sim_task *curr; /* NULL: idle */
	uint64_t idle_since;
	uint64_t updated_at;   /* curr's time is accounted up to here */
	bool resched;	       /* a reschedule is due … */
	uint64_t resched_at;   /* … then */
	bool choosing;	       /* between two tasks: costs are the next one's */
	bool free;	       /* idle, and nothing on its way to it */
	uint64_t debt_ns;      /* costs for the next task */
	struct sim_event next; /* curr's work ends, or it reschedules */
	struct sim_event tick;
	uint32_t work_rate;  /* 2^16 is full speed */
	uint32_t nr_waiting; /* tasks in TASK_RUNNABLE whose cpu this is */
};

/* ---- classes ---------------------------------------------------------- */

enum sim_wake_flags { SIM_WAKE_FORK = 1, SIM_WAKE_EXEC = 2 };

enum sim_queue_flags {
	SIM_Q_WAKEUP = 1,  /* it slept */
	SIM_Q_NEW = 2,	   /* it was forked */
	SIM_Q_SLEEP = 4,   /* dequeue: it goes to sleep */
	SIM_Q_EXIT = 8,	   /* dequeue: … for ever */
	SIM_Q_CHANGE = 16, /* dequeued and queued again: nice, affinity */
	SIM_Q_MIGRATE = 32,
};

/*
 * All are called with the clock at sim_now() and curr's time accounted for.
 * A class that finds its policy at fault calls sim_eject().
 *
 * A running task whose nice or mask changes is dequeued and queued again with
 * SIM_Q_CHANGE, in state TASK_ON_CPU and as its CPU's curr, and a schedule
 * follows.  One that has to leave its CPU (mask, exec, the CPU goes) is
 * dequeued with SIM_Q_MIGRATE as curr, then queued with it as TASK_RUNNABLE
 * on another CPU.
 */
struct sim_class {
	const char *name;
	int (*start)(struct sim *s); /* CPUs are known, tasks are not */
	/* Frees everything of the class, also of the tasks that are left (in
	 * s->tasks, in any state; task_end is not called for them). */
	void (*stop)(struct sim *s);

	/* A task begins (forked by s->current, which may be NULL) and ends
	 * (dequeued before).  exec: it executed something new. */
	int (*task_start)(struct sim *s, struct sim_task *t);
	void (*task_exec)(struct sim *s, struct sim_task *t);
	void (*task_end)(struct sim *s, struct sim_task *t); /* or NULL */

	/* The CPU for a waking or new task: allowed and online.  Not asked for
	 * tasks that may use one only.  SIM_WAKE_EXEC: t runs, and moves to
	 * the answer. */
	uint32_t (*select_cpu)(struct sim *s, struct sim_task *t, uint32_t prev,
			       unsigned wake_flags);
	/* t is runnable now, on t->cpu; the class calls sim_resched() for
	 * every CPU that should look for work or give up its task. */
	void (*enqueue)(struct sim *s, struct sim_task *t, unsigned flags);
	/* t, waiting or running, is not runnable any more (or changes). */
	void (*dequeue)(struct sim *s, struct sim_task *t, unsigned flags);
	/*
	 * Who runs next on c.  prev: the task that ran and is still runnable
	 * (state TASK_ON_CPU until this returns), NULL: there is none.  May be
	 * prev.  NULL: idle.  A task of another CPU's queue may be returned;
	 * the class has then set t->cpu to c by sim_task_moved().
	 */
	struct sim_task *(*pick)(struct sim *s, struct sim_cpu *c,
				 struct sim_task *prev);
	/* next begins its turn after pick (also when it is prev).  Or NULL. */
	void (*begin)(struct sim *s, struct sim_cpu *c, struct sim_task *next,
		      struct sim_task *prev);
	/* delta ns of CPU time were used by c->curr.  May come at any event:
	 * what happens at ticks only must not be done here. */
	void (*used)(struct sim *s, struct sim_cpu *c, uint64_t delta);
	/* The periodic tick on a busy CPU; calls sim_resched(c) at will. */
	void (*tick)(struct sim *s, struct sim_cpu *c);
	void (*yield)(struct sim *s, struct sim_cpu *c);
	/* nice or allowed CPUs changed; dequeued and queued around it by the
	 * engine if it was runnable.  Or NULL. */
	void (*changed)(struct sim *s, struct sim_task *t);
	/* c went idle or left it; may be NULL. */
	void (*idle)(struct sim *s, struct sim_cpu *c, bool is_idle);
	/* c is about to go (its task is off it already), or has come. */
	void (*cpu_online)(struct sim *s, struct sim_cpu *c, bool online);
	/* The line of the policy that decided last where t waits: for findings
	 * about t.  May be NULL; leaves both alone if there is no such line. */
	void (*blame)(struct sim *s, const struct sim_task *t,
		      const char **file, uint32_t *line);
};

extern const struct sim_class sim_class_eevdf;
extern const struct sim_class sim_class_ext; /* s->policy */

/* ---- the whole -------------------------------------------------------- */

struct sim {
	const struct sim_opts *o;
	const struct load *load;
	struct sim_policy *policy;
	const struct sim_class *cls;
	void *class_data; /* the class's own, of the whole machine */
	struct sim_result *r;
	struct rng rng;	       /* the load's */
	struct rng policy_rng; /* the policy's bpf_get_prandom_u32 */

	uint64_t now, seq;
	struct sim_event **heap;
	uint32_t heap_len, heap_cap;
	bool over;

	struct sim_cpu *cpus;
	uint32_t nr_cpus, nr_online;
	uint32_t nr_free;	  /* CPUs that are `free` */
	uint32_t nr_waiting_free; /* tasks that wait and may go anywhere */
	uint64_t idle_share, share_at;
	uint64_t most_wasted; /* by one wait, and the line to blame for it */
	const char *wasted_file;
	uint32_t wasted_line;
	struct sim_event window; /* see engine_check.c */
	uint64_t window_at;
	uint32_t fired_now;  /* events at this very time */
	uint32_t background; /* events that are */
	uint64_t fired, end_at;
	struct sim_starter *starters; /* see engine_task.c */

	struct sim_task *tasks;	    /* all that live, newest first */
	uint32_t tasks_kept;	    /* these, and the dead with children */
	uint32_t next_pid, counted; /* counted: that must end */
	struct sim_task *current;   /* on whose behalf code runs; NULL: an
				       interrupt or idle */
	uint32_t current_cpu;
	bool starting; /* a task begins that nobody forked */
	void *objects; /* semaphores, locks …: task.c's */
};

static inline uint64_t sim_now(const struct sim *s)
{
	return s->now;
}

/* Asks c to schedule: after costs.wake_remote_ns if it is another CPU than
 * s->current_cpu (that is counted as a kick), at the end of the present event
 * if not. */
void sim_resched(struct sim *s, struct sim_cpu *c);

/* t goes to another CPU (waiting or being picked): figures and costs. */
void sim_task_moved(struct sim *s, struct sim_task *t, uint32_t cpu);

/* Brings c's task's time up to now (calls cls->used). */
void sim_account(struct sim *s, struct sim_cpu *c);

/* More CPU time is used up on c before its task, or the next, goes on. */
void sim_charge(struct sim *s, struct sim_cpu *c, uint64_t ns);

/* A sleeping or new task becomes runnable (select_cpu, enqueue …). */
void sim_wake(struct sim *s, struct sim_task *t, unsigned wake_flags);

/* Adds a finding unless one with that rule, file and line is there. */
void sim_find(struct sim *s, enum sim_rule rule, const char *file,
	      uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* How findings name a task: "name (pid)". */
#define SIM_TASK_FMT	"%.15s (%u)"
#define SIM_TASK_ARG(t) (t)->def->name, (t)->pid

/* The policy is dropped: the run ends with SIM_EJECTED. */
void sim_eject(struct sim *s, int exit_kind, int64_t exit_code, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));

static inline bool sim_may_run(const struct sim_task *t, uint32_t cpu)
{
	return t->allowed[cpu / 64] >> (cpu % 64) & 1;
}

/* ---- task.c: programs ------------------------------------------------- */

enum task_next {
	TASK_WORKS, /* work_ns > 0 or spinning: go on running */
	TASK_BLOCKED,
	TASK_ENDED,
	TASK_YIELDED,
	TASK_CHANGED, /* nice or affinity changed: schedule */
};

/* Does what t's program says until it needs CPU time, sleeps or ends. */
enum task_next task_advance(struct sim *s, struct sim_task *t);
/* The CPU time until t may sleep, as far as its program tells: where that
 * branches or waits for another it ends, and a distribution counts with its
 * first figure. */
uint64_t task_ahead(const struct sim *s, const struct sim_task *t);
/* task_unit.c: LOAD_BEGIN, LOAD_DONE. */
void task_unit_begins(struct sim *s, struct sim_task *t,
		      const struct load_op *op);
void task_unit_done(struct sim *s, struct sim_task *t, uint32_t metric);
struct sim_task *task_new(struct sim *s, uint32_t def, struct sim_task *parent);
void task_free(struct sim *s, struct sim_task *t);
int task_objects_init(struct sim *s);
void task_objects_release(struct sim *s);

#endif
