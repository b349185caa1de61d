/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sched_ext class of the simulator, by what policies make of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "sim/ext.h"

/* ---- running ---------------------------------------------------------- */

struct run {
	struct sim_opts o;
	struct sim_policy *policy;
	struct load *load;
	struct sim_result r;
};

static char *object_path(const char *name)
{
	char *in_tests = mem_printf("../../policies/%s.bpf.o", name), *path;

	path = strchr(name, '/') ? path_lib(in_tests)
				 : path_lib("policy.bpf.o");
	free(in_tests);
	return path;
}

static void run_it(struct run *run, const char *policy, const char *body,
		   const char *load, const char *machine)
{
	struct json *v = body ? json_parse(body, strlen(body)) : NULL;
	char *path = object_path(policy);

	memset(run, 0, sizeof(*run));
	sim_costs_default(&run->o.costs);
	run->o.seed = 7;
	run->o.starve_ns = 2000000000;
	run->o.max_events = 300000;
	assert_int_equal(sim_machine_parse(machine, &run->o.machine), 0);
	if (sim_policy_open(path, v, 0, &run->policy) < 0)
		fail_msg("%s", err_text());
	assert_int_equal(load_hostile(load, run->o.machine.cpus, 1, &run->load),
			 0);
	if (sim_run(&run->o, run->policy, run->load, &run->r) < 0)
		fail_msg("%s", err_text());
	json_free(v);
	free(path);
}

static void release(struct run *run)
{
	sim_result_release(&run->r);
	load_free(run->load);
	sim_policy_free(run->policy);
}

static const struct sim_finding *found(const struct run *run,
				       enum sim_rule rule)
{
	for (size_t i = 0; i < run->r.finding_count; i++)
		if (run->r.findings[i].rule == rule)
			return &run->r.findings[i];
	return NULL;
}

static uint64_t calls(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->r.callback_count; i++)
		if (!strcmp(run->r.callbacks[i].name, name))
			return run->r.callbacks[i].calls;
	return 0;
}

/* ---- tests ------------------------------------------------------------ */

static const struct btf_member *member_of(const struct btf *btf, int id,
					  const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, (uint32_t)id);
	const struct btf_member *m = btf_members(t);

	for (int i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			return &m[i];
	return NULL;
}

