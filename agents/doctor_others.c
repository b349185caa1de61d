/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another scheduler of sched_ext, who brought it, and since when. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/doctor_check.h"
#include "agents/holder.h"
#include "base/clock.h"
#include "base/mem.h"

#define MAX_PIDS 65536
#define STAT_LEN 1024
#define START_AT 20  /* fields behind the name; proc(5): the 22nd */
#define TICKS	 100 /* a second, in /proc of every architecture */

/* A program that brings schedulers. */
struct bringer {
	char comm[32];
	long pid;
	time_t since; /* 0: not known */
};

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

/* Looks for scx_loader, and for the program that the attached one is of. */
static void find_programs(const struct site *s, const char *ops,
			  struct bringer *loader, struct bringer *owner)
{
	DIR *d = site_dir(s, "/proc");
	struct dirent *e;

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
		if (!b || b->pid)
			continue;
		snprintf(b->comm, sizeof(b->comm), "%.31s", comm);
		b->pid = pid;
		b->since = started(s, pid);
	}
	if (d)
		closedir(d);
}

/* ---- telling ----------------------------------------------------------- */

/* " of scx_simple[12], since …"; the caller's. */
static char *whose(const struct bringer *b)
{
	char when[CLOCK_TEXT_LEN];

	if (!b->pid)
		return mem_strdup("");
	if (!b->since)
		return mem_printf(", of %s[%ld]", b->comm, b->pid);
	clock_text(b->since, when);
	return mem_printf(", of %s[%ld], since %s", b->comm, b->pid, when);
}

/* One of ours is known better; false: it is none. */
static bool is_ours(struct json *checks, const struct site *s, const char *ops)
{
	struct json *v = s->other ? NULL : holder_read();
	const char *name = json_text_at(v, "ops");
	bool ours = *name && !strncmp(ops, name, strlen(name));

	if (ours)
		doctor_add(checks, "scheduler", DOCTOR_WARN,
			   "sched-deploy --stop",
			   "'%s' is attached, of sched-deploy[%d], since %s",
			   ops, (int)json_as_number(json_get(v, "pid"), 0),
			   json_text_at(v, "since"));
	json_free(v);
	return ours;
}

void doctor_others(struct json *checks, const struct site *s)
{
	struct bringer loader = {.pid = 0}, owner = {.pid = 0};
	char state[SITE_WORD], ops[SITE_WORD], rejected[SITE_WORD];
	char *text;

	site_word(s, "/sys/kernel/sched_ext/root/ops", ops);
	find_programs(s, ops, &loader, &owner);
	if (!site_word(s, "/sys/kernel/sched_ext/state", state)) {
		doctor_add(checks, "scheduler", DOCTOR_OK, "",
			   "the kernel's own: there is no sched_ext");
	} else if (!strcmp(state, "disabled")) {
		doctor_add(checks, "scheduler", DOCTOR_OK, "",
			   "the kernel's own: no policy is attached");
	} else if (!is_ours(checks, s, ops)) {
		text = whose(&owner);
		doctor_add(checks, "scheduler", DOCTOR_WARN,
			   "stop it: 'systemctl stop scx' or 'scx_loader', or "
			   "end its program; SysRq-S detaches any",
			   "another one is loaded: '%s' (sched_ext is "
			   "%s)%s",
			   *ops ? ops : "?", state, text);
		free(text);
	}
	if (loader.pid)
		doctor_add(checks, "scx_loader", DOCTOR_WARN,
			   "systemctl stop scx_loader, while a policy is "
			   "deployed",
			   "scx_loader[%ld] runs and may load a scheduler at "
			   "any time",
			   loader.pid);
	if (site_word(s, "/sys/kernel/sched_ext/nr_rejected", rejected) &&
	    strtoull(rejected, NULL, 10) > 0)
		doctor_add(checks, "rejected", DOCTOR_WARN,
			   "look for tasks whose policy was changed "
			   "(chrt -x), and what changed it",
			   "%.20s tasks were kept from sched_ext by a policy",
			   rejected);
}
