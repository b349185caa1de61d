/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the analysis share; nobody outside lib/prove includes it.
 *
 *   flow.c     once per object: jumps, loops, what is live where
 *   explore.c  every path of every callback; states seen before end a path
 *   step.c     one instruction;  memory.c its loads and stores, branch.c its
 *              jumps, call.c helpers and kfuncs (table.c), action.c what
 *              those of sched_ext mean
 *   queue.c    after all paths: who drains what, keys and slices on the whole
 *   report.c   findings and answers
 */
#ifndef SCHEDKIT_PROVE_ANALYSIS_H
#define SCHEDKIT_PROVE_ANALYSIS_H

#include "prove/prove.h"
#include "prove/value.h"

#define MAX_FRAMES  8
#define MAX_ALLOWED 8
#define MAX_CPU	    8191 /* NR_CPUS of the largest kernels, less one */
#define STACK_BYTES 512
#define FP	    10
#define ID_CONST    (1u << 31) /* of a CPU that is a constant: with it */

/* ---- what runs -------------------------------------------------------- */

enum place {
	PLACE_SELECT = 1,
	PLACE_ENQUEUE = 2,
	PLACE_DISPATCH = 4,
	PLACE_UNLOCKED = 8, /* init, exit, cgroup and task coming and going */
	PLACE_OP = 16,	    /* the other members of the ops */
	PLACE_TIMER = 32,
	PLACE_SYSCALL = 64,
	PLACE_TRACE = 128,
	PLACE_RELEASE = 256,
	PLACE_UNSURE = 512, /* given to a helper that is not known */
};
#define PLACES 10

struct root {
	int func;
	const char *name; /* "enqueue", "timer callback" */
	const char *args; /* a letter each; see root_arg() */
	bool by_ctx;	  /* R1 is an array of them */
	bool regular;	  /* runs again and again */
	bool sleepable;
	bool is_tick;
	bool begins; /* a task's turn is about to begin */
	enum place place;
	int map; /* of a timer; -1 */
};

/* ---- states ----------------------------------------------------------- */

struct slot {
	int16_t off;
	uint8_t size;
	struct val v;
};

enum callback { CALLBACK_NONE, CALLBACK_LOOP, CALLBACK_EACH };

/* Shared by states until one of them writes. */
struct frame {
	unsigned refs;
	uint32_t func;
	uint32_t site; /* the call; it goes on after it */
	uint8_t callback;
	uint32_t round; /* of a callback */
	uint16_t map;
	struct val carry; /* … and what it is given each time */
	struct num count;
	struct val r[10];
	struct slot *slots; /* ascending, apart from each other */
	uint32_t slot_count, slot_cap;
};

/* A conditional jump on the way here. */
struct trail {
	struct trail *up;
	uint32_t insn;
	uint32_t lookup; /* call whose NULL this was + 1 */
	bool taken;
};

enum path_flag {
	PATH_KEPT = 1,
	PATH_MAYBE_KEPT = 2,
	PATH_MAYBE_INSERTED = 4, /* some task was, perhaps this one */
	PATH_VAGUE = 8,		 /* values were widened: may not exist */
	PATH_CORE_GUARD = 16,	 /* a literal decided a jump */
	PATH_P_WRITTEN = 32,	 /* p's id is somewhere in memory */
};

/* What has happened on this path. */
struct facts {
	uint8_t inserted; /* 0, 1, 2: more */
	uint8_t flags;
	uint8_t allowed_count;
	uint32_t inserted_at; /* insn of the first insert */
	uint32_t lost_at;     /* insn + 1 of a failed push */
	uint32_t may_goto;
	uint64_t present, absent; /* weak symbols, by order */
	struct {
		uint32_t cpu, task; /* ids: may run there */
	} allowed[MAX_ALLOWED];
};

struct seen;

struct state {
	uint32_t pc;
	uint32_t frames;
	struct frame *f[MAX_FRAMES];
	struct facts facts;
	struct trail *trail;
	struct seen *seen; /* the last one stored on this path */
	bool begun;	   /* a callback's round, and that one is it */
};

/* A state that was explored, or is being. */
struct seen {
	struct seen *next; /* at the same place, newest first */
	struct seen *up;   /* stored before it on its path */
	unsigned open;	   /* paths from here that have not ended */
	struct state s;
};

/* One place in the program with one way of having been called. */
struct spot {
	struct spot *next;
	uint32_t pc, frames;
	uint32_t sites[MAX_FRAMES], funcs[MAX_FRAMES];
	struct seen *seen;
	uint32_t count;
};

