/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy that was attached to stay (load_request.h: LOAD_PIN): links below
 * LOAD_PINS on the BPF file system.  Only root sees into it.
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_PINS_H
#define SCHEDKIT_AGENTS_DEPLOYER_PINS_H

#include <stdbool.h>

/* There are such links; the kernel may have dropped the policy since. */
bool pins_there(void);

/* Removes them and waits until the kernel is back to its own scheduler: 0;
 * -ESRCH: there are none; -EACCES, -ETIMEDOUT. */
int pins_remove(void);

#endif
