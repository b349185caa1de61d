/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/bisect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "doc/json_file.h"
#include "history/repo.h"
#include "history/state.h"
#include "history/words.h"
#include "stats/evidence.h"

#define STATE_MAX (16u << 20)

const char *const bisect_words[] = {"", "good", "bad", "skip"};

void bisect_free(struct bisect *b)
{
	if (!b)
		return;
	free(b->workload);
	free(b->policy);
	free(b->mark);
	json_free(b->log);
	free(b);
}

/* ---- the policies ------------------------------------------------------ */

struct accepted {
	char time[32];
	char policy[DOC_ID_LEN];
};

struct row {
	const char *workload;
	struct accepted *v;
	size_t n;
};

static int take(const struct doc *d, void *arg)
{
	const char *policy = words_policy(d);
	struct row *r = arg;

	if (!policy || strcmp(json_text_at(d->body, "workload"), r->workload) ||
	    strcmp(json_text_at(d->body, "decision"), "accepted"))
		return 0;
	r->v = mem_realloc(r->v, r->n + 1, sizeof(*r->v));
	snprintf(r->v[r->n].time, sizeof(r->v->time), "%s",
		 json_text_at(d->env, "time"));
	snprintf(r->v[r->n++].policy, DOC_ID_LEN, "%s", policy);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct accepted *x = a, *y = b;
	int c = strcmp(x->time, y->time);

	return c ? c : strcmp(x->policy, y->policy);
}

static int from_verdicts(struct history *h, struct bisect *b)
{
	struct row r = {.workload = b->workload};
	int rc = history_each(h, "verdict", take, &r);

	if (r.n)
		qsort(r.v, r.n, sizeof(*r.v), by_time);
	free(b->policy);
	b->policy = mem_zalloc(r.n + 1, DOC_ID_LEN);
	b->n = 0;
	for (size_t i = 0; !rc && i < r.n; i++)
		if (!b->n || strcmp(b->policy[b->n - 1], r.v[i].policy))
			memcpy(b->policy[b->n++], r.v[i].policy, DOC_ID_LEN);
	free(r.v);
	return rc;
}

/* Of all its places: one that came back is no other one. */
static int set_mark(struct bisect *b, const char *policy, enum bisect_mark mark)
{
	size_t places = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->policy[i], policy)) {
			b->mark[i] = mark;
			places++;
		}
	return places ? 0
		      : err_set(ENOENT,
				"policy %.12s was never in place for '%s'",
				policy, b->workload);
}

int bisect_say(struct bisect *b, const char *policy, enum bisect_mark mark,
	       const char *why)
{
	struct json *v;
	int rc = set_mark(b, policy, mark);

	if (rc)
		return rc;
	v = json_add(b->log, json_object());
	json_set_string(v, "mark", bisect_words[mark]);
	json_set_string(v, "policy", policy);
	if (why)
		json_set_string(v, "why", why);
	return 0;
}

const char *bisect_why(const struct bisect *b, const char *policy)
{
	const char *why = NULL;

	json_each (l, b->log)
		if (!strcmp(json_text_at(l, "policy"), policy) &&
		    json_get(l, "why"))
			why = json_text_at(l, "why");
	return why;
}

static int check(const struct bisect *b)
{
	size_t good = b->n, bad = b->n;

	for (size_t i = 0; i < b->n; i++) {
		if (b->mark[i] == BISECT_GOOD)
			good = i;
		if (b->mark[i] == BISECT_BAD && bad == b->n)
			bad = i;
	}
	if (bad == b->n)
		return err_set(EINVAL, "none of the policies is said to be "
				       "bad");
	return good < bad ? 0
			  : err_set(EINVAL, "a good policy is to be before "
					    "the bad one");
}

int bisect_start(struct history *h, const char *workload, const char *good,
		 const char *bad, struct bisect **out)
{
	struct bisect *b = mem_zalloc(1, sizeof(*b));
	int rc;

	*out = NULL;
	b->workload = mem_strdup(workload);
	b->log = json_array();
	rc = history_placed(h, workload, &b->policy, &b->n);
	if (!rc && b->n < 2)
		rc = from_verdicts(h, b);
	if (!rc && b->n < 2)
		rc = err_set(ENOENT,
			     "fewer than two policies were in place for '%s'",
			     workload);
	b->mark = mem_zalloc(b->n + 1, sizeof(*b->mark));
	if (!rc)
		rc = bisect_say(b, good ? good : b->policy[0], BISECT_GOOD,
				NULL);
	if (!rc)
		rc = bisect_say(b, bad ? bad : b->policy[b->n - 1], BISECT_BAD,
				NULL);
	if (!rc)
		rc = check(b);
	if (!rc)
		rc = bisect_save(h, b);
	if (rc)
		bisect_free(b);
	else
		*out = b;
	return rc;
}

int bisect_next(const struct bisect *b, size_t *at, size_t *after)
{
	size_t low = 0, high, open = 0, left;
	int rc = check(b);

	if (rc)
		return rc;
	for (size_t i = 0; i < b->n; i++)
		if (b->mark[i] == BISECT_GOOD)
			low = i;
	for (high = low + 1; b->mark[high] != BISECT_BAD;)
		high++;
	for (size_t i = low + 1; i < high; i++)
		open += b->mark[i] == BISECT_NONE;
	*after = low;
	*at = high;
	if (!open)
		return high == low + 1 ? 0 : -ENOTUNIQ;
	left = (open + 1) / 2;
	for (size_t i = low + 1; left; i++)
		if (b->mark[i] == BISECT_NONE && !--left)
			*at = i;
	return 1;
}

