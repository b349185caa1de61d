/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures what scheduling costs on the kernel it runs on, for the simulator:
 * prints one JSON object with the keys of sim_costs_read().  Medians of many
 * short rounds; takes about half a second.
 */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES	     9
#define TRIPS	     300 /* round trips of a batch */
#define FORKS	     15
#define WARM_BYTES   (256u << 10) /* a warm working set */
#define LINE	     64
#define SWITCH_SHARE 0.6

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), compare);
	return x[n / 2];
}

static double at_least(double x, double least)
{
	return x > least ? x : least;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The first two CPUs we may use; the second is -1 when there is only one. */
static void find_cpus(int cpu[2])
{
	cpu_set_t set;
	int n = 0;

	cpu[0] = 0;
	cpu[1] = -1;
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
}

static bool put(int fd)
{
	return write(fd, "", 1) == 1;
}

static bool get(int fd)
{
	char c;

	return read(fd, &c, 1) == 1;
}

/* One write and one read that wake and wait for nobody. */
static double call_ns(void)
{
	double x[BATCHES];
	int p[2];

	if (pipe(p))
		return 0;
	for (int b = 0; b < BATCHES; b++) {
		uint64_t start = now();

		for (int i = 0; i < TRIPS; i++)
			if (!put(p[1]) || !get(p[0]))
				break;
		x[b] = (double)(now() - start) / TRIPS;
	}
	close(p[0]);
	close(p[1]);
	return median(x, BATCHES);
}

static void echo(int in, int out)
{
	while (get(in) && put(out))
		;
	_exit(0);
}

/* Half a round trip to a partner on CPU b. */
static double trip_ns(int a, int b)
{
	double x[BATCHES];
	int to[2], back[2];
	pid_t child;

	if (pipe(to) || pipe(back))
		return 0;
	stay_on(a);
	child = fork();
	if (!child) {
		close(to[1]);
		close(back[0]);
		stay_on(b);
		echo(to[0], back[1]);
	}
	close(to[0]);
	close(back[1]);
	for (int k = 0; k < BATCHES; k++) {
		uint64_t start = now();

		for (int i = 0; i < TRIPS; i++)
			if (!put(to[1]) || !get(back[0]))
				break;
		x[k] = (double)(now() - start) / TRIPS / 2;
	}
	close(to[1]);
	close(back[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return median(x, BATCHES);
}

/* From fork to the child's end, and with an execve(2) of ourselves. */
static double fork_ns(bool exec)
{
	double x[FORKS];

	for (int i = 0; i < FORKS; i++) {
		uint64_t start = now();
		pid_t child = fork();

		if (!child) {
			if (exec)
				execl("/proc/self/exe", "measure-costs", "-",
				      (char *)NULL);
			_exit(0);
		}
		if (child < 0)
			return 0;
		waitpid(child, NULL, 0);
		x[i] = (double)(now() - start);
	}
	return median(x, FORKS);
}

static double touch_ns(volatile unsigned char *set)
{
	uint64_t start = now();

	for (unsigned i = 0; i < WARM_BYTES; i += LINE)
		set[i]++;
	return (double)(now() - start);
}

/* What touching a warm set costs more after coming to another CPU. */
static double cold_ns(const int cpu[2])
{
	unsigned char *set = calloc(1, WARM_BYTES);
	double x[BATCHES];

	if (!set)
		return 0;
	for (int b = 0; b < BATCHES; b++) {
		double warm;

		stay_on(cpu[b % 2]);
		touch_ns(set);
		touch_ns(set);
		warm = touch_ns(set);
		stay_on(cpu[!(b % 2)]);
		x[b] = touch_ns(set) - warm;
	}
	free(set);
	return at_least(median(x, BATCHES), 0);
}

static long tick_hz(void)
{
	struct timespec t;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &t) || t.tv_nsec <= 0)
		return 250;
	return (1000000000l + t.tv_nsec / 2) / t.tv_nsec;
}

int main(int argc, char **argv)
{
	double calls, same, other, cold = 0, forked, executed;
	int cpu[2];

	(void)argv;
	if (argc > 1) /* the child that measures execve(2) */
		return 0;
	find_cpus(cpu);
	stay_on(cpu[0]);
	calls = call_ns();
	/* On one CPU half a trip is a wakeup and a switch, and nothing waits;
	 * which of them costs what cannot be told apart from outside. */
	same = at_least(trip_ns(cpu[0], cpu[0]) - calls, 200);
	other = same;
	if (cpu[1] >= 0) {
		other = trip_ns(cpu[0], cpu[1]) - calls;
		cold = cold_ns(cpu);
	}
	stay_on(cpu[0]);
	forked = fork_ns(false);
	executed = fork_ns(true);
	printf("{\"switch_ns\":%.0f,\"idle_switch_ns\":%.0f,\"wake_ns\":%.0f,"
	       "\"wake_remote_ns\":%.0f,\"migrate_ns\":%.0f,"
	       "\"fork_ns\":%.0f,\"exec_ns\":%.0f,\"exit_ns\":%.0f,"
	       "\"hz\":%ld}\n",
	       same * SWITCH_SHARE, same * SWITCH_SHARE,
	       same * (1 - SWITCH_SHARE), at_least(other - same, 500), cold,
	       forked / 2, at_least(executed - forked, 0), forked / 4,
	       tick_hz());
	return 0;
}
