/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an answer was suspended, and how what follows is joined to it without
 * a repeat and without a gap.  Private to lib/llm.
 */
#ifndef SCHEDKIT_LLM_RESUME_H
#define SCHEDKIT_LLM_RESUME_H

#include "crypt/digest.h"
#include "llm/provider.h"

/* All strings are its own; NULL: none. */
struct resume {
	char digest[DIGEST_HEX_LEN]; /* of the request (record_digest()) */
	char *endpoint;
	char *text;    /* what was said; calls of tools are whole or not at all,
			  so that those under way are said again */
	long tokens;   /* in text */
	char *slot;    /* the name of the state that endpoint has saved */
	char *wrong;   /* repairing: the answer that could not be used */
	char *why;     /* repairing: and why */
	long slices;   /* so far */
	long restarts; /* of them, begun anew */
	bool stuck; /* something was lost: were the next slice cut as well, it
		       might be so for ever */
	bool trim;  /* no white space may stand at the end of what is said */
	struct llm_answer costs; /* usage, cost_usd, seconds, attempts,
				    estimated: of all before */
};

void resume_release(struct resume *f);

/* A name for the state of an endpoint, the caller's; nonce: 32 hexadecimal
 * digits. */
char *resume_slot(const char *nonce);

/* -EINVAL: it is none, or belongs to another request. */
int resume_read(const struct json *v, const struct llm_request *r,
		struct resume *out);
/* The caller's. */
struct json *resume_json(const struct resume *f);

/* There is something to go on from. */
bool resume_any(const struct resume *f);

/* r as it is asked in order to go on, in *out, and its messages, the caller's
 * until then. */
void resume_request(const struct resume *f, enum llm_resume means,
		    const struct llm_request *r, struct llm_request *out,
		    struct json **messages);

/* Bytes that the answer to that has to begin with and that are said already. */
size_t resume_repeats(const struct resume *f, enum llm_resume means);

/*
 * Puts what was said before what came.  -EBADMSG: they do not fit together;
 * -EMSGSIZE.  cut: it is suspended once more, and may have come to nothing new.
 */
int resume_join(const struct resume *f, enum llm_resume means, bool cut,
		struct buf *came);

/* Takes away what may be the beginning of a key. */
void resume_hold_back(struct buf *text);

#endif
