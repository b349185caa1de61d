/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine that is observed: topology, kernel, sched_ext, pressure. */
#ifndef SCHEDKIT_TRACE_MACHINE_H
#define SCHEDKIT_TRACE_MACHINE_H

#include <stdbool.h>

#include "doc/json.h"

/* Microseconds since boot in which some task waited; below 0: unknown. */
struct pressure {
	double cpu_us;
	double memory_us;
	double io_us;
};

void pressure_read(struct pressure *p);

/* body.system of a profile; psi from the growth within duration_us. */
struct json *machine_json(const struct pressure *before,
			  const struct pressure *after, double duration_us);

#endif
