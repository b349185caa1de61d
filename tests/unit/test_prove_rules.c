/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each rule finds, and does not, in programs of a few instructions. */
#include "prove_fix.h"

/* r0 is a number of 64 bits that nobody knows */
#define ANY_NUMBER VALUE(1, M_DATA, 0), LDX(BPF_DW, 0, 1, 0)

/* ---- tested before use --------------------------------------------------- */

static const struct row nulls[] = {
	VIOLATED("read through NULL", NULL, 2, "is NULL here",
		 ENQ(MOV(1, 0), LDX(BPF_DW, 0, 1, 8), END)),
	VIOLATED("read through what was found to be NULL", NULL, 9,
		 "is NULL here",
		 ENQ(TASK, LOOKUP(M_HASH), JMP(BPF_JNE, 0, 0, 1),
		     LDX(BPF_DW, 1, 0, 0), END)),
	PROVED("read through what was found not to be", NULL,
	       ENQ(TASK, LOOKUP(M_HASH), JMP(BPF_JEQ, 0, 0, 1),
		   LDX(BPF_DW, 1, 0, 0), END)),
	PROVED("an array has its elements", NULL,
	       ENQ(TASK, LOOKUP(M_ARRAY), LDX(BPF_DW, 1, 0, 0), END)),
	VIOLATED("and no others", NULL, 8, "may be NULL",
		 ENQ(TASK, ST(BPF_W, 10, -4, 4), MOVX(2, 10), ADD(2, -4),
		     MAP(1, M_ARRAY), HELPER(1), LDX(BPF_DW, 1, 0, 0), END)),
	VIOLATED("by a key that is nowhere on the stack", NULL, 7,
		 "may be NULL",
		 ENQ(TASK, VALUE(2, M_DATA, 0), MAP(1, M_ARRAY), HELPER(1),
		     LDX(BPF_DW, 1, 0, 0), END)),
	VIOLATED("in a map that cannot be told", NULL, 0, "may be NULL",
		 ENQ(TASK, KFUNC(K_NOBODYS), MOVX(1, 0), MOVX(2, 10),
		     ADD(2, -4), ST(BPF_W, 10, -4, 0), HELPER(1),
		     LDX(BPF_DW, 1, 0, 0), END)),
	VIOLATED("a map in a map", NULL, 8, "pointer may be NULL",
		 ENQ(TASK, LOOKUP(M_NESTED), LDX(BPF_DW, 1, 0, 0), END)),
	VIOLATED("who ran before", NULL, 2, "this task may be NULL; test",
		 OP("dispatch", LDX(BPF_DW, 6, 1, 8), LDX(BPF_W, 0, 6, AT_PID),
		    END)),
	VIOLATED("by its name", NULL, 3,
		 "bpf_task_from_pid at line 2 may find nothing",
		 ENQ(MOV(1, 1), KFUNC(K_FROM_PID), LDX(BPF_W, 0, 0, AT_PID),
		     END)),
	VIOLATED("reserved memory", NULL, 6, "this memory may be NULL",
		 ENQ(MAP(1, M_RING), MOV(2, 8), MOV(3, 0), HELPER(131),
		     ST(BPF_W, 0, 0, 0), END)),
	VIOLATED("an argument that is NULL", NULL, 3,
		 "argument 1 of bpf_task_release is NULL here",
		 ENQ(TASK, MOV(1, 0), KFUNC(K_RELEASE), END)),
	VIOLATED("an argument that a call may not find", NULL, 4,
		 "the call at line 2 may find nothing",
		 ENQ(TASK, KFUNC(K_MASK_NEW), MOVX(1, 0), KFUNC(K_MASK_EMPTY),
		     END)),
	VIOLATED("an argument that was loaded", NULL, 12,
		 "argument 1 of bpf_task_release may be NULL; test",
		 ENQ(TASK, LOOKUP(M_KPTR), JMP(BPF_JEQ, 0, 0, 4), MOVX(7, 0),
		     LDX(BPF_DW, 1, 7, 8), MOV(2, 0), KFUNC(K_RELEASE), END)),
	PROVED("read through a kptr: gives 0", NULL,
	       ENQ(TASK, LOOKUP(M_KPTR), JMP(BPF_JEQ, 0, 0, 2),
		   LDX(BPF_DW, 1, 0, 8), LDX(BPF_W, 1, 1, 0), END)),
	PROVED("a second reference fails, and the first one is still there",
	       NULL,
	       ENQ(TASK, MOVX(1, 6), KFUNC(K_ACQUIRE), JMP(BPF_JNE, 0, 0, 1),
		   LDX(BPF_W, 1, 6, AT_PID), INSERT, END)),
	UNKNOWN("memory of a number", MEMORY, NULL,
		ENQ(TASK, MOV(1, 8192), LDX(BPF_DW, 0, 1, 0), END)),
};

static void nulls_are_found(void **state)
{
	(void)state;
	judge_all(nulls, ARRAY_LEN(nulls));
}

/* ---- inside its object --------------------------------------------------- */

/* r0 = *(u64 *)(r0 + r7), r7: a number from memory of that many bits */
#define INDEXED(m, mask)                                                  \
	VALUE(1, M_DATA, 0), LDX(BPF_DW, 7, 1, 0), ALU(BPF_AND, 7, mask), \
		VALUE(0, m, 0), ALUX(BPF_ADD, 0, 7), LDX(BPF_DW, 0, 0, 0)

