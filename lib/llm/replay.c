/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model that says again what was recorded; it costs nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "llm/provider.h"
#include "llm/record.h"

struct exchange {
	struct json *line;
	bool used;
};

struct replay {
	struct provider base;
	char *path;
	struct exchange *x;
	size_t n, cap, lines;
};

static void replay_free(struct provider *p)
{
	struct replay *y = (struct replay *)p;

	for (size_t i = 0; i < y->n; i++)
		json_free(y->x[i].line);
	free(y->x);
	free(y->path);
	free(y->base.name);
	free(y->base.model);
	free(y);
}

/* The first that was not used yet. */
static struct exchange *find(struct replay *y, const char *digest, size_t *used)
{
	*used = 0;
	for (size_t i = 0; i < y->n; i++) {
		const char *d =
			json_as_string(json_get(y->x[i].line, "digest"), "");

		if (strcmp(d, digest))
			continue;
		if (!y->x[i].used)
			return &y->x[i];
		++*used;
	}
	return NULL;
}

static long whole(const struct json *v, const char *key)
{
	double x = json_as_number(json_get(v, key), 0);

	return x > 0 && x < 1e12 ? (long)x : 0;
}

static void fill(const struct json *line, struct llm_answer *out)
{
	const struct json *a = json_get(line, "answer");
	const struct json *u = json_get(line, "usage");
	const struct json *calls = json_get(a, "calls");
	const char *finish = json_as_string(json_get(a, "finish"), "stop");
	const char *model = json_as_string(json_get(a, "model"), "");

	out->text = mem_strdup(json_as_string(json_get(a, "text"), ""));
	out->calls = calls ? json_copy(calls) : json_array();
	out->finish = finish_number(finish);
	out->usage = (struct llm_usage){.in = whole(u, "in"),
					.cached = whole(u, "cached"),
					.out = whole(u, "out")};
	out->seconds = json_as_number(json_get(a, "seconds"), 0);
	out->attempts = whole(a, "attempts");
	out->estimated = json_as_bool(json_get(a, "estimated"), false);
	if (*model)
		out->model = mem_strdup(model);
}

static int replay_call(struct provider *p, const struct llm_request *r,
		       enum llm_shape shape, struct llm_answer *out)
{
	struct replay *y = (struct replay *)p;
	char digest[DIGEST_HEX_LEN];
	const char *outcome;
	struct exchange *x;
	size_t used;

	(void)shape;
	*out = answer_none();
	record_digest(r, digest);
	x = find(y, digest, &used);
	if (!x && used)
		return err_set(ENOENT,
			       "'%s' has %zu answers to this request of the "
			       "%s (%.12s), and it was asked once more",
			       y->path, used, r->role, digest);
	if (!x)
		return err_set(ENOENT,
			       "'%s' has no answer to this request of the %s "
			       "(%.12s): record it again, or restore the "
			       "prompts that it was recorded with",
			       y->path, r->role, digest);
	x->used = true;
	fill(x->line, out);
	outcome = json_as_string(json_get(x->line, "outcome"), "ok");
	if (!strcmp(outcome, "ok"))
		return 0;
	return err_set(err_number(outcome), "%s",
		       json_as_string(json_get(x->line, "error"), outcome));
}

static const struct provider_ops replay_ops = {.call = replay_call,
					       .free = replay_free};

static int add(void *arg, const char *text, size_t len)
{
	struct replay *y = arg;
	struct json *line = json_parse(text, len);
	const struct json *digest = json_get(line, "digest");

	y->lines++;
	if (!line || json_type(digest) != JSON_STRING ||
	    json_type(json_get(line, "answer")) != JSON_OBJECT) {
		json_free(line);
		return err_set(EINVAL, "line %zu of '%s' is no exchange",
			       y->lines, y->path);
	}
	if (y->n == y->cap) {
		y->cap = y->cap ? 2 * y->cap : 64;
		y->x = mem_realloc(y->x, y->cap, sizeof(*y->x));
	}
	y->x[y->n++] = (struct exchange){.line = line};
	return 0;
}

int replay_provider_new(const char *file, const struct llm_opts *o,
			struct provider **out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;
	struct replay *y;
	off_t at = 0;

	if (fd < 0)
		return err_set(errno, "cannot read '%s': %s", file,
			       strerror(errno));
	y = mem_zalloc(1, sizeof(*y));
	y->base.ops = &replay_ops;
	y->base.name = mem_printf("replay of %s", file);
	y->base.model = mem_strdup(o->model ? o->model : "replay");
	y->path = mem_strdup(file);
	rc = lines_read(fd, &at, RECORD_MAX_LINE, add, y);
	close(fd);
	if (rc)
		replay_free(&y->base);
	else
		*out = &y->base;
	return rc;
}
