/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/diff.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define PATH_MAX_BYTES 1024
#define TEXT_MAX       200

static bool left_out(const char *key)
{
	static const char *const keys[] = {
		"code",	   "samples",	  "transcript", "shuffled_samples",
		"buckets", "output_tail", "data"};

	for (size_t i = 0; key && i < ARRAY_LEN(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* What an element of a list is called. */
static const char *name_of(const struct json *v)
{
	static const char *const keys[] = {"name", "metric", "key", "hash"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *s = json_text_at(v, keys[i]);

		if (*s)
			return s;
	}
	return NULL;
}

/* How many of the same name stand before it. */
static size_t namesakes(const struct json *list, const struct json *v)
{
	const char *name = name_of(v), *other;
	size_t n = 0;

	for (const struct json *m = json_first(list); name && m && m != v;
	     m = json_next(m)) {
		other = name_of(m);
		n += other && !strcmp(other, name);
	}
	return n;
}

static void flatten(struct json *flat, const struct json *v, const char *path)
{
	size_t i = 0;

	if (json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT) {
		if (strlen(json_as_string(v, "")) <= TEXT_MAX)
			json_set(flat, path, json_copy(v));
		return;
	}
	json_each (m, v) {
		char place[PATH_MAX_BYTES], index[24], again[24] = "";
		const char *key = json_key(m);
		size_t before = key ? 0 : namesakes(v, m);

		snprintf(index, sizeof(index), "%zu", i++);
		if (left_out(key))
			continue;
		if (!key)
			key = name_of(m) ? name_of(m) : index;
		if (before)
			snprintf(again, sizeof(again), "#%zu", before + 1);
		snprintf(place, sizeof(place), "%s%s%s%s", path,
			 *path ? "." : "", key, again);
		flatten(flat, m, place);
	}
}

static bool equal(const struct json *a, const struct json *b)
{
	char *x = json_canonical(a), *y = json_canonical(b);
	bool same = !strcmp(x, y);

	free(x);
	free(y);
	return same;
}

static void add(struct json *out, const char *path, const struct json *a,
		const struct json *b)
{
	struct json *v = json_add(out, json_object());

	json_set_string(v, "path", path);
	if (a)
		json_set(v, "a", json_copy(a));
	if (b)
		json_set(v, "b", json_copy(b));
}

static int by_path(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;

	return strcmp(json_text_at(*x, "path"), json_text_at(*y, "path"));
}

static struct json *sorted(struct json *v)
{
	size_t n = json_len(v), i = 0;
	const struct json **all = mem_zalloc(n + 1, sizeof(*all));
	struct json *out = json_array();

	json_each (m, v)
		all[i++] = m;
	qsort(all, n, sizeof(*all), by_path);
	for (i = 0; i < n; i++)
		json_add(out, json_copy(all[i]));
	free(all);
	json_free(v);
	return out;
}

struct json *diff_values(const struct json *a, const struct json *b)
{
	struct json *x = json_object(), *y = json_object();
	struct json *out = json_array();

	flatten(x, a, "");
	flatten(y, b, "");
	json_each (m, x) {
		const struct json *other = json_get(y, json_key(m));

		if (!other || !equal(m, other))
			add(out, json_key(m), m, other);
	}
	json_each (m, y)
		if (!json_get(x, json_key(m)))
			add(out, json_key(m), NULL, m);
	json_free(x);
	json_free(y);
	return sorted(out);
}

int diff_text(const char *a, const char *b, struct buf *out)
{
	git_buf text = {0};
	git_patch *patch = NULL;
	int rc = git_libgit2_init();

	rc = rc < 0 ? rc
		    : git_patch_from_buffers(&patch, a, strlen(a), "a", b,
					     strlen(b), "b", NULL);
	if (!rc)
		rc = git_patch_to_buf(&text, patch);
	if (!rc)
		buf_add(out, text.ptr, text.size);
	git_buf_dispose(&text);
	git_patch_free(patch);
	git_libgit2_shutdown();
	return rc ? err_set(EIO, "cannot compare two texts") : 0;
}
