/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The provider behind both dialects. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "llm/dialect.h"
#include "llm/reader.h"
#include "llm/retry.h"
#include "llm/transfer.h"
#include "llm/url.h"

/* Names in a message. */
#define SHOWN_MODELS 8

struct http_provider {
	struct provider base;
	const struct dialect *d;
	struct dialect_opts known; /* of the endpoint */
	char *url, *models_url;
	char *host;
	char *key;
	struct llm_limits limits;
	const volatile sig_atomic_t *cancel;
	struct transfer_loop *loop;
};

/* One call, or one look at the list of models. */
struct call {
	struct http_provider *p;
	const struct llm_request *r; /* NULL: the list */
	enum llm_shape shape;
	struct retry retry;
	struct llm_answer *out;
	struct strs headers;
	bool renamed; /* the limit on tokens */
	size_t said;  /* bytes, in this attempt */
};

static int on_data(void *arg, const struct transfer *t, const char *s, size_t n)
{
	const char *coding = header_get(&t->headers, "Content-Encoding");

	/* Not asked for: a few bytes could become any number. */
	if (coding && *coding && strcasecmp(coding, "identity"))
		return err_set(EBADMSG,
			       "the answer is compressed (%.20s), "
			       "which was not asked for",
			       coding);
	return reader_feed(arg, header_get(&t->headers, "Content-Type"), s, n);
}

/* ---- what it means ---------------------------------------------------- */

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

/* Whether the refusal is one of an option that this endpoint does not know;
 * from now on it is asked without. */
static bool learn(struct call *c, const struct transfer *t,
		  const struct dialect_opts *sent)
{
	struct dialect_opts *known = &c->p->known;

	if (t->status != 400 && t->status != 422)
		return false;
	if (sent->stream && !sent->no_stream_options &&
	    (mentions(t, "stream_options") || mentions(t, "include_usage"))) {
		known->no_stream_options = true;
		return true;
	}
	/* Once in a call: what refuses both names wants another value. */
	if (c->renamed ||
	    !mentions(t, sent->completion_tokens ? "max_completion_tokens"
						 : "max_tokens") ||
	    !unknown_name(t))
		return false;
	known->completion_tokens = !sent->completion_tokens;
	c->renamed = true;
	return true;
}

static bool shape_refused(const struct call *c, const struct transfer *t)
{
	static const char *const words[SHAPE_COUNT][8] = {
		[SHAPE_STRICT] = {"response_format", "schema", "output_config",
				  "output_format", "structured output",
				  "grammar"},
		[SHAPE_CALL] = {"tool", "function call"},
		[SHAPE_JSON] = {"response_format", "json_object", "json mode",
				"grammar"},
	};

	if (!c->r || !c->r->schema)
		return false;
	if (t->status != 400 && t->status != 422 && t->status != 500 &&
	    t->status != 501)
		return false;
	for (const char *const *w = words[c->shape]; *w; w++)
		if (mentions(t, *w))
			return true;
	return false;
}

/* A status other than 200.  Returns the error in *f. */
static int refused(struct call *c, struct transfer *t, struct failure *f)
{
	struct api_error e;
	const char *body = t->body.len ? t->body.data : "";
	struct json *v = json_parse(body, t->body.len);

	api_error_read(v, &e);
	if (!e.set)
		plain_line(e.message, sizeof(e.message), body);
	json_free(v);
	failure_of_status(t->status, &e, &t->headers, f);
	if (shape_refused(c, t)) {
		f->error = -EOPNOTSUPP;
		f->again = false;
	}
	return f->error;
}

/* The answer is in: 0, or why it is none. */
static int read_answer(struct call *c, struct reader *r,
		       const struct transfer *t, struct failure *f)
{
	struct gather *g = &r->g;
	int rc = t->error || g->complete ? 0 : reader_end(r);

	c->said = gather_bytes(g);
	if (g->error.set) {
		failure_of_error(&g->error, &t->headers, f);
		return f->error;
	}
	if (t->error && !g->complete) {
		failure_of_transfer(t, f);
		return f->error;
	}
	if (!rc && !g->complete) {
		rc = err_set(EBADMSG, "the answer %s",
			     r->form == READER_UNKNOWN
				     ? "is empty"
				     : "broke off before its end");
		failure_set(f, rc, true);
		return rc;
	}
	if (!rc)
		rc = gather_finish(g, c->r, c->out);
	if (rc)
		failure_set(f, rc, false);
	return rc;
}

