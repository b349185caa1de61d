/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "page/figure.h"

/* Of letters of 13 units in the usual fonts, on the safe side. */
#define LETTER_WIDTH 7.0
#define PATH_BYTES   (1u << 20)

void chart_begin(struct chart *c, struct html *h, double width, double height,
		 const char *title, const char *description)
{
	unsigned id = ++h->ids;

	*c = (struct chart){.h = h, .width = width, .height = height};
	html_open(h, "svg", width >= CHART_WIDE ? "wide" : "narrow");
	html_attr(h, "xmlns", "http://www.w3.org/2000/svg");
	html_attrf(h, "viewBox", "0 0 %.0f %.0f", width, height);
	html_attr(h, "role", "img");
	html_attr(h, "aria-label", title);
	html_attrf(h, "aria-describedby", "d%u", id);
	html_leaf(h, "title", NULL, title);
	html_open(h, "desc", NULL);
	html_attrf(h, "id", "d%u", id);
	html_cut(h, description, 1000);
	html_close(h);
	chart_margins(c, 8, 8, 8, 8);
}

void chart_end(struct chart *c)
{
	html_close(c->h);
}

void chart_margins(struct chart *c, double left, double top, double right,
		   double bottom)
{
	c->left = left;
	c->top = top;
	c->right = c->width - right;
	c->bottom = c->height - bottom;
}

double chart_text_width(const char *text)
{
	return LETTER_WIDTH * (double)page_length(text);
}

/* ---- marks ------------------------------------------------------------- */

void mark_text(struct chart *c, double x, double y, enum anchor a,
	       const char *cls, double room, const char *text)
{
	static const char *const anchors[] = {NULL, "middle", "end"};

	html_open(c->h, "text", cls);
	html_number(c->h, "x", x);
	html_number(c->h, "y", y);
	if (anchors[a])
		html_attr(c->h, "text-anchor", anchors[a]);
	html_cut(c->h, text, room > 0 ? (size_t)(room / LETTER_WIDTH) + 1 : 0);
	html_close(c->h);
}

void mark_line(struct chart *c, double x1, double y1, double x2, double y2,
	       const char *cls)
{
	html_open(c->h, "line", cls);
	html_number(c->h, "x1", x1);
	html_number(c->h, "y1", y1);
	html_number(c->h, "x2", x2);
	html_number(c->h, "y2", y2);
	html_close(c->h);
}

void mark_rect(struct chart *c, double x, double y, double w, double h,
	       const char *cls)
{
	html_open(c->h, "rect", cls);
	html_number(c->h, "x", x);
	html_number(c->h, "y", y);
	html_number(c->h, "width", fmax(w, 0));
	html_number(c->h, "height", fmax(h, 0));
	html_close(c->h);
}

static void put(struct buf *d, char letter, double x, double y)
{
	buf_printf(d, "%c%.1f %.1f", letter, x, y);
}

void path_begin(struct chart *c, const char *cls, struct buf *d)
{
	html_open(c->h, "path", cls);
	buf_init(d, PATH_BYTES);
}

void path_move(struct buf *d, double x, double y)
{
	put(d, 'M', x, y);
}

void path_line(struct buf *d, double x, double y)
{
	put(d, 'L', x, y);
}

void path_rect(struct buf *d, double x, double y, double w, double h)
{
	put(d, 'M', x, y);
	buf_printf(d, "h%.1fv%.1fh%.1fz", w, h, -w);
}

void path_end(struct chart *c, struct buf *d)
{
	html_attr(c->h, "d", d->len ? d->data : "M0 0");
	html_close(c->h);
	buf_release(d);
}

static void outline(struct buf *d, enum shape shape, double x, double y,
		    double r)
{
	switch (shape) {
	case SHAPE_SQUARE:
		path_rect(d, x - r, y - r, 2 * r, 2 * r);
		break;
	case SHAPE_DIAMOND:
		path_move(d, x, y - 1.35 * r);
		path_line(d, x + 1.35 * r, y);
		path_line(d, x, y + 1.35 * r);
		path_line(d, x - 1.35 * r, y);
		buf_puts(d, "z");
		break;
	case SHAPE_UP:
		path_move(d, x, y - 1.3 * r);
		path_line(d, x + 1.2 * r, y + r);
		path_line(d, x - 1.2 * r, y + r);
		buf_puts(d, "z");
		break;
	default:
		path_move(d, x - r, y - r);
		path_line(d, x + r, y + r);
		path_move(d, x - r, y + r);
		path_line(d, x + r, y - r);
		break;
	}
}

void mark_shape(struct chart *c, enum shape shape, double x, double y, double r,
		const char *cls, const char *what)
{
	struct buf d;

	if (what)
		html_open(c->h, "g", NULL);
	if (shape == SHAPE_DOT) {
		html_open(c->h, "circle", cls);
		html_number(c->h, "cx", x);
		html_number(c->h, "cy", y);
		html_number(c->h, "r", r);
		html_close(c->h);
	} else {
		path_begin(c, cls, &d);
		outline(&d, shape, x, y, r);
		path_end(c, &d);
	}
	if (!what)
		return;
	html_leaf(c->h, "title", NULL, what);
	html_close(c->h);
}

/* ---- axes -------------------------------------------------------------- */

void chart_axis_x(struct chart *c, const char *title, const char *unit)
{
	double ticks[SCALE_TICKS], last = -1e9;
	size_t n = scale_ticks(&c->x, c->width >= CHART_WIDE ? 8 : 4, ticks);
	char text[NUM_LEN];

	for (size_t i = 0; i < n; i++) {
		double x = scale_at(&c->x, ticks[i]), half;

		mark_line(c, x, c->top, x, c->bottom, "gr");
		figure_tick(text, ticks[i], unit);
		half = chart_text_width(text) / 2;
		if (x - half < last || x + half > c->width + 2)
			continue;
		mark_text(c, x, c->bottom + 17, ANCHOR_MIDDLE, "td", 0, text);
		last = x + half + 4;
	}
	mark_line(c, c->left, c->bottom, c->right, c->bottom, "ax");
	if (*title)
		mark_text(c, c->right, c->bottom + 35, ANCHOR_END, "td",
			  c->width, title);
}

void chart_axis_y(struct chart *c, const char *title, const char *unit)
{
	double ticks[SCALE_TICKS];
	size_t n =
		scale_ticks(&c->y, (size_t)((c->bottom - c->top) / 40), ticks);
	char text[NUM_LEN];

	for (size_t i = 0; i < n; i++) {
		double y = scale_at(&c->y, ticks[i]);

		mark_line(c, c->left, y, c->right, y, "gr");
		mark_text(c, c->left - 6, y + 4, ANCHOR_END, "td", 0,
			  figure_tick(text, ticks[i], unit));
	}
	if (*title)
		mark_text(c, 0, c->top - 10, ANCHOR_START, "td", c->width,
			  title);
}
