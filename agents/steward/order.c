/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/order.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"

#define HEX	    "0123456789abcdef"
#define QUERY_WORDS 16

void steward_order_option(struct steward_order *o, const char *option,
			  const char *value)
{
	strs_printf(&o->argv, "%s=%s", option, value);
}

bool steward_is_id(const char *s, size_t min)
{
	size_t n = strlen(s);

	return n >= min && n <= 64 && strspn(s, HEX) == n;
}

/* ---- one argument ------------------------------------------------------- */

static int bad(const struct steward_arg *a, const char *want)
{
	return err_set(EINVAL, "%s: %s", a->name, want);
}

bool steward_is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	return true;
}

static void put(struct steward_order *o, const struct steward_arg *a,
		const char *value)
{
	if (!strcmp(a->option, STEWARD_INPUT))
		strs_add(&o->input, value);
	else if (!strcmp(a->option, STEWARD_OPERAND))
		strs_add(&o->operands, value);
	else if (*a->option)
		steward_order_option(o, a->option, value);
}

static int put_id(struct steward_order *o, const struct steward_arg *a,
		  const char *id, size_t min)
{
	if (!steward_is_id(id, min))
		return bad(a, min == 64
				      ? "all 64 digits of an id are needed, in "
					"lower case"
				      : "the id of a document is needed, or "
					"its beginning: 4 to 64 hexadecimal "
					"digits in lower case");
	put(o, a, id);
	return 0;
}

static int put_ids(struct steward_order *o, const struct steward_arg *a,
		   const struct json *v)
{
	int rc = 0;

	json_each (it, v)
		if (!rc)
			rc = put_id(o, a, json_as_string(it, ""), 4);
	return rc;
}

static int put_number(struct steward_order *o, const struct steward_arg *a,
		      double x)
{
	char text[40];

	if (!(x >= a->min && x <= a->max) ||
	    (a->kind == STEWARD_ARG_LONG && x != floor(x)))
		return bad(a, "the number is out of its range");
	snprintf(text, sizeof(text),
		 a->kind == STEWARD_ARG_LONG ? "%.0f" : "%.9g", x);
	put(o, a, text);
	return 0;
}

bool steward_is_word(const char *words, const char *s)
{
	size_t len = strlen(s);

	for (const char *w = words; *w; w += strspn(w, "|")) {
		size_t n = strcspn(w, "|");

		if (n == len && !strncmp(w, s, n))
			return true;
		w += n;
	}
	return false;
}

static int put_words(struct steward_order *o, const struct steward_arg *a,
		     const struct json *v)
{
	struct buf list;
	int rc = 0;

	buf_init(&list, 256);
	json_each (it, v) {
		const char *w = json_as_string(it, "");

		if (!rc && (!steward_is_word(a->words, w) ||
			    buf_printf(&list, "%s%s", list.len ? "," : "", w)))
			rc = bad(a, "no such word, or too many");
	}
	if (!rc)
		put(o, a, list.data);
	buf_release(&list);
	return rc;
}

/* What is looked for stands behind "--", and still begins with no '-': what
 * looks like an option is one that a client hoped would be taken for one. */
static int put_query(struct steward_order *o, const struct steward_arg *a,
		     const char *s)
{
	char *copy, *save = NULL;
	size_t n = 0;
	int rc = 0;

	if (!steward_is_plain(s) || strlen(s) > 200)
		return bad(a, "a line of at most 200 bytes is needed");
	copy = mem_strdup(s);
	for (char *w = strtok_r(copy, " ", &save); w && !rc;
	     w = strtok_r(NULL, " ", &save)) {
		if (w[0] == '-' || ++n > QUERY_WORDS)
			rc = bad(a, "up to 16 words are needed, none of which "
				    "begins with '-'");
		else
			put(o, a, w);
	}
	free(copy);
	if (!rc && !n)
		rc = bad(a, "there is no word in it");
	return rc;
}

