/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is made of a dump; those that a kernel really gave are in tests/dumps,
 * see tests/cli/stall.bats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/triage/triage.h"
#include "base/err.h"

/* ---- dumps that are put together --------------------------------------- */

static struct buf text;

static void begin(const char *who)
{
	buf_release(&text);
	buf_init(&text, 1 << 20);
	buf_printf(&text,
		   "kworker/0:1[9] triggered exit kind 1026:\n"
		   "  runnable task stall (%s failed to run for 5.000s)\n"
		   "\nCPU states\n----------\n",
		   who);
}

static void cpu(int n, const char *curr, const char *class)
{
	buf_printf(&text,
		   "\nCPU %-4d: nr_run=2 flags=0x1 cpu_rel=0 ops_qseq=1 "
		   "ksync=1\n          curr=%s class=%s_sched_class\n",
		   n, curr, class);
}

/* place: "dsq_id=…", or "" for none with the policy; key 0: no order. */
static void task(const char *who, const char *mark, long wait_ms,
		 const char *dsq, unsigned long key, unsigned long slice,
		 const char *cpus)
{
	buf_printf(&text,
		   "\n %sR %s -%ldms\n"
		   "      scx_state/flags=3/0x9 dsq_flags=0x%x "
		   "ops_state/qseq=%d/5\n"
		   "      sticky/holding_cpu=-1/-1 dsq_id=%s\n"
		   "      dsq_vtime=%lu slice=%lu weight=100\n"
		   "      cpus=%s no_mig=0\n\n",
		   mark, who, wait_ms, key != 0, *dsq ? 0 : 2,
		   *dsq ? dsq : "(n/a)", key, slice, cpus);
}

static void stack(const char *line)
{
	buf_printf(&text, "    %s\n", line);
}

#define SLICE 20000000UL

static struct json *diagnose(void)
{
	struct json *body;
	int rc = triage(text.data, text.len, NULL, "/nonexistent", &body);

	if (rc != 1)
		fail_msg("%d: %s", rc, err_text());
	return body;
}

/* The likeliest cause is that, and its first words have that in them. */
static void expect_cause(const char *cause, const char *words)
{
	struct json *body = diagnose();
	const char *got = json_text_at(body, "stall.causes.0.cause");
	const char *said = json_text_at(body, "stall.causes.0.text");

	if (strcmp(got, cause) || !strstr(said, words))
		fail_msg("%s: '%s', want %s: '%s' in\n%s", got, said, cause,
			 words, text.data);
	assert_true(*json_text_at(body, "stall.causes.0.way_out") ||
		    !strcmp(cause, "asked"));
	assert_non_null(json_path(body, "stall.causes.0.evidence.0.text"));
	json_free(body);
}

/* ---- stalls ------------------------------------------------------------ */

static void test_rt_hog(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	cpu(1, "hog[7]", "rt");
	task("a[5]", " ", 5000, "0x20001", 1, SLICE, "2");
	expect_cause("rt-hog", "hog[7]");
	/* In the local queue of the CPU that is held, though free to go. */
	begin("a[5]");
	cpu(1, "hog[7]", "dl");
	task("a[5]", " ", 5000, "0x8000000000000002", 0, SLICE, "3");
	expect_cause("rt-hog", "runs on CPU 1");
	/* One of two CPUs is held: that explains less. */
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 1, "(n/a)", 0, SLICE, "3");
	cpu(1, "hog[7]", "rt");
	task("a[5]", " ", 5000, "0x9", 0, SLICE, "3");
	expect_cause("undrained-queue", "1 task stands");
}

static void test_default_class(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(0, "gcc[7]", "fair");
	task("a[5]", " ", 5000, "0x8000000000000002", 0, SLICE, "1");
	expect_cause("default-class", "gcc[7]");
}

static void test_never_inserted(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("a[5]", " ", 5000, "", 0, SLICE, "3");
	expect_cause("never-inserted", "no queue");
}

static void test_long_turns(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 10, "(n/a)", 0, 3000000000, "1");
	task("a[5]", " ", 5000, "0x10000", 1, SLICE, "1");
	expect_cause("long-turns", "3000 ms");
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 10, "(n/a)", 0, UINT64_MAX, "1");
	task("a[5]", " ", 5000, "0x8000000000000002", 0, SLICE, "1");
	expect_cause("long-turns", "without end");
	/* Short ones, and a hundred that want them. */
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 10, "(n/a)", 0, SLICE, "1");
	task("a[5]", " ", 5000, "0x10000", 1, SLICE, "1");
	for (unsigned long i = 0; i < 150; i++)
		task("c[6]", " ", 4000, "0x10000", 2, SLICE, "1");
	expect_cause("long-turns", "151 that wait");
}

