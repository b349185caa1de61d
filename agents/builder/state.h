/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the builder share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_BUILDER_STATE_H
#define SCHEDKIT_AGENTS_BUILDER_STATE_H

#include "agents/builder/builder.h"
#include "agents/builder/lint_code.h"
#include "base/buf.h"
#include "base/strs.h"
#include "base/temp.h"

struct draft {
	const struct builder *b;
	enum code_form form;
	char *clang;
	struct temp temp;
	size_t findings;
	unsigned hooks;
	bool reads_cgroup, reads_depth;
};

void draft_find(struct draft *d, const char *rule, long line, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));

/* draft.c: the folder */
int draft_open(struct draft *d);
void draft_close(struct draft *d);
int draft_write(struct draft *d, const char *name, const void *data,
		size_t len);
/* Whether the compiler has left this as a file. */
int draft_check(const struct draft *d, const char *name);
int draft_read(struct draft *d, const char *name, struct buf *out);
/* The path of a file in it, the caller's. */
char *draft_path(const struct draft *d, const char *name);
/* Keeps the cache of objects small. */
void draft_prune(void);

/* clang.c: the compiler; -EINVAL after findings */
int clang_expand(struct draft *d, const char *from, const char *to,
		 const struct strs *flags);
/* to NULL: only look at it. */
int clang_compile(struct draft *d, const char *from, const char *to);

/* effect.c: is it an object; and beside `plain` (may be NULL), do the
 * hooks change anything? */
int effect_check(struct draft *d, const char *object, const char *plain);

#endif
