/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command lines and environments of QEMU and virtiofsd. */
#ifndef SCHEDKIT_TARGET_QEMU_H
#define SCHEDKIT_TARGET_QEMU_H

#include "base/strs.h"
#include "target/parts.h"

struct machine {
	long cpus;
	long memory_mib;
	long nodes;	   /* of memory; each has its share of all */
	char topology[96]; /* as asked for: "nodes=2,cores=2,threads=1" or "" */
	char smp[96];	   /* the same as QEMU has it, without the nodes */
};

/*
 * Fills in what is 0 or NULL and checks the rest.  -EINVAL names what does
 * not fit ("topology 'cores=3' makes 3 CPUs, not 2").  No socket is in two
 * nodes; there are as many of both where only nodes are asked for.
 */
int machine_read(long cpus, long memory_mib, const char *topology,
		 struct machine *m);

/* accel: "kvm" or "tcg".  init: the guest's first program. */
void qemu_argv(const struct parts *p, const struct machine *m,
	       const char *accel, const char *init, struct strs *argv);
void virtiofsd_argv(const struct parts *p, struct strs *argv);
void qemu_env(const struct parts *p, struct strs *env);
void virtiofsd_env(const struct parts *p, struct strs *env);

#endif
