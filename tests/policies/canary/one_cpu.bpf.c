/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only the first CPU takes anything. */
#define ONE_CPU
#include "spoilt.bpf.h"
