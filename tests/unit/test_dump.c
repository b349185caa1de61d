/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's dump of sched_ext, in the forms that kernels have given it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "scx/dump.h"
#include "scx/dump_line.h"

#define HEAD                                                            \
	"kworker/u8:1[33] triggered exit kind 1026:\n"                  \
	"  runnable task stall (burn[77] failed to run for 5.314s)\n\n" \
	"Backtrace:\n  scx_watchdog_workfn+0x143/0x1d0\n\n"             \
	"CPU states\n----------\n"

#define CPU0                                                                  \
	"\nCPU 0   : nr_run=2 flags=0x1 cpu_rel=0 ops_qseq=435 pnt_seq=440\n" \
	"          curr=stress[16] class=ext_sched_class\n\n"

#define TASK(name)                                                             \
	name "      scx_state/flags=3/0x9 dsq_flags=0x1 ops_state/qseq=0/17\n" \
	     "      sticky/holding_cpu=-1/-1 dsq_id=0x20001\n"                 \
	     "      dsq_vtime=42 slice=20000000 weight=335\n"                  \
	     "      cpus=2 no_mig=0\n\n"                                       \
	     "    do_nanosleep+0x1/0x2\n"

static void take(struct dump *d, const char *text)
{
	dump_read(d, text, strlen(text));
}

static void test_stall(void **state)
{
	const struct dump_task *t;
	struct dump d;

	(void)state;
	take(&d, HEAD CPU0 TASK("  R burn[77] -5314ms\n"));
	assert_true(d.found && d.has_kind && dump_is_stall(&d));
	assert_int_equal(d.kind, DUMP_ERROR_STALL);
	assert_string_equal(d.reason, "runnable task stall");
	assert_string_equal(d.message, "burn[77] failed to run for 5.314s");
	assert_string_equal(d.comm, "burn");
	assert_int_equal(d.pid, 77);
	assert_true(d.waited_s > 5.313 && d.waited_s < 5.315);
	assert_int_equal(d.exit_cpu, -1);
	assert_int_equal(d.cpus, 1);
	assert_int_equal(d.cpu[0].pid, 16);
	assert_int_equal(d.cpu[0].runnable, 2);
	assert_string_equal(d.cpu[0].class, "ext_sched_class");
	t = dump_find(&d, 77);
	assert_non_null(t);
	assert_false(t->running || t->kthread);
	assert_int_equal(t->wait_ms, 5314);
	assert_true(t->queued && t->dsq == 0x20001 && t->vtime == 42);
	assert_int_equal(t->slice, 20000000);
	assert_int_equal(t->weight, 335);
	assert_int_equal(t->dsq_flags, 1);
	assert_int_equal(t->no_mig, 0);
	assert_int_equal(dump_allowed(t), 1);
	assert_true(dump_may_run(t, 1) && !dump_may_run(t, 0));
	assert_string_equal(d.line[t->line], "  R burn[77] -5314ms");
	assert_ptr_equal(dump_longest(&d), t);
	dump_release(&d);
}

/* 6.12 has the key behind the queue; 7.1 says which scheduler, and where. */
static void test_other_kernels(void **state)
{
	struct dump d;

	(void)state;
	take(&d, HEAD CPU0 "  R a b[5] -200ms\n"
			   "      scx_state/flags=3/0x9 dsq_flags=0x0 "
			   "ops_state/qseq=2/9\n"
			   "      sticky/holding_cpu=-1/-1 dsq_id=(n/a) "
			   "dsq_vtime=7\n"
			   "      cpus=ffff\n\n"
			   "    kthread+0x14a/0x170\n");
	assert_string_equal(d.task[0].comm, "a b");
	assert_false(d.task[0].queued);
	assert_true(d.task[0].kthread);
	assert_int_equal(d.task[0].vtime, 7);
	assert_int_equal(d.task[0].ops_state, DUMP_OPSS_QUEUED);
	assert_int_equal(dump_allowed(&d.task[0]), 16);
	assert_int_equal(d.task[0].no_mig, -1);
	dump_release(&d);
	take(&d, "schedkit_00: root\n"
		 "sh[9] triggered exit kind 1025 on CPU 3:\n"
		 "  scx_bpf_error (gave up)\n" CPU0 " *R a[5] *root +3ms\n"
		 "      scx_state/flags=3/0x9 dsq_flags=0x0 "
		 "ops_state/qseq=0/9\n"
		 "      cpus=00000001,00000000 no_mig=1\n");
	assert_int_equal(d.kind, DUMP_ERROR_BPF);
	assert_int_equal(d.exit_cpu, 3);
	assert_string_equal(d.policy, "schedkit_00");
	assert_string_equal(d.message, "gave up");
	assert_false(dump_is_stall(&d));
	assert_true(d.task[0].running && d.task[0].no_mig == 1);
	assert_int_equal(d.task[0].wait_ms, 0);
	assert_true(dump_may_run(&d.task[0], 32));
	dump_release(&d);
}