static int put_metrics(struct steward_order *o, const struct steward_arg *a,
		       const struct json *v)
{
	json_each (it, v) {
		const char *s = json_as_string(it, "");
		size_t name = strspn(s, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_,./%");
		bool wall = !strcmp(s, "wall");

		if (!steward_is_plain(s) || strlen(s) > 200 ||
		    (!wall && strncmp(s + name, "=re:", 4) != 0 &&
		     strncmp(s + name, "=json:", 6) != 0))
			return bad(a, "'wall', NAME[,higher|lower][,UNIT]="
				      "re:REGEX or …=json:PATH is needed");
		put(o, a, s);
	}
	return 0;
}

static int put_params(struct steward_order *o, const struct steward_arg *a,
		      const struct json *v)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	char text[128];

	json_each (it, v) {
		const char *name = json_key(it), *s = json_as_string(it, NULL);
		size_t n = strlen(name);

		if (!n || n > 40 || strspn(name, letters) != n)
			return bad(a, "no parameter has such a name");
		if (s &&
		    (!*s || strlen(s) > 40 || strspn(s, letters) != strlen(s)))
			return bad(a, "no parameter has such a value");
		if (s)
			snprintf(text, sizeof(text), "%s=%s", name, s);
		else if (json_type(it) == JSON_BOOL)
			snprintf(text, sizeof(text), "%s=%s", name,
				 json_as_bool(it, false) ? "true" : "false");
		else
			snprintf(text, sizeof(text), "%s=%.9g", name,
				 json_as_number(it, 0));
		put(o, a, text);
	}
	return 0;
}

