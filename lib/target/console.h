/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last words of a guest, and what they mean. */
#ifndef SCHEDKIT_TARGET_CONSOLE_H
#define SCHEDKIT_TARGET_CONSOLE_H

#include <stddef.h>

#define CONSOLE_KEEP 16384

struct console {
	char text[CONSOLE_KEEP + 1]; /* the last bytes, NUL-terminated */
	size_t len;
};

void console_add(struct console *c, const char *data, size_t len);

/* Reads what a non-blocking fd has; 0 at its end, else 1. */
int console_read(struct console *c, int fd);

/*
 * What killed the kernel: from its panic or oops line on, else the last
 * lines; at most 8 lines joined by " | ", without registers and control
 * characters.  The caller frees it; "" when the guest said nothing.
 */
char *console_words(const struct console *c);

#endif
