/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page/scale.h"

#include <math.h>

#define LEAST 1e-12
#define MOST  1e15

static double sound(double x, double dflt)
{
	return isfinite(x) ? fmax(-MOST, fmin(MOST, x)) : dflt;
}

void scale_init(struct scale *s, double lo, double hi, double from, double to,
		bool log)
{
	lo = sound(lo, log ? 1 : 0);
	hi = sound(hi, lo);
	if (log) {
		lo = fmax(lo, LEAST);
		hi = fmax(hi, lo);
		if (hi < lo * 1.0001) {
			lo /= 1.1;
			hi *= 1.1;
		}
	} else if (hi - lo <= fabs(lo) * 1e-9) {
		double half = fabs(lo) > LEAST ? fabs(lo) * 0.05 : 0.5;

		hi = lo + half;
		lo -= half;
	}
	*s = (struct scale){lo, hi, from, to, log};
}

double scale_at(const struct scale *s, double x)
{
	double share;

	if (s->log)
		share = x > 0 ? log(x / s->lo) / log(s->hi / s->lo) : 0;
	else
		share = (x - s->lo) / (s->hi - s->lo);
	/* Written so that NaN goes to the beginning. */
	share = share > 0 ? fmin(share, 1) : 0;
	return s->from + share * (s->to - s->from);
}

double scale_nice(double x, bool nearest)
{
	static const double least[] = {1, 2, 5, 10};
	static const double near[] = {1.5, 3, 7};
	double power, part;
	size_t i = 0;

	if (!(x > 0) || !isfinite(x))
		return 1;
	power = pow(10, floor(log10(x)));
	part = x / power;
	if (nearest) {
		while (i < 3 && part >= near[i])
			i++;
	} else {
		while (i < 3 && part > least[i] * (1 + 1e-9))
			i++;
	}
	return least[i] * power;
}

static double step_of(const struct scale *s, size_t want)
{
	double range = scale_nice(s->hi - s->lo, false);

	return scale_nice(range / (double)(want > 1 ? want - 1 : 1), true);
}

/* Multiples of powers of ten, every so many powers. */
static size_t log_ticks(const struct scale *s, const double *parts, size_t n,
			int every, double out[static SCALE_TICKS])
{
	int first = (int)floor(log10(s->lo)), last = (int)ceil(log10(s->hi));
	size_t count = 0;

	for (int e = first; e <= last; e++) {
		if (((e % every) + every) % every)
			continue;
		for (size_t i = 0; i < n; i++) {
			double x = parts[i] * pow(10, e);

			if (x < s->lo * (1 - 1e-9) || x > s->hi * (1 + 1e-9))
				continue;
			if (count == SCALE_TICKS)
				return count;
			out[count++] = x;
		}
	}
	return count;
}

size_t scale_ticks(const struct scale *s, size_t want,
		   double out[static SCALE_TICKS])
{
	static const double parts[] = {1, 2, 5};
	double step, decades;
	size_t n = 0;

	want = want < 2 ? 2 : want > SCALE_TICKS / 2 ? SCALE_TICKS / 2 : want;
	if (s->log) {
		decades = log10(s->hi / s->lo);
		if (decades > 1 && decades * 3 > 1.5 * (double)want)
			n = log_ticks(s, parts, 1,
				      (int)ceil(decades / (double)want), out);
		if (decades > 2 && n < 3)
			n = log_ticks(s, parts, 1, 1, out);
		if (decades > 0.6 && n < 2)
			n = log_ticks(s, parts, 3, 1, out);
		if (n > 1)
			return n;
		/* Within a decade even steps are easier to read. */
		n = 0;
	}
	step = step_of(s, want);
	for (double k = ceil(s->lo / step - 1e-9); n < SCALE_TICKS; k++) {
		if (k * step > s->hi + step * 1e-9)
			break;
		out[n++] = k * step;
	}
	return n;
}
