/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values against JSON Schema, the part of 2020-12 that our own schemas use:
 *   type (also a list), enum, const, properties, required,
 *   additionalProperties, items, minimum, maximum, minLength, maxLength (in
 *   characters), minItems, maxItems, anyOf, oneOf, $defs, $ref to "#/$defs/…",
 *   true and false; title, description, default, examples, $comment and
 *   $schema say nothing.
 * Nothing is ever fetched.
 */
#ifndef SCHEDKIT_DOC_JSON_SCHEMA_H
#define SCHEDKIT_DOC_JSON_SCHEMA_H

#include "doc/json.h"

/*
 * To be called once for a schema before it is used.  -ENOTSUP: a keyword that
 * is not in the list above; -EINVAL: one that says what it cannot; both name
 * the place ("$.properties.form: ...").
 */
int json_schema_load(const struct json *schema);

/*
 * -EINVAL: v is not what the schema says; the message names the first place
 * ("$.policies.0.params: lacks 'slice_us'").  -E2BIG: it would take too long
 * to find out, or the schema refers to itself without end.
 */
int json_schema_check(const struct json *schema, const struct json *v);

#endif
