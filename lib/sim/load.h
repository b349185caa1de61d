/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load: what the tasks of a workload do, as small programs.
 *
 * Every source (a recorded profile, a recorded trace, recorded bursts, rt-app
 * JSON, the hostile set) becomes one of these; the engine knows nothing else.
 * Times are nanoseconds.
 */
#ifndef SCHEDKIT_SIM_LOAD_H
#define SCHEDKIT_SIM_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc/json.h"

#define LOAD_MAX_CPUS  512
#define LOAD_CPU_WORDS (LOAD_MAX_CPUS / 64)

/* How long something takes. */
enum load_dist_kind {
	DIST_CONST,    /* ns */
	DIST_EXP,      /* mean ns */
	DIST_QUANTILE, /* table: the inverse of the distribution function at
			  i / (LOAD_QUANTILES - 1), linear in between */
	DIST_UNIFORM,  /* ns … max_ns */
};

#define LOAD_QUANTILES 65

struct load_dist {
	enum load_dist_kind kind;
	uint64_t ns, max_ns;
	uint64_t *table; /* LOAD_QUANTILES, owned by the load */
};

/*
 * An instruction of a task.  `obj` is a semaphore, lock, barrier, metric,
 * mask or task index, each kind counted from 0 on its own.
 */
enum load_what {
	LOAD_RUN,    /* dist: CPU time at full speed */
	LOAD_SPIN,   /* dist: run until so much wall time has gone by */
	LOAD_SLEEP,  /* dist: from now */
	LOAD_TIMER,  /* dist: until a multiple of the period since the task's
			first timer; late: at once, and from now on again if
			n != 0 (rt-app's absolute and relative timers).  A
			first one of 0 only sets where they are counted from */
	LOAD_WAIT,   /* semaphore obj: take one, else sleep */
	LOAD_POST,   /* semaphore obj: add n (0: wake all who wait); lossy ones
			lose what nobody waits for */
	LOAD_LOCK,   /* mutex obj, first come first served, owner known.
			n = 1: a spin lock: who waits runs in vain, and can get
			it only while on a CPU.  obj2 > 0: one of the locks obj
			to obj + obj2 - 1, that of the present CPU % obj2 */
	LOAD_UNLOCK, /* with the same obj and obj2: the one it holds of these */
	LOAD_COND_WAIT, /* LOAD_WAIT on semaphore obj (a lossy one is what
			   POSIX calls a condition), mutex obj2 given up in one
			   step and locked again after it */
	LOAD_BARRIER,	/* obj; n tasks */
	LOAD_FORK,	/* starts one more instance of task obj */
	LOAD_JOIN,	/* until all children have ended */
	LOAD_EXEC,	/* a new program: identity `id` */
	LOAD_YIELD,
	LOAD_NICE,     /* n */
	LOAD_AFFINITY, /* mask obj */
	LOAD_PIN,      /* migration-disabled for this task: n = 1 on, 0 off */
	LOAD_SKIP,     /* with probability p skip n instructions */
	LOAD_LOOP,  /* back to instruction obj, n times in all; 0: for ever */
	LOAD_BEGIN, /* metric obj: a unit of work begins; n = 1: it began when
		       the task was last woken */
	LOAD_DONE,  /* … ends: its count, and its time since BEGIN */
	LOAD_EXIT,
};

struct load_op {
	enum load_what what;
	uint32_t obj, obj2;
	int32_t n;
	float p;
	uint64_t id;
	struct load_dist dist;
};

/* sched(7)'s policies for tasks that are fair to each other.  Under a policy of
 * sched_ext an idle one is of its weight, which is least. */
enum load_policy { LOAD_OTHER, LOAD_BATCH, LOAD_IDLE };

/* A kind of task; `instances` of it start by themselves. */
struct load_task {
	char *name;	/* data; at most 15 bytes are shown to policies */
	uint32_t group; /* for the figures */
	int nice;
	enum load_policy policy;
	uint64_t slice_ns; /* of its own; 0: the kernel's */
	int mask;	   /* index of its mask; -1: every CPU */
	uint32_t cgroup;   /* index; 0: the root */
	uint32_t instances;
	uint64_t start_ns;	/* when they are forked */
	uint64_t start_step_ns; /* between one instance and the next */
	uint64_t identity;	/* 0: it never executes anything */
	uint32_t process;	/* tasks of one number are threads of one
				   process; 0: it is one of its own */
	bool leader;		/* … the first of these, which the process
				   has its number of */
	bool kernel;		/* a kernel thread */
	bool background;	/* the run need not wait for its end */
	struct load_op *ops; /* the last is LOAD_EXIT or a LOAD_LOOP for ever */
	size_t op_count;
};

struct load_group {
	char *name;
};

struct load_metric {
	char *name; /* of the unit of work: "request" */
};

struct load_sem {
	uint32_t initial;
	bool lossy;
};

