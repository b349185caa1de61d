/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agents/keeper/parts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define PREFIX_MIN 4
#define HITS	   10

/* ---- who sees what ----------------------------------------------------- */

static int gather_owner(void *arg, const char *owner)
{
	struct keeper *k = arg;
	struct json *of = json_object();
	int rc = share_each(k->files, owner, SHARE_NOTE, keeper_gather, of);

	if (!rc && json_len(of))
		json_set(k->shares, owner, of);
	else
		json_free(of);
	return rc;
}

/* Reads all shares of notes when there may be others than last time. */
static int learn_shares(struct keeper *k)
{
	char state[FILE_BLOB_LEN];
	int rc = files_state(k->files, state);

	if (rc || (k->shares && !strcmp(state, k->shares_of)))
		return rc;
	json_free(k->shares);
	k->shares = json_object();
	rc = files_owners(k->files, gather_owner, k);
	if (rc) {
		json_free(k->shares);
		k->shares = NULL;
		return rc;
	}
	memcpy(k->shares_of, state, sizeof(state));
	return 0;
}

static bool in_list(const struct json *list, const char *reader)
{
	json_each (s, list) {
		double until = json_as_number(json_get(s, "until"), 0);

		if ((until <= 0 || (double)clock_wall() < until) &&
		    !fnmatch(json_text_at(s, "with"), reader, 0))
			return true;
	}
	return false;
}

struct eye {
	const struct keeper *k;
	const char *reader;
};

static bool visible(void *arg, const struct recall_note *n)
{
	const struct eye *e = arg;
	const struct json *of;

	if (!*n->agent || !strcmp(n->agent, e->reader))
		return true;
	of = json_get(e->k->shares, n->agent);
	return of && (in_list(json_get(of, SHARE_ALL), e->reader) ||
		      in_list(json_get(of, n->id), e->reader));
}

/* All that is there, what this batch adds included. */
static int look(struct keeper *k)
{
	int rc;

	keeper_flush(k);
	rc = recall_refresh(k->recall);
	return rc ? rc : learn_shares(k);
}

/* ---- add --------------------------------------------------------------- */

static int check_tags(const struct json *tags)
{
	size_t n;

	if (!tags)
		return 0;
	if (json_type(tags) != JSON_ARRAY || json_len(tags) > KEEPER_TAGS_MAX)
		return err_set(EINVAL,
			       "'tags' has to be an array of at most %d words",
			       KEEPER_TAGS_MAX);
	json_each (t, tags) {
		n = strlen(json_as_string(t, ""));
		if (!n || n > KEEPER_TAG_MAX)
			return err_set(EINVAL,
				       "a tag has to be a text of 1 to %d "
				       "bytes",
				       KEEPER_TAG_MAX);
	}
	return 0;
}

static int check_features(const struct json *features)
{
	if (!features)
		return 0;
	if (json_type(features) != JSON_OBJECT ||
	    json_len(features) > KEEPER_FEATURES_MAX)
		return err_set(EINVAL,
			       "'features' has to be an object of at most %d "
			       "numbers",
			       KEEPER_FEATURES_MAX);
	json_each (f, features)
		if (json_type(f) != JSON_NUMBER)
			return err_set(EINVAL,
				       "the feature '%.*s' is no "
				       "number",
				       KEEPER_TAG_MAX, json_key(f));
	return 0;
}

static int add(struct keeper *k, struct job *j)
{
	static const char *const keys[] = {"text", "tags", "features", "about"};
	const char *about = json_as_string(json_get(j->payload, "about"), NULL);
	const char *text;
	struct json *body;
	size_t at;
	int rc = field_text(j->payload, "text", &text);

	if (!rc && strlen(text) > KEEPER_TEXT_MAX)
		rc = err_set(EFBIG, "a note has at most %u bytes",
			     KEEPER_TEXT_MAX);
	if (!rc)
		rc = check_tags(json_get(j->payload, "tags"));
	if (!rc)
		rc = check_features(json_get(j->payload, "features"));
	if (!rc)
		rc = recall_refresh(k->recall);
	if (rc)
		return rc;
	body = json_object();
	json_set_string(body, "agent", j->agent);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *v = json_get(j->payload, keys[i]);

		if (v)
			json_set(body, keys[i], json_copy(v));
	}
	j->note = doc_new("note", "agent-store", body, &about, about ? 1 : 0);
	if (!j->note)
		return -EINVAL;
	json_set_string(j->result, "id", j->note->id);
	json_set_bool(j->result, "new",
		      !recall_find(k->recall, j->note->id, &at));
	return 0;
}

/* ---- search, list, get ------------------------------------------------- */

static struct json *note_json(const struct recall_note *n)
{
	struct json *v = json_object();

