/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime as a tool sees it: shared with other processes through
 * sched-agentd, or an engine of its own in this process.  The same calls, the
 * same callbacks.
 *
 * SCHEDKIT_RUNTIME: "auto" (the default: the daemon if its socket answers,
 * else in-process), "start" (start the daemon when it does not), "off"
 * (in-process), or the path of a socket (that daemon or an error).
 *
 * A daemon that goes away is no error: what was under way here goes on, what
 * waited is put before the engine in this process, by its keys, and nothing is
 * delivered twice.
 */
#ifndef SCHEDKIT_RT_CLIENT_H
#define SCHEDKIT_RT_CLIENT_H

#include <signal.h>

#include "rt/rt.h"

struct rt_client;
struct rt_config;

/* A lease to carry out a request of our own, or of others when we are a
 * worker. */
struct rt_grant {
	uint64_t id, lease;
	const char *key, *worker, *payload, *checkpoint; /* NULL: none */
	long attempt;
	double quantum; /* tokens for llm, seconds for the rest: when to tell
			   rt_client_progress(); INFINITY: never */
	bool hedge;
	const struct vec *held;
};

struct rt_client_ops { /* from within rt_client_step() */
	/* Again, of the same lease: what rt_client_grow() waited for. */
	void (*start)(void *arg, const struct rt_grant *g);
	void (*suspend)(void *arg, uint64_t lease);
	void (*cancel)(void *arg, uint64_t lease);
	void (*ended)(void *arg, uint64_t id, const char *key,
		      enum rt_state state, const struct rt_outcome *o);
};

struct rt_client_opts {
	const char *agent, *run; /* of all its requests */
	const char *socket;	 /* NULL: what SCHEDKIT_RUNTIME says */
	/* For an engine in this process: its workers and options; NULL: the
	 * host's cores, memory and guests, as in runtime.json. */
	const struct rt_config *config;
	const struct rt_client_ops *ops;
	void *arg;
};

int rt_client_open(const struct rt_client_opts *o, struct rt_client **out);
void rt_client_close(struct rt_client *c);
bool rt_client_shared(const struct rt_client *c); /* with a daemon */

/* To be polled for POLLIN; -1: none (in-process). */
int rt_client_fd(const struct rt_client *c);
/* Seconds until rt_client_step() is due at the latest; INFINITY. */
double rt_client_wait(const struct rt_client *c);
/* Takes in what there is, never waits. */
int rt_client_step(struct rt_client *c);

/* As the functions of rt.h; ids of rt_client_submit() are known at once. */
int rt_client_submit(struct rt_client *c, const struct rt_request *q, size_t n,
		     uint64_t *ids);
int rt_client_done(struct rt_client *c, uint64_t lease,
		   const struct rt_outcome *o);
int rt_client_progress(struct rt_client *c, uint64_t lease,
		       const struct rt_usage *u);
int rt_client_suspended(struct rt_client *c, uint64_t lease,
			const char *checkpoint, const struct rt_usage *u);
int rt_client_grow(struct rt_client *c, uint64_t lease, const struct vec *more);
int rt_client_cancel(struct rt_client *c, uint64_t id);
int rt_client_cancel_candidate(struct rt_client *c, const char *candidate);
/* Workers served by this client (endpoints that its ask-model can reach are
 * RT_SELF workers: shared by name between clients, holder 0). */
int rt_client_worker(struct rt_client *c, const struct rt_worker_spec *s,
		     bool ours);

/*
 * For a tool that has one thing to do at a time: waits until the lease is
 * granted, and gives it back.  -EINTR: cancelled.
 */
int rt_lease_take(struct rt_client *c, const struct rt_request *q,
		  const volatile sig_atomic_t *cancel, uint64_t *lease);
int rt_lease_give(struct rt_client *c, uint64_t lease,
		  const struct rt_outcome *o);

#endif
