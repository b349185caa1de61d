/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
