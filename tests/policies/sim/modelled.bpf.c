/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes a model as the template that follows one does, and refuses to begin
 * unless it finds it: in the second half, and counted as the first generation.
 */
#include "scx.bpf.h"
#include "policy_abi.h"
#include "learned_abi.h"

char _license[] SEC("license") = "GPL";

const volatile struct policy_params params;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_MAX);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct forecast);
} models SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} model_generation SEC(".maps");

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(modelled_init)
{
	u32 zero = 0, one = 1, *n, wanted;
	struct forecast *a, *b;

	a = bpf_map_lookup_elem(&models, &zero);
	b = bpf_map_lookup_elem(&models, &one);
	n = bpf_map_lookup_elem(&model_generation, &zero);
	if (!a || !b || !n)
		return -22;
	wanted = params.order == ORDER_PREDICTED;
	if (*n != wanted || a->magic ||
	    b->magic != (wanted ? FORECAST_MAGIC : 0) ||
	    b->part[FORECAST_BURST].bias != (wanted ? 12345 : 0))
		scx_bpf_error("generation %u, magics %x and %x", *n, a->magic,
			      b->magic);
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops modelled = {
	.init = (void *)modelled_init,
	.timeout_ms = 5000,
	.name = "modelled",
};
