/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "scx/sysfs.h"
#include "term/manual.h"
#include "term/mdoc.h"

#define MARK_MAX  (256u << 10)
#define WALK_MAX  5000 /* entries of the history looked at for one list */
#define FILES_MAX 512

struct steward_world *world_of(struct steward *s)
{
	if (!s->world)
		s->world = mem_zalloc(1, sizeof(*s->world));
	return s->world;
}

/* ---- the history ------------------------------------------------------- */

int world_history(struct steward *s, struct history **out)
{
	struct steward_world *w = world_of(s);
	char *dir;
	int rc = 0;

	if (!w->h) {
		dir = history_dir(NULL);
		rc = history_open(dir, false, &w->h);
		free(dir);
	}
	*out = w->h;
	return rc;
}

static int not_there(const char *kind, const char *id)
{
	return err_set(ENOENT, "the history has no %s %.64s",
		       kind ? kind : "document", id);
}

#define TWINS 64

int world_find(struct steward *s, const char *kind, const char *id,
	       struct history_key *out)
{
	struct history_key keys[TWINS];
	struct history *h;
	int n, found = 0, rc = world_history(s, &h);

	if (rc == -ENOENT)
		return not_there(kind, id);
	if (rc)
		return rc;
	n = history_find(h, id, keys, TWINS);
	if (n < 0)
		return n;
	for (int i = 0; i < n && i < TWINS; i++) {
		if (kind && strcmp(keys[i].kind, kind))
			continue;
		*out = keys[i];
		found++;
	}
	if (!found)
		return not_there(kind, id);
	if (found > 1 || n > TWINS)
		return err_set(EEXIST,
			       "%.64s is the beginning of several ids: give "
			       "more digits",
			       id);
	return 0;
}

int world_document(struct steward *s, const char *kind, const char *id,
		   struct doc **out)
{
	struct history_key key;
	int rc = world_find(s, kind, id, &key);

	return rc ? rc : history_read(s->world->h, key.kind, key.id, out);
}

struct walk {
	const char *kind, *prefix;
	size_t max, n, looked;
	struct world_entry *list;
	bool more;
};

static int take(const struct history_entry *e, void *arg)
{
	struct walk *w = arg;
	struct world_entry *to;

	if (++w->looked > WALK_MAX) {
		w->more = true;
		return 1;
	}
	if ((w->kind && strcmp(e->kind, w->kind)) ||
	    strncmp(e->id, w->prefix, strlen(w->prefix)))
		return 0;
	if (w->n == w->max) {
		w->more = true;
		return 1;
	}
	to = &w->list[w->n++];
	snprintf(to->key.kind, sizeof(to->key.kind), "%s", e->kind);
	snprintf(to->key.id, sizeof(to->key.id), "%s", e->id);
	clock_text(e->time, to->time);
	to->subject = mem_strdup(e->subject);
	return 0;
}

size_t world_newest(struct steward *s, const char *kind, const char *prefix,
		    size_t max, struct world_entry **out, bool *more)
{
	struct walk w = {.kind = kind, .prefix = prefix, .max = max};
	struct history *h;

	w.list = mem_zalloc(max, sizeof(*w.list));
	if (!world_history(s, &h))
		history_log(h, take, &w);
	*out = w.list;
	*more = w.more;
	return w.n;
}

void world_entries_free(struct world_entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(e[i].subject);
	free(e);
}

/* ---- the manual -------------------------------------------------------- */

int world_page(const char *page, char **text)
{
	struct buf source, out;
	int rc;

	buf_init(&source, MANUAL_PAGE_BYTES);
	buf_init(&out, WORLD_TEXT_MAX);
	rc = manual_read(page, &source);
	if (!rc) {
		mdoc_text(&out, source.data);
		*text = buf_take(&out);
	}
	buf_release(&out);
	buf_release(&source);
	return rc;
}

char *world_page_purpose(const char *page)
{
	char *text = NULL;
	struct buf source;

	buf_init(&source, MANUAL_PAGE_BYTES);
	if (!manual_read(page, &source))
		text = mdoc_purpose(source.data);
	buf_release(&source);
	return text ? text : mem_strdup("");
}

/* ---- what changes ------------------------------------------------------ */

static void add_file(struct buf *b, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	buf_printf(b, "%s %llu %lld %lld.%09ld\n", name,
		   (unsigned long long)st.st_ino, (long long)st.st_size,
		   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* Names, sizes and times of a folder's files, in order. */
static void add_folder(struct buf *b, const char *path)
{
	DIR *d = path ? opendir(path) : NULL;
	struct strs names = {0};
	struct dirent *e;

	while (d && names.len < FILES_MAX && (e = readdir(d)))
		strs_add(&names, e->d_name);
	strs_sort(&names);
	for (size_t i = 0; i < names.len; i++)
		if (*names.v[i] != '.')
			add_file(b, dirfd(d), names.v[i]);
	if (d)
		closedir(d);
	strs_release(&names);
}

/*
 * What the kernel says is attached, and the records of who holds it: to look at
 * these costs nothing, while the whole answer takes a program.
 */
char *world_status_mark(void)
{
	static const char *const files[] = {"state", "root/ops", "enable_seq",
					    "switch_all"};
	char *run = path_run(""), *root = path_run_root("");
	char word[SYSFS_WORD];
	struct buf b;

	buf_init(&b, MARK_MAX);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		sysfs_word(files[i], word);
		buf_printf(&b, "%s\n", word);
	}
	add_folder(&b, run);
	add_folder(&b, root);
	free(root);
	free(run);
	return buf_take(&b);
}

char *world_log_mark(void)
{
	char *dir = history_dir(NULL);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buf b;

	buf_init(&b, MARK_MAX);
	if (fd >= 0) {
		add_file(&b, fd, "refs/heads/main");
		add_file(&b, fd, "packed-refs");
		close(fd);
	}
	free(dir);
	return buf_take(&b);
}

static void add_path(struct strs *read, char *path)
{
	if (path)
		strs_add(read, path);
	free(path);
}

void world_folders(struct strs *read)
{
	char *made[] = {history_dir(NULL), path_run("")};

	/* A rule of the sandbox is about a folder that is there.  Who may not
	 * make one hears of it when it is asked for. */
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		if (path_make_dirs(made[i]))
			err_clear();
		add_path(read, made[i]);
	}
	add_path(read, path_bin("../share/man"));
	add_path(read, path_lib(""));
	add_path(read, path_config("prompts"));
	add_path(read, path_run_root(""));
	strs_add(read, "/sys/kernel/sched_ext");
}
