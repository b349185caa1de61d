/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "history/mark.h"
#include "history/repo.h"
#include "history/state_parts.h"
#include "history/words.h"

/* ---- looking ----------------------------------------------------------- */

int history_states(struct history *h, const char *workload,
		   struct history_state **out, size_t *n)
{
	static const enum state order[] = {STATE_TRUSTED, STATE_PREVIOUS,
					   STATE_CANARY, STATE_CANDIDATE};
	struct board b;
	int rc = board_make(h, workload, &b);

	*n = 0;
	*out = rc ? NULL : mem_zalloc(b.n * STATE_COUNT + 1, sizeof(**out));
	for (size_t i = 0; !rc && i < b.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(order); k++) {
			const struct placed *x = places_in(&b.v[i], order[k]);
			struct history_state *s = &(*out)[*n];

			if (!x)
				continue;
			s->workload = mem_strdup(b.v[i].workload);
			s->state = order[k];
			memcpy(s->policy, x->policy, DOC_ID_LEN);
			s->since = x->since;
			s->forced = x->forced;
			(*n)++;
		}
	if (!rc)
		board_release(&b);
	return rc;
}

void history_states_free(struct history_state *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(s[i].workload);
	free(s);
}

int history_placed(struct history *h, const char *workload,
		   char (**out)[DOC_ID_LEN], size_t *n)
{
	const struct places *p;
	struct board b;
	int rc = board_make(h, workload, &b);

	*out = NULL;
	*n = 0;
	if (rc)
		return rc;
	p = board_find(&b, workload);
	*out = mem_zalloc((p ? p->rows : 0) + 1, DOC_ID_LEN);
	for (; p && *n < p->rows; (*n)++)
		memcpy((*out)[*n], p->row[*n].policy, DOC_ID_LEN);
	board_release(&b);
	return 0;
}

/* ---- evidence ---------------------------------------------------------- */

/* What the verdicts say of a policy. */
struct judged {
	const char *policy, *workload; /* workload NULL: to be found */
	struct strs workloads;	       /* those it was ever accepted for */
	char verdict[DOC_ID_LEN];      /* the latest for the workload */
	char time[32];
	bool accepted;
};

static int look(const struct doc *d, void *arg)
{
	const char *workload = json_text_at(d->body, "workload");
	const char *time = json_text_at(d->env, "time");
	const char *policy = words_policy(d);
	struct judged *j = arg;
	bool accepted;

	if (!policy || strcmp(policy, j->policy))
		return 0;
	accepted = !strcmp(json_text_at(d->body, "decision"), "accepted");
	if (accepted)
		strs_add_once(&j->workloads, workload);
	if (!j->workload || strcmp(workload, j->workload) ||
	    strcmp(time, j->time) < 0)
		return 0;
	snprintf(j->time, sizeof(j->time), "%s", time);
	memcpy(j->verdict, d->id, DOC_ID_LEN);
	j->accepted = accepted;
	return 0;
}

/* Fills j for a step; finds its workload where it has none. */
static int judge(struct history *h, struct judged *j)
{
	int rc = history_each(h, "verdict", look, j);

	if (rc || j->workload)
		return rc;
	if (j->workloads.len != 1)
		return err_set(EINVAL,
			       "policy %.12s was accepted for %s: name the "
			       "workload with --workload",
			       j->policy,
			       j->workloads.len ? "several workloads"
						: "no workload yet");
	j->workload = j->workloads.v[0];
	return history_each(h, "verdict", look, j);
}

static int lacks(enum state to, const struct judged *j, const struct places *p)
{
	bool was = false;

	if (to == STATE_CANDIDATE)
		return j->accepted
			       ? 0
			       : err_set(EPERM,
					 "policy %.12s is no candidate for "
					 "'%s': %s; --force does it, and says "
					 "so",
					 j->policy, j->workload,
					 *j->verdict
						 ? "the latest verdict does "
						   "not accept it"
						 : "the history has no "
						   "verdict on it");
	if (to == STATE_CANARY)
		return places_of(p, j->policy) == STATE_CANDIDATE
			       ? 0
			       : err_set(EPERM,
					 "policy %.12s is not the candidate "
					 "for '%s', which a canary is before; "
					 "--force does it, and says so",
					 j->policy, j->workload);
	for (size_t i = 0; p && i < p->were_canary.len; i++)
		was = was || !strcmp(p->were_canary.v[i], j->policy);
	return was ? 0
		   : err_set(EPERM,
			     "policy %.12s was no canary for '%s', which a "
			     "trusted one was before; --force does it, and "
			     "says so",
			     j->policy, j->workload);
}

