/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/attached.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"
#include "bpf/policy_abi.h"
#include "scx/counters.h"

#define OUTER	      "bpf_struct_ops_sched_ext_ops"
#define OURS	      "schedkit"
#define COUNTERS      "counters"
#define PROGRAMS_MAX  64
#define PROCESSES_MAX 16
#define INFO_BYTES    4096
#define OF_EXT	      7 /* SCHED_EXT */
#define STATE_IN_USE  1 /* BPF_STRUCT_OPS_STATE_INUSE: without a link */

/* How the kernel lays out the value of a map with a sched_ext scheduler. */
struct layout {
	uint32_t type; /* of the value, in the kernel's types */
	uint32_t size;
	size_t name, name_len;
	size_t funcs[PROGRAMS_MAX]; /* where ids of programs are */
	size_t func_count;
};

struct found {
	uint32_t map, link; /* 0: none */
	uint32_t programs[PROGRAMS_MAX];
	size_t program_count;
};

/* ---- the layout ------------------------------------------------------- */

static const struct btf_member *member(const struct btf *btf,
				       const struct btf_type *t,
				       const char *name)
{
	const struct btf_member *m = btf_members(t);

	for (int i = 0; i < btf_vlen(t); i++, m++)
		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			return m;
	return NULL;
}

static bool is_function(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return btf_is_ptr(t) &&
	       btf_is_func_proto(btf__type_by_id(btf, t->type));
}

static bool read_layout(const struct btf *btf, struct layout *l)
{
	int id = btf__find_by_name_kind(btf, OUTER, BTF_KIND_STRUCT);
	const struct btf_type *outer, *ops;
	const struct btf_member *data, *name, *m;

	*l = (struct layout){0};
	if (id < 0)
		return false;
	outer = btf__type_by_id(btf, (uint32_t)id);
	data = member(btf, outer, "data");
	if (!data)
		return false;
	ops = btf__type_by_id(btf, data->type);
	name = btf_is_struct(ops) ? member(btf, ops, "name") : NULL;
	if (!name)
		return false;
	l->type = (uint32_t)id;
	l->size = outer->size;
	l->name = data->offset / 8 + name->offset / 8;
	l->name_len = (size_t)btf__resolve_size(btf, name->type);
	m = btf_members(ops);
	for (int i = 0; i < btf_vlen(ops); i++, m++)
		if (l->func_count < PROGRAMS_MAX && is_function(btf, m->type))
			l->funcs[l->func_count++] =
				data->offset / 8 + m->offset / 8;
	return l->name + l->name_len <= l->size;
}

/* ---- maps and links --------------------------------------------------- */

/* sysfs adds what it likes after the name (a version, on some kernels). */
static bool is_named(const struct layout *l, const char *value, const char *ops)
{
	size_t n = strnlen(value + l->name, l->name_len);

	return n && !strncmp(ops, value + l->name, n);
}

/* Whether this is the map of that scheduler; then its programs are told. */
static bool is_map(const struct layout *l, int fd, const char *ops,
		   bool must_be_used, struct found *f)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info), zero = 0, state;
	char *value;
	bool is;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ||
	    info.type != BPF_MAP_TYPE_STRUCT_OPS ||
	    info.btf_vmlinux_value_type_id != l->type ||
	    info.value_size < l->size)
		return false;
	value = mem_zalloc(1, info.value_size);
	is = bpf_map_lookup_elem(fd, &zero, value) == 0 &&
	     is_named(l, value, ops);
	/* refcount and state come first. */
	memcpy(&state, value + sizeof(uint32_t), sizeof(state));
	is = is && (!must_be_used || state == STATE_IN_USE);
	if (is) {
		f->map = info.id;
		f->program_count = 0;
	}
	for (size_t i = 0; is && i < l->func_count; i++) {
		uint64_t id;

		if (l->funcs[i] + sizeof(id) > info.value_size)
			continue;
		memcpy(&id, value + l->funcs[i], sizeof(id));
		if (id)
			f->programs[f->program_count++] = (uint32_t)id;
	}
	free(value);
	return is;
}

/* "map_id:\t12" of a descriptor; 0: it has no such line. */
static uint32_t number_of(const char *path, const char *key)
{
	uint32_t n = 0;
	struct buf b;
	char *at;

	buf_init(&b, INFO_BYTES);
	if (!buf_read_file(&b, path) && b.data) {
		at = strstr(b.data, key);
		if (at && (at == b.data || at[-1] == '\n') &&
		    at[strlen(key)] == ':')
			n = (uint32_t)strtoul(at + strlen(key) + 1, NULL, 10);
	}
	buf_release(&b);
	return n;
}

/* The kernel tells of a link's map here, whatever headers know. */
static uint32_t map_of_link(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return number_of(path, "map_id");
}

/* The last one counts: what was ejected may still have its own. */
static void find_link(const struct layout *l, const char *ops, struct found *f)
{
	uint32_t id = 0, map;
	int fd, of;

	while (bpf_link_get_next_id(id, &id) == 0) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		map = map_of_link(fd);
		of = map ? bpf_map_get_fd_by_id(map) : -1;
		if (of >= 0 && is_map(l, of, ops, false, f))
			f->link = id;
		if (of >= 0)
			close(of);
		close(fd);
	}
}

static void find_map(const struct layout *l, const char *ops, struct found *f)
{
	uint32_t id = 0;
	int fd;

	while (bpf_map_get_next_id(id, &id) == 0) {
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			continue;
		is_map(l, fd, ops, true, f);
		close(fd);
	}
}

