/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/attach.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/err.h"
#include "bpf/policy_abi.h"
#include "scx/kernel.h"
#include "scx/sysfs.h"

static bool has(const struct __user_cap_data_struct *d, int cap)
{
	return d[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

static bool may_load(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {0};

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	return has(d, CAP_SYS_ADMIN) ||
	       (has(d, CAP_BPF) && has(d, CAP_PERFMON));
}

static bool read_types(struct kernel_types *out)
{
	struct buf b;
	bool there;

	buf_init(&b, KERNEL_BTF_BYTES);
	there = buf_read_file(&b, KERNEL_BTF) == 0 && b.data &&
		kernel_types_read(b.data, b.len, out) == 0;
	buf_release(&b);
	return there;
}

/* All but who has it attached, which comes last. */
static int check_rest(void)
{
	if (libbpf_num_possible_cpus() > POLICY_MAX_CPUS)
		return err_set(ENOTSUP,
			       "this machine may have %d CPUs and the policy "
			       "template knows %d; use --target vm",
			       libbpf_num_possible_cpus(), POLICY_MAX_CPUS);
	if (!may_load())
		return err_set(EPERM,
			       "no privilege to load a policy (CAP_BPF and "
			       "CAP_PERFMON); run as root, or --target vm");
	return 0;
}

int ext_check(void)
{
	char state[SYSFS_WORD], ops[SYSFS_WORD];
	struct kernel_types types;
	struct utsname u;
	bool there, read;
	int rc;

	uname(&u);
	there = sysfs_word("state", state);
	sysfs_word("root/ops", ops);
	read = there && read_types(&types);
	rc = kernel_check(u.release, there ? "disabled" : NULL, "",
			  read ? &types : NULL);
	if (!rc)
		rc = check_rest();
	return rc ? rc : kernel_check(u.release, state, ops, &types);
}
