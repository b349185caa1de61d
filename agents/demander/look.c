/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroups there are, and what they count. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents/demander/parts.h"
#include "base/cgroup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define QUANTILE       0.9
#define LEAVE	       0.1 /* of the CPUs */
#define ROOT_WEIGHT    100 /* of what is in no cgroup */
#define WAIT_AT_A_TIME 1.0
#define NAPS	       1000

/* ---- counters --------------------------------------------------------- */

/* The number after a word of a file that has one in each line; NAN. */
static double count_of(const char *text, const char *word)
{
	const char *at = text ? strstr(text, word) : NULL;

	return at ? strtod(at + strlen(word), NULL) : NAN;
}

static bool read_counts(const char *dir, struct demander_counts *out)
{
	char *stat = cgroup_read(dir, "cpu.stat");
	char *pressure = cgroup_read(dir, "cpu.pressure");
	double used = count_of(stat, "usage_usec ");
	/* The first line is of "some". */
	double waited = count_of(pressure, " total=");

	*out = (struct demander_counts){.cpu.at_s = clock_monotonic()};
	if (used >= 0) {
		out->cpu.usage_us = (uint64_t)used;
		out->cpu.waited_us = waited >= 0 ? (uint64_t)waited : 0;
		out->cpu.known = true;
		out->throttled = fmax(count_of(stat, "nr_throttled "), 0);
	}
	free(stat);
	free(pressure);
	return out->cpu.known;
}

static void look_at(struct demander *m, struct demander_group *g)
{
	struct demander_counts was = g->now;

	if (read_counts(g->dir, &g->now)) {
		demand_add(&g->demand, demand_between(&was.cpu, &g->now.cpu));
		return;
	}
	demand_add(&g->demand, NAN);
	if (!access(g->dir, F_OK))
		return;
	g->gone = true;
	demander_say(m, "the cgroup '%s' is gone", g->said);
}

/* ---- steps ------------------------------------------------------------ */

static bool is_over(const struct demander *m)
{
	size_t gone = 0;

	for (size_t i = 0; i < m->count; i++)
		gone += m->v[i].gone;
	return gone == m->count || (m->o->cancel && *m->o->cancel) ||
	       (m->o->for_s > 0 &&
		m->next_at > m->began + m->o->for_s + m->o->every_s / 2);
}

/* False: the setter is gone, and there is nothing to wait for. */
static bool nap(struct demander *m, double s)
{
	const struct timespec t = {(time_t)s, (long)((s - floor(s)) * 1e9)};

	if (m->sets)
		return setter_alive(&m->setter, (int)ceil(s * NAPS));
	nanosleep(&t, NULL);
	return true;
}

bool demander_step(struct demander *m)
{
	double left;

	while (!is_over(m) && (left = m->next_at - clock_monotonic()) > 0 &&
	       nap(m, fmin(left, WAIT_AT_A_TIME)))
		;
	if (is_over(m))
		return false;
	for (size_t i = 0; i < m->count; i++)
		if (!m->v[i].gone)
			look_at(m, &m->v[i]);
	m->next_at += m->o->every_s;
	/* Asleep, or stopped: what was then is not known, its time is over. */
	for (int n = 0; m->next_at < clock_monotonic() && n < DEMAND_KEPT;
	     n++) {
		for (size_t i = 0; i < m->count; i++)
			demand_add(&m->v[i].demand, NAN);
		m->next_at += m->o->every_s;
	}
	m->next_at = fmax(m->next_at, clock_monotonic());
	return true;
}

/* ---- who else --------------------------------------------------------- */

char *demander_parent(const struct demander_group *g)
{
	return mem_strndup(g->dir, (size_t)(strrchr(g->dir, '/') - g->dir));
}

double demander_weight(const char *dir)
{
	char *text = cgroup_read(dir, "cpu.weight");
	double w = text ? strtod(text, NULL) : 0;

	free(text);
	return w;
}

static bool is_populated(const char *dir)
{
	char *text = cgroup_read(dir, "cgroup.events");
	bool yes = text && strstr(text, "populated 1");

	free(text);
	return yes;
}

double demander_others(const struct demander_group *g)
{
	char *parent = demander_parent(g);
	const char *own = strrchr(g->dir, '/') + 1;
	char *events = cgroup_read(parent, "cgroup.events");
	/* Only the root holds processes beside cgroups. */
	double sum = events ? 0 : ROOT_WEIGHT;
	DIR *d = opendir(parent);
	struct dirent *e;

	free(events);
	while (d && (e = readdir(d))) {
		char *dir;

		if (e->d_type != DT_DIR || *e->d_name == '.' ||
		    !strcmp(e->d_name, own))
			continue;
		dir = mem_printf("%s/%s", parent, e->d_name);
		sum += is_populated(dir) ? demander_weight(dir) : 0;
		free(dir);
	}
	if (d)
		closedir(d);
	free(parent);
	return sum;
}

/* ---- before and after ------------------------------------------------- */

static int add_group(struct demander *m, const char *root, const char *said)
{
	struct demander_group *g = &m->v[m->count];
	char *dir = cgroup_folder(root, said);

	if (!dir)
		return -ENOENT;
	*g = (struct demander_group){.said = mem_strdup(said), .dir = dir};
	m->count++;
	for (size_t i = 0; i + 1 < m->count; i++)
		if (!strcmp(m->v[i].dir, dir))
			return err_set(EINVAL, "the cgroup '%s' is named twice",
				       said);
	demand_init(&g->demand, m->o->every_s, m->ahead, QUANTILE);
	demand_trust_init(&g->trust);
	demand_hold_init(&g->hold);
	return read_counts(dir, &g->now)
		       ? 0
		       : err_set(ENOTSUP,
				 "the cgroup '%s' has no 'cpu.stat' that could "
				 "be read",
				 said);
}

static void set_limits(struct demander *m)
{
	struct demand_limits *l = &m->limits;
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	*l = m->o->limits;
	l->cpus = n < 1 ? 1 : n > KNOBS_MAX_CPUS ? KNOBS_MAX_CPUS : (unsigned)n;
	if (l->leave < 0)
		l->leave = LEAVE * l->cpus;
	if (l->max < 0 || l->max > l->cpus)
		l->max = l->cpus;
}

int demander_open(struct demander *m, const struct demander_opts *o,
		  const struct strs *groups)
{
	char *root = cgroup_root();
	int rc = 0;

	*m = (struct demander){
		.o = o, .lock = -1, .setter = {.child = {.fd = -1}}};
	m->ahead = (unsigned)fmin(fmax(ceil(o->lead_s / o->every_s), 1),
				  DEMAND_AHEAD_MAX);
	set_limits(m);
	if (!root)
		return err_set(ENOTSUP, "there are no cgroups of version 2 on "
					"this host");
	m->v = mem_zalloc(groups->len, sizeof(*m->v));
	for (size_t i = 0; i < groups->len && !rc; i++)
		rc = add_group(m, root, groups->v[i]);
	free(root);
	m->began = clock_monotonic();
	m->next_at = m->began + o->every_s;
	return rc;
}

void demander_close(struct demander *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->v[i].said);
		free(m->v[i].dir);
	}
	free(m->v);
	if (m->lock >= 0)
		close(m->lock);
}