static int find(const char *ops, struct found *f)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct layout l;
	uint32_t id = 0;
	bool known = btf && read_layout(btf, &l);

	btf__free(btf);
	*f = (struct found){0};
	if (!known)
		return err_set(ENOTSUP, "this kernel's types tell nothing of "
					"sched_ext");
	if (bpf_map_get_next_id(0, &id) < 0 && errno == EPERM)
		return err_set(EPERM, "only root can see who has attached it");
	find_link(&l, ops, f);
	if (!f->map)
		find_map(&l, ops, f);
	return f->map ? 0
		      : err_set(ENOENT, "no BPF map holds the scheduler '%s'",
				ops);
}

/* ---- who has it ------------------------------------------------------- */

static bool is_number(const char *s)
{
	return isdigit((unsigned char)*s);
}

static bool has_descriptor(const char *pid, const struct found *f)
{
	const char *key = f->link ? "link_id" : "map_id";
	uint32_t id = f->link ? f->link : f->map;
	char path[320], to[64];
	struct dirent *e;
	bool has = false;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !has && (e = readdir(dir))) {
		if (!is_number(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%.20s", pid,
			 e->d_name);
		n = readlink(path, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = '\0';
		/* "anon_inode:bpf_link", "anon_inode:bpf-map" */
		if (strncmp(to, "anon_inode:bpf", 14))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/fdinfo/%.20s", pid,
			 e->d_name);
		has = number_of(path, key) == id;
	}
	if (dir)
		closedir(dir);
	return has;
}

static struct json *process(long pid)
{
	struct json *v = json_object();
	struct task_stat t;
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%ld", pid);
	json_set_number(v, "pid", (double)pid);
	if (!task_stat((pid_t)pid, &t))
		json_set_string(v, "name", t.name);
	if (!stat(path, &st))
		json_set_number(v, "uid", st.st_uid);
	return v;
}

static struct json *processes(const struct found *f)
{
	struct json *list = json_array();
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && json_len(list) < PROCESSES_MAX && (e = readdir(dir)))
		if (is_number(e->d_name) && has_descriptor(e->d_name, f))
			json_add(list, process(strtol(e->d_name, NULL, 10)));
	if (dir)
		closedir(dir);
	return list;
}

/* ---- what is known of its programs ------------------------------------ */

/* When something happened, given in ns since the machine began. */
static time_t wall_of(uint64_t boot_ns)
{
	return time(NULL) - (time_t)clock_boot() +
	       (time_t)(boot_ns / 1000000000);
}

static bool is_counters(uint32_t id, int *fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	*fd = bpf_map_get_fd_by_id(id);
	if (*fd >= 0 && !bpf_obj_get_info_by_fd(*fd, &info, &len) &&
	    !strcmp(info.name, COUNTERS) &&
	    info.type == BPF_MAP_TYPE_PERCPU_ARRAY &&
	    info.value_size == sizeof(uint64_t) &&
	    info.max_entries == COUNT_MAX)
		return true;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return false;
}

/* A program's maps; the first that is the template's counters is read. */
static void tell_counters(const uint32_t *maps, uint32_t n, struct json *v)
{
	int fd;

	for (uint32_t i = 0; i < n; i++) {
		if (!is_counters(maps[i], &fd))
			continue;
		json_set(v, "counters", counters_read(fd));
		close(fd);
		return;
	}
}

static void tell_program(uint32_t id, bool ours, struct json *v)
{
	uint32_t maps[PROGRAMS_MAX];
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	char when[CLOCK_TEXT_LEN];

	if (fd < 0)
		return;
	info.nr_map_ids = PROGRAMS_MAX;
	info.map_ids = (uint64_t)(uintptr_t)maps;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
		if (!json_get(v, "loaded")) {
			clock_text(wall_of(info.load_time), when);
			json_set_string(v, "loaded", when);
			json_set_number(v, "uid", info.created_by_uid);
		}
		if (ours && !json_get(v, "counters"))
			tell_counters(maps,
				      info.nr_map_ids < PROGRAMS_MAX
					      ? info.nr_map_ids
					      : PROGRAMS_MAX,
				      v);
	}
	close(fd);
}

struct json *attached_read(const char *ops)
{
	bool ours = !strncmp(ops, OURS, strlen(OURS));
	struct json *v, *who;
	struct found f;

	if (find(ops, &f))
		return NULL;
	v = json_object();
	json_set_number(v, "map", f.map);
	if (f.link)
		json_set_number(v, "link", f.link);
	json_set_number(v, "programs", (double)f.program_count);
	for (size_t i = 0; i < f.program_count; i++)
		tell_program(f.programs[i], ours, v);
	who = json_set(v, "processes", processes(&f));
	if (!json_len(who))
		json_set_bool(v, "pinned", true);
	return v;
}

/* ---- partial mode ----------------------------------------------------- */

long attached_tasks(void)
{
	DIR *all = opendir("/proc"), *threads;
	struct dirent *e, *t;
	char path[64];
	long n = 0;

	while (all && (e = readdir(all))) {
		if (!is_number(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task", e->d_name);
		threads = opendir(path);
		while (threads && (t = readdir(threads)))
			if (is_number(t->d_name) &&
			    (sched_getscheduler((pid_t)atol(t->d_name)) &
			     ~SCHED_RESET_ON_FORK) == OF_EXT)
				n++;
		if (threads)
			closedir(threads);
	}
	if (all)
		closedir(all);
	return n;
}