/* ---- one attempt ------------------------------------------------------ */

/* Sends text, or NULL for the list of models; what comes goes to r, or
 * without one to the transfer. */
static int exchange(struct call *c, const char *text, struct reader *r,
		    struct transfer **t)
{
	struct http_provider *p = c->p;
	struct transfer_request q = {
		.url = text ? p->url : p->models_url,
		.headers = (const char *const *)c->headers.v,
		.body = text,
		/* What went wrong may be left over in the old one. */
		.fresh = c->out->attempts > 1,
		.limits = p->limits,
		.cancel = p->cancel,
		.data = r ? on_data : NULL,
		.arg = r,
	};
	double left = retry_left(&c->retry);

	q.limits.total_s = left > 0.001 ? left : 0.001;
	return transfer_run(p->loop, &q, t);
}

/* An error of which the body came only in part is that error all the same. */
static bool is_refusal(const struct transfer *t)
{
	return t->status && t->status != 200 && t->error != -EINTR;
}

/* An endpoint that does not tell what it used, or broke off before it did, has
 * used something all the same. */
static void add_usage(struct call *c, const struct gather *g, size_t asked)
{
	struct llm_usage u = g->usage;
	long least = tokens_guess(c->said);
	bool told = u.in || u.out;

	if (c->said || g->complete) {
		if (!told)
			u.in = tokens_guess(asked);
		if (!told || (!g->complete && u.out < least)) {
			u.out = least;
			c->out->estimated = true;
		}
	}
	c->out->usage.in += u.in;
	c->out->usage.cached += u.cached;
	c->out->usage.out += u.out;
}

/* 0, 1 (again at once, in another way), or an error with *f. */
static int send_request(struct call *c, const char *text,
			const struct dialect_opts *sent, struct failure *f)
{
	struct http_provider *p = c->p;
	struct transfer *t = NULL;
	struct reader r;
	int rc;

	reader_init(&r, p->d, sent->stream, p->limits.max_bytes);
	c->out->attempts++;
	c->said = 0;
	rc = exchange(c, text, &r, &t);
	if (rc) {
		failure_set(f, rc, false);
	} else if (is_refusal(t)) {
		rc = learn(c, t, sent);
		if (!rc)
			rc = refused(c, t, f);
	} else {
		rc = read_answer(c, &r, t, f);
	}
	add_usage(c, &r.g, strlen(text));
	transfer_free(t);
	reader_release(&r);
	return rc;
}

static int ask_once(struct call *c, struct failure *f)
{
	struct dialect_opts sent = c->p->known;
	struct json *body = c->p->d->request(c->r, c->shape, &sent);
	char *text;
	int rc;

	if (!body) {
		rc = err_set(EOPNOTSUPP, "it has no such form of answer");
		failure_set(f, rc, false);
		return rc;
	}
	text = json_ordered(body);
	json_free(body);
	rc = send_request(c, text, &sent, f);
	free(text);
	return rc;
}

/* ---- the list of models ----------------------------------------------- */

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

static int list_once(struct call *c, struct failure *f)
{
	struct http_provider *p = c->p;
	struct transfer *t = NULL;
	struct json *list = NULL;
	int rc = exchange(c, NULL, NULL, &t);

	if (rc) {
		failure_set(f, rc, false);
	} else if (t->status == 404 || t->status == 405 || t->status == 501) {
		/* No list is kept there: most such servers have one model and
		 * take any name for it. */
		p->base.model = mem_strdup("default");
	} else if (is_refusal(t)) {
		rc = refused(c, t, f);
	} else if (t->error) {
		failure_of_transfer(t, f);
		rc = f->error;
	} else {
		list = json_parse(t->body.len ? t->body.data : "", t->body.len);
		rc = list ? choose_model(p, list)
			  : err_prefix(-EBADMSG, "the list of models");
		if (rc)
			failure_set(f, rc, false);
	}
	json_free(list);
	transfer_free(t);
	return rc;
}

/* ---- a call ----------------------------------------------------------- */

static void set_name(struct http_provider *p)
{
	free(p->base.name);
	p->base.name =
		mem_printf("%s%s%s at %s", p->d->name, p->base.model ? " " : "",
			   p->base.model ? p->base.model : "", p->host);
	p->known.model = p->base.model;
}

