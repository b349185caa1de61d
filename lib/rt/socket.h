/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of the daemon. */
#ifndef SCHEDKIT_RT_SOCKET_H
#define SCHEDKIT_RT_SOCKET_H

#include <sys/un.h>

/* $SCHEDKIT_RUNTIME if it is a path, else
 * $XDG_RUNTIME_DIR/schedkit/agentd.sock, else path_state("agentd.sock"); to be
 * freed. */
char *rt_socket_path(void);

/* A socket, not blocking, closed on exec, and the address for path. */
int rt_socket(const char *path, struct sockaddr_un *address);
/* A connection to the one at path.  -ENOENT: nothing listens there, which a
 * folder or file that is missing says as well. */
int rt_connect(const char *path);

#endif
