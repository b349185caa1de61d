/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of rules is put in place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/intents/intents.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

static const struct intent_rule *find(const struct intents *i, const char *name)
{
	for (size_t k = 0; k < i->count; k++)
		if (!strcmp(i->v[k].name, name))
			return &i->v[k];
	return NULL;
}

static char *words_of(const struct intent_rule *r)
{
	char *plain = intent_words(r);
	char *words = mem_printf("%s%s", plain, r->until ? ", for a time" : "");

	free(plain);
	return words;
}

static bool is_same(const struct intent_rule *a, const struct intent_rule *b)
{
	char *x = words_of(a), *y = words_of(b);
	bool same = !strcmp(x, y) && a->until == b->until;

	free(x);
	free(y);
	return same;
}

static void compare(const struct intents *before, const struct intents *after,
		    struct strs *out)
{
	for (size_t k = 0; k < after->count; k++) {
		const struct intent_rule *is = &after->v[k];
		const struct intent_rule *was = find(before, is->name);
		char *x = words_of(is), *y = was ? words_of(was) : NULL;

		if (!was)
			strs_printf(out, "+ [%s] %s", is->name, x);
		else if (!is_same(was, is))
			strs_printf(out, "~ [%s] %s (was %s)", is->name, x, y);
		else if (strcmp(was->file, is->file) != 0)
			strs_printf(out, "~ [%s] moves from %s to %s", is->name,
				    was->file, is->file);
		free(x);
		free(y);
	}
	for (size_t k = 0; k < before->count; k++) {
		char *x = words_of(&before->v[k]);

		if (!find(after, before->v[k].name))
			strs_printf(out, "- [%s] %s", before->v[k].name, x);
		free(x);
	}
}

/* Two files of the same rules in another order are not the same. */
static void compare_order(const struct intents *before,
			  const struct intents *after, struct strs *out)
{
	size_t k = 0;

	while (k < before->count && k < after->count &&
	       !strcmp(before->v[k].name, after->v[k].name))
		k++;
	if (!out->len && k < after->count)
		strs_printf(out, "~ [%s] is looked at earlier",
			    after->v[k].name);
}

static int check_name(const char *name)
{
	size_t n = strlen(name), len = strlen(INTENT_SUFFIX);

	if (*name == '.' || n <= len || strcmp(name + n - len, INTENT_SUFFIX))
		return err_set(EINVAL,
			       "'%s': only files whose names end in '%s' are "
			       "read: rename it",
			       name, INTENT_SUFFIX);
	return 0;
}

static int plan(const char *folder, const char *name,
		struct intents_change *out)
{
	const struct intents_instead instead = {name, out->text, out->len};
	struct intents alone = {0}, before = {0}, after = {0};
	int rc = intents_parse(&alone, name, out->text, out->len, 1);

	if (!rc)
		rc = intents_read(&before, folder);
	if (!rc)
		rc = intents_read_with(&after, folder, &instead);
	if (!rc) {
		compare(&before, &after, &out->words);
		compare_order(&before, &after, &out->words);
		for (size_t i = 0; i < after.problems.len; i++)
			strs_add(&out->problems, after.problems.v[i]);
	}
	intents_release(&alone);
	intents_release(&before);
	intents_release(&after);
	return rc;
}

int intents_plan(const char *folder, const char *file,
		 struct intents_change *out)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	struct buf b;
	int rc = check_name(name);

	memset(out, 0, sizeof(*out));
	if (rc)
		return rc;
	buf_init(&b, INTENT_FILE_MAX);
	rc = buf_read_file(&b, file);
	out->len = b.len;
	out->text = buf_take(&b);
	out->path = mem_printf("%s/%s", folder, name);
	if (!rc)
		rc = plan(folder, name, out);
	if (rc)
		intents_change_release(out);
	return rc;
}

/* Everybody may know the rules: explain needs no privilege. */
static int make_folder(const char *path)
{
	char *dir = mem_strndup(path, (size_t)(strrchr(path, '/') - path));
	char *slash = strrchr(dir, '/');
	int rc = 0;

	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0755);
		*slash = '/';
	}
	if (mkdir(dir, 0755) && errno != EEXIST)
		rc = err_set(errno, "cannot make '%s': %s", dir,
			     strerror(errno));
	free(dir);
	return rc;
}

int intents_commit(const struct intents_change *c)
{
	int rc = make_folder(c->path);

	return rc ? rc : path_write_public(c->path, c->text, c->len);
}

void intents_change_release(struct intents_change *c)
{
	free(c->text);
	free(c->path);
	strs_release(&c->words);
	strs_release(&c->problems);
	memset(c, 0, sizeof(*c));
}