static uint64_t random_bits(void)
{
	uint64_t x = 0;

	/* Of 8 bytes none are ever missing. */
	if (getrandom(&x, sizeof(x), 0) != (ssize_t)sizeof(x))
		abort();
	return x;
}

static void set_headers(struct call *c)
{
	strs_add(&c->headers, "Content-Type: application/json");
	/* The same over all attempts, so that none is billed twice. */
	strs_printf(&c->headers, "Idempotency-Key: schedkit-%016lx%016lx",
		    random_bits(), random_bits());
	c->p->d->headers(c->p->key, &c->headers);
}

static void release_headers(struct call *c)
{
	for (size_t i = 0; i < c->headers.len; i++)
		explicit_bzero(c->headers.v[i], strlen(c->headers.v[i]));
	strs_release(&c->headers);
}

/* Until it works or the budget of the call is used up. */
static int persist(struct call *c, int (*once)(struct call *, struct failure *))
{
	struct failure f;
	double wait;
	int rc;

	for (;;) {
		rc = once(c, &f);
		if (rc > 0)
			continue;
		if (rc)
			rc = retry_next(&c->retry, &f, &wait);
		else
			return 0;
		if (!rc)
			rc = transfer_pause(c->p->loop, wait, c->p->cancel);
		if (rc)
			return rc;
	}
}

static int http_call(struct provider *base, const struct llm_request *r,
		     enum llm_shape shape, struct llm_answer *out)
{
	struct http_provider *p = (struct http_provider *)base;
	struct call c = {.p = p, .shape = shape, .out = out};
	int rc = 0;

	*out = (struct llm_answer){.cost_usd = -1};
	retry_init(&c.retry, &p->limits, random_bits());
	set_headers(&c);
	if (!base->model) {
		rc = persist(&c, list_once);
		c.retry.attempts = 0;
		if (!rc)
			set_name(p);
	}
	c.r = r;
	if (!rc)
		rc = persist(&c, ask_once);
	out->seconds = clock_monotonic() - c.retry.started;
	release_headers(&c);
	return rc ? err_prefix(rc, "%s", p->base.name) : 0;
}

/* ---- the provider ----------------------------------------------------- */

static void http_free(struct provider *base)
{
	struct http_provider *p = (struct http_provider *)base;

	transfer_loop_free(p->loop);
	if (p->key)
		explicit_bzero(p->key, strlen(p->key));
	free(p->key);
	free(p->url);
	free(p->models_url);
	free(p->host);
	free(base->name);
	free(base->model);
	free(p);
}

static const struct provider_ops http_ops = {
	.call = http_call,
	.free = http_free,
};

/* A line break would begin another header. */
static int check_key(const char *key)
{
	for (; key && *key; key++)
		if ((unsigned char)*key <= 0x20 || *key == 0x7f)
			return err_set(EINVAL, "the key holds a space or a "
					       "control character");
	return 0;
}

static bool ends_in_v1(const char *url)
{
	size_t n = strcspn(url, "?#");

	while (n && url[n - 1] == '/')
		n--;
	return n >= 3 && !strncmp(url + n - 3, "/v1", 3);
}

int http_provider_new(bool anthropic, const char *url, const char *key,
		      const struct llm_opts *o, struct provider **out)
{
	struct http_provider *p = mem_zalloc(1, sizeof(*p));
	size_t skip;
	int rc;

	*out = NULL;
	p->base.ops = &http_ops;
	p->d = anthropic ? &dialect_anthropic : &dialect_openai;
	rc = check_key(key);
	if (!rc)
		rc = url_check(url, &p->host);
	if (!rc)
		rc = transfer_loop_new(&p->loop);
	if (rc) {
		http_free(&p->base);
		return rc;
	}
	skip = p->d->version_in_path && ends_in_v1(url) ? strlen("/v1") : 0;
	p->url = url_join(url, p->d->path + skip);
	p->models_url = url_join(url, p->d->models + skip);
	p->key = key && *key ? mem_strdup(key) : NULL;
	p->limits = o->limits;
	limits_fill(&p->limits);
	p->cancel = o->cancel;
	p->known.stream = o->stream;
	/* Its newer models know no other name; its older ones both. */
	p->known.completion_tokens =
		!anthropic && !strcmp(p->host, "api.openai.com");
	if (o->model)
		p->base.model = mem_strdup(o->model);
	set_name(p);
	*out = &p->base;
	return 0;
}
