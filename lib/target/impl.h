/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kind of target provides; for target.c only. */
#ifndef SCHEDKIT_TARGET_IMPL_H
#define SCHEDKIT_TARGET_IMPL_H

#include "target/target.h"

struct target_impl {
	int (*run)(void *self, const struct run_spec *s, struct run_result *r);
	int (*await)(void *self); /* NULL: there is nothing to wait for */
	const struct json *(*facts)(const void *self);
	void (*close)(void *self);
};

extern const struct target_impl host_impl, guest_impl;

int host_open(const struct target_opts *o, void **self);
int guest_open(const struct target_opts *o, void **self);

/* The kernel's release, the caller's; "": only a boot can tell. */
char *host_kernel(void);
int guest_kernel(const struct target_opts *o, char **release);

#endif
