/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/repo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/*
 * Writers of ours queue at flock(2), which dies with its holder, so a lock
 * file is git's own, held for milliseconds, or a dead process left it.
 */
#define STALE_S 5
#define WAIT_S	30.0
#define POLL_US 20000

int ref_read(const struct history *h, const char *name, git_oid *out)
{
	int rc = git_reference_name_to_id(out, h->repo, name);

	if (rc == GIT_ENOTFOUND) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	return rc ? repo_fail(h, rc, "cannot read %s", name) : 0;
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

static int lock_ref(const struct history *h, git_transaction *tx,
		    const char *name)
{
	char *path = mem_printf("%s/%s.lock", h->dir, name);
	double end = clock_monotonic() + WAIT_S;
	int rc;

	for (;;) {
		rc = git_transaction_lock_ref(tx, name);
		if (rc != GIT_ELOCKED || clock_monotonic() > end)
			break;
		drop_stale(h, path);
		usleep(POLL_US);
	}
	free(path);
	return rc;
}

int ref_move(const struct history *h, const char *name, const git_oid *old,
	     const git_oid *to)
{
	git_signature *sig = repo_signature(clock_wall());
	git_transaction *tx = NULL;
	git_oid at;
	int rc;

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
	return rc;
}
