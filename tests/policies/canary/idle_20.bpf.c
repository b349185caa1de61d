/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fifth of the CPU time is lost. */
#define IDLE_PCT 20
#include "spoilt.bpf.h"
