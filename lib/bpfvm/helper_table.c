/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpfvm/helper.h"

#define HELPER_ROW(name, number) {"bpf_" #name, call_##name, number, 0, 0},
#define KFUNC_ROW(name, fn, since, until) \
	{"bpf_" #name, call_##fn, 0, since, until},

const struct vm_call vm_calls_core[] = {
	CALLS_HELPERS(HELPER_ROW) CALLS_KFUNCS(KFUNC_ROW){0},
};
