/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of sched-verify. */
#ifndef SCHEDKIT_CMD_VERIFY_H
#define SCHEDKIT_CMD_VERIFY_H

#include "cmd/cli.h"
#include "doc/stream.h"

/* verify-show.c: the last so many documents, which are verdicts, as tables */
void verify_show(const struct stream *s, size_t verdicts);

/* verify-keys.c: what it does with keys alone; exit statuses.  name NULL: the
 * usual one; days 0: for ever. */
int keys_new(const struct opt_tool *tool, const char *name, double days);
int keys_list(const struct opt_tool *tool);
/* "key:ID", "verdict:ID", "policy:ID"; of a trusted key the beginning of its
 * id will do. */
int keys_revoke(const struct opt_tool *tool, const char *text);

#endif
