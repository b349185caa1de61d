/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/rollout/rollouts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/random.h"
#include "rollout/signed.h"
#include "trust/statement.h"

#define NONCE_LEN 33
#define WHYS_MAX  8

/* ---- statements -------------------------------------------------------- */

struct search {
	const struct trust *t;
	const char *workload;
	struct rollouts *out;
};

/* Of two with one serial number, which two people have made, the one that asks
 * for less; then any, but the same one everywhere. */
static bool is_later(const struct rollout *a, const struct rollout *b)
{
	if (a->serial != b->serial)
		return a->serial > b->serial;
	if (a->state != b->state)
		return a->state > b->state;
	return strcmp(a->id, b->id) > 0;
}

static void take_rollout(struct rollouts *out, const struct rollout *r)
{
	for (size_t i = 0; i < out->n; i++)
		if (!strcmp(out->v[i].workload, r->workload)) {
			if (is_later(r, &out->v[i]))
				out->v[i] = *r;
			return;
		}
	out->v = mem_realloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = *r;
}

static int look(const struct doc *d, void *arg)
{
	const struct json *v = json_get(d->body, "rollout");
	struct search *s = arg;
	struct rollout r;

	if (!v)
		return 0;
	if (signed_check(s->t, SIGNED_ROLLOUT, v, clock_wall()) ||
	    rollout_read(json_get(v, "statement"), &r)) {
		if (s->out->refused++ < WHYS_MAX)
			strs_printf(&s->out->why,
				    "the rollout in note %.12s is not "
				    "followed: %s",
				    d->id, err_text());
		return 0;
	}
	/* A policy that is revoked is to be nowhere. */
	if (trust_revoked(s->t, "policy", r.policy) &&
	    r.state != ROLLOUT_WITHDRAWN) {
		r.state = ROLLOUT_WITHDRAWN;
		snprintf(r.why, sizeof(r.why), "the policy is revoked: %.200s",
			 trust_revoked(s->t, "policy", r.policy));
	}
	if (!s->workload || !strcmp(s->workload, r.workload))
		take_rollout(s->out, &r);
	return 0;
}

int rollouts_find(struct history *h, const struct trust *t,
		  const char *workload, struct rollouts *out)
{
	struct search s = {.t = t, .workload = workload};

	*out = (struct rollouts){0};
	s.out = out;
	return history_each(h, "note", look, &s);
}

void rollouts_release(struct rollouts *r)
{
	free(r->v);
	strs_release(&r->why);
	*r = (struct rollouts){0};
}

static struct doc *new_note(const struct sign_key *key, const struct rollout *r)
{
	const char *const parents[] = {r->policy, r->verdict};
	struct json *body = json_object();
	char *text = mem_printf("rollout %.12s of policy %.12s for '%s' is %s "
				"(statement %ld)%s%s",
				r->id, r->policy, r->workload,
				rollout_states[r->state], r->serial,
				*r->why ? ": " : "", r->why);

	json_set_string(body, "text", text);
	json_set_string(body, "about", r->policy);
	json_add(json_set(body, "tags", json_array()), json_string("rollout"));
	json_set(body, "rollout",
		 signed_make(key, SIGNED_ROLLOUT, rollout_json(r), r->issued));
	free(text);
	return doc_new("note", ROLLOUTS_BY, body, parents, ARRAY_LEN(parents));
}

/* What no host would take, for its words become longer where they are no UTF-8,
 * must not look as if it had been said. */
static int check(const struct rollout *r)
{
	struct json *statement = rollout_json(r);
	struct rollout same;
	int rc = rollout_check(r);

	if (!rc && rollout_read(statement, &same))
		rc = err_set(EINVAL, "the rollout's words are too long for its "
				     "statement: are they UTF-8?");
	json_free(statement);
	return rc;
}

int rollouts_add(struct history *h, const struct trust *t, struct signer *s,
		 struct rollout *r, struct doc **note)
{
	const struct sign_key *key;
	struct rollouts before;
	int rc = signer_private(s, &key);

	*note = NULL;
	if (rc)
		return rc;
	rc = rollouts_find(h, t, r->workload, &before);
	if (!rc) {
		r->serial = before.n ? before.v[0].serial + 1 : 1;
		r->issued = clock_wall();
		if (!r->began)
			r->began = r->issued;
		rc = check(r);
	}
	rollouts_release(&before);
	if (rc)
		return rc;
	*note = new_note(key, r);
	if (!*note)
		return -EINVAL;
	rc = history_add(h, (const struct doc *const *)note, 1);
	if (rc < 0) {
		doc_free(*note);
		*note = NULL;
		return rc;
	}
	return 0;
}

/* ---- the verdict ------------------------------------------------------- */

struct judged {
	const struct trust *t;
	const struct doc *policy;
	const char *workload;
	char chosen[ROLLOUT_WORKLOAD]; /* of the first one */
	bool several;
	char verdict[DOC_ID_LEN]; /* the newest that holds; "" */
	char time[CLOCK_TEXT_LEN];
	char against[CLOCK_TEXT_LEN]; /* when it was last not accepted; "" */
	char why[512];		      /* why one does not hold */
};

