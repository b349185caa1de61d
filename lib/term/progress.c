/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "term/text.h"

#define MAX_WORDS 512

void progress_init(struct progress *p, int fd)
{
	const char *term = getenv("TERM");

	p->fd = fd;
	p->on = isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
	p->visible = false;
	p->start = clock_monotonic();
}

/* A terminal that cannot be written is no reason to stop the work. */
static void put(int fd, const char *s, size_t len)
{
	ssize_t n = write(fd, s, len);

	(void)n;
}

void progress_words(void *arg, const char *words)
{
	struct progress *p = arg;
	long s = (long)(clock_monotonic() - p->start);
	char clock[32];
	struct buf line;
	int room;

	if (!p->on)
		return;
	buf_init(&line, 4 * MAX_WORDS);
	snprintf(clock, sizeof(clock), "\r\033[K%ld:%02ld ", s / 60, s % 60);
	buf_puts(&line, clock);
	/* One column less than there is: the cursor must stay on the line. */
	room = text_columns(p->fd) - (int)strlen(clock) + 4 - 1;
	text_clean(&line, words, room > 1 ? (size_t)room : 1);
	put(p->fd, line.data, line.len);
	p->visible = true;
	buf_release(&line);
}

void progress_show(struct progress *p, const char *fmt, ...)
{
	char words[MAX_WORDS];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	progress_words(p, words);
}

void progress_clear(struct progress *p)
{
	if (!p->visible)
		return;
	put(p->fd, "\r\033[K", 4);
	p->visible = false;
}
