/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel's own types (its BTF) say of what policies need of it. */
#ifndef SCHEDKIT_SCX_KERNEL_H
#define SCHEDKIT_SCX_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#define KERNEL_BTF	 "/sys/kernel/btf/vmlinux"
#define KERNEL_BTF_BYTES (64u << 20)

/* Something that policies call, or are called by. */
struct kernel_need {
	const char *name;
	bool must;	   /* no policy of ours loads without it */
	const char *gives; /* what is lost without it */
};

#define KERNEL_FUNCS 24
#define KERNEL_OPS   20

extern const struct kernel_need kernel_funcs[KERNEL_FUNCS];
extern const struct kernel_need kernel_ops[KERNEL_OPS];

struct kernel_types {
	size_t types;  /* all */
	size_t kfuncs; /* functions of sched_ext's for policies */
	size_t ops;    /* members of struct sched_ext_ops; 0: none such */
	bool has_func[KERNEL_FUNCS];
	bool has_op[KERNEL_OPS];
	/* The first function whose twin "…_impl" is missing, where they come
	 * in pairs; NULL: none is.  No policy loads then. */
	const char *twin;
};

/* Of whatever bytes.  -EINVAL: this is no BTF, or not all of it. */
int kernel_types_read(const void *btf, size_t size, struct kernel_types *out);

/* The first function or member that a policy must have; NULL: all there. */
const char *kernel_types_lack(const struct kernel_types *t);

/*
 * 0 when policies can be attached to a kernel.  -ENOSYS: built without
 * sched_ext; -ENOTSUP: its BTF is not for it; -EBUSY: another policy is
 * attached; the message says so and names the way out.  state: of sysfs, NULL:
 * absent.  types: NULL: there is none to be read.
 */
int kernel_check(const char *release, const char *state, const char *ops,
		 const struct kernel_types *types);

#endif
