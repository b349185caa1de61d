/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/request.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static const char *const kinds[RT_KINDS] = {
	[RT_LLM] = "llm",	  [RT_TOOL] = "tool", [RT_MEMORY] = "memory",
	[RT_STORAGE] = "storage", [RT_SIM] = "sim",   [RT_GUEST] = "guest",
};

static const char *const edges[] = {
	[RT_EDGE_FAIL] = "fail",
	[RT_EDGE_SKIP] = "skip",
	[RT_EDGE_RUN] = "run",
};

const char *rt_kind_name(enum rt_kind k)
{
	return kinds[k];
}

int rt_kind_read(const char *s, enum rt_kind *out)
{
	for (int i = 0; i < RT_KINDS; i++)
		if (!strcmp(s, kinds[i])) {
			*out = (enum rt_kind)i;
			return 0;
		}
	return err_set(EINVAL,
		       "'%s' is no kind of request; there are llm, tool, "
		       "memory, storage, sim and guest",
		       s);
}

/* Names, and where they stand; what they may be at most. */
static const struct {
	const char *name;
	size_t at;
} names[] = {
	{"agent", offsetof(struct rt_request, agent)},
	{"run", offsetof(struct rt_request, run)},
	{"candidate", offsetof(struct rt_request, candidate)},
	{"key", offsetof(struct rt_request, key)},
	{"worker", offsetof(struct rt_request, worker)},
	{"prefix", offsetof(struct rt_request, prefix)},
	{"within", offsetof(struct rt_request, within)},
};

static char **name_at(const struct rt_request *q, size_t i)
{
	return (char **)((char *)q + names[i].at);
}

void rt_request_init(struct rt_request *q)
{
	*q = (struct rt_request){
		.priority = 100, .deadline = INFINITY, .predicted_s = -1};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		*name_at(q, i) = mem_strdup("");
	q->payload = mem_strdup("");
}

void rt_request_release(struct rt_request *q)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		free(*name_at(q, i));
	free(q->payload);
	for (size_t i = 0; q->wants && q->wants[i]; i++)
		free(q->wants[i]);
	free(q->wants);
	for (size_t i = 0; i < q->dep_count; i++)
		free(q->deps[i].key);
	free(q->deps);
	*q = (struct rt_request){0};
}

static char **copy_list(char *const *from)
{
	size_t n = 0;
	char **to;

	if (!from)
		return NULL;
	while (from[n])
		n++;
	to = mem_zalloc(n + 1, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = mem_strdup(from[i]);
	return to;
}

void rt_request_copy(struct rt_request *to, const struct rt_request *from)
{
	*to = *from;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *s = *name_at(from, i);

		*name_at(to, i) = mem_strdup(s ? s : "");
	}
	to->payload = mem_strdup(from->payload ? from->payload : "");
	to->wants = copy_list(from->wants);
	to->deps = NULL;
	if (from->dep_count)
		to->deps = mem_zalloc(from->dep_count, sizeof(*to->deps));
	for (size_t i = 0; i < from->dep_count; i++)
		to->deps[i] = (struct rt_dep){mem_strdup(from->deps[i].key),
					      from->deps[i].on_failure};
}

bool rt_request_once(const struct rt_request *q)
{
	return !q->idempotent && (q->kind == RT_TOOL || q->kind == RT_STORAGE);
}

size_t rt_request_bytes(const struct rt_request *q)
{
	size_t bytes = sizeof(*q) + strlen(q->payload);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		bytes += strlen(*name_at(q, i));
	for (size_t i = 0; q->wants && q->wants[i]; i++)
		bytes += sizeof(*q->wants) + strlen(q->wants[i]);
	for (size_t i = 0; i < q->dep_count; i++)
		bytes += sizeof(*q->deps) + strlen(q->deps[i].key);
	return bytes;
}

/* ---- from JSON --------------------------------------------------------- */

static int read_text(const struct json *v, size_t max, char **out)
{
	const char *s = json_as_string(v, NULL);

	if (!s)
		return err_set(EINVAL, "'%s' is no text", json_key(v));
	if (strlen(s) > max)
		return err_set(EINVAL, "'%s' is over %zu bytes", json_key(v),
			       max);
	free(*out);
	*out = mem_strdup(s);
	return 0;
}

static int read_number(const struct json *v, double low, double high,
		       double *out)
{
	if (json_type(v) != JSON_NUMBER)
		return err_set(EINVAL, "'%s' is no number", json_key(v));
	*out = json_as_number(v, 0);
	if (!(*out >= low && *out <= high))
		return err_set(EINVAL, "'%s' is not within %g and %g",
			       json_key(v), low, high);
	return 0;
}

static int read_whole(const struct json *v, long low, long high, long *out)
{
	double x;
	int rc = read_number(v, (double)low, (double)high, &x);

	if (!rc && x != floor(x))
		rc = err_set(EINVAL, "'%s' is no whole number", json_key(v));
	if (!rc)
		*out = (long)x;
	return rc;
}

