/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether KVM works here: a trial boot answers that, once per QEMU, kernel
 * and boot of this machine; the cache remembers.
 */
#ifndef SCHEDKIT_TARGET_ACCEL_H
#define SCHEDKIT_TARGET_ACCEL_H

#include "target/parts.h"

enum accel_answer { ACCEL_UNKNOWN, ACCEL_KVM, ACCEL_TCG };

/* ACCEL_UNKNOWN: try it.  why ("" or the reason against KVM) is the caller's
 * to free. */
enum accel_answer accel_recall(const struct parts *p, char **why);

/* A cache that cannot be written is no error: the next one tries again. */
void accel_remember(const struct parts *p, enum accel_answer a,
		    const char *why);

#endif
