/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A twentieth of the CPU time is lost. */
#define IDLE_PCT 5
#include "spoilt.bpf.h"
