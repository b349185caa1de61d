/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scx_testfifo tells its BPF part, and is told: all of its .bss. */
#ifndef SCHEDKIT_TESTS_TOLD_ABI_H
#define SCHEDKIT_TESTS_TOLD_ABI_H

#define TOLD_TEXT 128

struct told {
	unsigned long long slice_ns;
	unsigned long long fail; /* the next task that wakes is an error */
	unsigned long long queued, direct;
	long long kind, code; /* of the end; kind 0: none yet */
	char reason[TOLD_TEXT], message[TOLD_TEXT];
};

#endif