static void test_passed_over(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 1, "(n/a)", 0, SLICE, "3");
	task("a[5]", " ", 5000, "0x10000", 900, SLICE, "3");
	task("c[6]", " ", 30, "0x10000", 7, SLICE, "3");
	expect_cause("passed-over", "c[6] has waited for 30 ms");
}

static void test_pinned(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 1, "(n/a)", 0, SLICE, "3");
	task("a[5]", " ", 5000, "0x10", 0, SLICE, "1");
	expect_cause("pinned", "CPU 0 only, and that CPU ran b[1]");
	/* It has no part in the dump. */
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 1, "(n/a)", 0, SLICE, "3");
	task("a[5]", " ", 5000, "0x10", 0, SLICE, "4");
	expect_cause("pinned", "CPU 2 only, and that CPU was idle");
	/* Others that are free to go wait as long: it is the queue. */
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 1, "(n/a)", 0, SLICE, "3");
	task("a[5]", " ", 5000, "0x10", 0, SLICE, "1");
	task("c[6]", " ", 4900, "0x10", 0, SLICE, "3");
	expect_cause("undrained-queue", "2 tasks stand");
}

static void test_kthread(void **state)
{
	(void)state;
	begin("kworker/1:0[5]");
	cpu(1, "b[1]", "ext");
	task("b[1]", "*", 1, "(n/a)", 0, SLICE, "3");
	task("kworker/1:0[5]", " ", 5000, "0x10", 0, SLICE, "2");
	stack("worker_thread+0x1/0x2");
	stack("kthread+0x14a/0x170");
	expect_cause("kthread", "belongs to CPU 1");
}

static void test_idle(void **state)
{
	(void)state;
	begin("a[5]");
	cpu(1, "swapper/1[0]", "idle");
	task("a[5]", " ", 5000, "0x8000000000000002", 0, SLICE, "3");
	expect_cause("idle-cpu", "was idle");
}

/* Nobody is named, and nobody has waited for as long. */
static void test_late_tick(void **state)
{
	(void)state;
	begin("a[5]");
	buf_reset(&text);
	buf_puts(&text, "a[1] triggered exit kind 1026:\n  runnable task stall "
			"(watchdog failed to check in for 5.000s)\n");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 1000, "(n/a)", 0, 0, "1");
	task("a[5]", " ", 1000, "0x10", 0, SLICE, "3");
	expect_cause("late-tick", "the machine itself stood still");
	/* One turn that is over may be chance. */
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("b[1]", "*", 10, "(n/a)", 0, 0, "1");
	task("a[5]", " ", 5000, "0x10", 0, SLICE, "1");
	expect_cause("pinned", "CPU 0 only");
}

static void test_not_shown(void **state)
{
	struct json *body;

	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	expect_cause("unknown", "does not show the task");
	/* Queues of others' policies have no names of ours. */
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("a[5]", " ", 5000, "0x20001", 0, SLICE, "f,0000000f");
	body = diagnose();
	assert_string_equal(json_text_at(body, "stall.queue.name"),
			    "the policy's queue 0x20001");
	assert_string_equal(json_text_at(body, "stall.affinity.text"),
			    "CPUs 0-3,32-35");
	json_free(body);
	buf_printf(&text, "\nsched_ext: BPF scheduler \"schedkit_0123456789ab\""
			  " disabled (runnable task stall)\n");
	body = diagnose();
	assert_string_equal(json_text_at(body, "stall.queue.name"),
			    "the queue of CPU 1");
	assert_string_equal(json_text_at(body, "stall.policy"), "0123456789ab");
	json_free(body);
}

static void test_rescue_queue(void **state)
{
	struct json *body;

	(void)state;
	begin("a[5]");
	cpu(0, "b[1]", "ext");
	task("a[5]", " ", 5000, "0x90002", 0, SLICE, "3");
	buf_printf(&text, "\nsched_ext: BPF scheduler \"schedkit\" disabled "
			  "(runnable task stall)\n");
	body = diagnose();
	assert_string_equal(json_text_at(body, "stall.queue.name"),
			    "those who waited too long in the shared queue of "
			    "cache 2");
	json_free(body);
}

/* ---- dumps that lack something, or say what is odd ---------------------- */

/* Whose line of figures is that of a task that the policy has, or the kernel is
 * moving. */
