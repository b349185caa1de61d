/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that a sandboxed process is refused.
 *
 * A list of what is denied, not of what is allowed: Landlock and the missing
 * capabilities carry the weight; this takes away what they do not see and what
 * has been the way around them.  EPERM, so that a library that merely tries
 * one of them lives on; another system call table than our own is death.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sandbox_parts.h"

#define DENY SCMP_ACT_ERRNO(EPERM)
/* Newer than the library; the same number on every architecture. */
#define FCHMODAT2 452

static const char *const denied[] = {
	/* other processes */
	"kcmp", "pidfd_getfd", "process_madvise", "process_mrelease",
	"move_pages", "migrate_pages",
	/* the kernel itself */
	"bpf", "perf_event_open", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot", "acct",
	"swapon", "swapoff", "quotactl", "quotactl_fd", "syslog", "iopl",
	"ioperm", "lookup_dcookie", "nfsservctl", "uselib", "vhangup",
	"sethostname", "setdomainname", "memfd_secret",
	/* file systems and name spaces */
	"mount", "umount", "umount2", "pivot_root", "chroot", "fsopen",
	"fsconfig", "fsmount", "fspick", "move_mount", "open_tree",
	"mount_setattr", "unshare", "setns", "name_to_handle_at",
	"open_by_handle_at", "fanotify_init", "fanotify_mark",
	/* what others keep in memory under a name; no file system rule is
	 * asked for it */
	"shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl",
	"semget", "semop", "semtimedop", "semctl", "mq_open", "mq_unlink",
	/* keys */
	"keyctl", "add_key", "request_key",
	/* much code in the kernel for what is not needed here */
	"userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	/* the clocks */
	"clock_settime", "clock_settime64", "settimeofday", "stime", "adjtimex",
	"clock_adjtime", "clock_adjtime64"};

/* Newer than the library; the same numbers on every architecture. */
static const int denied_new[] = {
	457, /* statmount */
	458, /* listmount */
	467, /* open_tree_attr */
};

/* What a leak check of the sanitizers does to its own threads. */
static const char *const denied_tracing[] = {"ptrace", "process_vm_readv",
					     "process_vm_writev"};

static const unsigned long name_spaces[] = {
	CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,    CLONE_NEWUSER,
	CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP,
};

/* A call that this architecture does not have needs no rule. */
static int deny_name(scmp_filter_ctx f, const char *name, uint32_t action)
{
	int nr = seccomp_syscall_resolve_name(name);
	int rc;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	rc = seccomp_rule_add(f, action, nr, 0);
	return rc == -EDOM || rc == -EOPNOTSUPP ? 0 : rc;
}

static int deny_names(scmp_filter_ctx f)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(denied); i++)
		rc = deny_name(f, denied[i], DENY);
	for (size_t i = 0; !rc && i < ARRAY_LEN(denied_new); i++)
		rc = seccomp_rule_add(f, DENY, denied_new[i], 0);
	for (size_t i = 0;
	     !SANDBOX_SANITIZED && !rc && i < ARRAY_LEN(denied_tracing); i++)
		rc = deny_name(f, denied_tracing[i], DENY);
	return rc;
}

/* Who owns a file may say so, whatever the rules for files are. */
static const char *const denied_owning[] = {
	"chown",       "fchown",       "lchown",       "fchownat",
	"setxattr",    "lsetxattr",    "fsetxattr",    "setxattrat",
	"removexattr", "lremovexattr", "fremovexattr", "removexattrat"};

/* And whom it is open to.  Whoever writes files chooses their modes, but lets
 * nobody else write them, or be who owns them. */
static int deny_modes(scmp_filter_ctx f, const char *name, int nr, unsigned at,
		      bool writes)
{
	static const unsigned long opening[] = {S_ISUID, S_ISGID, S_IWGRP,
						S_IWOTH};
	int rc = 0;

	if (name)
		nr = seccomp_syscall_resolve_name(name);
	if (nr == __NR_SCMP_ERROR)
		return 0;
	if (!writes)
		rc = seccomp_rule_add(f, DENY, nr, 0);
	for (size_t i = 0; writes && !rc && i < ARRAY_LEN(opening); i++)
		rc = seccomp_rule_add(f, DENY, nr, 1,
				      SCMP_CMP64(at, SCMP_CMP_MASKED_EQ,
						 opening[i], opening[i]));
	return rc == -EDOM || rc == -EOPNOTSUPP ? 0 : rc;
}

/* Landlock knows of neither. */
static int deny_owning(scmp_filter_ctx f, const struct sandbox *s)
{
	bool writes = s->write && *s->write;
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(denied_owning); i++)
		rc = deny_name(f, denied_owning[i], DENY);
	if (!rc)
		rc = deny_modes(f, "chmod", 0, 1, writes);
	if (!rc)
		rc = deny_modes(f, "fchmod", 0, 1, writes);
	if (!rc)
		rc = deny_modes(f, "fchmodat", 0, 2, writes);
	return rc ? rc : deny_modes(f, NULL, FCHMODAT2, 2, writes);
}

/*
 * The flags of clone3 lie in memory, where a filter cannot look: the C library
 * takes clone when the kernel has no clone3.
 */
