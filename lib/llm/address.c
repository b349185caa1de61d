/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/utf8.h"
#include "llm/llm.h"
#include "llm/url.h"

/* Bytes; behind it there may be a number. */
#define MAX_NAME 100

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

/* ---- options ---------------------------------------------------------- */

static int read_resume(const char *value, struct address *out)
{
	for (int i = LLM_RESUME_NONE; i <= LLM_RESUME_SLOT; i++)
		if (!strcmp(value, llm_resume_names[i])) {
			out->resume = i;
			return 0;
		}
	return -EINVAL;
}

static int read_count(const char *value, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno || *out < 1)
		return -EINVAL;
	return 0;
}

static int read_word(const char *value, char **out)
{
	if (!*value)
		return -EINVAL;
	free(*out);
	*out = mem_strdup(value);
	return 0;
}

/* It stands in lists, accounts and messages, and the runtime's are no longer.
 */
static int read_name(const char *value, char **out)
{
	size_t n = strlen(value);

	if (n > MAX_NAME || !utf8_valid(value, n))
		return -EINVAL;
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return -EINVAL;
	return read_word(value, out);
}

/* "slots=4": one option. */
static int read_option(const char *text, struct address *out)
{
	const struct {
		const char *name;
		long *count;
	} counts[] = {
		{"slots", &out->slots},
		{"rpm", &out->requests_min},
		{"itpm", &out->tokens_in_min},
		{"otpm", &out->tokens_out_min},
	};
	size_t n = strcspn(text, "=");
	const char *value = text[n] ? text + n + 1 : "";
	int rc = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (strlen(counts[i].name) == n &&
		    !strncmp(text, counts[i].name, n))
			rc = read_count(value, counts[i].count);
	if (!strncmp(text, "resume=", 7))
		rc = read_resume(value, out);
	else if (!strncmp(text, "key=", 4))
		rc = read_word(value, &out->key);
	else if (!strncmp(text, "name=", 5))
		rc = read_name(value, &out->name);
	if (rc == -ENOENT)
		return err_set(EINVAL,
			       "SCHED_LLM: '%s' is no option of an endpoint: "
			       "they are slots=N, key=VARIABLE, rpm=N, itpm=N, "
			       "otpm=N, name=NAME and "
			       "resume=slot|continue|turn|none",
			       text);
	return rc ? err_set(EINVAL, "SCHED_LLM: '%s' has no such value", text)
		  : 0;
}

/* Takes the options off the end of text. */
static int read_options(char *text, struct address *out)
{
	char *at = strchr(text, ';'), *next;
	int rc = 0;

	for (; at && !rc; at = next) {
		*at++ = '\0';
		next = strchr(at, ';');
		if (next) {
			char *one = mem_strndup(at, (size_t)(next - at));

			rc = read_option(one, out);
			free(one);
		} else {
			rc = read_option(at, out);
		}
	}
	return rc;
}

/* ---- one address ------------------------------------------------------ */

static int read_plain(int kind, const char *text, struct address *out);

/* [URL][#MODEL][;OPTION…] of a kind, -1: what the host says. */
static int read_url(int kind, const char *text, struct address *out)
{
	char *plain = mem_strdup(text);
	int rc = read_options(plain, out);

	if (!rc)
		rc = read_plain(kind, plain, out);
	free(plain);
	return rc;
}

static int read_plain(int kind, const char *text, struct address *out)
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

/* Of a kind, where SCHED_LLM says. */
static int read_of_kind(int kind, const char *given, struct address *out)
{
	const char *rest;
	int other = kind_of(given, &rest);

	if (other >= 0 && other != kind)
		return err_set(EINVAL,
			       "SCHED_LLM names '%s', not '%s': unset it, or "
			       "give the backend with its URL",
			       address_kind_names[other],
			       address_kind_names[kind]);
	return read_url(kind, rest, out);
}

/* ---- several ---------------------------------------------------------- */

