/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The references that say to git what the notes say. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "crypt/digest.h"
#include "history/entry.h"
#include "history/repo.h"
#include "history/state_parts.h"

#define SLUG_MAX 60

/* The name of a workload as a part of a reference; two names never share one:
 * what had to be changed is followed by the beginning of its digest. */
static char *slug(const char *workload)
{
	char digest[DIGEST_HEX_LEN], out[SLUG_MAX + 1];
	size_t n = 0;

	for (; workload[n] && n < SLUG_MAX; n++) {
		char c = workload[n];

		out[n] = islower((unsigned char)c) || isdigit((unsigned char)c)
				 ? c
				 : '-';
	}
	out[n] = '\0';
	if (n && !strcmp(out, workload))
		return mem_strdup(out);
	digest_hex(workload, strlen(workload), digest);
	return mem_printf("%s%s%.8s", out, n ? "-" : "", digest);
}

/* ---- moving ------------------------------------------------------------ */

/* A value that changed meanwhile: the next step puts it right. */
static int set_ref(const struct history *h, const char *name, const git_oid *to)
{
	git_oid at;
	int rc = ref_read(h, name, &at);

	if (rc || git_oid_equal(&at, to))
		return rc;
	rc = ref_move(h, name, &at, to);
	if (!rc)
		rc = ref_log(h, name, to);
	return rc < 0 ? rc : 0;
}

struct wanted {
	struct strs names;
	struct strs policies;
};

static void want(struct wanted *w, const struct board *b)
{
	for (size_t i = 0; i < b->n; i++) {
		char *name = slug(b->v[i].workload);

		for (int s = 0; s < STATE_COUNT; s++) {
			const struct placed *x =
				places_in(&b->v[i], (enum state)s);

			if (!x)
				continue;
			strs_printf(&w->names, STATE_REFS "%s/%s",
				    state_names[s], name);
			strs_add(&w->policies, x->policy);
		}
		free(name);
	}
}

static bool has(const struct wanted *w, const char *name)
{
	for (size_t i = 0; i < w->names.len; i++)
		if (!strcmp(w->names.v[i], name))
			return true;
	return false;
}

/* The references that stand for nothing (any more). */
static int drop_others(const struct history *h, const struct wanted *w)
{
	git_strarray all;
	int rc = ref_list(h, &all);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < all.count; i++)
		if (!strncmp(all.strings[i], STATE_REFS, strlen(STATE_REFS)) &&
		    !has(w, all.strings[i]))
			rc = ref_remove(h, all.strings[i]);
	git_strarray_dispose(&all);
	return rc;
}

int states_publish(struct history *h)
{
	struct wanted w = {0};
	struct entry e;
	struct board b;
	git_oid head;
	int rc = board_make(h, NULL, &b);

	if (rc)
		return rc;
	want(&w, &b);
	board_release(&b);
	rc = repo_lock(h);
	if (!rc)
		rc = ref_read(h, HISTORY_BRANCH, &head);
	if (!rc)
		rc = drop_others(h, &w);
	for (size_t i = 0; !rc && i < w.names.len; i++) {
		rc = entry_find(h, &head, "policy", w.policies.v[i], &e);
		if (rc == 1)
			rc = set_ref(h, w.names.v[i], &e.commit);
	}
	repo_unlock(h);
	strs_release(&w.names);
	strs_release(&w.policies);
	return rc;
}
