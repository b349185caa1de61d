/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures in git notes: whether they are those of the verdicts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "history/entry.h"
#include "history/fsck_parts.h"
#include "history/note.h"
#include "history/text.h"
#include "history/words.h"

#define NOTE_MAX   (16u << 20)
#define WORDS_MAX  (1u << 20)
#define SAID_CHARS 300
#define MEND	   "'git notes --ref metrics edit %s' mends it"

/* A note: the object it is on, whose commit records a document. */
struct noted {
	struct fsck *f;
	const char *hex;
	struct entry entry;
	struct buf text;
};

/* ---- lines ------------------------------------------------------------- */

/* The next line that is not empty, to be freed; NULL: no more. */
static char *next_line(const char **at)
{
	const char *line;
	size_t n;

	*at += strspn(*at, "\n");
	if (!**at)
		return NULL;
	line = *at;
	n = strcspn(line, "\n");
	*at += n;
	return mem_strndup(line, n);
}

/* what: with a %s each for the line and for the object. */
static void wrong(const struct noted *n, const char *what, const char *line)
{
	struct buf clean;

	buf_init(&clean, WORDS_MAX);
	text_line(&clean, line, SAID_CHARS);
	fsck_say(n->f, FSCK_WRONG, "%s %.12s: its note %s '%s': " MEND,
		 n->entry.kind, n->entry.id, what, clean.len ? clean.data : "",
		 n->hex);
	buf_release(&clean);
}

/* Each line of a that b lacks is wrong. */
static void compare(const struct noted *n, const struct buf *a,
		    const struct buf *b, const char *what)
{
	const char *at = a->len ? a->data : "";
	char *line;

	while ((line = next_line(&at))) {
		if (!note_has_line(b, line, strlen(line)))
			wrong(n, what, line);
		free(line);
	}
}

/* ---- on a verdict, on a policy ----------------------------------------- */

static void on_verdict(struct noted *n, const struct doc *d)
{
	struct buf own;

	buf_init(&own, WORDS_MAX);
	words_metrics(&own, d);
	compare(n, &n->text, &own, "says, and it does not,");
	compare(n, &own, &n->text, "lacks");
	buf_release(&own);
	ids_number(&n->f->noted, d->id);
}

/* The line is that of a verdict about this policy. */
static bool agrees(const struct noted *n, const struct doc *d, const char *line)
{
	const char *policy = words_policy(d);
	struct buf own;
	bool same;

	buf_init(&own, WORDS_MAX);
	words_policy_note(&own, d);
	same = policy && !strcmp(policy, n->entry.id) &&
	       note_has_line(&own, line, strlen(line));
	buf_release(&own);
	return same;
}

/* "...: accepted, ... on vm, 6.18, verdict c0ffee012345" */
static void policy_line(struct noted *n, const char *line)
{
	static const char before[] = ", verdict ";
	const char *at = strrchr(line, ',');
	struct history_key keys[8];
	int found, verdicts = 0;
	bool same = false;

	found = at && !strncmp(at, before, strlen(before))
			? history_find(n->f->h, at + strlen(before), keys,
				       ARRAY_LEN(keys))
			: -EINVAL;
	if (found == -EINVAL)
		wrong(n, "has no figures of a verdict in", line);
	for (int i = 0; i < found && i < (int)ARRAY_LEN(keys); i++) {
		struct doc *d = NULL;

		if (strcmp(keys[i].kind, "verdict"))
			continue;
		verdicts++;
		/* One that cannot be read is said elsewhere. */
		same |= history_read(n->f->h, "verdict", keys[i].id, &d) ||
			agrees(n, d, line);
		doc_free(d);
	}
	if (verdicts && !same)
		wrong(n, "says, and the verdict does not,", line);
	else if (found >= 0 && !verdicts)
		fsck_say(n->f, FSCK_SAID,
			 "policy %.12s: its note tells of verdict %.12s, which "
			 "is not here",
			 n->entry.id, at + strlen(before));
}

