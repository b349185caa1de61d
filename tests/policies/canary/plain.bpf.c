/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is wrong with this one. */
#define PLAIN
#include "spoilt.bpf.h"
