/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs behind `command:` write to their standard output. */
#ifndef SCHEDKIT_LLM_SAID_H
#define SCHEDKIT_LLM_SAID_H

#include "llm/llm.h"

enum said_form {
	SAID_TEXT,     /* the answer */
	SAID_CLAUDE,   /* one object with the answer and the usage */
	SAID_OPENCODE, /* an event in each line */
};

/*
 * Sets out's text, and its usage where it is told.  -EBADMSG: no answer is in
 * there; -EIO: it is an error, in the program's words.
 */
int said_read(enum said_form form, const char *text, size_t len,
	      struct llm_answer *out);

#endif
