/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/doc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"
#include "crypt/digest.h"
#include "doc/schema.h"

static bool kind_valid(const char *kind)
{
	size_t n = strspn(kind, "abcdefghijklmnopqrstuvwxyz_");

	return n > 0 && kind[n] == '\0';
}

void doc_body_id(const struct json *body, char out[static DOC_ID_LEN])
{
	char *text = json_canonical(body);

	digest_hex(text, strlen(text), out);
	free(text);
}

int doc_check(const char *kind, const struct json *body)
{
	const struct rule *rows = schema_of(kind);

	if (json_type(body) != JSON_OBJECT)
		return err_set(EINVAL, "body: an object is needed, not %s",
			       json_type_name(json_type(body)));
	return rows ? schema_check(rows, body, "body") : 0;
}

static struct doc *doc_wrap(struct json *env)
{
	struct doc *d = mem_zalloc(1, sizeof(*d));

	d->env = env;
	d->kind = json_as_string(json_get(env, "kind"), "");
	d->id = json_as_string(json_get(env, "id"), "");
	d->body = json_get(env, "body");
	return d;
}

void doc_free(struct doc *d)
{
	if (!d)
		return;
	json_free(d->env);
	free(d);
}

struct doc *doc_copy(const struct doc *d)
{
	return doc_wrap(json_copy(d->env));
}

static int check_id(const struct json *env)
{
	const char *id = json_as_string(json_get(env, "id"), "");
	char is[DOC_ID_LEN];

	doc_body_id(json_get(env, "body"), is);
	if (!strcmp(id, is))
		return 0;
	return err_set(EINVAL, "id: %s is not the body's, which is %s", id, is);
}

/* The body before the id: its message says more about a changed body. */
static int check_document(const struct json *env)
{
	const char *kind;
	int rc = schema_check(schema_envelope, env, "");

	if (rc)
		return rc;
	if (json_as_number(json_get(env, "v"), 0) != 1)
		return err_set(EINVAL, "v: only version 1 is known");
	kind = json_as_string(json_get(env, "kind"), "");
	if (!kind_valid(kind))
		return err_set(EINVAL,
			       "kind: a word of a to z and _ is needed");
	rc = doc_check(kind, json_get(env, "body"));
	return rc ? rc : check_id(env);
}

int doc_parse(const char *line, size_t len, struct doc **out)
{
	struct json *env;
	int rc;

	*out = NULL;
	if (len > DOC_MAX_LINE)
		return err_set(EINVAL, "longer than %u bytes", DOC_MAX_LINE);
	env = json_parse(line, len);
	if (!env)
		return -EINVAL;
	rc = check_document(env);
	if (rc)
		json_free(env);
	else
		*out = doc_wrap(env);
	return rc;
}

/* What is written here can be read by the next one: limits included. */
static int check_written(const struct json *env)
{
	char *line = json_canonical(env);
	struct doc *d;
	int rc = doc_parse(line, strlen(line), &d);

	free(line);
	doc_free(d);
	return rc;
}

static struct json *parent_list(const char *const *parents, size_t n)
{
	struct json *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_string(parents[i]));
	return list;
}

struct doc *doc_new(const char *kind, const char *by, struct json *body,
		    const char *const *parents, size_t n)
{
	char id[DOC_ID_LEN], time[CLOCK_TEXT_LEN];
	struct json *env = json_object();
	char *tool = mem_printf("%s %s", by, SCHEDKIT_VERSION);

	doc_body_id(body, id);
	clock_text(clock_wall(), time);
	json_set_number(env, "v", 1);
	json_set_string(env, "kind", kind);
	json_set_string(env, "id", id);
	json_set(env, "parent", parent_list(parents, n));
	json_set_string(env, "by", tool);
	json_set_string(env, "time", time);
	json_set(env, "body", body);
	free(tool);
	if (!check_written(env))
		return doc_wrap(env);
	json_free(env);
	return NULL;
}

char *doc_line(const struct doc *d)
{
	return json_canonical(d->env);
}

size_t doc_parent_count(const struct doc *d)
{
	return json_len(json_get(d->env, "parent"));
}

const char *doc_parent(const struct doc *d, size_t i)
{
	return json_as_string(json_at(json_get(d->env, "parent"), i), NULL);
}

bool doc_has_parent(const struct doc *d, const char *id)
{
	json_each (p, json_get(d->env, "parent"))
		if (!strcmp(json_as_string(p, ""), id))
			return true;
	return false;
}
