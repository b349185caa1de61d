/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/copy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "crypt/digest.h"

#define COPY_MAX (256u << 20)

static char *copy_path(const struct history *h, const struct copy *c)
{
	return mem_printf("%s/%s", h->dir, c->name);
}

/* The commit is to be part of the history: else it is a copy of something
 * else, or of what the history was before it was written anew. */
static bool known(const struct history *h, const git_oid *oid)
{
	git_oid head;

	return !ref_read(h, HISTORY_BRANCH, &head) &&
	       (git_oid_equal(&head, oid) ||
		git_graph_descendant_of(h->repo, &head, oid) == 1);
}

static void take_lines(const char *s, const char *end,
		       void (*take)(void *arg, struct json *line), void *arg)
{
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		struct json *v = nl ? json_parse(s, (size_t)(nl - s)) : NULL;

		if (v)
			take(arg, v);
		s = nl ? nl + 1 : end;
	}
}

/* The lines of a copy that is of use; NULL: it is not. */
static const char *check(const struct history *h, const struct copy *c,
			 const struct buf *b, git_oid *head)
{
	const char *nl = memchr(b->data, '\n', b->len);
	char digest[DIGEST_HEX_LEN];
	struct json *first;
	git_oid oid;
	bool good;

	if (!nl)
		return NULL;
	first = json_parse(b->data, (size_t)(nl - b->data));
	nl++;
	digest_hex(nl, (size_t)(b->data + b->len - nl), digest);
	good = json_as_number(json_get(first, "v"), 0) == c->version &&
	       !strcmp(json_text_at(first, "sha256"), digest) &&
	       !git_oid_fromstr(&oid, json_text_at(first, "commit")) &&
	       known(h, &oid);
	json_free(first);
	if (good)
		git_oid_cpy(head, &oid);
	return good ? nl : NULL;
}

void copy_load(const struct history *h, const struct copy *c, git_oid *head,
	       void (*take)(void *arg, struct json *line), void *arg)
{
	char *path = copy_path(h, c);
	const char *lines;
	struct buf b;

	buf_init(&b, COPY_MAX);
	if (!access(path, R_OK) && !buf_read_file(&b, path) && b.len) {
		lines = check(h, c, &b, head);
		if (lines)
			take_lines(lines, b.data + b.len, take, arg);
	}
	buf_release(&b);
	free(path);
}

static bool write_copy(const struct history *h, const struct copy *c,
		       const git_oid *head, const struct buf *lines)
{
	char digest[DIGEST_HEX_LEN], commit[GIT_OID_HEXSZ + 1];
	const char *data = lines->len ? lines->data : "";
	char *path = copy_path(h, c);
	struct buf b;
	int rc;

	digest_hex(data, lines->len, digest);
	git_oid_tostr(commit, sizeof(commit), head);
	buf_init(&b, COPY_MAX + 4096);
	buf_printf(&b, "{\"v\":%d,\"commit\":\"%s\",\"sha256\":\"%s\"}\n",
		   c->version, commit, digest);
	buf_add(&b, data, lines->len);
	rc = path_write_atomic(path, b.data, b.len);
	buf_release(&b);
	free(path);
	return !rc;
}

bool copy_save(const struct history *h, const struct copy *c,
	       const git_oid *head, struct json *const *lines, size_t n)
{
	bool written = false;
	struct buf b;

	buf_init(&b, COPY_MAX);
	for (size_t i = 0; i < n; i++) {
		char *line = json_canonical(lines[i]);

		buf_puts(&b, line);
		buf_puts(&b, "\n");
		free(line);
	}
	if (!b.truncated)
		written = write_copy(h, c, head, &b);
	buf_release(&b);
	return written;
}
