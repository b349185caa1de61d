/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that gives up what it does not need, for good.
 *
 * Landlock bounds what it may read and write, seccomp which system calls it
 * may make, no_new_privs and an empty capability set what it may become; its
 * children inherit all of it.  A uid of 0 keeps its files, but Landlock says
 * which of them are in reach.
 */
#ifndef SCHEDKIT_BASE_SANDBOX_H
#define SCHEDKIT_BASE_SANDBOX_H

#include <stdbool.h>

struct sandbox {
	/* Files and folders that may be read and executed, and those that may
	 * be written, too; NULL-terminated; what is not there is left out. */
	const char *const *read;
	const char *const *write;
	bool network; /* internet sockets; without it none of any family but
			 AF_UNIX, and no outgoing connection */
	bool exec;    /* other programs may be executed */
	/* Limits, 0: left as they are. */
	long memory_mib; /* address space */
	long cpu_s;
	long file_mib; /* of one file that is written */
	long tasks;    /* of the user, threads counted in */
};

/* The system's own folders that programs need: /usr, /lib*, /bin, /etc,
 * /dev/null and the like.  For the beginning of `read`. */
extern const char *const sandbox_system[];

/*
 * Irrevocable.  -ENOTSUP: the kernel lacks Landlock or seccomp; nothing was
 * given up then (the message says what is missing and the way out).
 */
int sandbox_enter(const struct sandbox *s);

#endif
