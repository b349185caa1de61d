/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/kin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"

#define MAX_DEPTH   256
#define KILL_ROUNDS 1000

/* The number that a name in /proc is; 0: it is none. */
static pid_t number_of(const char *name)
{
	return *name >= '1' && *name <= '9' ? (pid_t)strtol(name, NULL, 10) : 0;
}

/* The first bytes of a file of /proc; false: gone. */
static bool read_some(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* 0: pid is gone. */
static pid_t parent_of(pid_t pid)
{
	struct task_stat s;

	return task_stat(pid, &s) ? 0 : s.parent;
}

static bool is_ours(pid_t pid, pid_t *parent)
{
	pid_t me = getpid(), up = parent_of(pid);

	*parent = up;
	for (int i = 0; i < MAX_DEPTH && up > 1; i++) {
		if (up == me)
			return true;
		up = parent_of(up);
	}
	return up == me;
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

const struct kin_task *kin_find(const struct kin *k, pid_t tid)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->tasks[i].tid == tid)
			return &k->tasks[i];
	return NULL;
}

static void add_task(struct kin *to, const struct kin *old, pid_t pid,
		     pid_t tid, pid_t parent)
{
	const struct kin_task *was = kin_find(old, tid);
	struct kin_task t = {.tid = tid,
			     .pid = pid,
			     .parent = was ? was->parent : parent,
			     .mark = was ? was->mark : 0,
			     .fresh = !was};
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	if (!read_some(path, t.name, sizeof(t.name)))
		return;
	t.name[strcspn(t.name, "\n")] = '\0';
	if (!(to->count & (to->count + 1)))
		to->tasks = mem_realloc(to->tasks, 2 * to->count + 2,
					sizeof(*to->tasks));
	to->tasks[to->count++] = t;
}

static void add_process(struct kin *to, const struct kin *old, pid_t pid,
			pid_t parent)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (number_of(e->d_name))
			add_task(to, old, pid, number_of(e->d_name), parent);
	if (d)
		closedir(d);
}

static void add_other(struct kin *to, pid_t pid)
{
	if (!(to->other_count & (to->other_count + 1)))
		to->others = mem_realloc(to->others, 2 * to->other_count + 2,
					 sizeof(*to->others));
	to->others[to->other_count++] = pid;
}

static bool is_other(const struct kin *k, pid_t pid)
{
	return k->other_count &&
	       bsearch(&pid, k->others, k->other_count, sizeof(pid), by_pid);
}

int kin_look(struct kin *k)
{
	DIR *d = opendir("/proc");
	struct kin now = {0};
	struct dirent *e;

	if (!d)
		return err_set(errno, "cannot read /proc: %s", strerror(errno));
	while ((e = readdir(d))) {
		pid_t pid = number_of(e->d_name), parent = 0;

		if (!pid || pid == getpid())
			continue;
		/* Once looked at, somebody else's stays that until it ends. */
		if (is_other(k, pid))
			add_other(&now, pid);
		else if (kin_find(k, pid) || is_ours(pid, &parent))
			add_process(&now, k, pid, parent);
		else
			add_other(&now, pid);
	}
	closedir(d);
	if (now.other_count)
		qsort(now.others, now.other_count, sizeof(*now.others), by_pid);
	kin_release(k);
	*k = now;
	return 0;
}

void kin_release(struct kin *k)
{
	free(k->tasks);
	free(k->others);
	*k = (struct kin){0};
}

void kin_kill(void)
{
	for (int i = 0; i < KILL_ROUNDS; i++) {
		struct kin k = {0};

		if (kin_look(&k) < 0 || !k.count) {
			kin_release(&k);
			return;
		}
		for (size_t t = 0; t < k.count; t++)
			kill(k.tasks[t].pid, SIGKILL);
		kin_release(&k);
		/* Their children come to us, and end in the next round. */
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}
