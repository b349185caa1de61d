/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does not get beyond its beginning. */
#define NO_INIT
#include "faulty.bpf.h"
