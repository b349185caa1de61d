/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs: one folder for each run of a program, in $XDG_STATE_HOME/schedkit/mcp/
 * jobs, named by the handle that clients have.
 *
 *   order        {"tool":…,"arguments":{…},"client":…,"created":…}
 *   words        plain ones, if it has any
 *   lock         held by the process that looks after it; its number
 *   in.jsonl     what the program reads
 *   out.jsonl    what it writes
 *   err          what it says
 *   status       {"exit_status":…,"cancelled":…,"kept":…,"ended":…,"text":…},
 *                there once it has ended
 *
 * A job belongs to nobody but itself: it goes on when the server is killed,
 * and its folder is all that another server needs to know of it.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_JOBS_H
#define SCHEDKIT_AGENTS_STEWARD_JOBS_H

#include <sys/types.h>

#include "agents/steward/config.h"
#include "agents/steward/order.h"

#define STEWARD_JOB_LEN 33 /* 32 hex digits and a NUL */

enum steward_job_state {
	STEWARD_JOB_RUNS,
	STEWARD_JOB_ENDED,
	STEWARD_JOB_LOST, /* who looked after it was killed, and it with that */
};

struct steward_job {
	char id[STEWARD_JOB_LEN];
	char *dir;
	struct json *order, *status; /* status NULL: it has not ended */
	enum steward_job_state state;
	double created, ended; /* CLOCK_REALTIME, s */
	int exit_status;       /* -1: it could not be started, or is lost */
	bool cancelled;
};

/* The folders, made if need be; the caller frees them. */
char *steward_jobs_dir(void);
char *steward_texts_dir(void);
int steward_dirs_make(void);

/* 32 hex digits by chance. */
void steward_job_name(char out[static STEWARD_JOB_LEN]);
bool steward_job_is_name(const char *s);

/* -ENOENT: no such job.  Release after 0. */
int steward_job_read(const char *jobs, const char *id, struct steward_job *out);
void steward_job_release(struct steward_job *j);
const char *steward_job_tool(const struct steward_job *j);
bool steward_job_is_long(const struct steward_job *j); /* STEWARD_LONG */
const char *steward_job_client(const struct steward_job *j);
/* "runs", "ended", "cancelled" or "lost". */
const char *steward_job_word(const struct steward_job *j);
/* All, the newest first; the caller releases each and frees the array.  After
 * an error there are none. */
int steward_jobs_read(const char *jobs, struct steward_job **out, size_t *n);

/* Its program and all that this started end; does not wait for it.  0 as well
 * where it has ended already. */
int steward_job_cancel(const char *jobs, const char *id);
/* Removes jobs that ended long ago, and the oldest of too many. */
void steward_jobs_tidy(const char *jobs, const struct steward_config *cfg);

/*
 * Starts one.  words: a file that becomes the job's, or NULL; input: a
 * descriptor to be read, or -1.  The process that looks after it is a child
 * (*pid) that survives us.
 */
int steward_job_start(const char *jobs, const struct steward_order *o,
		      const struct json *args, const char *words, int input,
		      char id[static STEWARD_JOB_LEN], pid_t *pid);
/* That process; never returns. */
void steward_job_supervise(const struct steward_order *o, const char *dir,
			   int lock, int input) __attribute__((noreturn));

#endif
