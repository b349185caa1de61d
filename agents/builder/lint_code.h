/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the text of a policy may not say, told without compiling it.
 *
 * Twice: of the text as it was written, for findings that a person
 * understands; and of what the preprocessor made of it, for what macros hide.
 * Only what passed both is compiled.  Whether a loop ends, and whether a
 * pointer is checked, is told later from the bytecode.
 */
#ifndef SCHEDKIT_AGENTS_BUILDER_LINT_CODE_H
#define SCHEDKIT_AGENTS_BUILDER_LINT_CODE_H

#include <stdbool.h>
#include <stddef.h>

#define CODE_MAX_BYTES	  (64u << 10)
#define CODE_MAX_EXPANDED (4u << 20) /* after the preprocessor */
#define CODE_MAX_FINDINGS 20

enum code_form { CODE_HOOKS, CODE_SOURCE };

/* How a text is called, wherever a name for it is needed. */
#define CODE_FILE "policy.c"

/* The functions of bpf/hooks.h, as bits 1 << enum code_hook. */
enum code_hook {
	CODE_CLASSIFY,
	CODE_KEY,
	CODE_SLICE,
	CODE_PLACE,
	CODE_PREEMPT,
	CODE_HOOKS_COUNT,
};

extern const char *const code_hook_names[CODE_HOOKS_COUNT]; /* "hook_key" … */

struct code_lint {
	enum code_form form;
	void (*find)(void *arg, const char *rule, long line, const char *text);
	void *arg;
	/* Set by the lint. */
	size_t findings;
	/* By code_lint_expanded(), of hooks: which are defined, and whether
	 * these facts are read. */
	unsigned hooks;
	bool reads_cgroup, reads_depth;
};

/* The text as it was written. */
void code_lint_text(struct code_lint *c, const char *text, size_t len);

/* The preprocessor's output with its line markers. */
void code_lint_expanded(struct code_lint *c, const char *text, size_t len);

/* Headers that the form may include, NULL-terminated: as in the text. */
const char *const *code_headers(enum code_form form);

/* May the file be part of a translation unit of that form?  As the
 * preprocessor names it, "./bpf/bpf_helpers.h". */
bool code_is_header(const char *name, size_t len);

#endif
