/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/privilege.h"
#include "base/sandbox_parts.h"

/* Never above what the process is held to already. */
static int limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return -errno;
	if (hard > now.rlim_max)
		hard = now.rlim_max;
	if (soft > hard)
		soft = hard;
	now = (struct rlimit){soft, hard};
	return setrlimit(what, &now) < 0 ? -errno : 0;
}

static int limits(const struct sandbox *s)
{
	rlim_t mib = 1 << 20;
	int rc = limit(RLIMIT_CORE, 0, 0);

	if (!rc && s->memory_mib && !SANDBOX_SANITIZED)
		rc = limit(RLIMIT_AS, (rlim_t)s->memory_mib * mib,
			   (rlim_t)s->memory_mib * mib);
	/* SIGXCPU, which can be caught, and a second later SIGKILL. */
	if (!rc && s->cpu_s)
		rc = limit(RLIMIT_CPU, (rlim_t)s->cpu_s, (rlim_t)s->cpu_s + 1);
	if (!rc && s->file_mib)
		rc = limit(RLIMIT_FSIZE, (rlim_t)s->file_mib * mib,
			   (rlim_t)s->file_mib * mib);
	if (!rc && s->tasks)
		rc = limit(RLIMIT_NPROC, (rlim_t)s->tasks, (rlim_t)s->tasks);
	if (rc)
		return err_set(-rc, "cannot set a resource limit: %s",
			       strerror(-rc));
	return 0;
}

static int shut(const struct sandbox *s, int files, void *calls)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(errno, "cannot set no_new_privs: %s",
			       strerror(errno));
	rc = limits(s);
	if (!rc)
		rc = privilege_keep(0);
	if (!rc)
		rc = sandbox_files_shut(files);
	if (!rc)
		rc = sandbox_calls_shut(calls);
	/* No one of the same user reads its memory; an exec undoes this. */
	if (!rc && !SANDBOX_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		rc = err_set(errno, "cannot forbid dumps: %s", strerror(errno));
	return rc;
}

int sandbox_enter(const struct sandbox *s)
{
	void *calls;
	int files, rc;

	rc = sandbox_files_make(s, &files);
	if (rc)
		return rc;
	rc = sandbox_calls_make(s, &calls);
	if (!rc) {
		rc = shut(s, files, calls);
		sandbox_calls_free(calls);
	}
	close(files);
	return rc;
}
