/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/forecast.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "crypt/digest.h"

#define UNIT	   ((double)(1 << FORECAST_SHIFT))
#define BIAS_UNIT  ((double)(1 << (FORECAST_SHIFT - FORECAST_BIAS)))
#define FEATURE_AT 32768.0	     /* no feature is larger */
#define HALF	   0.5		     /* the result is rounded */
#define DOUBLES	   (1.0 / (1 << 17)) /* what their own sums may be off by */
#define FILE_LEN   (sizeof(struct forecast) + DIGEST_HEX_LEN)

void forecast_init(struct forecast *m, uint32_t feature_version,
		   uint32_t features)
{
	memset(m, 0, sizeof(*m));
	m->magic = FORECAST_MAGIC;
	m->version = FORECAST_VERSION;
	m->feature_version = feature_version;
	m->features = features;
}

double forecast_kept(double units)
{
	return fmin(fmax(units, 0), FORECAST_MOST);
}

/* The nearest integer in 1 / scale; *off gets how far it is, in units. */
static int rounded(double x, double scale, int32_t *out, double *off)
{
	double near = round(x * scale);

	if (!(fabs(near) < 2147483647.0))
		return -ERANGE;
	*out = (int32_t)near;
	*off = fabs(near / scale - x);
	return 0;
}

static void set_bound(struct forecast_part *p, double off)
{
	p->bound = (uint32_t)ceil((off + HALF + DOUBLES) * UNIT);
}

int forecast_of_linear(const struct linear *l, struct forecast_part *out)
{
	double off, sum;

	memset(out, 0, sizeof(*out));
	out->kind = FORECAST_LINEAR;
	if (rounded(l->w[l->n] * FORECAST_ONE, BIAS_UNIT, &out->bias, &sum))
		return err_set(ERANGE, "the constant %g is too large",
			       l->w[l->n]);
	for (unsigned i = 0; i < l->n; i++) {
		/* Features and target are scaled alike. */
		if (rounded(l->w[i], UNIT, &out->weight[i], &off))
			return err_set(ERANGE,
				       "the weight %g of feature %u is too "
				       "large",
				       l->w[i], i);
		sum += off * FEATURE_AT;
	}
	set_bound(out, sum);
	return 0;
}

static int of_tree(const struct tree *t, struct forecast_tree *out,
		   double *most)
{
	double off;

	*most = 0;
	for (unsigned i = 0; i < FORECAST_NODES; i++) {
		if (rounded(t->leaf[i], UNIT, &out->leaf[i], &off))
			return err_set(ERANGE, "the leaf %g is too large",
				       t->leaf[i]);
		*most = fmax(*most, off);
	}
	for (unsigned i = 1; i < FORECAST_NODES; i++)
		out->node[i] = (uint32_t)(t->threshold[i] + 32768) << 16 |
			       FORECAST_WORD * t->feature[i];
	return 0;
}

int forecast_of_trees(const struct trees *t, struct forecast_part *out)
{
	double off, sum;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->kind = FORECAST_BOOSTED;
	out->trees = t->n;
	if (rounded(t->base, BIAS_UNIT, &out->bias, &sum))
		return err_set(ERANGE, "the base %g is too large", t->base);
	for (unsigned i = 0; i < t->n && !rc; i++) {
		rc = of_tree(&t->tree[i], &out->tree[i], &off);
		sum += off;
	}
	set_bound(out, sum);
	return rc;
}

double forecast_bound(const struct forecast_part *p)
{
	return p->bound / UNIT;
}

/* ---- files ------------------------------------------------------------- */

void forecast_put(const struct forecast *m, struct buf *out)
{
	char digest[DIGEST_HEX_LEN];

	digest_hex(m, sizeof(*m), digest);
	buf_add(out, m, sizeof(*m));
	buf_printf(out, "%s\n", digest);
}

int forecast_get(const void *bytes, size_t len, struct forecast *out)
{
	const char *b = bytes;
	char digest[DIGEST_HEX_LEN];

	if (len >= sizeof(*out))
		memcpy(out, bytes, sizeof(*out));
	if (len < sizeof(*out) || out->magic != FORECAST_MAGIC)
		return err_set(EINVAL, "it is no model");
	digest_hex(out, sizeof(*out), digest);
	if (len != FILE_LEN ||
	    memcmp(b + sizeof(*out), digest, DIGEST_HEX_LEN - 1) ||
	    b[len - 1] != '\n')
		return err_set(EINVAL, "it is damaged");
	return forecast_check(out);
}

int forecast_write(const char *path, const struct forecast *m)
{
	struct buf b;
	int rc;

	buf_init(&b, FILE_LEN + 1);
	forecast_put(m, &b);
	rc = path_write_public(path, b.data, b.len);
	buf_release(&b);
	return rc;
}

int forecast_read(const char *path, struct forecast *out)
{
	struct buf b;
	int rc;

	buf_init(&b, FILE_LEN + 1);
	rc = buf_read_file(&b, path);
	if (rc == -EFBIG)
		rc = err_set(EINVAL, "'%s': it is no model", path);
	else if (!rc && (rc = forecast_get(b.data ? b.data : "", b.len, out)))
		err_prefix(rc, "'%s'", path);
	buf_release(&b);
	return rc;
}