/* A log has a prefix in front of every line. */
static void with_prefix(const char *prefix)
{
	const char *text = HEAD CPU0 TASK("  R burn[77] -5314ms\n");
	struct dump d;
	struct buf b;

	buf_init(&b, 1 << 16);
	while (*text) {
		int n = (int)strcspn(text, "\n");

		buf_printf(&b, "%s%.*s\r\n", prefix, n, text);
		text += n + 1;
	}
	dump_read(&d, b.data, b.len);
	if (d.tasks != 1 || d.pid != 77 || !d.task[0].queued)
		fail_msg("with '%s'", prefix);
	dump_release(&d);
	buf_release(&b);
}

static void test_prefixes(void **state)
{
	(void)state;
	with_prefix("");
	with_prefix("<6>");
	with_prefix("[   12.345678] ");
	with_prefix("<3>[   12.345678] ");
	with_prefix("Jun 13 05:27:08 host bash[1097]: ");
	with_prefix("2026-11-21T03:04:05+01:00 host kernel: ");
	with_prefix("2026-11-21 03:04:05 host kernel: [   12.345678] ");
	with_prefix("     kworker/0:1-12      [001] d..2.    33.442: "
		    "sched_ext_dump: ");
}

static void test_log(void **state)
{
	const char *log =
		"[ 1.0] sched_ext: BPF scheduler \"a\" enabled\n"
		"[ 2.0] sched_ext: BPF scheduler \"a\" disabled (runnable "
		"task stall)\n"
		"[ 2.0] sched_ext: a: x[1] failed to run for 3.000s\n"
		"[ 2.0]    scx_watchdog_workfn+0x143/0x1d0\n"
		"[ 3.0] sched_ext: BPF scheduler \"b\" disabled (runtime "
		"error)\n"
		"[ 3.0] sched_ext: b: wrong for y[2]\n";
	struct dump d;

	(void)state;
	take(&d, log);
	assert_true(d.found && !d.has_kind && !dump_is_stall(&d));
	assert_string_equal(d.policy, "b");
	assert_string_equal(d.reason, "runtime error");
	assert_string_equal(d.message, "wrong for y[2]");
	assert_int_equal(d.pid, 2);
	dump_release(&d);
	/* The name of whom a dump is about is in the log only. */
	take(&d,
	     HEAD CPU0 TASK(
		     "  R burn[77] -5314ms\n") "[ 2.0] sched_ext: "
					       "BPF scheduler \"c\" disabled (runnable task stall)"
					       "\n[ 2.0] sched_ext: c: burn[77] failed to run for "
					       "5.314s\n");
	assert_true(d.has_kind && d.tasks == 1);
	assert_string_equal(d.policy, "c");
	dump_release(&d);
	/* A later end for the same reason is another one. */
	take(&d,
	     HEAD CPU0 TASK(
		     "  R burn[77] -5314ms\n") "[ 2.0] sched_ext: "
					       "BPF scheduler \"c\" disabled (runnable task stall)"
					       "\n[ 2.0] sched_ext: c: z[78] failed to run for "
					       "6.000s\n");
	assert_true(!d.has_kind && d.tasks == 0 && d.pid == 78);
	dump_release(&d);
}

/* Tasks are called what their owners like. */
static void test_names(void **state)
{
	struct dump d;

	(void)state;
	take(&d, HEAD CPU0 TASK("  R x[1] -9000ms[77] -5314ms\n"));
	assert_int_equal(d.tasks, 1);
	assert_int_equal(d.task[0].pid, 77);
	assert_string_equal(d.task[0].comm, "x[1] -9000ms");
	dump_release(&d);
	/* With a line break in it; and one that looks like a task's line. */
	take(&d, HEAD CPU0 TASK("  R x\n*R y[77] -5314ms\n"));
	assert_int_equal(d.tasks, 1);
	assert_int_equal(d.task[0].pid, 77);
	dump_release(&d);
	take(&d, HEAD CPU0 TASK("  R x\n  R y[1] -9ms\n[77] -5314ms\n"));
	assert_null(dump_find(&d, 1));
	dump_release(&d);
	take(&d, HEAD "\nCPU 0   : nr_run=2 flags=0x1\n"
		      "          curr=a class=rt_[9] class=ext_sched_class\n");
	assert_string_equal(d.cpu[0].comm, "a class=rt_");
	assert_string_equal(d.cpu[0].class, "ext_sched_class");
	dump_release(&d);
	take(&d, "k[1] triggered exit kind 1026:\n"
		 "  runnable task stall (a\n"
		 "b[8] failed to run for 1.000s)\n");
	assert_int_equal(d.pid, 8);
	assert_string_equal(d.comm, "a b");
	dump_release(&d);
}

