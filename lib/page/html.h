/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a page of HTML in which nothing of an outsider's can become markup.
 *
 * Names of elements, attributes and classes are literals of ours; every text
 * and every value goes through page_escape(), and there is no other way in.
 * What comes out is well-formed XML too, holds no script, and refers to
 * nothing outside itself; its Content-Security-Policy says so to the browser.
 *
 *	html_begin(&h, &out, "title");
 *	html_open(&h, "p", "lead");
 *	html_text(&h, hostile);
 *	html_close(&h);
 *	html_end(&h);
 */
#ifndef SCHEDKIT_PAGE_HTML_H
#define SCHEDKIT_PAGE_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define HTML_DEPTH 32

struct html {
	struct buf *out;
	const char *open[HTML_DEPTH];
	size_t depth;
	bool in_tag;  /* attributes may still follow */
	unsigned ids; /* given out, so that no two elements share one */
};

/*
 * Adds s as text of a page: markup escaped; controls, marks that change the
 * writing direction and what is not UTF-8 made visible as on a terminal
 * (\x1b, \u{202e}); more than max characters (0: no limit) cut off, with an
 * ellipsis in the last one's place.  A character that the end of s cuts in
 * two is left out.
 */
void page_escape(struct buf *out, const char *s, size_t max);
/* Characters that page_escape() would show, at most. */
size_t page_length(const char *s);

/* Everything up to <body>, with the style of all our pages. */
void html_begin(struct html *h, struct buf *out, const char *title);
/* Closes what is open. */
void html_end(struct html *h);

/* cls NULL: without a class. */
void html_open(struct html *h, const char *element, const char *cls);
void html_close(struct html *h);
/* After html_open() or another attribute. */
void html_attr(struct html *h, const char *name, const char *value);
void html_attrf(struct html *h, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A coordinate or length: one decimal, bounded, never "nan". */
void html_number(struct html *h, const char *name, double x);

void html_text(struct html *h, const char *s);
void html_textf(struct html *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Ends a line of a <pre>. */
void html_line(struct html *h);
/* At most max characters of s. */
void html_cut(struct html *h, const char *s, size_t max);

/* <element class=cls>text</element> */
void html_leaf(struct html *h, const char *element, const char *cls,
	       const char *text);
void html_leaff(struct html *h, const char *element, const char *cls,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