/* Both readers of simkernel_abi.h lay the same bytes out. */
static void test_layout(void **state)
{
#define ROW(type, name)                                             \
	{                                                           \
#type, #name, offsetof(struct kernel_##type, name), \
			sizeof(struct kernel_##type)                \
	}
	static const struct {
		const char *type, *member;
		size_t offset, size;
	} rows[] = {
		ROW(task_struct, cgroups),
		ROW(task_struct, scx),
		ROW(task_struct, cpus_mask),
		ROW(task_struct, comm),
		ROW(sched_ext_entity, slice),
		ROW(sched_ext_entity, disallow),
		ROW(sched_entity, sum_exec_runtime),
		ROW(mm_struct, arg_end),
		ROW(rq, scx),
		ROW(linux_binprm, filename),
		ROW(css_set, dfl_cgrp),
		ROW(scx_exit_info, dump),
		ROW(scx_init_task_args, cgroup),
		ROW(scx_cgroup_init_args, bw_burst_us),
		ROW(scx_bpf_dsq_insert_vtime_args, enq_flags),
	};
	struct btf *btf;

	(void)state;
	assert_int_equal(kernel_types(70003, &btf), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int id = btf__find_by_name_kind(btf, rows[i].type,
						BTF_KIND_STRUCT);
		const struct btf_member *m;

		assert_true(id > 0);
		m = member_of(btf, id, rows[i].member);
		assert_non_null(m);
		assert_int_equal(BTF_MEMBER_BIT_OFFSET(m->offset),
				 rows[i].offset * 8);
		assert_int_equal(btf__type_by_id(btf, (uint32_t)id)->size,
				 rows[i].size);
	}
	btf__free(btf);
}

static void test_versions(void **state)
{
	struct btf *old, *new;
	uint32_t kernel;

	(void)state;
	assert_int_equal(kernel_types(60012, &old), 0);
	assert_int_equal(kernel_types(70003, &new), 0);
	assert_true(btf__find_by_name(old, "scx_bpf_select_cpu_and_args") < 0);
	assert_true(btf__find_by_name(new, "scx_bpf_select_cpu_and_args") > 0);
	btf__free(old);
	btf__free(new);
	assert_int_equal(sim_kernel_parse("6.18.15-cloud", &kernel), 0);
	assert_int_equal(kernel, 60018);
	assert_int_equal(sim_kernel_parse("5.10", &kernel), -EINVAL);
	assert_int_equal(sim_kernel_parse("6", &kernel), -EINVAL);
	assert_int_equal(sim_kernel_parse("6.18x", &kernel), -EINVAL);
	assert_int_equal(sim_kernel_parse("6.x", &kernel), -EINVAL);
	assert_non_null(strstr(err_text(), "'6.x'"));
}

static void test_template(void **state)
{
	static const char *const bodies[] = {
		NULL,
		"{\"params\":{\"queue\":\"llc\",\"order\":\"deadline\"}}",
		"{\"params\":{\"queue\":\"cpu\",\"order\":\"fifo\"}}",
		"{\"params\":{\"classify\":\"identity\",\"order\":\"longest\"}}",
		"{\"params\":{\"classify\":\"weight\",\"preempt\":\"class\"}}",
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		run_it(&run, "template", bodies[i], "fork_storm",
		       "8,threads=2,llcs=2");
		assert_int_equal(run.r.outcome, SIM_DONE);
		assert_null(found(&run, SIM_FAULT));
		assert_null(found(&run, SIM_ERROR));
		assert_int_equal(run.r.unfinished, 0);
		assert_int_equal(calls(&run, "init"), 1);
		assert_int_equal(calls(&run, "exit"), 1);
		assert_true(calls(&run, "running") > 0);
		assert_int_equal(calls(&run, "running"),
				 calls(&run, "stopping"));
		assert_int_equal(calls(&run, "init_task"),
				 calls(&run, "enable"));
		assert_non_null(run.r.counters);
		assert_true(json_as_number(json_get(run.r.counters, "direct"),
					   0) > 0);
		release(&run);
	}
}

static double counter(const char *body, const char *load, const char *name)
{
	struct run run;
	double n;

	run_it(&run, "template", body, load, "2");
	assert_int_equal(run.r.outcome, SIM_DONE);
	assert_int_equal(run.r.finding_count, 0);
	n = json_as_number(json_get(run.r.counters, name), 0);
	release(&run);
	return n;
}

#define SHORT_FIRST                                                       \
	"{\"params\":{\"classify\":\"behaviour\",\"order\":\"deadline\"," \
	"\"preempt\":\"key\",\"preempt_min_us\":0,\"ahead_us\":20000,"    \
	"\"handover_us\":%s}}"

/* Sleepers end the turns of hogs.  Whoever is woken by one that is about to
 * sleep waits for that instead. */
static void test_preemption(void **state)
{
	char *at_once = mem_printf(SHORT_FIRST, "0");
	char *hands_over = mem_printf(SHORT_FIRST, "10000");
	double often;

	(void)state;
	assert_true(counter("{}", "hog_beside_sleepers", "preempted") == 0);
	often = counter(at_once, "hog_beside_sleepers", "preempted");
	assert_true(often > 0);
	assert_true(counter(hands_over, "hog_beside_sleepers", "preempted") >
		    often / 2);
	often = counter(at_once, "wake_chain", "preempted");
	assert_true(counter(hands_over, "wake_chain", "preempted") <
		    often / 100);
	free(at_once);
	free(hands_over);
}

static void takes(struct load *l, uint32_t t, enum load_what what, uint64_t ns)
{
	load_add_op(l, t, what)->dist = (struct load_dist){.ns = ns};
}

/* Who has always slept right after waking another, and once does not, keeps it
 * waiting for a moment and not for its whole turn. */
static void test_handover_ends(void **state)
{
	const char *body = "{\"params\":{\"classify\":\"behaviour\","
			   "\"order\":\"deadline\",\"preempt\":\"key\","
			   "\"handover_us\":500,\"slice_us\":200000}}";
	struct json *v = json_parse(body, strlen(body));
	char *path = path_lib("policy.bpf.o");
	struct load *l = load_new("overrun");
	struct sim_opts o = {.seed = 1, .starve_ns = 20000000};
	uint32_t sem = load_add_sem(l, 0, false), t;
	struct sim_policy *p;
	struct sim_result r;

	(void)state;
	sim_costs_default(&o.costs);
	assert_int_equal(sim_machine_parse("2", &o.machine), 0);
	t = load_add_task(l, "waker", load_add_group(l, "waker"));
	l->tasks[t].instances = 1;
	takes(l, t, LOAD_RUN, 100000);
	load_add_op(l, t, LOAD_POST)->obj = sem;
	l->tasks[t].ops[1].n = 1;
	takes(l, t, LOAD_SLEEP, 2000000);
	load_add_op(l, t, LOAD_LOOP)->n = 50;
	takes(l, t, LOAD_RUN, 100000);
	load_add_op(l, t, LOAD_POST)->obj = sem;
	l->tasks[t].ops[5].n = 1;
	takes(l, t, LOAD_RUN, 100000000);
	load_add_op(l, t, LOAD_EXIT);
	t = load_add_task(l, "woken", load_add_group(l, "woken"));
	l->tasks[t].instances = 1;
	load_add_op(l, t, LOAD_WAIT)->obj = sem;
	takes(l, t, LOAD_RUN, 50000);
	load_add_op(l, t, LOAD_LOOP)->n = 51;
	load_add_op(l, t, LOAD_EXIT);
	t = load_add_task(l, "hog", load_add_group(l, "hog"));
	l->tasks[t].instances = 1;
	takes(l, t, LOAD_RUN, 300000000);
	load_add_op(l, t, LOAD_EXIT);
	assert_int_equal(sim_policy_open(path, v, 60018, &p), 0);
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	assert_int_equal(r.outcome, SIM_DONE);
	if (r.finding_count)
		fail_msg("%s", r.findings[0].text);
	assert_true(json_as_number(json_get(r.counters, "direct"), 0) > 50);
	sim_result_release(&r);
	load_free(l);
	sim_policy_free(p);
	json_free(v);
	free(path);
}

static uint32_t one_task(struct load *l, const char *name, uint32_t process,
			 bool leader, uint64_t start_ns)
{
	uint32_t t = load_add_task(l, name, 0);

	l->tasks[t].process = process;
	l->tasks[t].leader = leader;
	l->tasks[t].start_ns = start_ns;
	return t;
}

static void waits_for(struct load *l, uint32_t t, uint32_t sem, uint32_t by)
{
	load_add_op(l, t, LOAD_WAIT)->obj = sem;
	takes(l, t, LOAD_RUN, 1000);
	load_add_op(l, by, LOAD_POST)->obj = sem;
	l->tasks[by].ops[l->tasks[by].op_count - 1].n = 1;
}

/* A thread that is there before its leader, and one that is there after it. */
static void test_threads(void **state)
{
	struct load *l = load_new("threads");
	struct sim_opts o = {.seed = 1};
	char *path = object_path("sim/wakers");
	uint32_t thread, leader, other, left;
	struct sim_policy *p;
	struct sim_result r;

	(void)state;
	sim_costs_default(&o.costs);
	assert_int_equal(sim_machine_parse("1", &o.machine), 0);
	load_add_group(l, "all");
	l->process_count = 1;
	thread = one_task(l, "t+", 1, false, 0);
	leader = one_task(l, "i+", 1, true, 1000000);
	other = one_task(l, "o+", 0, false, 0);
	left = one_task(l, "i", 1, false, 0);
	takes(l, leader, LOAD_SLEEP, 1000000);
	waits_for(l, thread, load_add_sem(l, 0, false), leader);
	waits_for(l, other, load_add_sem(l, 0, false), leader);
	for (int i = 0; i < 4; i++)
		takes(l, left, LOAD_SLEEP, 1000000);
	for (size_t i = 0; i < l->task_count; i++)
		load_add_op(l, (uint32_t)i, LOAD_EXIT);
	assert_int_equal(load_check(l), 0);
	assert_int_equal(sim_policy_open(path, NULL, 0, &p), 0);
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	if (r.outcome != SIM_DONE)
		fail_msg("%s", r.exit_text);
	assert_true(r.end_ns > 4000000);
	sim_result_release(&r);
	/* What it is told is looked at. */
	l->tasks[other].name[0] = 't';
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	assert_int_equal(r.outcome, SIM_EJECTED);
	assert_non_null(strstr(r.exit_text, "t+ was woken by o"));
	sim_result_release(&r);
	l->tasks[leader].process = 2;
	assert_int_equal(load_check(l), -EINVAL);
	load_free(l);
	sim_policy_free(p);
	free(path);
}

/* The hash that a policy computes is the one that its table holds. */
static void test_identity(void **state)
{
	const char *body = "{\"params\":{\"classify\":\"identity\"},"
			   "\"identities\":[{\"hash\":\"00000000000000aa\","
			   "\"expect_us\":1000}]}";
	struct json *v = json_parse(body, strlen(body));
	char *path = path_lib("policy.bpf.o");
	struct load *l = load_new("exec");
	struct sim_opts o = {.seed = 1};
	struct sim_policy *p;
	struct sim_result r;
	uint32_t t;

	(void)state;
	sim_costs_default(&o.costs);
	assert_int_equal(sim_machine_parse("2", &o.machine), 0);
	t = load_add_task(l, "job", load_add_group(l, "job"));
	l->tasks[t].instances = 3;
	load_add_op(l, t, LOAD_EXEC)->id = 0xaa;
	load_add_op(l, t, LOAD_EXEC)->id = 0xbb;
	load_add_op(l, t, LOAD_EXIT);
	assert_int_equal(sim_policy_open(path, v, 60018, &p), 0);
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	assert_int_equal(r.outcome, SIM_DONE);
	assert_int_equal(json_as_number(json_get(r.counters, "known"), 0), 3);
	assert_int_equal(json_as_number(json_get(r.counters, "unknown"), 0), 3);
	sim_result_release(&r);
	load_free(l);
	sim_policy_free(p);
	json_free(v);
	free(path);
}

static void test_deterministic(void **state)
{
	struct run a, b;

	(void)state;
	run_it(&a, "template", NULL, "exit_storm", "4");
	run_it(&b, "template", NULL, "exit_storm", "4");
	assert_int_equal(a.r.events, b.r.events);
	assert_int_equal(a.r.end_ns, b.r.end_ns);
	assert_int_equal(a.r.switches, b.r.switches);
	release(&a);
	release(&b);
}

/* Policies that are wrong in one way, and the finding that says so. */
static void test_wrong(void **state)
{
	static const struct {
		const char *policy, *load;
		enum sim_rule rule;
		int kind; /* of the end; 0: any */
	} rows[] = {
		{"bad/batch_overflow", "fork_storm", SIM_ERROR, SCX_EXIT_ERROR},
		{"bad/builtin_vtime", "fork_storm", SIM_ERROR, SCX_EXIT_ERROR},
		{"bad/inserts_twice", "all_pinned", SIM_ERROR, SCX_EXIT_ERROR},
		{"bad/wrong_queue", "fork_storm", SIM_LOST, 0},
		{"bad/never_pops", "fork_storm", SIM_LOST, 0},
		{"bad/never_inserts", "fork_storm", SIM_LOST, 0},
		{"bad/cpu_zero", "affinity_changing", SIM_AFFINITY,
		 SCX_EXIT_ERROR},
		{"bad/moves_pinned", "migration_disabled", SIM_AFFINITY,
		 SCX_EXIT_ERROR},
		{"bad/hundred_seconds", "hog_beside_sleepers", SIM_SLICE, 0},
		{"bad/leaks_task", "fork_storm", SIM_FAULT, SCX_EXIT_ERROR},
		{"bad/dispatches_in_running", "fork_storm", SIM_FAULT, 0},
		{"bad/kick_tick", "weights", SIM_KICKS, 0},
		{"bad/reserved_id", "fork_storm", SIM_ERROR, 0},
		{"bad/drops_itself", "weights", SIM_ERROR, SCX_EXIT_ERROR_BPF},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sim_finding *f;

		run_it(&run, rows[i].policy, NULL, rows[i].load, "4");
		f = found(&run, rows[i].rule);
		if (!f) {
			fail_msg("%s: no finding '%s'", rows[i].policy,
				 sim_rule_names[rows[i].rule]);
			return;
		}
		assert_non_null(f->file);
		assert_true(f->line > 0);
		if (rows[i].kind) {
			assert_int_equal(run.r.outcome, SIM_EJECTED);
			assert_int_equal(run.r.exit_kind, rows[i].kind);
		}
		release(&run);
	}
}

/* A fault is what becomes of a number of 64 bits that is no size; one that
 * names a CPU is taken by its 32 bits.  Maps of another size than the
 * simulator's own are left alone. */
static void test_wide(void **state)
{
	const struct sim_finding *f;
	struct run run;

	(void)state;
	run_it(&run, "sim/wide", NULL, "fork_storm", "2");
	f = found(&run, SIM_FAULT);
	assert_non_null(f);
	assert_non_null(strstr(f->text, "20014547599376"));
	assert_int_equal(calls(&run, "init"), 1);
	assert_int_equal(run.r.outcome, SIM_EJECTED);
	assert_null(run.r.model);
	release(&run);
}

/* What could not begin has no end. */
static void test_no_group(void **state)
{
	struct run run;

	(void)state;
	run_it(&run, "sim/no_group", NULL, "fork_storm", "2");
	assert_int_equal(run.r.outcome, SIM_EJECTED);
	assert_non_null(found(&run, SIM_ERROR));
	assert_int_equal(calls(&run, "cgroup_init"), 1);
	assert_int_equal(calls(&run, "cgroup_exit"), 0);
	release(&run);
}

/* A CPU goes: who does not care to know is asked to come back. */
static void test_hotplug(void **state)
{
	struct run run;

	(void)state;
	run_it(&run, "good/minimal", NULL, "hotplug", "4");
	assert_int_equal(run.r.outcome, SIM_EJECTED);
	assert_int_equal(run.r.exit_kind, SCX_EXIT_UNREG_KERN);
	assert_int_equal(run.r.exit_code,
			 SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG);
	assert_null(found(&run, SIM_ERROR));
	release(&run);
	run_it(&run, "good/hotplug", NULL, "hotplug", "4");
	assert_int_equal(run.r.outcome, SIM_DONE);
	assert_true(calls(&run, "cpu_offline") > 0);
	assert_true(calls(&run, "cpu_online") > 0);
	release(&run);
}

static void test_watchdog(void **state)
{
	struct load *l = load_new("stall");
	struct sim_opts o = {.seed = 1};
	char *path = object_path("bad/odd_pids");
	struct sim_policy *p;
	struct sim_result r;
	uint32_t t;

	(void)state;
	sim_costs_default(&o.costs);
	assert_int_equal(sim_machine_parse("2", &o.machine), 0);
	t = load_add_task(l, "hog", load_add_group(l, "hog"));
	l->tasks[t].instances = 4;
	load_add_op(l, t, LOAD_RUN)->dist.ns = 60000000000;
	load_add_op(l, t, LOAD_EXIT);
	assert_int_equal(sim_policy_open(path, NULL, 0, &p), 0);
	assert_int_equal(sim_run(&o, p, l, &r), 0);
	assert_int_equal(r.outcome, SIM_EJECTED);
	assert_int_equal(r.exit_kind, SCX_EXIT_ERROR_STALL);
	assert_non_null(strstr(r.exit_text, "runnable task stall (hog["));
	sim_result_release(&r);
	load_free(l);
	sim_policy_free(p);
	free(path);
}

/* Good ones of every shape end what they began. */
static void test_right(void **state)
{
	static const char *const good[] = {
		"good/global_fifo", "good/global_vtime", "good/percpu_steal",
		"good/central",	    "good/tickless",	 "good/cgroups",
		"good/mlfq",	    "good/parked",	 "good/nest",
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		run_it(&run, good[i], NULL, "exit_storm", "8,threads=2,llcs=2");
		assert_int_equal(run.r.outcome, SIM_DONE);
		assert_int_equal(run.r.unfinished, 0);
		assert_null(found(&run, SIM_FAULT));
		assert_null(found(&run, SIM_LOST));
		assert_null(found(&run, SIM_ERROR));
		release(&run);
	}
}

/* What a loader may set, and what has no room or is no number. */
static void test_assignments(void **state)
{
	static const struct {
		const char *text;
		int64_t is; /* of the variable */
		int rc;
	} rows[] = {
		{"fail=0", 0, 0},
		{"fail=2147483647", INT32_MAX, 0},
		{"fail=4294967295", -1, 0},
		{"fail=4294967296", 0, -ERANGE},
		{"fail=-1", -1, 0},
		{"fail=-2147483648", INT32_MIN, 0},
		{"fail=-2147483649", 0, -ERANGE},
		{"fail=-4294967296", 0, -ERANGE},
		{"fail=-0", 0, 0},
		{"fail=0x10", 16, 0},
		{"fail=true", 1, 0},
		{"fail=false", 0, 0},
		{"fail=truex", 0, -EINVAL},
		{"fail=5x", 0, -EINVAL},
		{"fail=x", 0, -EINVAL},
		{"fail=", 0, -EINVAL},
		{"fail", 0, -EINVAL},
		{"=5", 0, -EINVAL},
		{"fail=18446744073709551616", 0, -EINVAL},
		{"slice_ns=18446744073709551615", -1, 0},
		{"slice_ns=-9223372036854775808", INT64_MIN, 0},
		{"slice_ns=4294967296", 1ll << 32, 0},
		{"none=1", 0, -ENOENT},
	};
	char *path = object_path("sim/loaded");
	struct sim_policy *p;

	(void)state;
	assert_int_equal(sim_policy_open(path, NULL, 0, &p), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[16];
		int64_t v = 0;
		size_t size;
		int32_t half;
		void *at;
		int map;

		if (sim_policy_assign(p, rows[i].text) != rows[i].rc)
			fail_msg("'%s': %s", rows[i].text, err_text());
		if (rows[i].rc)
			continue;
		snprintf(name, sizeof(name), "%.*s",
			 (int)strcspn(rows[i].text, "="), rows[i].text);
		assert_int_equal(
			object_variable(p->object, name, &at, &size, &map), 0);
		memcpy(&half, at, sizeof(half));
		if (size == sizeof(v))
			memcpy(&v, at, sizeof(v));
		else
			v = half;
		assert_true(v == rows[i].is);
	}
	sim_policy_free(p);
	free(path);
}

static void test_names(void **state)
{
	static const struct {
		const char *text;
		uint32_t kernel; /* 0: none */
	} rows[] = {
		{"6.12", 60012},   {"6.11", 0},
		{"6.12.3", 60012}, {"6.13-rc1", 60013},
		{"7.0+", 70000},   {"7.3", 70003},
		{"7.4", 0},	   {"6.12 ", 0},
		{"100.1", 0},	   {"", 0},
		{".12", 0},	   {"6.", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t kernel = 0;
		int rc = sim_kernel_parse(rows[i].text, &kernel);

		assert_int_equal(rc, rows[i].kernel ? 0 : -EINVAL);
		if (!rc)
			assert_int_equal(kernel, rows[i].kernel);
	}
	assert_true(sim_knows_call("scx_bpf_dsq_insert"));
	assert_true(sim_knows_call("scx_bpf_dsq_insert___v2"));
	assert_true(sim_knows_call("bpf_cpumask_create"));
	assert_false(sim_knows_call("scx_bpf_dsq_inser"));
	assert_false(sim_knows_call("scx_bpf_dsq_insert_"));
	assert_false(sim_knows_call(""));
	assert_false(sim_knows_call("___v2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_preemption),
		cmocka_unit_test(test_handover_ends),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_no_group),
		cmocka_unit_test(test_hotplug),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
