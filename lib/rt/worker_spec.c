/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/worker.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define CAN_MAX 64

/* The numbers of a specification. */
static const struct {
	const char *key;
	size_t at;
} numbers[] = {
	{"beat_s", offsetof(struct rt_worker_spec, beat_s)},
	{"requests_min", offsetof(struct rt_worker_spec, requests_min)},
	{"tokens_in_min", offsetof(struct rt_worker_spec, tokens_in_min)},
	{"tokens_out_min", offsetof(struct rt_worker_spec, tokens_out_min)},
	{"restart_s", offsetof(struct rt_worker_spec, restart_s)},
};

static double *number_of(struct rt_worker_spec *s, size_t i)
{
	return (double *)(void *)((char *)s + numbers[i].at);
}

void rt_worker_spec_init(struct rt_worker_spec *s)
{
	*s = (struct rt_worker_spec){.name = mem_strdup("")};
}

void rt_worker_spec_release(struct rt_worker_spec *s)
{
	for (size_t i = 0; s->can && s->can[i]; i++)
		free(s->can[i]);
	free(s->can);
	free(s->name);
	*s = (struct rt_worker_spec){0};
}

/* ---- reading ----------------------------------------------------------- */

static int read_name(const struct json *v, char **out)
{
	const char *s = json_as_string(v, "");

	if (!*s || strlen(s) > RT_NAME_MAX)
		return err_set(EINVAL,
			       "a worker needs a 'name' of 1 to %d bytes",
			       RT_NAME_MAX);
	free(*out);
	*out = mem_strdup(s);
	return 0;
}

static int read_kinds(const struct json *v, unsigned *out)
{
	enum rt_kind kind;
	int rc = 0;

	if (json_type(v) != JSON_ARRAY || !json_len(v))
		return err_set(EINVAL, "'kinds' has to be an array of kinds of "
				       "requests, at least one");
	*out = 0;
	json_each (it, v) {
		rc = rt_kind_read(json_as_string(it, ""), &kind);
		if (rc)
			return err_prefix(rc, "'kinds'");
		*out |= 1u << kind;
	}
	return 0;
}

static int read_can(const struct json *v, char ***out)
{
	size_t n = 0;

	if (json_type(v) != JSON_ARRAY || json_len(v) > CAN_MAX)
		return err_set(EINVAL,
			       "'can' has to be an array of at most %d "
			       "capabilities",
			       CAN_MAX);
	*out = mem_zalloc(json_len(v) + 1, sizeof(**out));
	json_each (it, v) {
		const char *s = json_as_string(it, "");

		if (!*s || strlen(s) > RT_NAME_MAX)
			return err_set(EINVAL,
				       "'can': a capability has 1 to %d bytes",
				       RT_NAME_MAX);
		(*out)[n++] = mem_strdup(s);
	}
	return 0;
}

static int read_order(const struct json *v, long *out)
{
	double x = json_as_number(v, NAN);

	if (!(fabs(x) <= 1e6) || x != trunc(x))
		return err_set(EINVAL, "'order' has to be a whole number of "
				       "at most a million");
	*out = (long)x;
	return 0;
}

static int read_number(const struct json *v, struct rt_worker_spec *s)
{
	double x = json_as_number(v, NAN);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (strcmp(json_key(v), numbers[i].key))
			continue;
		if (!(x >= 0 && x <= 1e12))
			return err_set(EINVAL, "'%s' has to be a number from 0",
				       numbers[i].key);
		*number_of(s, i) = x;
		return 0;
	}
	return err_set(EINVAL, "a worker has no field '%s'", json_key(v));
}

static int read_capacity(const struct json *v, struct vec *out)
{
	int rc = vec_read(v, out);

	return rc ? err_prefix(rc, "'capacity'") : 0;
}

static int read_field(const struct json *v, struct rt_worker_spec *s)
{
	const char *key = json_key(v);

	if (!strcmp(key, "name"))
		return read_name(v, &s->name);
	if (!strcmp(key, "kinds"))
		return read_kinds(v, &s->kinds);
	if (!strcmp(key, "can"))
		return s->can ? 0 : read_can(v, &s->can);
	if (!strcmp(key, "order"))
		return read_order(v, &s->order);
	if (!strcmp(key, "capacity"))
		return read_capacity(v, &s->capacity);
	return read_number(v, s);
}

int rt_worker_spec_read(const struct json *v, struct rt_worker_spec *out)
{
	int rc = 0;

	rt_worker_spec_init(out);
	if (json_type(v) != JSON_OBJECT)
		rc = err_set(EINVAL, "a worker has to be an object");
	json_each (it, v) {
		if (!rc)
			rc = read_field(it, out);
	}
	if (!rc && !*out->name)
		rc = read_name(NULL, &out->name);
	if (!rc && !out->kinds)
		rc = read_kinds(NULL, &out->kinds);
	if (rc && *out->name)
		err_prefix(rc, "worker '%s'", out->name);
	if (rc)
		rt_worker_spec_release(out);
	return rc;
}

/* ---- writing ----------------------------------------------------------- */

struct json *rt_worker_spec_json(const struct rt_worker_spec *s)
{
	struct json *v = json_object(), *kinds = json_array();

	json_set_string(v, "name", s->name);
	for (int k = 0; k < RT_KINDS; k++)
		if (s->kinds & 1u << k)
			json_add(kinds,
				 json_string(rt_kind_name((enum rt_kind)k)));
	json_set(v, "kinds", kinds);
	if (s->can) {
		struct json *can = json_set(v, "can", json_array());

		for (size_t i = 0; s->can[i]; i++)
			json_add(can, json_string(s->can[i]));
	}
	json_set(v, "capacity", vec_json(&s->capacity));
	json_set_number(v, "order", (double)s->order);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_set_number(
			v, numbers[i].key,
			*number_of((struct rt_worker_spec *)(uintptr_t)s, i));
	return v;
}