/* ---- steps ------------------------------------------------------------- */

static struct json *step_body(const struct places *p, const struct judged *j,
			      int to, const char *why)
{
	const struct placed *old =
		to >= 0 ? places_in(p, (enum state)to) : NULL;
	struct json *body = json_object(), *state;
	char *text =
		to >= 0 ? mem_printf("%s for %s", state_names[to], j->workload)
			: mem_printf("taken down for %s", j->workload);

	json_set_string(body, "text", why ? why : text);
	json_add(json_set(body, "tags", json_array()),
		 json_string(to >= 0 ? "promoted" : "demoted"));
	state = json_set(body, "state", json_object());
	json_set_string(state, "name", to >= 0 ? state_names[to] : "none");
	json_set_string(state, "workload", j->workload);
	if (old && strcmp(old->policy, j->policy))
		json_set_string(state, "previous", old->policy);
	if (to >= 0 && *j->verdict)
		json_set_string(state, "verdict", j->verdict);
	free(text);
	return body;
}

static int record(struct history *h, const struct places *p,
		  const struct judged *j, int to, const char *why, bool forced,
		  struct doc **note)
{
	struct json *body = step_body(p, j, to, why);
	int rc;

	if (forced)
		json_set_bool((struct json *)json_get(body, "state"), "forced",
			      true);
	rc = mark_note(h, body, j->policy, p && *p->last ? p->last : NULL,
		       note);
	return rc ? rc : states_publish(h);
}

int history_promote(struct history *h, enum state to,
		    const struct history_step *step, struct doc **note)
{
	struct judged j = {.policy = step->policy, .workload = step->workload};
	const struct places *p;
	bool forced = false;
	struct board b = {0};
	int rc = judge(h, &j);

	*note = NULL;
	if (!rc)
		rc = board_make(h, j.workload, &b);
	p = rc ? NULL : board_find(&b, j.workload);
	if (!rc && places_of(p, j.policy) == to)
		rc = 1;
	if (!rc && places_of(p, j.policy) != STATE_COUNT &&
	    places_of(p, j.policy) > to)
		rc = err_set(EPERM,
			     "policy %.12s is %s for '%s': demote it "
			     "first",
			     j.policy, state_names[places_of(p, j.policy)],
			     j.workload);
	else if (!rc && lacks(to, &j, p)) {
		forced = step->force;
		rc = forced ? 0 : -EPERM;
	}
	if (!rc)
		rc = record(h, p, &j, (int)to, step->why, forced, note);
	board_release(&b);
	strs_release(&j.workloads);
	return rc;
}

/* Of all workloads, the one in which the policy is somewhere. */
static int find_place(const struct board *b, struct judged *j)
{
	const struct places *p, *found = NULL;

	for (size_t i = 0; i < b->n; i++) {
		p = &b->v[i];
		if (j->workload && strcmp(p->workload, j->workload))
			continue;
		if (j->policy ? places_of(p, j->policy) == STATE_COUNT
			      : !places_in(p, STATE_TRUSTED))
			continue;
		if (found)
			return err_set(EINVAL,
				       "there are several workloads: name one "
				       "with --workload");
		found = p;
	}
	if (!found)
		return err_set(ENOENT, "%s%s%s",
			       j->policy ? "that policy is in no state"
					 : "no policy is trusted",
			       j->workload ? " for " : "",
			       j->workload ? j->workload : "");
	j->workload = found->workload;
	if (!j->policy)
		j->policy = found->in[STATE_TRUSTED].policy;
	return 0;
}

int history_demote(struct history *h, const struct history_step *step,
		   struct doc **note)
{
	struct judged j = {.policy = step->policy, .workload = step->workload};
	struct board b;
	int rc = board_make(h, step->workload, &b);

	*note = NULL;
	if (rc)
		return rc;
	rc = find_place(&b, &j);
	if (!rc)
		rc = record(h, board_find(&b, j.workload), &j, -1, step->why,
			    false, note);
	board_release(&b);
	return rc;
}
