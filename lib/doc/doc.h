/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document: the one type that flows through the pipes.  schedkit-doc(5).
 *
 * One line, one JSON object:
 *   {"v":1,"kind":…,"id":…,"parent":[…],"by":…,"time":…,"body":{…}}
 * id is the SHA-256 of the body's RFC 8785 form.
 */
#ifndef SCHEDKIT_DOC_DOC_H
#define SCHEDKIT_DOC_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

#define DOC_ID_LEN   65		 /* 64 hex digits and a NUL */
#define DOC_MAX_LINE (16u << 20) /* bytes of one line */

struct doc {
	const char *kind;	 /* lent by env */
	const char *id;		 /* lent by env */
	const struct json *body; /* lent by env */
	struct json *env;	 /* the whole envelope */
};

/*
 * Takes body.  parents: n ids.  by: the tool's name; the version is added.
 * NULL when doc_parse() would refuse the result: a defect of the caller, with
 * the key in the message.
 */
struct doc *doc_new(const char *kind, const char *by, struct json *body,
		    const char *const *parents, size_t n);
void doc_free(struct doc *d);
/* The same once more; the caller frees it. */
struct doc *doc_copy(const struct doc *d);

/*
 * Reads one line (without its newline).  -EINVAL with a message that names
 * what is wrong: the byte, the envelope's key, a wrong id, or the body's key
 * ("body.stages.0.status: ...").  Unknown kinds and keys are kept.
 */
int doc_parse(const char *line, size_t len, struct doc **out);

/* The line, without its newline; the caller frees it. */
char *doc_line(const struct doc *d);

/* Checks a body against the schema of a kind; unknown kinds pass. */
int doc_check(const char *kind, const struct json *body);

/* The id a body would have. */
void doc_body_id(const struct json *body, char out[static DOC_ID_LEN]);

size_t doc_parent_count(const struct doc *d);
const char *doc_parent(const struct doc *d, size_t i);
bool doc_has_parent(const struct doc *d, const char *id);

/* The kinds of schedkit-doc(5), NULL-terminated. */
extern const char *const doc_kinds[];

#endif