/* Where the address at text ends.  A program and a file have all that
 * follows, as there may be spaces in them. */
static size_t one_of(const char *text)
{
	const char *rest;
	int kind = kind_of(text, &rest);

	if (kind == ADDRESS_COMMAND || kind == ADDRESS_REPLAY)
		return strlen(text);
	return strcspn(text, " \t\r\n");
}

/* kind: of all of them; -1: each says. */
static int read_list(int kind, const char *text, struct addresses *out)
{
	int rc = 0;

	text += strspn(text, " \t\r\n");
	while (!rc && *text) {
		size_t n = one_of(text);
		char *one = mem_strndup(text, n);

		out->v = mem_realloc(out->v, out->n + 1, sizeof(*out->v));
		out->v[out->n] = (struct address){.resume = -1};
		rc = kind < 0 ? read_text(one, &out->v[out->n])
			      : read_of_kind(kind, one, &out->v[out->n]);
		out->n++;
		free(one);
		text += n;
		text += strspn(text, " \t\r\n");
	}
	return rc;
}

static int read_any(const char *backend, struct addresses *out)
{
	const char *given = env("SCHED_LLM"), *rest;
	int kind;

	if (!backend && !given)
		return err_set(EINVAL, "no model is named: " WAY_OUT);
	if (!backend)
		return read_list(-1, given, out);
	kind = kind_of(backend, &rest);
	/* "openai" alone: the vendor's host, unless SCHED_LLM says another. */
	if ((kind == ADDRESS_OPENAI || kind == ADDRESS_ANTHROPIC) && !*rest)
		return read_list(given ? kind : -1, given ? given : backend,
				 out);
	return read_list(-1, backend, out);
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

/* By the host, or by what it is, and a number where that is taken. */
static void choose_name(struct addresses *l, size_t i)
{
	struct address *a = &l->v[i];
	const char *base = a->host ? a->host : address_kind_names[a->kind];
	bool taken = true;

	if (!a->name)
		a->name = mem_strndup(base, MAX_NAME);
	for (int n = 2; taken; n++) {
		taken = false;
		for (size_t k = 0; k < i; k++)
			taken = taken || !strcmp(l->v[k].name, a->name);
		if (taken) {
			free(a->name);
			a->name = mem_printf("%.*s/%d", MAX_NAME, base, n);
		}
	}
}

int addresses_read(const char *backend, const char *model,
		   struct addresses *out)
{
	int rc;

	*out = (struct addresses){0};
	secret_names_in(backend ? backend : env("SCHED_LLM"));
	secret_names_in(env("SCHED_LLM"));
	rc = read_any(backend, out);
	if (!rc && !out->n)
		rc = err_set(EINVAL, "no model is named: " WAY_OUT);
	for (size_t i = 0; !rc && i < out->n; i++) {
		choose_model(model, &out->v[i]);
		choose_name(out, i);
	}
	if (rc)
		addresses_release(out);
	return rc;
}

void addresses_release(struct addresses *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].where);
		free(l->v[i].host);
		free(l->v[i].model);
		free(l->v[i].name);
		free(l->v[i].key);
	}
	free(l->v);
	*l = (struct addresses){0};
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

/* The one that the address names. */
static int named_key(const struct address *a, const struct secret **out)
{
	int rc = key_of(a->key, out);

	if (!rc && !*out)
		rc = err_set(ENOKEY,
			     "'%s' wants the key of %s: set it, or %s_FILE to "
			     "a file that only you may read",
			     a->name, a->key, a->key);
	return rc;
}

int address_key(const struct address *a, bool alone, const struct secret **out)
{
	const struct vendor *v = vendor_at(a->host);
	const struct secret *general, *own = NULL, *other;
	int rc = key_of("SCHED_LLM_KEY", &general);

	*out = NULL;
	if (rc && a->host && alone)
		return rc;
	if (!alone)
		general = NULL;
	if (a->key)
		return named_key(a, out);
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
