/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Above the last number that Linux knows. */
#define ERRNO_END 140

static _Thread_local char slot[2048];

int err_set(int errnum, const char *fmt, ...)
{
	/* The old message may be an argument of the new one. */
	char text[sizeof(slot)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(slot, text, sizeof(slot));
	return -errnum;
}

int err_prefix(int rc, const char *fmt, ...)
{
	char text[sizeof(slot)];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(text) - 2) {
		memcpy(text + n, ": ", 2);
		memccpy(text + n + 2, slot, '\0', sizeof(text) - n - 2);
		text[sizeof(text) - 1] = '\0';
	}
	memcpy(slot, text, sizeof(slot));
	return rc;
}

const char *err_text(void)
{
	return slot;
}

void err_clear(void)
{
	slot[0] = '\0';
}

const char *err_name(int errnum)
{
	const char *name = strerrorname_np(errnum);

	return errnum && name ? name : "EIO";
}

int err_number(const char *name)
{
	for (int e = 1; e < ERRNO_END; e++) {
		const char *known = strerrorname_np(e);

		if (known && !strcmp(known, name))
			return e;
	}
	return EIO;
}
