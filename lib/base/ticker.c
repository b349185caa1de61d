/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/thread.h"

#define NS_PER_S 1000000000L

struct ticker {
	void (*tick)(void *arg);
	void *arg;
	struct timespec every;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t end;
	bool over;
};

/* False: it is to end. */
static bool rest(struct ticker *t)
{
	struct timespec until;
	bool over;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += t->every.tv_sec;
	until.tv_nsec += t->every.tv_nsec;
	until.tv_sec += until.tv_nsec / NS_PER_S;
	until.tv_nsec %= NS_PER_S;
	pthread_mutex_lock(&t->lock);
	while (!t->over && !pthread_cond_clockwait(&t->end, &t->lock,
						   CLOCK_MONOTONIC, &until))
		;
	over = t->over;
	pthread_mutex_unlock(&t->lock);
	return !over;
}

static void *run(void *arg)
{
	struct ticker *t = arg;

	do
		t->tick(t->arg);
	while (rest(t));
	return NULL;
}

static void release(struct ticker *t)
{
	pthread_cond_destroy(&t->end);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct ticker *ticker_new(double every_s, void (*tick)(void *arg), void *arg)
{
	struct ticker *t = mem_zalloc(1, sizeof(*t));

	t->tick = tick;
	t->arg = arg;
	t->every.tv_sec = (time_t)every_s;
	t->every.tv_nsec = (long)((every_s - (double)t->every.tv_sec) * 1e9);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->end, NULL);
	if (!thread_start(&t->thread, run, t))
		return t;
	release(t);
	return NULL;
}

void ticker_free(struct ticker *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->over = true;
	pthread_cond_signal(&t->end);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	release(t);
}