static const struct row memory[] = {
	VIOLATED("below the stack", MEMORY, 2, "outside the stack",
		 ENQ(TASK, ST(BPF_DW, 10, -520, 0), END)),
	PROVED("at its end", MEMORY, ENQ(TASK, ST(BPF_DW, 10, -512, 0), END)),
	VIOLATED("above it", MEMORY, 2, "bytes 508 to 515 of 512",
		 ENQ(TASK, ST(BPF_DW, 10, -4, 0), END)),
	VIOLATED("after the arguments", MEMORY, 1, "outside the context",
		 ENQ(LDX(BPF_DW, 0, 1, 96), END)),
	PROVED("before it", MEMORY, ENQ(LDX(BPF_DW, 0, 1, 88), END)),
	VIOLATED("after the reserved bytes", MEMORY, 7, "bytes 8 to 11 of 8",
		 ENQ(MAP(1, M_RING), MOV(2, 8), MOV(3, 0), HELPER(131),
		     JMP(BPF_JEQ, 0, 0, 1), ST(BPF_W, 0, 8, 0), END)),
	PROVED("reserved bytes, as many as nobody knows", MEMORY,
	       ENQ(ANY_NUMBER, MOVX(2, 0), MAP(1, M_RING), MOV(3, 0),
		   HELPER(131), JMP(BPF_JEQ, 0, 0, 1), ST(BPF_W, 0, 800, 0),
		   END)),
	VIOLATED("written, and constant", MEMORY, 4, ".rodata is constant data",
		 ENQ(TASK, VALUE(1, M_TABLE, 0), ST(BPF_W, 1, 0, 0), END)),
	PROVED("by an index that was masked", MEMORY,
	       ENQ(TASK, INDEXED(M_TABLE, 24), END)),
	VIOLATED("by one that was masked too little", MEMORY, 9,
		 "bytes 0 to 63 of 32", ENQ(TASK, INDEXED(M_TABLE, 56), END)),
	UNKNOWN("by one that was not", MEMORY, NULL,
		ENQ(TASK, INDEXED(M_TABLE, -1), END)),
	UNKNOWN("by one that was not, further on", MEMORY, NULL,
		ENQ(TASK, ANY_NUMBER, VALUE(1, M_TABLE, 0), ADD(1, 8),
		    ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 0, 1, 8), END)),
	UNKNOWN("by one that was not, before the begin", MEMORY, NULL,
		ENQ(TASK, ANY_NUMBER, VALUE(1, M_TABLE, 0), ALUX(BPF_ADD, 1, 0),
		    LDX(BPF_DW, 0, 1, -8), END)),
	VIOLATED("negative", MEMORY, 4, "bytes -8 to -1 of 32",
		 ENQ(TASK, VALUE(1, M_TABLE, 0), LDX(BPF_DW, 0, 1, -8), END)),
	UNKNOWN("as far from a map as can be", MEMORY, NULL,
		ENQ(TASK, CONST(2, INT64_MAX), VALUE(1, M_TABLE, 0),
		    ALUX(BPF_ADD, 1, 2), LDX(BPF_DW, 0, 1, 8), END)),
	UNKNOWN("as far from the arguments as can be", MEMORY, NULL,
		ENQ(CONST(2, INT64_MAX), ALUX(BPF_ADD, 1, 2),
		    LDX(BPF_DW, 0, 1, 8), END)),
	UNKNOWN("as far from the stack as can be", MEMORY, NULL,
		ENQ(CONST(2, INT64_MAX), MOVX(1, 10), ALUX(BPF_ADD, 1, 2),
		    STX(BPF_DW, 1, 2, 8), LDX(BPF_DW, 0, 1, 8), END)),
	UNKNOWN("given to a helper, as far from the stack as can be", MEMORY,
		NULL,
		ENQ(CONST(3, INT64_MAX), MOVX(1, 10), ALUX(BPF_ADD, 1, 3),
		    STX(BPF_DW, 1, 3, 8), MOVX(1, 10), ALUX(BPF_ADD, 1, 3),
		    MOV(2, 8), MOV(3, 0), HELPER(113), MOVX(2, 10),
		    CONST(3, INT64_MAX), ALUX(BPF_ADD, 2, 3), MAP(1, M_QUEUE),
		    MOV(3, 0), HELPER(87), END)),
	PROVED("as far from a task as can be", MEMORY,
	       ENQ(TASK, CONST(2, INT64_MAX), ALUX(BPF_ADD, 6, 2),
		   LDX(BPF_DW, 0, 6, 8), STX(BPF_DW, 6, 2, 8), END)),
	UNKNOWN("less the least number", MEMORY, NULL,
		ENQ(CONST(2, INT64_MIN), ALUX(BPF_SUB, 1, 2),
		    LDX(BPF_DW, 0, 1, 8), END)),
	UNKNOWN("anywhere on the stack", MEMORY, NULL,
		ENQ(ANY_NUMBER, MOVX(1, 10), ALUX(BPF_SUB, 1, 0),
		    STX(BPF_DW, 1, 0, 0), LDX(BPF_DW, 2, 1, 0), END)),
	VIOLATED("below the stack of the caller", MEMORY, 8,
		 "outside the stack",
		 ENQ(TASK, MOVX(1, 10), ADD(1, -8), SUBPROG(1), END),
		 SUB(STX(BPF_DW, 1, 1, 0), LDX(BPF_DW, 0, 1, -512), END)),
	UNKNOWN("what was on the stack of a function that ended", MEMORY, NULL,
		ENQ(TASK, SUBPROG(1), LDX(BPF_DW, 0, 0, 0), MOV(1, 8192),
		    LDX(BPF_DW, 0, 1, 0), END),
		SUB(MOVX(0, 10), EXIT)),
	PROVED("atomics inside", MEMORY,
	       ENQ(TASK, VALUE(1, M_DATA, 0), MOV(2, 1),
		   I(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 56, BPF_ADD),
		   I(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 56,
		     BPF_ADD | BPF_FETCH),
		   I(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 56, BPF_CMPXCHG),
		   END)),
	VIOLATED("atomics outside", MEMORY, 5, "bytes 60 to 67 of 64",
		 ENQ(TASK, VALUE(1, M_DATA, 0), MOV(2, 1),
		     I(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 60, BPF_CMPXCHG),
		     END)),
	VIOLATED("by what an exchange left in r0", MEMORY, 10,
		 "outside the map",
		 ENQ(TASK, MOV(0, 0), ST(BPF_W, 10, -4, 0), MOV(2, 1),
		     I(BPF_STX | BPF_ATOMIC | BPF_W, 10, 2, -4, BPF_CMPXCHG),
		     ALU(BPF_AND, 0, 63), VALUE(1, M_DATA, 0),
		     ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), END)),
	VIOLATED("by what an atomic operation fetched", MEMORY, 9,
		 "outside the map",
		 ENQ(TASK, ST(BPF_W, 10, -4, 0), MOV(2, 1),
		     I(BPF_STX | BPF_ATOMIC | BPF_W, 10, 2, -4,
		       BPF_ADD | BPF_FETCH),
		     ALU(BPF_AND, 2, 63), VALUE(1, M_DATA, 0),
		     ALUX(BPF_ADD, 1, 2), LDX(BPF_DW, 2, 1, 0), END)),
	PROVED("by a loop's count", MEMORY,
	       ENQ(TASK, MOVX(1, 10), ADD(1, -8), MOV(2, 0), MOV(3, 4),
		   KFUNC(K_NUM_NEW), MOVX(1, 10), ADD(1, -8), KFUNC(K_NUM_NEXT),
		   JMP(BPF_JEQ, 0, 0, 7), LDX(BPF_W, 1, 0, 0),
		   ALU(BPF_LSH, 1, 3), VALUE(2, M_TABLE, 0),
		   ALUX(BPF_ADD, 2, 1), LDX(BPF_DW, 3, 2, 0), JA(-11), INSERT,
		   END)),
	VIOLATED("by a loop's count that goes too far", MEMORY, 16,
		 "bytes 0 to 39 of 32",
		 ENQ(TASK, MOVX(1, 10), ADD(1, -8), MOV(2, 0), MOV(3, 5),
		     KFUNC(K_NUM_NEW), MOVX(1, 10), ADD(1, -8),
		     KFUNC(K_NUM_NEXT), JMP(BPF_JEQ, 0, 0, 7),
		     LDX(BPF_W, 1, 0, 0), ALU(BPF_LSH, 1, 3),
		     VALUE(2, M_TABLE, 0), ALUX(BPF_ADD, 2, 1),
		     LDX(BPF_DW, 3, 2, 0), JA(-11), INSERT, END)),
	PROVED("by the count of bpf_loop()", MEMORY,
	       ENQ(TASK, MOV(1, 4), FUNC(2, 1), MOV(3, 0), MOV(4, 0),
		   HELPER(181), INSERT, END),
	       SUB(ALU(BPF_LSH, 1, 3), VALUE(2, M_TABLE, 0),
		   ALUX(BPF_ADD, 2, 1), LDX(BPF_DW, 3, 2, 0), END)),
	VIOLATED("by the count of a bpf_loop() of one more", MEMORY, 20,
		 "bytes 0 to 39 of 32",
		 ENQ(TASK, MOV(1, 5), FUNC(2, 1), MOV(3, 0), MOV(4, 0),
		     HELPER(181), INSERT, END),
		 SUB(ALU(BPF_LSH, 1, 3), VALUE(2, M_TABLE, 0),
		     ALUX(BPF_ADD, 2, 1), LDX(BPF_DW, 3, 2, 0), END)),
};

