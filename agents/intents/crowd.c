/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/intents/crowd.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"

static void add_task(struct crowd *c, pid_t tid)
{
	struct intent_who w;

	if (c->count == CROWD_MAX) {
		c->more = true;
		return;
	}
	/* It may have ended meanwhile. */
	if (intent_who_read(tid, &w)) {
		intent_who_release(&w);
		err_clear();
		return;
	}
	c->v = mem_realloc(c->v, c->count + 1, sizeof(*c->v));
	c->v[c->count++] = w;
}

static void add_process(struct crowd *c, const char *pid)
{
	char path[64];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (isdigit((unsigned char)*d->d_name))
			add_task(c, (pid_t)strtol(d->d_name, NULL, 10));
	if (dir)
		closedir(dir);
}

void crowd_read(struct crowd *out)
{
	DIR *dir = opendir("/proc");
	struct task_stat st;
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		pid_t pid = isdigit((unsigned char)*d->d_name)
				    ? (pid_t)strtol(d->d_name, NULL, 10)
				    : 0;

		if (pid && pid != getpid() && !task_stat(pid, &st) &&
		    !st.kernel)
			add_process(out, d->d_name);
	}
	if (dir)
		closedir(dir);
}

void crowd_release(struct crowd *c)
{
	for (size_t i = 0; i < c->count; i++)
		intent_who_release(&c->v[i]);
	free(c->v);
	memset(c, 0, sizeof(*c));
}

/* ---- words ------------------------------------------------------------ */

struct row {
	char *words;
	size_t count;
};

static char *words_of(const struct intent_who *w)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_printf(&b, "command %s", w->command);
	if (strcmp(w->command, w->process) != 0)
		buf_printf(&b, ", process %s", w->process);
	if (w->executable)
		buf_printf(&b, ", executable %s", w->executable);
	if (w->cgroup && strcmp(w->cgroup, "/") != 0)
		buf_printf(&b, ", cgroup %s", w->cgroup);
	if (w->tag)
		buf_printf(&b, ", tag %s", w->tag);
	buf_printf(&b, ", user %u", (unsigned)w->uid);
	/* A name may have a line's end in it. */
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\n')
			b.data[i] = '?';
	return buf_take(&b);
}

static int by_words(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->words,
		      ((const struct row *)b)->words);
}

static int by_count(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return by_words(a, b);
}

static size_t join(struct row *rows, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (n && !strcmp(rows[n - 1].words, rows[i].words)) {
			rows[n - 1].count++;
			free(rows[i].words);
		} else {
			rows[n++] = rows[i];
		}
	}
	return n;
}

void crowd_text(const struct crowd *c, struct buf *out)
{
	struct row *rows = mem_zalloc(c->count + 1, sizeof(*rows));
	size_t n;

	for (size_t i = 0; i < c->count; i++)
		rows[i] = (struct row){words_of(&c->v[i]), 1};
	qsort(rows, c->count, sizeof(*rows), by_words);
	n = join(rows, c->count);
	qsort(rows, n, sizeof(*rows), by_count);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%zu task%s: %s\n", rows[i].count,
			   rows[i].count == 1 ? "" : "s", rows[i].words);
		free(rows[i].words);
	}
	free(rows);
}
