/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/trees.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/sample.h"

#define BINS	  64
#define SHRINK	  0.3
#define LEAST	  20		 /* rows of a leaf */
#define FAR	  (FORECAST_ONE) /* what is off by more counts as this */
#define LEAF_MOST 2000.0	 /* units; fits into 2^-20 of them */
#define SPAN	  (FORECAST_MOST + 2048) /* of what a row can be off by */

struct cell {
	double sum;
	uint32_t n;
};

struct fit {
	const struct picks *s;
	unsigned features;
	/* Bin b of a feature: values in (edge[b - 1], edge[b]]. */
	int16_t edge[FORECAST_FEATURES][BINS];
	unsigned bins[FORECAST_FEATURES];
	uint8_t *bin; /* by feature, then row */
	uint8_t *node;
	float *off; /* what is left to be explained */
	struct cell (*hist)[FORECAST_FEATURES][BINS]; /* by node of a level */
	uint32_t *count;			      /* of a median */
};

struct split {
	double gain;
	unsigned feature, bin;
};

/* ---- bins -------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	return *(const int16_t *)a - *(const int16_t *)b;
}

/* Edges at quantiles, each another value; the last holds all that is left. */
static void find_edges(struct fit *f, unsigned k, int16_t *room)
{
	size_t n = f->s->n;
	unsigned bins = 0;

	for (size_t i = 0; i < n; i++)
		room[i] = f->s->v[i]->x[k];
	qsort(room, n, sizeof(*room), by_value);
	for (unsigned b = 1; b < BINS; b++) {
		int16_t at = room[(n - 1) * b / BINS];

		if (at < room[n - 1] && (!bins || at > f->edge[k][bins - 1]))
			f->edge[k][bins++] = at;
	}
	f->edge[k][bins++] = INT16_MAX;
	f->bins[k] = bins;
}

static uint8_t bin_of(const struct fit *f, unsigned k, int16_t x)
{
	unsigned lo = 0, hi = f->bins[k] - 1;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (x <= f->edge[k][mid])
			hi = mid;
		else
			lo = mid + 1;
	}
	return (uint8_t)lo;
}

static void fit_init(struct fit *f, const struct picks *s, unsigned features)
{
	size_t n = s->n;
	int16_t *room = mem_zalloc(n, sizeof(*room));

	*f = (struct fit){.s = s, .features = features};
	f->bin = mem_zalloc(n, features ? features : 1);
	f->node = mem_zalloc(n, 1);
	f->off = mem_zalloc(n, sizeof(*f->off));
	f->hist = mem_zalloc(FORECAST_NODES / 2, sizeof(*f->hist));
	f->count = mem_zalloc(2 * SPAN + 1, sizeof(*f->count));
	for (unsigned k = 0; k < features; k++) {
		find_edges(f, k, room);
		for (size_t i = 0; i < n; i++)
			f->bin[k * n + i] = bin_of(f, k, s->v[i]->x[k]);
	}
	free(room);
}

static void fit_release(struct fit *f)
{
	free(f->bin);
	free(f->node);
	free(f->off);
	free(f->hist);
	free(f->count);
}

/* ---- a tree ------------------------------------------------------------ */

static double near(double off)
{
	return off > FAR ? FAR : off < -FAR ? -FAR : off;
}

static void fill(struct fit *f, unsigned first)
{
	size_t n = f->s->n;

	memset(f->hist, 0, FORECAST_NODES / 2 * sizeof(*f->hist));
	for (unsigned k = 0; k < f->features; k++) {
		const uint8_t *bin = f->bin + k * n;

		for (size_t i = 0; i < n; i++) {
			struct cell *c =
				&f->hist[f->node[i] - first][k][bin[i]];

			c->sum += near(f->off[i]);
			c->n++;
		}
	}
}

static double worth(double sum, double n)
{
	return n > 0 ? sum * sum / n : 0;
}

static void try_feature(const struct cell *h, unsigned bins, unsigned k,
			struct split *best)
{
	double sum = 0, all = 0, least = LEAST;
	uint32_t n = 0, total = 0;

	for (unsigned b = 0; b < bins; b++) {
		all += h[b].sum;
		total += h[b].n;
	}
	for (unsigned b = 0; b + 1 < bins; b++) {
		double gain;

		sum += h[b].sum;
		n += h[b].n;
		if (n < least || total - n < least)
			continue;
		gain = worth(sum, n) + worth(all - sum, total - n) -
		       worth(all, total);
		if (gain > best->gain)
			*best = (struct split){gain, k, b};
	}
}

