/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/look.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static void add(struct look *l, pid_t tid, pid_t pid)
{
	struct look_task t = {.tid = tid, .pid = pid};

	if (task_stat(tid, &t.stat) || t.stat.state == 'Z' || t.stat.kernel)
		return;
	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 256;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->count++] = t;
}

static void each_number(const char *path, void (*fn)(void *arg, pid_t n),
			void *arg)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (*e->d_name >= '1' && *e->d_name <= '9')
			fn(arg, (pid_t)strtol(e->d_name, NULL, 10));
	if (d)
		closedir(d);
}

struct process {
	struct look *to;
	pid_t pid;
};

static void add_thread(void *arg, pid_t tid)
{
	const struct process *p = arg;

	add(p->to, tid, p->pid);
}

static void add_process(void *arg, pid_t pid)
{
	struct process p = {arg, pid};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	each_number(path, add_thread, &p);
}

static int by_tid(const void *a, const void *b)
{
	pid_t x = ((const struct look_task *)a)->tid;
	pid_t y = ((const struct look_task *)b)->tid;

	return (x > y) - (x < y);
}

int look_take(struct look *out)
{
	*out = (struct look){0};
	each_number("/proc", add_process, out);
	if (!out->count)
		return err_set(ENOENT, "no task is to be seen in /proc");
	qsort(out->v, out->count, sizeof(*out->v), by_tid);
	return 0;
}

void look_release(struct look *l)
{
	free(l->v);
	*l = (struct look){0};
}

const struct look_task *look_find(const struct look *l, pid_t tid)
{
	const struct look_task key = {.tid = tid};

	return l->count ? bsearch(&key, l->v, l->count, sizeof(key), by_tid)
			: NULL;
}

const struct look_task *look_parent(const struct look *l,
				    const struct look_task *t)
{
	return look_find(l, t->tid == t->pid ? t->stat.parent : t->pid);
}
