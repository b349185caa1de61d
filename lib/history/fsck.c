/* SPDX-License-Identifier: GPL-2.0-or-later */
/* git's own structure. */
#include "history/fsck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "history/fsck_parts.h"

#define WAY_OUT                                                            \
	"'sched-history pull' from a repository that has it after moving " \
	"this one away, or restore it from a clone"

void fsck_say(struct fsck *f, enum fsck_level level, const char *fmt, ...)
{
	char words[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	f->result->count[level]++;
	f->say(f->arg, level, words);
}

/* An object's name, as long as the ids of documents. */
static void name_of(const git_oid *oid, char out[static IDS_DIGITS + 1])
{
	memset(out, '0', IDS_DIGITS);
	git_oid_fmt(out, oid);
	out[IDS_DIGITS] = '\0';
}

static bool seen(const struct fsck *f, const git_oid *oid)
{
	char name[IDS_DIGITS + 1];

	name_of(oid, name);
	return ids_find(&f->seen, name) != IDS_NONE;
}

/* To be looked at, once. */
static void reach(struct fsck *f, const git_oid *oid)
{
	char name[IDS_DIGITS + 1];
	uint32_t before = f->seen.count;

	name_of(oid, name);
	if (ids_number(&f->seen, name) != before)
		return;
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 1024;
		f->queue = mem_realloc(f->queue, f->cap, sizeof(*f->queue));
	}
	git_oid_cpy(&f->queue[f->n++], oid);
}

/* ---- what an object leads to ------------------------------------------- */

static int reach_commit(struct fsck *f, const git_oid *oid)
{
	git_commit *c = NULL;
	int rc = git_commit_lookup(&c, f->h->repo, oid);

	if (!rc) {
		reach(f, git_commit_tree_id(c));
		for (unsigned i = 0; i < git_commit_parentcount(c); i++)
			reach(f, git_commit_parent_id(c, i));
	}
	git_commit_free(c);
	return rc;
}

static int reach_tree(struct fsck *f, const git_oid *oid)
{
	git_tree *t = NULL;
	int rc = git_tree_lookup(&t, f->h->repo, oid);

	for (size_t i = 0; !rc && i < git_tree_entrycount(t); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(t, i);

		if (git_tree_entry_filemode(e) != GIT_FILEMODE_COMMIT)
			reach(f, git_tree_entry_id(e));
	}
	git_tree_free(t);
	return rc;
}

static int reach_tag(struct fsck *f, const git_oid *oid)
{
	git_tag *t = NULL;
	int rc = git_tag_lookup(&t, f->h->repo, oid);

	if (!rc)
		reach(f, git_tag_target_id(t));
	git_tag_free(t);
	return rc;
}

static void look(struct fsck *f, git_odb *odb, const git_oid *oid,
		 bool reachable)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_odb_object *o = NULL;
	int rc = git_odb_read(&o, odb, oid);
	git_object_t type = rc ? GIT_OBJECT_INVALID : git_odb_object_type(o);

	git_oid_tostr(hex, sizeof(hex), oid);
	git_odb_object_free(o);
	f->result->objects++;
	if (!rc && reachable && type == GIT_OBJECT_COMMIT)
		rc = reach_commit(f, oid);
	else if (!rc && reachable && type == GIT_OBJECT_TREE)
		rc = reach_tree(f, oid);
	else if (!rc && reachable && type == GIT_OBJECT_TAG)
		rc = reach_tag(f, oid);
	if (rc && !reachable)
		fsck_say(f, FSCK_WRONG,
			 "object %s is damaged, but nothing leads to it: 'git "
			 "prune' removes it",
			 hex);
	else if (rc)
		fsck_say(f, FSCK_DAMAGED, "object %s is %s: " WAY_OUT, hex,
			 rc == GIT_ENOTFOUND ? "missing" : "damaged");
}

/* ---- all of them ------------------------------------------------------- */

static int reach_refs(struct fsck *f)
{
	git_strarray all;
	int rc = ref_list(f->h, &all);

	if (rc)
		return rc;
	for (size_t i = 0; i < all.count; i++) {
		git_oid oid;

		if (git_reference_name_to_id(&oid, f->h->repo, all.strings[i]))
			fsck_say(f, FSCK_DAMAGED,
				 "%s points to nothing: 'git update-ref -d' "
				 "removes it",
				 all.strings[i]);
		else
			reach(f, &oid);
	}
	git_strarray_dispose(&all);
	return 0;
}

struct rest {
	struct fsck *f;
	git_odb *odb;
};

static int look_at_rest(const git_oid *oid, void *arg)
{
	struct rest *r = arg;

	if (!seen(r->f, oid))
		look(r->f, r->odb, oid, false);
	return 0;
}

int fsck_objects(struct fsck *f)
{
	struct rest r = {.f = f};
	int rc = reach_refs(f);

	if (!rc && git_repository_odb(&r.odb, f->h->repo))
		rc = repo_fail(f->h, -1, "cannot open its objects");
	if (!rc) {
		while (f->first < f->n) {
			git_oid oid = f->queue[f->first++];

			look(f, r.odb, &oid, true);
		}
		git_odb_foreach(r.odb, look_at_rest, &r);
	}
	git_odb_free(r.odb);
	return rc;
}

int fsck_ref(struct fsck *f, const char *name, git_commit **commit,
	     git_tree **tree)
{
	int rc = ref_tree(f->h, name, commit, tree);

	if (rc && !f->result->count[FSCK_DAMAGED])
		fsck_say(f, FSCK_DAMAGED,
			 "%s: %s: 'git update-ref' it to a commit that 'git "
			 "log' of it, or 'git fsck --lost-found', tells",
			 name, err_text());
	return rc;
}

int history_fsck(struct history *h,
		 void (*say)(void *arg, enum fsck_level level,
			     const char *words),
		 void *arg, struct fsck_result *out)
{
	struct fsck f = {.h = h, .say = say, .arg = arg, .result = out};
	int rc;

	*out = (struct fsck_result){0};
	ids_init(&f.seen);
	ids_init(&f.noted);
	rc = fsck_objects(&f);
	if (!rc)
		fsck_notes(&f);
	if (!rc)
		rc = fsck_documents(&f);
	ids_release(&f.seen);
	ids_release(&f.noted);
	free(f.queue);
	return rc;
}