#define SPOTS 4096

/* ---- static facts ------------------------------------------------------ */

enum flow_flag {
	FLOW_JOIN = 1,	  /* more than one way leads here */
	FLOW_LOOP = 2,	  /* inside a loop */
	FLOW_INSERTS = 4, /* a call that inserts a task, or may */
	FLOW_REACHES = 8, /* one can be reached from here */
};

struct flow {
	uint8_t flags;
	uint16_t regs;	/* live before it */
	uint64_t slots; /* 8-byte stack slots, 0 below the frame pointer */
};

/* Where members of task_struct are in these types; -1: not known. */
struct layout {
	bool known;
	int64_t slice, dsq_vtime, weight, cpus_ptr, pid, tgid;
	int64_t real_parent, group_leader;
	uint64_t enq_head;
};

/* ---- what was seen in all ---------------------------------------------- */

enum use_what { USE_INSERT, USE_TAKE, USE_CREATE };

struct use {
	enum use_what what;
	uint32_t insn;
	uint32_t site; /* where its constant comes from + 1; 0: no constant */
	bool regular;  /* in a root that runs again and again */
	struct num n;
	struct sym sym;
};

struct origins { /* pairs: stored to, from; or compared */
	struct {
		uint32_t a, b, insn;
	} * v;
	size_t count, cap;
};

struct tally {
	uint32_t inserts, heads, head_at;
	uint32_t keyed, keyed_const, keyed_at;
	bool kicks;	       /* a tick or timer preempts CPUs */
	bool incomplete;       /* some path was not followed to its end */
	bool *pushed, *popped; /* by map */
	uint32_t *pushed_at;
	bool popped_unknown;
};

/* Constant data that is not known yet. */
struct later {
	int map;
	int64_t from, to;
};

struct analysis {
	const struct object *o;
	const struct prove_opts *opts;
	struct prove_result *out;
	struct flow *flow; /* by instruction */
	struct layout layout;
	uint32_t *weak; /* by extern: order among the weak + 1; 0: not weak */
	const struct call_row **rows; /* by extern: what it is; NULL: unknown */

	struct later *later;
	size_t later_count;

	struct root *roots;
	size_t root_count;
	const struct root *root; /* being explored */

	struct spot **spots; /* SPOTS */
	struct state *stack; /* paths to be followed */
	size_t depth, cap;
	uint64_t budget; /* of this root: steps left */
	uint32_t next_id;

	struct use *uses;
	size_t use_count, use_cap;
	struct origins stores, compares, keys;
	struct tally tally;
	bool open[PROVE_RULES]; /* something stayed unknown */
	bool violated[PROVE_RULES];
	void *chunks; /* of trails; freed at the end of a root */
	size_t chunk_used;
	/* Infinite or constant slices that a tickless policy may use. */
	struct {
		uint32_t insn;
		uint64_t ns;
	} endless[64];
	size_t endless_count;
};

/* ---- flow.c ------------------------------------------------------------ */

void flow_find(struct analysis *a);
/* Arguments that the call at insn takes, at most. */
unsigned flow_args(const struct analysis *a, const struct object_insn *in);

/* ---- state.c ----------------------------------------------------------- */

struct frame *state_top(struct state *s);		  /* for reading */
struct frame *state_own(struct state *s, uint32_t frame); /* for writing */
struct val *state_reg(struct analysis *a, struct state *s, unsigned r);
void state_set(struct state *s, unsigned r, struct val v);
void state_copy(struct state *to, const struct state *from);
void state_release(struct state *s);
bool state_push(struct state *s, uint32_t func, uint32_t site);
void state_pop(struct state *s);
/* Values that nobody will read do not tell states apart. */
void state_clean(const struct analysis *a, struct state *s);
/* Everything that can happen from `now` can from `old`. */
bool state_within(const struct state *now, const struct state *old);
/* The same, and no iterator has moved in between. */
bool state_stuck(const struct state *now, const struct state *old);
bool state_progressed(const struct state *now, const struct state *old);
/* Makes what changed since `old` unknown.  false: nothing changed. */
bool state_widen(struct state *now, const struct state *old);
bool facts_alike(const struct facts *a, const struct facts *b);
/* Runs fn over every value. */
void state_each(struct state *s, void (*fn)(struct val *v, void *arg),
		void *arg);
void state_allow(struct state *s, uint32_t cpu, uint32_t task);
bool state_allows(const struct state *s, uint32_t cpu, uint32_t task);

