/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process with privilege gives up what it needs no longer, for good. */
#ifndef SCHEDKIT_BASE_PRIVILEGE_H
#define SCHEDKIT_BASE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIVILEGE(cap) (1ULL << (cap))

/* Keeps these capabilities, as far as it has them; 0: none.  No program that
 * it executes ever has others.  -errno. */
int privilege_keep(uint64_t capabilities);

/*
 * Gives up the capabilities of this process, but those to end what it started
 * and to be served before it (CAP_KILL, CAP_SYS_NICE), and but those that
 * programs which it executes as root have.  For one that has to start such:
 * what it reads is no longer read with privilege, though a uid of 0 keeps the
 * files of root.
 */
int privilege_lower(void);

/*
 * From here on the process makes these system calls and no others: two lists
 * of their names, with blanks between them.  Names that this architecture does
 * not have count for nothing.  Files are opened for reading only, whatever user
 * it is; of bpf(2) these commands are allowed, ended by -1; NULL: all. Whatever
 * else it tries is EPERM, another system call table than its own is death.  In
 * a sanitizer build nothing is forbidden.  -ENOTSUP: the kernel has no such
 * filters.
 */
int privilege_calls(const char *names, const char *more, const int *bpf);

#endif
