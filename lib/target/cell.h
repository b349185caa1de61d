/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cell that a guest lives in: its own mount, pid, network and IPC
 * namespaces (and, without privilege, user namespace), the whole file tree
 * read-only.  virtiofsd and QEMU run in it; whatever they or the guest do, no
 * host file can be written, and when the cell's first process dies, or the
 * process that made it, the kernel kills everything inside.
 */
#ifndef SCHEDKIT_TARGET_CELL_H
#define SCHEDKIT_TARGET_CELL_H

#include <sys/types.h>

#include "base/buf.h"

/* Descriptors that QEMU and virtiofsd find open. */
enum { CELL_FD_PORT = 10, CELL_FD_FS = 11, CELL_FD_LISTEN = 12 };

struct cell_spec {
	char *const *qemu, *const *qemu_env;
	char *const *virtiofsd, *const *virtiofsd_env;
};

struct cell {
	pid_t pid;   /* 0: none */
	int pidfd;   /* readable when the cell is gone */
	int port;    /* the guest's messages; non-blocking */
	int console; /* what the guest prints; non-blocking */
	int log;     /* what QEMU and virtiofsd print; non-blocking */
	int life;    /* open as long as we live */
};

#define CELL_NONE                     \
	((struct cell){.pidfd = -1,   \
		       .port = -1,    \
		       .console = -1, \
		       .log = -1,     \
		       .life = -1})

/* -EPERM when namespaces are not allowed; the message says what is missing. */
int cell_start(const struct cell_spec *spec, struct cell *c);

/* Kills, reaps, closes.  Safe on CELL_NONE. */
void cell_kill(struct cell *c);

#endif
