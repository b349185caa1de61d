/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traces: a header, then a request a line. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/replay.h"

#define TRACE_MAX    (64u << 20) /* bytes of a file */
#define TRACE_FORMAT 1

/* An object of no other fields. */
static int only(const struct json *v, const char *what,
		const char *const *known)
{
	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "%s has to be an object", what);
	json_each (it, v) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], json_key(it)))
			i++;
		if (!known[i])
			return err_set(EINVAL, "%s has no field '%.64s'", what,
				       json_key(it));
	}
	return 0;
}

/* Takes a number that is ours out of v. */
static int take(struct json *v, const char *key, double dflt, double *out)
{
	const struct json *x = json_get(v, key);

	*out = json_as_number(x, dflt);
	if (x && (json_type(x) != JSON_NUMBER || !(*out >= 0 && *out <= 1e12)))
		return err_set(EINVAL, "'%s' has to be a number from 0", key);
	json_remove(v, key);
	return 0;
}

static int positive(const char *key, double x)
{
	return x > 0 ? 0 : err_set(EINVAL, "'%s' has to be over 0", key);
}

/* ---- workers ----------------------------------------------------------- */

static int read_worker(struct json *v, struct rt_trace_worker *w)
{
	int rc;

	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "a worker has to be an object");
	rc = take(v, "speed", 1, &w->speed);
	rc = rc ?: take(v, "tokens_s", 50, &w->tokens_s);
	rc = rc ?: take(v, "input_s", 5000, &w->input_s);
	rc = rc ?: take(v, "usd_in", 0, &w->usd_in);
	rc = rc ?: take(v, "usd_out", 0, &w->usd_out);
	rc = rc ?: positive("speed", w->speed);
	rc = rc ?: positive("tokens_s", w->tokens_s);
	rc = rc ?: positive("input_s", w->input_s);
	return rc ?: rt_worker_spec_read(v, &w->spec);
}

/* The runtime's settings, where they are not its defaults. */
static int read_setting(const struct json *header, const char *key)
{
	const struct json *v = json_get(header, key);
	double x = json_as_number(v, 0);

	return !v || (x >= 1e-3 && x <= 1e9)
		       ? 0
		       : err_set(EINVAL, "'%s' has to be 0.001 to 1e9", key);
}

static int check_header(const struct json *header)
{
	static const char *const known[] = {
		"trace",     "about",	"workers", "expect", "quantum_tokens",
		"quantum_s", "aging_s", "boost_s", NULL};
	int rc = only(header, "a header", known);

	for (size_t i = 4; !rc && known[i]; i++)
		rc = read_setting(header, known[i]);
	return rc;
}

static int check_name(const struct rt_trace *t, const char *name)
{
	for (size_t i = 0; i < t->worker_count; i++)
		if (!strcmp(t->workers[i].spec.name, name))
			return err_set(EINVAL, "two workers are called '%s'",
				       name);
	return 0;
}

