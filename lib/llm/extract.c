/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/extract.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define TRIES	32 /* of each kind: a long answer may be full of braces */
#define BLANKS	" \t\r\n"
#define FENCE	"```"
#define THOUGHT "</think>"

static struct json *parse_object(const char *from, const char *to)
{
	struct json *v;

	while (from < to && strchr(BLANKS, *from))
		from++;
	while (to > from && strchr(BLANKS, to[-1]))
		to--;
	if (from == to || *from != '{')
		return NULL;
	v = json_parse(from, (size_t)(to - from));
	return v;
}

static struct json *fenced(const char *text)
{
	const char *open = text, *from, *to;
	struct json *v = NULL;

	for (int i = 0; !v && i < TRIES; i++) {
		open = strstr(open, FENCE);
		if (!open)
			return NULL;
		/* The language's name, if any, is on the fence's line. */
		from = open + strlen(FENCE);
		while (*from && *from != '\n' && *from != '{')
			from++;
		to = strstr(from, FENCE);
		if (!to)
			return NULL;
		v = parse_object(from, to);
		open = to + strlen(FENCE);
	}
	return v;
}

/* Behind the bracket that closes the one at s; NULL: it is left open. */
static const char *closing(const char *s)
{
	bool string = false;
	size_t depth = 0;

	for (; *s; s++) {
		if (string && *s == '\\' && s[1])
			s++;
		else if (*s == '"')
			string = !string;
		else if (!string && *s == '{')
			depth++;
		else if (!string && *s == '}' && !--depth)
			return s + 1;
	}
	return NULL;
}

static struct json *balanced(const char *text)
{
	const char *from = text, *to;
	struct json *v = NULL;

	for (int i = 0; !v && i < TRIES; i++) {
		from = strchr(from, '{');
		if (!from)
			return NULL;
		to = closing(from);
		if (to)
			v = parse_object(from, to);
		from++;
	}
	return v;
}

struct json *extract_json(const char *text)
{
	const char *thought = text;
	struct json *v;
	char *why;

	while ((thought = strstr(thought, THOUGHT)))
		text = thought += strlen(THOUGHT);
	text += strspn(text, BLANKS);
	if (!*text) {
		err_set(EBADMSG, "the answer is empty");
		return NULL;
	}
	v = json_parse(text, strlen(text));
	if (v)
		return v;
	if (*text == '{' && !closing(text)) {
		err_set(EBADMSG, "the answer breaks off within its JSON");
		return NULL;
	}
	/* Of an answer that begins as JSON, its own fault says most. */
	if (*text == '{')
		err_prefix(0, "the answer is no JSON");
	else
		err_set(EBADMSG, "there is no JSON object in the answer");
	why = mem_strdup(err_text());
	v = fenced(text);
	if (!v)
		v = balanced(text);
	if (!v)
		err_set(EBADMSG, "%s", why);
	free(why);
	return v;
}
