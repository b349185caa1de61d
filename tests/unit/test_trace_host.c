/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Observing from /proc, of any scope, and traces that others made. */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "trace/cgroup.h"
#include "trace/events.h"
#include "trace/machine.h"
#include "trace/sample.h"
#include "trace/trace.h"

/* ---- who descends from whom --------------------------------------------- */

static void who_descends(void **state)
{
	/* By tid, as sample_find() wants them. */
	struct sample_task tasks[] = {
		{.tid = 1, .tgid = 1},
		{.tid = 10, .tgid = 10, .ppid = 1},
		{.tid = 11, .tgid = 10, .ppid = 1}, /* a thread */
		{.tid = 20, .tgid = 20, .ppid = 10},
		{.tid = 30, .tgid = 30, .ppid = 20},
		{.tid = 40, .tgid = 40, .ppid = 99}, /* its parent is gone */
		{.tid = 50, .tgid = 50, .ppid = 60}, /* read in between */
		{.tid = 60, .tgid = 60, .ppid = 50},
	};
	static const struct {
		pid_t tid, root;
		bool yes;
	} rows[] = {
		{10, 10, true},	 {11, 10, true},  {20, 10, true},
		{30, 10, true},	 {30, 20, true},  {10, 20, false},
		{10, 11, false}, {40, 10, false}, {40, 99, false},
		{40, 40, true},	 {50, 10, false}, {50, 60, true},
		{30, 1, false}, /* all do */
	};
	struct sample s = {.tasks = tasks, .count = ARRAY_LEN(tasks)};
	struct sample empty = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (sample_descends(&s, sample_find(&s, rows[i].tid),
				    rows[i].root) != rows[i].yes)
			fail_msg("row %zu", i);
	assert_null(sample_find(&s, 12));
	assert_null(sample_find(&empty, 1));
	assert_false(sample_descends(&s, NULL, 10));
}

/* ---- the machine -------------------------------------------------------- */

