/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether policies can be attached to the kernel, and what its types say. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/doctor/check.h"
#include "base/err.h"
#include "scx/ext.h"
#include "scx/kernel.h"

#define OTHER_KERNEL                                                        \
	"use another kernel: 6.16 to 7.0 or 7.3 of Debian are whole, or a " \
	"guest (--target vm)"

static bool check_sched_ext(struct json *checks, const struct site *s,
			    const struct kernel_types *types)
{
	char release[SITE_WORD], state[SITE_WORD], ops[SITE_WORD];
	bool there;
	int rc;

	site_release(s, release);
	if (!*release)
		snprintf(release, sizeof(release), "of unknown release");
	there = site_word(s, "/sys/kernel/sched_ext/state", state);
	site_word(s, "/sys/kernel/sched_ext/root/ops", ops);
	rc = s->other ? kernel_check(release, there ? state : NULL, ops, types)
		      : ext_check();
	if (rc == 0) {
		doctor_add(checks, "sched_ext", DOCTOR_OK, "",
			   "policies can be attached to %s kernel, %s",
			   s->other ? "that" : "this", release);
		return true;
	}
	/* The message names the way out, which a guest may be. */
	doctor_add(checks, "sched_ext", DOCTOR_WARN,
		   rc == -EBUSY ? "see 'scheduler' below"
				: "nothing, while a guest can be used "
				  "(--target vm)",
		   "%s", err_text());
	return false;
}

/* True: types is filled. */
static bool check_btf(struct json *checks, const struct site *s,
		      struct kernel_types *types)
{
	struct buf b;
	int rc;

	buf_init(&b, KERNEL_BTF_BYTES);
	rc = site_read(s, KERNEL_BTF, &b);
	if (rc == -EFBIG)
		err_set(EFBIG, "larger than any kernel's");
	else if (rc)
		err_set(-rc, "%s", strerror(-rc));
	else
		rc = kernel_types_read(b.data ? b.data : "", b.len, types);
	buf_release(&b);
	if (!rc) {
		doctor_add(checks, "btf", DOCTOR_OK, "",
			   KERNEL_BTF ", %zu types", types->types);
		return true;
	}
	doctor_add(checks, "btf", DOCTOR_WARN,
		   rc == -ENOENT ? "a kernel with CONFIG_DEBUG_INFO_BTF"
				 : "install the kernel's package again, or a "
				   "kernel whose types are whole",
		   KERNEL_BTF ": %s; observation falls back to /proc",
		   err_text());
	return false;
}

/* "a, b": the names of those that are missing. */
static void list_missing(struct buf *out, const struct kernel_need *need,
			 size_t n, const bool *has, bool must)
{
	for (size_t i = 0; i < n; i++) {
		if (has[i] || need[i].must != must)
			continue;
		buf_printf(out, "%s%s", out->len ? ", " : "", need[i].name);
		if (!must)
			buf_printf(out, " (%s)", need[i].gives);
	}
}

static void check_needs(struct json *checks, const char *name,
			const struct kernel_need *need, size_t n,
			const bool *has, size_t all)
{
	struct buf lost, less;

	buf_init(&lost, 4096);
	buf_init(&less, 4096);
	list_missing(&lost, need, n, has, true);
	list_missing(&less, need, n, has, false);
	if (lost.len)
		doctor_add(checks, name, DOCTOR_WARN, OTHER_KERNEL,
			   "%zu; the template needs what is missing: %s", all,
			   lost.data);
	else
		doctor_add(checks, name, DOCTOR_OK, "",
			   "%zu, with all that the template needs%s%s", all,
			   less.len ? "; not there: " : "",
			   less.len ? less.data : "");
	buf_release(&lost);
	buf_release(&less);
}

static void check_types(struct json *checks, const struct kernel_types *t)
{
	if (!t->ops && !t->kfuncs) {
		doctor_add(checks, "kfuncs", DOCTOR_WARN,
			   "a kernel with CONFIG_SCHED_CLASS_EXT, or a guest "
			   "(--target vm)",
			   "the kernel's types name nothing of sched_ext");
		return;
	}
	if (t->twin)
		doctor_add(checks, "kfuncs", DOCTOR_WARN, OTHER_KERNEL,
			   "%zu, but the twin %s_impl is missing: the build "
			   "lost it, and no policy can load",
			   t->kfuncs, t->twin);
	else
		check_needs(checks, "kfuncs", kernel_funcs, KERNEL_FUNCS,
			    t->has_func, t->kfuncs);
	check_needs(checks, "callbacks", kernel_ops, KERNEL_OPS, t->has_op,
		    t->ops);
}

bool doctor_kernel(struct json *checks, const struct site *s)
{
	struct kernel_types types;
	bool host, there;

	there = check_btf(checks, s, &types);
	host = check_sched_ext(checks, s, there ? &types : NULL);
	if (there)
		check_types(checks, &types);
	return host;
}
