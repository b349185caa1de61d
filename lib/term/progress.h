/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a long work is: for a person who waits, as one line of the terminal
 * that changes in place; for a program, as lines on a descriptor that
 * SCHEDKIT_PROGRESS names (schedkit(7)).  Where neither is there nothing is
 * written at all.
 *
 * progress_step() fits target_opts.progress:
 *     struct progress p;
 *     progress_init(&p, STDERR_FILENO);
 *     o.progress = p.wanted ? progress_step : NULL;
 *     o.progress_arg = &p;
 *     …
 *     progress_clear(&p);
 */
#ifndef SCHEDKIT_TERM_PROGRESS_H
#define SCHEDKIT_TERM_PROGRESS_H

#include <stdbool.h>

#define PROGRESS_WORDS 512 /* bytes of one step's words, with the NUL */

struct progress {
	int fd;
	bool on;      /* fd is a terminal that can move its cursor */
	bool visible; /* something is on the line now */
	bool wanted;  /* somebody looks: the terminal or a program */
	double start; /* clock_monotonic() of progress_init */
	int out;      /* a program's; -1: there is none */
	long done, total;
	double full; /* when as many lines as at once may be written again */
	bool held;   /* these words wait until they may */
	char words[PROGRESS_WORDS];
};

/*
 * The first call takes SCHEDKIT_PROGRESS out of the environment, and its
 * descriptor out of reach of programs that are started from then on: before
 * any other work.
 */
void progress_init(struct progress *p, int fd);

/*
 * done of total steps, 0 of 0: as far as before.  arg is the struct progress.
 * On the terminal the seconds since progress_init stand before the words.
 */
void progress_step(void *arg, long done, long total, const char *words);

/* Wipes the line; to be called before anything else is printed, and at the
 * end. */
void progress_clear(struct progress *p);

#endif
