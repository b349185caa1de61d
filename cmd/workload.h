/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A workload of a command line; the rows of its options are in rows.h. */
#ifndef SCHEDKIT_CMD_WORKLOAD_H
#define SCHEDKIT_CMD_WORKLOAD_H

#include "cmd/cli.h"
#include "workload/workload.h"

/* What --name, --bound, --short and --metric say; NULL: nothing. */
struct workload_words {
	const char *name, *bound, *shorter;
	const struct strs *metrics;
};

/* Ends the program where it cannot be read.  command: as main() has it. */
void workload_of_words(const struct opt_tool *tool, char **command,
		       const struct workload_words *words, struct workload *w);

#endif
