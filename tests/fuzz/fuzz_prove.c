/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever can be opened can be analysed, with the same answers every time. */
#include <bpf/btf.h>
#include <string.h>

#include "bpfvm/object.h"
#include "fuzz.h"
#include "prove/prove.h"

static int resolve(void *arg, const char *name, bool is_func)
{
	(void)arg;
	(void)name;
	(void)is_func;
	return 1;
}

static void prove(const struct object *o)
{
	struct prove_opts opts = {.max_steps = 20000, .types = o->btf};
	struct prove_result a, b;

	if (prove_object(o, &opts, &a))
		return;
	expect(!prove_object(o, &opts, &b));
	expect(a.steps == b.steps && a.count == b.count);
	expect(!memcmp(a.answers, b.answers, sizeof(a.answers)));
	prove_result_release(&a);
	prove_result_release(&b);
}

/* Opened first for a kernel without types, then for one that has its own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf *none = btf__new_empty();
	struct object_target t = {.types = none, .resolve = resolve, .hz = 250};
	struct object *o, *own;

	if (!object_open(data, size, &t, &o)) {
		prove(o);
		t.types = o->btf;
		if (!object_open(data, size, &t, &own)) {
			prove(own);
			object_free(own);
		}
		object_free(o);
	}
	btf__free(none);
	return 0;
}
