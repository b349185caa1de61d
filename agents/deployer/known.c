/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agents/deployer/past.h"
#include "base/clock.h"
#include "base/err.h"
#include "guard/trips.h"
#include "policy/form.h"
#include "policy/policy.h"
#include "trust/statement.h"

static const char *text(const struct doc *d, const char *key)
{
	return json_text_at(d->body, key);
}

/* Its id; "": none is, or it is the one that is about to be deployed. */
static int ask_trusted(struct deployer *d, char id[static DOC_ID_LEN])
{
	const char *workload = text(d->verdict, "workload");
	struct past_trusted *list;
	size_t n;
	int rc = past_trusted(d->o->cancel, &list, &n);

	id[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].workload, workload))
			memcpy(id, list[i].policy, DOC_ID_LEN);
	past_trusted_free(list, n);
	if (rc)
		return rc;
	if (!id[0])
		return err_set(ENOENT, "no policy is trusted for '%s'",
			       workload);
	if (!strcmp(id, d->policy->id))
		return err_set(ENOENT, "it is itself the trusted one");
	return 0;
}

/* Of the verdicts the latest, which overrides those before. */
static int take_story(struct deployer *d, const char *id)
{
	struct policy_params params;
	size_t n;
	int rc = past_story(id, text(d->verdict, "workload"), d->o->cancel,
			    &d->known.answer, &d->known.docs, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		const struct doc *doc = d->known.docs[i];

		if (!strcmp(doc->kind, "policy"))
			d->known.policy = doc;
		else
			d->known.verdict = doc;
	}
	if (policy_form(d->known.policy->body) != FORM_PARAMS)
		return err_set(ENOTSUP, "it is not of the form 'params'");
	return policy_params_read(d->known.policy->body, &params);
}

static int judge(const struct deployer *d)
{
	const struct doc *v = d->known.verdict;
	struct trust *t;
	int rc;

	if (strcmp(text(v, "decision"), "accepted"))
		return err_set(EACCES, "its latest verdict is '%s'",
			       text(v, "decision"));
	if (strcmp(text(v, "target"), "host") ||
	    strcmp(text(v, "kernel"), d->kernel) ||
	    strcmp(text(v, "configuration"), d->configuration) ||
	    strcmp(text(v, "object_sha256"), text(d->verdict, "object_sha256")))
		return err_set(EACCES, "it was measured elsewhere, or as "
				       "another object");
	rc = trust_open(&t);
	if (rc)
		return rc;
	if (statement_judge(t, v, d->known.policy, time(NULL)))
		rc = -EACCES;
	trust_free(t);
	return rc;
}

static int ask_trips(const struct deployer *d)
{
	struct trips t;
	int rc = trips_read(d->known.policy->id, &t);

	if (!rc && trips_wait(&t, clock_boot()) > 0)
		rc = err_set(EACCES, "a guard took it off lately");
	return rc;
}

void deployer_find_known(struct deployer *d)
{
	char id[DOC_ID_LEN];
	int rc = ask_trusted(d, id);

	if (!rc)
		rc = take_story(d, id);
	if (!rc)
		rc = judge(d);
	if (!rc)
		rc = ask_trips(d);
	if (!rc)
		return;
	d->known.policy = NULL;
	snprintf(d->known.why, sizeof(d->known.why), "%s", err_text());
}

int deployer_count_trips(struct deployer *d, unsigned *count)
{
	struct past p;
	int rc = past_deployments(false, d->o->cancel, &p);

	*count = 0;
	for (size_t i = 0; !rc && i < p.n; i++) {
		const struct doc *doc = p.docs[i];

		if (strcmp(text(doc, "policy"), d->policy->id))
			continue;
		if (json_as_bool(json_get(doc->body, "again"), false))
			*count = 0;
		*count += !strcmp(text(doc, "state"), "tripped");
	}
	past_deployments_release(&p);
	return rc;
}

void deployer_known_release(struct deployer *d)
{
	program_answer_release(&d->known.answer);
	free(d->known.docs);
	d->known.docs = NULL;
	d->known.policy = d->known.verdict = NULL;
}
