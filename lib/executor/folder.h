/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder between here and the nodes: N.job is what is to be run, N.answer
 * what came of it, N.began how often it was tried.
 *
 * It is named by a digest of all its jobs, so that who was killed finds there,
 * when asked the same again, what has been done meanwhile.  Nobody but us may
 * write into it; a job ends itself when the folder goes, or says `stop`.
 */
#ifndef SCHEDKIT_EXECUTOR_FOLDER_H
#define SCHEDKIT_EXECUTOR_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "executor/packet.h"

/* "schedkit-" and 16 digits: also what an engine calls the jobs. */
#define FOLDER_NAME_LEN 26
/* What was measured longer ago may be of another kernel by now. */
#define FOLDER_FRESH_S (24 * 3600)

struct folder {
	char *dir;
	char name[FOLDER_NAME_LEN];
	int lock;
};

#define FOLDER_NONE ((struct folder){NULL, "", -1})

/*
 * Makes PARENT/NAME, or takes up what is there, and writes the jobs.
 * -EBUSY: another one is at these very jobs.
 */
int folder_open(const char *parent, const struct job_packet *jobs, size_t n,
		struct folder *out);
/* Tells all that runs there to end. */
void folder_stop(const struct folder *f);
/* remove: with all that is in it. */
void folder_close(struct folder *f, bool remove);

/* Letters, digits and "/._+@-", from the root: a path that means the same to
 * every shell on the way. */
bool folder_is_plain(const char *path);

/* DIR/NUMBER.KIND, the caller's. */
char *folder_file(const char *dir, size_t number, const char *kind);

/* The answer; its bytes are in *room.  -ENOENT: there is none yet. */
int folder_answer(const struct folder *f, size_t number, struct buf *room,
		  struct answer_packet *out);

#endif
