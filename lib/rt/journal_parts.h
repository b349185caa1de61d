/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the journal.  Private to lib/rt, and to its tests.
 *
 * On the disk: a header, then batches, each with a mark (a random number of
 * the file's own), its length and a checksum of it all.  What one commit wrote
 * is one batch: it is there as a whole or not at all.  In a batch: records,
 * each with its length.  Numbers are little-endian; whole ones of records are
 * zigzagged LEB128.
 */
#ifndef SCHEDKIT_RT_JOURNAL_PARTS_H
#define SCHEDKIT_RT_JOURNAL_PARTS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "rt/journal.h"

/* ---- records ----------------------------------------------------------- */

enum journal_kind {
	JOURNAL_REQUEST = 1, /* request, attempt */
	JOURNAL_STARTED,     /* attempt */
	JOURNAL_SUSPENDED,   /* attempt, used, checkpoint */
	JOURNAL_RETRY,	     /* attempt, not_before, used */
	JOURNAL_ENDED,	     /* attempt, state, used, outcome */
	JOURNAL_DELIVERED,
	JOURNAL_PREDICTOR, /* text: all that it knows; id: the highest there
			      was */
};

struct journal_record {
	enum journal_kind kind;
	uint64_t id;
	long attempt;
	double not_before;
	enum rt_state state;
	struct rt_usage used;
	struct rt_request request;
	bool has_outcome;
	struct rt_outcome outcome;
	char *text; /* checkpoint, predictor; NULL: none */
};

/* Where a record stands. */
struct journal_place {
	uint64_t id;
	enum journal_kind kind;
	uint32_t len;
	off_t at; /* behind its length */
};

/*
 * ahead: what to add to the engine's clock to get the wall's, in which times
 * are written down.
 */
void journal_put(struct buf *out, const struct journal_record *x, double ahead);
/* -EUCLEAN: not what journal_put() writes.  Only what kind has is set. */
int journal_get(const void *data, size_t len, double ahead,
		struct journal_record *x);
void journal_record_release(struct journal_record *x);
/* The record at data, at counted from there; returns where the next one
 * begins.  0: none. */
size_t journal_head(const void *data, size_t len, struct journal_place *out);

/* ---- the file ---------------------------------------------------------- */

struct journal_file {
	int fd; /* locked */
	char *path;
	uint32_t mark;
	off_t end; /* of the last whole batch */
};

/* Castagnoli's; of a and then of b. */
uint32_t journal_crc(uint32_t crc, const void *data, size_t len);

/* Opens or makes it; *lost: bytes that are behind the last whole batch. */
int journal_file_open(struct journal_file *f, const char *path, size_t *lost);
void journal_file_close(struct journal_file *f);
/* What a batch begins with, to be filled in by journal_file_write(). */
#define JOURNAL_ROOM 12

/* Appends a batch, as a whole or not at all. */
int journal_file_write(struct journal_file *f, const struct buf *batch,
		       bool sync);
/* One beside it, to be filled and then put in its place; or given up. */
int journal_file_beside(const struct journal_file *f, struct journal_file *new);
int journal_file_replace(struct journal_file *f, struct journal_file *new);
void journal_file_give_up(struct journal_file *new);

/* A view of all records, by id, then as they were written. */
struct journal_view {
	const unsigned char *data;
	size_t len;
	struct journal_place *v;
	size_t count, cap;
};

int journal_view_open(const struct journal_file *f, struct journal_view *out);
void journal_view_release(struct journal_view *v);

/* ---- what they say ----------------------------------------------------- */

/* What was found at an opening. */
struct journal_found {
	size_t live;	 /* bytes about what is not over */
	uint64_t top;	 /* the highest id */
	size_t requests; /* given to the engine */
};

/* Gives all to r. */
int journal_replay(const struct journal_view *v, struct rt *r, double ahead,
		   double now, struct journal_found *out);

/* rt_journal_compact(), whether it pays or not. */
int journal_rewrite(struct rt_journal *j, const struct rt *r, double now);

#endif
