/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intent/compile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/mem.h"

#define DEPTH_MAX 32
#define LINE_LEN  8192 /* of /proc/self/maps */
#define MINORBITS 20   /* include/linux/kdev_t.h */

struct compiler {
	struct intent_rules *out;
	/* Those that are not over, in their order. */
	const struct intent_rule *rules[INTENT_MAX_RULES];
	uint32_t count;
	size_t lacking;
	const char *root; /* of cgroups */
	bool tags;
};

static void mark(struct compiler *c, enum intent_kind kind, uint64_t id,
		 uint32_t dev, uint64_t rules)
{
	struct intent_mark *m = c->out->v, *end = m + c->out->marks;

	/* Of each cgroup all rules are known at once. */
	while (kind != INTENT_OF_CGROUP && m < end &&
	       (m->key.kind != kind || m->key.id != id || m->key.dev != dev))
		m++;
	if (kind == INTENT_OF_CGROUP)
		m = end;
	if (m < end) {
		m->rules |= rules;
		return;
	}
	if (c->out->marks == INTENT_MAX_MARKS) {
		c->lacking++;
		return;
	}
	m->key = (struct intent_key){
		.id = id, .dev = dev, .kind = (uint16_t)kind};
	m->rules = rules;
	c->out->marks++;
}

/* ---- what each rule is ------------------------------------------------ */

static void take_command(struct intent_entry *e, const char *pattern)
{
	size_t n = strlen(pattern);

	e->where = INTENT_WHOLE;
	if (*pattern == '*') {
		e->where = INTENT_END;
		pattern++;
		n--;
	} else if (n && pattern[n - 1] == '*') {
		e->where = INTENT_BEGIN;
		n--;
	}
	e->len = (uint32_t)n;
	memcpy(e->text, pattern, n);
}

static uint32_t needs_of(const struct intent_rule *r)
{
	return (r->match[INTENT_CGROUP] || r->match[INTENT_UNIT] ||
				r->match[INTENT_TAG]
			? INTENT_OF_CGROUP
			: 0) |
	       (r->match[INTENT_EXECUTABLE] ? INTENT_OF_FILE : 0) |
	       (r->match[INTENT_USER] ? INTENT_OF_USER : 0);
}

static void take_rule(struct compiler *c, const struct intent_rule *r)
{
	struct intent_table *t = &c->out->table;
	struct intent_entry *e = &t->v[c->count];

	e->set = r->set;
	e->class = r->class;
	e->weight = r->weight;
	e->slice_min_us = r->slice_min_us;
	e->slice_max_us = r->slice_max_us;
	e->deadline_us = r->deadline_us;
	memcpy(e->cores, r->cores, sizeof(e->cores));
	e->needs = needs_of(r);
	t->kinds |= e->needs;
	if (r->match[INTENT_COMMAND])
		take_command(e, r->match[INTENT_COMMAND]);
	c->tags |= r->match[INTENT_TAG] != NULL;
	c->rules[c->count++] = r;
	t->count = c->count;
}

/* ---- what they are about ---------------------------------------------- */

static void mark_users(struct compiler *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->rules[i]->match[INTENT_USER])
			mark(c, INTENT_OF_USER, c->rules[i]->uid, 0, 1ull << i);
}

/* The line of /proc/self/maps that begins at an address. */
static bool find_map(const void *at, unsigned *maj, unsigned *min,
		     unsigned long *inode)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[LINE_LEN];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		unsigned long from;

		found = sscanf(line, "%lx-%*x %*s %*x %x:%x %lu", &from, maj,
			       min, inode) == 4 &&
			from == (unsigned long)at;
	}
	if (f)
		fclose(f);
	return found;
}

/*
 * The kernel's own number of a file, and of its file system: stat(2) tells
 * others where one file system lies over another, or has parts.
 */
static bool kernel_file(const char *path, unsigned long *inode, uint32_t *dev)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	unsigned maj, min;
	struct stat st;
	bool found = false;
	void *at;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at != MAP_FAILED) {
			found = find_map(at, &maj, &min, inode);
			munmap(at, 1);
		}
	}
	close(fd);
	if (found)
		*dev = maj << MINORBITS | min;
	return found;
}

static void mark_file(struct compiler *c, const char *path, uint64_t rules)
{
	unsigned long inode;
	uint32_t dev;

	if (kernel_file(path, &inode, &dev))
		mark(c, INTENT_OF_FILE, inode, dev, rules);
}

static void mark_files(struct compiler *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const char *pattern = c->rules[i]->match[INTENT_EXECUTABLE];
		glob_t found;

		if (!pattern)
			continue;
		if (!glob(pattern, GLOB_NOSORT, NULL, &found))
			for (size_t k = 0; k < found.gl_pathc; k++)
				mark_file(c, found.gl_pathv[k], 1ull << i);
		globfree(&found);
	}
}

static uint64_t rules_of_cgroup(const struct compiler *c, const char *dir)
{
	const char *below = dir + strlen(c->root);
	char *tag = c->tags ? intent_tag(c->root, dir) : NULL;
	uint64_t rules = 0;

	for (uint32_t i = 0; i < c->count; i++)
		if ((c->out->table.v[i].needs & INTENT_OF_CGROUP) &&
		    intent_cgroup_holds(c->rules[i], *below ? below : "/", tag))
			rules |= 1ull << i;
	free(tag);
	return rules;
}

/* A cgroup is a folder, and all folders below it are. */
static void mark_cgroups(struct compiler *c, const char *dir, int depth)
{
	uint64_t rules = rules_of_cgroup(c, dir);
	struct stat st;
	struct dirent *d;
	DIR *f;

	/* On 64-bit kernels a cgroup's id is its folder's inode number. */
	if (rules && !stat(dir, &st))
		mark(c, INTENT_OF_CGROUP, st.st_ino, 0, rules);
	f = depth < DEPTH_MAX ? opendir(dir) : NULL;
	while (f && (d = readdir(f))) {
		char *path;

		if (d->d_type != DT_DIR || *d->d_name == '.')
			continue;
		path = mem_printf("%s/%s", dir, d->d_name);
		mark_cgroups(c, path, depth + 1);
		free(path);
	}
	if (f)
		closedir(f);
}

void intents_compile(const struct intents *i, time_t now, bool here,
		     struct intent_rules **out, size_t *lacking)
{
	struct compiler c = {.out = mem_zalloc(1, sizeof(**out))};
	char *root = NULL;

	for (size_t k = 0; k < i->count; k++)
		if (!intent_is_over(&i->v[k], now))
			take_rule(&c, &i->v[k]);
	if (here && (c.out->table.kinds & INTENT_OF_CGROUP))
		c.root = root = cgroup_root();
	if (here) {
		mark_users(&c);
		mark_files(&c);
	}
	if (root)
		mark_cgroups(&c, root, 0);
	free(root);
	c.out->size = (uint32_t)(offsetof(struct intent_rules, v) +
				 c.out->marks * sizeof(c.out->v[0]));
	if (lacking)
		*lacking = c.lacking;
	*out = c.out;
}
