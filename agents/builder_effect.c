/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hooks make of the template: its code with theirs beside its code with
 * hooks that leave everything as it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/builder_state.h"
#include "base/err.h"
#include "bpfvm/object.h"
#include "sim/sim.h"

static bool same_code(const struct object *a, const struct object *b)
{
	if (a->insn_count != b->insn_count || a->func_count != b->func_count)
		return false;
	for (size_t i = 0; i < a->insn_count; i++) {
		const struct object_insn *x = &a->insns[i], *y = &b->insns[i];

		if (memcmp(&x->i, &y->i, sizeof(x->i)) != 0 ||
		    x->what != y->what || x->arg != y->arg ||
		    x->value != y->value)
			return false;
	}
	return true;
}

static bool same_call(const struct object *a, const struct object_insn *x,
		      const struct object *b, const struct object_insn *y)
{
	if (x->what != y->what)
		return false;
	if (x->what == INSN_CALL_HELPER)
		return x->arg == y->arg;
	return !strcmp(a->externs[x->arg].name, b->externs[y->arg].name);
}

static bool calls_it(const struct object *b, const struct object *a,
		     const struct object_insn *x)
{
	for (size_t i = 0; i < b->insn_count; i++)
		if (same_call(a, x, b, &b->insns[i]))
			return true;
	return false;
}

/* The lint has seen to it already; this is what it comes to. */
static void check_calls(struct draft *d, const struct object *a,
			const struct object *plain)
{
	for (size_t i = 0; i < a->insn_count; i++) {
		const struct object_insn *x = &a->insns[i];
		const struct object_line *l;

		if ((x->what != INSN_CALL_HELPER &&
		     x->what != INSN_CALL_KFUNC) ||
		    calls_it(plain, a, x))
			continue;
		l = object_line(a, (uint32_t)i);
		draft_find(
			d, "call", l ? l->line : 0,
			"the kernel is called, which only the template does");
		return;
	}
}

int effect_check(struct draft *d, const char *object, const char *plain)
{
	char *path = draft_path(d, object), *plain_path = draft_path(d, plain);
	struct sim_policy *a = NULL, *b = NULL;
	int rc = sim_policy_open(path, NULL, 0, &a);

	if (!rc)
		rc = sim_policy_open(plain_path, NULL, 0, &b);
	if (rc == -EINVAL) {
		draft_find(d, "object", 0, "%s", err_text());
	} else if (!rc) {
		check_calls(d, sim_policy_object(a), sim_policy_object(b));
		if (!(d->hooks & 1u << CODE_PREEMPT) &&
		    same_code(sim_policy_object(a), sim_policy_object(b)))
			draft_find(d, "no-effect", 0,
				   "the hooks change nothing: the compiler "
				   "makes the template's own code of them");
	}
	sim_policy_free(a);
	sim_policy_free(b);
	free(path);
	free(plain_path);
	if (!rc && d->findings)
		rc = err_set(EINVAL, "the hooks are not what they should be");
	return rc;
}
