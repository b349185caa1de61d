/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounds of runs, for the phases that are made of them. */
#ifndef SCHEDKIT_AGENTS_VERIFIER_ROUNDS_H
#define SCHEDKIT_AGENTS_VERIFIER_ROUNDS_H

#include "agents/verifier/state.h"

/* Every arm once; arms[0] is the baseline. */
struct round {
	struct arm *arms;
	size_t n;
	size_t *order;
	double *room;
};

enum phase { SCREENING, PAIRING, CONFIRMING };

/* rounds.c */
/* The baseline and all that are in play; how many those are. */
size_t round_arm_all(struct round *r, struct group *g);
/* False when the group must stop. */
bool round_go(struct verifier *v, struct group *g, struct round *r,
	      size_t number);
/* Gives the round's valid pairs to where they belong. */
void round_keep(const struct verifier *v, struct group *g,
		const struct round *r, enum phase phase, size_t i, size_t of);

/* May still win. */
bool rounds_in_play(const struct candidate *c);
/* The median ratio of metric m; no interval is needed to rank. */
double rounds_ratio(const struct group *g, const struct pairs *p, size_t m);

/* rungs.c: who becomes a finalist.  False as round_go(). */
bool rungs_screen(struct verifier *v, struct group *g, struct round *r);
bool rungs_halve(struct verifier *v, struct group *g, struct round *r);

/* look.c */
/* Ends the pairs of those whose answer is known; only with `sequential`. */
void looks_after_round(const struct verifier *v, struct group *g);
/* Its pairs are neither ended nor all there. */
bool looks_wanted(const struct verifier *v, const struct candidate *c);

#endif
