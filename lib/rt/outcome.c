/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doing a request has used, and how it ended. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/request.h"

#define TOLD(x)                                        \
	{                                              \
#x, offsetof(struct rt_limits_told, x) \
	}

static const struct {
	const char *name;
	size_t at;
} told[] = {
	TOLD(requests_limit), TOLD(requests_left), TOLD(requests_reset_s),
	TOLD(in_limit),	      TOLD(in_left),	   TOLD(in_reset_s),
	TOLD(out_limit),      TOLD(out_left),	   TOLD(out_reset_s),
};

static double *told_at(const struct rt_limits_told *l, size_t i)
{
	return (double *)((char *)l + told[i].at);
}

void rt_usage_add(struct rt_usage *to, const struct rt_usage *x)
{
	to->seconds += x->seconds;
	to->core_seconds += x->core_seconds;
	to->tokens_in += x->tokens_in;
	to->tokens_cached += x->tokens_cached;
	to->tokens_out += x->tokens_out;
	to->cost_usd += x->cost_usd;
}

static int read_from_0(const struct json *v, const char *key, double *out)
{
	const struct json *x = json_get(v, key);

	*out = json_as_number(x, 0);
	/* A cost is null where no price is known. */
	if (x && json_type(x) != JSON_NUMBER && json_type(x) != JSON_NULL)
		return err_set(EINVAL, "'%s' is no number", key);
	if (*out < 0 || *out > 1e15)
		return err_set(EINVAL, "'%s' is not within 0 and 1e15", key);
	return 0;
}

static int read_tokens(const struct json *v, const char *key, long *out)
{
	double x;
	int rc = read_from_0(v, key, &x);

	*out = (long)x;
	return rc;
}

int rt_usage_read(const struct json *v, struct rt_usage *out)
{
	int rc = 0;

	*out = (struct rt_usage){0};
	if (v && json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "a usage is an object");
	rc = rc ?: read_from_0(v, "seconds", &out->seconds);
	rc = rc ?: read_from_0(v, "core_seconds", &out->core_seconds);
	rc = rc ?: read_from_0(v, "cost_usd", &out->cost_usd);
	rc = rc ?: read_tokens(v, "tokens_in", &out->tokens_in);
	rc = rc ?: read_tokens(v, "tokens_cached", &out->tokens_cached);
	return rc ?: read_tokens(v, "tokens_out", &out->tokens_out);
}

static void set_amount(struct json *to, const char *key, double x)
{
	if (x != 0)
		json_set_number(to, key, x);
}

struct json *rt_usage_json(const struct rt_usage *u)
{
	struct json *to = json_object();

	set_amount(to, "seconds", u->seconds);
	set_amount(to, "core_seconds", u->core_seconds);
	set_amount(to, "tokens_in", (double)u->tokens_in);
	set_amount(to, "tokens_cached", (double)u->tokens_cached);
	set_amount(to, "tokens_out", (double)u->tokens_out);
	set_amount(to, "cost_usd", u->cost_usd);
	return to;
}

void rt_outcome_init(struct rt_outcome *o)
{
	*o = (struct rt_outcome){0};
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		*told_at(&o->limits, i) = -1;
}

void rt_outcome_release(struct rt_outcome *o)
{
	free(o->text);
	free(o->result);
	rt_outcome_init(o);
}

void rt_outcome_copy(struct rt_outcome *to, const struct rt_outcome *from)
{
	*to = *from;
	to->text = from->text ? mem_strdup(from->text) : NULL;
	to->result = from->result ? mem_strdup(from->result) : NULL;
}

static int read_error(const struct json *v, struct rt_outcome *out)
{
	const struct json *e = json_get(v, "error");

	if (!e || json_type(e) == JSON_NULL)
		return 0;
	if (json_type(e) != JSON_OBJECT ||
	    json_type(json_get(e, "errno")) != JSON_STRING)
		return err_set(EINVAL, "'error' is no object with 'errno'");
	out->error = -err_number(json_text_at(e, "errno"));
	out->text = mem_strdup(json_text_at(e, "text"));
	return 0;
}

static int read_limits(const struct json *v, struct rt_limits_told *out)
{
	if (v && json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "'limits' is no object");
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		const struct json *x = json_get(v, told[i].name);

		if (x && json_type(x) != JSON_NUMBER)
			return err_set(EINVAL, "'%s' is no number",
				       told[i].name);
		*told_at(out, i) = json_as_number(x, -1);
	}
	return 0;
}

int rt_outcome_read(const struct json *v, struct rt_outcome *out)
{
	const struct json *result = json_get(v, "result");
	int rc = 0;

	rt_outcome_init(out);
	if (json_type(v) != JSON_OBJECT)
		rc = err_set(EINVAL, "an outcome is an object");
	rc = rc ?: read_error(v, out);
	rc = rc ?: read_from_0(v, "after_s", &out->after_s);
	rc = rc ?: rt_usage_read(json_get(v, "usage"), &out->used);
	rc = rc ?: read_limits(json_get(v, "limits"), &out->limits);
	out->again = json_as_bool(json_get(v, "again"), false);
	if (!rc && result) {
		out->result = json_canonical(result);
		if (strlen(out->result) > RT_PAYLOAD_MAX)
			rc = err_set(EINVAL, "'result' is over %u bytes",
				     RT_PAYLOAD_MAX);
	}
	if (rc)
		rt_outcome_release(out);
	return rc;
}

static struct json *limits_json(const struct rt_limits_told *l)
{
	struct json *to = NULL;

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		if (*told_at(l, i) < 0)
			continue;
		if (!to)
			to = json_object();
		json_set_number(to, told[i].name, *told_at(l, i));
	}
	return to;
}

struct json *rt_outcome_json(const struct rt_outcome *o)
{
	struct json *to = json_object(), *e, *v;

	if (o->error) {
		e = json_set(to, "error", json_object());
		json_set_string(e, "errno", err_name(-o->error));
		json_set_string(e, "text", o->text ? o->text : "");
	}
	if (o->again)
		json_set_bool(to, "again", true);
	set_amount(to, "after_s", o->after_s);
	if (o->result && *o->result) {
		v = json_parse(o->result, strlen(o->result));
		json_set(to, "result", v ? v : json_string(o->result));
	}
	json_set(to, "usage", rt_usage_json(&o->used));
	json_set(to, "limits", limits_json(&o->limits));
	return to;
}
