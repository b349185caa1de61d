/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/tracee_parts.h"

int regs_read(pid_t pid, struct regs *out)
{
	struct iovec all = {&out->r, sizeof(out->r)};

	return ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &all) < 0
		       ? -errno
		       : 0;
}

int regs_write(pid_t pid, const struct regs *r)
{
	struct iovec all = {(void *)&r->r, sizeof(r->r)};

	return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &all) < 0
		       ? -errno
		       : 0;
}

#ifdef __x86_64__
#define CALL_BYTES 2 /* of the instruction */

int regs_known(void)
{
	return 0;
}

void regs_call(struct regs *r, long nr, const long args[static 6])
{
	r->r.orig_rax = (unsigned long long)nr;
	r->r.rdi = (unsigned long long)args[0];
	r->r.rsi = (unsigned long long)args[1];
	r->r.rdx = (unsigned long long)args[2];
	r->r.r10 = (unsigned long long)args[3];
	r->r.r8 = (unsigned long long)args[4];
	r->r.r9 = (unsigned long long)args[5];
}

long regs_result(const struct regs *r)
{
	return (long)r->r.rax;
}

void regs_again(struct regs *r)
{
	r->r.rip -= CALL_BYTES;
	r->r.rax = r->r.orig_rax;
	/* It is no call that was interrupted. */
	r->r.orig_rax = ~0ull;
}
#else
int regs_known(void)
{
	return err_set(ENOTSUP, "system calls of another process are made on "
				"x86-64 only");
}

void regs_call(struct regs *r, long nr, const long args[static 6])
{
	(void)r;
	(void)nr;
	(void)args;
}

long regs_result(const struct regs *r)
{
	(void)r;
	return -ENOSYS;
}

void regs_again(struct regs *r)
{
	(void)r;
}
#endif
