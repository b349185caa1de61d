/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the victim on a CPU that there is not. */
#define NO_CPU
#include "faulty.bpf.h"
