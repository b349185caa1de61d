/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "history/state.h"
#include "history/words.h"

struct row {
	char *workload;
	char policy[DOC_ID_LEN];
	char verdict[DOC_ID_LEN];
	char time[32];
	bool accepted, is_signed;
	double ratio, low;
};

struct rows {
	const char *only;
	struct row *v;
	size_t n, cap;
};

static int add_verdict(const struct doc *d, void *arg)
{
	const char *workload =
		json_as_string(json_get(d->body, "workload"), "");
	const char *decision =
		json_as_string(json_get(d->body, "decision"), "");
	const struct json *goal = words_goal(d);
	const char *policy = words_policy(d);
	struct rows *t = arg;
	struct row *r;

	if (!policy || (t->only && strcmp(workload, t->only)))
		return 0;
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->v = mem_realloc(t->v, t->cap, sizeof(*t->v));
	}
	r = &t->v[t->n++];
	*r = (struct row){
		.workload = mem_strdup(workload),
		.accepted = !strcmp(decision, "accepted"),
		.is_signed = json_get(d->body, "signature") != NULL,
		.ratio = json_as_number(json_get(goal, "ratio"), 0),
		.low = json_as_number(json_path(goal, "ci95.0"), 0),
	};
	snprintf(r->policy, sizeof(r->policy), "%s", policy);
	snprintf(r->verdict, sizeof(r->verdict), "%s", d->id);
	snprintf(r->time, sizeof(r->time), "%s",
		 json_as_string(json_get(d->env, "time"), ""));
	return 0;
}

/* By workload and policy, latest first. */
static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->workload, y->workload);

	if (!c)
		c = strcmp(x->policy, y->policy);
	if (!c)
		c = strcmp(y->time, x->time);
	/* The same once more, signed. */
	if (!c)
		c = y->is_signed - x->is_signed;
	return c ? c : strcmp(x->verdict, y->verdict);
}

/* Keeps the latest verdict per workload and policy: what was accepted once
 * and rejected since is no longer a candidate. */
static void keep_latest(struct rows *t)
{
	size_t kept = 0;

	qsort(t->v, t->n, sizeof(*t->v), by_time);
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = &t->v[i];
		struct row *last = kept ? &t->v[kept - 1] : NULL;

		if (last && !strcmp(r->workload, last->workload) &&
		    !strcmp(r->policy, last->policy))
			free(r->workload);
		else
			t->v[kept++] = *r;
	}
	t->n = kept;
}

/* By workload, best first; what is left is decided by id, so that the answer
 * does not depend on the order of anything. */
static int by_merit(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->workload, y->workload);

	if (c)
		return c;
	if (x->accepted != y->accepted)
		return x->accepted ? -1 : 1;
	if (x->ratio != y->ratio)
		return x->ratio > y->ratio ? -1 : 1;
	if (x->low != y->low)
		return x->low > y->low ? -1 : 1;
	return strcmp(x->policy, y->policy);
}

static int take(struct history *h, const struct row *l,
		struct history_best *out)
{
	int rc;

	*out = (struct history_best){.workload = mem_strdup(l->workload)};
	rc = history_read(h, "verdict", l->verdict, &out->verdict);
	if (rc)
		return rc;
	rc = history_read(h, "policy", l->policy, &out->policy);
	return rc == -ENOENT ? 0 : rc;
}

static bool is_in(const struct row *r, const char *state,
		  const struct history_state *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s[i].policy, r->policy) &&
		    !strcmp(s[i].workload, r->workload) &&
		    !strcmp(state_names[s[i].state], state))
			return true;
	}
	return false;
}

/* Keeps what is in a state. */
static int keep_state(struct history *h, const char *state, struct rows *t)
{
	struct history_state *s;
	size_t n, kept = 0;
	int rc = history_states(h, t->only, &s, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < t->n; i++) {
		if (is_in(&t->v[i], state, s, n))
			t->v[kept++] = t->v[i];
		else
			free(t->v[i].workload);
	}
	t->n = kept;
	history_states_free(s, n);
	return 0;
}

int history_best(struct history *h, const char *workload, const char *state,
		 struct history_best **out, size_t *n)
{
	struct rows t = {.only = workload};
	int rc;

	*out = NULL;
	*n = 0;
	rc = history_each(h, "verdict", add_verdict, &t);
	if (rc)
		goto out;
	if (!t.n)
		goto out;
	keep_latest(&t);
	if (state)
		rc = keep_state(h, state, &t);
	if (rc)
		goto out;
	qsort(t.v, t.n, sizeof(*t.v), by_merit);
	*out = mem_zalloc(t.n + 1, sizeof(**out));
	for (size_t i = 0; !rc && i < t.n; i++) {
		bool first =
			i == 0 || strcmp(t.v[i].workload, t.v[i - 1].workload);

		if (first && t.v[i].accepted)
			rc = take(h, &t.v[i], &(*out)[(*n)++]);
	}
out:
	for (size_t i = 0; i < t.n; i++)
		free(t.v[i].workload);
	free(t.v);
	if (rc) {
		history_best_free(*out, *n);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

void history_best_free(struct history_best *b, size_t n)
{
	for (size_t i = 0; b && i < n; i++) {
		free(b[i].workload);
		doc_free(b[i].verdict);
		doc_free(b[i].policy);
	}
	free(b);
}
