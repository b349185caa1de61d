/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the verifier share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_VERIFIER_STATE_H
#define SCHEDKIT_AGENTS_VERIFIER_STATE_H

#include "agents/verifier/verifier.h"
#include "stats/evidence.h"
#include "stats/sequential.h"
#include "target/target.h"
#include "workload/workload.h"

#define CONFIRM_PAIRS 3
#define BARE_CONFIRM  2 /* of what was not chosen here among many */
#define BOUND_RUNS    5
#define LEAST_LIMIT_S 30 /* of one run */

/*
 * A run of a policy that cannot win any more is ended at this many times what
 * the baseline takes, and some.  Among pairs so late that no rank of a real
 * difference is beyond it.
 */
#define CUT_RUNGS    1.25
#define CUT_PAIRS    2.0
#define CUT_MARGIN_S 0.5

enum stage_status {
	STATUS_UNKNOWN,
	STATUS_PASSED,
	STATUS_FAILED,
	STATUS_SKIPPED,
};

struct stage {
	enum stage_status status;
	struct json *findings; /* array */
	double seconds;
};

/* Paired samples of all metrics; row i is pair i. */
struct pairs {
	size_t metrics, n;
	double *base, *cand; /* n rows of metrics values */
};

/* metrics.c */
void pairs_add(struct pairs *p, size_t metrics, const double *base,
	       const double *cand);
void pairs_release(struct pairs *p);
/* One metric's column of base (or cand), the caller's to free. */
double *pairs_column(const struct pairs *p, const double *rows, size_t metric);

/* How the runs of one arm went. */
struct tally {
	size_t runs, invalid, lost, late;
	char *trouble;	      /* why the last invalid one was */
	struct cpu_wait wait; /* of the guest */
};

/* Where and how a candidate was looked at, when it was not here. */
struct elsewhere {
	struct json *facts; /* of the target there, as a verdict has them */
	char *node;	    /* NULL: no kernel took part */
	double load, wait_pct;
	struct json *notes; /* of the run stage, no reasons for anything */
};

struct candidate {
	const struct doc *policy;
	const struct doc *known; /* its verdict, from before; NULL */
	char object[65];	 /* digest of what is loaded; "": none */
	struct stage stages[STAGE_COUNT];
	/* The workload in the simulator; NULL.  Its metrics are this arm's
	 * alone until sim_compare(). */
	struct json *simulation;
	struct json *shuffled; /* the control's body; NULL: no identities */
	char *path;	       /* candidate_path(); NULL: not asked yet */
	bool unbuilt;	       /* it has code, and nothing to compile it */
	struct tally tally, control_tally;
	struct pairs screen; /* dropped from the evidence */
	struct pairs main;   /* the evidence, the last `fresh` confirming */
	struct pairs control;
	size_t fresh;
	bool screened_out;
	bool beaten; /* better, but the confirmation went to another */
	bool confirmed;
	enum look ended;     /* its pairs; LOOK_ON: they were broken off */
	bool outdone;	     /* they ended because another is better */
	bool shortened;	     /* its screening ran the smaller command */
	double cut_s;	     /* the longest that a run was let go on … */
	size_t cut_runs;     /* … before these were ended as lost */
	bool ranked, pareto; /* among those measured; nobody outdoes it */
	const char *decision;
	char *why;
	/* With an executor. */
	struct elsewhere *from; /* NULL: nobody has looked yet */
	struct json *answer;	/* its verdict's body, from there; NULL */
	char *lost;		/* why there is none, and will be none */
};

/* The policies that answer one profile. */
struct group {
	const struct doc *profile; /* NULL: none in the stream */
	struct workload w;
	bool has_workload;
	bool is_model;	   /* rt-app plays it, there is no command */
	char *no_workload; /* why there is none; or NULL */
	struct candidate **c;
	size_t n;
	struct tally tally; /* of the baseline */
	struct tally bound_tally;
	double *bound; /* the goal metric of the bound's runs */
	size_t bound_n;
	double limit_s; /* of one run */
	bool use_short; /* run the smaller command */
	double cut;	/* end a policy's run at this many times … */
	double *usual;	/* … the median of the baseline's; 0: do not */
	size_t usual_n;
	size_t target_runs; /* of any command, whatever for */
	char *trouble;	    /* why nothing can be said about this group */
};

