/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the front of the MCP server may read by itself: the history, the manual,
 * and whether what is in force has changed.  For the front alone.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_WORLD_H
#define SCHEDKIT_AGENTS_STEWARD_WORLD_H

#include "agents/steward/parts.h"
#include "history/history.h"

#define WORLD_SCHEME   "schedkit://"
#define WORLD_STATUS   WORLD_SCHEME "status"
#define WORLD_MACHINE  WORLD_SCHEME "machine"
#define WORLD_LOG      WORLD_SCHEME "history/log"
#define WORLD_URI_MAX  256
#define WORLD_PAGE_LEN 64
#define WORLD_TEXT_MAX (2u << 20) /* bytes of one resource */

enum world_what {
	WORLD_IS_STATUS,
	WORLD_IS_MACHINE,
	WORLD_IS_LOG,
	WORLD_IS_DOCUMENT,
	WORLD_IS_PAGE,
};

struct world_uri {
	enum world_what what;
	char kind[HISTORY_KIND_LEN], id[DOC_ID_LEN]; /* or its beginning */
	char page[WORLD_PAGE_LEN];		     /* "sched-verify.1" */
};

struct world_waiting; /* for a program, one call */

struct steward_world {
	struct history *h;	       /* NULL: not opened yet */
	struct world_waiting *pending; /* of resources.c */
	bool watched[2];	       /* status, log */
	char *seen[2]; /* as they were when they were looked at last */
	double looked;
};

struct steward_world *world_of(struct steward *s); /* made when needed */

/* ---- URIs --------------------------------------------------------------- */

/* -ENOENT: no resource of ours, and the message says why. */
int world_uri_read(const char *uri, struct world_uri *out);

/* ---- the history -------------------------------------------------------- */

/* Lent.  -ENOENT: there is none yet. */
int world_history(struct steward *s, struct history **out);
/* -ENOENT: it is not there; -EEXIST: the beginning of several. */
int world_find(struct steward *s, const char *kind, const char *id,
	       struct history_key *out);
int world_document(struct steward *s, const char *kind, const char *id,
		   struct doc **out);

struct world_entry {
	struct history_key key;
	char time[24];
	char *subject; /* an outsider's words may be in it */
};

/*
 * The newest first, at most max; kind NULL: any; those whose id begins with
 * prefix.  *more: there would have been more.  Free by world_entries_free().
 */
size_t world_newest(struct steward *s, const char *kind, const char *prefix,
		    size_t max, struct world_entry **out, bool *more);
void world_entries_free(struct world_entry *e, size_t n);

/* ---- the manual --------------------------------------------------------- */

/* As text, the caller's.  -ENOENT. */
int world_page(const char *page, char **text);
/* What it is about, in a line; the caller's. */
char *world_page_purpose(const char *page);

/* ---- prompts: a row each, one for each argument -------------------------- */

enum world_arg_kind {
	WORLD_ARG_END,
	WORLD_ARG_ID,	/* of a document of the kind `words` */
	WORLD_ARG_WORD, /* one of `words`, with | between */
	WORLD_ARG_COUNT,
	WORLD_ARG_WISH, /* a line of a person's words */
	WORLD_ARG_TEXT,
};

struct world_arg {
	enum world_arg_kind kind;
	const char *name, *text, *words;
	bool required;
};

/* NULL: that prompt has no such argument, or there is no such prompt. */
const struct world_arg *world_prompt_arg(const char *prompt, const char *name);

/* ---- what changes ------------------------------------------------------- */

/* Words that are others once it has changed; the caller's. */
char *world_status_mark(void);
char *world_log_mark(void);

/* Adds the folders that all of this is read from. */
void world_folders(struct strs *read);

#endif
