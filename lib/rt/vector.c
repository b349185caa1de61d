/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/vector.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* Thousandths in the vector, whole ones in JSON. */
static const struct {
	const char *name;
	double scale;
} table[RES_COUNT] = {
	[RES_CORES] = {"cores", 1000},	     [RES_MEMORY] = {"memory_mib", 1},
	[RES_GPU] = {"gpu", 1000},	     [RES_GUESTS] = {"guest_slots", 1},
	[RES_SLOTS] = {"endpoint_slots", 1}, [RES_TOKENS] = {"tokens", 1},
};

const char *res_name(enum res r)
{
	return table[r].name;
}

enum res vec_lacks(const struct vec *need, const struct vec *in)
{
	for (int i = 0; i < RES_COUNT; i++)
		if (need->v[i] > in->v[i])
			return (enum res)i;
	return RES_COUNT;
}

bool vec_fits(const struct vec *need, const struct vec *in)
{
	return vec_lacks(need, in) == RES_COUNT;
}

void vec_add(struct vec *to, const struct vec *x)
{
	for (int i = 0; i < RES_COUNT; i++)
		to->v[i] += x->v[i];
}

void vec_sub(struct vec *from, const struct vec *x)
{
	for (int i = 0; i < RES_COUNT; i++)
		from->v[i] -= x->v[i];
}

void vec_max(struct vec *to, const struct vec *x)
{
	for (int i = 0; i < RES_COUNT; i++)
		if (x->v[i] > to->v[i])
			to->v[i] = x->v[i];
}

bool vec_zero(const struct vec *x)
{
	for (int i = 0; i < RES_COUNT; i++)
		if (x->v[i])
			return false;
	return true;
}

bool vec_equal(const struct vec *a, const struct vec *b)
{
	return !memcmp(a, b, sizeof(*a));
}

double vec_dominant(const struct vec *used, const struct vec *capacity)
{
	double most = 0;

	for (int i = 0; i < RES_COUNT; i++)
		if (capacity->v[i] > 0)
			most = fmax(most, (double)used->v[i] /
						  (double)capacity->v[i]);
	return fmin(fmax(most, 0), 1);
}

static int read_component(const struct json *v, struct vec *out)
{
	const char *name = json_key(v);

	for (int i = 0; i < RES_COUNT; i++) {
		double x = json_as_number(v, -1) * table[i].scale;

		if (strcmp(name, table[i].name))
			continue;
		if (json_type(v) != JSON_NUMBER)
			return err_set(EINVAL, "'%s' is no number", name);
		if (x < 0 || x > (double)RES_MAX)
			return err_set(EINVAL, "'%s' is not within 0 and %g",
				       name, (double)RES_MAX / table[i].scale);
		/* Rounded up: what is asked for is not cut short. */
		out->v[i] = (int64_t)ceil(x - 1e-6);
		return 0;
	}
	return err_set(EINVAL,
		       "'%s' is no resource; there are cores, "
		       "memory_mib, gpu, guest_slots, endpoint_slots and "
		       "tokens",
		       name);
}

int vec_read(const struct json *v, struct vec *out)
{
	enum json_type type = json_type(v);

	*out = (struct vec){0};
	if (type == JSON_ABSENT || type == JSON_NULL)
		return 0;
	if (type != JSON_OBJECT)
		return err_set(EINVAL, "resources are an object, not %s",
			       json_type_name(type));
	json_each (it, v) {
		int rc = read_component(it, out);

		if (rc)
			return rc;
	}
	return 0;
}

struct json *vec_json(const struct vec *x)
{
	struct json *out = json_object();

	for (int i = 0; i < RES_COUNT; i++)
		if (x->v[i])
			json_set_number(out, table[i].name,
					(double)x->v[i] / table[i].scale);
	return out;
}
