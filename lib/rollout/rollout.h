/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rollout: which policy hosts are to have for a workload, in which order, and
 * what stops it.  schedkit-rollout(7) has the ideas.
 *
 * It is a signed statement (signed.h) that everybody may read and only who has
 * a trusted key can make.  Each change of mind is another statement with a
 * larger serial number.
 */
#ifndef SCHEDKIT_ROLLOUT_ROLLOUT_H
#define SCHEDKIT_ROLLOUT_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "crypt/digest.h"
#include "crypt/sign.h"
#include "doc/json.h"

#define ROLLOUT_COHORTS	   16
#define ROLLOUT_NAME	   32
#define ROLLOUT_WORKLOAD   1024
#define ROLLOUT_WHY	   256
#define ROLLOUT_SPREAD_S   600
#define ROLLOUT_SERIAL_MAX 1000000000L

enum rollout_state {
	ROLLOUT_RUNNING,
	ROLLOUT_HALTED,	   /* nobody takes it any more; who has it keeps it */
	ROLLOUT_WITHDRAWN, /* who has it goes back */
	ROLLOUT_STATES,
};

extern const char *const rollout_states[ROLLOUT_STATES];

struct rollout_cohort {
	char name[ROLLOUT_NAME];
	double share_pct;  /* of all hosts; 0: only those that are named so */
	double soak_s;	   /* a host reports well after so long in force */
	long reports;	   /* so many must have come before the next cohort */
	double bad_pct;	   /* more bad ones than that end it everywhere */
	double report_pct; /* of its hosts, so many report that all is well */
};

struct rollout {
	char id[DIGEST_HEX_LEN]; /* the same in all statements about it */
	long serial;
	enum rollout_state state;
	char policy[DIGEST_HEX_LEN];
	char verdict[DIGEST_HEX_LEN];
	char workload[ROLLOUT_WORKLOAD];
	char why[ROLLOUT_WHY]; /* of this statement; "" */
	double spread_s;       /* the hosts of a cohort begin within so long */
	time_t began;	       /* when its first statement was made */
	time_t issued, expires;
	struct rollout_cohort cohorts[ROLLOUT_COHORTS];
	size_t n;
};

/*
 * "NAME:SHARE[:SOAK_S[:REPORTS[:BAD[:REPORTING]]]]", shares in percent.  What
 * is left out: an hour, one report, none of them bad, all report.  -EINVAL.
 */
int rollout_cohort_parse(const char *text, struct rollout_cohort *out);

/* -EINVAL: what stands there is no rollout that hosts could follow. */
int rollout_check(const struct rollout *r);

/* Of a statement that was found to hold, and back. */
int rollout_read(const struct json *statement, struct rollout *out);
struct json *rollout_json(const struct rollout *r);

/* ---- hosts ------------------------------------------------------------- */

/*
 * Where a host stands in a rollout, each from 0 to 1.  It follows from the
 * rollout's id and the public key that the host signs its reports with, so
 * that everybody can tell which cohort it is in, nobody can choose, and
 * another rollout has other canaries.
 */
struct rollout_place {
	double point; /* which cohort */
	double turn;  /* how late within its cohort */
	double voice; /* whether it reports that all is well */
};

void rollout_place(const char *id, const char *key, struct rollout_place *out);

/* The cohort of a host of this name, or of this place when name is NULL; -1:
 * none of this rollout. */
int rollout_cohort_of(const struct rollout *r, const char *name, double point);

/*
 * Whether all cohorts before this one can have reported by now: as long as
 * they cannot, nobody needs to ask what they said.
 */
bool rollout_is_due(const struct rollout *r, int cohort, time_t now);

#endif
