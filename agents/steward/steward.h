/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sched-mcp offers to clients: the toolkit's programs as tools, the
 * history as resources, and prompts for the usual ways through them.
 *
 * Two processes: the hand has the user's privilege and starts our programs, by
 * orders that it holds against a closed table; the front has the protocol, the
 * network and other people's text, and neither starts nor writes anything.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_STEWARD_H
#define SCHEDKIT_AGENTS_STEWARD_STEWARD_H

#include "base/strs.h"
#include "mcp/offer.h"

struct steward;
struct steward_config;

struct steward_opts {
	const struct steward_config *config; /* lent */
	int hand;			     /* the front's end; taken */
	/* What is to be told to clients; any may be NULL. */
	void (*changed)(void *arg, const char *uri);
	void (*list_changed)(void *arg, enum mcp_list what);
	void (*task_changed)(void *arg, const struct mcp_task *t);
	void *arg;
};

/* In the front, before its sandbox. */
struct steward *steward_open(const struct steward_opts *o);
const struct mcp_offer *steward_offer(struct steward *s); /* lent */
/* To be called when steward_fd() can be read, and once a second or so;
 * -EPIPE: the hand is gone. */
int steward_tick(struct steward *s, double now);
int steward_fd(const struct steward *s);
/* All calls are gone before; jobs go on. */
void steward_close(struct steward *s);

/* What the front's sandbox has to let it read, and write; made if need be. */
int steward_folders(struct strs *read, struct strs *write);

#endif
