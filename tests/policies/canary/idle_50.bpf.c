/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Half of the CPU time is lost. */
#define IDLE_PCT 50
#include "spoilt.bpf.h"
