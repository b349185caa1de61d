/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Learned identity as user space sees it: the hash of what was executed that
 * bpf/identity.bpf.h makes in the kernel.
 */
#ifndef SCHEDKIT_BASE_EXEC_ID_H
#define SCHEDKIT_BASE_EXEC_ID_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EXEC_ID_MAX 24

/*
 * Of the path given to execve(2) and of the argument strings, each with its
 * NUL: their first 512 bytes at least, if there are so many; len is that of
 * all of them.  Never 0.
 */
uint64_t exec_id(const char *path, const char *args, size_t len);

/*
 * What a process may have been executed as.  /proc does not tell the path that
 * was given to execve(2): it is the first argument, the file that runs, one of
 * the PATH, or (a script) a later argument, and each makes one identity.
 */
struct exec_ids {
	pid_t pid;    /* whose; 0: nobody's yet */
	size_t count; /* 0: it is gone, or is just executing something */
	uint64_t v[EXEC_ID_MAX];
};

/* Nothing is done if they are those of pid already. */
void exec_ids_of(struct exec_ids *ids, pid_t pid);

#endif
