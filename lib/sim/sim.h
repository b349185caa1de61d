/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulator: a load on a machine under a policy, by discrete events.
 *
 * The policy is the BPF object that would be loaded, run by lib/bpfvm; without
 * one the tasks are under a model of the kernel's own scheduler, EEVDF.  Same
 * input and seed, same result to the last bit, on every machine of one byte
 * order.  Needs no privilege.
 */
#ifndef SCHEDKIT_SIM_SIM_H
#define SCHEDKIT_SIM_SIM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc/json.h"
#include "sim/load.h"
#include "stats/hist.h"

#define SIM_MAX_CPUS LOAD_MAX_CPUS

/* CPUs are numbered as Linux does on most machines: first the first thread of
 * every core, then the second ones. */
struct sim_machine {
	uint32_t cpus;	      /* 1 … SIM_MAX_CPUS */
	uint32_t threads;     /* per core, 1 or 2 */
	uint32_t llcs, nodes; /* at least one of each */
};

/* "8", "8,threads=2,llcs=2,nodes=1".  -EINVAL. */
int sim_machine_parse(const char *text, struct sim_machine *m);

/* What things cost in CPU time, nanoseconds. */
struct sim_costs {
	uint64_t switch_ns;	 /* one task to another */
	uint64_t idle_switch_ns; /* from or to idle: wakeup from it included */
	uint64_t wake_ns;	 /* for the waker */
	uint64_t wake_remote_ns; /* until another CPU has noticed */
	uint64_t migrate_ns;	 /* cold cache: another core of one LLC */
	uint64_t migrate_llc_ns; /* another LLC */
	uint64_t migrate_node_ns;
	uint64_t fork_ns, exec_ns, exit_ns;
	uint64_t tick_ns;
	uint64_t callback_ns; /* of the policy, per call … */
	double insn_ns;	      /* … and per instruction */
	double smt_speed;     /* of each thread while both are busy */
	uint32_t hz;
};

void sim_costs_default(struct sim_costs *c); /* of a present-day server */
/* By the row names of the table in costs.c: {"switch_ns":…}. */
int sim_costs_read(const struct json *v, struct sim_costs *c);
struct json *sim_costs_json(const struct sim_costs *c);

struct sim_policy; /* an object with its parameters set */
struct intent_rules;

/*
 * Reads an object.  body (a policy document's, may be NULL) sets the
 * template's parameters and identities, as ext_load() does.  kernel: 60018 is
 * 6.18; 0: that.  Errors as object_open().
 */
int sim_policy_open(const char *path, const struct json *body, uint32_t kernel,
		    struct sim_policy **out);
/* Another body for it, as if it had been opened with that one; after an error
 * it can only be set again or freed. */
int sim_policy_set(struct sim_policy *p, const struct json *body);
/*
 * A global variable as its loader would set it, "slice_ns=5000000".  Without
 * that nr_cpu_ids, nr_cpus, nr_possible_cpus and nr_online_cpus are what the
 * machine has, and slice_ns and cgrp_slice_ns the kernel's 20 ms if zero.
 */
int sim_policy_assign(struct sim_policy *p, const char *text);
/* What rules are compiled to, copied.  -ENOTSUP: the object takes none. */
int sim_policy_intents(struct sim_policy *p, const struct intent_rules *r);
/* From now on what the policy asks its model is answered by who knows how much
 * CPU time the task will ask for until it sleeps.  -ENOTSUP: it asks none. */
int sim_policy_oracle(struct sim_policy *p);
void sim_policy_free(struct sim_policy *p);
/* For lib/prove and reports; lent. */
const struct object *sim_policy_object(const struct sim_policy *p);
/* The kernel's types that it was opened with; lent. */
const struct btf *sim_policy_types(const struct sim_policy *p);
/* A kernel function, or a helper, that some kernel here has. */
bool sim_knows_call(const char *name);
int sim_kernel_parse(const char *text, uint32_t *kernel); /* "6.18" */

struct sim_opts {
	struct sim_machine machine;
	struct sim_costs costs;
	uint64_t seed;
	uint64_t limit_ns;   /* ends here at the latest; 0: 600 s */
	uint64_t max_events; /* 0: 2^32 */
	uint64_t starve_ns;  /* waiting longer is a finding; 0: none */
	const volatile sig_atomic_t *cancel;
};

