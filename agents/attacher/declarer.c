/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/declarer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agents/attacher/attacher.h"
#include "agents/host/holder.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "intent/compile.h"
#include "intent/watch.h"

/* When it looks even though nobody said that anything changed. */
#define BUSY_MS	     100  /* it could not be handed over */
#define POLL_MS	     500  /* there is nobody who would say it */
#define ELSEWHERE_MS 1000 /* rules are about cgroups or files */
#define SLOW_MS	     5000
/* Who writes several files does it at once. */
#define SETTLE_MS 20

struct declarer {
	struct attacher *attacher;
	char *folder;
	pthread_t thread;
	int end; /* can be read once it is to end */
	/* The thread's own. */
	struct intent_watch *watch;
	struct intent_rules *rules; /* as they were told last */
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
		 uint32_t generation, const char *why, size_t lacking)
{
	struct json *v = json_object();
	char when[CLOCK_TEXT_LEN];

	clock_text(clock_wall(), when);
	json_set_number(v, "generation", generation);
	json_set_string(v, "since", when);
	json_set_string(v, "folder", d->folder);
	if (why)
		json_set_string(v, "why", why);
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

/* Of no rules at all the policy need not know, before it had any. */
static int hand_over(struct declarer *d, const struct intents *i,
		     const struct intent_rules *r, size_t lacking)
{
	uint32_t generation = 0;
	int rc = 0;

	if (d->rules || r->table.count)
		rc = attacher_declare(d->attacher, r, &generation);
	if (rc != -EAGAIN)
		note(d, i, generation, rc ? err_text() : NULL, lacking);
	return rc;
}

static int until_over(const struct intents *i, time_t now, int ms)
{
	for (size_t k = 0; k < i->count; k++) {
		time_t left = i->v[k].until - now;

		if (i->v[k].until > now && left * 1000 < ms)
			ms = (int)left * 1000;
	}
	return ms;
}

/*
 * In how many milliseconds to look again.  A folder that does not count any
 * more has no rules.
 */
static int look(struct declarer *d)
{
	struct intents i = {0};
	struct intent_rules *r;
	time_t now = clock_wall();
	size_t lacking;
	int ms = SLOW_MS;

	/* What comes from here on makes it look again. */
	if (d->watch)
		intent_watch_read(d->watch);
	if (intents_read(&i, d->folder))
		err_clear();
	intents_compile(&i, now, true, &r, &lacking);
	if (r->table.kinds & (INTENT_OF_CGROUP | INTENT_OF_FILE))
		ms = ELSEWHERE_MS;
	if (!d->watch)
		ms = POLL_MS;
	if (!is_new(d, r)) {
		free(r);
	} else if (hand_over(d, &i, r, lacking) == -EAGAIN) {
		ms = BUSY_MS;
		free(r);
	} else {
		free(d->rules);
		d->rules = r;
	}
	ms = until_over(&i, now, ms);
	intents_release(&i);
	return ms;
}

/* False: it is to end. */
static bool rest(struct declarer *d, int ms)
{
	struct pollfd fds[] = {
		{.fd = d->end, .events = POLLIN},
		{.fd = intent_watch_fd(d->watch), .events = POLLIN}};
	double until = clock_monotonic() + ms / 1e3;

	do {
		int n = poll(fds, ARRAY_LEN(fds), ms);

		if (fds[0].revents)
			return false;
		if (n > 0 && intent_watch_read(d->watch))
			return poll(fds, 1, SETTLE_MS) <= 0;
		ms = (int)((until - clock_monotonic()) * 1e3);
	} while (ms > 0);
	return true;
}

static void *attend(void *arg)
{
	struct declarer *d = arg;

	d->watch = intent_watch_new(d->folder);
	while (rest(d, look(d)))
		;
	intent_watch_free(d->watch);
	return NULL;
}

/* ---- its life --------------------------------------------------------- */

static void release(struct declarer *d)
{
	if (d->end >= 0)
		close(d->end);
	free(d->rules);
	free(d->folder);
	free(d);
}

struct declarer *declarer_new(struct attacher *a, const char *folder)
{
	struct declarer *d = mem_zalloc(1, sizeof(*d));

	d->attacher = a;
	d->folder = mem_strdup(folder);
	d->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->end >= 0 && !thread_start(&d->thread, attend, d))
		return d;
	release(d);
	return NULL;
}

void declarer_free(struct declarer *d)
{
	if (!d)
		return;
	eventfd_write(d->end, 1);
	pthread_join(d->thread, NULL);
	release(d);
}