/* stack slots */
struct val stack_read(const struct frame *f, int64_t off, unsigned size);
void stack_write(struct frame *f, int64_t off, unsigned size, struct val v);
/* Unknown bytes; size 0: to the end of the frame. */
void stack_clobber(struct frame *f, int64_t off, uint64_t size);
/* OR of the flags of all that is kept in there. */
uint8_t stack_flags(const struct frame *f, int64_t off, uint64_t size);

/* ---- step.c, memory.c, branch.c, call.c, action.c ---------------------- */

enum step { STEP_ON, STEP_END };

/* Atomic instructions that are no more than a load and a store, by their imm;
 * a load's address is in src.  Older headers have no names for them. */
#define LOAD_ACQUIRE  0x100
#define STORE_RELEASE 0x110

static inline bool is_load_acquire(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_STX &&
	       BPF_MODE(i->code) == BPF_ATOMIC && i->imm == LOAD_ACQUIRE;
}

/* A jump that the kernel takes when it has gone on for long. */
static inline bool is_may_goto(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_JMP && BPF_OP(i->code) == 0xe0;
}

enum step step_insn(struct analysis *a, struct state *s);
uint32_t new_id(struct analysis *a);

bool memory_check(struct analysis *a, struct state *s, const struct val *p,
		  int64_t off, uint64_t size, bool write);
struct val memory_load(struct analysis *a, struct state *s, const struct val *p,
		       int64_t off, unsigned size);
void memory_store(struct analysis *a, struct state *s, const struct val *p,
		  int64_t off, unsigned size, const struct val *v);
/* Something else wrote there. */
void memory_clobber(struct state *s, const struct val *p, uint64_t size);
uint8_t memory_flags(const struct state *s, const struct val *p, uint64_t size);

enum step branch_step(struct analysis *a, struct state *s);
/* A test on this path said that the weak symbol is there. */
bool branch_has_symbol(const struct analysis *a, const struct state *s,
		       uint32_t which);
/* All values of this id are (not) NULL or 0. */
void branch_null(struct analysis *a, struct state *s, const struct val *v,
		 bool null);
void branch_link(struct state *s, uint32_t id, const struct num *n);

enum step call_step(struct analysis *a, struct state *s);
enum step call_exit(struct analysis *a, struct state *s);

struct call_row;
/* r0 is what it will return. */
void action_do(struct analysis *a, struct state *s, const struct call_row *row,
	       const struct val args[5], struct val *r0);
void action_slice(struct analysis *a, struct state *s, const struct val *v,
		  bool store);

/* ---- explore.c --------------------------------------------------------- */

void explore(struct analysis *a);
/* Another path, to be followed later; takes the state over. */
void explore_later(struct analysis *a, const struct state *s);
/* The callback returns. */
void explore_end(struct analysis *a, struct state *s);
struct trail *explore_trail(struct analysis *a, struct trail *up, uint32_t insn,
			    bool taken, uint32_t lookup);
void root_add(struct analysis *a, const struct root *r);
void root_callback(struct analysis *a, int func, const char *name,
		   const char *args, int map, enum place place);
/* false: this was looked at before.  round: it goes round a loop that ends by
 * itself (an iterator's, a callback's). */
bool explore_seen(struct analysis *a, struct state *s, bool round);

/* ---- queue.c ----------------------------------------------------------- */

void use_add(struct analysis *a, enum use_what what, uint32_t insn,
	     const struct val *id);
void origins_add(struct origins *o, uint32_t to, uint32_t from, uint32_t insn);
void queue_judge(struct analysis *a);

/* ---- report.c ---------------------------------------------------------- */

/* A finding at an instruction, the way there in its text if s is given.
 * Violations on a vague path become unknown. */
void report(struct analysis *a, const struct state *s, enum prove_rule rule,
	    enum prove_answer answer, uint32_t insn, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Unknown, and nobody needs to hear of it. */
void report_open(struct analysis *a, enum prove_rule rule);
uint32_t line_of(const struct analysis *a, uint32_t insn);
/* The call, or where its argument was made if the compiler joined calls. */
uint32_t report_place(const struct analysis *a, uint32_t insn, uint32_t site);

/* Where the way to an end without an insert parted from one with it. */
uint32_t report_parting(const struct analysis *a, const struct state *s);

#define ORIGIN_NOW	   1u
#define ORIGIN_FIELD(off)  (1u << 30 | (uint32_t)(off))
#define ORIGIN_LOAD(m, at) (2u << 30 | (uint32_t)(m) << 16 | (uint32_t)(at))

#endif
