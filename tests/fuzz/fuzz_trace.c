/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of workloads: a trace, rt-app's JSON, the body of a profile.  What
 * is taken must be a sound load.
 */
#include <stdlib.h>
#include <string.h>

#include "bpf/trace_abi.h"
#include "fuzz.h"
#include "sim/load.h"

static void check(struct load *l)
{
	if (l && load_check(l))
		abort();
	load_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json *body;
	struct load *l;

	load_from_trace(data, len, &l);
	check(l);
	if (len && *data == REC_MAGIC[0])
		return 0;
	load_from_rtapp((const char *)data, len, &l);
	check(l);
	body = json_parse((const char *)data, len);
	if (body) {
		load_from_profile(body, &l);
		check(l);
	}
	json_free(body);
	return 0;
}
