/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy: "notes.index" in the repository's folder, which git does not look
 * at.  A line of JSON says up to which commit it goes, how many notes follow
 * and their digest; each is a line.  A copy that is torn, older than the
 * format, or of another repository is left alone and written anew.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "crypt/digest.h"
#include "history/recall_parts.h"

#define COPY_NAME "notes.index"
#define COPY_MAX  (256u << 20)
#define VERSION	  1

/* Not written for less: reading so many costs little. */
#define WORTH 64

static char *copy_path(const struct recall *r)
{
	return mem_printf("%s/" COPY_NAME, r->h->dir);
}

static void take_lines(struct recall *r, const char *s, const char *end)
{
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		struct json *v = nl ? json_parse(s, (size_t)(nl - s)) : NULL;
		const char *id = json_text_at(v, "id");

		if (strlen(id) == DOC_ID_LEN - 1)
			recall_take(r, id, v);
		else
			json_free(v);
		s = nl ? nl + 1 : end;
	}
}

/* The commit is to be there: else it is a copy of something else. */
static bool known(const struct recall *r, const git_oid *oid)
{
	git_commit *c = NULL;
	bool there = !git_commit_lookup(&c, r->h->repo, oid);

	git_commit_free(c);
	return there;
}

static void take_copy(struct recall *r, const struct buf *b)
{
	char *nl = memchr(b->data, '\n', b->len);
	struct json *head;
	char digest[DIGEST_HEX_LEN];
	git_oid oid;

	if (!nl)
		return;
	head = json_parse(b->data, (size_t)(nl - b->data));
	nl++;
	digest_hex(nl, (size_t)(b->data + b->len - nl), digest);
	if (json_as_number(json_get(head, "v"), 0) == VERSION &&
	    !strcmp(json_text_at(head, "sha256"), digest) &&
	    !git_oid_fromstr(&oid, json_text_at(head, "commit")) &&
	    known(r, &oid)) {
		take_lines(r, nl, b->data + b->len);
		git_oid_cpy(&r->head, &oid);
	}
	json_free(head);
}

void recall_load(struct recall *r)
{
	char *path = copy_path(r);
	struct buf b;

	buf_init(&b, COPY_MAX);
	if (!access(path, R_OK) && !buf_read_file(&b, path) && b.len)
		take_copy(r, &b);
	buf_release(&b);
	free(path);
}

static void write_copy(struct recall *r, const struct buf *lines)
{
	char digest[DIGEST_HEX_LEN], commit[GIT_OID_HEXSZ + 1];
	char *path = copy_path(r);
	struct buf b;

	digest_hex(lines->data, lines->len, digest);
	git_oid_tostr(commit, sizeof(commit), &r->head);
	buf_init(&b, COPY_MAX + 4096);
	buf_printf(&b, "{\"v\":%d,\"commit\":\"%s\",\"sha256\":\"%s\"}\n",
		   VERSION, commit, digest);
	buf_add(&b, lines->data, lines->len);
	if (!path_write_atomic(path, b.data, b.len))
		r->unsaved = 0;
	buf_release(&b);
	free(path);
}

void recall_save(struct recall *r)
{
	struct buf lines;

	if (r->unsaved < WORTH || r->unsaved < r->count / 16)
		return;
	buf_init(&lines, COPY_MAX);
	for (size_t i = 0; i < r->count; i++) {
		char *line = json_canonical(r->kept[i]);

		buf_puts(&lines, line);
		buf_puts(&lines, "\n");
		free(line);
	}
	if (!lines.truncated)
		write_copy(r, &lines);
	buf_release(&lines);
}
