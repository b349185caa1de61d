/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"

/*
 * Writers of ours queue at flock(2), which dies with its holder, so a lock
 * file is git's own, held for milliseconds, or a dead process left it.  Which
 * one a writer is about to make stands in MARK as long as it does.
 */
#define MARK	 "schedkit.moving"
#define PACKED	 "packed-refs"
#define MARK_MAX 512
#define STALE_S	 5
#define WAIT_S	 30.0
#define POLL_US	 20000

int ref_read(const struct history *h, const char *name, git_oid *out)
{
	int rc = git_reference_name_to_id(out, h->repo, name);

	if (rc == GIT_ENOTFOUND) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	return rc ? repo_fail(h, rc, "cannot read %s", name) : 0;
}

/* The files below refs/. */
static int loose_refs(const struct history *h, struct strs *out)
{
	char *below = mem_printf("%s/refs", h->dir);
	char *const paths[] = {below, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int failed = tree ? 0 : errno;
	FTSENT *e;

	while (!failed && (errno = 0, e = fts_read(tree))) {
		if (e->fts_info == FTS_F)
			strs_add(out, e->fts_path + strlen(h->dir) + 1);
		else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
			 e->fts_info == FTS_NS)
			failed = e->fts_errno == ENOENT ? 0 : e->fts_errno;
	}
	if (!failed)
		failed = errno;
	if (tree)
		fts_close(tree);
	free(below);
	return failed ? err_set(failed,
				"cannot list the references: the history in "
				"'%s': %s",
				h->dir, strerror(failed))
		      : 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* libgit2 leaves out a folder that it could not look into, and what comes
 * behind it, without a word. */
static int check_list(const struct history *h, const struct strs *loose,
		      const git_strarray *list)
{
	git_oid at;

	for (size_t i = 0; i < loose->len; i++)
		if (!(list->count &&
		      bsearch(&loose->v[i], list->strings, list->count,
			      sizeof(*list->strings), by_bytes)) &&
		    !git_reference_name_to_id(&at, h->repo, loose->v[i]))
			return err_set(EIO,
				       "cannot list the references: the "
				       "history in '%s': '%s' is left out",
				       h->dir, loose->v[i]);
	return 0;
}

int ref_list(const struct history *h, git_strarray *out)
{
	struct strs loose = {0};
	int rc = loose_refs(h, &loose);

	*out = (git_strarray){0};
	if (!rc && (rc = git_reference_list(out, h->repo)))
		rc = repo_fail(h, rc, "cannot list the references");
	if (!rc && out->count)
		qsort(out->strings, out->count, sizeof(*out->strings),
		      by_bytes);
	if (!rc)
		rc = check_list(h, &loose, out);
	if (rc)
		git_strarray_dispose(out);
	strs_release(&loose);
	return rc;
}

int ref_tree(const struct history *h, const char *name, git_commit **commit,
	     git_tree **tree)
{
	git_oid at;
	int rc;

	*commit = NULL;
	*tree = NULL;
	rc = ref_read(h, name, &at);
	if (rc || git_oid_is_zero(&at))
		return rc;
	rc = git_commit_lookup(commit, h->repo, &at);
	if (!rc)
		rc = git_commit_tree(tree, *commit);
	if (!rc)
		return 0;
	git_commit_free(*commit);
	*commit = NULL;
	return repo_fail(h, rc, "cannot read %s", name);
}

/* Removes path when it has been there for STALE_S, seen by the file system's
 * own clock: that of another machine may differ. */
static void drop_stale(const struct history *h, const char *path)
{
	struct stat lock, now, again;
	char *probe = mem_printf("%s/schedkit.XXXXXX", h->dir);
	int fd = mkstemp(probe);

	if (fd < 0) {
		free(probe);
		return;
	}
	if (!fstat(fd, &now) && !lstat(path, &lock) &&
	    now.st_mtime - lock.st_mtime >= STALE_S && !lstat(path, &again) &&
	    again.st_ino == lock.st_ino && again.st_mtime == lock.st_mtime)
		unlink(path);
	close(fd);
	unlink(probe);
	free(probe);
}

/* What libgit2 returned stands for a lock of file, which may be gone the next
 * time.  Of the logs it is the code for anything. */
static bool try_again(const struct history *h, int rc, double end,
		      const char *file)
{
	char *path = mem_printf("%s/%s.lock", h->dir, file);
	bool locked = rc == GIT_ELOCKED || (rc == -1 && !access(path, F_OK));

	if (locked && clock_monotonic() > end)
		locked = false;
	if (locked) {
		drop_stale(h, path);
		usleep(POLL_US);
	}
	free(path);
	return locked;
}

static int lock_ref(const struct history *h, git_transaction *tx,
		    const char *name)
{
	double end = clock_monotonic() + WAIT_S;
	int rc;

	do
		rc = git_transaction_lock_ref(tx, name);
	while (try_again(h, rc, end, name));
	return rc;
}

int ref_remove(const struct history *h, const char *name)
{
	double end = clock_monotonic() + WAIT_S;
	int rc;

	do
		rc = git_reference_remove(h->repo, name);
	while (try_again(h, rc, end, name) && try_again(h, rc, end, PACKED));
	return rc && rc != GIT_ENOTFOUND
		       ? repo_fail(h, rc, "cannot remove %s", name)
		       : 0;
}

int ref_log(const struct history *h, const char *name, const git_oid *to)
{
	git_signature *sig = repo_signature(clock_wall());
	char *file = mem_printf("logs/%s", name);
	double end = clock_monotonic() + WAIT_S;
	git_reflog *log = NULL;
	int rc = git_reflog_read(&log, h->repo, name);

	if (!rc)
		rc = git_reflog_append(log, to, sig, "schedkit");
	if (!rc)
		do
			rc = git_reflog_write(log);
		while (try_again(h, rc, end, file));
	git_reflog_free(log);
	git_signature_free(sig);
	free(file);
	return rc ? repo_fail(h, rc, "cannot write the log of %s", name) : 0;
}

/* The lock files below prefix, and that of all packed references, which are
 * still there once those that are stale were removed. */
static size_t count_locks(const struct history *h, const char *prefix)
{
	char *below = mem_printf("%s/%s", h->dir, prefix);
	char *packed = mem_printf("%s/" PACKED ".lock", h->dir);
	char *const paths[] = {below, packed, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t n = 0;
	FTSENT *e;

	while (tree && (e = fts_read(tree))) {
		if (e->fts_info != FTS_F || e->fts_namelen < 5 ||
		    strcmp(e->fts_name + e->fts_namelen - 5, ".lock"))
			continue;
		drop_stale(h, e->fts_path);
		n += !access(e->fts_path, F_OK);
	}
	if (tree)
		fts_close(tree);
	free(below);
	free(packed);
	return n;
}

int ref_wait(const struct history *h, const char *prefix)
{
	double end = clock_monotonic() + WAIT_S;

	while (count_locks(h, prefix)) {
		if (clock_monotonic() > end)
			return err_set(EAGAIN,
				       "another program holds references below "
				       "%s for %.0f s: try again later",
				       prefix, WAIT_S);
		usleep(POLL_US);
	}
	return 0;
}

/* The first bytes of a file in the repository's folder as a string; false: it
 * is not there. */
static bool read_small(const struct history *h, const char *path, char *out,
		       size_t size)
{
	int fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

/*
 * "refs/x OID" was left by a writer that died: the lock file is its own if it
 * is empty yet, or has that OID.
 */
static void clear_mark(const struct history *h)
{
	char mark[MARK_MAX], lock[MARK_MAX], *oid, *path;

	if (!h->held || !read_small(h, MARK, mark, sizeof(mark)))
		return;
	oid = strchr(mark, ' ');
	if (oid && !strncmp(mark, "refs/", 5) && !strstr(mark, "..")) {
		*oid++ = '\0';
		path = mem_printf("%s.lock", mark);
		if (read_small(h, path, lock, sizeof(lock)) &&
		    !strncmp(lock, oid, strcspn(lock, "\n")))
			unlinkat(h->fd, path, 0);
		free(path);
	}
	unlinkat(h->fd, MARK, 0);
}

static void set_mark(const struct history *h, const char *name,
		     const git_oid *to)
{
	char hex[GIT_OID_HEXSZ + 1], mark[MARK_MAX];
	int fd, n;

	if (!h->held)
		return;
	n = snprintf(mark, sizeof(mark), "%s %s", name,
		     git_oid_tostr(hex, sizeof(hex), to));
	/* A tag of theirs may have any name: it goes without. */
	if (n < 0 || (size_t)n >= sizeof(mark))
		return;
	fd = openat(h->fd, MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* A torn one is of no use, and does no harm. */
	if (write(fd, mark, (size_t)n) != n)
		unlinkat(h->fd, MARK, 0);
	close(fd);
}

int ref_move(const struct history *h, const char *name, const git_oid *old,
	     const git_oid *to)
{
	git_signature *sig = repo_signature(clock_wall());
	git_transaction *tx = NULL;
	git_oid at;
	int rc;

	clear_mark(h);
	set_mark(h, name, to);
	rc = git_transaction_new(&tx, h->repo);
	if (!rc)
		rc = lock_ref(h, tx, name);
	if (rc) {
		rc = repo_fail(h, rc, "cannot move %s", name);
		goto out;
	}
	rc = ref_read(h, name, &at);
	if (rc)
		goto out;
	if (!git_oid_equal(&at, old)) {
		rc = 1;
		goto out;
	}
	rc = git_transaction_set_target(tx, name, to, sig, "schedkit");
	if (!rc)
		rc = git_transaction_commit(tx);
	if (rc)
		rc = repo_fail(h, rc, "cannot move %s", name);
out:
	git_transaction_free(tx);
	git_signature_free(sig);
	if (h->held)
		unlinkat(h->fd, MARK, 0);
	return rc;
}
