/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/context.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "trace/machine.h"

#define SLOW_S	   1.0
#define LOAD_PART  0.1 /* of a new value in the average */
#define SUPPLIES   "/sys/class/power_supply"
#define MAX_DETAIL 64

/* 0 … INT16_MAX */
static int16_t fit(double x)
{
	return (int16_t)fmin(fmax(round(x), 0), INT16_MAX);
}

/* ---- load -------------------------------------------------------------- */

/* Tasks that run or wait, without this one; below 0: unknown. */
static double runnable(void)
{
	double n = -1;
	struct buf b;
	char *slash;

	buf_init(&b, 4096);
	/* "0.20 0.18 0.12 3/80 11206" */
	if (!buf_read_file(&b, "/proc/loadavg") &&
	    (slash = strchr(b.data, '/'))) {
		while (slash > b.data && slash[-1] != ' ')
			slash--;
		n = strtod(slash, NULL) - 1;
	}
	buf_release(&b);
	return n;
}

static void look_at_load(struct context *c)
{
	double n = runnable();

	if (n < 0)
		return;
	c->load = c->load < 0 ? n : c->load + LOAD_PART * (n - c->load);
	c->is.load = fit(256 * c->load / (double)sysconf(_SC_NPROCESSORS_ONLN));
}

/* ---- power ------------------------------------------------------------- */

static bool detail(const char *supply, const char *name, char *out, size_t size)
{
	char *path = mem_printf(SUPPLIES "/%s/%s", supply, name);
	struct buf b;

	buf_init(&b, size - 1);
	*out = '\0';
	if (!buf_read_file(&b, path) && b.len) {
		memcpy(out, b.data, b.len + 1);
		out[strcspn(out, "\n")] = '\0';
	}
	buf_release(&b);
	free(path);
	return *out;
}

/* Of the batteries that feed the machine the one with most left. */
static int16_t power(void)
{
	char text[MAX_DETAIL];
	DIR *dir = opendir(SUPPLIES);
	struct dirent *e;
	double best = 0;

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' ||
		    !detail(e->d_name, "status", text, sizeof(text)) ||
		    strcmp(text, "Discharging") != 0)
			continue;
		/* A mouse has one, too. */
		if (detail(e->d_name, "scope", text, sizeof(text)) &&
		    !strcmp(text, "Device"))
			continue;
		detail(e->d_name, "capacity", text, sizeof(text));
		best = fmax(best, 1 + fmin(fmax(strtod(text, NULL), 0), 100));
	}
	if (dir)
		closedir(dir);
	return fit(best);
}

/* ---- all of it --------------------------------------------------------- */

static void look_at_the_rest(struct context *c, double now)
{
	time_t wall = clock_wall();
	struct pressure p;
	struct tm tm;

	pressure_read(&p);
	if (p.cpu_us >= 0 && c->pressure_us >= 0 && now > c->slow)
		c->is.pressure = fit(fmin((p.cpu_us - c->pressure_us) /
						  (now - c->slow) / 100,
					  10000));
	c->pressure_us = p.cpu_us;
	c->slow = now;
	c->is.power = power();
	if (localtime_r(&wall, &tm))
		c->is.hour = (int16_t)tm.tm_hour;
}

void context_init(struct context *c)
{
	*c = (struct context){.load = -1, .pressure_us = -1};
	look_at_load(c);
	look_at_the_rest(c, clock_monotonic());
	c->last = c->slow;
	err_clear();
}

void context_look(struct context *c)
{
	double now = clock_monotonic();

	if (now - c->last < CONTEXT_EVERY_S)
		return;
	c->last = now;
	look_at_load(c);
	if (now - c->slow >= SLOW_S)
		look_at_the_rest(c, now);
	err_clear();
}
