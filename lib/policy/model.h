/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trained model that a policy of form "params" may carry, for the orders
 * and slices "predicted":
 *
 *   "model":{"sha256":"…","feature_version":1,"trained_on":["…"],
 *            "targets":{"burst":{…}},"data":"…"}
 *
 * data is the model's file (learn/forecast.h) in base64, sha256 the digest that
 * the file ends in.  A body is anybody's: nothing of it is used that
 * policy_model_read() has not checked.
 */
#ifndef SCHEDKIT_POLICY_MODEL_H
#define SCHEDKIT_POLICY_MODEL_H

#include <stdbool.h>

#include "bpf/feature_abi.h"
#include "bpf/forecast_abi.h"
#include "doc/json.h"

bool policy_has_model(const struct json *body);

/*
 * Of a body that has one.  -EINVAL names the key at fault: what is no model or
 * a damaged one, one of other features than this version's, one that foretells
 * no bursts, or a body of another form.
 */
int policy_model_read(const struct json *body, struct forecast *out);

/* The member `model` with what the model itself says; the caller adds what it
 * was trained on. */
struct json *policy_model_json(const struct forecast *m);

/* -EINVAL: a policy cannot go by it, the message says why.  Without JSON. */
int policy_model_check(const struct forecast *m);

/* What a body with it has to say that it uses: the words of `uses`. */
struct json *policy_model_uses(const struct forecast *m);

#endif
