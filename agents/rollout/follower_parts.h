/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the follower share. */
#ifndef SCHEDKIT_AGENTS_ROLLOUT_FOLLOWER_PARTS_H
#define SCHEDKIT_AGENTS_ROLLOUT_FOLLOWER_PARTS_H

#include "agents/rollout/follower.h"
#include "base/boot.h"

/* What a host remembers of the rollout for a workload, in a file. */
struct follower {
	struct history *h;
	const struct follower_opts *o;
	struct sign_key *key;
	struct key_info info;
	struct rollout r;
	struct rollout_host host;
	bool named;
	/* Kept from one round to the next, beside parts of host. */
	char id[DIGEST_HEX_LEN]; /* the rollout; "": none yet */
	char policy[DIGEST_HEX_LEN];
	/* What an earlier rollout has put in place, to make way; "": nothing */
	char before[DIGEST_HEX_LEN];
	char why[REPORT_WHY];	/* of the stage */
	char boot[BOOT_ID_LEN]; /* when the machine was last seen */
	long lost;		/* so often it was gone without a word */
	bool unreported;	/* the stage is news */
	char *path;		/* of that file */
	char *deployed;		/* what sched-deploy writes */
	int lock;		/* one round at a time; -1 */
};

void follower_say(const struct follower *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- follower_state.c -------------------------------------------------- */

/* What is remembered for a workload; nothing yet is fine.  -EAGAIN: another
 * round is at work. */
int follower_load(struct follower *f, const char *workload);
int follower_save(const struct follower *f);
/* It is another rollout: what was bad in the last one may be good now. */
void follower_turn_to(struct follower *f, const struct rollout *r);
void follower_is(struct follower *f, enum rollout_stage stage, const char *why);

/* ---- follower_deploy.c ------------------------------------------------- */

/* How what was put in place fares; -errno: that cannot be told. */
int follower_look(struct follower *f);
/* Puts it in place; -errno: it could not be tried. */
int follower_deploy(struct follower *f);
int follower_withdraw(struct follower *f, const char *why);

/* ---- follower_report.c ------------------------------------------------- */

/* Says how it is, where that is news and is to be said. */
int follower_report(struct follower *f);

#endif
