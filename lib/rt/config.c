/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "doc/json.h"

#define CONFIG_MAX (1u << 20)
#define IDLE_S	   300.0
#define DAY_S	   86400.0

static int field_error(const char *path, const char *field, const char *want)
{
	return err_set(EINVAL, "'%s': %s: %s", path, field, want);
}

static int read_number(const struct json *v, const char *path,
		       const char *field, double min, double max, double *out)
{
	const struct json *x = json_get(v, field);
	double d = json_as_number(x, NAN);

	if (!x)
		return 0;
	/* Also what is no number. */
	if (!(d >= min && d <= max))
		return err_set(EINVAL,
			       "'%s': %s: a number from %g to %g is needed",
			       path, field, min, max);
	*out = d;
	return 0;
}

static int read_policy(const struct json *v, const char *path,
		       struct rt_config *c)
{
	const struct json *x = json_get(v, "policy");

	if (!x)
		return 0;
	if (json_type(x) != JSON_STRING)
		return field_error(path, "policy", "a name is needed");
	if (!rt_policy_find(json_as_string(x, "")))
		return err_prefix(-EINVAL, "'%s': policy", path);
	free(c->policy);
	c->policy = mem_strdup(json_as_string(x, ""));
	return 0;
}

static int read_engine(const struct json *v, const char *path,
		       struct rt_config *c)
{
	struct rt_policy_opts *p = &c->engine.policy_opts;
	double levels = (double)p->levels;
	double queued = (double)c->engine.max_queued;
	const struct {
		const char *field;
		double min, max, *out;
	} rows[] = {
		{"quantum_tokens", 1, 1e9, &p->quantum_tokens},
		{"quantum_s", 0.001, DAY_S, &p->quantum_s},
		{"aging_s", 0.001, 365 * DAY_S, &p->aging_s},
		{"boost_s", 0.001, 365 * DAY_S, &p->boost_s},
		{"levels", 1, 64, &levels},
		{"hedge_pct", 0, 100, &c->engine.hedge_pct},
		{"max_queued", 1, 1e7, &queued},
		{"idle_s", 0.1, 365 * DAY_S, &c->idle_s},
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(rows); i++)
		rc = read_number(v, path, rows[i].field, rows[i].min,
				 rows[i].max, rows[i].out);
	p->levels = (long)levels;
	c->engine.max_queued = (size_t)queued;
	return rc;
}

static bool named_before(const struct rt_config *c, const char *name)
{
	for (size_t i = 0; i < c->worker_count; i++)
		if (!strcmp(c->workers[i].name, name))
			return true;
	return false;
}

static int read_workers(const struct json *v, const char *path,
			struct rt_config *c)
{
	if (json_type(v) != JSON_ARRAY)
		return field_error(path, "workers", "an array is needed");
	c->workers = mem_zalloc(json_len(v) + 1, sizeof(*c->workers));
	json_each (it, v) {
		struct rt_worker_spec *s = &c->workers[c->worker_count];
		int rc = rt_worker_spec_read(it, s);

		if (rc)
			return err_prefix(rc, "'%s': workers.%zu", path,
					  c->worker_count);
		if (named_before(c, s->name)) {
			rc = err_set(EINVAL, "'%s': two workers named '%s'",
				     path, s->name);
			rt_worker_spec_release(s);
			return rc;
		}
		c->worker_count++;
	}
	return 0;
}

static void host_worker(struct rt_config *c)
{
	c->workers = mem_zalloc(1, sizeof(*c->workers));
	c->worker_count = 1;
	rt_worker_spec_host(c->workers);
}

static const char *unknown_key(const struct json *v)
{
	static const char *const known[] = {
		"policy",  "quantum_tokens", "quantum_s", "aging_s",
		"boost_s", "levels",	     "hedge_pct", "max_queued",
		"idle_s",  "workers",	     "access"};

	json_each (it, v) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && strcmp(json_key(it), known[i]))
			i++;
		if (i == ARRAY_LEN(known))
			return json_key(it);
	}
	return NULL;
}

static int read_all(const struct json *v, const char *path, struct rt_config *c)
{
	const struct json *access = json_get(v, "access");
	const char *unknown;
	int rc;

	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "'%s': an object is needed", path);
	unknown = unknown_key(v);
	if (unknown)
		return field_error(path, unknown,
				   "no such setting; see "
				   "schedkit-runtime(5)");
	rc = read_policy(v, path, c);
	if (!rc)
		rc = read_engine(v, path, c);
	if (!rc && json_get(v, "workers"))
		rc = read_workers(json_get(v, "workers"), path, c);
	if (!rc && access && json_type(access) != JSON_ARRAY)
		rc = field_error(path, "access", "an array is needed");
	if (!rc && access)
		c->access = json_copy(access);
	return rc;
}

/* -ENOENT: there is none. */
static int read_file(const char *path, struct rt_config *c)
{
	struct json *v;
	struct buf b;
	int rc;

	buf_init(&b, CONFIG_MAX);
	rc = buf_read_file(&b, path);
	if (!rc) {
		v = json_parse(b.data ? b.data : "", b.len);
		rc = v ? read_all(v, path, c)
		       : err_prefix(-EINVAL, "'%s'", path);
		json_free(v);
	}
	buf_release(&b);
	return rc;
}

int rt_config_load(const char *path, struct rt_config *out)
{
	char *own = path ? NULL : path_config("runtime.json");
	int rc;

	*out = (struct rt_config){.idle_s = IDLE_S};
	rt_opts_init(&out->engine);
	out->policy = mem_strdup(out->engine.policy);
	rc = read_file(path ? path : own, out);
	if (rc == -ENOENT && !path) {
		err_clear();
		rc = 0;
	}
	free(own);
	if (!rc && !out->workers)
		host_worker(out);
	out->engine.policy = out->policy;
	if (rc)
		rt_config_release(out);
	return rc;
}

void rt_config_release(struct rt_config *c)
{
	for (size_t i = 0; i < c->worker_count; i++)
		rt_worker_spec_release(&c->workers[i]);
	free(c->workers);
	free(c->policy);
	json_free(c->access);
	*c = (struct rt_config){0};
}
