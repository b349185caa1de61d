/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives up at the victim. */
#define ERROR
#include "faulty.bpf.h"