static void on_policy(struct noted *n)
{
	const char *at = n->text.len ? n->text.data : "";
	char *line;

	while ((line = next_line(&at))) {
		policy_line(n, line);
		free(line);
	}
}

/* ---- notes ------------------------------------------------------------- */

/* A writer that was killed leaves notes to a commit that is not reached, and
 * that git gc removes one day. */
static bool find_entry(struct noted *n, const git_oid *object)
{
	git_commit *c = NULL;
	git_object *o = NULL;
	bool ours = false;
	int rc = git_object_lookup(&o, n->f->h->repo, object, GIT_OBJECT_ANY);

	if (!rc && git_object_type(o) == GIT_OBJECT_COMMIT &&
	    !git_commit_lookup(&c, n->f->h->repo, object))
		ours = entry_parse(git_commit_message(c), &n->entry) &&
		       (!strcmp(n->entry.kind, "verdict") ||
			!strcmp(n->entry.kind, "policy"));
	if (rc == GIT_ENOTFOUND)
		fsck_say(n->f, FSCK_WRONG,
			 "a note is on %s, which is not here: 'git notes --ref "
			 "metrics prune' removes it",
			 n->hex);
	else if (!rc && !ours)
		fsck_say(n->f, FSCK_WRONG,
			 "a note is on %s, which records no verdict and no "
			 "policy: 'git notes --ref metrics remove %s' removes "
			 "it",
			 n->hex, n->hex);
	git_commit_free(c);
	git_object_free(o);
	return ours;
}

static void note(struct fsck *f, const char *hex, const git_oid *object,
		 const git_tree_entry *e)
{
	struct noted n = {.f = f, .hex = hex};
	struct doc *d = NULL;
	git_blob *b = NULL;

	f->result->notes++;
	buf_init(&n.text, NOTE_MAX);
	/* What is missing or damaged was said. */
	if (find_entry(&n, object) &&
	    !git_blob_lookup(&b, f->h->repo, git_tree_entry_id(e)) &&
	    !buf_add(&n.text, git_blob_rawcontent(b),
		     (size_t)git_blob_rawsize(b)) &&
	    !history_read(f->h, n.entry.kind, n.entry.id, &d)) {
		if (!strcmp(n.entry.kind, "verdict"))
			on_verdict(&n, d);
		else
			on_policy(&n);
	}
	doc_free(d);
	git_blob_free(b);
	buf_release(&n.text);
}

/* before: "" or the two digits that this tree stands for. */
static void walk(struct fsck *f, const git_tree *t, const char *before)
{
	for (size_t i = 0; i < git_tree_entrycount(t); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(t, i);
		git_object_t type = git_tree_entry_type(e);
		char hex[GIT_OID_HEXSZ + 8];
		git_tree *sub = NULL;
		git_oid object;

		snprintf(hex, sizeof(hex), "%s%s", before,
			 git_tree_entry_name(e));
		if (type == GIT_OBJECT_TREE && !*before && strlen(hex) == 2) {
			if (!git_tree_lookup(&sub, f->h->repo,
					     git_tree_entry_id(e)))
				walk(f, sub, hex);
			git_tree_free(sub);
		} else if (type == GIT_OBJECT_BLOB &&
			   strlen(hex) == GIT_OID_HEXSZ &&
			   !git_oid_fromstr(&object, hex)) {
			note(f, hex, &object, e);
		} else {
			fsck_say(f, FSCK_WRONG,
				 "'%s%s%.60s' in " HISTORY_NOTES " is no note: "
				 "'git update-ref' to what it was before, "
				 "which 'git log " HISTORY_NOTES "' tells",
				 before, *before ? "/" : "",
				 git_tree_entry_name(e));
		}
	}
}

void fsck_notes(struct fsck *f)
{
	git_commit *c = NULL;
	git_tree *t = NULL;

	if (!fsck_ref(f, HISTORY_NOTES, &c, &t) && t)
		walk(f, t, "");
	git_commit_free(c);
	git_tree_free(t);
}
