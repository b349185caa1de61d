/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/share.h"

/* The finaliser of splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

bool knob_share_has(const struct knob_share *s, pid_t pid, uint64_t start)
{
	uint64_t h = mix(mix(s->key + (uint64_t)pid) + start);

	if (pid == 1)
		return false;
	/* By its upper half: 32 bits times a small number never overflow. */
	return (h >> 32) * KNOB_SHARE_ALL >> 32 < s->parts;
}
