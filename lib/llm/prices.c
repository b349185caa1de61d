/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/prices.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define FILE_MAX (1u << 20)

static int number(const struct json *row, const char *key, double *out)
{
	*out = json_as_number(json_get(row, key), -1);
	if (*out < 0)
		return err_set(EINVAL, "'%s' has to be a number of USD", key);
	return 0;
}

static int add(struct prices *p, const struct json *row)
{
	const char *match = json_as_string(json_get(row, "match"), NULL);
	struct price x = {0};
	int rc = number(row, "in_usd_per_mtok", &x.in);

	if (!rc)
		rc = number(row, "out_usd_per_mtok", &x.out);
	x.cached = x.in;
	if (!rc && json_get(row, "cached_usd_per_mtok"))
		rc = number(row, "cached_usd_per_mtok", &x.cached);
	if (!rc && !match)
		rc = err_set(EINVAL, "a row without 'match'");
	if (rc)
		return rc;
	x.match = mem_strdup(match);
	p->rows = mem_realloc(p->rows, p->n + 1, sizeof(*p->rows));
	p->rows[p->n++] = x;
	return 0;
}

int prices_read(struct prices *p, const char *path)
{
	struct json *v = NULL;
	struct buf b;
	int rc;

	if (access(path, F_OK) < 0)
		return err_set(ENOENT, "there is no '%s'", path);
	buf_init(&b, FILE_MAX);
	rc = buf_read_file(&b, path);
	if (!rc)
		v = json_parse(b.data ? b.data : "", b.len);
	if (!rc && json_type(json_get(v, "models")) != JSON_ARRAY)
		rc = err_set(EINVAL, "'%s' is no price list: %s", path,
			     v ? "it lacks an array 'models'" : err_text());
	json_each (it, json_get(v, "models")) {
		if (!rc && (rc = add(p, it)))
			err_prefix(rc, "price list '%s'", path);
	}
	if (!rc)
		strs_add(&p->files, path);
	buf_release(&b);
	json_free(v);
	return rc;
}

void prices_release(struct prices *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->rows[i].match);
	free(p->rows);
	strs_release(&p->files);
	*p = (struct prices){0};
}

const struct price *prices_find(const struct prices *p, const char *model)
{
	for (size_t i = 0; model && i < p->n; i++)
		if (!fnmatch(p->rows[i].match, model, FNM_CASEFOLD))
			return &p->rows[i];
	return NULL;
}

double price_usd(const struct price *p, const struct llm_usage *u)
{
	long cached = u->cached < u->in ? u->cached : u->in;

	return ((double)(u->in - cached) * p->in + (double)cached * p->cached +
		(double)u->out * p->out) /
	       1e6;
}
