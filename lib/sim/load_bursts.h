/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to lib/sim/load_bursts*.c: a recording of bursts, and who woke whom
 * in it. */
#ifndef SCHEDKIT_SIM_LOAD_BURSTS_H
#define SCHEDKIT_SIM_LOAD_BURSTS_H

#include "burst/bursts.h"
#include "sim/load_make.h"

/* Some 400 bytes of memory each. */
#define LOAD_MAX_BURSTS (1u << 20)

struct told {
	struct burst_record *v; /* by their beginnings */
	size_t n;
	uint64_t start, end; /* of the first burst, and the last: beginnings */
	uint64_t lost, torn;
	uint32_t cpus;
};

/* All of a file's; messages name the path.  Errors as load_from_bursts(). */
int told_from_file(const char *path, struct told *out);
void told_release(struct told *r); /* safe on a zeroed one */

/* When it was over. */
static inline uint64_t told_end(const struct burst_record *r)
{
	return r->at + r->wait_ns + r->run_ns;
}

/* How much of it had been run at a time within it. */
uint64_t told_ran(const struct burst_record *r, uint64_t at);

/* Whether a task may have woken, or forked, another as it was in its burst w:
 * r is the other's. */
bool told_may_wake(const struct burst_record *w, const struct burst_record *r);

#endif
