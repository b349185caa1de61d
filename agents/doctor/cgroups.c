/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cgroups ask for that holds for the kernel's own scheduler only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/doctor/check.h"
#include "base/mem.h"

#define MAX_GROUPS 8192
#define MAX_DEPTH  16
#define MAX_NAMES  6   /* that are told */
#define NAME_LEN   120 /* of one */

/* What is found of one kind. */
struct found {
	size_t n;
	struct buf names;
};

struct walk {
	const struct site *s;
	size_t groups;
	bool more; /* than are looked at */
	struct found weight, max, partition, cpus;
};

static void found(struct found *f, const char *path, const char *what)
{
	if (f->n++ >= MAX_NAMES)
		return;
	buf_printf(&f->names, "%s%.*s (%.40s)", f->names.len ? ", " : "",
		   NAME_LEN, path, what);
}

/* The first line of a group's file; false: no such file. */
static bool group_word(const struct walk *w, const char *top, const char *path,
		       const char *file, char out[static SITE_WORD])
{
	char *full = mem_printf("%s%s/%s", top, path, file);
	bool there = site_word(w->s, full, out);

	free(full);
	return there;
}

static void look_at(struct walk *w, const char *top, const char *path)
{
	char word[SITE_WORD], text[64];

	if (group_word(w, top, path, "cpu.weight", word) && *word &&
	    strcmp(word, "100")) {
		snprintf(text, sizeof(text), "weight %.20s", word);
		found(&w->weight, path, text);
	} else if (group_word(w, top, path, "cpu.idle", word) &&
		   !strcmp(word, "1")) {
		found(&w->weight, path, "idle");
	}
	if (group_word(w, top, path, "cpu.max", word) && *word &&
	    strncmp(word, "max", 3))
		found(&w->max, path, word);
	if (group_word(w, top, path, "cpuset.cpus.partition", word) &&
	    (!strncmp(word, "root", 4) || !strncmp(word, "isolated", 8)))
		found(&w->partition, path, word);
	if (group_word(w, top, path, "cpuset.cpus", word) && *word)
		found(&w->cpus, path, word);
}

static void walk(struct walk *w, const char *top, const char *path, int depth)
{
	char *full = mem_printf("%s%s", top, path);
	DIR *d = site_dir(w->s, full);
	struct dirent *e;

	free(full);
	while (d && (e = readdir(d))) {
		char *sub;

		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
		    e->d_name[0] == '.')
			continue;
		if (depth == MAX_DEPTH || w->groups == MAX_GROUPS) {
			w->more = true;
			break;
		}
		w->groups++;
		sub = mem_printf("%s/%s", path, e->d_name);
		look_at(w, top, sub);
		walk(w, top, sub, depth + 1);
		free(sub);
	}
	if (d)
		closedir(d);
}

static void tell(struct json *checks, const char *name, const char *what,
		 const char *way_out, struct found *f)
{
	if (f->n)
		doctor_add(checks, name, DOCTOR_WARN, way_out, "%zu %s: %s%s",
			   f->n, what, f->names.data,
			   f->n > MAX_NAMES ? ", and others" : "");
	buf_release(&f->names);
}

static void tell_all(struct json *checks, struct walk *w)
{
	if (!w->weight.n && !w->max.n && !w->partition.n)
		doctor_add(checks, "cgroups", DOCTOR_OK, "",
			   "%zu looked at; none asks for what a policy would "
			   "ignore%s%s",
			   w->groups,
			   w->cpus.n ? "; policies keep to cpusets, of which "
				       "there are: "
				     : "",
			   w->cpus.n ? w->cpus.names.data : "");
	buf_release(&w->cpus.names);
	tell(checks, "cpu.weight",
	     "with a weight that a policy does not know of",
	     "nice instead of weights, a policy of the form knobs, or a "
	     "policy attached elsewhere",
	     &w->weight);
	tell(checks, "cpu.max", "with a limit that a policy does not keep to",
	     "a policy of the form knobs, which leaves limits in force, or a "
	     "policy attached elsewhere",
	     &w->max);
	tell(checks, "cpuset",
	     "with CPUs of its own, which a policy counts as everybody's",
	     "a policy per partition is not possible: leave these CPUs out of "
	     "the measurement, or undo the partition (cpuset.cpus.partition "
	     "= member)",
	     &w->partition);
	if (w->more)
		doctor_add(checks, "cgroups", DOCTOR_WARN,
			   "remove those that nobody uses",
			   "not all were looked at: more than %d, or deeper "
			   "than %d",
			   MAX_GROUPS, MAX_DEPTH);
}

void doctor_cgroups(struct json *checks, const struct site *s)
{
	static const char *const tops[] = {"/sys/fs/cgroup/unified",
					   "/sys/fs/cgroup"};
	struct walk w = {.s = s};
	struct found *const all[] = {&w.weight, &w.max, &w.partition, &w.cpus};
	char word[SITE_WORD], *path;

	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		path = mem_printf("%s/cgroup.controllers", tops[i]);
		if (site_word(s, path, word)) {
			free(path);
			for (size_t k = 0; k < ARRAY_LEN(all); k++)
				buf_init(&all[k]->names, 2048);
			walk(&w, tops[i], "", 0);
			tell_all(checks, &w);
			return;
		}
		free(path);
	}
	doctor_add(checks, "cgroups", DOCTOR_WARN,
		   "mount -t cgroup2 none /sys/fs/cgroup",
		   "no cgroup2 hierarchy: nothing can be observed by cgroup");
}
