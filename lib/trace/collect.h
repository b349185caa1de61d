/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The maps of bpf/observe.bpf.c added up; private to lib/trace. */
#ifndef SCHEDKIT_TRACE_COLLECT_H
#define SCHEDKIT_TRACE_COLLECT_H

#include <bpf/libbpf.h>

#include "bpf/observe_abi.h"
#include "trace/trace.h"

/* -EIO when a map cannot be read. */
int collect(struct bpf_object *obj, const struct observe_state *state,
	    struct observed *o);

#endif