static void the_pressure(void **state)
{
	static const struct {
		double before, after, duration, pct; /* below 0: not told */
	} rows[] = {
		{0, 500, 1000, 50},	{0, 0, 1000, 0},
		{100, 333, 1000, 23.3}, {0, 2000, 1000, 100},
		{-1, 500, 1000, -1},	{500, -1, 1000, -1},
		{500, 400, 1000, -1},	{0, 500, 0, -1},
		{0, 500, -5, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pressure before = {rows[i].before, -1, 0},
				after = {rows[i].after, 5, 0};
		struct json *v =
			machine_json(&before, &after, rows[i].duration);
		const struct json *psi = json_get(v, "psi");
		double pct = json_as_number(json_get(psi, "cpu_some_pct"), -1);

		if (pct != rows[i].pct)
			fail_msg("row %zu: %g", i, pct);
		assert_null(json_get(psi, "memory_some_pct"));
		assert_true(json_as_number(json_get(v, "cpus"), 0) >= 1);
		assert_true(json_as_number(json_get(v, "cores"), 0) >= 1);
		assert_true(json_as_number(json_get(v, "llcs"), 0) >= 1);
		assert_true(json_as_number(json_get(v, "nodes"), 0) >= 1);
		json_free(v);
	}
}

/* ---- from /proc --------------------------------------------------------- */

#define NAME "hog (x) y"

/* A child of that name that does nothing but run. */
static pid_t hog(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, NAME);
		for (;;)
			;
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static uint64_t ran(const struct observed *o, const char *name)
{
	for (size_t i = 0; i < o->group_count; i++)
		if (!strcmp(o->groups[i].name, name)) {
			assert_int_equal(o->groups[i].tasks, 1);
			assert_false(o->groups[i].kernel);
			return o->groups[i].run_ns;
		}
	return 0;
}

/* Observes a hog, until it ran or for so long; how long it is said to have
 * run. */
static uint64_t observe(const struct trace_opts *opts, bool name_it,
			struct observed *o)
{
	const struct timespec nap = {0, 30000000};
	struct trace_opts mine = *opts;
	pid_t pid = hog();
	struct trace *t;
	uint64_t got = 0;

	if (mine.scope == TRACE_PID)
		mine.pid = pid;
	for (int i = 0; !got && i < (name_it ? 200 : 3); i++) {
		if (trace_open_proc(&mine, &t))
			fail_msg("%s", err_text());
		if (name_it && mine.scope == TRACE_COMMAND)
			trace_root(t, pid);
		assert_int_equal(trace_start(t), 0);
		nanosleep(&nap, NULL);
		if (i)
			observed_release(o);
		assert_int_equal(trace_stop(t, o), 0);
		got = ran(o, NAME);
		assert_true(got <= o->duration_ns + 1000000000);
		trace_free(t);
	}
	end(pid);
	return got;
}

static void all_of_it(void **state)
{
	const struct trace_opts opts = {.scope = TRACE_ALL};
	struct observed o;

	(void)state;
	assert_true(observe(&opts, true, &o) > 0);
	assert_false(o.by_bpf);
	assert_true(o.depth_mean >= 0);
	assert_in_range((int)o.busy_pct, 0, 100);
	assert_true(o.notes.len >= 1);
	for (size_t i = 1; i < o.group_count; i++)
		assert_true(o.groups[i].run_ns <= o.groups[i - 1].run_ns);
	observed_release(&o);
}

/* That process, and no other. */
static void one_process(void **state)
{
	struct trace_opts opts = {.scope = TRACE_PID};
	struct observed o;
	struct trace *t;
	pid_t gone = fork();

	(void)state;
	if (!gone)
		_exit(0);
	waitpid(gone, NULL, 0);
	assert_true(observe(&opts, true, &o) > 0);
	assert_int_equal(o.group_count, 1);
	assert_true(o.depth_mean < 0);
	observed_release(&o);
	opts.pid = gone;
	assert_int_equal(trace_open_proc(&opts, &t), -ENOENT);
	assert_null(t);
	trace_free(t);
}

/* A command that was not named yet is nobody. */
static void a_command(void **state)
{
	const struct trace_opts opts = {.scope = TRACE_COMMAND};
	struct observed o;

	(void)state;
	assert_int_equal(observe(&opts, false, &o), 0);
	assert_int_equal(o.group_count, 0);
	observed_release(&o);
	assert_true(observe(&opts, true, &o) > 0);
	assert_int_equal(o.group_count, 1);
	observed_release(&o);
}

/* ---- cgroups ------------------------------------------------------------ */

/* Where cgroups of version 2 are; NULL: nowhere. */
static const char *mounted(void)
{
	static const char *const at[] = {"/sys/fs/cgroup",
					 "/sys/fs/cgroup/unified"};
	unsigned level;
	uint64_t id;

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		if (!cgroup_lookup(at[i], &id, &level))
			return at[i];
	return NULL;
}

static void no_cgroups(void **state)
{
	const struct trace_opts opts = {.scope = TRACE_CGROUP,
					.cgroup = "/tmp"};
	struct trace *t;
	unsigned level;
	uint64_t id;

	(void)state;
	assert_int_equal(cgroup_lookup("/tmp", &id, &level), -ENOENT);
	assert_int_equal(cgroup_lookup("no/such", &id, &level), -ENOENT);
	assert_null(cgroup_relative("/proc"));
	assert_non_null(strstr(err_text(), "'/proc' is no cgroup"));
	assert_int_equal(trace_open_proc(&opts, &t), -ENOENT);
	assert_null(t);
	assert_false(cgroup_holds("/nowhere", getpid()));
	assert_false(cgroup_holds("/", -1));
}

/* Moves who writes it. */
static bool enter(const char *cgroup)
{
	char *path = mem_printf("%s/cgroup.procs", cgroup);
	FILE *f = fopen(path, "w");
	bool good = f && fputs("0", f) >= 0;

	good = f && !fclose(f) && good;
	free(path);
	return good;
}

static void check_holds(const char *relative, const char *below, pid_t pid)
{
	char *longer = mem_printf("%s-x", relative),
	     *shorter = mem_strndup(relative, strlen(relative) - 1);

	assert_true(cgroup_holds(relative, pid));
	assert_true(cgroup_holds("/", pid));
	assert_true(cgroup_holds(below, pid));
	assert_false(cgroup_holds(longer, pid));
	assert_false(cgroup_holds(shorter, pid)); /* its name goes on */
	free(longer);
	free(shorter);
}

/* A folder in a folder: whoever is in it is in both. */
static void a_cgroup(void **state)
{
	const char *root = mounted();
	char *outer, *inner, *relative, *above;
	struct trace_opts opts = {.scope = TRACE_CGROUP};
	struct observed o = {0};
	unsigned level, top;
	uint64_t id, other;
	pid_t pid;
	int ready[2];
	char c;

	(void)state;
	if (!root)
		skip();
	relative = cgroup_relative(root);
	assert_string_equal(relative, "/");
	free(relative);
	outer = mem_printf("%s/schedkit-test-%d", root, (int)getpid());
	inner = mem_printf("%s/in", outer);
	if (mkdir(outer, 0755) || mkdir(inner, 0755)) {
		rmdir(outer);
		free(outer);
		free(inner);
		skip();
	}
	assert_int_equal(cgroup_lookup(root, &id, &top), 0);
	assert_int_equal(cgroup_lookup(inner, &other, &level), 0);
	assert_int_equal(level, top + 2);
	assert_true(id != other);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, NAME);
		c = enter(inner) ? 'y' : 'n';
		if (write(ready[1], &c, 1) != 1 || c == 'n')
			_exit(1);
		for (;;)
			;
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	if (c == 'y') {
		const struct timespec nap = {0, 30000000};
		uint64_t got = 0;
		struct trace *t;

		relative = cgroup_relative(inner);
		above = cgroup_relative(outer);
		check_holds(relative, above, pid);
		assert_false(cgroup_holds(relative, getpid()));
		opts.cgroup = outer;
		for (int i = 0; !got && i < 200; i++) {
			observed_release(&o);
			assert_int_equal(trace_open_proc(&opts, &t), 0);
			assert_int_equal(trace_start(t), 0);
			nanosleep(&nap, NULL);
			assert_int_equal(trace_stop(t, &o), 0);
			got = ran(&o, NAME);
			trace_free(t);
		}
		assert_true(got > 0);
		assert_int_equal(o.group_count, 1);
		observed_release(&o);
		free(above);
		free(relative);
	}
	end(pid);
	close(ready[0]);
	close(ready[1]);
	/* What was killed may be in it for a moment. */
	for (int i = 0; rmdir(inner) && i < 1000; i++)
		usleep(10000);
	assert_int_equal(rmdir(outer), 0);
	free(inner);
	free(outer);
}

