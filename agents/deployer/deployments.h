/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deployments of a machine, put together from their documents: what was
 * attached when, how it ended, and what was in place before.
 *
 * Pure: documents in, answers out.
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_DEPLOYMENTS_H
#define SCHEDKIT_AGENTS_DEPLOYER_DEPLOYMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "crypt/digest.h"
#include "doc/doc.h"

/* One deployment; its documents are lent. */
struct deployment {
	/* As it was attached, or stays when its canary is over; NULL: not
	 * known. */
	const struct doc *begin;
	/* As it ended; NULL: it goes on, or its holder was killed.  One that
	 * was refused, or tried in a guest, has only this. */
	const struct doc *end;
};

struct deployments {
	struct deployment *v; /* in the order in which they began */
	size_t n;
};

/*
 * Which machine this is: a digest of /etc/machine-id that does not tell it.
 * False: it has none, and all that is in the history counts as its own.
 */
bool deployments_host(char out[static DIGEST_HEX_LEN]);

/* A body that says how a policy, or knobs, that had been attached ended. */
bool deployments_is_end(const struct json *body);

/*
 * Of documents in the order in which they were made; other kinds are passed
 * over.  host: only those of this machine, and those that name none; NULL:
 * of all.
 */
void deployments_read(const struct doc *const *docs, size_t n, const char *host,
		      struct deployments *out);
void deployments_release(struct deployments *d);

/* The last word about it. */
const struct doc *deployment_doc(const struct deployment *d);
/* It schedules, or did, the host. */
bool deployment_was_attached(const struct deployment *d);

/* How often the kernel or a guard took a policy off this machine since then. */
size_t deployments_falls(const struct deployments *d, const char *policy,
			 time_t since);

/*
 * What was in place before present (a policy; NULL: the one that was attached
 * last): indices into d->v, the nearest first, each policy once; to be freed,
 * *n of them.  What was put back stands again where it stood: going back twice
 * goes back two steps.
 */
size_t *deployments_before(const struct deployments *d, const char *present,
			   size_t *n);
/* The last one that was attached; NULL: none. */
const struct deployment *deployments_last(const struct deployments *d);

/* Why it can not be put back by itself, to be freed; NULL: it can.  Knobs that
 * were for one command or one process have ended with it. */
char *deployment_is_over(const struct deployment *d);

#endif
