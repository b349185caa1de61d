/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both dialects have in common when an answer is read. */
#include "llm/dialect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/secret.h"

#define MAX_CALLS 128
#define MAX_NAME  128
/* Few are longer. */
#define TOKEN_BYTES 16

/* ---- gathering -------------------------------------------------------- */

void gather_init(struct gather *g, size_t max_bytes)
{
	*g = (struct gather){0};
	buf_init(&g->text, max_bytes);
	buf_init(&g->refusal, max_bytes);
}

void gather_release(struct gather *g)
{
	for (size_t i = 0; i < g->call_count; i++) {
		free(g->calls[i].id);
		free(g->calls[i].name);
		buf_release(&g->calls[i].arguments);
	}
	free(g->calls);
	free(g->model);
	buf_release(&g->text);
	buf_release(&g->refusal);
	*g = (struct gather){0};
}

void gather_text(struct gather *g, const char *s)
{
	if (!s || !*s)
		return;
	/* Never too much: the bytes that came are counted before. */
	buf_puts(&g->text, s);
	g->pieces++;
	if (g->text.len <= g->repeats)
		g->repeated = g->pieces;
	if (g->limited && g->pieces - g->repeated <= g->most)
		g->at_most = g->text.len;
}

static void set_once(char **at, const char *s)
{
	if (!*at && s && *s)
		*at = mem_strdup(s);
}

static struct fragment *find_call(struct gather *g, long index, const char *id,
				  const char *name)
{
	for (size_t i = g->call_count; i-- > 0;) {
		struct fragment *f = &g->calls[i];

		if (f->index != index)
			continue;
		if (id && *id && name && *name && f->id && strcmp(f->id, id))
			return NULL;
		return f;
	}
	return NULL;
}

struct fragment *gather_call(struct gather *g, long index, const char *id,
			     const char *name)
{
	struct fragment *f = find_call(g, index, id, name);

	if (!f) {
		if (g->call_count == MAX_CALLS) {
			err_set(EBADMSG,
				"more than %d calls of tools in one answer",
				MAX_CALLS);
			return NULL;
		}
		g->calls = mem_realloc(g->calls, g->call_count + 1,
				       sizeof(*g->calls));
		f = &g->calls[g->call_count++];
		*f = (struct fragment){.index = index};
		buf_init(&f->arguments, g->text.max);
	}
	set_once(&f->id, id);
	set_once(&f->name, name);
	return f;
}

void gather_arguments(struct gather *g, struct fragment *f,
		      const struct json *v)
{
	char *text;

	if (json_type(v) == JSON_STRING) {
		buf_puts(&f->arguments, json_as_string(v, ""));
		g->pieces += *json_as_string(v, "") != '\0';
	} else if (json_type(v) == JSON_OBJECT) {
		text = json_canonical(v);
		buf_reset(&f->arguments);
		buf_puts(&f->arguments, text);
		free(text);
		g->pieces++;
	}
}

size_t gather_bytes(const struct gather *g)
{
	size_t n = g->text.len + g->refusal.len;

	for (size_t i = 0; i < g->call_count; i++)
		n += g->calls[i].arguments.len;
	return n;
}

static long likely_tokens(size_t bytes, long pieces)
{
	/* Pieces of several tokens, or of one: a token is short. */
	if (pieces > 0 && bytes / (size_t)pieces <= TOKEN_BYTES)
		return pieces;
	return tokens_guess(bytes);
}

long gather_tokens(const struct gather *g)
{
	long guess = likely_tokens(gather_bytes(g), g->pieces);

	if (g->complete && g->usage.out)
		return g->usage.out;
	return g->usage.out > guess ? g->usage.out : guess;
}

long gather_fresh(const struct gather *g)
{
	size_t bytes = gather_bytes(g);

	return likely_tokens(bytes > g->repeats ? bytes - g->repeats : 0,
			     g->pieces - g->repeated);
}

void gather_model(struct gather *g, const char *model)
{
	char name[MAX_NAME];

	if (!model || g->model)
		return;
	/* It goes into accounts and onto terminals. */
	plain_line(name, sizeof(name), model);
	set_once(&g->model, name);
}

