/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/plot.h"

#include <math.h>

#include "term/text.h"

void plot_bar(struct buf *out, double share, size_t columns)
{
	static const char *const part[] = {"",	"▏", "▎", "▍",
					   "▌", "▋", "▊", "▉"};
	bool fine = text_utf8();
	size_t units = fine ? 8 : 1, filled;

	if (!(share > 0))
		return;
	share = fmin(share, 1);
	filled = (size_t)lround(share * (double)(columns * units));
	if (!filled)
		filled = 1;
	for (size_t i = 0; i < filled / units; i++)
		buf_puts(out, fine ? "█" : "#");
	if (fine)
		buf_puts(out, part[filled % units]);
}

void plot_spark(struct buf *out, const double *v, size_t n)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄",
					     "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {"_", ".", ":", "-",
					    "=", "+", "*", "#"};
	const char *const *level = text_utf8() ? blocks : ascii;
	double top = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(v[i]) && v[i] > top)
			top = v[i];
	for (size_t i = 0; i < n; i++) {
		double x = top > 0 ? fmax(v[i], 0) / top : 0;

		if (!isfinite(v[i]))
			buf_puts(out, " ");
		else
			buf_puts(out, level[lround(x * 7)]);
	}
}

static long place(double x, const double axis[static 2], size_t columns)
{
	double share = (x - axis[0]) / (axis[1] - axis[0]);

	/* Written so that NaN goes left. */
	share = share > 0 ? fmin(share, 1) : 0;
	return lround(share * (double)(columns - 1));
}

void plot_interval(struct buf *out, const double ci[static 2], double middle,
		   double at, const double axis[static 2], size_t columns)
{
	bool fine = text_utf8();
	long lo, hi, mid, mark;

	if (columns < 2 || !(axis[1] > axis[0]))
		return;
	lo = place(ci[0], axis, columns);
	hi = place(ci[1], axis, columns);
	mid = place(middle, axis, columns);
	mark = place(at, axis, columns);
	for (long i = 0; i < (long)columns; i++) {
		if (i == mid)
			buf_puts(out, fine ? "●" : "o");
		else if (i == mark)
			buf_puts(out, fine ? "│" : "|");
		else if (i >= lo && i <= hi)
			buf_puts(out, fine ? "─" : "-");
		else
			buf_puts(out, " ");
	}
}
