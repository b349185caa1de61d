/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever can be opened can be analysed, with the same answers every time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpfvm/object.h"
#include "prove/prove.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int resolve(void *arg, const char *name, bool is_func)
{
	(void)arg;
	(void)name;
	(void)is_func;
	return 1;
}

static void expect(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object_target t = {.resolve = resolve, .hz = 250};
	struct prove_opts opts = {.max_steps = 20000};
	struct prove_result a, b;
	struct object *o;

	if (object_open(data, size, &t, &o))
		return 0;
	if (!prove_object(o, &opts, &a)) {
		expect(!prove_object(o, &opts, &b));
		expect(a.steps == b.steps && a.count == b.count);
		expect(!memcmp(a.answers, b.answers, sizeof(a.answers)));
		prove_result_release(&a);
		prove_result_release(&b);
	}
	object_free(o);
	return 0;
}
