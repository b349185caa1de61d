/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/sysfs.h"

#define TEXT_MAX 512

/* The whole of a short file, from its beginning. */
static bool read_again(int fd, char text[static TEXT_MAX])
{
	ssize_t n = pread(fd, text, TEXT_MAX - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* FILE, or NAME of a cgroup's folder. */
static int open_of(const char *cgroup, const char *name, const char *file)
{
	char *path =
		cgroup ? mem_printf("%s/%s", cgroup, name) : mem_strdup(file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fd = err_set(errno, "cannot read '%s': %s", path,
			     strerror(errno));
	free(path);
	return fd;
}

static void close_of(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- pressure --------------------------------------------------------- */

static double total_of(const char *text, const char *which)
{
	const char *line = strstr(text, which);
	const char *total = line ? strstr(line, "total=") : NULL;

	return total ? strtod(total + strlen("total="), NULL) : 0;
}

int psi_open(struct psi_watch *w, const char *cgroup)
{
	char text[TEXT_MAX];

	*w = (struct psi_watch){0};
	w->fd = open_of(cgroup, "cpu.pressure", "/proc/pressure/cpu");
	if (w->fd >= 0 && read_again(w->fd, text))
		return 0;
	close_of(&w->fd);
	return err_set(ENOTSUP, "this kernel tells of no CPU pressure (psi=1 "
				"at its start)");
}

bool psi_tick(struct psi_watch *w, double now, double *some, double *full)
{
	double s, f, dt = now - w->at;
	bool news = w->begun;
	char text[TEXT_MAX];

	if (w->fd < 0 || (news && dt < SOURCE_STEP_S) ||
	    !read_again(w->fd, text))
		return false;
	s = total_of(text, "some ");
	f = total_of(text, "full ");
	if (news) {
		*some = fmin((s - w->some_us) / dt / 1e4, 100);
		*full = fmin((f - w->full_us) / dt / 1e4, 100);
	}
	w->begun = true;
	w->at = now;
	w->some_us = s;
	w->full_us = f;
	return news;
}

void psi_close(struct psi_watch *w)
{
	close_of(&w->fd);
}

/* ---- work ------------------------------------------------------------- */

int work_open(struct work_watch *w, const char *cgroup)
{
	*w = (struct work_watch){.cgroup = cgroup};
	w->fd = open_of(cgroup, "cpu.stat", "/proc/stat");
	return w->fd < 0 ? w->fd : 0;
}

static bool used(const struct work_watch *w, double *s)
{
	double v[7] = {0};
	char text[TEXT_MAX];
	const char *at;

	if (w->fd < 0 || !read_again(w->fd, text))
		return false;
	if (w->cgroup) {
		at = strstr(text, "usage_usec ");
		*s = at ? strtod(at + strlen("usage_usec "), NULL) / 1e6 : 0;
		return at;
	}
	/* user nice system idle iowait irq softirq */
	if (sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf", &v[0], &v[1], &v[2],
		   &v[3], &v[4], &v[5], &v[6]) != 7)
		return false;
	*s = (v[0] + v[1] + v[2] + v[5] + v[6]) / (double)sysconf(_SC_CLK_TCK);
	return true;
}

bool work_tick(struct work_watch *w, double now, double *cpus)
{
	double s, dt = now - w->at;
	bool news = w->begun;

	if ((w->begun && dt < SOURCE_STEP_S) || !used(w, &s))
		return false;
	*cpus = news ? (s - w->used_s) / dt : 0;
	w->begun = true;
	w->at = now;
	w->used_s = s;
	return news;
}

void work_close(struct work_watch *w)
{
	close_of(&w->fd);
}

/* ---- events ----------------------------------------------------------- */

/* What the kernel had to do instead of the policy, or in spite of it. */
static bool is_bad_sign(const char *name)
{
	static const char *const bad[] = {
		"SCX_EV_SELECT_CPU_FALLBACK",
		"SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE",
		"SCX_EV_ENQ_SKIP_EXITING",
		"SCX_EV_ENQ_SKIP_MIGRATION_DISABLED",
		"SCX_EV_BYPASS_DISPATCH",
		"SCX_EV_INSERT_NOT_OWNED",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!strcmp(bad[i], name))
			return true;
	return false;
}

void events_open(struct events_watch *w, const char *name)
{
	*w = (struct events_watch){.fd = -1};
	snprintf(w->name, sizeof(w->name), "%s", name ? name : "");
}

void events_close(struct events_watch *w)
{
	close_of(&w->fd);
}

/* Each policy has a file of its own, until it goes. */
static bool read_events(struct events_watch *w, struct sysfs_events *e)
{
	if (w->fd < 0)
		w->fd = sysfs_open(SYSFS_EVENTS_FILE);
	if (sysfs_events_again(w->fd, e))
		return true;
	close_of(&w->fd);
	w->begun = false;
	return false;
}

bool events_tick(struct events_watch *w, double now, double *per_s)
{
	double count = 0, dt = now - w->at;
	bool news, found = false;
	struct sysfs_events e;

	if ((w->begun && dt < SOURCE_STEP_S) || !read_events(w, &e))
		return false;
	for (size_t i = 0; i < e.count; i++) {
		if (w->name[0] ? strcmp(w->name, e.v[i].name)
			       : !is_bad_sign(e.v[i].name))
			continue;
		count += (double)e.v[i].n;
		found = true;
	}
	if (!found)
		return false;
	news = w->begun;
	*per_s = news ? fmax(count - w->count, 0) / dt : 0;
	w->begun = true;
	w->at = now;
	w->count = count;
	return news;
}
