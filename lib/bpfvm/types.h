/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF that is no object's: a kernel's own. */
#ifndef SCHEDKIT_BPFVM_TYPES_H
#define SCHEDKIT_BPFVM_TYPES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Gives every type of whatever bytes these are to fn, with its kind
 * (BTF_KIND_*) and its name ("": none): member is NULL once, and after that
 * the name of each member of a structure.  -EINVAL: it is not sound; fn may
 * have been called before.
 */
int types_each(const void *btf, size_t size,
	       void (*fn)(void *arg, uint32_t kind, const char *name,
			  const char *member),
	       void *arg);

#endif
