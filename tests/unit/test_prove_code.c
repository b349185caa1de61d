/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said of programs of a few instructions, where what is right can be
 * told by hand.
 */
#include <errno.h>

#include "base/err.h"
#include "prove_fix.h"

/* ---- what runs at all ---------------------------------------------------- */

#define NULL_READ LOOKUP(M_HASH), LDX(BPF_DW, 1, 0, 0)

static const struct row followed[] = {
	VIOLATED("the function that bpf_loop() is given", NULL, 22,
		 "may be NULL",
		 ENQ(TASK, MOV(1, 9), FUNC(2, 1), MOV(3, 0), MOV(4, 0),
		     HELPER(181), INSERT, END),
		 SUB(NULL_READ, END)),
	VIOLATED("the function that goes through a map", NULL, 23,
		 "may be NULL",
		 ENQ(TASK, MAP(1, M_HASH), FUNC(2, 1), MOV(3, 0), MOV(4, 0),
		     HELPER(164), INSERT, END),
		 SUB(NULL_READ, END)),
	VIOLATED("the function that goes through a map that cannot be told",
		 NULL, 23, "may be NULL",
		 ENQ(TASK, KFUNC(K_NOBODYS), MOVX(1, 0), FUNC(2, 1), MOV(3, 0),
		     MOV(4, 0), HELPER(164), INSERT, END),
		 SUB(NULL_READ, END)),
	VIOLATED("what comes after a loop's function that ends it", NULL, 14,
		 NULL,
		 ENQ(TASK, MOV(1, 9), FUNC(2, 1), MOV(3, 0), MOV(4, 0),
		     HELPER(181), NULL_READ, INSERT, END),
		 SUB(MOV(0, 1), EXIT)),
	VIOLATED("what may end a loop, where the loop begins", NULL, 10, NULL,
		 ENQ(TASK, MAY_GOTO(1), JA(-2), NULL_READ, INSERT, END)),
	VIOLATED("an iterator's step, where the loop begins", NULL, 19, NULL,
		 ENQ(TASK, MOVX(7, 10), ADD(7, -8), MOVX(1, 7), MOV(2, 0),
		     MOV(3, 4), KFUNC(K_NUM_NEW), MOVX(1, 7), KFUNC(K_NUM_NEXT),
		     JMP(BPF_JEQ, 0, 0, 2), MOVX(1, 7), JA(-4), NULL_READ,
		     INSERT, END)),
	VIOLATED("after a long jump", NULL, 10, NULL,
		 ENQ(TASK, I(BPF_JMP32 | BPF_JA, 0, 0, 0, 1), EXIT, NULL_READ,
		     INSERT, END)),
	VIOLATED("what a timer calls", NULL, 21, NULL,
		 ENQ(TASK, VALUE(1, M_DATA, 0), FUNC(2, 1), HELPER(170), INSERT,
		     END),
		 SUB(NULL_READ, END)),
	VIOLATED("what a work queue calls", NULL, 22, NULL,
		 ENQ(TASK, VALUE(1, M_DATA, 0), FUNC(2, 1), MOV(3, 0),
		     KFUNC(K_WORK), INSERT, END),
		 SUB(NULL_READ, END)),
	VIOLATED("what sorts a tree", NULL, 24, NULL,
		 ENQ(TASK, VALUE(1, M_DATA, 0), MOVX(2, 6), FUNC(3, 1),
		     MOV(4, 0), MOV(5, 0), KFUNC(K_TREE_ADD), INSERT, END),
		 SUB(NULL_READ, END)),
	VIOLATED("what an unknown call is given", NULL, 19, NULL,
		 ENQ(TASK, FUNC(1, 1), KFUNC(K_NOBODYS), INSERT, END),
		 SUB(NULL_READ, END)),
	PROVED("a poisoned instruction ends it", NULL,
	       ENQ(TASK, INSERT, {.what = INSN_POISON}, NULL_READ, END)),
};

static void what_runs_is_followed(void **state)
{
	(void)state;
	judge_all(followed, ARRAY_LEN(followed));
}

/* ---- custody --------------------------------------------------------------
 */

#define PUT_PID LDX(BPF_W, 1, 6, AT_PID), STX(BPF_W, 10, 1, -4)
#define PUSH(m) MOVX(2, 10), ADD(2, -4), MAP(1, m), MOV(3, 0), HELPER(87)

