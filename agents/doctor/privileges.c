/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process may do: capabilities that are in effect, not its uid. */
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "agents/doctor/check.h"
#include "base/mem.h"

static const struct {
	int cap;
	const char *name, *lost;
} wanted[] = {
	{CAP_BPF, "CAP_BPF", "loading BPF"},
	{CAP_PERFMON, "CAP_PERFMON", "observing by BPF"},
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "attaching a policy"},
	{CAP_SYS_NICE, "CAP_SYS_NICE", "knobs on tasks of others"},
	{CAP_SYSLOG, "CAP_SYSLOG", "reading the kernel's log after a stall"},
};

void doctor_privileges(struct json *checks, const struct site *s)
{
	struct buf status, has, lacks;
	unsigned long long effective = 0;
	const char *at;

	buf_init(&status, 16384);
	buf_init(&has, 1024);
	buf_init(&lacks, 1024);
	site_read(s, "/proc/self/status", &status);
	at = status.data ? strstr(status.data, "\nCapEff:\t") : NULL;
	if (at)
		effective = strtoull(at + 9, NULL, 16);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (effective >> wanted[i].cap & 1)
			buf_printf(&has, "%s%s", has.len ? ", " : "",
				   wanted[i].name);
		else
			buf_printf(&lacks, "%s%s (%s)", lacks.len ? ", " : "",
				   wanted[i].name, wanted[i].lost);
	}
	if (!at && s->other)
		; /* a copy of the files has no process of its own */
	else if (!lacks.len)
		doctor_add(checks, "privileges", DOCTOR_OK, "", "in effect: %s",
			   has.data);
	else
		doctor_add(checks, "privileges", DOCTOR_WARN,
			   "run as root, or give these to the program (setcap, "
			   "AmbientCapabilities= of a unit)",
			   "in effect: %s; not: %s",
			   has.len ? has.data : "none", lacks.data);
	buf_release(&status);
	buf_release(&has);
	buf_release(&lacks);
}
