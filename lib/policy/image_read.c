/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "doc/doc.h"
#include "policy/image.h"
#include "policy/model.h"
#include "policy/object.h"
#include "policy/policy.h"

static int read_identities(const struct json *body, struct policy_image *out)
{
	json_each (v, json_get(body, "identities")) {
		struct image_identity *i = &out->identities[out->count];
		double us = json_as_number(json_get(v, "expect_us"), 0);

		if (out->count == POLICY_MAX_IDENTITIES)
			return err_set(E2BIG,
				       "the policy knows more than %d "
				       "identities",
				       POLICY_MAX_IDENTITIES);
		i->hash = strtoull(json_text_at(v, "hash"), NULL, 16);
		i->expect_ns = (uint64_t)(us * 1000);
		out->count++;
	}
	return 0;
}

int policy_image_read(const struct json *body, struct policy_image *out)
{
	char id[DOC_ID_LEN];
	int rc;

	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	out->whole = policy_is_source(body);
	if (out->whole)
		return 0;
	strcpy(out->name, "schedkit");
	if (body) {
		doc_body_id(body, id);
		snprintf(out->name, sizeof(out->name), "schedkit_%.12s", id);
	}
	rc = policy_params_read(body, &out->params);
	out->longest_ns = policy_longest_ns(body);
	out->has_model = policy_has_model(body);
	if (!rc && out->has_model)
		rc = policy_model_read(body, &out->model);
	return rc ? rc : read_identities(body, out);
}
