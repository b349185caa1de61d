/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the daemon listens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "rt/socket.h"

char *rt_socket_path(void)
{
	const char *said = getenv("SCHEDKIT_RUNTIME");
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (said && strchr(said, '/'))
		return mem_strdup(said);
	if (dir && dir[0] == '/')
		return mem_printf("%s/schedkit/agentd.sock", dir);
	return path_state("agentd.sock");
}

int rt_socket(const char *path, struct sockaddr_un *address)
{
	int fd;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return err_set(ENAMETOOLONG,
			       "the path of a socket has %zu bytes at most: "
			       "'%s'",
			       sizeof(address->sun_path) - 1, path);
	strcpy(address->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(errno, "cannot make a socket: %s",
			       strerror(errno));
	return fd;
}

int rt_connect(const char *path)
{
	struct sockaddr_un a;
	int fd = rt_socket(path, &a), rc;

	if (fd < 0)
		return fd;
	if (!connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		return fd;
	rc = errno;
	close(fd);
	if (rc == ECONNREFUSED || rc == ENOTDIR)
		rc = ENOENT;
	return err_set(rc, "no sched-agentd answers at '%s': %s", path,
		       strerror(rc == ENOENT ? ECONNREFUSED : rc));
}
