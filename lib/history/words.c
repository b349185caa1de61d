/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "history/text.h"

#define NAME_MAX_CHARS	40
#define TITLE_MAX_CHARS 60
#define SHORT_ID	12

static const char *str(const struct json *v, const char *path)
{
	return json_as_string(json_path(v, path), "");
}

const char *words_policy(const struct doc *d)
{
	return json_as_string(json_get(d->body, "policy"), NULL);
}

const struct json *words_goal(const struct doc *d)
{
	json_each (m, json_get(d->body, "metrics")) {
		if (!json_as_bool(json_get(m, "guard"), false))
			return m;
	}
	return NULL;
}

static void put_title(struct buf *out, const struct doc *d, const char *title)
{
	const char *id = words_policy(d);

	if (title) {
		buf_puts(out, "'");
		text_line(out, title, TITLE_MAX_CHARS);
		buf_puts(out, "'");
	} else {
		buf_printf(out, "policy %.*s", SHORT_ID, id ? id : "?");
	}
}

/* An interval from one pair has no ends. */
static void put_end(struct buf *out, const struct json *end)
{
	if (json_type(end) == JSON_NUMBER)
		buf_printf(out, "%.2f", json_as_number(end, 0));
	else
		buf_puts(out, "?");
}

static void put_ratio(struct buf *out, const struct json *m)
{
	text_line(out, str(m, "name"), NAME_MAX_CHARS);
	buf_printf(out, " %.2fx (", json_as_number(json_get(m, "ratio"), 0));
	put_end(out, json_path(m, "ci95.0"));
	buf_puts(out, "–");
	put_end(out, json_path(m, "ci95.1"));
	buf_puts(out, ")");
}

static void put_goal(struct buf *out, const struct doc *d)
{
	const struct json *goal = words_goal(d);

	if (!goal)
		return;
	buf_puts(out, ", ");
	put_ratio(out, goal);
}

static void say_profile(struct buf *out, const struct doc *d,
			const struct words_context *c)
{
	const char *name = str(d->body, "workload.name");

	(void)c;
	if (*name) {
		buf_puts(out, "'");
		text_line(out, name, NAME_MAX_CHARS);
		buf_puts(out, "'");
	} else {
		text_line(out, str(d->body, "scope"), NAME_MAX_CHARS);
	}
	buf_printf(out, " for %.3g s on ",
		   json_as_number(json_get(d->body, "duration_us"), 0) / 1e6);
	text_line(out, str(d->body, "target"), NAME_MAX_CHARS);
	buf_puts(out, ", goal ");
	text_line(out, str(d->body, "goal"), NAME_MAX_CHARS);
}

static void say_plan(struct buf *out, const struct doc *d,
		     const struct words_context *c)
{
	size_t n = json_len(json_get(d->body, "proposals"));

	(void)c;
	json_each (t, json_path(d->body, "regime.traits")) {
		text_line(out, json_as_string(t, ""), NAME_MAX_CHARS);
		buf_puts(out, ", ");
	}
	buf_puts(out, "bound by ");
	text_line(out, str(d->body, "regime.bound"), NAME_MAX_CHARS);
	buf_printf(out, "; %zu proposal%s", n, n == 1 ? "" : "s");
}

static void say_policy(struct buf *out, const struct doc *d,
		       const struct words_context *c)
{
	(void)c;
	put_title(out, d, str(d->body, "title"));
}

static void say_verdict(struct buf *out, const struct doc *d,
			const struct words_context *c)
{
	const char *workload = str(d->body, "workload");

	text_line(out, str(d->body, "decision"), NAME_MAX_CHARS);
	buf_puts(out, " ");
	put_title(out, d, c->title);
	if (*workload) {
		buf_puts(out, " for ");
		text_line(out, workload, NAME_MAX_CHARS);
	}
	put_goal(out, d);
}

static void say_deployment(struct buf *out, const struct doc *d,
			   const struct words_context *c)
{
	text_line(out, str(d->body, "state"), NAME_MAX_CHARS);
	buf_puts(out, " ");
	put_title(out, d, c->title);
	buf_puts(out, " on ");
	text_line(out, str(d->body, "target"), NAME_MAX_CHARS);
}

static void say_text(struct buf *out, const struct doc *d,
		     const struct words_context *c)
{
	(void)c;
	text_line(out, str(d->body, "text"), TITLE_MAX_CHARS);
}

/* How each kind is put into words: the subject, and the keys of its body
 * that are sentences. */
static const struct speech {
	const char *kind;
	void (*say)(struct buf *out, const struct doc *d,
		    const struct words_context *c);
	const char *sentences;
} speeches[] = {
	{"profile", say_profile, NULL},
	{"plan", say_plan, "text"},
	{"policy", say_policy, "why"},
	{"verdict", say_verdict, "why"},
	{"deployment", say_deployment, "why"},
	{"lesson", say_text, "text"},
	{"note", say_text, "text"},
};

