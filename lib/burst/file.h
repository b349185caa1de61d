/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Going through a file of bursts; private to lib/burst. */
#ifndef SCHEDKIT_BURST_FILE_H
#define SCHEDKIT_BURST_FILE_H

#include <sys/types.h>

#include "burst/bursts.h"

struct bursts_file {
	int fd;
	uint32_t cpus; /* as the header says */
	off_t at;      /* behind the last whole block */
	size_t said;   /* how long the damaged block there says to be; 0: it
			  is none */
	char *bytes;
};

/* Checks the header.  Messages lack the path. */
int bursts_file_begin(struct bursts_file *f);
/* 1: one more block; 0: what follows is none; -errno.  records has room for
 * BURSTS_BLOCK_RECORDS. */
int bursts_file_next(struct bursts_file *f, struct bursts_block *block,
		     struct burst_record *records);
void bursts_file_release(struct bursts_file *f);

#endif
