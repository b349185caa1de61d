/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw instructions without an object: for trying out and for conformance. */
#ifndef SCHEDKIT_BPFVM_RAW_H
#define SCHEDKIT_BPFVM_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "bpfvm/vm.h"

/*
 * Runs insns (8 bytes each, as in a file, little endian) with R1 the address
 * of mem and R2 its length (both 0 without memory).  0: *r0 is set; -EFAULT:
 * *fault says why; -EINVAL: not a whole number of instructions, or none.
 * Local calls (BPF_PSEUDO_CALL) and callbacks work; helpers are those that
 * need no map.
 */
int raw_run(const void *insns, size_t len, void *mem, size_t mem_len,
	    uint64_t *r0, struct vm_fault *fault);

#endif