enum sim_outcome {
	SIM_DONE,    /* the load ended, or its duration */
	SIM_LIMIT,   /* limit_ns or max_events */
	SIM_STUCK,   /* nothing would ever happen again */
	SIM_EJECTED, /* the policy was dropped, see exit */
	SIM_CANCELLED,
};

const char *sim_outcome_name(enum sim_outcome o);

/* As rules of findings in a verdict. */
enum sim_rule {
	SIM_FAULT,	/* memory, budget, a helper called wrongly */
	SIM_LOST,	/* runnable, in no queue and not kept: never ran again*/
	SIM_STALL,	/* the watchdog: waited over timeout_ms */
	SIM_STARVATION, /* waited over starve_ns */
	SIM_AFFINITY,	/* put on a CPU it may not use */
	SIM_IDLE,	/* idle CPUs beside waiting tasks for too long */
	SIM_UNFAIR,	/* shares of CPU far from the weights */
	SIM_ERROR,	/* scx_bpf_error(), an exit the policy asked for */
	SIM_SLICE,	/* ran far over a slice beside waiting tasks */
	SIM_KICKS,	/* more kicks than work */
	SIM_COST,	/* instructions per callback over the bound */
	SIM_UNSUPPORTED,
	SIM_RULES,
};

extern const char *const sim_rule_names[SIM_RULES];

struct sim_finding {
	enum sim_rule rule;
	uint64_t at_ns;
	const char *file; /* lent from the policy; NULL: no line */
	uint32_t line;
	char *text;
};

struct sim_group_result {
	uint64_t tasks, run_ns, wait_ns, wakeups, migrations, preemptions;
	struct hist delay; /* runnable until running */
	struct hist burst;
};

struct sim_metric_result {
	uint64_t count;
	struct hist time;      /* BEGIN until DONE */
	struct hist slowdown;  /* that by the CPU time used in it, in 1/1000 */
	uint64_t slowdown_log; /* the sum of feature_log2() of these */
};

struct sim_callback_result {
	const char *name;
	uint64_t calls, insns, insns_max;
};

#define SIM_MAX_FINDINGS  32
#define SIM_MAX_CALLBACKS 48

struct sim_result {
	enum sim_outcome outcome;
	uint64_t end_ns; /* when the last task that counts ended, or the end */
	uint64_t events; /* scheduling events: wakeups, switches, ticks,
			    kicks, timers, forks, exits */
	uint64_t switches, wakeups, migrations, preemptions, kicks, ticks;
	uint64_t busy_ns, idle_ns; /* summed over CPUs */
	uint64_t overhead_ns;	   /* part of busy: costs */
	uint64_t idle_waiting_ns;  /* idle CPUs beside tasks that could run
				      there, summed over such CPUs */
	uint64_t longest_wait_ns;
	double weight_error; /* worst relative error of a CPU-bound task's
				share against its weight; < 0: nothing to say*/
	uint64_t unfinished; /* tasks that should have ended and did not */
	struct sim_group_result *groups; /* as in the load */
	size_t group_count;
	struct sim_metric_result *metrics; /* as in the load */
	size_t metric_count;
	struct sim_callback_result callbacks[SIM_MAX_CALLBACKS];
	size_t callback_count;
	struct sim_finding findings[SIM_MAX_FINDINGS];
	size_t finding_count; /* one per rule and line: the first */
	int exit_kind;	      /* SIM_EJECTED: enum scx_exit_kind */
	int64_t exit_code;
	char *exit_text;
	struct json *counters; /* the template's; else NULL */
	struct json *model;    /* of a policy that follows one: how it did */
};

/*
 * 0: result says what happened (release it), also when the policy is ejected.
 * policy NULL: EEVDF.  -EINVAL, -ENOTSUP: cannot be run at all.
 */
int sim_run(const struct sim_opts *o, struct sim_policy *policy,
	    const struct load *load, struct sim_result *out);
void sim_result_release(struct sim_result *r);

/* To six digits: more than any figure here is worth. */
double sim_rounded(double x);

/*
 * Figures that can be laid beside a kernel's: "wall" (s, lower), and for every
 * metric its rate (1/s, higher), mean and p99 time (us, lower); for every
 * group how many CPUs it kept busy (higher) and its p99 delay (us, lower).
 * [{"name","unit","better","value"}]
 */
struct json *sim_result_metrics(const struct load *l,
				const struct sim_result *r);
/* Everything, for `sched-sim run`.  Deterministic. */
struct json *sim_result_json(const struct load *l, const struct sim_opts *o,
			     const struct sim_result *r);

#endif
