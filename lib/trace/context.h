/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bursts depend on beside their tasks: load, pressure, power, the hour.
 * For struct feature_context, which whoever takes features keeps up to date.
 */
#ifndef SCHEDKIT_TRACE_CONTEXT_H
#define SCHEDKIT_TRACE_CONTEXT_H

#include "bpf/feature_abi.h"

/* How often to look; the files under /proc and /sys that it reads cost some
 * 50 us each time. */
#define CONTEXT_EVERY_S 0.1

struct context {
	double last;	    /* when that was */
	double slow;	    /* when it looked at what changes slowly */
	double pressure_us; /* since boot, at slow */
	double load;	    /* moving average of one second; below 0: none */
	struct feature_context is;
};

void context_init(struct context *c);
/* Looks, if it is time to; what it found is in c->is.  0 where there is no
 * such file. */
void context_look(struct context *c);

#endif