static int read_header(struct json *header, struct rt_trace *t)
{
	const struct json *workers = json_get(header, "workers");

	t->header = header;
	if (json_as_number(json_get(header, "trace"), 0) != TRACE_FORMAT)
		return err_set(EINVAL,
			       "it has to be a header, with 'trace' of %d",
			       TRACE_FORMAT);
	if (check_header(header))
		return -EINVAL;
	if (json_type(workers) != JSON_ARRAY || !json_len(workers))
		return err_set(EINVAL, "'workers' has to be an array of "
				       "workers, at least one");
	t->workers = mem_zalloc(json_len(workers), sizeof(*t->workers));
	json_each (it, workers) {
		struct json *copy = json_copy(it);
		int rc = read_worker(copy, &t->workers[t->worker_count]);

		json_free(copy);
		if (rc)
			return rc;
		rc = check_name(t, t->workers[t->worker_count].spec.name);
		t->worker_count++;
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- requests ---------------------------------------------------------- */

static int read_fault(const struct json *v, struct rt_trace_fault *f)
{
	static const char *const known[] = {"error", "again", "after_s",
					    "retry_s", NULL};
	const struct json *name = json_get(v, "error");
	const struct json *again = json_get(v, "again");
	const char *error = name ? json_as_string(name, "") : "EIO";
	struct json *copy;
	int rc = only(v, "a failure", known);

	if (rc)
		return rc;
	if (name && json_type(name) != JSON_STRING)
		return err_set(EINVAL, "'error' is no text");
	if (again && json_type(again) != JSON_BOOL)
		return err_set(EINVAL, "'again' is neither true nor false");
	f->error = -err_number(error);
	f->again = json_as_bool(again, true);
	if (f->error == -EIO && strcmp(error, "EIO"))
		return err_set(EINVAL, "'%s' is no name of an error", error);
	copy = json_copy(v);
	rc = take(copy, "after_s", 0, &f->after_s);
	rc = rc ?: take(copy, "retry_s", 0, &f->retry_s);
	json_free(copy);
	return rc;
}

static int read_faults(struct json *v, struct rt_trace_request *q)
{
	const struct json *list = json_get(v, "fail");

	if (list && json_type(list) != JSON_ARRAY)
		return err_set(EINVAL, "'fail' has to be an array");
	q->faults = mem_zalloc(json_len(list), sizeof(*q->faults));
	json_each (it, list) {
		int rc = read_fault(it, &q->faults[q->fault_count]);

		if (rc)
			return err_prefix(rc, "'fail'");
		q->fault_count++;
	}
	json_remove(v, "fail");
	return 0;
}

static int read_request(struct json *v, struct rt_trace_request *q)
{
	double tokens;
	int rc;

	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "a request has to be an object");
	rc = take(v, "at_s", 0, &q->at);
	rc = rc ?: take(v, "service_s", -1, &q->service_s);
	rc = rc ?: take(v, "service_tokens", -1, &tokens);
	rc = rc ?: read_faults(v, q);
	rc = rc ?: rt_request_read(v, q->at, &q->q);
	if (rc)
		return rc;
	if ((q->service_s < 0) == (tokens < 0))
		return err_set(EINVAL, "a request has one of 'service_s' and "
				       "'service_tokens'");
	q->tokens = tokens < 0 ? 0 : (long)tokens;
	q->service_s = fmax(q->service_s, 0);
	return 0;
}

/* ---- the file ---------------------------------------------------------- */

static int read_line(const char *line, size_t len, size_t number,
		     struct rt_trace *t)
{
	struct json *v = json_parse(line, len);
	struct rt_trace_request *q;
	int rc;

	if (!v)
		return -EINVAL;
	if (!t->header)
		return read_header(v, t);
	if (!(t->request_count & (t->request_count + 1)))
		t->requests =
			mem_realloc(t->requests, 2 * (t->request_count + 1),
				    sizeof(*t->requests));
	q = &t->requests[t->request_count++];
	*q = (struct rt_trace_request){.line = number};
	rc = read_request(v, q);
	json_free(v);
	if (!rc && t->request_count > 1 && q->at < q[-1].at)
		rc = err_set(EINVAL, "'at_s' is before that of the request "
				     "above it");
	return rc;
}

static int read_lines(const struct buf *text, struct rt_trace *t)
{
	const char *line = text->data, *end = line + text->len;
	size_t number = 1;
	int rc = 0;

	for (; !rc && line < end; number++) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((nl ? nl : end) - line);

		rc = len ? read_line(line, len, number, t) : 0;
		if (rc)
			err_prefix(rc, "line %zu", number);
		line += len + 1;
	}
	if (!rc && !t->header)
		rc = err_set(EINVAL, "there is no header");
	return rc;
}

int rt_trace_read(const char *path, struct rt_trace *out)
{
	struct buf text;
	int rc;

	*out = (struct rt_trace){0};
	buf_init(&text, TRACE_MAX);
	rc = buf_read_file(&text, path);
	if (!rc) {
		rc = read_lines(&text, out);
		if (rc)
			err_prefix(rc, "trace '%s'", path);
	}
	buf_release(&text);
	if (rc)
		rt_trace_release(out);
	return rc;
}

void rt_trace_release(struct rt_trace *t)
{
	for (size_t i = 0; i < t->worker_count; i++)
		rt_worker_spec_release(&t->workers[i].spec);
	for (size_t i = 0; i < t->request_count; i++) {
		rt_request_release(&t->requests[i].q);
		free(t->requests[i].faults);
	}
	free(t->workers);
	free(t->requests);
	json_free(t->header);
	*t = (struct rt_trace){0};
}
