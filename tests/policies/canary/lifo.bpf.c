/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The newest comes first. */
#define LIFO
#include "spoilt.bpf.h"
