/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Never runs the victim. */
#define FORGET
#include "faulty.bpf.h"
