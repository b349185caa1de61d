/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/declarer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/attacher.h"
#include "agents/holder.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/ticker.h"
#include "intent/compile.h"

#define LOOK_S 0.5

struct declarer {
	struct attacher *attacher;
	char *folder;
	struct ticker *ticker;
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
static void look(void *arg)
{
	struct declarer *d = arg;
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

/* ---- its life --------------------------------------------------------- */

struct declarer *declarer_new(struct attacher *a, const char *folder)
{
	struct declarer *d = mem_zalloc(1, sizeof(*d));

	d->attacher = a;
	d->folder = mem_strdup(folder);
	d->ticker = ticker_new(LOOK_S, look, d);
	if (d->ticker)
		return d;
	declarer_free(d);
	return NULL;
}

void declarer_free(struct declarer *d)
{
	if (!d)
		return;
	ticker_free(d->ticker);
	free(d->rules);
	free(d->folder);
	free(d);
}