/* Splits the nodes of a level, and sends the rows on. */
static void grow_level(struct fit *f, unsigned first, struct tree *t)
{
	size_t n = f->s->n;

	fill(f, first);
	for (unsigned m = 0; m < first; m++) {
		struct split best = {.gain = 1e-9};

		t->feature[first + m] = 0;
		t->threshold[first + m] = INT16_MAX;
		for (unsigned k = 0; k < f->features; k++)
			try_feature(f->hist[m][k], f->bins[k], k, &best);
		if (best.gain <= 1e-9)
			continue;
		t->feature[first + m] = (uint8_t)best.feature;
		t->threshold[first + m] = f->edge[best.feature][best.bin];
	}
	for (size_t i = 0; i < n; i++) {
		unsigned at = f->node[i];
		bool right = f->s->v[i]->x[t->feature[at]] > t->threshold[at];

		f->node[i] = (uint8_t)(2 * at + right);
	}
}

static size_t slot_of(double off)
{
	double at = off + SPAN;

	return at < 0 ? 0 : at > 2 * SPAN ? 2 * SPAN : (size_t)(at + 0.5);
}

/* Of what the rows of a leaf are off, to a unit. */
static double median_of(struct fit *f, unsigned leaf, size_t *rows)
{
	size_t n = 0, seen = 0, i;

	memset(f->count, 0, (2 * SPAN + 1) * sizeof(*f->count));
	for (i = 0; i < f->s->n; i++)
		if (f->node[i] == leaf) {
			f->count[slot_of(f->off[i])]++;
			n++;
		}
	*rows = n;
	for (i = 0; i <= 2 * SPAN; i++) {
		seen += f->count[i];
		if (2 * seen >= n)
			break;
	}
	return (double)i - SPAN;
}

/* Friedman's step for Huber's loss: the median, and what is near it. */
static double leaf_value(struct fit *f, unsigned leaf)
{
	double middle, sum = 0, value;
	size_t n;

	middle = median_of(f, leaf, &n);
	if (!n)
		return 0;
	for (size_t i = 0; i < f->s->n; i++)
		if (f->node[i] == leaf)
			sum += near(f->off[i] - middle);
	value = SHRINK * (middle + sum / (double)n);
	return value > LEAF_MOST    ? LEAF_MOST
	       : value < -LEAF_MOST ? -LEAF_MOST
				    : value;
}

static void grow(struct fit *f, struct tree *t)
{
	memset(f->node, 1, f->s->n);
	for (unsigned first = 1; first < FORECAST_NODES; first *= 2)
		grow_level(f, first, t);
	for (unsigned i = 0; i < FORECAST_NODES; i++)
		t->leaf[i] = leaf_value(f, FORECAST_NODES + i);
	for (size_t i = 0; i < f->s->n; i++)
		f->off[i] -= (float)t->leaf[f->node[i] - FORECAST_NODES];
}

/* ---- all of them ------------------------------------------------------- */

static double tree_leaf(const struct tree *t, const int16_t *x)
{
	unsigned n = 1;

	while (n < FORECAST_NODES)
		n = 2 * n + (x[t->feature[n]] > t->threshold[n]);
	return t->leaf[n - FORECAST_NODES];
}

double trees_predict(const struct trees *t, const int16_t *x)
{
	double sum = t->base;

	for (unsigned i = 0; i < t->n; i++)
		sum += tree_leaf(&t->tree[i], x);
	return sum;
}

static double median_y(const struct picks *s)
{
	double *y = mem_zalloc(s->n, sizeof(*y)), m;

	for (size_t i = 0; i < s->n; i++)
		y[i] = picks_y(s, i);
	sample_sort(y, s->n);
	m = sample_quantile(y, s->n, 0.5);
	free(y);
	return m;
}

/* What t misses the later rows by; at: what the trees before it say of them. */
static double later_error(const struct picks *valid, const struct tree *t,
			  double *at)
{
	double sum = 0;

	for (size_t i = 0; i < valid->n; i++) {
		at[i] += tree_leaf(t, valid->v[i]->x);
		sum += fabs(at[i] - picks_y(valid, i));
	}
	return sum;
}

void trees_fit(const struct picks *fit, const struct picks *valid,
	       unsigned features, unsigned most, struct trees *out)
{
	double best = INFINITY, *at = mem_zalloc(valid->n + 1, sizeof(*at));
	struct fit f;

	memset(out, 0, sizeof(*out));
	out->base = median_y(fit);
	fit_init(&f, fit, features);
	for (size_t i = 0; i < fit->n; i++)
		f.off[i] = (float)(picks_y(fit, i) - out->base);
	for (size_t i = 0; i < valid->n; i++)
		at[i] = out->base;
	for (unsigned k = 0; k < most; k++) {
		double error;

		grow(&f, &out->tree[k]);
		error = later_error(valid, &out->tree[k], at);
		if (!valid->n || error < best) {
			best = error;
			out->n = k + 1;
		}
	}
	free(at);
	fit_release(&f);
}