static void odd(const char *ops_state, const char *dsq, const char *rest)
{
	buf_printf(&text,
		   "\n  R a[5] -5000ms\n      scx_state/flags=3/0x9 "
		   "dsq_flags=0x0 ops_state/qseq=%s/5\n"
		   "      sticky/holding_cpu=-1/-1 dsq_id=%s\n"
		   "      dsq_vtime=1 slice=20000000 weight=100\n%s\n",
		   ops_state, dsq, rest);
}

static void test_where_it_was(void **state)
{
	static const struct {
		const char *ops_state, *dsq, *name;
	} rows[] = {
		{"2", "(n/a)", "no queue of the kernel's: the policy has it"},
		{"1", "(n/a)", "no queue: it is being moved"},
		{"3", "(n/a)", "no queue: it is being moved"},
		{"0", "(n/a)", "none"},
		{"9", "(n/a)", "none"},
		{"0", "0x8000000000000001", "the kernel's global queue"},
		{"0", "0x8000000000000003", "the kernel's bypass queue"},
		{"0", "0x8000000000000007",
		 "a queue of the kernel's, 0x8000000000000007"},
		{"0", "0xc000000000000003", "the local queue of CPU 3"},
		{"0", "0x20001", "the queue of CPU 1"},
		/* More CPUs and caches than there can be. */
		{"0", "0x2ffff", "the policy's queue 0x2ffff"},
		{"0", "0x7", "the policy's queue 0x7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct json *body;
		const char *name;

		begin("a[5]");
		cpu(0, "b[1]", "ext");
		odd(rows[i].ops_state, rows[i].dsq, "      cpus=3 no_mig=0\n");
		buf_printf(&text, "\nsched_ext: BPF scheduler \"schedkit\" "
				  "disabled (runnable task stall)\n");
		body = diagnose();
		name = json_text_at(body, "stall.queue.name");
		if (strcmp(name, rows[i].name) != 0)
			fail_msg("row %zu: '%s'", i, name);
		json_free(body);
	}
}

static void test_nothing_explains_it(void **state)
{
	struct json *body;

	(void)state;
	/* It runs, as the kernel has it: nothing was in its way. */
	begin("a[5]");
	cpu(0, "a[5]", "ext");
	task("a[5]", "*", 5000, "(n/a)", 0, SLICE, "1");
	body = diagnose();
	assert_string_equal(json_text_at(body, "stall.queue.name"),
			    "none: it runs");
	assert_string_equal(json_text_at(body, "stall.causes.0.cause"),
			    "unknown");
	assert_non_null(
		strstr(json_text_at(body, "text"), "why is not to be seen"));
	json_free(body);
}

/* Where a stop task, or many, hold a CPU; migration is disabled; dumps from
 * before there were such lines. */
static void test_held_otherwise(void **state)
{
	struct json *body;

	(void)state;
	begin("a[5]");
	cpu(0, "migration/0[7]", "stop");
	task("a[5]", " ", 5000, "0x10", 0, SLICE, "1");
	expect_cause("rt-hog", "migration/0[7]");
	/* Two CPUs, and both are held. */
	begin("a[5]");
	cpu(0, "x[7]", "rt");
	cpu(1, "y[8]", "dl");
	task("a[5]", " ", 5000, "0x10", 0, SLICE, "3");
	expect_cause("rt-hog", "x[7]");
	begin("a[5]");
	cpu(1, "b[1]", "ext");
	odd("0", "0x10", "      cpus=f no_mig=2\n");
	expect_cause("pinned", "CPU 1 only (migration is disabled)");
	body = diagnose();
	assert_true(json_as_bool(
		json_path(body, "stall.affinity.migration_disabled"), false));
	json_free(body);
	/* Without a mask it may run where it stands, and no text is there. */
	begin("a[5]");
	cpu(1, "b[1]", "ext");
	odd("0", "0x10", "");
	body = diagnose();
	assert_string_equal(json_text_at(body, "stall.affinity.text"), "");
	assert_true(json_as_number(json_path(body, "stall.affinity.at"), -1) ==
		    1);
	json_free(body);
}

/* A dump that somebody asked for is of nobody's exit. */
static void test_asked_for(void **state)
{
	(void)state;
	buf_release(&text);
	buf_init(&text, 1 << 16);
	buf_puts(&text, "SysRq-D: x[1] triggered exit kind 0:\n  none ()\n");
	cpu(0, "b[1]", "ext");
	task("a[5]", " ", 700, "0x10", 0, SLICE, "1");
	expect_cause("asked", "more than 700 ms");
	buf_release(&text);
	buf_init(&text, 1 << 16);
	buf_puts(&text, "x[1] triggered exit kind 0:\n  none ()\n");
	cpu(0, "b[1]", "ext");
	task("a[5]", " ", 7000, "0x10", 0, SLICE, "1");
	expect_cause("pinned", "CPU 0 only");
}

/* ---- other ends -------------------------------------------------------- */

static void ended(int kind, const char *reason, const char *message)
{
	buf_release(&text);
	buf_init(&text, 1 << 16);
	buf_printf(&text, "x[1] triggered exit kind %d:\n  %s (%s)\n", kind,
		   reason, message);
}

static void test_ends(void **state)
{
	(void)state;
	ended(64, "unregistered from user space", "");
	expect_cause("asked", "taken off: unregistered");
	ended(1025, "scx_bpf_error", "table is full");
	expect_cause("policy-error", "gave up by itself: table is full");
	ended(1024, "runtime error", "dispatch buffer overflow");
	expect_cause("policy-error", "dispatch_max_batch");
	ended(1024, "runtime error", "something new");
	expect_cause("policy-error", "at fault: something new");
	ended(1024, "runtime error", "soft lockup - CPU 1 stuck for 22s");
	expect_cause("lockup", "CPU 1");
	ended(1024, "runtime error", "RCU CPU stall on CPU 2 detected!");
	expect_cause("lockup", "CPU 2");
	ended(1025, "scx_bpf_error", "");
	expect_cause("policy-error", "gave up by itself: scx_bpf_error");
	ended(65, "unregistered from BPF", "by itself");
	expect_cause("asked", "unregistered from BPF: by itself");
	/* The kernel's log has no numbers. */
	buf_reset(&text);
	buf_puts(&text, "sched_ext: BPF scheduler \"a\" disabled "
			"(runtime error)\nsched_ext: a: invalid CPU -3\n");
	expect_cause("policy-error", "a CPU was named that is not there");
	buf_reset(&text);
	buf_puts(&text, "sched_ext: BPF scheduler \"a\" disabled "
			"(unregistered from user space)\n");
	expect_cause("asked", "taken off: unregistered");
}

static void test_documents(void **state)
{
	struct json *body;

	(void)state;
	buf_release(&text);
	buf_init(&text, 1 << 16);
	buf_puts(
		&text,
		"{\"policy\":{\"name\":\"one\",\"exit_kind\":1025,"
		"\"exit_reason\":\"scx_bpf_error\",\"exit_message\":\"no\"}}\n"
		"not a document\n"
		"{\"kind\":\"deployment\",\"body\":{\"policy\":\"0123456789abcdef\","
		"\"ops\":\"schedkit_0123456789ab\",\"exit_kind\":1026,"
		"\"exit_reason\":\"runnable task stall\",\"exit_message\":"
		"\"a[5] failed to run for 5.000s\"}}\n"
		"{\"outcome\":\"done\",\"policy\":{\"name\":\"two\"}}\n");
	body = diagnose();
	assert_string_equal(json_text_at(body, "stall.exit.scheduler"),
			    "schedkit_0123456789ab");
	assert_string_equal(json_text_at(body, "stall.policy"),
			    "0123456789abcdef");
	assert_string_equal(json_text_at(body, "stall.task.comm"), "a");
	json_free(body);
}

static void test_no_exit(void **state)
{
	static const char *const none[] = {
		"", "{", "{}",
		"[ 1.0] sched_ext: BPF scheduler \"a\" enabled\n",
		"{\"policy\":{\"exit_kind\":0}}\n"};
	struct json *body;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		assert_int_equal(triage(none[i], strlen(none[i]), NULL,
					"/nonexistent", &body),
				 0);
		assert_null(body);
	}
	ended(1026, "runnable task stall", "a[5] failed to run for 5.000s");
	assert_true(triage(text.data, text.len, "0123", "/nonexistent", &body) <
		    0);
	assert_non_null(strstr(err_text(), "0123"));
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rt_hog),
		cmocka_unit_test(test_default_class),
		cmocka_unit_test(test_never_inserted),
		cmocka_unit_test(test_long_turns),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_kthread),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_late_tick),
		cmocka_unit_test(test_not_shown),
		cmocka_unit_test(test_rescue_queue),
		cmocka_unit_test(test_where_it_was),
		cmocka_unit_test(test_nothing_explains_it),
		cmocka_unit_test(test_held_otherwise),
		cmocka_unit_test(test_asked_for),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_no_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
