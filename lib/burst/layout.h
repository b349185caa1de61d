/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a file of bursts; private to lib/burst and its tests.
 *
 * All numbers are little-endian.  A header; then blocks, each a header, and
 * column by column (as in struct burst_record, the features last) each record's
 * difference to the one before it, zigzagged LEB128, from 0 on.
 */
#ifndef SCHEDKIT_BURST_LAYOUT_H
#define SCHEDKIT_BURST_LAYOUT_H

#include "burst/bursts.h"

#define LAYOUT_MAGIC	   BURSTS_MAGIC
#define LAYOUT_VERSION	   1
#define LAYOUT_CLOCK	   1	       /* CLOCK_MONOTONIC */
#define LAYOUT_BLOCK_MAGIC 0x4b4c4253u /* "SBLK" */

struct layout_header {
	char magic[8];
	uint32_t version;
	uint32_t feature_version;
	uint32_t features; /* columns of them */
	uint32_t clock;	   /* of record.at */
	uint32_t cpus;	   /* of the machine that made it */
	uint32_t pad[9];
};

struct layout_block {
	uint32_t magic;
	uint32_t count; /* records */
	uint32_t bytes; /* behind this header */
	uint32_t every;
	int64_t epoch_ns;
	uint64_t lost;
	uint64_t checksum; /* of all of it, with 0 in place of this */
};

#define LAYOUT_COLUMNS (10 + FEATURE_COUNT)
/* Ten bytes hold the longest number. */
#define LAYOUT_BYTES_MAX (10u * LAYOUT_COLUMNS * BURSTS_BLOCK_RECORDS)

/* The header of a file for this machine. */
void layout_header_make(struct layout_header *h);
/* -EINVAL, -ENOTSUP. */
int layout_header_check(const struct layout_header *h);

/* Puts a whole block to out, room for LAYOUT_BYTES_MAX and the header; returns
 * how long it is.  count <= BURSTS_BLOCK_RECORDS. */
size_t layout_block_make(const struct burst_record *r, uint32_t count,
			 const struct bursts_opts *o, uint64_t lost, char *out);

/* What belongs into h->checksum, for the len bytes that follow h: against
 * accidents, not against people. */
uint64_t layout_checksum(const struct layout_block *h, const char *bytes,
			 size_t len);

/* Whether h, from a file, may be a block's header; how long the block is. */
bool layout_block_begins(const struct layout_block *h, size_t *len);
/* Reads a whole block of len bytes; records has room for
 * BURSTS_BLOCK_RECORDS.  false: it is damaged. */
bool layout_block_read(const char *bytes, size_t len,
		       struct bursts_block *block,
		       struct burst_record *records);

#endif
