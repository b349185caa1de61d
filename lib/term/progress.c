/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "term/text.h"

#define VARIABLE "SCHEDKIT_PROGRESS"

/* So many lines at once, and so many in a second later on. */
#define LINES_AT_ONCE 10
#define LINES_PER_S   10.0

/* ---- for a program ---------------------------------------------------- */

/*
 * The descriptor that the environment names; -1.  The standard three are not
 * taken: they are somebody else's, and what is taken does not block any more.
 */
static int named(const char *text)
{
	struct stat st;
	char *end;
	long fd;
	int flags;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || *end || fd <= STDERR_FILENO || fd > 1 << 20 ||
	    fstat((int)fd, &st) < 0 ||
	    !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return -1;
	flags = fcntl((int)fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY ||
	    fcntl((int)fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return (int)fd;
}

/* Once: what this process starts finds neither name nor descriptor. */
static int reader(void)
{
	static int fd = -1;
	static bool asked;

	if (!asked) {
		asked = true;
		fd = named(getenv(VARIABLE));
		unsetenv(VARIABLE);
	}
	return fd;
}

/* Whoever does not read misses a line; whoever is gone is not told. */
static void hand_out(int fd, const struct buf *line)
{
	struct io_quiet q;
	ssize_t n;

	io_quiet_begin(&q);
	n = write(fd, line->data, line->len);
	io_quiet_end(&q, n < 0 && errno == EPIPE);
}

static void put_line(struct progress *p)
{
	struct buf line;

	p->held = false;
	buf_init(&line, 8 * PROGRESS_WORDS);
	buf_printf(&line, "%ld %ld ", p->done, p->total);
	text_clean(&line, p->words, 0);
	buf_puts(&line, "\n");
	hand_out(p->out, &line);
	buf_release(&line);
}

/*
 * A step that comes alone is always told, of a flood every tenth of a second
 * one, and the last when the work ends.
 */
static void tell(struct progress *p, const char *words)
{
	double now = clock_monotonic();

	snprintf(p->words, sizeof(p->words), "%s", words);
	p->held = true;
	p->full = fmax(p->full, now);
	if (p->full - now > (LINES_AT_ONCE - 1) / LINES_PER_S)
		return;
	p->full += 1 / LINES_PER_S;
	put_line(p);
}

/* ---- for a person ----------------------------------------------------- */

/* A terminal that cannot be written is no reason to stop the work. */
static void put(int fd, const char *s, size_t len)
{
	ssize_t n = write(fd, s, len);

	(void)n;
}

static void draw(struct progress *p, const char *words)
{
	long s = (long)(clock_monotonic() - p->start);
	char clock[32];
	struct buf line;
	int room;

	buf_init(&line, 4 * PROGRESS_WORDS);
	snprintf(clock, sizeof(clock), "\r\033[K%ld:%02ld ", s / 60, s % 60);
	buf_puts(&line, clock);
	/* One column less than there is: the cursor must stay on the line. */
	room = text_columns(p->fd) - (int)strlen(clock) + 4 - 1;
	text_clean(&line, words, room > 1 ? (size_t)room : 1);
	put(p->fd, line.data, line.len);
	p->visible = true;
	buf_release(&line);
}

/* ---- both ------------------------------------------------------------- */

void progress_init(struct progress *p, int fd)
{
	const char *term = getenv("TERM");

	*p = (struct progress){
		.fd = fd,
		.on = isatty(fd) && term && *term && strcmp(term, "dumb") != 0,
		.start = clock_monotonic(),
		.out = reader(),
	};
	p->wanted = p->on || p->out >= 0;
}

void progress_step(void *arg, long done, long total, const char *words)
{
	struct progress *p = arg;

	if (done || total) {
		p->done = done;
		p->total = total;
	}
	if (p->out >= 0)
		tell(p, words);
	if (p->on)
		draw(p, words);
}

void progress_clear(struct progress *p)
{
	if (p->held)
		put_line(p);
	if (!p->visible)
		return;
	put(p->fd, "\r\033[K", 4);
	p->visible = false;
}
