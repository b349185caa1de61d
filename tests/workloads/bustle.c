/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A little of all that a scheduler has to get right, in about a second: a ring
 * of pipes, generations of forks, programs, threads that take turns, moves from
 * CPU to CPU, changes of class and weight; then hogs of several weights, one of
 * which may run on one CPU only, beside sleepers and forks.
 *
 * It comes to its end only if everyone runs.  Prints one number, which is the
 * same wherever and under whatever it ran; status 1 where something is wrong.
 *
 *   bustle
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define LIMIT_S	     45
#define RING	     6
#define ROUNDS	     40
#define GENERATIONS  24
#define PROGRAMS     3
#define THREADS	     4
#define TURNS	     40
#define MOVES	     24
#define CHANGES	     5
#define CROWD_US     300000
#define MAX_HOGS     12
#define SLEEPERS     4
#define PAUSE_US     2000
#define SHORT_ROUNDS 20000
#define PRIME	     1099511628211ULL

/* What all of them see.  The parts of the answer come first. */
struct shared {
	uint64_t ring, forks, programs, threads, moves, changes;
	volatile uint64_t sink;
	volatile bool over; /* the crowd may go home */
};

static struct shared *all;

static void pause_us(long us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

/* In whichever process: whoever waits for it sees the status. */
static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "bustle: %s\n", what);
	all->over = true;
	exit(1);
}

/* A child's exit status; -1: it did not end by itself. */
static int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static pid_t start(void (*part)(long), long n)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	part(n);
	_exit(0);
}

/* ---- what has an answer ------------------------------------------------ */

static int pipes[RING][2];

static void pass_on(long i)
{
	uint64_t token;

	for (int k = 0; k < ROUNDS; k++) {
		if (read(pipes[i][0], &token, sizeof(token)) < 1)
			fail("a token is lost");
		token = (token ^ (uint64_t)i) * PRIME;
		if (write(pipes[(i + 1) % RING][1], &token, sizeof(token)) < 1)
			fail("a token cannot be passed on");
	}
}

/* A token goes round; each one changes it. */
static void ring(long unused)
{
	uint64_t token = 1;
	pid_t pid[RING];

	(void)unused;
	for (int i = 0; i < RING; i++)
		if (pipe(pipes[i]) < 0)
			fail("no pipe");
	for (long i = 1; i < RING; i++)
		pid[i] = start(pass_on, i);
	for (int k = 0; k < ROUNDS; k++)
		if (write(pipes[1][1], &token, sizeof(token)) < 1 ||
		    read(pipes[0][0], &token, sizeof(token)) < 1)
			fail("the ring is broken");
	for (int i = 1; i < RING; i++)
		if (status_of(pid[i]))
			fail("one of the ring failed");
	all->ring = token;
}

/* Each generation is the parent of the next; the last one ends first. */
static void generation(long n)
{
	if (n < GENERATIONS && status_of(start(generation, n + 1)))
		fail("a generation is lost");
	all->forks = all->forks * PRIME + (uint64_t)n;
}

