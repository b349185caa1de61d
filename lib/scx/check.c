/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/ext.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/err.h"
#include "bpf/policy_abi.h"
#include "scx/sysfs.h"

/*
 * Kernels whose kfuncs take an implicit argument name each of them twice in
 * BTF: as NAME and as NAME_impl.  Where the build lost some of the twins
 * (7.1 and 7.2 of Debian) no object that calls these can load.
 */
#define TWINS_MARK "scx_bpf_dsq_insert_impl"
static const char *const twins[] = {"scx_bpf_create_dsq",
				    "scx_bpf_dsq_nr_queued",
				    "scx_bpf_test_and_clear_cpu_idle"};

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static bool lacks_twins(const struct btf *btf, const char **which)
{
	char twin[64];

	if (!has_function(btf, TWINS_MARK))
		return false;
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
		snprintf(twin, sizeof(twin), "%s_impl", twins[i]);
		*which = twins[i];
		if (!has_function(btf, twin))
			return true;
	}
	return false;
}

static bool may_load(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {0};

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	return d[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &
	       CAP_TO_MASK(CAP_SYS_ADMIN);
}

static int check_btf(const struct utsname *u)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const char *which = "";
	int rc = 0;

	if (!btf)
		return err_set(ENOTSUP,
			       "kernel %s has no readable BTF "
			       "(/sys/kernel/btf/vmlinux); use a kernel with "
			       "CONFIG_DEBUG_INFO_BTF, or --target vm",
			       u->release);
	if (!has_function(btf, "scx_bpf_create_dsq"))
		rc = err_set(ENOTSUP,
			     "the BTF of kernel %s does not name the "
			     "functions that policies call; use another "
			     "kernel, or --target vm",
			     u->release);
	else if (lacks_twins(btf, &which))
		rc = err_set(ENOTSUP,
			     "the BTF of kernel %s is broken: function %s_impl "
			     "is missing, so that no sched_ext policy can load "
			     "there; use 6.16 to 7.0 or 7.3, or --target vm",
			     u->release, which);
	btf__free(btf);
	return rc;
}

int ext_check(void)
{
	char state[SYSFS_WORD], ops[SYSFS_WORD];
	struct utsname u;
	int rc;

	uname(&u);
	if (!sysfs_word("state", state))
		return err_set(ENOSYS,
			       "kernel %s is built without sched_ext "
			       "(CONFIG_SCHED_CLASS_EXT); use 6.16 or newer "
			       "built with it, or --target vm",
			       u.release);
	rc = check_btf(&u);
	if (rc)
		return rc;
	if (libbpf_num_possible_cpus() > POLICY_MAX_CPUS)
		return err_set(ENOTSUP,
			       "this machine may have %d CPUs and the policy "
			       "template knows %d; use --target vm",
			       libbpf_num_possible_cpus(), POLICY_MAX_CPUS);
	if (!may_load())
		return err_set(EPERM,
			       "no privilege to load a policy "
			       "(CAP_SYS_ADMIN); run as root, or --target vm");
	if (strcmp(state, "disabled")) {
		sysfs_word("root/ops", ops);
		return err_set(EBUSY,
			       "policy '%s' is already attached (sched_ext is "
			       "%s); stop it first",
			       ops, state);
	}
	return 0;
}
