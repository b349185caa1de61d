/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/socket.h"
#include "rt/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define PAUSE_MS 10

/* In the child: a session of its own, nothing of the caller's but the
 * environment; the caller has no child to wait for. */
static void become_daemon(const char *program, const char *socket)
{
	int null = open("/dev/null", O_RDWR);
	pid_t pid;

	setsid();
	pid = fork();
	if (pid)
		_exit(pid < 0);
	if (null < 0 || chdir("/") < 0)
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (close_range(3, ~0u, 0) < 0)
		_exit(1);
	execl(program, program, "--socket", socket, (char *)NULL);
	_exit(1);
}

static int spawn(const char *socket)
{
	char *program = path_bin("sched-agentd");
	int status = 0;
	pid_t pid;

	if (access(program, X_OK) < 0) {
		int rc = err_set(errno, "cannot run '%s': %s", program,
				 strerror(errno));

		free(program);
		return rc;
	}
	pid = fork();
	if (pid == 0)
		become_daemon(program, socket);
	free(program);
	if (pid < 0)
		return err_set(errno, "cannot start sched-agentd: %s",
			       strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* The daemon's own process could not be made: nobody will answer. */
	if (status)
		return err_set(EAGAIN, "cannot start sched-agentd: %s",
			       strerror(EAGAIN));
	return 0;
}

static int answers(const char *socket)
{
	int fd = rt_connect(socket);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* As whoever listens there sees it: / is its working folder. */
static char *absolute(const char *path)
{
	char *dir, *full;

	if (*path == '/')
		return mem_strdup(path);
	dir = getcwd(NULL, 0);
	full = dir ? mem_printf("%s/%s", dir, path) : NULL;
	free(dir);
	return full;
}

static int await(const char *path, double until)
{
	int rc;

	while ((rc = answers(path)) == -ENOENT) {
		if (clock_monotonic() > until)
			return err_set(ETIMEDOUT,
				       "sched-agentd does not answer at '%s'; "
				       "run it by hand to see why",
				       path);
		poll(NULL, 0, PAUSE_MS);
	}
	return rc;
}

int rt_daemon_start(const char *socket, double wait_s)
{
	double until = clock_monotonic() + wait_s;
	char *path = absolute(socket);
	int rc;

	if (!path)
		return err_set(errno, "no working folder: %s", strerror(errno));
	rc = answers(path);
	if (rc == -ENOENT) {
		/* A daemon's own words about that would reach nobody. */
		rc = path_make_parent(path);
		if (!rc)
			rc = spawn(path);
		if (!rc)
			rc = await(path, until);
	}
	free(path);
	return rc;
}