struct load_cgroup {
	char *name;
	uint32_t parent;
	uint32_t weight; /* cpu.weight, 1 … 10000 */
};

struct load_mask {
	uint64_t bits[LOAD_CPU_WORDS];
};

/* Something that happens to the machine. */
enum load_event_what { LOAD_CPU_OFFLINE, LOAD_CPU_ONLINE };

struct load_event {
	uint64_t at_ns;
	enum load_event_what what;
	uint32_t cpu;
};

struct load {
	char *name;
	uint64_t duration_ns; /* ends here at the latest; 0: when all ended */
	struct load_task *tasks;
	size_t task_count;
	struct load_group *groups;
	size_t group_count;
	struct load_metric *metrics;
	size_t metric_count;
	struct load_sem *sems;
	size_t sem_count;
	size_t lock_count, barrier_count;
	size_t process_count;	     /* numbers are 1 … this */
	struct load_cgroup *cgroups; /* [0] is the root, always there */
	size_t cgroup_count;
	struct load_mask *masks;
	size_t mask_count;
	struct load_event *events; /* ascending */
	size_t event_count;
	bool costs_inside; /* what a burst runs for first is less by what it
			      cost to get there: that was measured, too */
	uint32_t cpus;	   /* it was recorded on; 0: any */
	/* Expected run time by identity, as an observation found it. */
	struct json *identities; /* [{"hash","expect_us"}]; may be NULL */
	struct json *costs;	 /* what things cost where it was recorded, for
				    sim_costs_read(); may be NULL */
	struct json *notes;	 /* array of words: what is only assumed */
};

struct load *load_new(const char *name);
void load_free(struct load *l); /* NULL is fine */

/*
 * Building blocks; what they return is an index.  Strings are copied.
 * load_add_op() returns the new instruction for further setting, valid until
 * the next call.
 */
uint32_t load_add_group(struct load *l, const char *name);
uint32_t load_add_task(struct load *l, const char *name, uint32_t group);
struct load_op *load_add_op(struct load *l, uint32_t task, enum load_what what);
uint32_t load_add_sem(struct load *l, uint32_t initial, bool lossy);
uint32_t load_add_metric(struct load *l, const char *name);
uint32_t load_add_mask(struct load *l, const struct load_mask *m);
uint32_t load_add_cgroup(struct load *l, const char *name, uint32_t parent,
			 uint32_t weight);

/* Indices in range, ends where it must: -EINVAL says what is not. */
int load_check(const struct load *l);

/* A duration; u is uniform in [0, 1). */
uint64_t load_draw(const struct load_dist *d, double u);

/* ---- where loads come from ------------------------------------------- */

/*
 * A statistical model of the body of a profile: per group its bursts, sleeps,
 * wake chains, forks, what holds a lock.  What the profile does not say is
 * assumed and noted.
 */
int load_from_profile(const struct json *body, struct load **out);
/* rt-app's JSON as its documentation has it; -ENOTSUP names what is not. */
int load_from_rtapp(const char *text, size_t len, struct load **out);
/* A trace of sched-observe --trace: every burst and wakeup again. */
int load_from_trace(const void *bytes, size_t len, struct load **out);
/*
 * A file of sched-observe --bursts: every burst and every sleep again, as far
 * as a record tells, see sched-sim(1).  Of the bursts in the first `before`
 * (0 … 1) of its time nothing is measured.  -ENOTSUP: not all bursts were
 * recorded, or not in one go; else as bursts_open().
 */
int load_from_bursts(const char *path, double before, struct load **out);
/* A file of any of the four kinds, told apart by its content ("-": standard
 * input, but not for bursts). */
int load_open(const char *path, struct load **out);

/* rt-app JSON that does the same; notes (array, the caller's) says what could
 * not be kept. */
struct json *load_to_rtapp(const struct load *l, const struct json **notes);

struct knobs; /* policy/knobs.h */

/* -ENOTSUP: the model lacks a knob that a rule sets; -EINVAL: a rule leaves
 * tasks none of the CPUs. */
int load_check_knobs(const struct knobs *k, uint32_t cpus);

/*
 * Sets on l's tasks, but not on kernel threads, what a policy of the form
 * "knobs" would; a task that sets its own nice or mask later has its way, as
 * on a kernel.  cpus: of the machine, l->cpus if that is not 0.  Errors of
 * load_check_knobs().
 */
int load_set_knobs(struct load *l, const struct knobs *k, uint32_t cpus);

/* The hostile set: fixed loads for a machine of that many CPUs. */
extern const char *const load_hostile_names[]; /* NULL at the end */
/* cpus: what it is to be run on (0 in: by default 4; a load may insist, see
 * load.cpus).  -ENOENT. */
int load_hostile(const char *name, uint32_t cpus, uint64_t seed,
		 struct load **out);

#endif
