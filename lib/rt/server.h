/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine behind sockets: what sched-agentd is.  One thread, one epoll.
 * Whatever a client sends, the others do not suffer: bounded lines, bounded
 * queues, bounded buffers; credentials of the peer are the kernel's.
 */
#ifndef SCHEDKIT_RT_SERVER_H
#define SCHEDKIT_RT_SERVER_H

#include <signal.h>

#include "rt/config.h"

struct rt_server_opts {
	const struct rt_config *config;
	int listen_fd;	     /* bound and listening; taken over */
	const char *journal; /* NULL: none */
	const char *audit;   /* NULL: none */
	const char *store;   /* program that serves memory and storage, started
				when first needed; NULL: none */
	const volatile sig_atomic_t *stop;
	void (*log)(void *arg, const char *words); /* NULL */
	void (*ready)(void *arg); /* the journal is read, too; NULL */
	void *arg;
};

/* Until told to stop, or idle for config->idle_s with nothing pending. */
int rt_serve(const struct rt_server_opts *o);

#endif
