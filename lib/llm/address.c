/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/url.h"

#define WAY_OUT                                                           \
	"set SCHED_LLM, e.g. to http://127.0.0.1:8080/v1#MODEL, openai, " \
	"anthropic, command:claude or replay:FILE"

const char *const address_kind_names[] = {
	[ADDRESS_OPENAI] = "openai",
	[ADDRESS_ANTHROPIC] = "anthropic",
	[ADDRESS_COMMAND] = "command",
	[ADDRESS_REPLAY] = "replay",
};

/* The vendors: keys of theirs go to these hosts and nowhere else. */
static const struct vendor {
	enum address_kind kind;
	const char *host, *url, *model, *key;
} vendors[] = {
	{ADDRESS_OPENAI, "api.openai.com", "https://api.openai.com/v1",
	 "gpt-6-sol", "OPENAI_API_KEY"},
	{ADDRESS_ANTHROPIC, "api.anthropic.com", "https://api.anthropic.com",
	 "claude-sonnet-5-5", "ANTHROPIC_API_KEY"},
};

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* "openai" of "openai", "openai:…", "openai#…"; -1: none. */
static int kind_of(const char *text, const char **rest)
{
	for (size_t i = 0; i < ARRAY_LEN(address_kind_names); i++) {
		size_t n = strlen(address_kind_names[i]);

		if (strncmp(text, address_kind_names[i], n) ||
		    (text[n] && !strchr(":#", text[n])))
			continue;
		*rest = text + n + (text[n] == ':');
		return (int)i;
	}
	*rest = text;
	return -1;
}

static const struct vendor *vendor_at(const char *host)
{
	for (size_t i = 0; host && i < ARRAY_LEN(vendors); i++)
		if (!strcmp(vendors[i].host, host))
			return &vendors[i];
	return NULL;
}

/* [URL][#MODEL] of a kind, -1: what the host says. */
static int read_url(int kind, const char *text, struct address *out)
{
	const char *hash = strchr(text, '#');
	const struct vendor *v;
	int rc;

	out->where = hash ? mem_strndup(text, (size_t)(hash - text))
			  : mem_strdup(text);
	if (hash && hash[1])
		out->model = mem_strdup(hash + 1);
	if (!*out->where && kind >= 0) {
		free(out->where);
		out->where = mem_strdup(vendors[kind].url);
	}
	rc = url_check(out->where, &out->host);
	if (rc)
		return rc;
	v = vendor_at(out->host);
	out->kind = kind >= 0 ? (enum address_kind)kind
		    : v	      ? v->kind
			      : ADDRESS_OPENAI;
	return 0;
}

static int read_text(const char *text, struct address *out)
{
	const char *rest;
	int kind = kind_of(text, &rest);

	if (kind < 0 && !strstr(text, "://"))
		return err_set(EINVAL, "'%s' is no backend: " WAY_OUT, text);
	if (kind != ADDRESS_COMMAND && kind != ADDRESS_REPLAY)
		return read_url(kind, rest, out);
	if (!*rest || rest == text)
		return err_set(EINVAL, "'%s' lacks what to %s: " WAY_OUT, text,
			       kind == ADDRESS_COMMAND ? "run" : "replay");
	out->kind = (enum address_kind)kind;
	out->where = mem_strdup(rest);
	return 0;
}

/* "openai" alone: where SCHED_LLM says, the vendor's host without it. */
static int read_word(int kind, const char *given, struct address *out)
{
	const char *rest;
	int other;

	if (!given)
		return read_url(kind, "", out);
	other = kind_of(given, &rest);
	if (other >= 0 && other != kind)
		return err_set(EINVAL,
			       "SCHED_LLM names '%s', not '%s': unset it, or "
			       "give the backend with its URL",
			       address_kind_names[other],
			       address_kind_names[kind]);
	return read_url(kind, rest, out);
}

static int read_any(const char *backend, struct address *out)
{
	const char *given = env("SCHED_LLM"), *rest;
	int kind;

	if (!backend && !given)
		return err_set(EINVAL, "no model is named: " WAY_OUT);
	if (!backend)
		return read_text(given, out);
	kind = kind_of(backend, &rest);
	if ((kind == ADDRESS_OPENAI || kind == ADDRESS_ANTHROPIC) && !*rest)
		return read_word(kind, given, out);
	return read_text(backend, out);
}

/* NULL in the end: an endpoint is asked for the one that it has. */
static void choose_model(const char *model, struct address *a)
{
	const struct vendor *v = vendor_at(a->host);

	if (!model)
		model = a->model ? a->model : env("SCHED_LLM_MODEL");
	if (!model && v)
		model = v->model;
	if (model && model != a->model) {
		free(a->model);
		a->model = mem_strdup(model);
	}
}

int address_read(const char *backend, const char *model, struct address *out)
{
	int rc;

	*out = (struct address){0};
	rc = read_any(backend, out);
	if (!rc)
		choose_model(model, out);
	else
		address_release(out);
	return rc;
}

void address_release(struct address *a)
{
	free(a->where);
	free(a->host);
	free(a->model);
	*a = (struct address){0};
}

/* ---- keys ------------------------------------------------------------- */

/* From the variable, else from the file that NAME_FILE names. */
static int key_of(const char *name, const struct secret **out)
{
	char *file_name = mem_printf("%s_FILE", name);
	const char *value = env(name), *path = env(file_name);
	int rc = 0;

	*out = NULL;
	if (value)
		rc = secret_learn(name, value, strlen(value), out);
	else if (path)
		rc = secret_learn_file(file_name, path, out);
	free(file_name);
	return rc;
}

int address_key(const struct address *a, const struct secret **out)
{
	const struct vendor *v = vendor_at(a->host);
	const struct secret *general, *own = NULL, *other;
	int rc = key_of("SCHED_LLM_KEY", &general);

	if (rc && a->host)
		return rc;
	if (v && !general) {
		rc = key_of(v->key, &own);
		if (rc)
			return rc;
	}
	/* The others are learnt to be cut out of texts; one that is no good
	 * is not used. */
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
		key_of(vendors[i].key, &other);
	*out = a->host ? (general ? general : own) : NULL;
	if (v && !*out)
		return err_set(ENOKEY,
			       "%s wants a key: set %s_FILE to a file that "
			       "only you may read, or %s, or SCHED_LLM_KEY",
			       v->host, v->key, v->key);
	return 0;
}
