/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How learned identities are hashed; see identity.bpf.h for what is.  The
 * includer in BPF provides the fixed-width types.
 */
#ifndef SCHEDKIT_IDENTITY_ABI_H
#define SCHEDKIT_IDENTITY_ABI_H

#ifndef __bpf__
#include <stdint.h>
#endif

#define IDENTITY_SEED 0x9e3779b97f4a7c15ULL

/* Constants of MurmurHash3 (Appleby, public domain). */
static inline __attribute__((always_inline)) uint64_t identity_mix(
	uint64_t h, uint64_t word)
{
	word *= 0x87c37b91114253d5ULL;
	word = word << 31 | word >> 33;
	word *= 0x4cf5ad432745937fULL;
	h ^= word;
	h = h << 27 | h >> 37;
	return h * 5 + 0x52dce729;
}

static inline __attribute__((always_inline)) uint64_t identity_final(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	return h ? h : 1;
}

#endif
