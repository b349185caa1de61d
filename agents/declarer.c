/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/declarer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agents/attacher.h"
#include "agents/holder.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "intent/compile.h"

#define LOOK_NS 500000000L

struct declarer {
	struct attacher *attacher;
	char *folder;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t end;
	bool over;
	struct intent_rules *rules; /* handed over last; the thread's own */
};

/* ---- telling others --------------------------------------------------- */

static void set_rules(struct json *to, const struct intents *i, time_t now)
{
	struct json *list = json_set(to, "rules", json_array());

	for (size_t k = 0; k < i->count; k++) {
		char *words = intent_words(&i->v[k]);
		struct json *v;

		if (!intent_is_over(&i->v[k], now)) {
			v = json_add(list, json_object());
			json_set_string(v, "name", i->v[k].name);
			json_set_string(v, "words", words);
		}
		free(words);
	}
}

static void note(const struct declarer *d, const struct intents *i,
		 uint32_t generation, size_t lacking)
{
	struct json *v = json_object();
	char when[CLOCK_TEXT_LEN];

	clock_text(clock_wall(), when);
	json_set_number(v, "generation", generation);
	json_set_string(v, "since", when);
	json_set_string(v, "folder", d->folder);
	if (!generation)
		json_set_string(v, "why", err_text());
	json_set_number(v, "lacking", (double)lacking);
	set_rules(v, i, clock_wall());
	holder_declare(v);
	json_free(v);
}

/* ---- looking ---------------------------------------------------------- */

static bool is_new(const struct declarer *d, const struct intent_rules *r)
{
	return !d->rules || d->rules->size != r->size ||
	       memcmp(d->rules, r, r->size) != 0;
}

/* A folder that does not count any more has no rules. */
static void look(struct declarer *d)
{
	struct intents i = {0};
	struct intent_rules *r;
	uint32_t generation = 0;
	size_t lacking;
	int rc;

	if (intents_read(&i, d->folder))
		err_clear();
	intents_compile(&i, clock_wall(), true, &r, &lacking);
	if (is_new(d, r)) {
		rc = attacher_declare(d->attacher, r, &generation);
		/* It is asked again where it was busy. */
		if (rc != -EAGAIN) {
			note(d, &i, generation, lacking);
			free(d->rules);
			d->rules = r;
			r = NULL;
		}
	}
	free(r);
	intents_release(&i);
}

/* False: it is to end. */
static bool rest(struct declarer *d)
{
	struct timespec until;
	bool over;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_NS;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&d->lock);
	if (!d->over)
		pthread_cond_clockwait(&d->end, &d->lock, CLOCK_MONOTONIC,
				       &until);
	over = d->over;
	pthread_mutex_unlock(&d->lock);
	return !over;
}

static void *attend(void *arg)
{
	struct declarer *d = arg;

	do
		look(d);
	while (rest(d));
	return NULL;
}

/* ---- its life --------------------------------------------------------- */

static void release(struct declarer *d)
{
	pthread_cond_destroy(&d->end);
	pthread_mutex_destroy(&d->lock);
	free(d->rules);
	free(d->folder);
	free(d);
}

struct declarer *declarer_new(struct attacher *a, const char *folder)
{
	struct declarer *d = mem_zalloc(1, sizeof(*d));
	sigset_t all, before;
	int rc;

	d->attacher = a;
	d->folder = mem_strdup(folder);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->end, NULL);
	/* Signals are for who waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&d->thread, NULL, attend, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!rc)
		return d;
	release(d);
	return NULL;
}

void declarer_free(struct declarer *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->over = true;
	pthread_cond_signal(&d->end);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	release(d);
}