static bool goes_up(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

const char *steward_below(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	while (n && dir[n - 1] == '/')
		n--;
	return !strncmp(path, dir, n) && path[n] == '/' && path[n + 1]
		       ? path + n + 1
		       : NULL;
}

/* The words of the path alone; the hand opens it without following links. */
static int put_file(struct steward_order *o, const struct steward_arg *a,
		    const char *path)
{
	if (!steward_is_plain(path) || path[0] != '/' || goes_up(path) ||
	    strlen(path) > 1024)
		return bad(a, "an absolute path without '..' is needed");
	for (size_t i = 0; i < o->cfg->read.len; i++) {
		if (!steward_below(o->cfg->read.v[i], path))
			continue;
		free(o->file);
		o->file = mem_strdup(path);
		return 0;
	}
	return err_set(EACCES,
		       "%s: it is in no folder that 'read' in mcp.json of the "
		       "user names; use the id of a document instead",
		       a->name);
}

static int take_words(struct steward_order *o, const struct steward_arg *a,
		      const struct json *v)
{
	size_t bytes = 0;

	if (a->kind == STEWARD_ARG_TEXT) {
		strs_add(&o->words, json_as_string(v, ""));
	} else {
		json_each (it, v)
			strs_add(&o->words, json_as_string(it, ""));
	}
	for (size_t i = 0; i < o->words.len; i++) {
		bytes += strlen(o->words.v[i]) + 1;
		if (!steward_is_plain(o->words.v[i]))
			return bad(a, "it must be one line, without control "
				      "characters");
	}
	if (a->kind == STEWARD_ARG_COMMAND && o->words.len &&
	    (!o->words.v[0][0] || o->words.v[0][0] == '-'))
		return bad(a, "the first word is a program");
	if (o->words.len > STEWARD_MAX_WORDS || bytes > STEWARD_MAX_TEXT)
		return bad(a, "it is too long");
	return 0;
}

static int take(struct steward_order *o, const struct steward_arg *a,
		const struct json *v)
{
	const char *s = json_as_string(v, "");

	switch (a->kind) {
	case STEWARD_ARG_ID:
		return put_id(o, a, s, 4);
	case STEWARD_ARG_FULL_ID:
		return put_id(o, a, s, 64);
	case STEWARD_ARG_IDS:
		return put_ids(o, a, v);
	case STEWARD_ARG_LONG:
	case STEWARD_ARG_NUMBER:
		return put_number(o, a, json_as_number(v, NAN));
	case STEWARD_ARG_BOOL:
		if (json_as_bool(v, false) && *a->option)
			strs_add(&o->argv, a->option);
		return 0;
	case STEWARD_ARG_WORD:
		if (!steward_is_word(a->words, s))
			return bad(a, "no such word");
		put(o, a, s);
		return 0;
	case STEWARD_ARG_WORDS:
		return put_words(o, a, v);
	case STEWARD_ARG_NAME:
		if (!*s || !steward_is_plain(s) || strlen(s) > 200)
			return bad(a, "a name of one line is needed");
		put(o, a, s);
		return 0;
	case STEWARD_ARG_QUERY:
		return put_query(o, a, s);
	case STEWARD_ARG_STRICT:
		if (!*s || strlen(s) > 200 || strspn(s, a->words) != strlen(s))
			return bad(a, "a character in it cannot be");
		put(o, a, s);
		return 0;
	case STEWARD_ARG_METRICS:
		return put_metrics(o, a, v);
	case STEWARD_ARG_PARAMS:
		return put_params(o, a, v);
	case STEWARD_ARG_FILE:
		return put_file(o, a, s);
	case STEWARD_ARG_TEXT:
	case STEWARD_ARG_COMMAND:
		return take_words(o, a, v);
	case STEWARD_ARG_END:
		break;
	}
	return bad(a, "it cannot be told");
}

/* ---- the whole ---------------------------------------------------------- */

static bool is_words(const struct steward_arg *a)
{
	return a->kind == STEWARD_ARG_TEXT || a->kind == STEWARD_ARG_COMMAND;
}

/* The shape, as every client was told it. */
static int check_shape(const struct steward_tool *t, const struct json *args)
{
	struct json *schema = steward_tool_input(t);
	int rc = json_schema_check(schema, args);

	json_free(schema);
	return rc;
}

/* Options go where the program's command, which make() may add, has come. */
static int take_all(struct steward_order *o, const struct json *args)
{
	const struct steward_tool *t = o->tool;
	struct strs front = o->argv;
	int rc = 0;

	o->argv = (struct strs){0};
	for (const struct steward_arg *a = t->args; !rc && a->kind; a++) {
		const struct json *v = json_get(args, a->name);

		if (v && is_words(a) && o->has_words)
			rc = bad(a, "plain words are no part of an order");
		else if (v)
			rc = take(o, a, v);
	}
	/* What the rows brought comes behind what make() says. */
	if (!rc) {
		struct strs rows = o->argv;

		o->argv = front;
		if (t->make)
			rc = t->make(o, args);
		for (size_t i = 0; i < rows.len; i++)
			strs_add(&o->argv, rows.v[i]);
		strs_release(&rows);
	} else {
		strs_release(&front);
	}
	return rc;
}

static int check_class(const struct steward_order *o)
{
	if (o->class <= o->who->highest)
		return 0;
	return err_set(EACCES,
		       "this client may go up to class '%s', and this needs "
		       "'%s': the user allows it in mcp.json, schedkit-mcp(5)",
		       steward_class_name(o->who->highest),
		       steward_class_name(o->class));
}

int steward_order_make(struct steward_order *o,
		       const struct steward_config *cfg,
		       const struct steward_client *who, const char *tool,
		       const struct json *args, bool words)
{
	const struct steward_tool *t = steward_tool_find(tool);
	int rc;

	*o = (struct steward_order){
		.tool = t, .cfg = cfg, .who = who, .has_words = words};
	if (!t)
		return err_set(ENOENT, "there is no such tool");
	o->class = t->class;
	o->flags = t->flags;
	o->limit_s = t->limit_s;
	rc = check_class(o);
	if (!rc)
		rc = check_shape(t, args);
	if (rc || !t->program)
		return rc;
	strs_add(&o->argv, t->program);
	if (t->verb)
		strs_add(&o->argv, t->verb);
	rc = take_all(o, args);
	if (!rc && !(o->flags & STEWARD_PLAIN))
		strs_add(&o->argv, "--json");
	return rc ? rc : check_class(o);
}

void steward_order_release(struct steward_order *o)
{
	strs_release(&o->argv);
	strs_release(&o->operands);
	strs_release(&o->input);
	strs_release(&o->words);
	free(o->file);
	*o = (struct steward_order){0};
}

struct json *steward_order_arguments(const struct steward_order *o,
				     const struct json *args)
{
	struct json *v = json_copy(args);

	for (const struct steward_arg *a = o->tool->args; a->kind; a++)
		if (is_words(a))
			json_remove(v, a->name);
	return v;
}

void steward_order_digest(const struct steward_order *o,
			  const struct json *args,
			  char out[static DIGEST_HEX_LEN])
{
	struct json *v = json_object();
	char *text;

	json_set_string(v, "tool", o->tool->name);
	json_set_string(v, "client", o->who->name);
	json_remove(json_set(v, "arguments", steward_order_arguments(o, args)),
		    "background");
	text = json_canonical(v);
	digest_hex(text, strlen(text), out);
	free(text);
	json_free(v);
}
