/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each dispatch takes two milliseconds. */
#define NOISE_NS 2000000ULL
#define TURN_NS	 2000000ULL
#include "spoilt.bpf.h"