static const struct row custody[] = {
	PROVED("inserted", CUSTODY, ENQ(TASK, INSERT, END)),
	VIOLATED("not inserted", CUSTODY, 0, "no queue", ENQ(TASK, END)),
	PROVED("inserted in a function", CUSTODY,
	       ENQ(TASK, MOVX(1, 6), SUBPROG(1), END),
	       SUB(MOVX(6, 1), INSERT, END)),
	VIOLATED("inserted twice, in a function and after it", CUSTODY, 9,
		 "already, at line 18",
		 ENQ(TASK, MOVX(1, 6), SUBPROG(1), INSERT, END),
		 SUB(MOVX(6, 1), INSERT, END)),
	VIOLATED("inserted in each round of bpf_loop()", CUSTODY, 0, "already",
		 ENQ(TASK, STX(BPF_DW, 10, 6, -8), MOV(1, 9), FUNC(2, 1),
		     MOVX(3, 10), ADD(3, -8), MOV(4, 0), HELPER(181), END),
		 SUB(LDX(BPF_DW, 6, 2, 0), INSERT, END)),
	UNKNOWN("perhaps another task was", CUSTODY, "cannot be told",
		ENQ(TASK, KFUNC(K_NOBODYS), MOVX(6, 0), INSERT, END)),
	VIOLATED("another task was", CUSTODY, 0, "no queue",
		 ENQ(TASK, MOV(1, 1), KFUNC(K_FROM_PID), MOVX(6, 0),
		     JMP(BPF_JEQ, 0, 0, 6), INSERT, END)),
	PROVED("another reference of the same", CUSTODY,
	       ENQ(TASK, MOVX(1, 6), KFUNC(K_ACQUIRE), JMP(BPF_JEQ, 0, 0, 9),
		   MOVX(6, 0), INSERT, END, INSERT, END)),
	PROVED("the policy ends", CUSTODY,
	       ENQ(TASK, MOV(1, 0), KFUNC(K_ERROR), END)),
	PROVED("inserted by a struct of arguments", CUSTODY,
	       ENQ(TASK, CONST(1, DSQ_GLOBAL), STX(BPF_DW, 10, 1, -32),
		   ST(BPF_DW, 0, -24, 5000000), ST(BPF_DW, 0, -16, 7),
		   ST(BPF_DW, 0, -8, 0), MOVX(1, 6), MOVX(2, 10), ADD(2, -32),
		   KFUNC(K_ARGS), END)),
	PROVED("kept in a map of tasks", CUSTODY,
	       ENQ(TASK, LOOKUP(M_KPTR), JMP(BPF_JEQ, 0, 0, 6), MOVX(1, 0),
		   ADD(1, 8), MOVX(2, 6), HELPER(194), END, INSERT, END)),
	PROVED("kept in a tree", CUSTODY,
	       ENQ(TASK, VALUE(1, M_DATA, 0), MOVX(2, 6), MOV(3, 0), MOV(4, 0),
		   MOV(5, 0), KFUNC(K_TREE_ADD), END)),
	UNKNOWN("something is kept in a tree", CUSTODY, "cannot be told",
		ENQ(TASK, VALUE(1, M_DATA, 0), VALUE(2, M_DATA, 8), MOV(3, 0),
		    MOV(4, 0), MOV(5, 0), KFUNC(K_TREE_ADD), END)),
	PROVED("a node that has its pid is kept in a tree", CUSTODY,
	       ENQ(TASK, LDX(BPF_W, 1, 6, AT_PID), VALUE(2, M_DATA, 8),
		   STX(BPF_W, 2, 1, 0), VALUE(1, M_DATA, 0), MOV(3, 0),
		   MOV(4, 0), MOV(5, 0), KFUNC(K_TREE_ADD), END)),
	UNKNOWN("its pid is written somewhere", CUSTODY, "cannot be told",
		ENQ(TASK, LDX(BPF_W, 1, 6, AT_PID), VALUE(2, M_DATA, 8),
		    STX(BPF_W, 2, 1, 0), END)),
	PROVED("its pid goes into a ring", CUSTODY,
	       ENQ(TASK, PUT_PID, MAP(1, M_RING), MOVX(2, 10), ADD(2, -4),
		   MOV(3, 4), MOV(4, 0), HELPER(130), END)),
	PROVED("its pid goes into a reserved part of a ring", CUSTODY,
	       ENQ(TASK, LDX(BPF_W, 7, 6, AT_PID), MAP(1, M_RING), MOV(2, 8),
		   MOV(3, 0), HELPER(131), JMP(BPF_JEQ, 0, 0, 6),
		   STX(BPF_W, 0, 7, 4), MOVX(1, 0), MOV(2, 0), HELPER(132), END,
		   INSERT, END)),
	VIOLATED("nothing of it goes into a ring", CUSTODY, 0, "no queue",
		 ENQ(TASK, ST(BPF_W, 10, -4, 1), MAP(1, M_RING), MOVX(2, 10),
		     ADD(2, -4), MOV(3, 4), MOV(4, 0), HELPER(130), END)),
	VIOLATED("its pid goes into a queue that may be full", CUSTODY, 9,
		 "when this fails", ENQ(TASK, PUT_PID, PUSH(M_QUEUE), END)),
	PROVED("and if it is, the task is inserted", CUSTODY,
	       ENQ(TASK, PUT_PID, PUSH(M_QUEUE), JMP(BPF_JEQ, 0, 0, 6), INSERT,
		   END)),
	VIOLATED("its pid was overwritten before", CUSTODY, 0, "no queue",
		 ENQ(TASK, PUT_PID, ST(BPF_H, 10, -4, 0), ST(BPF_H, 10, -2, 0),
		     PUSH(M_QUEUE), END)),
	PROVED("only half of it was overwritten", CUSTODY,
	       ENQ(TASK, LDX(BPF_W, 1, 6, AT_PID), STX(BPF_DW, 10, 1, -8),
		   LDX(BPF_W, 1, 10, -8), STX(BPF_W, 10, 1, -4), PUSH(M_QUEUE),
		   JMP(BPF_JEQ, 0, 0, 6), INSERT, END)),
};

