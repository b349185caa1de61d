/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the virtual machine is: instructions in a second of CPU time, the
 * making of a machine for each run included.  The peer is the running kernel,
 * which compiles the same program to native code; asking it takes privilege.
 *
 *   vm [ROUNDS]     lines of "who, instructions per second": the medians
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/raw.h"
#include "stats/sample.h"

#define TURNS  65536 /* within the budgets of both */
#define BODY   12    /* instructions of a turn */
#define INSNS  (TURNS * BODY + 3)
#define REPEAT 64 /* runs that are timed together */

#define ALU(op, d, imm)                                    \
	{                                                  \
		BPF_ALU64 | (op) | BPF_K, (d), 0, 0, (imm) \
	}
#define ALU_REG(op, d, s)                                \
	{                                                \
		BPF_ALU64 | (op) | BPF_X, (d), (s), 0, 0 \
	}

/* A turn: arithmetic, memory and branches, as policies mix them. */
static const struct bpf_insn program[] = {
	ALU(BPF_MOV, 0, TURNS),
	ALU(BPF_MOV, 3, 1),
	/* the turn */
	{BPF_STX | BPF_MEM | BPF_DW, 10, 3, -8, 0},
	{BPF_LDX | BPF_MEM | BPF_DW, 3, 10, -8, 0},
	ALU_REG(BPF_MOV, 4, 3),
	ALU(BPF_LSH, 4, 13),
	ALU_REG(BPF_XOR, 3, 4),
	ALU_REG(BPF_MOV, 4, 3),
	ALU(BPF_RSH, 4, 7),
	ALU_REG(BPF_XOR, 3, 4),
	{BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 1, 0},
	ALU(BPF_ADD, 3, 1),
	ALU(BPF_SUB, 0, 1),
	{BPF_JMP | BPF_JNE | BPF_K, 0, 0, -BODY, 0},
	/* the end */
	{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
};

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int here(void *arg)
{
	struct vm_fault fault;
	uint64_t r0;
	int rc = 0;

	(void)arg;
	for (int i = 0; i < REPEAT && !rc; i++)
		rc = raw_run(program, sizeof(program), NULL, 0, &r0, &fault);
	if (rc)
		fprintf(stderr, "vm: %s\n", fault.text);
	return rc;
}

static int kernel(void *arg)
{
	unsigned char packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = REPEAT);

	return bpf_prog_test_run_opts(*(const int *)arg, &o);
}

static int measure(const char *who, int (*run)(void *arg), void *arg,
		   size_t rounds)
{
	double *x = mem_zalloc(rounds, sizeof(*x)), start;
	int rc = 0;

	for (size_t i = 0; i < rounds && !rc; i++) {
		start = cpu_seconds();
		rc = run(arg);
		x[i] = (double)INSNS * REPEAT / (cpu_seconds() - start);
	}
	if (!rc)
		printf("%s\t%.0f\n", who, sample_median(x, rounds));
	free(x);
	return rc;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
	int fd, rc = measure("sched-sim", here, NULL, rounds);

	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "bench", "GPL", program,
			   ARRAY_LEN(program), NULL);
	if (fd < 0)
		fprintf(stderr, "vm: no kernel beside it: %s\n", strerror(-fd));
	else if (!rc)
		rc = measure("kernel, compiled", kernel, &fd, rounds);
	return rc ? 3 : 0;
}