static const struct speech *speech(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(speeches); i++) {
		if (!strcmp(speeches[i].kind, kind))
			return &speeches[i];
	}
	return NULL;
}

bool words_known(const char *kind)
{
	return speech(kind) != NULL;
}

void words_subject(struct buf *out, const struct doc *d,
		   const struct words_context *c)
{
	const struct speech *s = speech(d->kind);
	size_t before;

	buf_printf(out, "%s: ", d->kind);
	before = out->len;
	if (s)
		s->say(out, d, c);
	if (out->len == before)
		buf_printf(out, "%.*s", SHORT_ID, d->id);
}

static void put_stages(struct buf *out, const struct doc *d)
{
	json_each (s, json_get(d->body, "stages")) {
		buf_puts(out, "  ");
		text_line(out, str(s, "name"), NAME_MAX_CHARS);
		buf_puts(out, ": ");
		text_line(out, str(s, "status"), NAME_MAX_CHARS);
		json_each (f, json_get(s, "findings")) {
			buf_puts(out, "; ");
			text_line(out, str(f, "text"), TITLE_MAX_CHARS);
		}
		buf_puts(out, "\n");
	}
}

static void put_scalars(struct buf *out, const struct json *obj)
{
	json_each (m, obj) {
		char *text = json_canonical(m);

		buf_puts(out, "  ");
		text_line(out, json_key(m), NAME_MAX_CHARS);
		buf_puts(out, " = ");
		text_line(out, json_as_string(m, text), TITLE_MAX_CHARS);
		buf_puts(out, "\n");
		free(text);
	}
}

void words_body(struct buf *out, const struct doc *d)
{
	const struct speech *s = speech(d->kind);
	const char *text = s && s->sentences ? str(d->body, s->sentences) : "";

	if (*text)
		text_wrap(out, text);
	if (!strcmp(d->kind, "policy") &&
	    json_len(json_get(d->body, "params"))) {
		buf_puts(out, *text ? "\n" : "");
		put_scalars(out, json_get(d->body, "params"));
	}
	if (!strcmp(d->kind, "verdict")) {
		if (json_len(json_get(d->body, "stages")))
			buf_puts(out, "\n");
		put_stages(out, d);
		if (json_len(json_get(d->body, "metrics")))
			buf_puts(out, "\n");
		words_metrics(out, d);
	}
}

static void trailer(struct buf *out, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_printf(out, "%s: ", name);
	text_line(out, value, DOC_ID_LEN * 2);
	buf_puts(out, "\n");
}

void words_commit(struct buf *out, const struct doc *d,
		  const struct words_context *c)
{
	const char *kernel = str(d->body, "kernel");
	size_t before;

	words_subject(out, d, c);
	buf_puts(out, "\n\n");
	before = out->len;
	words_body(out, d);
	if (out->len > before)
		buf_puts(out, "\n");
	trailer(out, "Kind", d->kind);
	trailer(out, "Id", d->id);
	for (size_t i = 0; i < c->trailers.len; i++)
		buf_printf(out, "%s\n", c->trailers.v[i]);
	trailer(out, "Kernel",
		*kernel ? kernel : str(d->body, "system.kernel"));
	trailer(out, "Target", str(d->body, "target"));
	trailer(out, "By", str(d->env, "by"));
}

void words_metrics(struct buf *out, const struct doc *d)
{
	json_each (m, json_get(d->body, "metrics")) {
		put_ratio(out, m);
		buf_printf(out, ", %.4g -> %.4g ",
			   json_as_number(json_get(m, "baseline"), 0),
			   json_as_number(json_get(m, "candidate"), 0));
		text_line(out, str(m, "unit"), NAME_MAX_CHARS);
		buf_printf(out, ", %.0f pairs%s\n",
			   json_as_number(json_get(m, "pairs"), 0),
			   json_as_bool(json_get(m, "guard"), false) ? ", guard"
								     : "");
	}
}

void words_policy_note(struct buf *out, const struct doc *d)
{
	const char *workload = str(d->body, "workload");

	text_line(out, *workload ? workload : "no workload", NAME_MAX_CHARS);
	buf_puts(out, ": ");
	text_line(out, str(d->body, "decision"), NAME_MAX_CHARS);
	put_goal(out, d);
	buf_puts(out, " on ");
	text_line(out, str(d->body, "target"), NAME_MAX_CHARS);
	buf_puts(out, ", ");
	text_line(out, str(d->body, "kernel"), DOC_ID_LEN);
	buf_printf(out, ", verdict %.*s\n", SHORT_ID, d->id);
}
