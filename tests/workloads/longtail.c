/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A long-tailed batch: ten jobs started at once, nine short and one nine
 * times as long; done when the last one is.  Its makespan is least when the
 * long job starts at once and is never held up.
 *
 *   longtail          the batch
 *   longtail --bound  the lower bound: the long job alone, every other CPU
 *                     kept busy
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define LONG_JOB "quoin"

static const char *const batch[] = {"kestrel", "marl",	 "tansy",  "oriel",
				    "gable",   "sorrel", LONG_JOB, "linden",
				    "fjord",   "umber"};
#define JOBS (sizeof(batch) / sizeof(*batch))

static char program[PATH_MAX];

static pid_t start(const char *job)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(program, program, job, (char *)NULL);
		_exit(127);
	}
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	return pid;
}

/* True when it ended well. */
static int finish(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_batch(void)
{
	pid_t pids[JOBS];
	int ok = 1;

	for (size_t i = 0; i < JOBS; i++)
		pids[i] = start(batch[i]);
	for (size_t i = 0; i < JOBS; i++)
		ok &= finish(pids[i]);
	return ok;
}

static int run_bound(void)
{
	long others = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	pid_t *hogs = calloc(others + 1, sizeof(*hogs)), job;
	int ok;

	job = start(LONG_JOB);
	for (long i = 0; i < others; i++)
		hogs[i] = start("--idle");
	ok = finish(job);
	for (long i = 0; i < others; i++) {
		kill(hogs[i], SIGKILL);
		finish(hogs[i]);
	}
	free(hogs);
	return ok;
}

int main(int argc, char **argv)
{
	char self[PATH_MAX];
	double began = now();
	int ok;

	if (!realpath("/proc/self/exe", self)) {
		perror("/proc/self/exe");
		return 1;
	}
	if (snprintf(program, sizeof(program), "%s/burn", dirname(self)) >=
	    (int)sizeof(program))
		return 1;
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--bound"))) {
		fprintf(stderr, "usage: longtail [--bound]\n");
		return 2;
	}
	ok = argc == 2 ? run_bound() : run_batch();
	printf("makespan %.3f s\n", now() - began);
	return ok ? 0 : 1;
}