/* ---- traces ------------------------------------------------------------- */

static void headers(void **state)
{
	const struct trace_header good = {
		.magic = REC_MAGIC,
		.version = htole32(REC_VERSION),
		.record_bytes = htole32(sizeof(struct trace_record)),
		.hz = htole64(1000000000),
		.cpus = htole32(7),
	};
	struct trace_header h = good;
	struct trace_record rec;
	struct trace_events e;

	(void)state;
	assert_int_equal(trace_events_open(&h, sizeof(h) - 1, &e), -EINVAL);
	assert_int_equal(trace_events_open(&h, 0, &e), -EINVAL);
	assert_int_equal(trace_events_open(&h, sizeof(h), &e), 0);
	assert_int_equal(e.header.cpus, 7);
	assert_false(trace_events_next(&e, &rec));
	assert_false(e.cut || e.whole);
	h.magic[7] = '\r';
	assert_int_equal(trace_events_open(&h, sizeof(h), &e), -EINVAL);
	h = good;
	h.version = htole32(REC_VERSION + 1);
	assert_int_equal(trace_events_open(&h, sizeof(h), &e), -ENOTSUP);
	h = good;
	h.record_bytes = htole32(sizeof(struct trace_record) + 8);
	assert_int_equal(trace_events_open(&h, sizeof(h), &e), -ENOTSUP);
	h = good;
	h.hz = htole64(100);
	assert_int_equal(trace_events_open(&h, sizeof(h), &e), -ENOTSUP);
}