static void offsets_are_judged(void **state)
{
	(void)state;
	judge_all(memory, ARRAY_LEN(memory));
}

/* ---- slices ---------------------------------------------------------------
 */

#define FOR(r)                                                   \
	MOVX(3, r), MOVX(1, 6), CONST(2, DSQ_GLOBAL), MOV(4, 0), \
		KFUNC(K_INSERT), END
#define TICK_KICKS OP("tick", MOV(1, 0), MOV(2, 2), KFUNC(K_KICK), END)

static const struct row slices[] = {
	PROVED("5 ms", SLICE, ENQ(TASK, MOV(7, 5000000), FOR(7))),
	VIOLATED("nothing", SLICE, 8, "a slice of 0",
		 ENQ(TASK, MOV(7, 0), FOR(7))),
	VIOLATED("for ever", SLICE, 8, "a slice without end",
		 ENQ(TASK, MOV(7, -1), FOR(7))),
	PROVED("for ever, and a tick that preempts", SLICE,
	       ENQ(TASK, MOV(7, -1), FOR(7)), TICK_KICKS),
	VIOLATED("for ever, and a tick that wakes idle CPUs", SLICE, 8,
		 "a slice without end", ENQ(TASK, MOV(7, -1), FOR(7)),
		 OP("tick", MOV(1, 0), MOV(2, 1), KFUNC(K_KICK), END)),
	PROVED("for ever, and a timer that preempts", SLICE,
	       ENQ(TASK, VALUE(1, M_DATA, 0), FUNC(2, 1), HELPER(170),
		   MOV(7, -1), FOR(7)),
	       SUB(MOV(1, 0), MOV(2, 2), KFUNC(K_KICK), END)),
	VIOLATED("a minute", SLICE, 9, "at least 60 s",
		 ENQ(TASK, CONST(7, 60000000000ULL), FOR(7))),
	UNKNOWN("any", SLICE, "may be 0 or endless",
		ENQ(TASK, ANY_NUMBER, MOVX(7, 0), FOR(7))),
	PROVED("any, with bounds", SLICE,
	       ENQ(TASK, ANY_NUMBER, MOVX(7, 0), JMP(BPF_JGT, 7, 1000000, 1),
		   MOV(7, 1000000), CONST(1, 20000000), JMPX(BPF_JLE, 7, 1, 1),
		   MOV(7, 20000000), FOR(7))),
	PROVED("any, with bounds, the other way round", SLICE,
	       ENQ(TASK, ANY_NUMBER, MOVX(7, 0), CONST(1, 20000000),
		   JMPX(BPF_JGE, 1, 7, 1), MOVX(7, 1), JMP(BPF_JNE, 7, 0, 1),
		   MOV(7, 1000), FOR(7))),
	PROVED("one of a table", SLICE,
	       ENQ(TASK, ANY_NUMBER, ALU(BPF_AND, 0, 3), ALU(BPF_LSH, 0, 3),
		   VALUE(1, M_TABLE, 0), ALUX(BPF_ADD, 1, 0),
		   LDX(BPF_DW, 7, 1, 0), FOR(7))),
	UNKNOWN("a constant that is set later", SLICE, "may be 0 or endless",
		ENQ(TASK, VALUE(1, M_LATER, 0), LDX(BPF_DW, 7, 1, 0), FOR(7))),
	PROVED("by its weight", SLICE,
	       ENQ(TASK, LDX(BPF_W, 7, 6, AT_WEIGHT), FOR(7))),
	PROVED("taken away", SLICE, ENQ(TASK, INSERT, END),
	       OP("stopping", TASK, MOV(1, 0), STX(BPF_DW, 6, 1, AT_SLICE),
		  END)),
	VIOLATED("taken away as it begins", SLICE, 12, "a slice of 0",
		 ENQ(TASK, INSERT, END),
		 OP("running", TASK, STX(BPF_DW, 6, 1, AT_OTHER),
		    ST(BPF_DW, 6, AT_SLICE, 0), END)),
	VIOLATED("set for ever", SLICE, 3, "a slice without end",
		 OP("running", TASK, MOV(1, -1), STX(BPF_DW, 6, 1, AT_SLICE),
		    END)),
	VIOLATED("set for ever by a call", SLICE, 4, "a slice without end",
		 OP("running", TASK, MOVX(1, 6), MOV(2, -1), KFUNC(K_SET_SLICE),
		    END)),
	VIOLATED("in a struct of arguments", SLICE, 10, "a slice of 0",
		 ENQ(TASK, CONST(1, DSQ_GLOBAL), STX(BPF_DW, 10, 1, -32),
		     ST(BPF_DW, 10, -24, 0), ST(BPF_DW, 10, -8, 0), MOVX(1, 6),
		     MOVX(2, 10), ADD(2, -32), KFUNC(K_ARGS), END)),
};

