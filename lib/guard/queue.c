/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/queue.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "stats/hist.h"

/* All of /proc is read this often, or less often likewise; who was born
 * meanwhile is found by the number, as long as there are not too many. */
#define SCAN_S	    2.0
#define SCAN_MOST_S 8.0
#define MOST_BORN   512
/* Files kept open cost a fifth of what opening them each time costs. */
#define MOST_OPEN 4096
#define SPARE_FDS 64
/* Of those that wait, so many are looked at with each tick. */
#define MOST_WAITERS 64

struct waits {
	uint64_t run_ns, wait_ns, turns;
};

struct known {
	pid_t tid, tgid;
	int fd; /* of its schedstat; -1: opened each time */
	struct waits last;
	double since; /* found waiting, and got nowhere since; 0: is not */
};

struct queue_watch {
	struct known *v; /* by tid */
	size_t count, cap;
	size_t open, most_open;
	int loadavg; /* its last word is the number given last; -1: closed */
	pid_t newest;
	bool begun; /* v holds numbers of an earlier look */
	double next_look, next_scan;
	double period;
	pid_t self;
};

/* ---- one task --------------------------------------------------------- */

static int open_task(const struct known *k)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", k->tgid,
		 k->tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* false: it is gone. */
static bool read_waits(const struct known *k, struct waits *w)
{
	int fd = k->fd >= 0 ? k->fd : open_task(k);
	ssize_t n = fd < 0 ? -1 : 0;
	char text[96], *at = text;

	if (fd >= 0)
		n = pread(fd, text, sizeof(text) - 1, 0);
	if (fd >= 0 && k->fd < 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	w->run_ns = strtoull(at, &at, 10);
	w->wait_ns = strtoull(at, &at, 10);
	w->turns = strtoull(at, &at, 10);
	return true;
}

/* Runnable, or running. */
static bool is_ready(const struct known *k)
{
	char path[64], text[96], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", k->tgid, k->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* A name is 15 bytes, or 63 of a kernel's thread, of any kind. */
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] == 'R';
}

static void forget(struct queue_watch *q, struct known *k)
{
	if (k->fd >= 0) {
		close(k->fd);
		q->open--;
	}
	k->fd = -1;
}

/* ---- who there is ----------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static struct known *add(struct queue_watch *q)
{
	if (q->count == q->cap) {
		q->cap = q->cap ? 2 * q->cap : 512;
		q->v = mem_realloc(q->v, q->cap, sizeof(*q->v));
	}
	return &q->v[q->count++];
}

static void scan_process(struct queue_watch *q, const char *pid)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.20s/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		*add(q) = (struct known){
			.tid = atoi(e->d_name), .tgid = atoi(pid), .fd = -1};
	}
	if (d)
		closedir(d);
}

/* Those that were known keep what is known of them. */
static void take_over(struct queue_watch *q, struct known *old, size_t n)
{
	size_t j = 0;

	for (size_t i = 0; i < q->count; i++) {
		struct known *k = &q->v[i];

		while (j < n && old[j].tid < k->tid)
			forget(q, &old[j++]);
		if (j < n && old[j].tid == k->tid) {
			*k = old[j++];
			continue;
		}
		if (q->open < q->most_open) {
			k->fd = open_task(k);
			q->open += k->fd >= 0;
		}
		read_waits(k, &k->last);
	}
	while (j < n)
		forget(q, &old[j++]);
}

