/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports of hosts on a rollout: small texts, each on a reference of its own,
 *     refs/schedkit/report/ROLLOUT/COHORT/HOST
 *
 * A document in the history would have to be merged by everybody who pushes;
 * ten thousand hosts would wait for each other.  A reference of one's own is
 * pushed without asking what others do, is fetched by those who want to know
 * of that cohort, and is gone when nobody needs it any more.
 *
 * What they say is data of others: nothing is believed here.
 */
#ifndef SCHEDKIT_HISTORY_REPORTS_H
#define SCHEDKIT_HISTORY_REPORTS_H

#include "base/strs.h"
#include "history/remote.h"

#define REPORT_REFS	"refs/schedkit/report/"
#define REPORT_SIZE_MAX 16384
/* More than these are not read: somebody fills the remote. */
#define REPORTS_MAX 200000

/* The parts of a name: lower-case letters, digits and '-', with a slash
 * between them.  -EINVAL. */
int report_check_name(const char *name);

/* What the remote has below these prefixes ("ROLLOUT/0/"); what it has no more
 * is forgotten here.  As remote_pull(). */
int reports_fetch(struct history *h, const struct remote_opts *o,
		  const struct strs *below);

/* Those that were fetched; until fn returns non-zero, which is then returned.
 * What is larger than REPORT_SIZE_MAX is passed over. */
int reports_each(struct history *h, const char *below,
		 int (*fn)(void *arg, const char *name, const char *text,
			   size_t len),
		 void *arg);

/* Puts one there, in place of what it said before; again where others are in
 * the way. */
int reports_push(struct history *h, const struct remote_opts *o,
		 const char *name, const char *text);

/*
 * Removes all reports but those below the given prefixes, at the remote and
 * here; *n: at the remote.
 */
int reports_prune(struct history *h, const struct remote_opts *o,
		  const struct strs *keep, size_t *n);
/* The same here alone. */
int reports_forget(struct history *h, const struct strs *keep);

#endif
