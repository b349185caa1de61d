/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes where no policy may. */
#define UNCHECKED
#include "faulty.bpf.h"
