/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes back from nodes and engines: jobs, answers, queues, logs. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor/engine.h"
#include "fuzz.h"

#define JOBS 8

/* A node's name is written on terminals. */
static void check_node(const char *node)
{
	for (; *node; node++)
		if (*node <= ' ' || *node > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t which[] = {3, 1, 7};
	struct engine_job jobs[JOBS] = {{0}};
	struct answer_packet a;
	struct job_packet j;
	char *text = mem_strndup((const char *)data, size);

	if (!answer_packet_read((const char *)data, size, &a)) {
		check_node(a.node);
		if (a.out_len + a.said_len >= size)
			abort();
	}
	if (!job_packet_read((const char *)data, size, &j)) {
		if (!j.argv.len || j.input_len >= size)
			abort();
		job_packet_release(&j);
	}
	slurm_read_queue(text, jobs, JOBS);
	parallel_read_log(text, which, ARRAY_LEN(which), jobs, JOBS);
	for (size_t i = 0; i < JOBS; i++)
		if (strlen(jobs[i].why) >= ENGINE_WHY_LEN)
			abort();
	free(text);
	return 0;
}
