/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/sample.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD of the flags */
#define MAX_DEPTH     64

/* Tasks vanish all the time: no file is no error. */
static bool slurp(int dir, const char *path, char *out, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* proc_pid_stat(5); the name may hold blanks and parentheses. */
static bool parse_stat(const char *line, struct sample_task *t)
{
	const char *open = strchr(line, '('), *close = strrchr(line, ')');
	uint64_t user, sys, flags;
	long hz = sysconf(_SC_CLK_TCK);
	size_t len;
	int n;

	if (!open || !close || close < open)
		return false;
	n = sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %" SCNu64 " %*u %*u %*u %*u %" SCNu64
		   " %" SCNu64 " %*d %*d %*d %d %*d %*d %" SCNu64,
		   &t->state, &t->ppid, &flags, &user, &sys, &t->nice,
		   &t->started);
	if (n != 7)
		return false;
	len = (size_t)(close - open - 1);
	if (len >= sizeof(t->name))
		len = sizeof(t->name) - 1;
	memcpy(t->name, open + 1, len);
	t->kernel = flags & KERNEL_THREAD;
	t->run_ns = (user + sys) * (1000000000u / (uint64_t)hz);
	return true;
}

static void sample_add(struct sample *s, const struct sample_task *t)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 256;
		s->tasks = mem_realloc(s->tasks, s->cap, sizeof(*s->tasks));
	}
	s->tasks[s->count++] = *t;
}

static void take_thread(struct sample *s, int dir, pid_t tgid, const char *tid)
{
	struct sample_task t = {.tid = atoi(tid), .tgid = tgid};
	char path[64], text[1024];

	snprintf(path, sizeof(path), "%s/stat", tid);
	if (!slurp(dir, path, text, sizeof(text)) || !parse_stat(text, &t))
		return;
	snprintf(path, sizeof(path), "%s/schedstat", tid);
	if (!slurp(dir, path, text, sizeof(text)) ||
	    sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &t.run_ns,
		   &t.wait_ns, &t.slices) != 3)
		s->no_schedstat = true;
	sample_add(s, &t);
}

static void take_process(struct sample *s, const char *pid)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.20s/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (isdigit(e->d_name[0]))
			take_thread(s, dirfd(d), atoi(pid), e->d_name);
	if (d)
		closedir(d);
}

static int by_tid(const void *a, const void *b)
{
	const struct sample_task *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

int sample_take(struct sample *s)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	*s = (struct sample){0};
	if (!d)
		return err_set(errno, "cannot read '/proc': %s",
			       strerror(errno));
	while ((e = readdir(d)))
		if (isdigit(e->d_name[0]))
			take_process(s, e->d_name);
	closedir(d);
	if (s->count)
		qsort(s->tasks, s->count, sizeof(*s->tasks), by_tid);
	return 0;
}

void sample_release(struct sample *s)
{
	free(s->tasks);
	*s = (struct sample){0};
}

struct sample_task *sample_find(const struct sample *s, pid_t tid)
{
	struct sample_task key = {.tid = tid};

	if (!s->count)
		return NULL;
	return bsearch(&key, s->tasks, s->count, sizeof(key), by_tid);
}

bool sample_descends(const struct sample *now, const struct sample_task *task,
		     pid_t root)
{
	for (int i = 0; task && i < MAX_DEPTH; i++) {
		if (task->tgid == root)
			return true;
		if (task->ppid <= 1)
			return false;
		task = sample_find(now, task->ppid);
	}
	return false;
}

int sample_cpu(uint64_t *idle, uint64_t *all)
{
	uint64_t v[8] = {0};
	char text[1024];

	if (!slurp(AT_FDCWD, "/proc/stat", text, sizeof(text)) ||
	    sscanf(text,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
		return err_set(EIO, "cannot read '/proc/stat'");
	*idle = v[3] + v[4];
	*all = 0;
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		*all += v[i];
	return 0;
}