struct verifier {
	struct stream *stream;
	const struct verifier_opts *o;
	struct target *target;
	struct json *facts; /* of the target; NULL: none was opened */
	struct candidate *all;
	size_t count;
	struct group *groups;
	size_t group_count;
	int failed;    /* -errno of the target; 0: fine */
	char *failure; /* its message */
	int unable;    /* -errno of a group's command; see its trouble */
	bool cancelled;
	size_t lost;	/* candidates that no node could be had for */
	int lost_rc;	/* -errno of the first of them */
	double load;	/* of this machine before anything ran */
	uint64_t lease; /* what is held of it; 0: none */
};

/* plan.c: what is to be done */
int plan_read(struct verifier *v); /* reads the stream, makes the groups */
void plan_release(struct verifier *v);

/* stage.c */
extern const char *const verifier_status_names[]; /* of enum stage_status */
bool stage_wanted(const struct verifier *v, enum stage_id id);
void stage_find(struct stage *s, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* file NULL: no line is known. */
void stage_find_at(struct stage *s, const char *rule, const char *file,
		   long line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Those of a list that another process, or another machine, wrote. */
void stage_take_findings(struct stage *s, const struct json *list);
void stage_fail(struct candidate *c, enum stage_id id, const char *rule,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* With what the kernel's BPF verifier said last, its file and line. */
void stage_refused(struct candidate *c, enum stage_id id,
		   const struct run_result *r);
/* The last line that is not empty, for a person; lent. */
const char *last_words(const char *text, size_t *len);
/* No stage has failed, there is an object, and no verdict yet. */
bool candidate_alive(const struct candidate *c);

/* Where its object is, or would be; lent.  Found once: a sandbox lets nobody
 * look for it. */
const char *candidate_path(struct candidate *c);

const struct group *candidate_group(const struct verifier *v,
				    const struct candidate *c);

/* forms.c: knobs, external */
void lint_knobs(const struct verifier *v, struct candidate *c);
void lint_external(const struct verifier *v, struct candidate *c);
/* Answers build, prove or sim for a form without an object; false: the stage
 * has to. */
bool form_settles(struct candidate *c, enum stage_id id);
/* What its kernel stage has shown: "loads, attaches and detaches". */
const char *form_deed(const struct json *body);
/* No policy of the input needs sched_ext. */
bool form_only_knobs(const struct verifier *v);

/* known.c: marks what needs no verdict again */
void known_find(struct verifier *v);

/* lint.c */
bool lint_uses(const struct json *body, const char *what);
void lint_stage(const struct verifier *v, struct candidate *c);
void build_stage(struct verifier *v, struct candidate *c);

/* code.c: of policies with code */
void lint_code_stage(struct candidate *c);
/* False: there is no object, the stage says why. */
bool build_code(struct verifier *v, struct candidate *c);

/* prove.c */
void prove_stage(struct verifier *v, struct candidate *c);

/* sim.c */
void sim_stage(struct verifier *v, struct candidate *c);
/* Puts the candidates of a group that were simulated beside the kernel's own
 * scheduler, which is simulated once for all of them. */
void sim_compare(struct verifier *v, struct group *g);

/* apart.c: prove and sim of all that are alive, each candidate in a
 * sandboxed process of its own. */
typedef void apart_stage(struct verifier *v, struct candidate *c,
			 enum stage_id id);
void apart_climb(struct verifier *v, apart_stage *climb);

/* scatter.c: all of the ladder, on the nodes of an executor */
void scatter_climb(struct verifier *v);

/* gather.c: what comes back from there */
/*
 * Takes what the job on c[0..n) of a group says of each.  Who speaks may be
 * mistaken or broken: what does not answer the question that was asked, or has
 * figures that do not bear its decision out, is no answer.
 */
void gather_take(struct verifier *v, struct group *g, struct candidate **c,
		 size_t n, bool look, const struct executor_answer *a);

/* lease.c */
/* Waits for what this stage takes: a core for STAGE_SIM, else the target.
 * False: v->failed or v->cancelled. */
bool lease_take(struct verifier *v, enum stage_id id);
void lease_give(struct verifier *v);

/* progress.c */
void run_progress(const struct verifier *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Its title, from outside; lent. */
const char *verifier_title(const struct candidate *c);

/* kernel.c */
/* For the i-th kernel asked for. */
struct target_opts run_target_opts(const struct verifier *v, size_t i);
/* Begins to open it, if anything will run there. */
void run_target_ahead(struct verifier *v);
/* Opens the target if it is not; false: v->failed or v->cancelled. */
bool run_target(struct verifier *v);
/* Remembers rc and the message as v->failed, or that it was a cancellation. */
void target_fail(struct verifier *v, int rc);
void kernel_stage(struct verifier *v);
/* A run has shown that the target's kernel takes it. */
void kernel_took(struct verifier *v, struct candidate *c);

/* run.c: one run */
enum arm_kind { ARM_BASELINE, ARM_POLICY, ARM_SHUFFLED, ARM_BOUND };

struct arm {
	enum arm_kind kind;
	struct candidate *c; /* not of ARM_BASELINE and ARM_BOUND */
	bool valid;
	double *values; /* one for each metric of the workload */
};

/* False when the group must stop: v->failed, v->cancelled or g->trouble. */
bool run_arm(struct verifier *v, struct group *g, struct arm *a);
/* The baseline once, for warm caches and the time limit; retried once. */
bool run_warm_up(struct verifier *v, struct group *g);

/* rungs.c: by the figures of their screening, wherever those were
 * measured: all but the best `finalists` are screened out. */
void rungs_keep_finalists(struct verifier *v, struct group *g);

/* rounds.c: screening, pairs, confirmation */
void rounds_group(struct verifier *v, struct group *g);

/* verdict.c */
struct evidence_rule verdict_rule(const struct verifier *v,
				  const struct group *g, size_t metric);
/* More than a third of the runs. */
bool verdict_too_many(size_t invalid, size_t runs);
/* All that acceptance needs but the confirmation. */
bool verdict_promising(const struct verifier *v, const struct group *g,
		       const struct candidate *c);
/* The fresh pairs agree with the others. */
bool verdict_confirms(const struct verifier *v, const struct group *g,
		      const struct candidate *c);
/* Sets decision, why and the status of the run stage. */
void verdict_decide(const struct verifier *v, const struct group *g,
		    struct candidate *c);

void verdict_judge(const struct verifier *v, const struct group *g,
		   const struct pairs *p, size_t m, struct evidence *e);
bool verdict_guard_failed(const struct verifier *v, const struct group *g,
			  const struct candidate *c);
/* The pairs that speak for or against a candidate; may be empty. */
const struct pairs *verdict_pairs(const struct candidate *c);
/* For how much of its time the guest waited for the machine's CPUs. */
double verdict_wait_pct(const struct group *g, const struct candidate *c);

/* front.c */
void front_mark(const struct verifier *v, struct group *g);
/* What a better metric costs another one, in words, the caller's; NULL:
 * nothing. */
char *front_trade(const struct verifier *v, const struct group *g,
		  const struct candidate *c);

/* metrics.c */
struct json *verdict_metrics(const struct verifier *v, const struct group *g,
			     const struct candidate *c);

/* body.c */
struct json *verdict_body(const struct verifier *v, const struct group *g,
			  const struct candidate *c);
/* A copy of a policy body in which no identity keeps its expectation. */
struct json *body_shuffled(const struct json *body);

#endif
