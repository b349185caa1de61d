/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/record.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/strs.h"
#include "llm/secret.h"

struct recorder {
	int fd;
	struct strs systems; /* digests of those that stand in the file */
};

static const char *const finish_names[] = {
	[LLM_STOP] = "stop",
	[LLM_LENGTH] = "length",
	[LLM_CALLS] = "calls",
	[LLM_REFUSED] = "refused",
};

const char *finish_name(enum llm_finish f)
{
	return finish_names[f];
}

enum llm_finish finish_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(finish_names); i++)
		if (!strcmp(name, finish_names[i]))
			return (enum llm_finish)i;
	return LLM_STOP;
}

static void put_copy(struct json *to, const char *key, const struct json *v)
{
	if (v)
		json_set(to, key, json_copy(v));
}

/* All of a request but its system text. */
static struct json *request_json(const struct llm_request *r)
{
	struct json *v = json_object();

	json_set_string(v, "role", r->role ? r->role : "");
	put_copy(v, "messages", r->messages);
	put_copy(v, "tools", r->tools);
	put_copy(v, "schema", r->schema);
	return v;
}

void record_digest(const struct llm_request *r, char out[static DIGEST_HEX_LEN])
{
	struct json *v = request_json(r);
	char *text;

	json_set_string(v, "system", r->system ? r->system : "");
	text = json_canonical(v);
	digest_hex(text, strlen(text), out);
	free(text);
	json_free(v);
}

int recorder_open(const char *path, struct recorder **out)
{
	struct recorder *c;
	int fd = lines_open(path);

	if (fd < 0)
		return err_prefix(fd, "recording");
	c = mem_zalloc(1, sizeof(*c));
	c->fd = fd;
	*out = c;
	return 0;
}

void recorder_close(struct recorder *c)
{
	if (!c)
		return;
	close(c->fd);
	strs_release(&c->systems);
	free(c);
}

static bool seen(struct recorder *c, const char *digest)
{
	for (size_t i = 0; i < c->systems.len; i++)
		if (!strcmp(c->systems.v[i], digest))
			return true;
	strs_add(&c->systems, digest);
	return false;
}

static struct json *answer_json(const struct llm_answer *a)
{
	struct json *v = json_object();

	json_set_string(v, "text", a->text ? a->text : "");
	put_copy(v, "calls", a->calls);
	json_set_string(v, "finish", finish_name(a->finish));
	json_set_number(v, "seconds", a->seconds);
	json_set_number(v, "attempts", (double)a->attempts);
	json_set_string(v, "model", a->model ? a->model : "");
	if (a->estimated)
		json_set_bool(v, "estimated", true);
	return v;
}

static struct json *usage_json(const struct llm_usage *u)
{
	struct json *v = json_object();

	json_set_number(v, "in", (double)u->in);
	json_set_number(v, "cached", (double)u->cached);
	json_set_number(v, "out", (double)u->out);
	return v;
}

int recorder_add(struct recorder *c, const struct llm_request *r,
		 const struct llm_answer *a, int outcome)
{
	const char *system = r->system ? r->system : "";
	struct json *v = json_object(), *request = request_json(r);
	char digest[DIGEST_HEX_LEN], *text, *clean, *why;
	int rc;

	record_digest(r, digest);
	json_set_string(v, "digest", digest);
	digest_hex(system, strlen(system), digest);
	json_set_string(request, "system_sha256", digest);
	if (!seen(c, digest))
		json_set_string(request, "system", system);
	json_set_number(request, "max_tokens", (double)r->max_tokens);
	json_set(v, "request", request);
	json_set(v, "answer", answer_json(a));
	json_set(v, "usage", usage_json(&a->usage));
	json_set_string(v, "outcome", outcome ? err_name(-outcome) : "ok");
	if (outcome)
		json_set_string(v, "error", err_text());
	/* The message must survive: it is still to be reported. */
	why = mem_strdup(err_text());
	text = json_canonical(v);
	clean = secret_scrub(text);
	rc = lines_append(c->fd, clean, false);
	if (rc)
		err_prefix(rc, "recording");
	else
		err_set(0, "%s", why);
	free(why);
	free(clean);
	free(text);
	json_free(v);
	return rc;
}
