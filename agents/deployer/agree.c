/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's verdict does not say by itself, the canary's own measurement
 * on this host has to: a verdict of the host, with what the canary measured
 * and a signature, before the policy gets everything.
 */
#include <string.h>

#include "agents/canary/canary.h"
#include "agents/deployer/state.h"
#include "agents/verifier/signer.h"
#include "base/clock.h"
#include "base/mem.h"
#include "trust/statement.h"

#define DAY_S 86400.0

/* Each of them speaks against it or does not; none is the goal. */
static struct json *metrics_of(const struct json *canary)
{
	struct json *list = json_array();

	json_each (step, json_get(canary, "steps"))
		json_each (m, json_get(step, "metrics")) {
			struct json *v = json_add(list, json_copy(m));

			json_remove(v, "metric");
			json_set_string(v, "name", json_text_at(m, "metric"));
			json_set_bool(v, "guard", true);
		}
	return list;
}

static struct json *body_of(const struct deployer *d)
{
	static const char *const same[] = {"policy", "workload",
					   "object_sha256"};
	struct json *b = json_object(), *canary = canary_json(d->canary);

	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		const struct json *m = json_get(d->verdict->body, same[i]);

		if (m)
			json_set(b, same[i], json_copy(m));
	}
	json_set_string(b, "decision", "accepted");
	json_set_string(b, "why",
			"it was accepted in a guest, and its canary on this "
			"host found no metric worse");
	json_set_string(b, "target", "host");
	json_set_string(b, "kernel", d->kernel);
	json_set_string(b, "configuration", d->configuration);
	json_set(b, "stages", json_array());
	json_set(b, "metrics", metrics_of(canary));
	json_set_string(json_set(b, "evidence", json_object()), "order",
			"canary, A B B A");
	json_free(canary);
	return b;
}

/* As long as the guest's is good for. */
static double days_left(const struct deployer *d)
{
	const struct json *s = statement_of(d->verdict->body);

	return (double)(clock_parse(json_text_at(s, "expires")) -
			clock_wall()) /
	       DAY_S;
}

static int sign(const struct deployer *d, struct json *body)
{
	const struct signer_opts o = {.days = days_left(d)};
	struct signer *s = signer_new(&o);
	int rc = signer_sign(s, body, d->policy);

	signer_free(s);
	return rc;
}

int deployer_agree(struct deployer *d)
{
	const char *parents[] = {d->policy->id, d->verdict->id};
	struct json *body = body_of(d);
	int rc = sign(d, body);
	struct doc *doc;

	if (rc) {
		json_free(body);
		return rc;
	}
	doc = doc_new("verdict", DEPLOYER_NAME, body, parents,
		      ARRAY_LEN(parents));
	rc = stream_emit(d->s, doc);
	if (rc)
		return rc;
	d->verdict = doc;
	d->from_guest = false;
	return 0;
}
