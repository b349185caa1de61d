/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/console.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define MAX_LINES 8
#define MAX_WORDS 1500

void console_add(struct console *c, const char *data, size_t len)
{
	if (len > CONSOLE_KEEP) {
		data += len - CONSOLE_KEEP;
		len = CONSOLE_KEEP;
	}
	if (c->len + len > CONSOLE_KEEP) {
		size_t drop = c->len + len - CONSOLE_KEEP;

		memmove(c->text, c->text + drop, c->len - drop);
		c->len -= drop;
	}
	memcpy(c->text + c->len, data, len);
	/* A NUL would hide what follows. */
	for (size_t i = c->len; i < c->len + len; i++)
		if (!c->text[i])
			c->text[i] = '.';
	c->len += len;
	c->text[c->len] = '\0';
}

int console_read(struct console *c, int fd)
{
	char chunk[4096];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n > 0)
			console_add(c, chunk, (size_t)n);
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return n < 0;
	}
}

/* The first of the words that begin a kernel's death. */
static const char *cause(const char *text)
{
	static const char *const words[] = {
		"BUG: ",	 "Oops: ",
		"Kernel panic",	 "general protection fault",
		"watchdog: BUG", "kernel BUG at",
		"Internal error"};
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *at = strstr(text, words[i]);

		if (at && (!first || at < first))
			first = at;
	}
	while (first && first > text && first[-1] != '\n')
		first--;
	return first;
}

static const char *last_lines(const char *text, size_t len)
{
	const char *s = text + len;

	for (int lines = 0; s > text; s--)
		if (s[-1] == '\n' && ++lines > MAX_LINES)
			break;
	return s;
}

/* Registers and stacks are for the kernel's developers. */
static bool is_noise(const char *s, size_t len)
{
	static const char *const starts[] = {
		"Hardware name:", "CPU: ",	"Call Trace", " ",     "Code: ",
		"RSP: ",	  "RAX: ",	"RDX: ",      "RBP: ", "R10: ",
		"R13: ",	  "FS: ",	"CS: ",	      "CR2: ", "PKRU: ",
		"virtio_session", "virtio_loop"};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (len >= strlen(starts[i]) &&
		    !strncmp(s, starts[i], strlen(starts[i])))
			return true;
	return len == 0;
}

/* "[    1.234567] " says nothing to a person. */
static size_t stamp_len(const char *s)
{
	const char *end = *s == '[' ? strchr(s, ']') : NULL;

	return end && end[1] == ' ' &&
			       strspn(s + 1, " .0123456789") ==
				       (size_t)(end - s - 1)
		       ? (size_t)(end + 2 - s)
		       : 0;
}

static void add_line(struct buf *b, const char *s, size_t len)
{
	if (b->len)
		buf_puts(b, " | ");
	for (size_t i = 0; i < len; i++)
		if (s[i] >= ' ' && s[i] < 127)
			buf_add(b, &s[i], 1);
}

char *console_words(const struct console *c)
{
	const char *s = cause(c->text);
	struct buf b;
	int lines = 0;

	buf_init(&b, MAX_WORDS);
	if (!s)
		s = last_lines(c->text, c->len);
	while (*s && lines < MAX_LINES && !b.truncated) {
		size_t len, stamp = stamp_len(s);

		s += stamp;
		len = strcspn(s, "\r\n");
		if (!is_noise(s, len)) {
			add_line(&b, s, len);
			lines++;
		}
		s += len;
		s += strspn(s, "\r\n");
	}
	return buf_take(&b);
}
