/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has had enough when the victim comes. */
#define LEAVE
#include "faulty.bpf.h"
