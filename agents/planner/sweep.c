/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A grid in the parameter space. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/planner/planner.h"
#include "base/err.h"
#include "base/mem.h"

#define MAX_AXES  16
#define PER_POINT ((size_t)100)

struct axis {
	const struct param *row;
	char **values;
	size_t n;
};

struct grid {
	char *text;
	struct axis v[MAX_AXES];
	size_t n;
};

static void release(struct grid *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].values);
	free(g->text);
}

/* "order=fifo,longest", cut to pieces. */
static int read_axis(struct grid *g, char *text)
{
	char *values = strchr(text, '='), *save = NULL;
	struct axis *a = &g->v[g->n];

	if (!values)
		return err_set(EINVAL, "'%s' is not PARAM=VALUE,...", text);
	*values++ = '\0';
	if (g->n == MAX_AXES)
		return err_set(EINVAL, "more than %d parameters", MAX_AXES);
	*a = (struct axis){.row = policy_param(text)};
	if (!a->row)
		return err_set(EINVAL,
			       "there is no parameter '%s'; --list-params "
			       "names all",
			       text);
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].row == a->row)
			return err_set(EINVAL, "'%s' is there twice", text);
	for (char *w = strtok_r(values, ",", &save); w;
	     w = strtok_r(NULL, ",", &save)) {
		a->values =
			mem_realloc(a->values, a->n + 1, sizeof(*a->values));
		a->values[a->n++] = w;
	}
	g->n++;
	return a->n ? 0 : err_set(EINVAL, "'%s' has no value", text);
}

static struct json *value_of(const struct param *row, const char *text)
{
	char *end;
	double x;

	if (row->kind == PARAM_SWITCH &&
	    (!strcmp(text, "true") || !strcmp(text, "false")))
		return json_bool(!strcmp(text, "true"));
	x = strtod(text, &end);
	return row->kind == PARAM_NUMBER && *text && !*end ? json_number(x)
							   : json_string(text);
}

/* The point with number k, counted like digits of mixed size. */
static int read_point(const struct grid *g, size_t k, struct policy_params *out)
{
	struct json *body = json_object();
	struct json *params = json_set(body, "params", json_object());
	int rc;

	for (size_t i = g->n; i-- > 0; k /= g->v[i].n)
		json_set(params, g->v[i].row->name,
			 value_of(g->v[i].row, g->v[i].values[k % g->v[i].n]));
	rc = policy_params_read(body, out);
	json_free(body);
	policy_params_normalise(out);
	return rc;
}

static int read_points(const struct grid *g, struct policy_params *out,
		       size_t max, size_t *n)
{
	size_t all = 1, k;

	/* However many of them may be one policy. */
	for (size_t i = 0; i < g->n; i++)
		if ((all *= g->v[i].n) > PER_POINT * max)
			return err_set(E2BIG, "more than %zu combinations",
				       PER_POINT * max);
	for (size_t i = 0; i < all; i++) {
		struct policy_params p;
		int rc = read_point(g, i, &p);

		if (rc)
			return rc;
		for (k = 0; k < *n; k++)
			if (!memcmp(&out[k], &p, sizeof(p)))
				break;
		if (k < *n)
			continue;
		if (*n == max)
			return err_set(E2BIG, "more than %zu points", max);
		out[(*n)++] = p;
	}
	return 0;
}

int planner_sweep(const char *text, struct policy_params *out, size_t max,
		  size_t *n)
{
	struct grid g = {.text = mem_strdup(text)};
	char *save = NULL;
	int rc = 0;

	*n = 0;
	for (char *w = strtok_r(g.text, ";", &save); w && !rc;
	     w = strtok_r(NULL, ";", &save))
		rc = read_axis(&g, w);
	if (!rc && !g.n)
		rc = err_set(EINVAL, "no parameter is named");
	if (!rc)
		rc = read_points(&g, out, max, n);
	release(&g);
	return rc;
}
