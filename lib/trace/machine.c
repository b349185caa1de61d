/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/machine.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"

#define MAX_CPUS  8192
#define MAX_CACHE 8

/* A file of one line, without its newline; NULL when there is none. */
static char *read_line(const char *path)
{
	struct buf b;
	char *s = NULL;

	buf_init(&b, 4096);
	if (!buf_read_file(&b, path) && b.len) {
		s = mem_strndup(b.data, b.len);
		s[strcspn(s, "\n")] = '\0';
	}
	buf_release(&b);
	err_clear();
	return s;
}

static double pressure_some(const char *what)
{
	char *path = mem_printf("/proc/pressure/%s", what);
	char *line = read_line(path), *total;
	double us = -1;

	total = line ? strstr(line, "total=") : NULL;
	if (total)
		us = strtod(total + strlen("total="), NULL);
	free(line);
	free(path);
	return us;
}

void pressure_read(struct pressure *p)
{
	p->cpu_us = pressure_some("cpu");
	p->memory_us = pressure_some("memory");
	p->io_us = pressure_some("io");
}

static void add_pressure(struct json *psi, const char *key, double before,
			 double after, double duration_us)
{
	double pct;

	if (before < 0 || after < before || duration_us <= 0)
		return;
	pct = round(1e4 * (after - before) / duration_us) / 100;
	json_set_number(psi, key, fmin(pct, 100));
}

/* How many different contents a file has over all CPUs; 0: not there. */
static size_t count_distinct(const char *file)
{
	struct strs seen = {0};
	size_t n;

	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		char *dir = mem_printf("/sys/devices/system/cpu/cpu%d", cpu);
		char *path = mem_printf("%s/%s", dir, file);
		bool there = !access(dir, F_OK);
		char *s = there ? read_line(path) : NULL;

		if (s)
			strs_add_once(&seen, s);
		free(s);
		free(path);
		free(dir);
		if (!there)
			break;
	}
	n = seen.len;
	strs_release(&seen);
	return n;
}

static size_t count_llcs(void)
{
	for (int i = MAX_CACHE; i >= 0; i--) {
		char *file = mem_printf("cache/index%d/shared_cpu_list", i);
		size_t n = count_distinct(file);

		free(file);
		if (n)
			return n;
	}
	return 1;
}

static size_t count_nodes(void)
{
	DIR *d = opendir("/sys/devices/system/node");
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += !strncmp(e->d_name, "node", 4) && isdigit(e->d_name[4]);
	if (d)
		closedir(d);
	return n ? n : 1;
}

static void add_ext(struct json *v)
{
	char *state = read_line("/sys/kernel/sched_ext/state");
	char *ops = read_line("/sys/kernel/sched_ext/root/ops");

	json_set_string(v, "sched_ext", state ? state : "absent");
	json_set_string(v, "ops", ops ? ops : "absent");
	free(state);
	free(ops);
}

struct json *machine_json(const struct pressure *before,
			  const struct pressure *after, double duration_us)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t cores = count_distinct("topology/thread_siblings_list");
	struct json *v = json_object(), *psi;
	struct utsname u;

	uname(&u);
	json_set_number(v, "cpus", (double)cpus);
	json_set_number(v, "cores", cores ? (double)cores : (double)cpus);
	json_set_number(v, "llcs", (double)count_llcs());
	json_set_number(v, "nodes", (double)count_nodes());
	json_set_string(v, "kernel", u.release);
	add_ext(v);
	psi = json_set(v, "psi", json_object());
	add_pressure(psi, "cpu_some_pct", before->cpu_us, after->cpu_us,
		     duration_us);
	add_pressure(psi, "memory_some_pct", before->memory_us,
		     after->memory_us, duration_us);
	add_pressure(psi, "io_some_pct", before->io_us, after->io_us,
		     duration_us);
	return v;
}
