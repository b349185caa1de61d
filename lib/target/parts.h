/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest is made of and where it is: QEMU, virtiofsd, a kernel.
 * libexec/schedkit/fetch-guest knows the places and gets what is missing.
 */
#ifndef SCHEDKIT_TARGET_PARTS_H
#define SCHEDKIT_TARGET_PARTS_H

#include <signal.h>

struct parts {
	char *qemu, *qemu_version, *qemu_lib, *qemu_share;
	char *virtiofsd, *virtiofsd_lib;
	char *kernel, *release; /* release "": read it from the guest */
	char *overlay;		/* module file; "": built in */
};

/*
 * kernel: a series ("6.18") or the path of a vmlinuz, beside which an
 * overlay.ko may lie.  Fetches what is missing, saying so through progress.
 * -ENOENT with the way to get it.
 */
int parts_find(const char *kernel, struct parts *p,
	       void (*progress)(void *arg, long done, long total,
				const char *words),
	       void *arg, const volatile sig_atomic_t *cancel);
void parts_release(struct parts *p);

#endif