static void custody_is_judged(void **state)
{
	(void)state;
	judge_all(custody, ARRAY_LEN(custody));
}

/* ---- affinity ------------------------------------------------------------ */

/* The CPU in r7 is one that p may run on: r0 is 0 or 1. */
#define TEST_CPU MOVX(1, 7), LDX(BPF_DW, 2, 6, AT_CPUS), KFUNC(K_TEST_CPU)
#define ON_CPU                                                              \
	MOVX(1, 6), MOVX(2, 7), CONST(3, DSQ_LOCAL_ON), ALUX(BPF_OR, 2, 3), \
		MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT)
/* 4 instructions; it may run on the constant */
#define TESTED(cpu)                                                 \
	MOV(1, cpu), LDX(BPF_DW, 2, 6, AT_CPUS), KFUNC(K_TEST_CPU), \
		JMP(BPF_JEQ, 0, 0, 0)

static const struct row affinity[] = {
	VIOLATED("a CPU not looked at", AFFINITY, 10, "whether or not",
		 ENQ(TASK, MOV(7, 3), ON_CPU, END)),
	PROVED("looked at", AFFINITY,
	       ENQ(TASK, MOV(7, 3), TEST_CPU, JMP(BPF_JEQ, 0, 0, 10), ON_CPU,
		   END, INSERT, END)),
	PROVED("looked at, and then two ways meet", AFFINITY,
	       ENQ(TASK, MOV(7, 3), TEST_CPU, JMP(BPF_JEQ, 0, 0, 13),
		   LDX(BPF_DW, 1, 6, AT_OTHER), JMP(BPF_JEQ, 1, 0, 1),
		   MOV(8, 0), ON_CPU, END, INSERT, END)),
	VIOLATED("one of two looked at, and the other one taken", AFFINITY, 0,
		 "whether or not",
		 ENQ(TASK, LDX(BPF_DW, 1, 6, AT_OTHER), MOV(7, 4),
		     JMP(BPF_JEQ, 1, 0, 1), MOV(7, 3), TEST_CPU,
		     JMP(BPF_JEQ, 0, 0, 11), MOV(7, 3), ON_CPU, END, INSERT,
		     END)),
	VIOLATED("the other answer", AFFINITY, 0, "whether or not",
		 ENQ(TASK, MOV(7, 3), TEST_CPU, JMP(BPF_JNE, 0, 0, 10), ON_CPU,
		     END, INSERT, END)),
	PROVED("the one it would have by default", AFFINITY,
	       ENQ(TASK, MOVX(1, 6), MOV(2, 0), MOV(3, 0), MOVX(4, 10),
		   ADD(4, -1), KFUNC(K_DEFAULT_CPU), MOVX(7, 0), ON_CPU, END)),
	VIOLATED("that of another task", AFFINITY, 0, "nothing says",
		 ENQ(TASK, LDX(BPF_DW, 1, 6, AT_PARENT), MOV(2, 0), MOV(3, 0),
		     MOVX(4, 10), ADD(4, -1), KFUNC(K_DEFAULT_CPU), MOVX(7, 0),
		     ON_CPU, END)),
	PROVED("one of its mask", AFFINITY,
	       ENQ(TASK, LDX(BPF_DW, 1, 6, AT_CPUS), MOV(2, 0), KFUNC(K_PICK),
		   MOVX(7, 0), JMP(BPF_JSLT, 7, 0, 10), ON_CPU, END, INSERT,
		   END)),
	UNKNOWN("from memory", AFFINITY, "cannot be told",
		ENQ(TASK, VALUE(1, M_DATA, 0), LDX(BPF_W, 7, 1, 0), ON_CPU,
		    END)),
	UNKNOWN("where it ran before", AFFINITY, "cannot be told",
		OP("select_cpu", LDX(BPF_DW, 6, 1, 0), LDX(BPF_DW, 7, 1, 8),
		   ON_CPU, END)),
	UNKNOWN("any queue at all", AFFINITY, NULL,
		ENQ(TASK, KFUNC(K_NOBODYS), MOVX(1, 6), MOVX(2, 0),
		    MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT), END)),
	UNKNOWN("any number, which is perhaps such a queue", AFFINITY, NULL,
		ENQ(TASK, MOVX(1, 6), VALUE(2, M_DATA, 0), LDX(BPF_DW, 2, 2, 0),
		    MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT), END)),
	UNKNOWN("a task of which nothing is known", AFFINITY, NULL,
		ENQ(TASK, KFUNC(K_NOBODYS), MOVX(6, 0), MOV(7, 3), ON_CPU,
		    END)),
	PROVED("nine looked at, the last one taken", AFFINITY,
	       ENQ(TASK, TESTED(1), TESTED(2), TESTED(3), TESTED(4), TESTED(5),
		   TESTED(6), TESTED(7), TESTED(8), MOV(7, 9), TEST_CPU,
		   JMP(BPF_JEQ, 0, 0, 10), ON_CPU, END, INSERT, END)),
};

