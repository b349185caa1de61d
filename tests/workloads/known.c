/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scheduler has to do here is known beforehand: an observer can be
 * held to it.
 *
 *   known sleeps N MS   sleeps N times, MS milliseconds each
 *   known pingpong N    two processes, "ping" and "pong", hand a byte to each
 *                       other N times
 *   known spin MS       uses MS milliseconds of CPU time
 *   known forks N       forks N children, one after the other
 *   known say WORD...   prints each word on a line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int sleeps(long n, long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (n-- > 0)
		nanosleep(&t, NULL);
	return 0;
}

static int pass(const char *name, int in, int out, long n)
{
	char c = 0;

	prctl(PR_SET_NAME, name);
	while (n-- > 0)
		if (read(in, &c, 1) != 1 || write(out, &c, 1) != 1)
			return 1;
	return 0;
}

static int pingpong(long n)
{
	int there[2], back[2], status = 1;
	pid_t pid;

	if (pipe(there) || pipe(back))
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(pass("pong", there[0], back[1], n));
	if (write(there[1], "", 1) != 1 || pass("ping", back[0], there[1], n))
		return 1;
	waitpid(pid, &status, 0);
	return status;
}

static int spin(long ms)
{
	volatile unsigned long x = 0;
	struct timespec t;

	do {
		for (int i = 0; i < 100000; i++)
			x++;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
	return 0;
}

static int forks(long n)
{
	while (n-- > 0) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static int say(char **words)
{
	while (*words)
		puts(*words++);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[2]) : 0;

	if (!strcmp(what, "sleeps") && argc > 3)
		return sleeps(n, atol(argv[3]));
	if (!strcmp(what, "pingpong"))
		return pingpong(n);
	if (!strcmp(what, "spin"))
		return spin(n);
	if (!strcmp(what, "forks"))
		return forks(n);
	if (!strcmp(what, "say"))
		return say(argv + 2);
	fputs("usage: known sleeps N MS | pingpong N | spin MS | forks N | "
	      "say WORD...\n",
	      stderr);
	return 2;
}
