/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line that changes in place, for a person who waits.  Written only when
 * the descriptor is a terminal; everywhere else nothing is written at all.
 *
 * progress_words() fits target_opts.progress:
 *     struct progress p;
 *     progress_init(&p, STDERR_FILENO);
 *     o.progress = progress_words;
 *     o.progress_arg = &p;
 *     …
 *     progress_clear(&p);
 */
#ifndef SCHEDKIT_TERM_PROGRESS_H
#define SCHEDKIT_TERM_PROGRESS_H

#include <stdbool.h>

struct progress {
	int fd;
	bool on;      /* fd is a terminal that can move its cursor */
	bool visible; /* something is on the line now */
	double start; /* clock_monotonic() of progress_init */
};

void progress_init(struct progress *p, int fd);

/* Replaces the line; the seconds since progress_init stand before it. */
void progress_show(struct progress *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same as a callback: arg is the struct progress. */
void progress_words(void *arg, const char *words);

/* Wipes the line; to be called before anything else is printed. */
void progress_clear(struct progress *p);

#endif
