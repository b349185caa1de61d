/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns are half a second. */
#define TURN_NS 500000000ULL
#include "spoilt.bpf.h"
