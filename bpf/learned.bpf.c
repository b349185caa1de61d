/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The template that follows a model: learned_abi.h has what that is. */
#define POLICY_LEARNED
#include "policy.bpf.c"
