/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libFuzzer calls, and what must hold of what comes of it. */
#ifndef SCHEDKIT_TESTS_FUZZ_H
#define SCHEDKIT_TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void expect(int holds)
{
	if (!holds)
		abort();
}

#endif
