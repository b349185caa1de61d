/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/mdoc_find.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "term/mdoc.h"

#define ITEM_BYTES (256u << 10)

/* The line has the macro: ".It" of ".It Va key". */
static bool is_macro(const char *line, const char *macro)
{
	size_t len = strlen(macro);

	return *line == '.' && !strncmp(line + 1, macro, len) &&
	       strchr(" \n", line[1 + len]);
}

static const char *next_line(const char *line)
{
	const char *end = strchrnul(line, '\n');

	return *end ? end + 1 : end;
}

/*
 * ".It Fl n , Fl -count Ar N" names "-n" and "--count", ".It Va key Ns *"
 * names "key".  What stands behind Ar is only what they are given.
 */
static bool names(const char *line, const char *word)
{
	bool flag = false, given = false;
	size_t len = strlen(word);

	for (const char *s = line + strlen(".It"); *s && *s != '\n';) {
		size_t n;

		s += strspn(s, " ");
		n = strcspn(s, " \n");
		if (!n)
			break;
		if (n == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a') {
			flag = !strncmp(s, "Fl", n);
			given = !strncmp(s, "Ar", n);
		} else if (!given && flag && *word == '-') {
			if (n + 1 == len && !strncmp(s, word + 1, n))
				return true;
		} else if (!given && !flag && n == len &&
			   !strncmp(s, word, n)) {
			return true;
		}
		s += n;
	}
	return false;
}

/* Where the item that begins with the line ends. */
static const char *end_of_item(const char *line)
{
	int depth = 0;

	for (line = next_line(line); *line; line = next_line(line)) {
		if (is_macro(line, "Bl"))
			depth++;
		else if (is_macro(line, "El") && depth-- == 0)
			break;
		else if (is_macro(line, "It") && depth == 0)
			break;
	}
	return line;
}

/* What ".Nm" alone stands for; the caller's. */
static char *name_of(const char *source)
{
	const char *at = strstr(source, "\n.Nm ");

	at = at ? at + strlen("\n.Nm ") : "";
	return mem_strndup(at, strcspn(at, " \n"));
}

/* A line out of its page, which would have told it the name. */
static void copy_line(struct buf *to, const char *line, const char *name)
{
	size_t len = (size_t)(next_line(line) - line);
	const char *rest = line + strlen(".Nm");

	if (is_macro(line, "Nm") &&
	    (*rest != ' ' || ispunct((unsigned char)rest[1])))
		buf_printf(to, ".Nm %s%.*s", name, (int)(len - strlen(".Nm")),
			   rest);
	else
		buf_add(to, line, len);
}

static void put_item(struct buf *out, const char *from, const char *to,
		     const char *name)
{
	struct buf item;

	buf_init(&item, ITEM_BYTES);
	buf_puts(&item, ".Bl -tag -compact\n");
	for (const char *s = from; s < to; s = next_line(s))
		copy_line(&item, s, name);
	buf_puts(&item, ".El\n");
	mdoc_text(out, item.data);
	buf_release(&item);
}

size_t mdoc_items(struct buf *out, const char *source, const char *word)
{
	char *name = name_of(source);
	size_t n = 0;

	for (const char *s = source; *s; s = next_line(s)) {
		if (!is_macro(s, "It") || !names(s, word))
			continue;
		put_item(out, s, end_of_item(s), name);
		n++;
	}
	free(name);
	return n;
}

size_t mdoc_mentions(const char *text, const char *words)
{
	size_t n = 0;

	for (const char *at = text; (at = strcasestr(at, words));
	     at = next_line(at))
		n++;
	return n;
}
