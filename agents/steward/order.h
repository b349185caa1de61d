/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An order: what a client's call of a tool comes down to, checked.  Both sides
 * of the hand's socket make it from the same rows; the hand believes nothing
 * but what it has checked itself.
 *
 * Plain words (a wish, a command) are no part of an order's arguments: the
 * front puts them into a file, and only who runs the program opens it.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_ORDER_H
#define SCHEDKIT_AGENTS_STEWARD_ORDER_H

#include "agents/steward/config.h"
#include "agents/steward/tools.h"
#include "base/strs.h"
#include "crypt/digest.h"
#include "doc/json.h"

#define STEWARD_MAX_WORDS 64
#define STEWARD_MAX_TEXT  4096 /* bytes of them all */

struct steward_order {
	const struct steward_tool *tool;
	const struct steward_config *cfg; /* lent */
	const struct steward_client *who; /* lent */
	enum steward_class class;
	struct strs argv;     /* [0] is the program's name */
	struct strs operands; /* behind "--" */
	struct strs input;    /* ids of the documents of standard input */
	char *file;	      /* or this file is */
	struct strs words;    /* plain ones, of the front's */
	const char *words_as; /* "--wish=", or NULL: a command */
	bool has_words;
	bool agree; /* a person has to */
	unsigned flags;
	double limit_s;
};

/*
 * `words`: that the plain ones are in a file; they must not be in args then,
 * nor is anything plain taken from there.  -EINVAL, -EACCES, -ENOENT (no such
 * tool): the message is for the client.  Release in any case.
 */
int steward_order_make(struct steward_order *o,
		       const struct steward_config *cfg,
		       const struct steward_client *who, const char *tool,
		       const struct json *args, bool words);
void steward_order_release(struct steward_order *o);

/* The arguments without plain words, as they go to the hand. */
struct json *steward_order_arguments(const struct steward_order *o,
				     const struct json *args);
/* What a person agrees to: tool, arguments, who asked. */
void steward_order_digest(const struct steward_order *o,
			  const struct json *args,
			  char out[static DIGEST_HEX_LEN]);

/* A file of words, each ended by NUL. */
int steward_words_write(const char *path, const struct strs *words);
/* -EINVAL: it holds what cannot be a word. */
int steward_words_read(const char *path, struct strs *words);

/* For the rows of tools. */
void steward_order_option(struct steward_order *o, const char *option,
			  const char *value);
bool steward_is_id(const char *s, size_t min);
bool steward_is_word(const char *words, const char *s); /* one of "a|b|c" */
/* On one line, without anything that acts on a terminal. */
bool steward_is_plain(const char *s);
/* What of the path is below the folder; NULL: it is not, by its words. */
const char *steward_below(const char *dir, const char *path);

#endif