static void slices_are_judged(void **state)
{
	(void)state;
	judge_all(slices, ARRAY_LEN(slices));
}

/* ---- queues, and who empties them -----------------------------------------
 */

#define TAKE(dsq)   OP("dispatch", CONST(1, dsq), KFUNC(K_TAKE), END)
#define CREATE(dsq) OP("init", CONST(1, dsq), MOV(2, -1), KFUNC(K_CREATE), END)
/* r1: 256 and what an unknown number's lowest two bits are */
#define ONE_OF_FOUR \
	ANY_NUMBER, ALU(BPF_AND, 0, 3), ALU(BPF_OR, 0, 256), MOVX(2, 0)
#define PARK(m)                                                       \
	LDX(BPF_W, 1, 6, AT_PID), STX(BPF_W, 10, 1, -4), MOVX(2, 10), \
		ADD(2, -4), MAP(1, m), MOV(3, 0), HELPER(87),         \
		JMP(BPF_JEQ, 0, 0, 6), INSERT, END
#define POP(m) \
	OP("dispatch", MOVX(2, 10), ADD(2, -4), MAP(1, m), HELPER(88), END)

static const struct row queues[] = {
	PROVED("created, filled and emptied", DRAIN,
	       ENQ(TASK, INSERT_INTO(SHARED), END), TAKE(SHARED),
	       CREATE(SHARED)),
	VIOLATED("never emptied", DRAIN, 7, "out of queue 0x7 again",
		 ENQ(TASK, INSERT_INTO(SHARED), END), CREATE(SHARED)),
	VIOLATED("another one is emptied", DRAIN, 7, "out of queue 0x7 again",
		 ENQ(TASK, INSERT_INTO(SHARED), END), TAKE(8), CREATE(SHARED)),
	VIOLATED("emptied where that is not done again and again", DRAIN, 7,
		 "out of queue 0x7 again", ENQ(TASK, INSERT_INTO(SHARED), END),
		 OP("init", CONST(1, SHARED), MOV(2, -1), KFUNC(K_CREATE),
		    CONST(1, SHARED), KFUNC(K_TAKE), END)),
	VIOLATED("never created", DRAIN, 7, "queue 0x7 is never created",
		 ENQ(TASK, INSERT_INTO(SHARED), END), TAKE(SHARED)),
	VIOLATED("emptied and never created", DRAIN, 12,
		 "queue 0x7 is never created", ENQ(TASK, INSERT, END),
		 TAKE(SHARED)),
	VIOLATED("one of four, and none of them emptied", DRAIN, 11,
		 "out of a queue again",
		 ENQ(TASK, ONE_OF_FOUR, MOVX(1, 6), MOV(3, 5000000), MOV(4, 0),
		     KFUNC(K_INSERT), END)),
	PROVED("one of four, each emptied", DRAIN,
	       ENQ(TASK, ONE_OF_FOUR, MOVX(1, 6), MOV(3, 5000000), MOV(4, 0),
		   KFUNC(K_INSERT), END),
	       OP("dispatch", MOV(1, 256), KFUNC(K_TAKE), MOV(1, 257),
		  KFUNC(K_TAKE), MOV(1, 258), KFUNC(K_TAKE), MOV(1, 259),
		  KFUNC(K_TAKE), END)),
	UNKNOWN("one of four, and three of them emptied", DRAIN,
		"cannot be told",
		ENQ(TASK, ONE_OF_FOUR, MOVX(1, 6), MOV(3, 5000000), MOV(4, 0),
		    KFUNC(K_INSERT), END),
		OP("dispatch", MOV(1, 256), KFUNC(K_TAKE), MOV(1, 257),
		   KFUNC(K_TAKE), MOV(1, 259), KFUNC(K_TAKE), END)),
	UNKNOWN("one of four, and one of four emptied", DRAIN, "cannot be told",
		ENQ(TASK, ONE_OF_FOUR, MOVX(1, 6), MOV(3, 5000000), MOV(4, 0),
		    KFUNC(K_INSERT), END),
		OP("dispatch", VALUE(1, M_DATA, 16), LDX(BPF_DW, 1, 1, 0),
		   ALU(BPF_AND, 1, 3), ALU(BPF_OR, 1, 256), KFUNC(K_TAKE),
		   END)),
	PROVED("that of a variable, by the same variable", DRAIN,
	       ENQ(TASK, VALUE(1, M_DATA, 8), LDX(BPF_DW, 2, 1, 0), MOVX(1, 6),
		   MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT), END),
	       OP("dispatch", VALUE(1, M_DATA, 8), LDX(BPF_DW, 1, 1, 0),
		  KFUNC(K_TAKE), END)),
	UNKNOWN("that of a variable, by another one", DRAIN, "cannot be told",
		ENQ(TASK, VALUE(1, M_DATA, 8), LDX(BPF_DW, 2, 1, 0), MOVX(1, 6),
		    MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT), END),
		OP("dispatch", VALUE(1, M_DATA, 16), LDX(BPF_DW, 1, 1, 0),
		   KFUNC(K_TAKE), END)),
	UNKNOWN("that of a variable, by one of another map", DRAIN,
		"cannot be told",
		ENQ(TASK, VALUE(1, M_DATA, 0), LDX(BPF_DW, 2, 1, 0), MOVX(1, 6),
		    MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT), END),
		OP("dispatch", VALUE(1, M_LATER, 0), LDX(BPF_DW, 1, 1, 0),
		   KFUNC(K_TAKE), END)),
	PROVED("moved from by an iterator", DRAIN,
	       ENQ(TASK, INSERT_INTO(SHARED), END), CREATE(SHARED),
	       OP("dispatch", MOVX(1, 10), ADD(1, -8), CONST(2, SHARED),
		  MOV(3, 0), KFUNC(K_QUEUE_NEW), MOVX(1, 10), ADD(1, -8),
		  KFUNC(K_QUEUE_NEXT), JMP(BPF_JEQ, 0, 0, 8), MOVX(2, 0),
		  MOVX(1, 10), ADD(1, -8), CONST(3, DSQ_LOCAL), MOV(4, 0),
		  KFUNC(K_MOVE), JA(-11), MOVX(1, 10), ADD(1, -8),
		  KFUNC(K_QUEUE_END), END)),
	VIOLATED("an iterator of another one", DRAIN, 7,
		 "out of queue 0x7 again", ENQ(TASK, INSERT_INTO(SHARED), END),
		 CREATE(SHARED),
		 OP("dispatch", MOVX(1, 10), ADD(1, -8), CONST(2, 8), MOV(3, 0),
		    KFUNC(K_QUEUE_NEW), MOVX(1, 10), ADD(1, -8),
		    KFUNC(K_QUEUE_NEXT), JMP(BPF_JEQ, 0, 0, 8), MOVX(2, 0),
		    MOVX(1, 10), ADD(1, -8), CONST(3, DSQ_LOCAL), MOV(4, 0),
		    KFUNC(K_MOVE), JA(-11), MOVX(1, 10), ADD(1, -8),
		    KFUNC(K_QUEUE_END), END)),
	UNKNOWN("an iterator of which nothing is known", DRAIN,
		"cannot be told", ENQ(TASK, INSERT_INTO(SHARED), END),
		CREATE(SHARED),
		OP("dispatch", LDX(BPF_DW, 2, 1, 8), MOV(1, 8192),
		   CONST(3, DSQ_LOCAL), MOV(4, 0), KFUNC(K_MOVE), END)),
	VIOLATED("parked, and nobody pops", DRAIN, 9, "nothing pops from queue",
		 ENQ(TASK, PARK(M_QUEUE), END)),
	VIOLATED("on a stack", DRAIN, 9, "nothing pops from stack",
		 ENQ(TASK, PARK(M_STACK), END), POP(M_QUEUE)),
	PROVED("popped", DRAIN, ENQ(TASK, PARK(M_STACK), END), POP(M_STACK)),
	UNKNOWN("popped from a map that cannot be told", DRAIN, "nothing pops",
		ENQ(TASK, PARK(M_QUEUE), END),
		OP("dispatch", KFUNC(K_NOBODYS), MOVX(1, 0), MOVX(2, 10),
		   ADD(2, -4), HELPER(88), END)),
	VIOLATED("only looked at", DRAIN, 9, "nothing pops from queue",
		 ENQ(TASK, PARK(M_QUEUE), END),
		 OP("dispatch", MOVX(2, 10), ADD(2, -4), MAP(1, M_QUEUE),
		    HELPER(89), END)),
};

