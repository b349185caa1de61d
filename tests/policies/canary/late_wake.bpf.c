/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who wakes up waits for the next fortieth of a second. */
#define LATE_NS 25000000ULL
#define LATE_WAKE
#include "spoilt.bpf.h"
