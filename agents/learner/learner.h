/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The learning agent: what a verdict teaches, as a `lesson` document
 * (schedkit-lesson(5)), and what lessons say together.
 */
#ifndef SCHEDKIT_AGENTS_LEARNER_LEARNER_H
#define SCHEDKIT_AGENTS_LEARNER_LEARNER_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/doc.h"
#include "doc/stream.h"

/* ---- learning --------------------------------------------------------- */

struct learned {
	size_t lessons; /* emitted */
	/* Verdicts whose policy or profile the stream does not have, and so
	 * teach nothing. */
	size_t untold;
};

/*
 * Emits a lesson for each verdict of the stream that has none in it yet,
 * whatever the verdict says.  The same stream gives the same lessons.
 */
int learner_learn(struct stream *s, const char *by, struct learned *out);

/* The same for one verdict; NULL with a message: it teaches nothing. */
struct doc *learner_lesson(const struct stream *s, const struct doc *verdict,
			   const char *by);

/* ---- features --------------------------------------------------------- */

/* Under the key "version": lessons of another one are not compared. */
#define LEARNER_VERSION 1

/* Numbers that say what a workload is like, and none of its names; from the
 * body of a profile. */
struct json *learner_features(const struct json *profile);

/*
 * How far two such objects are apart: the Euclidean distance, each feature
 * measured by the scale that schedkit-lesson(5) gives (not by the set, so that
 * a distance means the same everywhere).  What one of them lacks is left out
 * and the rest scaled up.  INFINITY: of another version.
 */
double learner_distance(const struct json *a, const struct json *b);

/* Below this two profiles are of one workload, seen twice or made larger: what
 * was accepted for one is tried first on the other. */
#define LEARNER_NEAR 3.0
/* Above this one has nothing to tell about the other. */
#define LEARNER_FAR 6.0
/* Added for each of target, kernel series and number of CPUs that differs. */
#define LEARNER_ELSEWHERE 1.5

/* Of a lesson's body from a profile's, conditions counted in; features:
 * learner_features() of the profile. */
double learner_lesson_distance(const struct json *lesson,
			       const struct json *profile,
			       const struct json *features);

/* ---- regret ----------------------------------------------------------- */

struct regret {
	double ratio;	   /* of the policy asked for */
	double best_ratio; /* the largest that rests on pairs enough */
	char best[DOC_ID_LEN];
	double pct;    /* what is lost by it: (best / ratio - 1) in percent */
	size_t points; /* policies with a figure */
};

/*
 * Among the lessons (other documents are passed over) of a profile that
 * measured something: how far a policy is behind the best known.  Of several
 * lessons about one policy that with the most pairs counts.  -ENOENT: none of
 * them measured this policy.
 */
int learner_regret(const struct doc *const *docs, size_t n, const char *profile,
		   const char *policy, struct regret *out);

/* ---- calibration ------------------------------------------------------ */

/* What is measured when the simulator foretells x, in logarithms of ratios:
 * offset + slope * x, give or take sd. */
struct calibration {
	double offset, slope, sd;
	size_t points; /* it rests on */
};

/*
 * A line through n pairs, by least squares with Huber's weights (Huber 1964)
 * and pulled towards "as foretold" as if by experience (a ridge), so that few
 * points change little and wrong ones nothing.
 */
void learner_calibrate(const double *foretold, const double *measured, size_t n,
		       struct calibration *out);

/* Of the lessons among docs that hold both. */
void learner_calibrate_docs(const struct doc *const *docs, size_t n,
			    struct calibration *out);

struct expected {
	double ratio, lo, hi; /* with the 95 % interval */
};

void learner_expect(const struct calibration *c, double foretold_ratio,
		    struct expected *out);

#endif
