/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/repo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/mark.h"

#define LOCK_WAIT_S  30.0
#define LOCK_POLL_US 2000
#define PACKS_OPEN   12

static const char who[] = "schedkit";
static const char mail[] = "schedkit@localhost";

/* Faults of the machine that libgit2 only has words for. */
static const int plain_errors[] = {ENOSPC,  EDQUOT, EACCES, EPERM,
				   EROFS,   EMFILE, ENFILE, EIO,
				   ENOTDIR, EFBIG,  ENOMEM, EINTR};

int repo_fail(const struct history *h, int rc, const char *fmt, ...)
{
	/* A blob that does not fit on the disk leaves no words, but errno. */
	int left = errno;
	const git_error *e = git_error_last();
	const char *said = e && e->message && e->klass ? e->message
			   : left		       ? strerror(left)
						       : "unknown error";
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < ARRAY_LEN(plain_errors); i++) {
		int n = plain_errors[i];

		if (!strstr(said, strerror(n)))
			continue;
		if (n == ENOSPC || n == EDQUOT)
			return err_set(n,
				       "%s: no space left for the history in "
				       "'%s'; what it has is safe: make room "
				       "and do it again",
				       what, h->dir);
		return err_set(n, "%s: the history in '%s': %s", what, h->dir,
			       said);
	}
	if (rc == GIT_ELOCKED)
		return err_set(EAGAIN,
			       "%s: another program holds the history in '%s'",
			       what, h->dir);
	return err_set(EUCLEAN,
		       "%s: the history in '%s' is damaged (%s): see 'git -C "
		       "'%s' fsck', restore it from a clone, or move it away "
		       "and a new one is begun",
		       what, h->dir, said, h->dir);
}

/*
 * The user's own git configuration (name, filters, safe.directory) must not
 * change what is recorded.
 */
static void start_git(void)
{
	static const int levels[] = {
		GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
		GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA};

	if (git_libgit2_init() > 1)
		return;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	/* Each pull may leave a pack, and some of us read for weeks. */
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, (size_t)PACKS_OPEN);
}

int repo_lock(struct history *h)
{
	double end = clock_monotonic() + LOCK_WAIT_S;

	while (flock(h->fd, LOCK_EX | LOCK_NB) < 0) {
		/* No such locks here (some network file systems): moving the
		 * reference by comparison still loses nothing. */
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0;
		if (clock_monotonic() > end)
			return err_set(EAGAIN,
				       "the history in '%s' is held by another "
				       "writer for %.0f s: try again later",
				       h->dir, LOCK_WAIT_S);
		usleep(LOCK_POLL_US);
	}
	h->held = true;
	return 0;
}

void repo_unlock(struct history *h)
{
	h->held = false;
	flock(h->fd, LOCK_UN);
}

int repo_sync(const struct history *h)
{
	if (syncfs(h->fd) < 0)
		return err_set(errno, "cannot write the history in '%s': %s",
			       h->dir, strerror(errno));
	return 0;
}

git_signature *repo_signature(time_t when)
{
	git_signature *s = NULL;

	if (git_signature_new(&s, who, mail, when > 0 ? when : 0, 0) < 0)
		abort(); /* constant and valid: only memory can be short */
	return s;
}

/* Holds nothing, or only what a repository consists of: a process may have
 * been killed while it made one. */
static int may_become_repo(const struct history *h)
{
	static const char *const parts[] = {
		".",	   "..",    "HEAD.lock",  "branches",
		"config",  "hooks", "info",	  "config.lock",
		"objects", "refs",  "description"};
	int fd = openat(h->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool fits = true;
	struct dirent *e;

	while (d && fits && (errno = 0, e = readdir(d))) {
		size_t i = 0;

		while (i < ARRAY_LEN(parts) && strcmp(e->d_name, parts[i]))
			i++;
		fits = i < ARRAY_LEN(parts) || !strcmp(e->d_name, "lost+found");
	}
	if (!fits)
		rc = err_set(EEXIST,
			     "'%s' is no git repository and not empty: "
			     "choose another folder with --history",
			     h->dir);
	else
		rc = errno ? err_set(errno, "cannot look into '%s': %s", h->dir,
				     strerror(errno))
			   : 0;
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return rc;
}

static int configure(struct history *h)
{
	git_config *c = NULL;
	int rc;

	rc = git_repository_config(&c, h->repo);
	if (!rc)
		rc = git_config_set_string(c, "notes.displayRef",
					   HISTORY_NOTES);
	if (!rc)
		rc = git_config_set_bool(c, "receive.denyNonFastForwards", 1);
	git_config_free(c);
	return rc;
}

/* libgit2 asks for this when it opens a part: references are synced one by
 * one, objects by repo_sync(). */
static int open_refs(struct history *h)
{
	git_refdb *refs = NULL;
	int rc;

	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	rc = git_repository_refdb(&refs, h->repo);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
	git_refdb_free(refs);
	return rc ? repo_fail(h, rc, "cannot open its references") : 0;
}

static int make(struct history *h)
{
	git_repository_init_options o;
	int rc = may_become_repo(h);

	if (rc)
		return rc;
	unlinkat(h->fd, "HEAD.lock", 0);
	unlinkat(h->fd, "config.lock", 0);
	git_repository_init_options_init(&o,
					 GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	o.flags = GIT_REPOSITORY_INIT_BARE;
	o.description = "schedkit history, see schedkit-history(5)";
	o.initial_head = "main";
	rc = git_repository_init_ext(&h->repo, h->dir, &o);
	if (!rc)
		rc = configure(h);
	return rc ? repo_fail(h, rc, "cannot make a history") : open_refs(h);
}

static int open_repo(struct history *h)
{
	int rc = git_repository_open_ext(&h->repo, h->dir,
					 GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

	if (rc == GIT_ENOTFOUND)
		return -ENOENT;
	if (rc)
		return repo_fail(h, rc, "cannot open it");
	if (!git_repository_is_bare(h->repo))
		return err_set(EEXIST,
			       "'%s' is a working tree: the history must be a "
			       "bare repository, which can be cloned into one",
			       h->dir);
	return open_refs(h);
}

static int open_dir(struct history *h, bool write)
{
	int rc;

	if (write && (rc = path_make_dirs(h->dir)))
		return rc;
	h->fd = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->fd >= 0)
		return 0;
	if (errno == ENOENT)
		return err_set(ENOENT,
			       "there is no history in '%s' yet: "
			       "'sched-history add' begins one",
			       h->dir);
	return err_set(errno, "cannot open the history in '%s': %s", h->dir,
		       strerror(errno));
}

int history_open(const char *dir, bool write, struct history **out)
{
	struct history *h = mem_zalloc(1, sizeof(*h));
	int rc;

	*out = NULL;
	start_git();
	h->dir = mem_strdup(dir);
	h->fd = -1;
	rc = open_dir(h, write);
	if (rc)
		goto out;
	rc = open_repo(h);
	if (rc != -ENOENT)
		goto out;
	if (!write) {
		err_set(ENOENT,
			"'%s' is no git repository: there is no "
			"history in it",
			h->dir);
		goto out;
	}
	rc = repo_lock(h);
	if (rc)
		goto out;
	rc = open_repo(h); /* another process may have been first */
	if (rc == -ENOENT)
		rc = make(h);
	repo_unlock(h);
out:
	if (rc)
		history_close(h);
	else
		*out = h;
	return rc;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	marks_free(h->marks);
	git_repository_free(h->repo);
	if (h->fd >= 0)
		close(h->fd);
	free(h->dir);
	free(h);
	git_libgit2_shutdown();
}
