/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A draft on its way from the process that developed it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

static const char *const states[] = {
	[DRAFT_OPEN] = "open",
	[DRAFT_ACCEPTED] = "accepted",
	[DRAFT_DEAD] = "dead",
	[DRAFT_DROPPED] = "dropped",
};

static void put_copy(struct json *to, const char *key, const struct json *v)
{
	if (v)
		json_set(to, key, json_copy(v));
}

static void put_text(struct json *to, const char *key, const char *s)
{
	if (s)
		json_set_string(to, key, s);
}

struct json *draft_json(const struct draft *d)
{
	struct json *v = json_object();

	json_set_string(v, "state", states[d->state]);
	put_copy(v, "body", d->body);
	put_copy(v, "entries", d->talk.entries);
	put_copy(v, "accounts", d->talk.accounts);
	put_text(v, "model", d->talk.model);
	json_set_number(v, "climbs", (double)d->climbs);
	json_set_number(v, "turns", (double)d->turns);
	json_set_string(v, "fingerprint", d->fingerprint);
	json_set_string(v, "object", d->object);
	put_text(v, "metric", d->metric);
	json_set_number(v, "ratio", d->ratio);
	json_set_number(v, "seeds", (double)d->seeds);
	put_text(v, "why", d->why);
	return v;
}

static int read_state(const char *s, enum draft_state *out)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(states[i], s)) {
			*out = (enum draft_state)i;
			return 0;
		}
	return err_set(EBADMSG, "there is no state '%s' of a draft", s);
}

static struct json *member(const struct json *v, const char *key,
			   enum json_type type)
{
	const struct json *m = json_get(v, key);

	return json_type(m) == type ? json_copy(m) : NULL;
}

static char *text(const struct json *v, const char *key)
{
	const char *s = json_as_string(json_get(v, key), NULL);

	return s ? mem_strdup(s) : NULL;
}

static double number(const struct json *v, const char *key)
{
	return json_as_number(json_get(v, key), 0);
}

/* A digest or nothing. */
static void read_digest(const struct json *v, const char *key,
			char out[static DIGEST_HEX_LEN])
{
	snprintf(out, DIGEST_HEX_LEN, "%s", json_text_at(v, key));
}

int draft_take(const struct json *v, struct draft *out)
{
	struct draft d = {0};
	int rc = read_state(json_text_at(v, "state"), &d.state);

	if (rc)
		return rc;
	d.body = member(v, "body", JSON_OBJECT);
	d.talk.entries = member(v, "entries", JSON_ARRAY);
	d.talk.accounts = member(v, "accounts", JSON_OBJECT);
	d.talk.model = text(v, "model");
	d.climbs = (long)number(v, "climbs");
	d.turns = (long)number(v, "turns");
	read_digest(v, "fingerprint", d.fingerprint);
	read_digest(v, "object", d.object);
	d.metric = text(v, "metric");
	d.ratio = number(v, "ratio");
	d.seeds = (long)number(v, "seeds");
	d.why = text(v, "why");
	if (!d.body || (d.state > DRAFT_ACCEPTED && !d.why) ||
	    (d.state == DRAFT_ACCEPTED &&
	     (!*d.fingerprint || doc_check("policy", d.body) < 0))) {
		draft_release(&d);
		return err_set(EBADMSG, "what a draft's process said is no "
					"draft");
	}
	*out = d;
	return 0;
}
