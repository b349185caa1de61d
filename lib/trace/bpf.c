/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "bpf/intent_abi.h"
#include "trace/backend.h"
#include "trace/burst_record.h"
#include "trace/collect.h"
#include "trace/record.h"

#define MAX_LINKS  16
#define RING_BYTES (16u << 20)
/* How long to wait for what exits to have exited, and how often to look. */
#define DYING_NS    1000000
#define DYING_LOOKS 200

struct kernel_trace {
	struct trace base;
	struct bpf_object *obj;
	struct observe_state *state; /* shared with the kernel */
	struct bpf_link *links[MAX_LINKS];
	size_t link_count;
	uint64_t began;
	struct recorder *recorder;     /* NULL: no trace is wanted */
	struct burst_recorder *bursts; /* likewise */
};

/* The first thing libbpf complained about, for the message. */
static __thread char complaint[160];

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[sizeof(complaint)];

	if (level != LIBBPF_WARN || complaint[0])
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	snprintf(complaint, sizeof(complaint), "%s", line);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void root(struct trace *base, pid_t pid)
{
	struct kernel_trace *t = (struct kernel_trace *)base;

	t->state->root_pid = (uint32_t)pid;
}

static struct bpf_map *section(struct bpf_object *obj, const char *suffix)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		const char *dot = strrchr(bpf_map__name(map), '.');

		if (bpf_map__is_internal(map) && dot && !strcmp(dot, suffix))
			return map;
	}
	return NULL;
}

/* What is in it before loading, if it holds one variable of that size. */
static void *initial(struct bpf_object *obj, const char *suffix, size_t size)
{
	struct bpf_map *map = section(obj, suffix);
	size_t have = 0;
	void *data = map ? bpf_map__initial_value(map, &have) : NULL;

	return have == size ? data : NULL;
}

static int share_state(struct kernel_trace *t)
{
	int fd = bpf_map__fd(section(t->obj, ".bss"));
	void *at = mmap(NULL, sizeof(*t->state), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return err_set(ENOTSUP,
			       "cannot share memory with the "
			       "observer: %s",
			       strerror(errno));
	t->state = at;
	return 0;
}

static bool follows_rules(const struct trace_opts *o)
{
	return o->bursts && o->intents && o->intents->table.count;
}

/* Where nothing is declared the maps take up next to nothing. */
static int make_room_for_rules(struct kernel_trace *t,
			       struct observe_config *config,
			       const struct trace_opts *o)
{
	struct bpf_map *marks =
		bpf_object__find_map_by_name(t->obj, "intent_marks");

	if (!marks)
		return err_set(ENOTSUP, "the observer's BPF object is of "
					"another version: build it anew");
	config->intents = follows_rules(o);
	bpf_map__set_max_entries(marks, config->intents && o->intents->marks
						? o->intents->marks
						: 1);
	return 0;
}

static int put_rules(const struct kernel_trace *t, const struct intent_rules *r)
{
	int table = bpf_object__find_map_fd_by_name(t->obj, "intents");
	int marks = bpf_object__find_map_fd_by_name(t->obj, "intent_marks");
	uint32_t zero = 0;
	int rc = bpf_map_update_elem(table, &zero, &r->table, BPF_ANY);

	for (uint32_t i = 0; !rc && i < r->marks; i++)
		rc = bpf_map_update_elem(marks, &r->v[i].key, &r->v[i].rules,
					 BPF_ANY);
	return rc ? err_set(errno, "cannot hand over the rules: %s",
			    strerror(errno))
		  : 0;
}

/*
 * What the kernel's programs see has the machine's numbers; in a container
 * processes have others.  (PID_NS_INIT_INO of newer headers.)
 */
static bool has_own_numbers(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != 0xEFFFFFFCu;
}

static int configure(struct kernel_trace *t, const struct trace_opts *o)
{
	struct observe_config *config =
		initial(t->obj, ".rodata", sizeof(*config));
	struct observe_state *state = initial(t->obj, ".bss", sizeof(*state));
	struct bpf_map *ring = bpf_object__find_map_by_name(t->obj, "trace");
	struct bpf_map *bursts = bpf_object__find_map_by_name(t->obj, "bursts");
	struct bpf_map *learned =
		bpf_object__find_map_by_name(t->obj, "burst_groups");
	unsigned level = 0;
	int rc;

	if ((o->scope == TRACE_PID || o->scope == TRACE_COMMAND) &&
	    has_own_numbers())
		return err_set(ENOTSUP, "BPF cannot tell a process of a "
					"container: it has another number "
					"there");
	if (!config || !state || !ring || !bursts || !learned)
		return err_set(ENOTSUP, "the observer's BPF object is of "
					"another version: build it anew");
	rc = make_room_for_rules(t, config, o);
	if (rc)
		return rc;
	if (o->record) {
		config->trace = 1;
		bpf_map__set_max_entries(ring, RING_BYTES);
	}
	if (o->bursts) {
		config->bursts = o->bursts_every;
		bpf_map__set_max_entries(bursts, RING_BYTES);
		bpf_map__set_max_entries(learned, OBSERVE_LEARNED);
	}
	switch (o->scope) {
	case TRACE_ALL:
		config->scope = OBSERVE_ALL;
		break;
	case TRACE_PID:
		state->root_pid = (uint32_t)o->pid;
		config->scope = OBSERVE_TREE;
		break;
	case TRACE_COMMAND:
		config->scope = OBSERVE_TREE;
		break;
	case TRACE_CGROUP:
		config->scope = OBSERVE_CGROUP;
		rc = cgroup_lookup(o->cgroup, &config->cgroup_id, &level);
		config->cgroup_level = level;
		break;
	}
	return rc;
}

static int load_failed(int rc)
{
	if (rc == -EPERM || rc == -EACCES)
		return err_set(EPERM, "BPF is not allowed: root or CAP_BPF "
				      "and CAP_PERFMON would be needed");
	return err_set(ENOTSUP, "this kernel does not take the observer: %s",
		       complaint[0] ? complaint : strerror(-rc));
}

static bool is_iterator(const struct bpf_program *p)
{
	return !strncmp(bpf_program__section_name(p), "iter/", 5);
}

static int attach(struct kernel_trace *t)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, t->obj)
	{
		struct bpf_link *link;

		if (is_iterator(p) || t->link_count == MAX_LINKS)
			continue;
		link = bpf_program__attach(p);
		if (!link)
			return load_failed(-errno);
		t->links[t->link_count++] = link;
	}
	return 0;
}

