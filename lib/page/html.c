/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/utf8.h"
#include "page/style.h"

#define PIECE_LEN 16

/* Elements that are written without an end tag. */
static const char *const empty[] = {
	"meta", "br", "hr", "col", "path", "rect", "line", "circle", NULL,
};

/* A line ends behind these, where space means nothing. */
static const char *const blocks[] = {
	"head", "title", "style", "header",	"main",	   "section", "footer",
	"h1",	"h2",	 "h3",	  "p",		"pre",	   "ul",      "li",
	"dl",	"dd",	 "div",	  "figure",	"caption", "thead",   "tbody",
	"tr",	"table", "svg",	  "figcaption", "details", NULL,
};

/* ---- escaping ---------------------------------------------------------- */

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
	case '\t':
	case '\r':
		return " ";
	default:
		return NULL;
	}
}

/* These are the first bytes of a character, and no more. */
static bool is_begun(const char *s, size_t have)
{
	unsigned char first = (unsigned char)*s;
	size_t want = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	if (first < 0xc2 || first > 0xf4 || have >= want)
		return false;
	for (size_t i = 1; i < have; i++)
		if ((s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* How the character at s is written, to out; the bytes of s it took. */
static size_t piece(const char *s, char out[static PIECE_LEN])
{
	/* No NUL is within a character: four bytes are enough, and safe. */
	size_t have = strnlen(s, 4), n;
	const char *e;
	uint32_t c = 0;

	n = utf8_decode(s, have, &c);
	if (!n && have < 4 && is_begun(s, have)) {
		*out = '\0';
		return have;
	}
	if (!n) {
		snprintf(out, PIECE_LEN, "\\x%02x", (unsigned char)*s);
		return 1;
	}
	e = entity(c);
	if (e)
		snprintf(out, PIECE_LEN, "%s", e);
	else if (c < 0x20 || c == 0x7f)
		snprintf(out, PIECE_LEN, "\\x%02x", c);
	else if ((c >= 0x80 && c < 0xa0) || utf8_changes_direction(c) ||
		 utf8_noncharacter(c) || c == 0xfeff)
		snprintf(out, PIECE_LEN, "\\u{%x}", c);
	else
		snprintf(out, PIECE_LEN, "%.*s", (int)n, s);
	return n;
}

void page_escape(struct buf *out, const char *s, size_t max)
{
	char text[PIECE_LEN];

	for (size_t i = 0; *s; i++) {
		size_t n = piece(s, text);

		if (max && i + 1 == max && s[n]) {
			buf_puts(out, "…");
			return;
		}
		buf_puts(out, text);
		s += n;
	}
}

size_t page_length(const char *s)
{
	char text[PIECE_LEN];
	size_t n = 0;

	for (; *s; n++)
		s += piece(s, text);
	return n;
}

/* ---- elements ---------------------------------------------------------- */

static bool is_among(const char *element, const char *const *list)
{
	while (*list && strcmp(*list, element))
		list++;
	return *list;
}

static void end_tag(struct html *h)
{
	if (h->in_tag)
		buf_puts(h->out, ">");
	h->in_tag = false;
}

void html_open(struct html *h, const char *element, const char *cls)
{
	end_tag(h);
	buf_printf(h->out, "<%s", element);
	h->in_tag = true;
	/* Deeper is a defect of ours, and shows as one. */
	if (h->depth < HTML_DEPTH)
		h->open[h->depth] = element;
	h->depth++;
	if (cls)
		html_attr(h, "class", cls);
}

void html_close(struct html *h)
{
	const char *element;

	if (!h->depth)
		return;
	h->depth--;
	element = h->depth < HTML_DEPTH ? h->open[h->depth] : "span";
	if (h->in_tag && is_among(element, empty)) {
		buf_puts(h->out, "/>");
		h->in_tag = false;
		return;
	}
	end_tag(h);
	buf_printf(h->out, "</%s>", element);
	if (is_among(element, blocks))
		buf_puts(h->out, "\n");
}

void html_attr(struct html *h, const char *name, const char *value)
{
	buf_printf(h->out, " %s=\"", name);
	page_escape(h->out, value, 0);
	buf_puts(h->out, "\"");
}

void html_attrf(struct html *h, const char *name, const char *fmt, ...)
{
	char *value;
	va_list ap;

	va_start(ap, fmt);
	value = mem_vprintf(fmt, ap);
	va_end(ap);
	html_attr(h, name, value);
	free(value);
}

void html_number(struct html *h, const char *name, double x)
{
	char text[PIECE_LEN];
	size_t n;

	x = isfinite(x) ? fmax(-1e5, fmin(1e5, x)) : 0;
	n = (size_t)snprintf(text, sizeof(text), "%.1f", x);
	if (!strcmp(text + n - 2, ".0"))
		text[n - 2] = '\0';
	html_attr(h, name, strcmp(text, "-0") ? text : "0");
}

void html_cut(struct html *h, const char *s, size_t max)
{
	end_tag(h);
	page_escape(h->out, s, max);
}

void html_text(struct html *h, const char *s)
{
	html_cut(h, s, 0);
}

void html_line(struct html *h)
{
	end_tag(h);
	buf_puts(h->out, "\n");
}

static void put_format(struct html *h, const char *fmt, va_list ap)
{
	char *s = mem_vprintf(fmt, ap);

	html_text(h, s);
	free(s);
}

void html_textf(struct html *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_format(h, fmt, ap);
	va_end(ap);
}

void html_leaf(struct html *h, const char *element, const char *cls,
	       const char *text)
{
	html_open(h, element, cls);
	html_text(h, text);
	html_close(h);
}

void html_leaff(struct html *h, const char *element, const char *cls,
		const char *fmt, ...)
{
	va_list ap;

	html_open(h, element, cls);
	va_start(ap, fmt);
	put_format(h, fmt, ap);
	va_end(ap);
	html_close(h);
}

/* ---- the page ---------------------------------------------------------- */

static void meta(struct html *h, const char *key, const char *name,
		 const char *content)
{
	html_open(h, "meta", NULL);
	html_attr(h, key, name);
	html_attr(h, "content", content);
	html_close(h);
}

void html_begin(struct html *h, struct buf *out, const char *title)
{
	*h = (struct html){.out = out};
	buf_puts(out, "<!DOCTYPE html>\n");
	html_open(h, "html", NULL);
	html_attr(h, "lang", "en");
	html_open(h, "head", NULL);
	html_open(h, "meta", NULL);
	html_attr(h, "charset", "utf-8");
	html_close(h);
	meta(h, "http-equiv", "Content-Security-Policy",
	     "default-src 'none'; style-src 'unsafe-inline'");
	meta(h, "name", "viewport", "width=device-width, initial-scale=1");
	meta(h, "name", "color-scheme", "light dark");
	meta(h, "name", "referrer", "no-referrer");
	html_open(h, "title", NULL);
	html_cut(h, title, 200);
	html_close(h);
	html_open(h, "style", NULL);
	end_tag(h);
	buf_puts(out, page_style);
	html_close(h);
	html_close(h);
	html_open(h, "body", NULL);
}

void html_end(struct html *h)
{
	while (h->depth)
		html_close(h);
}
