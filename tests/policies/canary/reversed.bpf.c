/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weights count the wrong way round. */
#define REVERSED
#include "spoilt.bpf.h"
