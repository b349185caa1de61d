/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that gives up what it does not need, for good.
 *
 * Landlock bounds what it may read and write, seccomp which system calls it
 * may make, no_new_privs and an empty capability set what it may become; its
 * children inherit all of it.  A uid of 0 keeps its files, but Landlock says
 * which of them are in reach.  Owners and extended attributes of files stay as
 * they are, and modes, too, where nothing may be written; elsewhere no file is
 * opened for others to write.
 *
 * Of what was there before, only open descriptors stay usable: a process
 * outside, a child started earlier included, can be waited for but not be
 * sent a signal (close its input instead).
 */
#ifndef SCHEDKIT_BASE_SANDBOX_H
#define SCHEDKIT_BASE_SANDBOX_H

#include <stdbool.h>

struct sandbox {
	/*
	 * Files and folders that may be read and executed, and those that may
	 * be read and written but not executed; NULL-terminated, or NULL.
	 * What is not there is left out: make folders first.  /dev/null and
	 * the random devices need no mention.
	 */
	const char *const *read;
	const char *const *write;
	bool network; /* outgoing internet connections and look-ups of names.
			 With it or without: no AF_UNIX socket reaches what
			 listens, pairs are there */
	bool exec;    /* other programs may be executed */
	/* Limits, 0: left as they are.  There are no core dumps. */
	long memory_mib; /* address space; not in a sanitizer build */
	long cpu_s;
	long file_mib; /* of one file that is written */
	long tasks;    /* of the user, threads counted in; not for uid 0 */
};

/* The system's own files that programs need: /usr, /lib*, /bin, and of /etc,
 * /proc and /sys what holds no secrets.  For the beginning of `read`. */
extern const char *const sandbox_system[];

/*
 * Irrevocable; before any thread is started.  -ENOTSUP: the kernel lacks
 * Landlock or seccomp; nothing was given up then (the message says what is
 * missing and the way out).  After any other error the process must end.
 */
int sandbox_enter(const struct sandbox *s);

#endif
