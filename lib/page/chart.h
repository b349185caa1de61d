/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drawings in a page: a frame with axes, and marks.
 *
 * A drawing is an inline <svg> that is as wide as its container, with a title
 * and a description for those who do not see it.  Places are in units of its
 * viewBox.  Letters do not shrink on a telephone: a drawing is made twice, for
 * CHART_WIDE and for CHART_NARROW, and the style shows the one that fits:
 *
 *	chart_both (&h, width)
 *		draw(&h, width, …);
 */
#ifndef SCHEDKIT_PAGE_CHART_H
#define SCHEDKIT_PAGE_CHART_H

#include "page/html.h"
#include "page/scale.h"

#define CHART_WIDE   800
#define CHART_NARROW 336

#define chart_both(h, width)                \
	for (int width = CHART_WIDE; width; \
	     width = width == CHART_WIDE ? CHART_NARROW : 0)

struct chart {
	struct html *h;
	double width, height;
	double left, top, right, bottom; /* of the plot; chart_begin() */
	struct scale x, y;
};

/*
 * Opens the drawing; cls "wide" or "narrow" goes by the width.  The plot is
 * all but the margins; the scales are the caller's to set.
 */
void chart_begin(struct chart *c, struct html *h, double width, double height,
		 const char *title, const char *description);
void chart_end(struct chart *c);
void chart_margins(struct chart *c, double left, double top, double right,
		   double bottom);

/*
 * Lines of the grid, numbers and a title of an axis; unit as figure_tick() has
 * it.  The x axis is below the plot, the y axis left of it, its title above.
 */
void chart_axis_x(struct chart *c, const char *title, const char *unit);
void chart_axis_y(struct chart *c, const char *title, const char *unit);

/* ---- marks: classes of page/style.h ---- */

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

/* At most as many characters as room units hold (0: all of them). */
void mark_text(struct chart *c, double x, double y, enum anchor a,
	       const char *cls, double room, const char *text);
void mark_line(struct chart *c, double x1, double y1, double x2, double y2,
	       const char *cls);
void mark_rect(struct chart *c, double x, double y, double w, double h,
	       const char *cls);

enum shape { SHAPE_DOT, SHAPE_SQUARE, SHAPE_DIAMOND, SHAPE_UP, SHAPE_CROSS };

/* what (or NULL) is shown when it is pointed at. */
void mark_shape(struct chart *c, enum shape shape, double x, double y, double r,
		const char *cls, const char *what);

/* A path: begin, then move and line or rect as often as needed, then end. */
void path_begin(struct chart *c, const char *cls, struct buf *d);
void path_move(struct buf *d, double x, double y);
void path_line(struct buf *d, double x, double y);
void path_rect(struct buf *d, double x, double y, double w, double h);
void path_end(struct chart *c, struct buf *d);

/* Units that text takes, about. */
double chart_text_width(const char *text);

#endif