static void programs(long unused)
{
	char text[16];

	(void)unused;
	for (int i = 1; i <= PROGRAMS; i++) {
		pid_t pid = fork();

		if (!pid) {
			snprintf(text, sizeof(text), "%d", i);
			execl("/proc/self/exe", "bustle", "--status", text,
			      (char *)NULL);
			_exit(127);
		}
		if (status_of(pid) != i)
			fail("a program did not run");
		all->programs += (uint64_t)i;
	}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static long turn;

static void *take_turns(void *arg)
{
	for (long k = 0; k < TURNS; k++) {
		pthread_mutex_lock(&lock);
		while (turn % THREADS != (long)arg)
			pthread_cond_wait(&passed, &lock);
		turn++;
		all->threads = all->threads * PRIME + (uint64_t)(long)arg;
		pthread_cond_broadcast(&passed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void threads(long unused)
{
	pthread_t t[THREADS];

	(void)unused;
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, take_turns, (void *)i))
			fail("no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* The CPU that may be used after this one, of those in the set. */
static int next_cpu(const cpu_set_t *set, int cpu)
{
	do
		cpu = (cpu + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(cpu, set));
	return cpu;
}

/* It is where it may be, at once and after it has slept. */
static void moves(long unused)
{
	cpu_set_t allowed, one;
	int cpu = -1;

	(void)unused;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		fail("no affinity");
	for (int i = 0; i < MOVES; i++) {
		cpu = next_cpu(&allowed, cpu);
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) < 0 ||
		    sched_getcpu() != cpu)
			fail("a task is not where it may be");
		pause_us(500);
		if (sched_getcpu() != cpu)
			fail("a task woke where it may not be");
		if (i % 4 == 3 &&
		    sched_setaffinity(0, sizeof(allowed), &allowed) < 0)
			fail("no affinity");
		all->moves++;
	}
}

static void become(int policy, int priority, bool must)
{
	struct sched_param p = {.sched_priority = priority};

	if (sched_setscheduler(0, policy, &p) < 0 && must)
		fail("a class cannot be taken");
	all->changes += compute(SHORT_ROUNDS) & 1;
	pause_us(500);
}

/* Out of the policy's hands and back, for those who may: SCHED_FIFO. */
static void changes(long unused)
{
	(void)unused;
	for (int i = 0; i < CHANGES; i++) {
		become(SCHED_BATCH, 0, true);
		if (setpriority(PRIO_PROCESS, 0, i) < 0)
			fail("a weight cannot be taken");
		become(SCHED_FIFO, 1, false);
		become(SCHED_OTHER, 0, true);
		all->changes += 2;
	}
}

/* ---- the crowd --------------------------------------------------------- */

/* Weights from nice 0 to 10, one of SCHED_IDLE, and one on the last CPU. */
static void hog(long n)
{
	struct sched_param none = {0};
	cpu_set_t set;

	if (n == 1 && sched_getaffinity(0, sizeof(set), &set) == 0)
		for (int i = CPU_SETSIZE - 1, seen = 0; i >= 0; i--)
			if (CPU_ISSET(i, &set) && seen++)
				CPU_CLR(i, &set);
	if (n == 1 && sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("a hog cannot be pinned");
	if (n == 2 && sched_setscheduler(0, SCHED_IDLE, &none) < 0)
		fail("a class cannot be taken");
	if (n > 2 && setpriority(PRIO_PROCESS, 0, (int)n % 3 * 5) < 0)
		fail("a weight cannot be taken");
	while (!all->over)
		all->sink = compute(SHORT_ROUNDS);
}

static void sleeper(long unused)
{
	(void)unused;
	while (!all->over) {
		pause_us(PAUSE_US);
		all->sink = compute(SHORT_ROUNDS);
	}
}

static void nothing(long unused)
{
	(void)unused;
}

static void forker(long unused)
{
	(void)unused;
	while (!all->over) {
		if (status_of(start(nothing, 0)))
			fail("a child is lost");
		pause_us(PAUSE_US);
	}
}

/* More hogs than CPUs, for a while; each has to run, if only to end. */
static void crowd(void)
{
	long hogs = sysconf(_SC_NPROCESSORS_ONLN) + 2;
	pid_t pid[MAX_HOGS + SLEEPERS + 1];
	size_t n = 0;

	if (hogs > MAX_HOGS)
		hogs = MAX_HOGS;
	for (long i = 0; i < hogs; i++)
		pid[n++] = start(hog, i);
	for (long i = 0; i < SLEEPERS; i++)
		pid[n++] = start(sleeper, i);
	pid[n++] = start(forker, 0);
	pause_us(CROWD_US);
	all->over = true;
	while (n)
		if (status_of(pid[--n]))
			fail("one of the crowd failed");
}

/* ---- all of it --------------------------------------------------------- */

static void too_long(int unused)
{
	static const char words[] = "bustle: it does not come to its end\n";

	(void)unused;
	if (write(2, words, sizeof(words) - 1) > 0)
		kill(0, SIGKILL);
	_exit(1);
}

static void quiet(void)
{
	static void (*const parts[])(long) = {ring,    generation, programs,
					      threads, moves,	   changes};
	size_t n = sizeof(parts) / sizeof(*parts);
	pid_t pid[sizeof(parts) / sizeof(*parts)];

	for (size_t i = 0; i < n; i++)
		pid[i] = start(parts[i], 1);
	while (n)
		if (status_of(pid[--n]))
			fail("a part of it failed");
}

int main(int argc, char **argv)
{
	uint64_t answer = 0;
	const uint64_t *part;

	if (argc == 3 && !strcmp(argv[1], "--status"))
		return (int)strtol(argv[2], NULL, 10);
	if (argc != 1) {
		fputs("usage: bustle\n", stderr);
		return 2;
	}
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED) {
		fputs("bustle: no memory to share\n", stderr);
		return 1;
	}
	/* A group of its own, which ends as one. */
	setpgid(0, 0);
	signal(SIGALRM, too_long);
	alarm(LIMIT_S);
	quiet();
	crowd();
	for (part = &all->ring; part <= &all->changes; part++)
		answer = (answer ^ *part) * PRIME;
	printf("%016llx\n", (unsigned long long)answer);
	return 0;
}
