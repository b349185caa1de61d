/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of bursts, schedkit-bursts(5): written by sched-observe --bursts,
 * read by what learns from it.
 *
 * It only ever grows, block by block, and every block can be read alone: one
 * whose writer was killed or whose disk was full is good up to its last whole
 * block.  The next writer cuts off the rest.
 */
#ifndef SCHEDKIT_BURST_BURSTS_H
#define SCHEDKIT_BURST_BURSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/burst_abi.h"

#define BURSTS_MAGIC	     "SKBURST\n" /* first in a file */
#define BURSTS_BLOCK_RECORDS 4096

/* ---- reading ---- */

struct bursts_block {
	/* Until the next call; in the order in which they were complete, which
	 * is when the next burst of the task began: not in that of at. */
	const struct burst_record *records;
	uint32_t count;
	uint32_t every;	  /* one of so many bursts was recorded */
	int64_t epoch_ns; /* + record.at: nanoseconds since 1970 */
	uint64_t lost;	  /* that found no room before this block */
};

struct bursts;

/* Whether it is a regular file that begins as these do. */
bool bursts_begins(const char *path);
/* -ENOENT …: it cannot be opened; -EINVAL: no file of bursts; -ENOTSUP: of
 * another version, be it the file's or that of the features. */
int bursts_open(const char *path, struct bursts **out);
/* 1: there was one more block; 0: the end; -EIO: it cannot be read. */
int bursts_next(struct bursts *b, struct bursts_block *block);
/* Of the machine that the file was begun on, as it says itself. */
uint32_t bursts_cpus(const struct bursts *b);
/* At the end: bytes behind the last whole block. */
uint64_t bursts_torn(const struct bursts *b);
void bursts_close(struct bursts *b); /* NULL is fine */

/* ---- writing ---- */

struct bursts_opts {
	uint64_t max_bytes; /* of the file */
	uint32_t every;
	int64_t epoch_ns;
};

struct bursts_written {
	uint64_t records;  /* by this writer */
	uint64_t left_out; /* that max_bytes or a full disk left no room for */
	uint64_t bytes;	   /* of the whole file */
};

struct bursts_writer;

/*
 * Makes the file, or goes on behind what is in it; one writer at a time.
 * -EAGAIN: another one writes; -EINVAL, -ENOTSUP as of bursts_open(), and
 * -EIO where it is damaged in the middle: nothing is changed then.
 */
int bursts_append(const char *path, const struct bursts_opts *o,
		  struct bursts_writer **out);
void bursts_put(struct bursts_writer *w, const struct burst_record *r);
/* So many were lost before they came here. */
void bursts_lost(struct bursts_writer *w, uint64_t n);
/* Makes a block of what there is. */
void bursts_flush(struct bursts_writer *w);
/* The same for the last time; says what became of it all.  The first error
 * in writing is returned here. */
int bursts_finish(struct bursts_writer *w, struct bursts_written *sum);
void bursts_writer_free(struct bursts_writer *w); /* NULL is fine */

#endif
