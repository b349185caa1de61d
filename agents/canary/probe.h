/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user's own figure: a command that prints a number, asked again and again
 * while a policy is in force. */
#ifndef SCHEDKIT_AGENTS_CANARY_PROBE_H
#define SCHEDKIT_AGENTS_CANARY_PROBE_H

#include "workload/workload.h"

#define PROBES 8 /* at most, of a deployment */

struct probe {
	struct metric metric;
	char *command;
};

/* "NAME[,higher|lower][,UNIT]=COMMAND"; which way is better as
 * metric_parse() has it.  -EINVAL. */
int probe_parse(const char *text, struct probe *out);
void probe_release(struct probe *p);
/* Runs it in a shell, as nobody where this is root, for at most 5 s. */
int probe_read(const struct probe *p, double *value);

#endif
