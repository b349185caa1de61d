/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words that a policy's text may and may not use; for lint_code.c only. */
#ifndef SCHEDKIT_AGENTS_BUILDER_LINT_WORDS_H
#define SCHEDKIT_AGENTS_BUILDER_LINT_WORDS_H

#include "agents/builder/lint_code.h"
#include "agents/builder/lint_token.h"

bool word_is_asm(const struct token *t);
bool word_is_attribute(const struct token *t);
bool word_is_control(const struct token *t); /* if, while, sizeof … */
bool word_is_helper(const struct token *t);  /* of bpf/hooks.h */
int word_hook(const struct token *t);	     /* enum code_hook, or -1 */

/* Why the name may not stand in the text, as it was written (or expanded),
 * and the rule's name; NULL: it may. */
const char *word_wrong(enum code_form form, bool expanded,
		       const struct token *t, const char **rule);

bool word_attribute_allowed(const struct token *t);
/* Names of pragmas; the text behind the word, trimmed. */
bool word_pragma_allowed(const char *text, size_t len, bool expanded);
bool word_section_allowed(const char *name);

#endif
