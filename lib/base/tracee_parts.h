/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of a process that is about to make a system call. */
#ifndef SCHEDKIT_BASE_TRACEE_PARTS_H
#define SCHEDKIT_BASE_TRACEE_PARTS_H

#include <sys/types.h>
#include <sys/user.h>

struct regs {
	struct user_regs_struct r;
};

/* -ENOTSUP: nothing is known of this kind of machine. */
int regs_known(void);

int regs_read(pid_t pid, struct regs *out);
int regs_write(pid_t pid, const struct regs *r);

/* The call that is made instead. */
void regs_call(struct regs *r, long nr, const long args[static 6]);
/* What it returned. */
long regs_result(const struct regs *r);
/* From what they were before it: those that lead there once more. */
void regs_again(struct regs *r);

#endif