long token_count(const struct json *v, long dflt)
{
	double x = json_as_number(v, -1);

	return x >= 0 && x < 1e12 ? (long)x : dflt;
}

/* ---- errors ----------------------------------------------------------- */

void plain_line(char *out, size_t size, const char *s)
{
	/* Before it is cut: a piece of a key is not known for one. */
	char *clean = secret_scrub(s);
	size_t n = strnlen(clean, size - 1);

	/* Not within a character. */
	if (clean[n])
		while (n && ((unsigned char)clean[n] & 0xc0) == 0x80)
			n--;
	memcpy(out, clean, n);
	out[n] = '\0';
	free(clean);
	for (char *c = out; *c; c++) {
		unsigned char next = (unsigned char)c[1];

		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
		/* U+0080 to U+009F, which terminals obey as well. */
		else if (*c == '\xc2' && next >= 0x80 && next < 0xa0)
			c[0] = c[1] = ' ';
	}
}

static void copy_string(char *out, size_t size, const struct json *v)
{
	if (json_type(v) == JSON_STRING)
		plain_line(out, size, json_as_string(v, ""));
}

/* {"error":{…}}, {"error":"…"}, {"object":"error",…}, {"detail":…} */
void api_error_read(const struct json *v, struct api_error *e)
{
	const struct json *in = json_get(v, "error"), *code;
	char *text;

	*e = (struct api_error){0};
	if (json_type(in) == JSON_STRING) {
		e->set = true;
		copy_string(e->message, sizeof(e->message), in);
		return;
	}
	if (json_len(v) == 1 && json_get(v, "detail")) {
		e->set = true;
		text = json_canonical(json_get(v, "detail"));
		plain_line(e->message, sizeof(e->message), text);
		free(text);
		return;
	}
	if (json_type(in) != JSON_OBJECT) {
		if (strcmp(json_as_string(json_get(v, "object"), ""), "error"))
			return;
		in = v;
	}
	e->set = true;
	code = json_get(in, "code");
	e->code = token_count(code, 0);
	copy_string(e->kind, sizeof(e->kind), code);
	copy_string(e->type, sizeof(e->type), json_get(in, "type"));
	copy_string(e->message, sizeof(e->message), json_get(in, "message"));
}

/* ---- bodies and events ------------------------------------------------ */

int dialect_answer(const struct dialect *d, struct gather *g, const char *body,
		   size_t len)
{
	struct json *v = json_parse(body, len);
	int rc;

	if (!v)
		return err_prefix(-EBADMSG, "the answer is not JSON");
	api_error_read(v, &g->error);
	rc = g->error.set ? 0 : d->answer(g, v);
	json_free(v);
	return rc;
}

int dialect_event(const struct dialect *d, struct gather *g,
		  const struct sse_event *e)
{
	struct json *v;
	int rc;

	if (g->complete || g->error.set)
		return 0;
	if (d->end && e->len == strlen(d->end) &&
	    !memcmp(e->data, d->end, e->len)) {
		g->complete = true;
		return 0;
	}
	/* A keep-alive in the form of an event. */
	if (!e->len)
		return 0;
	v = json_parse(e->data, e->len);
	if (!v) {
		/* Half an event at the end: the stream is cut, not bad. */
		if (e->cut)
			return 0;
		return err_prefix(-EBADMSG, "an event of the answer is not "
					    "JSON");
	}
	api_error_read(v, &g->error);
	rc = g->error.set ? 0 : d->event(g, v);
	json_free(v);
	return rc;
}

/* ---- the neutral form ------------------------------------------------- */

static bool offered(const struct llm_request *r, const char *name)
{
	json_each (t, r->tools)
		if (!strcmp(json_as_string(json_get(t, "name"), ""), name))
			return true;
	return r->schema && !strcmp(name, ANSWER_TOOL);
}