/* What follows the end is none of it; what is cut is said. */
static void ends(void **state)
{
	struct {
		struct trace_header h;
		struct trace_record r[3];
	} t = {
		.h = {.magic = REC_MAGIC,
		      .version = htole32(REC_VERSION),
		      .record_bytes = htole32(sizeof(struct trace_record)),
		      .hz = htole64(1000000000)},
		.r = {{.what = REC_WAKE, .pid = htole32(5)},
		      {.what = REC_END, .value = htole64(9)},
		      {.what = REC_WAKE}},
	};
	const size_t one = sizeof(t.r[0]);
	struct trace_record rec;
	struct trace_events e;

	(void)state;
	assert_int_equal(trace_events_open(&t, sizeof(t), &e), 0);
	assert_true(trace_events_next(&e, &rec));
	assert_int_equal(rec.pid, 5);
	for (int i = 0; i < 3; i++)
		assert_false(trace_events_next(&e, &rec));
	assert_true(e.whole);
	assert_false(e.cut);
	assert_int_equal(e.lost, 9);
	assert_int_equal(e.index, 1);
	/* One byte of the second record, and all of it but one. */
	for (size_t n = 1; n < one; n += one - 2) {
		assert_int_equal(
			trace_events_open(&t, sizeof(t.h) + one + n, &e), 0);
		assert_true(trace_events_next(&e, &rec));
		assert_false(trace_events_next(&e, &rec));
		assert_true(e.cut);
		assert_false(e.whole);
	}
}

/* However many, and whatever numbers they have: each is found again. */
static void many_tasks(void **state)
{
	enum { N = 5000 };
	struct trace_tasks t = {0};
	struct trace_record rec = {.what = REC_NAME};

	(void)state;
	assert_int_equal(trace_tasks_find(&t, 7), TRACE_NOBODY);
	for (uint32_t i = 0; i < N; i++) {
		/* Of the same remainder of any size that a table has. */
		uint32_t pid = i % 2 ? i : i << 16;

		assert_int_equal(trace_tasks_find(&t, pid), TRACE_NOBODY);
		assert_int_equal(trace_tasks_of(&t, pid), i);
		assert_int_equal(trace_tasks_of(&t, pid), i);
	}
	assert_int_equal(t.n, N);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t pid = i % 2 ? i : i << 16;

		assert_int_equal(trace_tasks_find(&t, pid), i);
		assert_int_equal(t.v[i].pid, pid);
	}
	assert_int_equal(trace_tasks_find(&t, UINT32_MAX), TRACE_NOBODY);
	/* A name of sixteen bytes, in halves. */
	rec.pid = 3;
	memcpy(&rec.value, "01234567", 8);
	rec.flags = REC_KERNEL;
	trace_tasks_name(&t, &rec);
	assert_string_equal(t.v[3].name, "01234567");
	assert_true(t.v[3].kernel);
	memcpy(&rec.value, "89abcdef", 8);
	rec.flags = REC_SECOND;
	trace_tasks_name(&t, &rec);
	assert_string_equal(t.v[3].name, "0123456789abcdef");
	assert_false(t.v[3].kernel);
	trace_tasks_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_descends), cmocka_unit_test(the_pressure),
		cmocka_unit_test(all_of_it),	cmocka_unit_test(one_process),
		cmocka_unit_test(a_command),	cmocka_unit_test(no_cgroups),
		cmocka_unit_test(a_cgroup),	cmocka_unit_test(headers),
		cmocka_unit_test(ends),		cmocka_unit_test(many_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
