/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "rt/socket.h"

#define PASSED_FD  3
#define BACKLOG	   512
#define PATIENCE_S 3.0 /* the last one may be sealing its log */

/* ---- the service manager's --------------------------------------------- */

static int option(int fd, int what)
{
	socklen_t len = sizeof(int);
	int x = -1;

	return getsockopt(fd, SOL_SOCKET, what, &x, &len) < 0 ? -1 : x;
}

int rt_listen_passed(struct rt_listener *out)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	bool ours = pid && fds && strtol(pid, NULL, 10) == getpid() &&
		    strtol(fds, NULL, 10) > 0;

	/* Not for those that we start. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours)
		return 0;
	if (option(PASSED_FD, SO_DOMAIN) != AF_UNIX ||
	    option(PASSED_FD, SO_TYPE) != SOCK_STREAM ||
	    option(PASSED_FD, SO_ACCEPTCONN) != 1)
		return err_set(EINVAL, "what was passed as LISTEN_FDS is no "
				       "stream socket of AF_UNIX that listens");
	if (fcntl(PASSED_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(PASSED_FD, F_SETFL, O_NONBLOCK) < 0)
		return err_set(errno, "the socket that was passed: %s",
			       strerror(errno));
	*out = (struct rt_listener){.fd = PASSED_FD, .lock = -1};
	return 1;
}

int rt_notify_open(void)
{
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = to ? strlen(to) : 0;
	int fd;

	if (!len || len >= sizeof(a.sun_path) || (*to != '/' && *to != '@'))
		return -1;
	memcpy(a.sun_path, to, len);
	if (*to == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (!connect(fd, (const struct sockaddr *)&a,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
				 (*to == '/'))))
		return fd;
	close(fd);
	return -1;
}

void rt_notify(int fd, const char *state)
{
	/* Whether it listens is its business. */
	if (fd >= 0)
		(void)!send(fd, state, strlen(state), MSG_NOSIGNAL);
}

/* ---- our own ----------------------------------------------------------- */

static int check_folder(const char *dir)
{
	struct stat st;
	int rc = path_make_dirs(dir);

	if (rc)
		return rc;
	if (stat(dir, &st) < 0)
		return err_set(errno, "'%s': %s", dir, strerror(errno));
	if (st.st_uid != geteuid())
		return err_set(EACCES,
			       "folder '%s' is user %u's; a daemon serves its "
			       "own user",
			       dir, (unsigned)st.st_uid);
	if (st.st_mode & 022)
		return err_set(EACCES,
			       "others may write to '%s'; choose a folder of "
			       "mode 0700 for the socket",
			       dir);
	return 0;
}

static int take_lock(const char *path)
{
	char *name = mem_printf("%s.lock", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0) {
		rc = err_set(errno, "cannot open '%s': %s", name,
			     strerror(errno));
		free(name);
		return rc;
	}
	free(name);
	rc = io_lock(fd, PATIENCE_S);
	if (!rc)
		return fd;
	if (rc == -EAGAIN)
		err_set(EAGAIN, "another sched-agentd serves '%s'", path);
	else
		err_set(-rc, "cannot lock '%s.lock': %s", path, strerror(-rc));
	close(fd);
	return rc;
}

/* Under the lock: nobody listens there any more. */
static int remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : err_set(errno, "'%s': %s", path,
						 strerror(errno));
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return err_set(EEXIST, "'%s' is there and no socket of ours",
			       path);
	if (unlink(path) < 0)
		return err_set(errno, "cannot remove '%s': %s", path,
			       strerror(errno));
	return 0;
}

static int bind_path(const char *path)
{
	struct sockaddr_un a;
	int fd = rt_socket(path, &a), rc = 0;
	bool bound;
	mode_t mask;

	if (fd < 0)
		return fd;
	mask = umask(0177);
	bound = !bind(fd, (const struct sockaddr *)&a, sizeof(a));
	if (!bound || listen(fd, BACKLOG) < 0)
		rc = err_set(errno, "cannot listen at '%s': %s", path,
			     strerror(errno));
	umask(mask);
	if (!rc)
		return fd;
	if (bound)
		unlink(path);
	close(fd);
	return rc;
}

int rt_listen_make(const char *path, struct rt_listener *out)
{
	char *copy = mem_strdup(path);
	int rc = check_folder(dirname(copy));

	free(copy);
	*out = (struct rt_listener){.fd = -1, .lock = -1};
	if (!rc)
		rc = out->lock = take_lock(path);
	if (rc >= 0)
		rc = remove_stale(path);
	if (!rc)
		rc = out->fd = bind_path(path);
	if (rc < 0) {
		rt_listen_close(out);
		return rc;
	}
	out->path = mem_strdup(path);
	return 0;
}

void rt_listen_close(struct rt_listener *l)
{
	if (l->path)
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	if (l->lock >= 0)
		close(l->lock);
	free(l->path);
	*l = (struct rt_listener){.fd = -1, .lock = -1};
}
