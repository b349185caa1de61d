/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the keeper share. */
#ifndef SCHEDKIT_AGENTS_KEEPER_PARTS_H
#define SCHEDKIT_AGENTS_KEEPER_PARTS_H

#include "agents/keeper/keeper.h"
#include "history/file.h"
#include "history/recall.h"

/* One request on its way. */
struct job {
	const char *agent;
	const struct json *payload;
	const struct json *seal; /* of an audit log, instead of a payload */
	struct json *result;
	struct doc *note; /* to be recorded; NULL: none */
	bool writes;
	int rc;
	char *text; /* of the error */
};

struct keeper {
	struct history *h;
	struct files *files;
	struct recall *recall;
	struct job *jobs;
	size_t n;
	size_t done; /* of the jobs: their notes were recorded, or could not be
		      */
	/* What others share of their notes, as of this state of the store. */
	char shares_of[FILE_BLOB_LEN];
	struct json *shares; /* {OWNER:{NAME:[{"with","until"}]}} */
};

/* Records the notes of all jobs so far. */
void keeper_flush(struct keeper *k);

/* For share_each(): arg is an object {NAME:[{"with","until"}]}; "until" where
 * there is an end. */
int keeper_gather(void *arg, const char *name, const char *with, time_t until);

/* Each fills job->result; the errors of lib/history/file.h, and -EINVAL for
 * what the payload lacks. */
int keeper_memory(struct keeper *k, struct job *j);
int keeper_storage(struct keeper *k, struct job *j);

/* Fields of a payload.  -EINVAL names them. */
int field_text(const struct json *p, const char *key, const char **out);
/* dflt when it is absent; whole, between min and max. */
int field_whole(const struct json *p, const char *key, double min, double max,
		long dflt, long *out);
/* "with" and "expires_s" of a share; until is 0 without end. */
int field_share(const struct json *p, const char **with, time_t *until);

#endif
