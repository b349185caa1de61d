/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the doctor's look at ourselves. */
#ifndef SCHEDKIT_AGENTS_DOCTOR_SELF_PARTS_H
#define SCHEDKIT_AGENTS_DOCTOR_SELF_PARTS_H

#include <netinet/in.h>
#include <sys/un.h>

#include "agents/doctor/self.h"

#define SELF_KEY "schedkit-planted-0123456789"

/* What is put there for it to be tried on. */
struct self_bait {
	char *secret;  /* a file that only the user may read */
	char *outside; /* one that is not there */
	int kept;      /* a descriptor */
	int inet, local;
	struct sockaddr_in inet_at;
	struct sockaddr_un local_at;
	socklen_t local_len;
};

int self_bait_put(struct self_bait *b, const char *dir);
void self_bait_remove(struct self_bait *b);

/* Of the process that is held; -errno: it could not be looked at. */
int self_look(struct tracees *t, pid_t pid, const struct self_bait *b,
	      struct self_found *out);

/* Capabilities of this process, in any set but the bounding one. */
uint64_t self_own_caps(void);

/* Words for all that is more than the row allows; none: it is as declared. */
void self_compare(const struct self_row *row, const struct self_found *f,
		  struct strs *more);

#endif