/* {"name":…,"arguments":…} between the marks to g; false: it is none. */
static bool take_marked(struct gather *g, const struct llm_request *r,
			const char *s, size_t n)
{
	struct json *v = json_parse(s, n);
	const char *name = json_as_string(json_get(v, "name"), "");
	bool ok = offered(r, name);
	struct fragment *f =
		ok ? gather_call(g, (long)g->call_count, NULL, name) : NULL;

	if (f)
		gather_arguments(g, f, json_get(v, "arguments"));
	json_free(v);
	return f;
}

/* Models whose server does not read their calls write them into the text. */
static void find_marked(struct gather *g, const struct llm_request *r)
{
	static const char open[] = "<tool_call>", close[] = "</tool_call>";
	char *text = g->text.data, *from = text, *at, *end;

	while (text && (at = strstr(from, open))) {
		const char *inside = at + strlen(open);

		end = strstr(inside, close);
		if (!end)
			return;
		if (!take_marked(g, r, inside, (size_t)(end - inside))) {
			from = end;
			continue;
		}
		end += strlen(close);
		memmove(at, end, strlen(end) + 1);
		g->text.len = strlen(text);
		from = at;
	}
}

/* *out: the arguments as an object. */
static int parse_arguments(const struct fragment *f, struct json **out)
{
	const char *s = f->arguments.len ? f->arguments.data : "{}";

	*out = json_parse(s, strlen(s));
	if (!*out)
		return err_prefix(-EBADMSG,
				  "the arguments of a call of '%.64s'",
				  f->name);
	if (json_type(*out) == JSON_OBJECT)
		return 0;
	json_free(*out);
	return err_set(EBADMSG,
		       "the arguments of a call of '%.64s' are no object",
		       f->name);
}

/* The call in the neutral form, at the end of calls. */
static int add_call(const struct fragment *f, struct json *calls)
{
	struct json *arguments, *call;
	char *made = NULL;
	int rc;

	if (!f->name)
		return err_set(EBADMSG, "a call of a tool without a name");
	rc = parse_arguments(f, &arguments);
	if (rc)
		return rc;
	if (!f->id)
		made = mem_printf("call_%zu", json_len(calls));
	call = json_add(calls, json_object());
	json_set_string(call, "id", f->id ? f->id : made);
	json_set_string(call, "name", f->name);
	json_set(call, "arguments", arguments);
	free(made);
	return 0;
}

/* The arguments of ANSWER_TOOL are the answer; the rest are calls. */
static int finish_calls(struct gather *g, const struct llm_request *r,
			struct json *calls)
{
	for (size_t i = 0; i < g->call_count; i++) {
		struct fragment *f = &g->calls[i];
		int rc;

		if (r->schema && f->name && !strcmp(f->name, ANSWER_TOOL)) {
			buf_reset(&g->text);
			buf_puts(&g->text,
				 f->arguments.len ? f->arguments.data : "{}");
			continue;
		}
		rc = add_call(f, calls);
		/* The limit on tokens fell within it. */
		if (rc && g->finish == LLM_LENGTH && i + 1 == g->call_count)
			break;
		if (rc)
			return rc;
	}
	return 0;
}

int gather_finish(struct gather *g, const struct llm_request *r,
		  struct llm_answer *out)
{
	struct json *calls;
	int rc;

	if (!g->complete)
		return err_set(EBADMSG, "the answer broke off before its end");
	if (!g->call_count && (json_len(r->tools) || r->schema))
		find_marked(g, r);
	calls = json_array();
	rc = finish_calls(g, r, calls);
	if (rc) {
		json_free(calls);
		return rc;
	}
	if (g->refusal.len) {
		g->finish = LLM_REFUSED;
		if (!g->text.len)
			buf_puts(&g->text, g->refusal.data);
	}
	if (json_len(calls) && g->finish == LLM_STOP)
		g->finish = LLM_CALLS;
	else if (!json_len(calls) && g->finish == LLM_CALLS)
		g->finish = LLM_STOP;
	out->text = buf_take(&g->text);
	out->calls = calls;
	out->finish = g->finish;
	out->model = g->model;
	g->model = NULL;
	return 0;
}