static void queues_are_judged(void **state)
{
	(void)state;
	judge_all(queues, ARRAY_LEN(queues));
}

/* ---- order ----------------------------------------------------------------
 */

/* into SHARED by the key r7 */
#define BY_KEY                                                              \
	MOVX(1, 6), MOV(2, SHARED), MOV(3, 5000000), MOVX(4, 7), MOV(5, 0), \
		KFUNC(K_VTIME), END
#define NOW	KFUNC(K_NOW), MOVX(7, 0)
#define SHRINKS "gets smaller as time goes by"
#define WRAPS	"virtual times wrap around"

static const struct row orders[] = {
	VIOLATED("always to the head", ORDER, 6, "every task goes to the head",
		 ENQ(TASK, MOVX(1, 6), MOV(2, SHARED), MOV(3, 5000000),
		     MOV(4, ENQ_HEAD), KFUNC(K_INSERT), END)),
	VIOLATED("always to the head, by a struct", ORDER, 0,
		 "every task goes to the head",
		 ENQ(TASK, ST(BPF_DW, 10, -32, SHARED),
		     ST(BPF_DW, 10, -24, 5000000), ST(BPF_DW, 10, -8, ENQ_HEAD),
		     MOVX(1, 6), MOVX(2, 10), ADD(2, -32), KFUNC(K_ARGS), END)),
	PROVED("sometimes to the head", ORDER,
	       ENQ(TASK, MOVX(1, 6), MOV(2, SHARED), MOV(3, 5000000),
		   MOV(4, ENQ_HEAD), LDX(BPF_W, 5, 6, AT_PID),
		   JMP(BPF_JEQ, 5, 1, 2), KFUNC(K_INSERT), EXIT, MOV(4, 0),
		   KFUNC(K_INSERT), END)),
	VIOLATED("a constant", ORDER, 8, "the same constant key",
		 ENQ(TASK, MOV(7, 5), BY_KEY)),
	PROVED("a constant for some", ORDER,
	       ENQ(TASK, NOW, LDX(BPF_W, 5, 6, AT_PID), JMP(BPF_JNE, 5, 1, 9),
		   MOV(7, 0), BY_KEY, BY_KEY)),
	PROVED("its virtual time", ORDER,
	       ENQ(TASK, LDX(BPF_DW, 7, 6, AT_VTIME), BY_KEY)),
	PROVED("the time", ORDER, ENQ(TASK, NOW, BY_KEY)),
	PROVED("the time and a length", ORDER,
	       ENQ(TASK, NOW, LDX(BPF_W, 1, 6, AT_WEIGHT), ALUX(BPF_ADD, 7, 1),
		   BY_KEY)),
	PROVED("the time, coarser", ORDER,
	       ENQ(TASK, NOW, ALU(BPF_RSH, 7, 10), ALU(BPF_DIV, 7, 3),
		   ALU(BPF_LSH, 7, 2), ALU(BPF_MUL, 7, 5), ALU(BPF_OR, 7, 1),
		   BY_KEY)),
	PROVED("how long ago something was", ORDER,
	       ENQ(TASK, NOW, LDX(BPF_DW, 1, 6, AT_VTIME), ALUX(BPF_SUB, 7, 1),
		   BY_KEY)),
	PROVED("its lowest bits", ORDER,
	       ENQ(TASK, NOW, ALU(BPF_MOD, 7, 4096), BY_KEY)),
	PROVED("turned round twice", ORDER,
	       ENQ(TASK, NOW, ALU(BPF_XOR, 7, -1), ALU(BPF_NEG, 7, 0), BY_KEY)),
	VIOLATED("less the time", ORDER, 0, SHRINKS,
		 ENQ(TASK, NOW, ALU(BPF_NEG, 7, 0), BY_KEY)),
	VIOLATED("the time's other bits", ORDER, 0, SHRINKS,
		 ENQ(TASK, NOW, ALU(BPF_XOR, 7, -1), BY_KEY)),
	VIOLATED("the time, times a negative number", ORDER, 0, SHRINKS,
		 ENQ(TASK, NOW, ALU(BPF_MUL, 7, -1), BY_KEY)),
	VIOLATED("a constant less the time, and a length", ORDER, 0, SHRINKS,
		 ENQ(TASK, NOW, MOV(8, -1), ALUX(BPF_SUB, 8, 7), MOVX(7, 8),
		     LDX(BPF_W, 1, 6, AT_WEIGHT), ALUX(BPF_ADD, 1, 7),
		     MOVX(7, 1), BY_KEY)),
	PROVED("less the time, and the time", ORDER,
	       ENQ(TASK, NOW, MOVX(8, 7), ALU(BPF_NEG, 8, 0),
		   ALUX(BPF_ADD, 7, 8), BY_KEY)),
	VIOLATED("virtual times by which is larger than the one kept", ORDER, 6,
		 WRAPS,
		 ENQ(TASK, VALUE(1, M_DATA, 0), LDX(BPF_DW, 2, 1, 0),
		     LDX(BPF_DW, 7, 6, AT_VTIME), JMPX(BPF_JGT, 7, 2, 1), JA(1),
		     STX(BPF_DW, 1, 7, 0), BY_KEY)),
	PROVED("virtual times by the sign of their difference", ORDER,
	       ENQ(TASK, VALUE(1, M_DATA, 0), LDX(BPF_DW, 2, 1, 0),
		   LDX(BPF_DW, 7, 6, AT_VTIME), MOVX(3, 7), ALUX(BPF_SUB, 3, 2),
		   JMP(BPF_JSLE, 3, 0, 1), STX(BPF_DW, 1, 7, 0), BY_KEY)),
	PROVED("times of a clock by which is larger", ORDER,
	       ENQ(TASK, KFUNC(K_NOW), MOVX(7, 0), VALUE(1, M_DATA, 0),
		   LDX(BPF_DW, 2, 1, 0), LDX(BPF_DW, 3, 6, AT_VTIME),
		   JMPX(BPF_JGT, 3, 2, 1), STX(BPF_DW, 6, 7, AT_VTIME),
		   STX(BPF_DW, 1, 7, 0), MOVX(7, 3), BY_KEY)),
	PROVED("virtual times and something else", ORDER,
	       ENQ(TASK, VALUE(1, M_DATA, 0), LDX(BPF_DW, 2, 1, 0),
		   LDX(BPF_DW, 7, 6, AT_VTIME), JMPX(BPF_JGT, 7, 2, 0),
		   BY_KEY)),
	VIOLATED("a virtual time that is set by a call", ORDER, 6, WRAPS,
		 ENQ(TASK, VALUE(1, M_DATA, 0), LDX(BPF_DW, 7, 1, 0),
		     LDX(BPF_DW, 3, 6, AT_VTIME), JMPX(BPF_JLT, 7, 3, 0),
		     MOVX(1, 6), MOVX(2, 7), KFUNC(K_SET_VTIME), INSERT, END)),
};

