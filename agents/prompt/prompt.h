/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prompts: the roles in prompts/ and what is put into them.
 *
 * A role is a Markdown file with front matter (prompts/README.md).  Its
 * system text is the same bytes in every call, so that prompt caches hit; all
 * that varies is in the messages.  $XDG_CONFIG_HOME/schedkit/prompts/NAME.md
 * stands before the file of that name that comes with schedkit.
 */
#ifndef SCHEDKIT_AGENTS_PROMPT_PROMPT_H
#define SCHEDKIT_AGENTS_PROMPT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "doc/doc.h"

struct role {
	char *name;
	char *system; /* the brief parts it includes, then its own text */
	struct json *schema; /* of its answer; NULL: free text */
	long max_tokens;
	bool tools; /* it may call the tools of agents/proposer/model_tools.h */
	char *path; /* the file it was read from */
};

#define ROLE_MAX_SYSTEM (128u << 10) /* bytes of a system text */

/* NULL-terminated: "planner", "coder", "fixer", "critic", "summariser",
 * "declarer". */
extern const char *const role_names[];

/* -EINVAL names file, line and what is wrong with the front matter. */
int role_load(const char *name, struct role *out);
void role_release(struct role *r);

/*
 * What an outsider wrote (a task's name, a program's or a compiler's output, a
 * note in the history), as data: cut to max bytes with a word that it was,
 * control characters and whatever looks like the fence made harmless.
 * label: ours, "compiler output".
 */
void prompt_fence(struct buf *b, const char *label, const char *text,
		  size_t max);
/* The same with a number before each line, for code that findings point into.
 */
void prompt_code(struct buf *b, const char *label, const char *text,
		 size_t max);
/* The same inside a line of ours: in quotes that it cannot leave. */
void prompt_quote(struct buf *b, const char *text, size_t max);

/* Parts of a first message, each with its heading. */
void prompt_profile(struct buf *b, const struct doc *profile);
void prompt_params(struct buf *b); /* the template's axes, from the table */
void prompt_policy(struct buf *b, const struct doc *policy);
void prompt_verdict(struct buf *b, const struct doc *verdict);

/* A section of the profile by name ("groups", "run_queue", …), of at most
 * 10 KB; -ENOENT names the sections there are. */
int prompt_section(struct buf *b, const struct doc *profile, const char *name);
/* A page of the reference ("lifecycle", "custody", "dsq", "verifier", "hooks",
 * "params", …); -ENOENT names the pages there are. */
int prompt_page(struct buf *b, const char *name);

#endif
