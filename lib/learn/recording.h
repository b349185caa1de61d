/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of what sched-observe --bursts recorded. */
#ifndef SCHEDKIT_LEARN_RECORDING_H
#define SCHEDKIT_LEARN_RECORDING_H

#include "burst/bursts.h"
#include "learn/rows.h"

struct recording {
	uint64_t bursts; /* in the file */
	uint64_t lost;	 /* that were not recorded for want of room */
	uint64_t torn;	 /* bytes behind the last whole block */
};

/*
 * Adds a file's bursts; from: its number among those that are read.  Times of
 * its blocks are those of the day, so that a file that was continued after a
 * boot is one recording.  Errors as of bursts_open() and bursts_next().
 */
int recording_read(const char *path, uint32_t from, struct rows *r,
		   struct recording *out);

/*
 * A burst as a row.  What came of it is not known where the observation ended
 * first, and there is no sleep after an exit; what took no time at all counts
 * as not known, too.  There is no average of sleeps but that of logarithms.
 */
void recording_row(const struct burst_record *b, int64_t epoch_ns,
		   uint32_t from, struct row *out);

#endif