static void orders_are_judged(void **state)
{
	(void)state;
	judge_all(orders, ARRAY_LEN(orders));
}

/* ---- where a call may be, and which kernels have it
 * -------------------------- */

static const struct row calls[] = {
	VIOLATED("may sleep where that is forbidden", CONTEXT, 4,
		 "may sleep and enqueue must not",
		 ENQ(TASK, MOV(1, SHARED), MOV(2, -1), KFUNC(K_CREATE), INSERT,
		     END)),
	PROVED("may sleep where it may", CONTEXT, ENQ(TASK, INSERT, END),
	       CREATE(SHARED)),
	VIOLATED("inserts where it may not", CONTEXT, 16, "not for running",
		 ENQ(TASK, INSERT, END), OP("running", TASK, INSERT, END)),
	UNKNOWN("inserts in a function that an unknown call has", CONTEXT, NULL,
		ENQ(TASK, FUNC(1, 1), KFUNC(K_NOBODYS), INSERT, END),
		SUB(MOVX(6, 1), INSERT, END)),
	PROVED("sleeps in a work queue", CONTEXT,
	       ENQ(TASK, VALUE(1, M_DATA, 0), FUNC(2, 1), MOV(3, 0),
		   KFUNC(K_WORK), INSERT, END),
	       SUB(MOV(1, SHARED), MOV(2, -1), KFUNC(K_CREATE), END)),
	VIOLATED("sleeps in a timer", CONTEXT, 17,
		 "may sleep and a timer must not",
		 ENQ(TASK, VALUE(1, M_DATA, 0), FUNC(2, 1), HELPER(170), INSERT,
		     END),
		 SUB(MOV(1, SHARED), MOV(2, -1), KFUNC(K_CREATE), END)),
	UNKNOWN("a timer that calls nobody knows what", BOUND, NULL,
		ENQ(TASK, KFUNC(K_NOBODYS), MOVX(2, 0), VALUE(1, M_DATA, 0),
		    HELPER(170), INSERT, END)),
	UNKNOWN("a loop that calls nobody knows what", BOUND,
		"cannot be told here",
		ENQ(TASK, KFUNC(K_NOBODYS), MOVX(2, 0), MOV(1, 9), MOV(3, 0),
		    MOV(4, 0), HELPER(181), INSERT, END)),
	UNKNOWN("a function that calls itself", BOUND, "more than 8 calls",
		ENQ(TASK, SUBPROG(1), INSERT, END), SUB(SUBPROG(1), END)),
	UNKNOWN("a loop's function that loops", BOUND, "more than 8 calls",
		ENQ(TASK, MOV(1, 9), FUNC(2, 1), MOV(3, 0), MOV(4, 0),
		    HELPER(181), INSERT, END),
		SUB(MOV(1, 9), FUNC(2, 1), MOV(3, 0), MOV(4, 0), HELPER(181),
		    END)),
	VIOLATED("a loop that does nothing", BOUND, 0, "nothing changed",
		 ENQ(TASK, INSERT, JA(-1))),
	PROVED("a loop that counts", BOUND,
	       ENQ(TASK, MOV(7, 0), ADD(7, 1), JMP(BPF_JLT, 7, 100, -2), INSERT,
		   END)),
	PROVED("a loop that the kernel ends", BOUND,
	       ENQ(TASK, MAY_GOTO(1), JA(-2), INSERT, END)),
	PROVED("a loop over children", BOUND,
	       ENQ(TASK, MOVX(1, 10), ADD(1, -8), KFUNC(K_TASK_NEW),
		   MOVX(1, 10), ADD(1, -8), KFUNC(K_TASK_NEXT),
		   JMP(BPF_JNE, 0, 0, -4), INSERT, END)),
	PROVED("a loop over cgroups", BOUND,
	       ENQ(TASK, MOVX(1, 10), ADD(1, -8), KFUNC(K_CSS_NEW), MOVX(1, 10),
		   ADD(1, -8), KFUNC(K_CSS_NEXT), JMP(BPF_JNE, 0, 0, -4),
		   INSERT, END)),
	UNKNOWN("a call that only some kernels have and nobody knows", WEAK,
		NULL, ENQ(TASK, KFUNC(K_NOBODYS), INSERT, END)),
	VIOLATED("one that this kernel does not have", WEAK, 2,
		 "not every kernel has nobody_has",
		 ENQ(TASK, KFUNC(K_WEAK), INSERT, END)),
	PROVED("the same, if it is there", WEAK,
	       ENQ(TASK, SYMBOL(1, K_WEAK), JMP(BPF_JEQ, 1, 0, 1),
		   KFUNC(K_WEAK), INSERT, END)),
	VIOLATED("the same, if it is not there", WEAK, 5, NULL,
		 ENQ(TASK, SYMBOL(1, K_WEAK), JMP(BPF_JNE, 1, 0, 1),
		     KFUNC(K_WEAK), INSERT, END)),
	PROVED("asked twice, one answer", WEAK,
	       ENQ(TASK, SYMBOL(1, K_WEAK), JMP(BPF_JEQ, 1, 0, 4),
		   SYMBOL(1, K_WEAK), JMP(BPF_JEQ, 1, 0, 1), KFUNC(K_WEAK),
		   INSERT, END)),
	PROVED("asked twice, and both times no", WEAK,
	       ENQ(TASK, SYMBOL(1, K_WEAK), JMP(BPF_JNE, 1, 0, 4),
		   SYMBOL(1, K_WEAK), JMP(BPF_JEQ, 1, 0, 1), KFUNC(K_WEAK),
		   INSERT, END)),
	VIOLATED("an old name that went", WEAK, 7, "scx_bpf_dispatch___old",
		 ENQ(TASK, MOVX(1, 6), CONST(2, DSQ_GLOBAL), MOV(3, 5000000),
		     MOV(4, 0), KFUNC(K_DISPATCH), END)),
	VIOLATED("a variable that is not there", NULL, 4, "may be NULL",
		 ENQ(TASK, SYMBOL(1, K_VARIABLE), HELPER(154), INSERT, END)),
	PROVED("that is, by a test", NULL,
	       ENQ(TASK, SYMBOL(1, K_VARIABLE), JMP(BPF_JEQ, 1, 0, 3),
		   SYMBOL(1, K_VARIABLE), HELPER(154), INSERT, END)),
};

static void calls_are_judged(void **state)
{
	(void)state;
	judge_all(calls, ARRAY_LEN(calls));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nulls_are_found),
		cmocka_unit_test(offsets_are_judged),
		cmocka_unit_test(slices_are_judged),
		cmocka_unit_test(queues_are_judged),
		cmocka_unit_test(orders_are_judged),
		cmocka_unit_test(calls_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