	json_set_string(v, "id", n->id);
	json_set_string(v, "agent", n->agent);
	json_set_number(v, "time", (double)n->time);
	json_set_string(v, "text", n->text);
	if (n->tags)
		json_set(v, "tags", json_copy(n->tags));
	if (n->features)
		json_set(v, "features", json_copy(n->features));
	return v;
}

static void put_hits(struct keeper *k, const struct recall_hit *hit, size_t n,
		     struct json *result)
{
	struct json *notes = json_set(result, "notes", json_array()), *v;

	for (size_t i = 0; i < n; i++) {
		v = json_add(notes,
			     note_json(recall_at(k->recall, hit[i].note)));
		if (hit[i].score > 0)
			json_set_number(v, "score", hit[i].score);
		if (hit[i].distance >= 0)
			json_set_number(v, "distance", hit[i].distance);
	}
}

static int find(struct keeper *k, struct job *j, bool search)
{
	struct eye eye = {k, j->agent};
	struct recall_query q = {
		.tag = json_as_string(json_get(j->payload, "tag"), NULL),
		.visible = visible,
		.arg = &eye,
	};
	struct recall_hit *hit;
	long max;
	int rc = field_whole(j->payload, "max", 1, KEEPER_HITS_MAX, HITS, &max);

	if (search) {
		q.words = json_as_string(json_get(j->payload, "text"), NULL);
		q.features = json_get(j->payload, "features");
	}
	if (!rc)
		rc = check_features(q.features);
	if (!rc && search && !json_len(q.features) && !(q.words && *q.words))
		rc = err_set(EINVAL,
			     "search for what? give 'text' or 'features'");
	if (!rc)
		rc = look(k);
	if (rc)
		return rc;
	hit = mem_zalloc((size_t)max, sizeof(*hit));
	put_hits(k, hit, recall_search(k->recall, &q, hit, (size_t)max),
		 j->result);
	free(hit);
	return 0;
}

/* Another's note that is not shared is as good as none. */
static int one_note(struct keeper *k, const struct job *j, bool own,
		    const struct recall_note **out)
{
	struct eye eye = {k, j->agent};
	const char *id;
	size_t at, n;
	int rc = field_text(j->payload, "id", &id);

	if (!rc && (strlen(id) < PREFIX_MIN ||
		    strspn(id, "0123456789abcdef") != strlen(id)))
		rc = err_set(EINVAL, "an id has at least %d hexadecimal digits",
			     PREFIX_MIN);
	if (!rc)
		rc = look(k);
	if (rc)
		return rc;
	n = recall_find(k->recall, id, &at);
	if (n > 1)
		return err_set(EINVAL, "'%.64s' is the beginning of %zu ids",
			       id, n);
	*out = n ? recall_at(k->recall, at) : NULL;
	if (!n ||
	    (own ? strcmp((*out)->agent, j->agent) != 0 : !visible(&eye, *out)))
		return err_set(ENOENT, "'%s' has no note '%.64s'%s", j->agent,
			       id, own ? " of its own" : "");
	return 0;
}

static int get(struct keeper *k, struct job *j)
{
	const struct recall_note *n;
	int rc = one_note(k, j, false, &n);

	if (!rc)
		json_set(j->result, "note", note_json(n));
	return rc;
}

/* ---- share ------------------------------------------------------------- */

static int share(struct keeper *k, struct job *j, bool on)
{
	const struct recall_note *n;
	const char *name = SHARE_ALL, *with = NULL;
	time_t until = 0;
	int rc = 0;

	j->writes = true;
	if (!json_as_bool(json_get(j->payload, "all"), false)) {
		rc = one_note(k, j, true, &n);
		name = rc ? "" : n->id;
	}
	if (!rc && (on || json_get(j->payload, "with")))
		rc = field_share(j->payload, &with, &until);
	if (rc)
		return rc;
	json_set_string(j->result, "id", name);
	if (!on)
		return share_drop(k->files, j->agent, SHARE_NOTE, name, with);
	json_set_string(j->result, "with", with);
	if (until)
		json_set_number(j->result, "until", (double)until);
	return share_set(k->files, j->agent, SHARE_NOTE, name, with, until);
}

int keeper_memory(struct keeper *k, struct job *j)
{
	const char *verb = json_text_at(j->payload, "verb");

	if (!strcmp(verb, "add"))
		return add(k, j);
	if (!strcmp(verb, "search"))
		return find(k, j, true);
	if (!strcmp(verb, "list"))
		return find(k, j, false);
	if (!strcmp(verb, "get"))
		return get(k, j);
	if (!strcmp(verb, "share"))
		return share(k, j, true);
	if (!strcmp(verb, "unshare"))
		return share(k, j, false);
	return err_set(EINVAL,
		       "memory has the verbs add, search, list, get, share and "
		       "unshare");
}