/* ---- the ladder as the test -------------------------------------------- */

static const char *first(const struct bisect *b, enum bisect_mark mark)
{
	size_t i = 0;

	while (i < b->n && b->mark[i] != mark)
		i++;
	return i < b->n ? b->policy[i] : "";
}

const char *bisect_first_good(const struct bisect *b)
{
	return first(b, BISECT_GOOD);
}

const char *bisect_first_bad(const struct bisect *b)
{
	return first(b, BISECT_BAD);
}

struct newest {
	const char *workload;
	struct doc *d;
};

static int newer(const struct doc *d, void *arg)
{
	struct newest *n = arg;
	const char *name =
		json_as_string(json_path(d->body, "workload.name"), "");

	if (strcmp(name, n->workload) ||
	    (n->d && strcmp(json_text_at(n->d->env, "time"),
			    json_text_at(d->env, "time")) >= 0))
		return 0;
	doc_free(n->d);
	n->d = doc_copy(d);
	return 0;
}

int bisect_profile(struct history *h, const struct bisect *b, struct doc **out)
{
	struct newest n = {.workload = b->workload};
	int rc = history_each(h, "profile", newer, &n);

	*out = n.d;
	if (!rc && !n.d)
		rc = err_set(ENOENT,
			     "the history has no profile of '%s' to measure "
			     "with: add one with 'sched-observe --name', or "
			     "name a test of your own",
			     b->workload);
	return rc;
}

int bisect_figure(const struct doc *verdict, const char *metric,
		  struct bisect_figure *out)
{
	const struct json *list = json_get(verdict->body, "metrics"), *m = NULL;

	json_each (x, list)
		if (!m && (metric ? !strcmp(json_text_at(x, "name"), metric)
				  : !json_as_bool(json_get(x, "guard"), false)))
			m = x;
	if (!m && json_len(list))
		return err_set(ENODATA, "'%s' is none of its metrics",
			       metric ? metric : "the goal");
	if (!m)
		return err_set(ENODATA, "%s",
			       json_text_at(verdict->body, "why"));
	*out = (struct bisect_figure){
		.name = json_text_at(m, "name"),
		.higher_is_better =
			!strcmp(json_text_at(m, "better"), "higher"),
		.ratio = json_as_number(json_get(m, "ratio"), 0),
		/* Without an end it reaches anything. */
		.hi = json_as_number(json_path(m, "ci95.1"), RATIO_MAX),
	};
	return 0;
}

enum bisect_mark bisect_judge(const struct bisect_figure *good,
			      const struct bisect_figure *tested, double pct)
{
	const struct evidence_rule rule = {
		.higher_is_better = good->higher_is_better, .guard_pct = pct};
	bool below = tested->ratio < good->ratio * evidence_guard_floor(&rule);

	if (!below)
		return BISECT_GOOD;
	return tested->hi < good->ratio ? BISECT_BAD : BISECT_SKIP;
}

/* ---- kept -------------------------------------------------------------- */

static char *path_of(const struct history *h)
{
	return mem_printf("%s/bisect.json", h->dir);
}

int bisect_save(struct history *h, const struct bisect *b)
{
	struct json *v = json_object(), *list;
	char *path = path_of(h);
	int rc;

	json_set_string(v, "workload", b->workload);
	list = json_set(v, "policies", json_array());
	for (size_t i = 0; i < b->n; i++)
		json_add(list, json_string(b->policy[i]));
	json_set(v, "log", json_copy(b->log));
	rc = json_save(path, v);
	free(path);
	json_free(v);
	return rc;
}

static struct bisect *parse(const struct json *v)
{
	const struct json *list = json_get(v, "policies");
	struct bisect *b = mem_zalloc(1, sizeof(*b));

	b->workload = mem_strdup(json_text_at(v, "workload"));
	b->policy = mem_zalloc(json_len(list) + 1, DOC_ID_LEN);
	b->mark = mem_zalloc(json_len(list) + 1, sizeof(*b->mark));
	b->log = json_array();
	json_each (p, list)
		snprintf(b->policy[b->n++], DOC_ID_LEN, "%s",
			 json_as_string(p, ""));
	json_each (l, json_get(v, "log"))
		for (int m = BISECT_GOOD; m <= BISECT_SKIP; m++)
			if (!strcmp(json_text_at(l, "mark"), bisect_words[m]))
				bisect_say(b, json_text_at(l, "policy"),
					   (enum bisect_mark)m,
					   json_as_string(json_get(l, "why"),
							  NULL));
	return b;
}

int bisect_load(struct history *h, struct bisect **out)
{
	char *path = path_of(h);
	struct json *v = NULL;
	struct buf b;
	int rc = 0;

	*out = NULL;
	buf_init(&b, STATE_MAX);
	if (access(path, F_OK))
		rc = err_set(ENOENT, "no search was begun: 'sched-history "
				     "bisect start' does");
	if (!rc)
		rc = buf_read_file(&b, path);
	if (!rc) {
		v = b.len ? json_parse(b.data, b.len) : NULL;
		if (v)
			*out = parse(v);
		else
			rc = err_set(EUCLEAN,
				     "'%s' is damaged: 'sched-history "
				     "bisect reset' removes it",
				     path);
	}
	json_free(v);
	buf_release(&b);
	free(path);
	return rc;
}

int bisect_reset(struct history *h)
{
	char *path = path_of(h);
	int rc = unlink(path) < 0 && errno != ENOENT
			 ? err_set(errno, "cannot remove '%s': %s", path,
				   strerror(errno))
			 : 0;

	free(path);
	return rc;
}
