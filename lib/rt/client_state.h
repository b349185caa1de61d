/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the client.  Ids and leases that its user sees are its own; each
 * stands for one of whom it is served by at the moment: a daemon, or an engine
 * in this process.  That one's are called `far`.
 */
#ifndef SCHEDKIT_RT_CLIENT_STATE_H
#define SCHEDKIT_RT_CLIENT_STATE_H

#include <sys/queue.h>

#include "rt/client.h"
#include "rt/config.h"
#include "rt/idmap.h"
#include "rt/wire.h"

#define CLIENT_SELF   1 /* holders of the engine in this process: who asks, */
#define CLIENT_WORKER 2 /* and who serves */
#define CLIENT_WAIT_S 30.0 /* for the daemon's answer */

enum client_mode { CLIENT_AUTO, CLIENT_START, CLIENT_OFF, CLIENT_PATH };

/* One that has not ended. */
struct order {
	TAILQ_ENTRY(order) all; /* by id */
	uint64_t id, far;	/* far 0: nobody knows of it at the moment */
	uint64_t graph;		/* submitted together */
	struct rt_request q;
	char *checkpoint; /* that it was suspended with; NULL */
	struct held *held[2];
	bool cancelled; /* the user wants it no more */
	bool given_up;	/* after a loss; it is yet to be told */
};

TAILQ_HEAD(orders, order);

/* A lease that the user was given. */
struct held {
	uint64_t lease, far;	  /* far 0: of nobody now; it goes on */
	struct order *order;	  /* NULL: another client's request */
	struct rt_outcome *ended; /* what it was done with, until the request
				     has ended; NULL */
	bool hedge;
	struct vec vec;
};

/* What is to be told to the user, in the order in which it came. */
struct news {
	TAILQ_ENTRY(news) all;
	enum news_kind {
		NEWS_START,
		NEWS_SUSPEND,
		NEWS_CANCEL,
		NEWS_ENDED,
	} kind;
	uint64_t id, lease; /* far ones; lease of CANCEL: ours */
	char *key, *worker, *payload, *checkpoint;
	long attempt;
	double quantum;
	bool hedge;
	struct vec held;
	enum rt_state state;
	struct rt_outcome outcome;
};

TAILQ_HEAD(newses, news);

struct told_worker {
	struct rt_worker_spec spec;
	bool ours;
	double beat; /* when next; INFINITY */
};

/* The end of a request that others may still wait for. */
struct past {
	char *key;
	enum rt_state state;
};

struct rt_client {
	const struct rt_client_ops *ops;
	void *arg;
	char *agent, *run, *path;
	enum client_mode mode;
	const struct rt_config *config; /* the user's, or own */
	struct rt_config own;
	bool has_own;
	char nonce[17]; /* keys made up begin with it */

	/* By whom it is served: one of the two, or nobody yet. */
	bool shared;
	struct rt_wire wire;
	struct rt *local;
	double due; /* local: when to step */
	bool lost;  /* the daemon is gone, and that was not looked after yet */

	uint64_t next_id, next_lease, next_ref, next_graph;
	struct orders orders;
	struct newses news;
	struct rt_map by_id, by_far, leases, far_leases;
	size_t with_deps; /* orders that wait for others */
	struct past *past;
	size_t past_count, past_cap;
	struct told_worker *workers;
	size_t worker_count;
	/* The answer to the line that was sent last with a ref. */
	uint64_t want_ref;
	struct json *answer;
	/* rt_lease_take(): */
	uint64_t taking, taken;
	int taken_rc;
};

/* client.c */
struct order *order_by_id(const struct rt_client *c, uint64_t id);
void order_free(struct rt_client *c, struct order *o);
void held_free(struct rt_client *c, struct held *h);
struct held *held_new(struct rt_client *c, struct order *o, uint64_t far);

/* client_news.c */
struct news *news_add(struct rt_client *c, enum news_kind kind);
void news_free(struct news *n);
int news_tell(struct rt_client *c); /* all that there is */
/* How one ended, while others may wait for it. */
void past_add(struct rt_client *c, const char *key, enum rt_state state);

/* client_link.c: the daemon. */
int link_open(struct rt_client *c); /* -ENOENT: there is none */
void link_close(struct rt_client *c);
int link_hear(struct rt_client *c); /* what has come, as news */
void link_put(struct rt_client *c, struct json *line); /* takes it */
/* Sends line (taken) with a ref and waits for its answer, to be freed;
 * -EPIPE: the daemon is gone (c->lost). */
int link_ask(struct rt_client *c, struct json *line, struct json **answer);
int link_submit(struct rt_client *c, const struct rt_request *q, size_t n,
		uint64_t *far);

/* client_local.c: the engine in this process. */
int local_open(struct rt_client *c);
int local_worker(struct rt_client *c, const struct told_worker *w);

/* client_back.c: by whom it is served, at first and after a loss. */
int back_open(struct rt_client *c);
int back_submit(struct rt_client *c, struct order *const *o, size_t n);
int back_done(struct rt_client *c, struct held *h);
/* The daemon is gone: on with another, or in this process. */
int back_recover(struct rt_client *c);

#endif
