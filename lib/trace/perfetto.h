/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace in the form that Perfetto (https://ui.perfetto.dev) draws with a
 * track for each CPU: protobuf packets of ftrace events.  The fields are those
 * of protos/perfetto/trace in its source: trace_packet.proto,
 * ftrace/ftrace_event_bundle.proto, ftrace/ftrace_event.proto and
 * ftrace/sched.proto.
 */
#ifndef SCHEDKIT_TRACE_PERFETTO_H
#define SCHEDKIT_TRACE_PERFETTO_H

#include <stddef.h>
#include <stdint.h>

struct perfetto_counts {
	uint64_t switches, wakeups, tasks;
};

/*
 * Writes the trace to fd.  A turn that nothing traced follows ends in the idle
 * task, pid 0.  -EINVAL, -ENOTSUP: no trace; else a failed write.
 */
int perfetto_write(const void *bytes, size_t len, int fd,
		   struct perfetto_counts *counts);

#endif
