/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The autonomous loop: observe, plan, verify, learn, again and again, deploy.
 *
 * It runs the programs that the shell runs, with documents on their pipes, and
 * decides with loop_decide() what comes next.  sched-loop(1) has the rules.
 */
#ifndef SCHEDKIT_AGENTS_LOOP_LOOP_H
#define SCHEDKIT_AGENTS_LOOP_LOOP_H

#include <signal.h>

#include "agents/loop/decide.h"
#include "doc/json.h"
#include "doc/stream.h"
#include "workload/workload.h"

struct loop_opts {
	/* The profile's, when one is given: then nothing is observed. */
	const struct workload *workload;
	const struct doc *profile; /* NULL: observe */
	const char *target;	   /* "host" or "vm" */
	const char *goal;	   /* for sched-observe; NULL */
	double goal_ratio;	   /* enough; 0: none is */
	struct loop_budget budget;
	double min_effect_pct;
	long candidates, pairs, seed;
	char *const *guards; /* for sched-verify */
	size_t guard_count;
	long cpus, memory_mib; /* of the guest; 0: as it comes */
	const char *kernel, *topology;
	const char *executor; /* for sched-verify; NULL */
	const char *form;     /* for sched-synth; NULL: its own choice */
	const char *backend;  /* for sched-synth; NULL: as SCHED_LLM says */
	const char *model;
	bool asks_model; /* the backend is a model */
	bool once, resume, deploy, run;
	double max_age_days; /* once: an older acceptance is measured anew */
	bool talks;	     /* programs may write to the user's terminal */
	int out_fd;	     /* for documents; -1 */
	const volatile sig_atomic_t *cancel;
	/* What goes on, rounds of the budget's; and what the user should know
	 * afterwards. */
	void (*progress)(void *arg, long done, long total, const char *words);
	void (*note)(void *arg, const char *words);
	void *arg;
};

enum loop_answer_kind {
	LOOP_BETTER,  /* something better is in place */
	LOOP_NOTHING, /* nothing better was found */
	LOOP_LATER,   /* it goes on with --resume */
	LOOP_CURRENT, /* once: what is in place needs no work */
};

struct loop_result {
	enum loop_answer_kind answer;
	struct stream *docs;	/* of the run; NULL: there was none */
	const struct doc *note; /* the run's own, in docs; NULL */
	/* "deployed in a guest once", "attached to this host", …; "" */
	char place[96];
};

/*
 * 0 with an answer; -EAGAIN: the lock is another's, or a program said "later";
 * another -errno: it cannot be done, the message says why.  What was found
 * before is in the state folder.  Release in any case.
 */
int loop_run(const struct loop_opts *o, struct loop_result *r);
void loop_result_release(struct loop_result *r);

#endif