static void keep_time(const struct doc *d, char out[static CLOCK_TEXT_LEN])
{
	const char *time = json_text_at(d->env, "time");

	if (strlen(time) == CLOCK_TEXT_LEN - 1 && strcmp(time, out) > 0)
		strcpy(out, time);
}

static int judge(const struct doc *d, void *arg)
{
	struct judged *j = arg;
	const char *workload = json_text_at(d->body, "workload");

	if (strcmp(json_text_at(d->body, "policy"), j->policy->id) ||
	    (j->workload && strcmp(workload, j->workload)) ||
	    strlen(workload) >= sizeof(j->chosen))
		return 0;
	j->several |= *j->chosen && strcmp(j->chosen, workload);
	strcpy(j->chosen, workload);
	if (strcmp(json_text_at(d->body, "decision"), "accepted")) {
		keep_time(d, j->against);
	} else if (statement_judge(j->t, d, j->policy, clock_wall())) {
		snprintf(j->why, sizeof(j->why), "%s", err_text());
	} else if (!*j->verdict ||
		   strcmp(json_text_at(d->env, "time"), j->time) >= 0) {
		strcpy(j->verdict, d->id);
		keep_time(d, j->time);
	}
	return 0;
}

static int judge_all(struct history *h, struct judged *j)
{
	int rc = history_each(h, "verdict", judge, j);

	if (rc)
		return rc;
	if (j->several)
		return err_set(EINVAL,
			       "policy %.12s was judged for several workloads: "
			       "name one",
			       j->policy->id);
	if (!*j->verdict)
		return err_set(EPERM,
			       "policy %.12s has no verdict to go by: %s",
			       j->policy->id,
			       *j->why ? j->why
				       : "none accepts it (for this workload)");
	if (strcmp(j->against, j->time) > 0)
		return err_set(EPERM,
			       "the latest verdict on policy %.12s, of %s, "
			       "does not accept it",
			       j->policy->id, j->against);
	return 0;
}

int rollouts_begin(struct history *h, const struct trust *t, const char *policy,
		   const char *workload, struct rollout *out)
{
	struct judged j = {.t = t, .workload = workload};
	char nonce[NONCE_LEN], *text;
	struct doc *d;
	int rc = history_read(h, "policy", policy, &d);

	*out = (struct rollout){0};
	if (rc)
		return rc;
	j.policy = d;
	rc = judge_all(h, &j);
	if (!rc) {
		random_hex(nonce, sizeof(nonce));
		text = mem_printf("%s\n%s\n%s\n%s\n", d->id, j.verdict,
				  j.chosen, nonce);
		digest_hex(text, strlen(text), out->id);
		free(text);
		strcpy(out->policy, d->id);
		strcpy(out->verdict, j.verdict);
		strcpy(out->workload, j.chosen);
	}
	doc_free(d);
	return rc;
}

/* ---- reports ----------------------------------------------------------- */

int rollouts_hosts(struct trust **out)
{
	struct trust *t = trust_new();
	char *own = path_config("hosts");
	int rc = trust_add_folder(t, "/etc/schedkit/hosts.d");

	if (!rc)
		rc = trust_add_folder(t, own);
	free(own);
	if (rc) {
		trust_free(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

void rollouts_part(const struct rollout *r, char out[static ROLLOUTS_PART])
{
	snprintf(out, ROLLOUTS_PART, "%.16s/", r->id);
}

struct gathering {
	const struct trust *hosts;
	const struct rollout *r;
	time_t now;
	struct reports *out;
	size_t cap;
};

static int gather(void *arg, const char *name, const char *text, size_t len)
{
	struct gathering *g = arg;
	struct reports *out = g->out;
	struct doc *d = NULL;

	(void)name;
	while (len && text[len - 1] == '\n')
		len--;
	if (out->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 64;
		out->v = mem_realloc(out->v, g->cap, sizeof(*out->v));
	}
	if (doc_parse(text, len, &d) || strcmp(d->kind, "note") ||
	    rollout_report_read(g->hosts, g->r, d->body, g->now,
				&out->v[out->n]))
		out->refused++;
	else
		out->n++;
	doc_free(d);
	return 0;
}

int reports_gather(struct history *h, const struct trust *hosts,
		   const struct rollout *r, time_t now, struct reports *out)
{
	struct gathering g = {.hosts = hosts, .r = r, .now = now};
	char part[ROLLOUTS_PART];
	int rc;

	*out = (struct reports){0};
	g.out = out;
	rollouts_part(r, part);
	rc = reports_each(h, part, gather, &g);
	if (!rc)
		rollout_count(r, out->v, out->n, out->tally);
	return rc;
}

void reports_release(struct reports *r)
{
	free(r->v);
	*r = (struct reports){0};
}

int reports_fetch_for(struct history *h, const struct remote_opts *o,
		      const struct rollout *r, unsigned int cohorts)
{
	struct strs below = {0};
	char part[ROLLOUTS_PART];
	int rc;

	rollouts_part(r, part);
	if (cohorts == ~0u)
		strs_add(&below, part);
	else
		strs_printf(&below, "%sbad/", part);
	for (int i = 0; i < ROLLOUT_COHORTS && cohorts != ~0u; i++)
		if (cohorts & 1u << i)
			strs_printf(&below, "%s%d/", part, i);
	rc = reports_fetch(h, o, &below);
	strs_release(&below);
	return rc;
}
