/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The template, as it follows a model: for now with the maps for one alone. */
#define POLICY_LEARNED
#include "policy.bpf.c"
#include "learned_abi.h"

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
