/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the victim into a queue that nobody made. */
#define NO_QUEUE
#include "faulty.bpf.h"