static int read_bool(const struct json *v, bool *out)
{
	if (json_type(v) != JSON_BOOL)
		return err_set(EINVAL, "'%s' is neither true nor false",
			       json_key(v));
	*out = json_as_bool(v, false);
	return 0;
}

static int read_wants(const struct json *v, struct rt_request *out)
{
	size_t n = json_len(v), i = 0;

	if (json_type(v) != JSON_ARRAY || n > RT_NAME_MAX)
		return err_set(EINVAL, "'wants' is no list of names");
	out->wants = n ? mem_zalloc(n + 1, sizeof(*out->wants)) : NULL;
	json_each (it, v) {
		const char *s = json_as_string(it, "");

		if (!*s || strlen(s) > RT_NAME_MAX)
			return err_set(EINVAL, "'wants' has no name in [%zu]",
				       i);
		out->wants[i++] = mem_strdup(s);
	}
	return 0;
}

static int read_edge(const char *s, enum rt_edge *out)
{
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		if (!strcmp(s, edges[i])) {
			*out = (enum rt_edge)i;
			return 0;
		}
	return err_set(EINVAL, "'on_failure' is '%s', not fail, skip or run",
		       s);
}

static int read_after(const struct json *v, struct rt_request *out)
{
	size_t n = json_len(v);

	if (json_type(v) != JSON_ARRAY || n > RT_DEPS_MAX)
		return err_set(EINVAL, "'after' is no list of up to %d keys",
			       RT_DEPS_MAX);
	out->deps = n ? mem_zalloc(n, sizeof(*out->deps)) : NULL;
	json_each (it, v) {
		bool object = json_type(it) == JSON_OBJECT;
		const char *key =
			json_as_string(object ? json_get(it, "key") : it, "");
		struct rt_dep *d = &out->deps[out->dep_count];
		int rc;

		if (!*key || strlen(key) > RT_NAME_MAX)
			return err_set(EINVAL, "'after' has no key in [%zu]",
				       out->dep_count);
		rc = read_edge(json_as_string(json_get(it, "on_failure"),
					      edges[RT_EDGE_FAIL]),
			       &d->on_failure);
		if (rc)
			return rc;
		d->key = mem_strdup(key);
		out->dep_count++;
	}
	return 0;
}

static int read_features(const struct json *v, struct rt_request *out)
{
	size_t i = 0;

	if (json_type(v) != JSON_ARRAY || json_len(v) > RT_FEATURES)
		return err_set(EINVAL,
			       "'features' is no list of up to %d "
			       "numbers",
			       RT_FEATURES);
	json_each (it, v) {
		double x = json_as_number(it, -1);

		if (!(x >= 0))
			return err_set(EINVAL,
				       "'features' has no number from "
				       "0 on in [%zu]",
				       i);
		out->features[i++] = x;
	}
	return 0;
}

static int read_payload(const struct json *v, struct rt_request *out)
{
	char *text = json_canonical(v);

	if (strlen(text) > RT_PAYLOAD_MAX) {
		free(text);
		return err_set(EINVAL, "'payload' is over %u bytes",
			       RT_PAYLOAD_MAX);
	}
	free(out->payload);
	out->payload = text;
	return 0;
}

static int read_place(const struct json *v, struct rt_request *out)
{
	const char *s = json_as_string(v, "");

	if (strcmp(s, "self") && strcmp(s, "worker"))
		return err_set(EINVAL, "'place' is neither self nor worker");
	out->place = *s == 's' ? RT_SELF : RT_WORKER;
	return 0;
}

static int read_vec(const struct json *v, struct vec *out)
{
	int rc = vec_read(v, out);

	return rc ? err_prefix(rc, "'%s'", json_key(v)) : 0;
}

static int read_kind(const struct json *v, struct rt_request *out)
{
	if (json_type(v) != JSON_STRING)
		return err_set(EINVAL, "'kind' is no text");
	return rt_kind_read(json_as_string(v, ""), &out->kind);
}

static int read_amount(const struct json *v, double now, struct rt_request *out)
{
	const char *k = json_key(v);
	double x;
	int rc;

	if (!strcmp(k, "priority"))
		return read_whole(v, 0, RT_PRIORITY_MAX, &out->priority);
	if (!strcmp(k, "attempts"))
		return read_whole(v, 0, RT_ATTEMPTS_MAX, &out->attempts);
	if (!strcmp(k, "tokens_in"))
		return read_whole(v, 0, 1l << 40, &out->tokens_in);
	if (!strcmp(k, "tokens_out"))
		return read_whole(v, 0, 1l << 40, &out->tokens_out);
	if (!strcmp(k, "predicted_s"))
		return read_number(v, 0, 1e9, &out->predicted_s);
	if (!strcmp(k, "deadline_s")) {
		rc = read_number(v, -1e9, 1e9, &x);
		out->deadline = rc ? INFINITY : now + x;
		return rc;
	}
	return err_set(EINVAL, "a request has no field '%.64s'", k);
}

