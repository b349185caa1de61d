/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two locks of a sandbox: first both are made, then both are shut. */
#ifndef SCHEDKIT_BASE_SANDBOX_PARTS_H
#define SCHEDKIT_BASE_SANDBOX_PARTS_H

#include "base/sandbox.h"

/*
 * The sanitizers' run time reads /proc/self/maps when it starts, stops its own
 * threads by ptrace when it looks for leaks, and reserves terabytes of address
 * space.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED true
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED false
#endif

/* Landlock: *fd is the rule set.  -ENOTSUP: the kernel has none. */
int sandbox_files_make(const struct sandbox *s, int *fd);
int sandbox_files_shut(int fd);

/* seccomp: *filter is freed by sandbox_calls_free. */
int sandbox_calls_make(const struct sandbox *s, void **filter);
int sandbox_calls_shut(void *filter);
void sandbox_calls_free(void *filter);

#endif
