/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tenth of the CPU time is lost. */
#define IDLE_PCT 10
#include "spoilt.bpf.h"
