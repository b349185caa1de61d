/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "doc/utf8.h"

#define LINE_WIDTH   72
#define INLINE_WIDTH 60

/* Bytes of the character at s; of ill-formed ones, which git's notes of others
 * may hold, one. */
static size_t char_at(const char *s, uint32_t *c)
{
	size_t n = utf8_decode(s, strnlen(s, UTF8_LONGEST), c);

	if (!n)
		*c = 0;
	return n ? n : 1;
}

/* C0, DEL, C1, ends of lines and the marks that turn the writing direction
 * around. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
	       c == 0x2029 || utf8_changes_direction(c);
}

void text_line(struct buf *out, const char *s, size_t max)
{
	bool space = true; /* none at the beginning, one in a row */
	uint32_t c;
	size_t n;

	for (size_t count = 0; *s; s += n) {
		n = char_at(s, &c);
		if (c == ' ' || is_control(c)) {
			if (space)
				continue;
			space = true;
		} else {
			space = false;
		}
		if (count++ == max) {
			buf_puts(out, "…");
			return;
		}
		buf_add(out, space ? " " : s, space ? 1 : n);
	}
}

void text_wrap(struct buf *out, const char *s)
{
	struct buf flat;
	size_t column = 0;
	char *word, *save;

	buf_init(&flat, strlen(s) + 1);
	text_line(&flat, s, strlen(s));
	if (!flat.len)
		buf_puts(&flat, "");
	for (word = strtok_r(flat.data, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		size_t width = utf8_count(word, strlen(word));

		if (column && column + 1 + width > LINE_WIDTH) {
			buf_puts(out, "\n");
			column = 0;
		}
		buf_printf(out, "%s%s", column ? " " : "", word);
		column += width + (column ? 1 : 0);
	}
	buf_puts(out, "\n");
	buf_release(&flat);
}

static void put_json(struct buf *out, const struct json *v, int indent);

static void put_members(struct buf *out, const struct json *v, int indent)
{
	bool object = json_type(v) == JSON_OBJECT;
	const char *sep = "";

	buf_puts(out, object ? "{" : "[");
	json_each (m, v) {
		buf_printf(out, "%s\n%*s", sep, indent + 2, "");
		if (object) {
			struct json *key = json_string(json_key(m));
			char *text = json_canonical(key);

			buf_printf(out, "%s: ", text);
			free(text);
			json_free(key);
		}
		put_json(out, m, indent + 2);
		sep = ",";
	}
	buf_printf(out, "\n%*s%s", indent, "", object ? "}" : "]");
}

static void put_json(struct buf *out, const struct json *v, int indent)
{
	enum json_type t = json_type(v);
	char *flat;

	/* A long array has no short form: do not try at every level. */
	if ((t == JSON_OBJECT || t == JSON_ARRAY) &&
	    json_len(v) > INLINE_WIDTH / 2) {
		put_members(out, v, indent);
		return;
	}
	flat = json_canonical(v);
	if ((t == JSON_OBJECT || t == JSON_ARRAY) &&
	    strlen(flat) > INLINE_WIDTH)
		put_members(out, v, indent);
	else
		buf_puts(out, flat);
	free(flat);
}

char *text_json(const struct json *v)
{
	struct buf out;

	buf_init(&out, (size_t)-1);
	put_json(&out, v, 0);
	buf_puts(&out, "\n");
	return buf_take(&out);
}
