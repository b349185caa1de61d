/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sandbox_parts.h"

/*
 * The bounding set can only be emptied by who has a capability to; for others
 * no_new_privs does the same.
 */
static int bound(uint64_t kept)
{
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if ((c >= 64 || !(kept & PRIVILEGE(c))) &&
		    prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0 && errno != EPERM)
			return -1;
	/* A kernel without ambient capabilities has none to drop. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return -1;
	return 0;
}

/* Of those that it has, these. */
static int reduce(uint64_t kept)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &head, sets) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		uint32_t have = sets[i].permitted;

		have &= (uint32_t)(kept >> (32 * i));
		sets[i] = (struct __user_cap_data_struct){have, have, 0};
	}
	return syscall(SYS_capset, &head, sets) < 0 ? -1 : 0;
}

int privilege_keep(uint64_t kept)
{
	if (bound(kept) < 0 || reduce(kept) < 0)
		return err_set(errno, "cannot drop the capabilities: %s",
			       strerror(errno));
	return 0;
}

int privilege_lower(void)
{
	if (reduce(PRIVILEGE(CAP_KILL) | PRIVILEGE(CAP_SYS_NICE)) < 0)
		return err_set(errno, "cannot drop the capabilities: %s",
			       strerror(errno));
	return 0;
}

/* ---- system calls ----------------------------------------------------- */

static int allow_bpf(scmp_filter_ctx f, const int *commands)
{
	int rc = 0;

	for (; !rc && *commands >= 0; commands++)
		rc = seccomp_rule_add(
			f, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)*commands));
	return rc;
}

static int allow(scmp_filter_ctx f, const char *name, const int *bpf)
{
	int nr = seccomp_syscall_resolve_name(name), rc;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	if (nr == SCMP_SYS(openat))
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ,
					      O_ACCMODE | O_CREAT | O_TRUNC,
					      O_RDONLY));
	else if (nr == SCMP_SYS(bpf) && bpf)
		rc = allow_bpf(f, bpf);
	else
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
	return rc == -EDOM || rc == -EOPNOTSUPP ? 0 : rc;
}

static int allow_all(scmp_filter_ctx f, const char *names, const int *bpf)
{
	static const char blank[] = " ";
	char name[64];
	int rc = 0;

	while (!rc && *(names += strspn(names, blank))) {
		size_t len = strcspn(names, blank);

		snprintf(name, sizeof(name), "%.*s", (int)len, names);
		rc = allow(f, name, bpf);
		names += len;
	}
	return rc;
}

static int load(scmp_filter_ctx f, const char *names, const char *more,
		const int *bpf)
{
	int rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
				  SCMP_ACT_KILL_PROCESS);

	if (!rc)
		rc = allow_all(f, names, bpf);
	if (!rc)
		rc = allow_all(f, more, bpf);
	/* It sets no_new_privs. */
	return rc ? rc : seccomp_load(f);
}

int privilege_calls(const char *names, const char *more, const int *bpf)
{
	uint32_t kill = SECCOMP_RET_KILL_PROCESS;
	scmp_filter_ctx f;
	int rc;

	if (SANDBOX_SANITIZED)
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) < 0)
		return err_set(ENOTSUP, "the kernel has no seccomp filters; "
					"use one with CONFIG_SECCOMP_FILTER");
	f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!f)
		return err_set(ENOMEM, "cannot make a seccomp filter");
	rc = load(f, names, more, bpf);
	seccomp_release(f);
	return rc ? err_set(-rc, "cannot load the seccomp filter: %s",
			    strerror(-rc))
		  : 0;
}
