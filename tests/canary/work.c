/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * work HOGS SLEEPERS: what the policies of check-canary are tried on: tasks
 * that only compute, one of them of a low priority, some that sleep and compute
 * a little, and one that is called "victim"; until it is killed.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS	 200000
#define PAUSE_US 20000

static volatile unsigned long sink;

static void compute(void)
{
	for (unsigned long i = 0; i < ROUNDS; i++)
		sink += i;
}

static void start(const char *name, int nice_by, int pause_us)
{
	if (fork())
		return;
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, 9);
	setpriority(PRIO_PROCESS, 0, nice_by);
	for (;;) {
		compute();
		if (pause_us)
			usleep((unsigned)pause_us);
	}
}

int main(int argc, char **argv)
{
	int hogs = argc > 1 ? atoi(argv[1]) : 3;
	int sleepers = argc > 2 ? atoi(argv[2]) : 4;

	for (int i = 0; i < hogs; i++)
		start("hog", i ? 0 : 5, 0);
	for (int i = 0; i < sleepers; i++)
		start("sleeper", 0, PAUSE_US);
	start("victim", 0, 0);
	for (;;)
		pause();
}