static void affinity_is_judged(void **state)
{
	(void)state;
	judge_all(affinity, ARRAY_LEN(affinity));
}

/* ---- objects ----------------------------------------------------------------
 */

static void what_is_no_policy(void **state)
{
	const struct fix_func one = ENQ(TASK, INSERT, END);
	struct fix *f = fix_new(&one, 1);
	struct prove_result r;

	(void)state;
	f->o.has_ops = false;
	assert_int_equal(prove_object(&f->o, NULL, &r), -EINVAL);
	assert_non_null(strstr(err_text(), "nothing to prove"));
	f->o.has_ops = true;
	f->o.map_count = UINT16_MAX + 1;
	assert_int_equal(prove_object(&f->o, NULL, &r), -EINVAL);
	f->o.map_count = FIX_MAPS;
	f->o.extern_count = UINT16_MAX + 1;
	assert_int_equal(prove_object(&f->o, NULL, &r), -EINVAL);
	f->o.extern_count = FIX_EXTERNS;
	assert_int_equal(prove_object(&f->o, NULL, &r), 0);
	prove_result_release(&r);
	fix_free(f);
}

/* What user space runs may sleep, what a tracepoint does may not. */
static void programs_beside_the_policy(void **state)
{
	static const struct {
		enum func_kind kind;
		bool sleepable;
		enum prove_answer answer;
		const char *says;
	} rows[] = {
		{FUNC_SYSCALL, false, PROVE_PROVED, NULL},
		{FUNC_TRACEPOINT, false, PROVE_VIOLATED, "may sleep"},
		{FUNC_TRACEPOINT, true, PROVE_VIOLATED, "is not for"},
		{FUNC_OTHER, true, PROVE_VIOLATED, "is not for"},
		/* Nobody calls it. */
		{FUNC_SUBPROG, false, PROVE_PROVED, NULL},
	};
	const struct fix_func two[] = {
		ENQ(TASK, INSERT, END),
		SUB(MOV(1, 7), MOV(2, -1), KFUNC(K_CREATE), END)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fix *f = fix_new(two, 2);
		struct prove_result r;

		f->funcs[1].kind = rows[i].kind;
		f->funcs[1].sleepable = rows[i].sleepable;
		r = fix_prove(f);
		assert_int_equal(r.answers[PROVE_CONTEXT], rows[i].answer);
		if (rows[i].says) {
			assert_non_null(
				strstr(r.findings[0].text, rows[i].says));
			assert_int_equal(r.findings[0].line, 12);
		}
		prove_result_release(&r);
		fix_free(f);
	}
}