static void scan(struct queue_watch *q)
{
	struct known *old = q->v;
	size_t n = q->count;
	struct dirent *e;
	DIR *d = opendir("/proc");

	if (!d)
		return;
	q->v = NULL;
	q->count = q->cap = 0;
	while ((e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			scan_process(q, e->d_name);
	closedir(d);
	if (q->count)
		qsort(q->v, q->count, sizeof(*q->v), by_tid);
	take_over(q, old, n);
	free(old);
}

/* The number that was given to a task last; 0: not known. */
static pid_t newest(const struct queue_watch *q)
{
	char text[96], *last;
	ssize_t n = q->loadavg < 0
			    ? -1
			    : pread(q->loadavg, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	last = strrchr(text, ' ');
	return last ? atoi(last) : 0;
}

/* Numbers are given in turn, a thread's as well: beyond the end, or where too
 * many are new, the next scan finds them. */
static void take_born(struct queue_watch *q)
{
	pid_t now = newest(q);
	size_t had = q->count;

	for (pid_t tid = q->newest + 1;
	     q->newest && now - q->newest <= MOST_BORN && tid <= now; tid++) {
		struct known k = {.tid = tid, .tgid = tid, .fd = -1};

		/* The scan may have seen it. */
		if (!bsearch(&k, q->v, had, sizeof(*q->v), by_tid) &&
		    read_waits(&k, &k.last))
			*add(q) = k;
	}
	q->newest = now;
	if (q->count > had)
		qsort(q->v, q->count, sizeof(*q->v), by_tid);
}

/* ---- looking ---------------------------------------------------------- */

static void count_waits(struct hist *h, double each_ns, uint64_t n)
{
	if (n)
		hist_add_many(h, (uint64_t)fmax(each_ns, 0), n);
}

/* Since when it waits that is found waiting for the first time.  Who has never
 * run does since it was born; of others it is not known, and is as soon as it
 * is looked at again. */
static double waits_since(const struct known *k, const struct waits *w,
			  double now)
{
	uint64_t start;
	double age;

	if (w->turns || w->run_ns)
		return now;
	start = task_start(k->tid);
	age = clock_boot() - (double)start / (double)sysconf(_SC_CLK_TCK);
	return start && age > 0 ? now - age : now;
}

/* false: it is gone. */
static bool look_at(struct known *k, double now, struct hist *h)
{
	struct waits w, was = k->last;
	uint64_t turns;

	if (!read_waits(k, &w))
		return false;
	k->last = w;
	turns = w.turns - was.turns;
	if (w.turns < was.turns || w.wait_ns < was.wait_ns) {
		k->since = 0; /* another task has its number */
	} else if (turns) {
		count_waits(h,
			    (double)(w.wait_ns - was.wait_ns) / (double)turns,
			    turns);
		k->since = 0;
	} else if (w.run_ns != was.run_ns || !is_ready(k)) {
		k->since = 0;
	} else {
		if (!(k->since > 0))
			k->since = waits_since(k, &w, now);
		if (k->since < now)
			count_waits(h, (now - k->since) * 1e9, 1);
	}
	return true;
}

static void look(struct queue_watch *q, double now, struct queue_told *out)
{
	struct hist *h = mem_zalloc(1, sizeof(*h));
	size_t left = 0;

	for (size_t i = 0; i < q->count; i++) {
		struct known *k = &q->v[i];

		if (k->tid == q->self || look_at(k, now, h))
			q->v[left++] = *k;
		else
			forget(q, k);
	}
	q->count = left;
	out->looked = q->begun;
	out->waits = h->count > 0;
	out->wait_p99_us = (double)hist_quantile(h, 0.99) / 1e3;
	q->begun = true;
	free(h);
}

/* Has it got anywhere since the last look at all? */
static bool still_waits(const struct known *k)
{
	struct waits w;

	return read_waits(k, &w) && w.turns == k->last.turns &&
	       w.run_ns == k->last.run_ns && is_ready(k);
}

/* Those that wait longest, of as many as are looked at. */
static void watch_waiters(struct queue_watch *q, double now,
			  struct queue_told *out)
{
	const struct known *worst = NULL;
	double oldest = now;
	struct task_stat s;
	size_t looked = 0;

	for (size_t i = 0; i < q->count; i++)
		if (q->v[i].since > 0)
			oldest = fmin(oldest, q->v[i].since);
	for (size_t i = 0; i < q->count && looked < MOST_WAITERS; i++) {
		struct known *k = &q->v[i];

		if (!(k->since > 0) || now - k->since < (now - oldest) / 2)
			continue;
		looked++;
		if (!still_waits(k))
			k->since = 0;
		else if (!worst || k->since < worst->since)
			worst = k;
	}
	if (!worst)
		return;
	out->stall_s = now - worst->since;
	out->stalled = worst->tid;
	if (!task_stat(worst->tid, &s))
		memcpy(out->stalled_name, s.name, sizeof(s.name));
}

static double within(double least, double most, double x)
{
	return fmin(fmax(x, least), most);
}

void queue_tick(struct queue_watch *q, double now, struct queue_told *out)
{
	double began = clock_cpu(), spent;

	*out = (struct queue_told){0};
	if (now >= q->next_scan) {
		/* Before it: who is born meanwhile is seen by either. */
		q->newest = newest(q);
		scan(q);
		spent = clock_cpu() - began;
		q->next_scan = now + within(SCAN_S, SCAN_MOST_S,
					    spent / (QUEUE_SHARE / 3));
	}
	began = clock_cpu();
	if (now >= q->next_look) {
		take_born(q);
		look(q, now, out);
		spent = clock_cpu() - began;
		q->period = within(QUEUE_LOOK_S, QUEUE_MOST_S,
				   spent / (QUEUE_SHARE * 2 / 3));
		q->next_look = now + q->period;
	}
	watch_waiters(q, now, out);
}

/* ---- its life --------------------------------------------------------- */

int queue_open(struct queue_watch **out)
{
	struct known self = {.tid = getpid(), .tgid = getpid(), .fd = -1};
	struct queue_watch *q;
	struct rlimit files;
	struct waits w;

	*out = NULL;
	if (!read_waits(&self, &w) || !w.run_ns)
		return err_set(ENOTSUP, "this kernel does not count how long "
					"tasks wait (CONFIG_SCHED_INFO)");
	q = mem_zalloc(1, sizeof(*q));
	q->self = self.tid;
	q->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	q->period = QUEUE_LOOK_S;
	/* The soft limit stays: the command inherits it. */
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur > SPARE_FDS)
		q->most_open = files.rlim_cur < MOST_OPEN
				       ? files.rlim_cur - SPARE_FDS
				       : MOST_OPEN - SPARE_FDS;
	*out = q;
	return 0;
}

size_t queue_tasks(const struct queue_watch *q)
{
	return q->count;
}

double queue_period(const struct queue_watch *q)
{
	return q->period;
}

void queue_close(struct queue_watch *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		forget(q, &q->v[i]);
	if (q->loadavg >= 0)
		close(q->loadavg);
	free(q->v);
	free(q);
}
