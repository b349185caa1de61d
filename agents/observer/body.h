/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was observed, as the parts of a profile's body; private to agents/. */
#ifndef SCHEDKIT_AGENTS_OBSERVER_BODY_H
#define SCHEDKIT_AGENTS_OBSERVER_BODY_H

#include "doc/json.h"
#include "trace/trace.h"

/* Adds duration_us, source, run_queue, groups, identities and notes. */
void observer_body(struct json *body, const struct observed *o);

/* body.overhead; own_us is what this process itself used. */
struct json *observer_overhead(const struct observed *o, double own_us);

#endif
