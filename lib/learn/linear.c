/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/linear.h"

#include <string.h>

/* How uncertain the weights are at first, and may become: without the limit
 * what does not vary for long would be forgotten without end. */
#define UNSURE	   1e5
#define UNSURE_MAX 1e8

static void start(struct linear *l)
{
	memset(l->p, 0, sizeof(l->p));
	for (unsigned i = 0; i <= l->n; i++)
		l->p[i][i] = UNSURE;
}

void linear_init(struct linear *l, unsigned n, double forget)
{
	memset(l, 0, sizeof(*l));
	l->n = n;
	l->forget = forget;
	start(l);
}

static void scaled(const struct linear *l, const int16_t *x, double *to)
{
	for (unsigned i = 0; i < l->n; i++)
		to[i] = x[i] / (double)FORECAST_ONE;
	to[l->n] = 1;
}

static double dot(const double *a, const double *b, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

void linear_update(struct linear *l, const int16_t *x, double y)
{
	unsigned n = l->n + 1;
	double u[FORECAST_FEATURES + 1], pu[FORECAST_FEATURES + 1], d, off;
	double forget = l->forget;

	scaled(l, x, u);
	for (unsigned i = 0; i < n; i++)
		pu[i] = dot(l->p[i], u, n);
	d = forget + dot(u, pu, n);
	/* Rounding has cost it its shape: the weights stay. */
	if (!(d >= forget / 2)) {
		start(l);
		return;
	}
	off = y / FORECAST_ONE - dot(l->w, u, n);
	for (unsigned i = 0; i < n; i++) {
		l->w[i] += pu[i] / d * off;
		if (l->p[i][i] > UNSURE_MAX)
			forget = 1;
	}
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j <= i; j++) {
			l->p[i][j] = (l->p[i][j] - pu[i] * pu[j] / d) / forget;
			l->p[j][i] = l->p[i][j];
		}
}

double linear_predict(const struct linear *l, const int16_t *x)
{
	double u[FORECAST_FEATURES + 1];

	scaled(l, x, u);
	return FORECAST_ONE * dot(l->w, u, l->n + 1);
}
