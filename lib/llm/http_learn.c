/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is learnt of an endpoint from what it refuses and what it lists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/http.h"

/* Names in a message. */
#define SHOWN_MODELS 8

static bool mentions(const struct transfer *t, const char *word)
{
	return t->body.len && strcasestr(t->body.data, word);
}

/* That a name is not known, rather than that its value is not taken. */
static bool unknown_name(const struct transfer *t)
{
	static const char *const words[] = {
		"unsupported", "not support", "unrecognized",
		"unknown",     "unexpected",  "not permit",
		"not allowed", "forbidden",   "instead",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (mentions(t, words[i]))
			return true;
	return false;
}

/* How it goes on is not how this endpoint can: in the next worse way. */
static bool lower(struct exchange *x, const struct transfer *t)
{
	if (x->means == LLM_RESUME_NONE ||
	    (t->status == 500 && !mentions(t, "assistant")))
		return false;
	x->means--;
	x->lowered = true;
	if (x->means == LLM_RESUME_NONE)
		x->a.from->restarts++;
	return true;
}

/* Whether the refusal is one of an option that this endpoint does not know;
 * from now on it is asked without. */
int http_learn(struct exchange *x, const struct transfer *t)
{
	struct dialect_opts *known = &x->p->known;
	const struct dialect_opts *sent = &x->sent;

	if (t->status != 400 && t->status != 422)
		return (t->status == 500 || t->status == 501) && lower(x, t);
	if (sent->stream && !sent->no_stream_options &&
	    (mentions(t, "stream_options") || mentions(t, "include_usage"))) {
		known->no_stream_options = true;
		return 1;
	}
	/* Once in a call: what refuses both names wants another value. */
	if (x->renamed ||
	    !mentions(t, sent->completion_tokens ? "max_completion_tokens"
						 : "max_tokens") ||
	    !unknown_name(t))
		return lower(x, t);
	known->completion_tokens = !sent->completion_tokens;
	x->renamed = true;
	return 1;
}

/* The endpoint does not know this shape. */
static bool shape_refused(const struct exchange *x, const struct transfer *t)
{
	static const char *const words[SHAPE_COUNT][8] = {
		[SHAPE_STRICT] = {"response_format", "schema", "output_config",
				  "output_format", "structured output",
				  "grammar"},
		[SHAPE_CALL] = {"tool", "function call"},
		[SHAPE_JSON] = {"response_format", "json_object", "json mode",
				"grammar"},
	};

	if (x->state != HTTP_ASK || !x->a.r->schema)
		return false;
	if (t->status != 400 && t->status != 422 && t->status != 500 &&
	    t->status != 501)
		return false;
	for (const char *const *w = words[x->a.shape]; *w; w++)
		if (mentions(t, *w))
			return true;
	return false;
}

bool http_is_refusal(const struct transfer *t)
{
	return t->status && t->status != 200 && t->error != -EINTR;
}

int http_refused(struct exchange *x, const struct transfer *t,
		 struct failure *f)
{
	struct api_error e;
	const char *body = t->body.len ? t->body.data : "";
	struct json *v = json_parse(body, t->body.len);

	api_error_read(v, &e);
	if (!e.set)
		plain_line(e.message, sizeof(e.message), body);
	json_free(v);
	failure_of_status(t->status, &e, &t->headers, f);
	if (shape_refused(x, t)) {
		f->error = -EOPNOTSUPP;
		f->again = false;
	}
	return f->error;
}

/* ---- the list of models ----------------------------------------------- */

void http_set_name(struct http_provider *p)
{
	free(p->base.name);
	p->base.name =
		mem_printf("%s%s%s at %s", p->d->name, p->base.model ? " " : "",
			   p->base.model ? p->base.model : "", p->host);
	p->known.model = p->base.model;
}

/* The one model there is to p. */
static int choose_model(struct http_provider *p, const struct json *list)
{
	const struct json *data = json_get(list, "data");
	size_t n = json_len(data);
	const char *id;
	struct buf names;
	char name[64];

	id = json_as_string(json_get(json_at(data, 0), "id"), NULL);
	if (n == 1 && id) {
		p->base.model = mem_strdup(id);
		return 0;
	}
	if (!n)
		return err_set(EINVAL,
			       "it lists no models; name one: URL#MODEL");
	buf_init(&names, SHOWN_MODELS * (sizeof(name) + 2));
	for (size_t i = 0; i < n && i < SHOWN_MODELS; i++) {
		id = json_as_string(json_get(json_at(data, i), "id"), "?");
		plain_line(name, sizeof(name), id);
		buf_printf(&names, "%s%s", i ? ", " : "", name);
	}
	err_set(EINVAL, "it has %zu models; name one, as in URL#MODEL: %s%s", n,
		names.data, n > SHOWN_MODELS ? ", …" : "");
	buf_release(&names);
	return -EINVAL;
}

int http_list_done(struct exchange *x, const struct transfer *t,
		   struct failure *f)
{
	struct http_provider *p = x->p;
	struct json *list;
	int rc;

	if (t->status == 404 || t->status == 405 || t->status == 501) {
		/* No list is kept there: most such servers have one model and
		 * take any name for it. */
		p->base.model = mem_strdup("default");
		return 0;
	}
	if (http_is_refusal(t))
		return http_refused(x, t, f);
	if (t->error) {
		failure_of_transfer(t, f);
		return f->error;
	}
	list = json_parse(t->body.len ? t->body.data : "", t->body.len);
	rc = list ? choose_model(p, list)
		  : err_prefix(-EBADMSG, "the list of models");
	if (rc)
		failure_set(f, rc, false);
	json_free(list);
	return rc;
}
