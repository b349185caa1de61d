/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/cpu_wait.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 8
#define PATH_LEN  96

static void add_thread(pid_t pid, long tid, struct cpu_wait *sum)
{
	char path[PATH_LEN];
	uint64_t ran, waited;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%ld/schedstat", (int)pid,
		 tid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &ran, &waited) == 2) {
		sum->ran_ns += ran;
		sum->waited_ns += waited;
	}
	fclose(f);
}

static void add_process(pid_t pid, int depth, struct cpu_wait *sum);

/* A child is its parent's by the thread that forked it. */
static void add_children(pid_t pid, long tid, int depth, struct cpu_wait *sum)
{
	char path[PATH_LEN];
	int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%ld/children", (int)pid,
		 tid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fscanf(f, "%d", &child) == 1)
		add_process(child, depth + 1, sum);
	fclose(f);
}

static void add_process(pid_t pid, int depth, struct cpu_wait *sum)
{
	char path[PATH_LEN];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = depth < MAX_DEPTH ? opendir(path) : NULL;
	if (!d)
		return;
	while ((e = readdir(d))) {
		long tid = strtol(e->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		add_thread(pid, tid, sum);
		add_children(pid, tid, depth, sum);
	}
	closedir(d);
}

struct cpu_wait cpu_wait_read(pid_t pid)
{
	struct cpu_wait sum = {0};

	add_process(pid, 0, &sum);
	return sum;
}

static uint64_t more(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

struct cpu_wait cpu_wait_since(pid_t pid, const struct cpu_wait *then)
{
	struct cpu_wait now = cpu_wait_read(pid);

	return (struct cpu_wait){more(now.ran_ns, then->ran_ns),
				 more(now.waited_ns, then->waited_ns)};
}

double cpu_wait_pct(const struct cpu_wait *w)
{
	double all = (double)w->ran_ns + (double)w->waited_ns;

	return all > 0 ? 100 * (double)w->waited_ns / all : 0;
}