static void test_errors(void **state)
{
	struct dump d;

	(void)state;
	take(&d, "k[1] triggered exit kind 1024:\n  runtime error "
		 "(SCX_DSQ_LOCAL[_ON] verdict target cpu 0 not allowed for "
		 "burn[99])\n");
	assert_int_equal(d.pid, 99);
	assert_string_equal(d.comm, "burn");
	assert_true(d.waited_s < 0);
	dump_release(&d);
	take(&d, "k[1] triggered exit kind 1024:\n  runtime error (SCX_DSQ_"
		 "LOCAL[_ON] cannot move burn[98] from CPU 1 to 0)\n");
	assert_int_equal(d.pid, 98);
	dump_release(&d);
	take(&d, "k[1] triggered exit kind 1026:\n  runnable task stall "
		 "(watchdog failed to check in for 3.040s)\n");
	assert_true(dump_is_stall(&d) && !d.pid && d.waited_s < 0);
	assert_true(d.late_s > 3.039 && d.late_s < 3.041);
	dump_release(&d);
	take(&d, "Debug dump triggered by SysRq-D\n" CPU0 TASK(
			 "  R burn[77] -12ms\n"));
	assert_true(d.found && d.kind == DUMP_NONE && !d.pid);
	assert_int_equal(d.tasks, 1);
	dump_release(&d);
}

static void test_nothing(void **state)
{
	static const char nul[] = "a\0b\nCPU 0   : nr_run=1\n\0\xff\xfe";
	struct dump d;

	(void)state;
	take(&d, "");
	assert_false(d.found);
	dump_release(&d);
	dump_read(&d, nul, sizeof(nul));
	assert_false(d.found);
	assert_string_equal(d.line[0], "a?b");
	dump_release(&d);
	take(&d, "x triggered exit kind 1026:\nx[1] triggered exit kind "
		 "99999999999:\nCPU 99999: nr_run=1\n");
	assert_false(d.found);
	dump_release(&d);
	/* Tasks before any CPU, and a head that is the last line. */
	take(&d, "k[1] triggered exit kind 1026:\n" TASK("  R a[1] -1ms\n"));
	assert_int_equal(d.tasks, 0);
	dump_release(&d);
	take(&d, "k[1] triggered exit kind 1026:");
	assert_true(d.found);
	dump_release(&d);
}

static void test_bounds(void **state)
{
	struct dump d;
	struct buf b;
	char *line;

	(void)state;
	buf_init(&b, 64u << 20);
	buf_puts(&b, HEAD);
	for (int i = 0; i < DUMP_MAX_CPUS + 5; i++)
		buf_printf(&b, "\nCPU %d   : nr_run=1\n", i % DUMP_MAX_CPUS);
	buf_puts(&b, "\nCPU 0   : nr_run=1\n");
	dump_read(&d, b.data, b.len);
	assert_int_equal(d.cpus, DUMP_MAX_CPUS);
	assert_true(d.truncated);
	dump_release(&d);
	buf_reset(&b);
	buf_puts(&b, HEAD CPU0);
	for (int i = 0; i < DUMP_MAX_TASKS + 5; i++)
		buf_printf(&b, "  R t[%d] -1ms\n      scx_state/flags=3\n",
			   i + 1);
	dump_read(&d, b.data, b.len);
	assert_int_equal(d.tasks, DUMP_MAX_TASKS);
	assert_true(d.truncated);
	dump_release(&d);
	buf_reset(&b);
	line = mem_zalloc(1, 1 << 16);
	memset(line, 'x', (1 << 16) - 1);
	buf_printf(&b, "%s\n" HEAD, line);
	dump_read(&d, b.data, b.len);
	assert_int_equal(strlen(d.line[0]), DUMP_MAX_LINE);
	assert_true(d.found);
	dump_release(&d);
	free(line);
	buf_release(&b);
}

static void test_mask(void **state)
{
	uint64_t m[DUMP_MASK_WORDS];
	char *wide;

	(void)state;
	assert_true(dump_line_mask("00000001,80000000,00000003 no_mig=0", m));
	assert_true(m[0] == 0x8000000000000003ULL && m[1] == 1);
	assert_false(dump_line_mask("", m));
	assert_false(dump_line_mask("(null)", m));
	wide = mem_zalloc(1, 400);
	memset(wide, '0', 300);
	wide[299] = '4';
	assert_true(dump_line_mask(wide, m));
	assert_true(m[0] == 4);
	wide[0] = '1';
	assert_false(dump_line_mask(wide, m));
	free(wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_other_kernels),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
