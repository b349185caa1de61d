/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program with functions of which a test answers one from outside. */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

u64 asked, kept = 7;

static __noinline int guess(u64 a, u64 b)
{
	asked++;
	return a * 2 + b;
}

static __noinline int guess_twice(u64 a)
{
	return guess(a, kept) * 100 + guess(kept, a);
}

/* 2121, unless somebody knows better. */
SEC("syscall")
int both(void *ctx)
{
	u64 before = kept;

	return guess_twice(kept) + (before - kept);
}

SEC("syscall")
int count(void *ctx)
{
	return asked;
}
