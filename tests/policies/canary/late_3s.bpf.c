/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One task runs every three seconds. */
#define LATE_NS 3000000000ULL
#include "spoilt.bpf.h"
