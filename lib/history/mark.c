/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/ids.h"
#include "history/repo.h"

#define BY "sched-history"

struct marks {
	struct recall *notes;
	size_t seen;	/* of the notes, that are in what follows */
	struct ids ids; /* of what they are about */
	size_t *last;	/* by its number: the note with the last word */
	size_t cap;
};

void marks_free(struct marks *m)
{
	if (!m)
		return;
	recall_free(m->notes);
	ids_release(&m->ids);
	free(m->last);
	free(m);
}

/* A note that says whether a lesson counts. */
static bool says(const struct recall_note *n)
{
	return !*n->agent && strlen(n->about) == DOC_ID_LEN - 1 &&
	       (recall_tagged(n, "reverted") || recall_tagged(n, "restored"));
}

static void take(struct marks *m, size_t i)
{
	const struct recall_note *n = recall_at(m->notes, i);
	uint32_t before = m->ids.count, at;

	if (!says(n))
		return;
	at = ids_number(&m->ids, n->about);
	if (m->ids.count > m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->last = mem_realloc(m->last, m->cap, sizeof(*m->last));
	}
	if (at == before || recall_later(recall_at(m->notes, m->last[at]), n))
		m->last[at] = i;
}

static int refresh(struct history *h)
{
	struct marks *m = h->marks;
	int rc;

	if (!m) {
		m = h->marks = mem_zalloc(1, sizeof(*m));
		m->notes = recall_new(h);
		ids_init(&m->ids);
	}
	rc = recall_refresh(m->notes);
	for (; !rc && m->seen < recall_count(m->notes); m->seen++)
		take(m, m->seen);
	return rc;
}

int marks_notes(struct history *h, const struct recall **out)
{
	int rc = refresh(h);

	*out = rc ? NULL : h->marks->notes;
	return rc;
}

int mark_note(struct history *h, struct json *body, const char *about,
	      const char *after, struct doc **out)
{
	struct doc *d;
	int rc;

	json_set_string(body, "about", about);
	if (after)
		json_set_string(body, "after", after);
	*out = NULL;
	d = doc_new("note", BY, body, &about, 1);
	if (!d)
		return -EINVAL;
	rc = history_add(h, (const struct doc *const *)&d, 1);
	if (rc < 0) {
		doc_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

/* ---- lessons ----------------------------------------------------------- */

/* The last word about a lesson; NULL: nothing was said. */
static int last_word(struct history *h, const char *id,
		     const struct recall_note **out)
{
	int rc = refresh(h);
	uint32_t at;

	*out = NULL;
	if (rc)
		return rc;
	at = ids_find(&h->marks->ids, id);
	if (at != IDS_NONE)
		*out = recall_at(h->marks->notes, h->marks->last[at]);
	return 0;
}

int history_reverted(struct history *h, const char *id)
{
	const struct recall_note *n;
	int rc = last_word(h, id, &n);

	return rc ? rc : n && recall_tagged(n, "reverted");
}

int history_revert(struct history *h, const struct doc *lesson, bool restore,
		   const char *why, struct doc **note)
{
	const struct recall_note *n;
	char after[DOC_ID_LEN];
	struct json *body;
	int rc = last_word(h, lesson->id, &n);

	*note = NULL;
	if (rc)
		return rc;
	if ((n && recall_tagged(n, "reverted")) != restore)
		return 1;
	if (n)
		memcpy(after, n->id, sizeof(after));
	body = json_object();
	json_set_string(body, "text",
			why	  ? why
			: restore ? "this lesson counts again"
				  : "this lesson does not count");
	json_add(json_set(body, "tags", json_array()),
		 json_string(restore ? "restored" : "reverted"));
	return mark_note(h, body, lesson->id, n ? after : NULL, note);
}
