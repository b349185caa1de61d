/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys, and keeping them out of everything that is written.
 *
 * A value that was learnt here stands in locked memory (where the kernel lets
 * us), is overwritten when it goes, and is cut out of every text that passes
 * secret_scrub(), as is whatever looks like a key.  Scrub whole texts: a key
 * may be split over the pieces of a stream.
 */
#ifndef SCHEDKIT_LLM_SECRET_H
#define SCHEDKIT_LLM_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* A shorter one could not be cut out of a text without tearing words. */
#define SECRET_LEAST 8

struct secret {
	char *value; /* printable ASCII, fit for a header */
	size_t len;
	size_t mapped;
	struct secret *next;
};

/*
 * Learns a value; name says where it comes from.  -EINVAL: it is too short, or
 * holds blanks, quotes or the like.  *out is lent until secret_forget().
 */
int secret_learn(const char *name, const char *value, size_t len,
		 const struct secret **out);

/* The first line of a file.  -EACCES: others may read it. */
int secret_learn_file(const char *name, const char *path,
		      const struct secret **out);

/* Overwrites and unmaps all that was learnt. */
void secret_forget(void);

/*
 * The text with every known value and everything that looks like a key
 * replaced by "[secret]"; the caller frees it.  JSON stays JSON.
 */
char *secret_scrub(const char *text);

/* How many of n bytes stand before what may be the beginning of a known value
 * at their end. */
size_t secret_before(const char *text, size_t n);

/* Passes the message in the error slot through it; returns rc. */
int secret_scrub_err(int rc);

/*
 * Takes the keys out of this process's environment: the variables, and the
 * bytes that /proc/PID/environ would go on showing.
 */
void secret_clear_env(void);

/* The same in a process that asks no model. */
void secret_leave_env(void);
/* Further variables that hold keys: those that addresses of endpoints name
 * (";key=NAME"); NULL: nothing. */
void secret_names_in(const char *addresses);

/* Whether a variable (n bytes of name) holds a key, rather than the name of a
 * file. */
bool secret_is_env(const char *name, size_t n);

#endif