static int deny_clone(scmp_filter_ctx f)
{
	int rc = deny_name(f, "clone3", SCMP_ACT_ERRNO(ENOSYS));

	for (size_t i = 0; !rc && i < ARRAY_LEN(name_spaces); i++)
		rc = seccomp_rule_add(f, DENY, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ,
					      name_spaces[i], name_spaces[i]));
	return rc;
}

static int deny_family(scmp_filter_ctx f, enum scmp_compare op, unsigned af)
{
	return seccomp_rule_add(f, DENY, SCMP_SYS(socket), 1, SCMP_A0(op, af));
}

/*
 * Datagrams of AF_UNIX need no connection and reach whatever listens, the
 * system's log for one; also from a pair.  What is asked for as raw is one.
 */
static int deny_datagrams(scmp_filter_ctx f, int call)
{
	static const unsigned long kinds[] = {SOCK_DGRAM, SOCK_RAW};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(kinds); i++)
		rc = seccomp_rule_add(
			f, DENY, call, 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, kinds[i]));
	return rc;
}

/* A descriptor that was open before stays usable; what is refused is to make
 * one and to give it a peer. */
static int deny_sockets(scmp_filter_ctx f)
{
	int rc = deny_family(f, SCMP_CMP_NE, AF_UNIX);

	if (!rc)
		rc = deny_datagrams(f, SCMP_SYS(socket));
	if (!rc)
		rc = seccomp_rule_add(f, DENY, SCMP_SYS(connect), 0);
	return rc;
}

/*
 * AF_INET, AF_INET6, and NETLINK_ROUTE for the C library's look at the
 * machine's addresses.  Not AF_UNIX: who listens there, a container engine or
 * the service manager, takes orders from the uid alone.
 */
static int deny_other_families(scmp_filter_ctx f)
{
	int rc = deny_family(f, SCMP_CMP_GT, AF_NETLINK);

	for (unsigned af = 0; !rc && af < AF_NETLINK; af++)
		if (af != AF_INET && af != AF_INET6)
			rc = deny_family(f, SCMP_CMP_EQ, af);
	if (!rc)
		rc = seccomp_rule_add(f, DENY, SCMP_SYS(socket), 2,
				      SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				      SCMP_A2(SCMP_CMP_NE, 0));
	if (!rc)
		rc = seccomp_rule_add(
			f, DENY, SCMP_SYS(socket), 2,
			SCMP_A0(SCMP_CMP_LE, AF_INET6),
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW));
	return rc;
}

static int deny_arguments(scmp_filter_ctx f)
{
	/* Typing into the terminal that the process was started from. */
	static const unsigned long terminal[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(terminal); i++)
		rc = seccomp_rule_add(
			f, DENY, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, terminal[i]));
	/* The limits of other processes of the user; 0 is one's own. */
	if (!rc)
		rc = seccomp_rule_add(f, DENY, SCMP_SYS(prlimit64), 1,
				      SCMP_A0(SCMP_CMP_NE, 0));
	/* Asking for the personality is no change of it. */
	if (!rc)
		rc = seccomp_rule_add(f, DENY, SCMP_SYS(personality), 1,
				      SCMP_A0(SCMP_CMP_NE, 0xffffffff));
	return rc;
}

static int fill(scmp_filter_ctx f, const struct sandbox *s)
{
	int rc;

	rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
			      SCMP_ACT_KILL_PROCESS);
	/* sandbox_enter() has set no_new_privs. */
	if (!rc)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
	if (!rc)
		rc = deny_names(f);
	if (!rc)
		rc = deny_clone(f);
	if (!rc)
		rc = deny_arguments(f);
	if (!rc)
		rc = deny_owning(f, s);
	if (!rc)
		rc = s->network ? deny_other_families(f) : deny_sockets(f);
	if (!rc)
		rc = deny_datagrams(f, SCMP_SYS(socketpair));
	if (!rc && !s->exec)
		rc = deny_name(f, "execve", DENY);
	if (!rc && !s->exec)
		rc = deny_name(f, "execveat", DENY);
	return rc;
}

int sandbox_calls_make(const struct sandbox *s, void **filter)
{
	uint32_t kill = SECCOMP_RET_KILL_PROCESS;
	scmp_filter_ctx f;
	int rc;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) < 0)
		return err_set(ENOTSUP, "the kernel has no seccomp filters; "
					"use one with CONFIG_SECCOMP_FILTER");
	f = seccomp_init(SCMP_ACT_ALLOW);
	if (!f)
		return err_set(ENOMEM, "cannot make a seccomp filter");
	rc = fill(f, s);
	if (rc) {
		seccomp_release(f);
		return err_set(-rc, "cannot make a seccomp filter: %s",
			       strerror(-rc));
	}
	*filter = f;
	return 0;
}

int sandbox_calls_shut(void *filter)
{
	int rc = seccomp_load(filter);

	if (rc)
		return err_set(-rc, "cannot load the seccomp filter: %s",
			       strerror(-rc));
	return 0;
}

void sandbox_calls_free(void *filter)
{
	seccomp_release(filter);
}
