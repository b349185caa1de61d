/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model that decides, a row of features after the other: for what a decision
 * says and costs, in the virtual machine and in a kernel.
 */
#include "scx.bpf.h"
#include "forecast_abi.h"

char _license[] SEC("license") = "GPL";

#define ROWS 1024

/* Each in a map of its own, for whoever fills them. */
struct forecast model SEC(".data.model") = {};
s16 rows[ROWS][FORECAST_FEATURES] SEC(".data.rows") = {};
u32 next;

/* Features are copied, as a policy has them on its stack. */
static __always_inline void take(s16 *to)
{
	const u64 *from = (const u64 *)rows[next++ & (ROWS - 1)];
	u64 *out = (u64 *)to;

	for (int i = 0; i < FORECAST_FEATURES / 4; i++)
		out[i] = from[i];
	barrier_var(out);
}

SEC("tc")
int burst(void *ctx)
{
	s16 x[FORECAST_FEATURES] __attribute__((aligned(8)));

	take(x);
	return forecast_predict(&model, FORECAST_BURST, x);
}

/* All but the decision. */
SEC("tc")
int nothing(void *ctx)
{
	s16 x[FORECAST_FEATURES] __attribute__((aligned(8)));

	take(x);
	return x[0];
}