/* Without lines it is found all the same, and said once. */
static void without_lines(void **state)
{
	const struct fix_func one = ENQ(MOV(1, 0), LDX(BPF_DW, 0, 1, 8),
					MOV(1, 0), LDX(BPF_DW, 0, 1, 8), END);
	struct fix *f = fix_new(&one, 1);
	struct prove_result r;
	size_t nulls = 0;

	(void)state;
	f->o.line_count = 0;
	r = fix_prove(f);
	assert_int_equal(r.answers[PROVE_NULL], PROVE_VIOLATED);
	for (size_t i = 0; i < r.count; i++) {
		nulls += r.findings[i].rule == PROVE_NULL;
		assert_int_equal(r.findings[i].line, 0);
		assert_null(r.findings[i].file);
	}
	assert_int_equal(nulls, 1);
	prove_result_release(&r);
	fix_free(f);
}

/* More than anybody reads are not told, and are still wrong. */
static void more_findings_than_are_told(void **state)
{
	const struct object_insn pair[] = {MOV(1, 0), LDX(BPF_DW, 0, 1, 8)};
	const struct object_insn end[] = {END};
	struct object_insn many[402];
	const struct fix_func one = {"enqueue", many, ARRAY_LEN(many)};
	struct prove_result r;
	struct fix *f;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		memcpy(&many[2 * i], pair, sizeof(pair));
	memcpy(&many[400], end, sizeof(end));
	f = fix_new(&one, 1);
	r = fix_prove(f);
	assert_int_equal(r.answers[PROVE_NULL], PROVE_VIOLATED);
	assert_int_equal(r.answers[PROVE_CUSTODY], PROVE_VIOLATED);
	assert_int_equal(r.count, 128);
	prove_result_release(&r);
	fix_free(f);
}

/* Of a task without these members less is known, and nothing is blamed. */
static void other_types(void **state)
{
	const struct fix_func one = ENQ(
		TASK, LDX(BPF_DW, 7, 6, AT_VTIME), MOVX(1, 6), MOV(2, 1),
		MOV(3, 5000000), MOVX(4, 7), MOV(5, 0), KFUNC(K_VTIME), END);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fix *f = fix_new(&one, 1);
		struct btf *other = btf__new_empty();
		struct prove_opts opts = {.types = other};
		struct prove_result r;

		/* A task without a scheduler's part, and no task at all. */
		if (i)
			assert_true(btf__add_struct(other, "task_struct", 8) >
				    0);
		assert_int_equal(prove_object(&f->o, &opts, &r), 0);
		assert_int_equal(r.answers[PROVE_ORDER], PROVE_PROVED);
		assert_int_equal(r.answers[PROVE_CUSTODY], PROVE_PROVED);
		prove_result_release(&r);
		btf__free(other);
		fix_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_runs_is_followed),
		cmocka_unit_test(custody_is_judged),
		cmocka_unit_test(affinity_is_judged),
		cmocka_unit_test(what_is_no_policy),
		cmocka_unit_test(programs_beside_the_policy),
		cmocka_unit_test(without_lines),
		cmocka_unit_test(more_findings_than_are_told),
		cmocka_unit_test(other_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