static int read_field(const struct json *v, double now, struct rt_request *out)
{
	const char *k = json_key(v);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(k, names[i].name))
			return read_text(v, RT_NAME_MAX, name_at(out, i));
	if (!strcmp(k, "kind"))
		return read_kind(v, out);
	if (!strcmp(k, "place"))
		return read_place(v, out);
	if (!strcmp(k, "wants"))
		return read_wants(v, out);
	if (!strcmp(k, "after"))
		return read_after(v, out);
	if (!strcmp(k, "features"))
		return read_features(v, out);
	if (!strcmp(k, "payload"))
		return read_payload(v, out);
	if (!strcmp(k, "need"))
		return read_vec(v, &out->need);
	if (!strcmp(k, "most"))
		return read_vec(v, &out->most);
	if (!strcmp(k, "idempotent"))
		return read_bool(v, &out->idempotent);
	if (!strcmp(k, "preemptible"))
		return read_bool(v, &out->preemptible);
	if (!strcmp(k, "expires"))
		return read_bool(v, &out->expires);
	if (!strcmp(k, "hedge"))
		return read_bool(v, &out->hedge);
	return read_amount(v, now, out);
}

int rt_request_read(const struct json *v, double now, struct rt_request *out)
{
	int rc = 0;

	rt_request_init(out);
	if (json_type(v) != JSON_OBJECT)
		rc = err_set(EINVAL, "a request is an object");
	else if (!json_get(v, "kind"))
		rc = err_set(EINVAL, "a request has no 'kind'");
	json_each (it, v) {
		if (rc)
			break;
		rc = read_field(it, now, out);
	}
	if (rc)
		rt_request_release(out);
	return rc;
}

/* ---- to JSON ----------------------------------------------------------- */

static void set_text(struct json *to, const char *key, const char *s)
{
	if (s && *s)
		json_set_string(to, key, s);
}

static void set_true(struct json *to, const char *key, bool b)
{
	if (b)
		json_set_bool(to, key, true);
}

static void set_amount(struct json *to, const char *key, double x)
{
	if (x != 0)
		json_set_number(to, key, x);
}

/* JSON text as the value that it is; as a text if it is none. */
static void set_value(struct json *to, const char *key, const char *text)
{
	struct json *v;

	if (!text || !*text)
		return;
	v = json_parse(text, strlen(text));
	json_set(to, key, v ? v : json_string(text));
}

static void set_lists(struct json *to, const struct rt_request *q)
{
	size_t features = RT_FEATURES;
	struct json *list = NULL;

	if (q->wants) {
		list = json_set(to, "wants", json_array());
		for (size_t i = 0; q->wants[i]; i++)
			json_add(list, json_string(q->wants[i]));
	}
	if (q->dep_count)
		list = json_set(to, "after", json_array());
	for (size_t i = 0; i < q->dep_count; i++) {
		const struct rt_dep *d = &q->deps[i];
		struct json *one;

		if (d->on_failure == RT_EDGE_FAIL) {
			json_add(list, json_string(d->key));
			continue;
		}
		one = json_object();
		json_set_string(one, "key", d->key);
		json_set_string(one, "on_failure", edges[d->on_failure]);
		json_add(list, one);
	}
	while (features && q->features[features - 1] == 0)
		features--;
	if (features)
		list = json_set(to, "features", json_array());
	for (size_t i = 0; i < features; i++)
		json_add(list, json_number(q->features[i]));
}

struct json *rt_request_json(const struct rt_request *q, double now)
{
	struct json *to = json_object();
	struct vec most = q->need;

	json_set_string(to, "kind", kinds[q->kind]);
	json_set_string(to, "place", q->place == RT_SELF ? "self" : "worker");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		set_text(to, names[i].name, *name_at(q, i));
	json_set_number(to, "priority", (double)q->priority);
	if (isfinite(q->deadline))
		json_set_number(to, "deadline_s", q->deadline - now);
	if (!vec_zero(&q->need))
		json_set(to, "need", vec_json(&q->need));
	vec_max(&most, &q->most);
	if (!vec_equal(&most, &q->need))
		json_set(to, "most", vec_json(&most));
	if (q->predicted_s >= 0)
		json_set_number(to, "predicted_s", q->predicted_s);
	set_amount(to, "tokens_in", (double)q->tokens_in);
	set_amount(to, "tokens_out", (double)q->tokens_out);
	set_amount(to, "attempts", (double)q->attempts);
	set_true(to, "idempotent", q->idempotent);
	set_true(to, "preemptible", q->preemptible);
	set_true(to, "hedge", q->hedge);
	set_true(to, "expires", q->expires);
	set_lists(to, q);
	set_value(to, "payload", q->payload);
	return to;
}
