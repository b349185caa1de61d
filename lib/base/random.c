/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/random.h"

#include <stdlib.h>
#include <sys/random.h>

void random_hex(char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte;

	for (size_t i = 0; i + 2 < size; i += 2) {
		if (getrandom(&byte, 1, 0) != 1)
			abort();
		out[i] = digits[byte >> 4];
		out[i + 1] = digits[byte & 15];
	}
	out[size - 1] = '\0';
}