static void detach(struct kernel_trace *t)
{
	while (t->link_count)
		bpf_link__destroy(t->links[--t->link_count]);
}

/* Runs one of the programs that visit every task. */
static int visit(struct kernel_trace *t, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(t->obj, name);
	struct bpf_link *link = p ? bpf_program__attach_iter(p, NULL) : NULL;
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	ssize_t n = -1;
	char c;

	if (fd >= 0) {
		while ((n = read(fd, &c, 1)) > 0 || (n < 0 && errno == EAGAIN))
			;
		close(fd);
	}
	bpf_link__destroy(link);
	if (n < 0)
		return err_set(ENOTSUP, "cannot visit the tasks: %s",
			       strerror(errno));
	return 0;
}

static int map_fd(const struct kernel_trace *t, const char *name)
{
	return bpf_object__find_map_fd_by_name(t->obj, name);
}

static int start(struct trace *base)
{
	struct kernel_trace *t = (struct kernel_trace *)base;
	int rc = attach(t);

	if (!rc && t->recorder)
		rc = recorder_start(t->recorder, map_fd(t, "trace"));
	if (!rc && t->bursts)
		rc = burst_recorder_start(t->bursts, map_fd(t, "bursts"),
					  t->state);
	if (rc)
		return rc;
	t->began = now_ns();
	__atomic_store_n(&t->state->live, 1, __ATOMIC_RELEASE);
	return visit(t, "before");
}

/* A command is over before the last of its tasks has left its CPU, with a
 * burst that may be all it ever did. */
static void let_die(const struct kernel_trace *t)
{
	const struct timespec pause = {.tv_nsec = DYING_NS};

	for (int i = 0; i < DYING_LOOKS && t->bursts; i++) {
		if ((int32_t)__atomic_load_n(&t->state->dying,
					     __ATOMIC_RELAXED) <= 0)
			return;
		nanosleep(&pause, NULL);
	}
}

static int stop(struct trace *base, struct observed *o)
{
	struct kernel_trace *t = (struct kernel_trace *)base;
	int rc;

	let_die(t);
	t->state->end_at = now_ns();
	__atomic_store_n(&t->state->live, 0, __ATOMIC_RELEASE);
	detach(t);
	o->by_bpf = true;
	o->duration_ns = t->state->end_at - t->began;
	rc = visit(t, "after");
	if (!rc && t->recorder)
		rc = recorder_stop(t->recorder, t->state->trace_drops,
				   &o->record_events, &o->record_drops);
	if (!rc && t->bursts) {
		o->burst_drops = t->state->burst_drops;
		rc = burst_recorder_stop(t->bursts, &o->bursts);
	}
	return rc ? rc : collect(t->obj, t->state, o);
}

static void release(struct trace *base)
{
	struct kernel_trace *t = (struct kernel_trace *)base;

	detach(t);
	recorder_free(t->recorder);
	burst_recorder_free(t->bursts);
	if (t->state)
		munmap(t->state, sizeof(*t->state));
	bpf_object__close(t->obj);
	free(t);
}

static const struct trace_ops ops = {root, start, stop, release};

static int load(struct kernel_trace *t, const struct trace_opts *o)
{
	char *path = path_lib("observe.bpf.o");
	int rc;

	if (access(path, R_OK)) {
		rc = err_set(ENOENT, "no observer in '%s': build it with make",
			     path);
		goto out;
	}
	t->obj = bpf_object__open_file(path, NULL);
	if (!t->obj) {
		rc = err_set(ENOTSUP, "cannot read '%s': %s", path,
			     strerror(errno));
		goto out;
	}
	rc = configure(t, o);
	if (rc)
		goto out;
	rc = bpf_object__load(t->obj);
	rc = rc ? load_failed(rc) : share_state(t);
	if (!rc && follows_rules(o))
		rc = put_rules(t, o->intents);
	if (!rc && o->record)
		rc = recorder_new(o->record, o->record_max, now_ns(),
				  &t->recorder);
	if (!rc && o->bursts)
		rc = burst_recorder_new(o->bursts, o->bursts_max,
					o->bursts_every, &t->bursts);
out:
	free(path);
	return rc;
}

int trace_open_bpf(const struct trace_opts *o, struct trace **out)
{
	struct kernel_trace *t;
	int rc;

	*out = NULL;
	if (o->scope == TRACE_PID && kill(o->pid, 0) && errno == ESRCH)
		return err_set(ENOENT, "there is no process %d", (int)o->pid);
	complaint[0] = '\0';
	libbpf_set_print(hear);
	t = mem_zalloc(1, sizeof(*t));
	t->base.ops = &ops;
	rc = load(t, o);
	if (rc) {
		release(&t->base);
		return rc;
	}
	*out = &t->base;
	return 0;
}
