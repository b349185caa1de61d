/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Versioned files of agents, on a reference of their own in the history's
 * repository: every version there ever was stays, as git keeps it.
 * schedkit-store(5) has the layout.
 *
 * Whoever calls has asked share_allows() where the reader is not the owner.
 * Writes go together: the first takes the writers' lock, nobody sees any of
 * them before files_commit(), and those that called are to hear of success
 * only after it.
 */
#ifndef SCHEDKIT_HISTORY_FILE_H
#define SCHEDKIT_HISTORY_FILE_H

#include "history/history.h"

#define FILES_REF	"refs/schedkit/store"
#define FILE_NAME_MAX	255 /* bytes of a name, folders included */
#define FILE_DEPTH_MAX	16
#define FILE_SIZE_MAX	(2u << 20)
#define FILE_AGENT_MAX	128 /* bytes */
#define FILE_SHARES_MAX 64  /* of one thing */
#define FILE_BLOB_LEN	41

struct files;

/* h is lent. */
struct files *files_new(struct history *h);
void files_free(struct files *f); /* as files_abort(); NULL is fine */

/*
 * All that was written becomes visible, on the disk, or nothing does, and the
 * next write begins anew.  -ESTALE: another program moved the reference
 * meanwhile (a push): do it all again.
 */
int files_commit(struct files *f);
void files_abort(struct files *f);

/*
 * -EINVAL: no relative path of plain components: "..", control characters,
 * what git or another system takes for something special, too long.
 */
int file_name_check(const char *name);
int file_agent_check(const char *agent);

struct file_version {
	long version; /* from 1 */
	long of;      /* rolled back to that one; 0: it was put */
	time_t time;
	size_t size;
	char blob[FILE_BLOB_LEN]; /* git's name of the content */
};

#define FILE_ANY (-1)

/*
 * A new version.  Content that is there already adds none.  after: the version
 * that is to be the last one (0: there is none), else -ESTALE; or FILE_ANY.
 * -EFBIG: over FILE_SIZE_MAX; -ENOTDIR, -EISDIR: a folder is a file, or the
 * other way round.
 */
int file_put(struct files *f, const char *agent, const char *name,
	     const void *data, size_t len, long after,
	     struct file_version *out);
/* A new version that is like an older one.  -ENOENT. */
int file_rollback(struct files *f, const char *agent, const char *name,
		  long version, struct file_version *out);

/* version 0: the last.  data may be NULL.  -ENOENT. */
int file_get(struct files *f, const char *owner, const char *name, long version,
	     struct buf *data, struct file_version *out);
/* Newest first; until fn returns non-zero, which is then returned. */
int file_log(struct files *f, const char *owner, const char *name,
	     int (*fn)(void *arg, const struct file_version *v), void *arg);
/* In order of name; as file_log(). */
int file_list(struct files *f, const char *owner,
	      int (*fn)(void *arg, const char *name,
			const struct file_version *last),
	      void *arg);
/* Every agent that has something here; as file_log(). */
int files_owners(struct files *f, int (*fn)(void *arg, const char *owner),
		 void *arg);

/* ---- shares ------------------------------------------------------------ */

enum share_of { SHARE_FILE, SHARE_NOTE };

/* The name that stands for all notes of an agent. */
#define SHARE_ALL "all"

/*
 * Lets agents whose names match a pattern (fnmatch(3), `*` also matches `/`)
 * read a file, all its versions, or a note, until a time (0: without end).
 * The same pattern again changes the time.  -ENOENT: no such file; whether a
 * note exists is the caller's to know.
 */
int share_set(struct files *f, const char *owner, enum share_of of,
	      const char *name, const char *with, time_t until);
/* with NULL: all of them.  -ENOENT: there is none. */
int share_drop(struct files *f, const char *owner, enum share_of of,
	       const char *name, const char *with);
/* 1: the reader is the owner, or it is shared with it now; 0. */
int share_allows(struct files *f, const char *owner, enum share_of of,
		 const char *name, const char *reader);
/* Each share that has not run out; as file_log(). */
int share_each(struct files *f, const char *owner, enum share_of of,
	       int (*fn)(void *arg, const char *name, const char *with,
			 time_t until),
	       void *arg);
/* Changes whenever any share or file does: for who keeps what was read. */
int files_state(struct files *f, char out[static FILE_BLOB_LEN]);

#endif
