/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run of the loop keeps on the disk, so that it can be killed at any
 * moment: $XDG_STATE_HOME/schedkit/loops/KEY with
 *
 *   lock          held while the run lives (flock); says who has it, and its
 *                 time of change, moved on every second, when it last lived
 *   state.json    where it is: phase, rounds, what was spent; written
 *                 atomically
 *   stream.jsonl  every document so far, each synced; state.json says how much
 *                 of it counts, so half a phase is as good as none of it
 */
#ifndef SCHEDKIT_AGENTS_LOOP_STATE_H
#define SCHEDKIT_AGENTS_LOOP_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "agents/loop/decide.h"
#include "doc/json.h"
#include "doc/stream.h"
#include "workload/workload.h"

struct loop_state {
	char *dir;
	int lock, file;	   /* descriptors; -1 */
	struct json *body; /* of state.json; never NULL once it is open */
	double last_alive; /* time of change of the lock before we took it */
};

/*
 * Which loop this is: command, folder, metrics and bound of the workload, the
 * target and this host.  Two loops with the same key do the same work.
 */
void loop_key(const struct workload *w, const char *target,
	      char out[static DOC_ID_LEN]);
/* Of one that has a profile but no command. */
void loop_key_profile(const char *profile, const char *target,
		      char out[static DOC_ID_LEN]);

/* path_state("loops"); the caller's. */
char *loop_root(void);

/*
 * Makes the folder, takes the lock, reads the state, "{}" where there is none
 * yet.  -EAGAIN: another process has it, the message says which; -ENOSPC,
 * -EACCES, …; -EBADMSG: the state is damaged.
 */
int loop_state_open(const char *key, struct loop_state *s);
void loop_state_close(struct loop_state *s);

/* A state without the lock, to look at; the caller's.  NULL with 0: there is
 * none.  *alive: somebody holds its lock. */
int loop_state_look(const char *key, struct json **out, bool *alive);

/* The run of this state has come to no end yet. */
bool loop_state_unfinished(const struct json *body);

/* Forgets what was and begins anew. */
int loop_state_clear(struct loop_state *s);

/* Writes body, with the length of stream.jsonl in it. */
int loop_state_save(struct loop_state *s);

/* The documents that count, into stream: what is behind them in the file goes.
 * stream has been opened with loop_state_fd(). */
int loop_state_cut(struct loop_state *s);
int loop_state_fd(const struct loop_state *s);

/* Appends one, synced. */
int loop_state_append(struct loop_state *s, const struct doc *d);

/* To be called about once a second; safe in a signal handler. */
void loop_state_beat(const struct loop_state *s);

#endif
