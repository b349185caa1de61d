/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/kernel.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/types.h"

/* What bpf/policy.bpf.c calls, and what other policies may. */
const struct kernel_need kernel_funcs[KERNEL_FUNCS] = {
	{"scx_bpf_create_dsq", true, ""},
	{"scx_bpf_dsq_insert", true, ""},
	{"scx_bpf_dsq_insert_vtime", true, ""},
	{"scx_bpf_dsq_move", true, ""},
	{"scx_bpf_dsq_move_to_local", true, ""},
	{"scx_bpf_dsq_nr_queued", true, ""},
	{"scx_bpf_kick_cpu", true, ""},
	{"scx_bpf_now", true, ""},
	{"scx_bpf_pick_idle_cpu", true, ""},
	{"scx_bpf_select_cpu_dfl", true, ""},
	{"scx_bpf_task_cpu", true, ""},
	{"scx_bpf_test_and_clear_cpu_idle", true, ""},
	{"bpf_iter_scx_dsq_new", true, ""},
	{"bpf_iter_scx_dsq_next", true, ""},
	{"bpf_iter_scx_dsq_destroy", true, ""},
	{"bpf_cpumask_first", true, ""},
	{"bpf_cpumask_test_cpu", true, ""},
	{"scx_bpf_task_cgroup", false, "policies that tell cgroups apart"},
	{"scx_bpf_cpuperf_set", false, "policies that set frequencies"},
	{"scx_bpf_dump_bstr", false, "a policy's own words in a dump"},
	{"scx_bpf_select_cpu_and", false, "placing within a set (6.17)"},
	{"scx_bpf_cpu_curr", false, "what runs on another CPU (6.18)"},
	{"scx_bpf_task_set_slice", false,
	 "slices and keys set by a call (6.19)"},
	{"scx_bpf_events", false, "counts of special events"},
};

/* What the template is called by, and others may be. */
const struct kernel_need kernel_ops[KERNEL_OPS] = {
	{"select_cpu", true, ""},
	{"enqueue", true, ""},
	{"dispatch", true, ""},
	{"running", true, ""},
	{"stopping", true, ""},
	{"runnable", true, ""},
	{"enable", true, ""},
	{"init_task", true, ""},
	{"init", true, ""},
	{"exit", true, ""},
	{"timeout_ms", true, ""},
	{"exit_dump_len", true, ""},
	{"hotplug_seq", true, ""},
	{"name", true, ""},
	{"tick", false, "policies that act at each tick"},
	{"cpu_release", false, "moving on when a real-time task comes"},
	{"cgroup_set_weight", false,
	 "policies that keep to cpu.weight (CONFIG_EXT_GROUP_SCHED)"},
	{"cgroup_set_bandwidth", false,
	 "policies that keep to cpu.max (6.17, CONFIG_EXT_GROUP_SCHED)"},
	{"dump", false, "a policy's own words in a dump"},
	{"sub_attach", false, "policies of cgroups below others (7.1)"},
};

/*
 * Kernels whose kfuncs take an implicit argument name each of them twice in
 * BTF: as NAME and as NAME_impl.  Where the build lost some of the twins
 * (7.1 and 7.2 of Debian) no object that calls these can load.
 */
#define TWINS_MARK "scx_bpf_dsq_insert_impl"
static const char *const twins[] = {"scx_bpf_create_dsq",
				    "scx_bpf_dsq_nr_queued",
				    "scx_bpf_test_and_clear_cpu_idle"};

struct taking {
	struct kernel_types *t;
	bool marked, has_twin[ARRAY_LEN(twins)];
};

static void note(const struct kernel_need *needs, size_t n, bool *has,
		 const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(needs[i].name, name))
			has[i] = true;
}

static void note_twin(struct taking *a, const char *name, size_t stem)
{
	for (size_t i = 0; i < ARRAY_LEN(twins); i++)
		if (strlen(twins[i]) == stem && !strncmp(twins[i], name, stem))
			a->has_twin[i] = true;
}

static void take(void *arg, uint32_t kind, const char *name, const char *member)
{
	struct taking *a = arg;
	size_t len;

	if (member) {
		if (!strcmp(name, "sched_ext_ops")) {
			a->t->ops++;
			note(kernel_ops, KERNEL_OPS, a->t->has_op, member);
		}
		return;
	}
	a->t->types++;
	if (kind != BTF_KIND_FUNC)
		return;
	note(kernel_funcs, KERNEL_FUNCS, a->t->has_func, name);
	if (strncmp(name, "scx_bpf_", 8))
		return;
	len = strlen(name);
	if (len > 5 && !strcmp(name + len - 5, "_impl")) {
		a->marked |= !strcmp(name, TWINS_MARK);
		note_twin(a, name, len - 5);
	} else {
		a->t->kfuncs++;
	}
}

int kernel_types_read(const void *btf, size_t size, struct kernel_types *out)
{
	struct taking a = {.t = out};
	int rc;

	memset(out, 0, sizeof(*out));
	rc = types_each(btf, size, take, &a);
	for (size_t i = 0; !rc && a.marked && i < ARRAY_LEN(twins); i++)
		if (!a.has_twin[i]) {
			out->twin = twins[i];
			break;
		}
	return rc;
}

const char *kernel_types_lack(const struct kernel_types *t)
{
	for (size_t i = 0; i < KERNEL_FUNCS; i++)
		if (kernel_funcs[i].must && !t->has_func[i])
			return kernel_funcs[i].name;
	for (size_t i = 0; i < KERNEL_OPS; i++)
		if (kernel_ops[i].must && !t->has_op[i])
			return kernel_ops[i].name;
	return NULL;
}

int kernel_check(const char *release, const char *state, const char *ops,
		 const struct kernel_types *types)
{
	const char *lack = types ? kernel_types_lack(types) : NULL;

	if (!state)
		return err_set(ENOSYS,
			       "kernel %s is built without sched_ext "
			       "(CONFIG_SCHED_CLASS_EXT); use 6.16 or newer "
			       "built with it, --target vm, or policies that "
			       "need none: sched-synth --form knobs",
			       release);
	if (!types)
		return err_set(ENOTSUP,
			       "kernel %s has no readable BTF (" KERNEL_BTF
			       "); use a kernel with CONFIG_DEBUG_INFO_BTF, "
			       "or --target vm",
			       release);
	if (types->twin)
		return err_set(ENOTSUP,
			       "the BTF of kernel %s is broken: function "
			       "%s_impl is missing, so that no sched_ext "
			       "policy can load there; use 6.16 to 7.0 or "
			       "7.3, or --target vm",
			       release, types->twin);
	if (lack)
		return err_set(ENOTSUP,
			       "the BTF of kernel %s does not name all that "
			       "policies need: %s is missing; use another "
			       "kernel, or --target vm",
			       release, lack);
	if (strcmp(state, "disabled"))
		return err_set(EBUSY,
			       "policy '%s' is already attached (sched_ext is "
			       "%s); stop it first",
			       ops, state);
	return 0;
}
