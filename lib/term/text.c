/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/text.h"

#include <limits.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "doc/utf8.h"

#define ESCAPE_LEN 16

bool text_utf8(void)
{
	static const char *const vars[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		const char *v = getenv(vars[i]);

		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

/* wcwidth(3) asks the current locale, which is the program's business. */
static int columns_of(uint32_t c)
{
	static _Thread_local locale_t utf8;
	locale_t before;
	int n;

	if (c < 0x7f)
		return 1;
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!utf8)
		return 1;
	before = uselocale(utf8);
	n = wcwidth((wchar_t)c);
	uselocale(before);
	return n;
}

/*
 * Writes how the character at s is shown to out, its columns to *columns;
 * returns the bytes of s it took.
 */
static size_t show(const char *s, char out[static ESCAPE_LEN], size_t *columns)
{
	uint32_t c;
	size_t n = utf8_decode(s, strnlen(s, UTF8_LONGEST), &c);
	int width = n ? columns_of(c) : -1;

	if (n == 0 || (n == 1 && (c < 0x20 || c == 0x7f))) {
		unsigned char byte = (unsigned char)s[0];
		int len = byte == '\n' ? snprintf(out, ESCAPE_LEN, "\\n")
			  : byte == '\t'
				  ? snprintf(out, ESCAPE_LEN, "\\t")
				  : snprintf(out, ESCAPE_LEN, "\\x%02x", byte);

		*columns = (size_t)len;
		return 1;
	}
	if (n > 1 && (width < 0 || utf8_changes_direction(c) || !text_utf8())) {
		*columns = (size_t)snprintf(out, ESCAPE_LEN, "\\u{%x}",
					    (unsigned int)c);
		return n;
	}
	memcpy(out, s, n);
	out[n] = '\0';
	*columns = (size_t)width;
	return n;
}

void text_clean(struct buf *out, const char *s, size_t columns)
{
	const char *more = text_utf8() ? "…" : "~";
	size_t used = 0, width, keep = out->len;
	char piece[ESCAPE_LEN];

	while (*s) {
		s += show(s, piece, &width);
		if (columns && used + width > columns) {
			/* keep: where the last column begins */
			out->len = keep;
			buf_puts(out, more);
			return;
		}
		buf_puts(out, piece);
		used += width;
		if (!columns || used < columns)
			keep = out->len;
	}
}

size_t text_width(const char *s)
{
	size_t used = 0, width;
	char piece[ESCAPE_LEN];

	while (*s) {
		s += show(s, piece, &width);
		used += width;
	}
	return used;
}

int text_columns(int fd)
{
	const char *v = getenv("COLUMNS");
	long n = v ? strtol(v, NULL, 10) : 0;
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return n > 0 && n <= INT_MAX ? (int)n : 80;
}
