/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the planner share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_PLANNER_STATE_H
#define SCHEDKIT_AGENTS_PLANNER_STATE_H

#include "agents/observer/features.h"
#include "agents/learner/learner.h"
#include "agents/planner/optimiser.h"
#include "agents/planner/planner.h"
#include "agents/planner/search.h"

/* ---- memory.c: what the lessons of the stream say -------------- */

/* One that was about a point of the parameter space. */
struct memory_point {
	const struct doc *lesson;
	struct policy_params params; /* normalised */
	double distance;	     /* 0: of this very profile */
	bool own;
	bool better; /* accepted */
	bool bad;    /* worse, or unsafe */
	double mean; /* logarithm of the measured ratio */
	double sd;   /* of it; INFINITY: nothing was measured */
};

struct memory {
	struct memory_point *v;
	size_t n;
	struct calibration calibration;
	double slowness; /* see struct search_opts; 1: nothing is known */
	double best;	 /* logarithm: of what was accepted here; 0: EEVDF */
	/* How often what a source proposed was accepted, and was not, nearer
	 * lessons counting more. */
	double won[SOURCE_COUNT], lost[SOURCE_COUNT];
	size_t lessons; /* that count at all */
};

void memory_read(const struct stream *s, const struct doc *profile,
		 struct memory *m);
void memory_release(struct memory *m);

/* Measured for this very profile. */
bool memory_knows(const struct memory *m, const struct policy_params *p);
/* A neighbour found it bad. */
bool memory_warns(const struct memory *m, const struct policy_params *p);
/* What neighbours measured of it, further ones less sure; false: nothing. */
bool memory_evidence(const struct memory *m, const struct policy_params *p,
		     double *mean, double *sd);
/* It was accepted for what is taken for this workload. */
bool memory_is_near(const struct memory *m, const struct policy_params *p);
/* Tells all that was measured. */
void memory_tell(const struct memory *m, struct optimiser *o);
/* Accepted points of neighbours that this workload could use, the largest
 * expected effect first. */
size_t memory_propose(const struct memory *m, const struct features *f,
		      struct proposal *out, size_t max);

/* Choices are equal, and numbers but for a tenth. */
bool memory_same(const struct policy_params *a, const struct policy_params *b);

/* ---- choose.c: which of them are worth a guest ----------------- */

struct candidate {
	struct search_point point;
	/* What is expected of it, a logarithm and its deviation; sd 0: nobody
	 * can say.  worth: with what guards lose taken off. */
	double mean, sd, worth;
	bool is_near;	 /* accepted for what is taken for this workload */
	bool first_rule; /* what the rules would say alone */
	bool warned;	 /* a neighbour found it bad */
	bool beaten;	 /* another promises more than it can hold */
	bool taken, gone;
	size_t place; /* in the order of the search */
};

/* What is proposed, and how it was chosen. */
struct choice {
	struct features f;
	struct memory memory;
	struct candidate *v; /* in the order of the search, then chosen first */
	size_t n;
	size_t chosen; /* v[0..chosen) are proposed */
	struct search *search;
	bool searched;
	char *trouble; /* why the simulator could not be asked; or NULL */
};

/* Puts at most `count` of the candidates to the front. */
void choose(struct choice *c, const struct planner_opts *o);
/* What one of the chosen is expected to add to the best there is, percent. */
double choice_gain_pct(const struct choice *c);

/* ---- pool.c: the points to begin with -------------------------- */

/* Fills v with at most max: what each source that may has to say. */
size_t pool_fill(const struct choice *c, const struct planner_opts *o,
		 struct rng *rng, const struct optimiser *optimiser,
		 struct search_point *v, size_t max);

/* ---- planner.c -------------------------------------------------------- */

/* The body of a policy document; the caller's. */
struct json *planner_policy_body(const struct proposal *p,
				 const struct json *profile);

/* ---- knobs.c ---------------------------------------------------- */

/* Policies of the form "knobs", chosen by the simulator. */
int gather_knobs(struct choice *c, const struct doc *profile,
		 const struct planner_opts *o);

#endif
