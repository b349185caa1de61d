/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/host/bringer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"

#define MAX_PIDS 65536
#define STAT_LEN 1024
#define START_AT 20  /* fields behind the name; proc(5): the 22nd */
#define TICKS	 100 /* a second, in /proc of every architecture */

/* ---- processes --------------------------------------------------------- */

static time_t boot_time(const struct site *s)
{
	struct buf b;
	const char *at;
	time_t t = 0;

	buf_init(&b, 1 << 20);
	/* What does not fit comes after it. */
	site_read(s, "/proc/stat", &b);
	at = b.data ? strstr(b.data, "\nbtime ") : NULL;
	if (at)
		t = (time_t)strtoll(at + 7, NULL, 10);
	buf_release(&b);
	return t < 0 ? 0 : t;
}

static time_t started(const struct site *s, long pid)
{
	char *path = mem_printf("/proc/%ld/stat", pid), *at;
	time_t boot = boot_time(s), t = 0;
	struct buf b;

	buf_init(&b, STAT_LEN);
	if (site_read(s, path, &b) == 0 && b.data) {
		at = strrchr(b.data, ')');
		for (int i = 0; at && i < START_AT; i++)
			at = strchr(at + 1, ' ');
		if (at && boot)
			t = boot + (time_t)(strtoull(at, NULL, 10) / TICKS);
	}
	buf_release(&b);
	free(path);
	return t;
}

/* The scheduler "simple_1.0.2_g…" is of scx_simple. */
static bool brings(const char *comm, const char *ops)
{
	size_t n = strlen(comm + 4);

	return n && !strncmp(ops, comm + 4, n);
}

/* Anybody may call a process what he likes; who loads a scheduler is root. */
static bool is_roots(const struct site *s, long pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%ld", pid);
	return s->other || (stat(path, &st) == 0 && st.st_uid == 0);
}

/* "0::/system.slice/scx.service": the unit of systemd that it is of. */
static void read_unit(const struct site *s, struct bringer *b)
{
	char *path = mem_printf("/proc/%ld/cgroup", b->pid), line[SITE_WORD];
	const char *name, *end;

	b->unit[0] = '\0';
	site_word(s, path, line);
	free(path);
	name = strrchr(line, '/');
	end = name ? strstr(name, ".service") : NULL;
	if (end && !strcmp(end, ".service"))
		snprintf(b->unit, sizeof(b->unit), "%.100s", name + 1);
}

void bringers_find(const struct site *s, const char *ops,
		   struct bringer *loader, struct bringer *owner)
{
	DIR *d = site_dir(s, "/proc");
	struct dirent *e;

	*loader = *owner = (struct bringer){.pid = 0};
	for (int n = 0; d && n < MAX_PIDS && (e = readdir(d)); n++) {
		char comm[SITE_WORD], *end, *path;
		long pid = strtol(e->d_name, &end, 10);
		struct bringer *b;
		bool read;

		if (pid <= 0 || *end)
			continue;
		path = mem_printf("/proc/%ld/comm", pid);
		read = site_word(s, path, comm);
		free(path);
		if (!read || strncmp(comm, "scx_", 4))
			continue;
		b = !strcmp(comm, "scx_loader") ? loader
		    : brings(comm, ops)		? owner
						: NULL;
		if (!b || b->pid || !is_roots(s, pid))
			continue;
		snprintf(b->comm, sizeof(b->comm), "%.31s", comm);
		b->pid = pid;
		b->since = started(s, pid);
		read_unit(s, b);
	}
	if (d)
		closedir(d);
}

/* ---- is it in the way? ------------------------------------------------- */

int bringers_check(void)
{
	struct bringer loader, owner;
	char ops[SITE_WORD];
	struct site s;
	int rc = site_open(&s, NULL);

	if (rc)
		return rc;
	site_word(&s, "/sys/kernel/sched_ext/root/ops", ops);
	bringers_find(&s, ops, &loader, &owner);
	site_close(&s);
	if (loader.pid)
		return err_set(
			EBUSY,
			"scx_loader (process %ld) manages the schedulers "
			"of this machine and may start one at any time: "
			"'systemctl stop scx_loader' first, and "
			"'systemctl start scx_loader' when the "
			"deployment is over",
			loader.pid);
	if (owner.pid && *owner.unit)
		return err_set(EBUSY,
			       "'%s' is attached, of %s (process %ld), which "
			       "%s keeps: 'systemctl stop %s' first",
			       ops, owner.comm, owner.pid, owner.unit,
			       owner.unit);
	return 0;
}
