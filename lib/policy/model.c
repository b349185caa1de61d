/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypt/base64.h"
#include "crypt/digest.h"
#include "learn/forecast.h"
#include "policy/form.h"

/* Of a model's file: the bytes, its digest, a newline. */
#define FILE_LEN (sizeof(struct forecast) + DIGEST_HEX_LEN)

bool policy_has_model(const struct json *body)
{
	const struct json *model = json_get(body, "model");

	return model && json_type(model) != JSON_NULL;
}

static int read_data(const char *text, struct forecast *out)
{
	struct buf b;
	int rc;

	buf_init(&b, FILE_LEN + 1);
	rc = base64_decode(text, &b);
	if (rc == -EFBIG)
		rc = err_set(EINVAL, "it is no model");
	if (!rc)
		rc = forecast_get(b.len ? b.data : "", b.len, out);
	buf_release(&b);
	return rc;
}

/* What the member says of itself is what people read. */
static int check_words(const struct json *model, const struct forecast *m)
{
	double version = json_as_number(json_get(model, "feature_version"), -1);
	char digest[DIGEST_HEX_LEN];

	digest_hex(m, sizeof(*m), digest);
	if (strcmp(json_text_at(model, "sha256"), digest))
		return err_set(EINVAL,
			       "model.sha256: it is not that of the data, "
			       "%.12s",
			       digest);
	if (version != m->feature_version)
		return err_set(EINVAL,
			       "model.feature_version: %g is not that of the "
			       "data, %u",
			       version, m->feature_version);
	return 0;
}

int policy_model_read(const struct json *body, struct forecast *out)
{
	const struct json *model = json_get(body, "model");
	int rc;

	memset(out, 0, sizeof(*out));
	if (policy_form(body) != FORM_PARAMS)
		return err_set(EINVAL,
			       "model: only a policy of form 'params' goes by "
			       "one");
	rc = read_data(json_text_at(model, "data"), out);
	if (!rc)
		rc = policy_model_check(out);
	if (rc)
		rc = err_prefix(rc, "model.data");
	else
		rc = check_words(model, out);
	if (rc)
		memset(out, 0, sizeof(*out));
	return rc;
}

struct json *policy_model_json(const struct forecast *m)
{
	struct json *v = json_object();
	char digest[DIGEST_HEX_LEN], *text;
	struct buf b;

	buf_init(&b, FILE_LEN + 1);
	forecast_put(m, &b);
	text = base64_encode(b.data, b.len);
	digest_hex(m, sizeof(*m), digest);
	json_set_string(v, "sha256", digest);
	json_set_number(v, "feature_version", m->feature_version);
	json_set_string(v, "data", text);
	free(text);
	buf_release(&b);
	return v;
}

static bool tree_reads(const struct forecast_tree *t, enum feature f)
{
	/* A threshold that nothing is above asks for nothing. */
	for (unsigned i = 1; i < FORECAST_NODES; i++)
		if ((t->node[i] & FORECAST_WHICH) == FORECAST_WORD * f &&
		    t->node[i] >> 16 != UINT16_MAX)
			return true;
	return false;
}

/* Whether what it says of bursts depends on that feature. */
static bool reads(const struct forecast_part *p, enum feature f)
{
	if (p->kind == FORECAST_LINEAR)
		return p->weight[f] != 0;
	for (uint32_t i = 0; i < p->trees; i++)
		if (tree_reads(&p->tree[i], f))
			return true;
	return false;
}

struct json *policy_model_uses(const struct forecast *m)
{
	const struct forecast_part *p = &m->part[FORECAST_BURST];
	struct json *uses = json_array();

	json_add(uses, json_string("behaviour"));
	if (reads(p, FEATURE_IDENTITY))
		json_add(uses, json_string("learned_identity"));
	if (reads(p, FEATURE_INTENT))
		json_add(uses, json_string("declared_intent"));
	return uses;
}
