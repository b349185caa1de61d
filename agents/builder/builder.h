/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy's code to an object, by a compiler that is shut in: it reads the
 * system's programs and our headers, writes its draft folder, and has little
 * time and memory.  The object ends up where lib/policy/built.h says.
 */
#ifndef SCHEDKIT_AGENTS_BUILDER_BUILDER_H
#define SCHEDKIT_AGENTS_BUILDER_BUILDER_H

#include <signal.h>

#include "doc/json.h"

struct builder {
	/* line 0: no line of the policy's text. */
	void (*find)(void *arg, const char *rule, long line, const char *text);
	void *arg;
	const volatile sig_atomic_t *cancel;
};

/*
 * 0: the object is there, built now or before.  -EINVAL: the code is at fault,
 * its findings are told.  -ENOENT: no compiler; -ENOTSUP: no sandbox; another
 * -errno: it could not be tried.
 */
int builder_build(const struct builder *b, const struct json *body);

#endif
