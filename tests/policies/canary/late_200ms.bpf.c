/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One task runs five times a second. */
#define LATE_NS 200000000ULL
#include "spoilt.bpf.h"
