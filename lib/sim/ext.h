/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the sched_ext class share; nobody else includes it.
 *
 *   ext.c        the class: what the engine calls
 *   ext_load.c   before the first task and after the last
 *   ext_run.c    calling the policy's callbacks; errors, faults
 *   ext_core.c   who owns a task, where it waits
 *   ext_pick.c   dispatching, picking, kicks
 *   ext_dsq.c    dispatch queues
 *   ext_idle.c   idle CPUs
 *   ext_task.c   what policies see of tasks;  ext_cgroup.c: of cgroups
 *   ext_learn.c  what belongs to a policy that follows a model
 *   ext_watch.c  the watchdog, findings about tasks that wait
 *   ext_calls*.c the kernel functions that policies call
 *   kernel.c     the kernel's types;  policy.c: opening a policy
 *
 * The behaviour is that of kernel/sched/ext.c in Linux 6.18, and of later ones
 * where policies can tell the difference.
 */
#ifndef SCHEDKIT_SIM_EXT_H
#define SCHEDKIT_SIM_EXT_H

#include "base/strs.h"
#include "bpf/intent_abi.h"
#include "bpf/policy_abi.h"
#include "bpf/simkernel_abi.h"
#include "bpfvm/vm.h"
#include "sim/state.h"

#define EXT_MAX_ITERS 16
#define EXT_NO_CPU    UINT32_MAX
#define EXT_NO_INSN   UINT32_MAX
/* The machine has been up for so long: no time stamp is 0. */
#define EXT_EPOCH_NS 1000000000000ULL
/* kernel/sched/sched.h */
#define EXT_WAKE_EXEC	2
#define EXT_NO_NODE	(-1)
#define EXT_EV(e, what) ((e)->events.SCX_EV_##what++)

/* ---- a policy, opened ------------------------------------------------- */

struct sim_policy {
	struct object *object;
	struct vm_calls *calls;
	struct btf *types;
	uint32_t kernel;  /* 60018 */
	bool is_template; /* has the template's variables */
	struct policy_params params;
	struct json *identities;      /* of the policy's body, or NULL */
	struct intent_rules *intents; /* or NULL */
	struct forecast *model;	      /* of the policy's body, or NULL */
	bool oracle;		      /* the model's answers are true */
	struct strs set;	      /* variables that the caller has set */
	uint32_t timeout_ms;
};

#define KERNEL_DEFAULT 60018
#define KERNEL_HZ      1000 /* what programs read as CONFIG_HZ */

/* The kernel's types as that version has them. */
int kernel_types(uint32_t kernel, struct btf **out);

/* ---- dispatch queues -------------------------------------------------- */

/* In a ring; a cursor is a place in it that is no task. */
struct ext_link {
	struct ext_link *prev, *next;
	bool cursor;
};

struct ext_task;

struct ext_dsq {
	struct kernel_scx_dispatch_q k; /* as policies see it */
	uint32_t region;
	uint32_t cpu;	       /* of a local one; else EXT_NO_CPU */
	struct ext_link list;  /* in the order they leave */
	struct ext_task *root; /* treap by vtime; NULL: a FIFO, or empty */
	struct ext_dsq *hash_next;
};

struct ext_iter {
	struct ext_link cursor; /* prev NULL: nowhere */
	struct ext_dsq *dsq;
	uint64_t addr; /* where the policy keeps it */
	uint32_t seq;
	bool used, reverse, has_slice, has_vtime;
	uint64_t slice, vtime;
};

/* ---- tasks ------------------------------------------------------------ */

/* Who has a task that is runnable and not running; kept apart from what the
 * policy sees. */
enum ext_owner {
	OWNER_NONE,	/* the core: in a queue, running, or asleep */
	OWNER_QUEUEING, /* inside ops.enqueue() */
	OWNER_POLICY,	/* the policy, until it dispatches it */
};

struct ext_task {
	struct kernel_task_struct k;
	struct kernel_mm_struct mm;
	struct kernel_signal_struct signal;
	struct sim_task *t; /* NULL: an idle task, or one that is gone */
	uint32_t region, mm_region, signal_region;
	uint32_t refs; /* held by the policy */

	enum ext_owner owner;
	bool custody; /* 7.1: the policy was given it and not yet told of its
			 leaving */
	uint32_t qseq;
	struct ext_dsq *dsq;
	struct ext_link link; /* in dsq, or in a CPU's deferred list */
	/* The treap of dsq. */
	struct ext_task *left, *right, *up;
	uint64_t heap;
	bool in_treap;

	struct ext_link runnable; /* in its CPU's list; prev NULL: no */
	uint32_t insn;		  /* that decided last where it waits */
	bool selected;		  /* ops.select_cpu() was asked just now */
	bool had_children;
	struct ext_task *next_free, *next_all;
};

/* ---- CPUs ------------------------------------------------------------- */

struct ext_slot { /* of the dispatch buffer */
	struct ext_task *task;
	uint32_t qseq, insn;
	uint64_t dsq_id, enq_flags;
};

/* A mask that policies can be given the address of. */
struct ext_mask {
	struct kernel_cpumask k;
	uint32_t region;
};

struct ext_cpu {
	struct kernel_rq rq;
	uint32_t region;
	struct ext_task idle;
	struct ext_dsq local;
	struct ext_mask only;	  /* this CPU alone */
	struct ext_link runnable; /* of this CPU, longest first */
	struct ext_link deferred; /* to be put in other CPUs' local queues */
	struct ext_task *curr;	  /* may have gone to sleep; NULL: idle */
	struct ext_task *last;	  /* who made room for who begins */
	bool in_balance;
	uint32_t distribute; /* the CPU chosen last, to take turns */
	uint32_t qseq;
	bool was_idle; /* as ops.update_idle() was told */
	bool online;
	struct ext_slot *slots;
	uint32_t cursor, dispatched;
	/* Kicks by callbacks on this CPU, done when they are over. */
	bool kicks;
	bool reenqueue; /* the local queue, likewise */
	uint64_t kick[LOAD_CPU_WORDS], kick_idle[LOAD_CPU_WORDS],
		kick_preempt[LOAD_CPU_WORDS];
};

/* ---- the class -------------------------------------------------------- */

/* The kernel's groups of callbacks, by what they may call. */
enum ext_context {
	CTX_UNLOCKED = 1, /* may sleep */
	CTX_CPU_RELEASE = 2,
	CTX_DISPATCH = 4,
	CTX_ENQUEUE = 8,
	CTX_SELECT_CPU = 16,
	CTX_REST = 32,
	CTX_FREE = 64, /* a tracepoint, a timer */
};

/* clang-format has no form for such a list. */
/* clang-format off */
#define EXT_OPS(X) \
	X(select_cpu) X(enqueue) X(dequeue) X(dispatch) X(tick) X(runnable) \
	X(running) X(stopping) X(quiescent) X(yield) X(core_sched_before) \
	X(set_weight) X(set_cpumask) X(update_idle) X(cpu_acquire) \
	X(cpu_release) X(init_task) X(exit_task) X(enable) X(disable) \
	X(dump) X(dump_cpu) X(dump_task) X(cgroup_init) X(cgroup_exit) \
	X(cgroup_prep_move) X(cgroup_move) X(cgroup_cancel_move) \
	X(cgroup_set_weight) X(cgroup_set_bandwidth) X(cgroup_set_idle) \
	X(cpu_online) X(cpu_offline) X(init) X(exit)
/* clang-format on */

#define EXT_TRACES(X)         \
	X(sched_process_exec) \
	X(sched_process_fork) \
	X(sched_process_exit) \
	X(sched_switch) X(sched_wakeup) X(sched_wakeup_new)

enum ext_op {
#define X(name) OP_##name,
	EXT_OPS(X) EXT_OP_COUNT,
#undef X
};

enum ext_trace {
#define X(name) TRACE_##name,
	EXT_TRACES(X) EXT_TRACE_COUNT,
#undef X
};

#define EXT_TRACE_PROGRAMS 4 /* for one tracepoint */

struct ext_idle_masks {
	struct ext_mask cpu, smt;
};

struct ext_cgroup {
	struct kernel_cgroup k;
	struct kernel_kernfs_node kn;
	struct kernel_css_set set;
	struct kernel_task_group group;
	uint32_t region, kn_region, set_region, group_region, name_region;
	const struct load_cgroup *def;
};

/* What was executed: text in user memory whose hash stands for a load's. */
struct ext_identity {
	uint64_t hash;	/* the load's */
	char text[128]; /* path, NUL, arguments, NULs */
	uint32_t region;
	uint32_t args, args_len; /* in text */
};

union ext_args {
	struct kernel_scx_init_task_args init;
	struct kernel_scx_exit_task_args exit;
};

struct ext {
	struct sim *s;
	struct sim_policy *policy;
	struct vm *vm;
	struct vm_host host;
	uint32_t kernel;
	uint64_t flags; /* ops.flags */
	uint32_t max_batch;
	uint64_t enq_head, enq_cpu_selected; /* differ by version */
	int op[EXT_OP_COUNT];		     /* functions; -1: none */
	int trace[EXT_TRACE_COUNT][EXT_TRACE_PROGRAMS];
	int trace_count[EXT_TRACE_COUNT];
	int stat_of_op[EXT_OP_COUNT]; /* in result->callbacks; -1: none yet */
	int stat_of_trace[EXT_TRACE_COUNT], stat_of_timer;

	struct ext_cpu *cpus; /* s->nr_cpus */
	struct ext_mask possible, online, none;
	struct ext_idle_masks *idle; /* one, or one per node */
	uint32_t idle_count;
	uint32_t nodes;
	bool idle_enabled; /* the core keeps track of idle CPUs */
	struct kernel_cpumask *llc, *node; /* spans */
	uint32_t words;			   /* of a mask that can have bits */
	bool by_llc, by_node, smt;	   /* what select_cpu_dfl() looks at */

	struct ext_dsq *global; /* per node */
	struct ext_dsq **hash;
	uint32_t hash_bits, dsq_count;
	struct ext_iter iters[EXT_MAX_ITERS];
	bool iters_open; /* some may be */

	struct ext_cgroup *cgroups; /* as in the load */
	struct ext_identity **identities;
	size_t identity_count;
	struct ext_task *free;	/* that were tasks once */
	struct ext_task *all;	/* by next_all, whatever became of them */
	struct ext_task *shell; /* parent of what nobody forked */
	struct kernel_cred cred;
	uint32_t cred_region;
	struct kernel_linux_binprm bprm;
	uint32_t bprm_region;
	union ext_args args; /* of init_task() and exit_task() */
	uint32_t args_region;
	struct ext_task **by_pid;
	uint32_t by_pid_len;

	/* What runs now. */
	uint32_t cpu;		 /* on this CPU */
	unsigned context;	 /* enum ext_context bits */
	struct ext_task *arg[2]; /* tasks the callback is about */
	uint32_t locked;	 /* CPU whose queue is locked; EXT_NO_CPU */
	/* Direct dispatch: the task that may be, and whether it was. */
	struct ext_task *direct;
	bool direct_done;
	const char *running; /* the callback's name */
	uint32_t depth;
	uint64_t inner_insns; /* of runs inside of runs */

	struct kernel_scx_event_stats events;
	int32_t *preempt_count; /* the kernel's variable, of each CPU */
	uint32_t *preempt_regions;
	struct ext_look *look;
	struct sim_event watchdog;
	uint64_t timeout_ns;
	struct ext_timer **timers;
	uint32_t timer_count;
	uint64_t kicks; /* but those of idle CPUs */
	uint32_t kick_insn;
	bool dead; /* ejected: no more callbacks but the last ones */
	bool enabled;
	struct kernel_scx_exit_info exit; /* kind 0: still loaded */
	char exit_text[SCX_EXIT_MSG_LEN];
};

struct ext_timer {
	struct sim_event event;
	struct ext *e;
	uint32_t id;
	uint32_t cpu; /* that armed it */
};

extern const char *const ext_op_names[EXT_OP_COUNT],
	*const ext_trace_names[EXT_TRACE_COUNT];
extern const struct vm_kind ext_kind_task, ext_kind_cpumask, ext_kind_cgroup,
	ext_kind_rq;
extern const struct vm_call ext_calls_queue[], ext_calls_cpu[],
	ext_calls_task[];

static inline struct ext *ext_of(struct vm *vm)
{
	return vm_host(vm)->arg;
}

static inline struct ext_task *ext_task(const struct sim_task *t)
{
	return t->ext;
}

static inline bool ext_has(const struct ext *e, enum ext_op op)
{
	return e->op[op] >= 0;
}

static inline uint64_t ext_addr(const struct ext_task *x)
{
	return x ? vm_addr(x->region) : 0;
}

static inline bool mask_has(const struct kernel_cpumask *m, uint32_t cpu)
{
	return m->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline void mask_set(struct kernel_cpumask *m, uint32_t cpu)
{
	m->bits[cpu / 64] |= 1ULL << (cpu % 64);
}

static inline void mask_clear(struct kernel_cpumask *m, uint32_t cpu)
{
	m->bits[cpu / 64] &= ~(1ULL << (cpu % 64));
}

uint64_t ext_now(const struct ext *e);
uint64_t ext_jiffies(const struct ext *e);

/* ---- ext_load.c ------------------------------------------------------- */

int ext_start(struct sim *s);
void ext_stop(struct sim *s);
void ext_exit_task(struct ext *e, struct ext_task *x);

/* ---- ext_learn.c ------------------------------------------------------ */

int ext_learn_start(struct ext *e); /* when there is a VM */
void ext_learn_report(struct ext *e);
void ext_learn_stop(struct ext *e);

/* ---- ext_run.c -------------------------------------------------------- */

/* Calls ops.op; the answer, or 0 if there is no such callback or it failed. */
uint64_t ext_call(struct ext *e, enum ext_op op, enum ext_context ctx,
		  uint32_t locked, const uint64_t *args, int nargs);
/* The same about one task: it is args[0] and the callback's subject. */
uint64_t ext_call_task(struct ext *e, enum ext_op op, enum ext_context ctx,
		       struct ext_task *x, uint64_t arg);
void ext_trace(struct ext *e, enum ext_trace what, const uint64_t *args,
	       int nargs);
void ext_set_timer(void *arg, uint32_t id, uint64_t ns, bool absolute,
		   bool pinned);
const char *ext_reason(const struct ext *e); /* of exit.kind */

/* The kernel's scx_error(): a finding at insn and the end of the policy. */
void ext_error(struct ext *e, enum sim_rule rule, uint32_t insn,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void ext_exit(struct ext *e, int kind, int64_t code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Where a callback begins; EXT_NO_INSN: there is none. */
uint32_t ext_first_insn(const struct ext *e, enum ext_op op);
/* The line of an instruction; leaves both alone if there is none. */
void ext_line(const struct ext *e, uint32_t insn, const char **file,
	      uint32_t *line);
/* false: a fault is set: the running callback must not call this. */
bool ext_allowed(struct ext *e, const char *what, unsigned contexts);

/* ---- ext_dsq.c -------------------------------------------------------- */

void ext_link_init(struct ext_link *head);
void ext_link_add(struct ext_link *after, struct ext_link *l);
void ext_link_del(struct ext_link *l);

void dsq_init(struct ext *e, struct ext_dsq *q, uint64_t id, uint32_t cpu);
int dsq_create(struct ext *e, uint64_t id);
struct ext_dsq *dsq_find(const struct ext *e, uint64_t id);
void dsq_destroy(struct ext *e, uint64_t id);
void dsq_free_all(struct ext *e);
/* Next after x in the queue's order, NULL: the first; cursors are skipped. */
struct ext_task *dsq_next(const struct ext_dsq *q, const struct ext_task *x,
			  bool reverse);
void dsq_insert(struct ext *e, struct ext_dsq *q, struct ext_task *x,
		uint64_t enq_flags);
void dsq_remove(struct ext_dsq *q, struct ext_task *x);

int dsq_iter_new(struct ext *e, uint64_t addr, uint64_t id, uint64_t flags);
struct ext_iter *dsq_iter_of(struct ext *e, uint64_t addr);
struct ext_task *dsq_iter_next(struct ext_iter *it);
void dsq_iter_end(struct ext_iter *it);

/* ---- ext_core.c ------------------------------------------------------- */

struct ext_dsq *ext_find_dsq(struct ext *e, uint64_t id, struct ext_task *x,
			     uint32_t local_cpu, uint32_t insn);
uint32_t ext_select(struct ext *e, struct ext_task *x, uint32_t prev,
		    uint64_t wake_flags);
/* sticky: it stays on its CPU, the policy is not asked. */
void ext_enqueue(struct ext *e, struct ext_task *x, uint64_t flags,
		 bool sticky);
void ext_dequeue(struct ext *e, struct ext_task *x, uint64_t flags);
void ext_do_enqueue(struct ext *e, struct ext_task *x, uint64_t flags,
		    bool sticky);
/* What a direct dispatch put off, now that no queue is locked. */
void ext_deferred(struct ext *e, uint32_t cpu);
/* scx_bpf_dsq_insert() once its arguments are known to be good. */
void ext_insert(struct ext *e, struct ext_task *x, uint64_t dsq_id,
		uint64_t enq_flags);
/* Moves x from a queue that is not local, as an iterator asks. */
void ext_move(struct ext *e, struct ext_task *x, struct ext_dsq *to,
	      uint64_t enq_flags);
uint32_t ext_reenqueue_local(struct ext *e, uint32_t cpu);
void ext_runnable_add(struct ext *e, struct ext_task *x);
void ext_runnable_del(struct ext_task *x, bool reset);

/* ---- ext_pick.c ------------------------------------------------------- */

void ext_flush(struct ext *e, uint32_t cpu);
bool ext_consume(struct ext *e, uint32_t cpu, struct ext_dsq *q);
/* Who runs next; its callbacks are left to ext_begin(). */
struct ext_task *ext_pick(struct ext *e, uint32_t cpu);
void ext_begin(struct ext *e, uint32_t cpu, struct ext_task *x);
void ext_kick(struct ext *e, uint32_t cpu, uint64_t flags);
void ext_kicks_done(struct ext *e, uint32_t cpu);

/* Between the two. */
void ext_dispatch_to(struct ext *e, struct ext_dsq *q, struct ext_task *x,
		     uint64_t flags);
void ext_dispatch_to_local(struct ext *e, struct ext_dsq *q, struct ext_task *x,
			   uint64_t flags);
bool ext_can_go(struct ext *e, struct ext_task *x, uint32_t cpu, bool enforce);
void ext_go(struct ext *e, struct ext_task *x, uint32_t cpu, uint64_t flags);
struct ext_dsq *ext_global(struct ext *e, uint32_t cpu);

/* ---- ext_idle.c ------------------------------------------------------- */

void ext_idle_start(struct ext *e);
void ext_idle_stop(struct ext *e);
void ext_idle_topology(struct ext *e); /* after hotplug, too */
void ext_idle_update(struct ext *e, uint32_t cpu, bool idle, bool notify);
bool ext_idle_test_and_clear(struct ext *e, uint32_t cpu);
struct ext_idle_masks *ext_idle_masks(struct ext *e, int node);
int ext_idle_node(const struct ext *e,
		  uint32_t cpu); /* EXT_NO_NODE: one for all */
/* A negative errno: none. */
int32_t ext_idle_pick(struct ext *e, const struct kernel_cpumask *allowed,
		      int node, uint64_t flags);
int32_t ext_idle_select(struct ext *e, struct ext_task *x, uint32_t prev,
			uint64_t wake_flags,
			const struct kernel_cpumask *allowed, uint64_t flags);

/* ---- ext_task.c, ext_cgroup.c ----------------------------------------- */

void task_view_start(struct ext *e);
void task_view_stop(struct ext *e);
struct ext_task *task_view_new(struct ext *e, struct sim_task *t);
/* The task is gone; its bytes stay while the policy holds a reference. */
void task_view_gone(struct ext *e, struct ext_task *x);
void task_view_put(struct ext *e, struct ext_task *x);
void task_view_affinity(struct ext *e, struct ext_task *x);
void task_view_weight(struct ext_task *x);
/* Fills e->bprm, too. */
void task_view_exec(struct ext *e, struct ext_task *x);
/* What a policy will compute for a load's identity. */
uint64_t task_view_hash(struct ext *e, uint64_t hash);
struct ext_task *task_view_by_pid(const struct ext *e, int32_t pid);
struct ext_task *task_view_current(const struct ext *e);
void task_view_describe(void *arg, struct vm_current *c);

void ext_cgroup_start(struct ext *e);
bool ext_cgroup_init(struct ext *e, uint32_t i); /* false: the end */
void ext_cgroup_exit(struct ext *e);
struct ext_cgroup *ext_cgroup_by_id(struct ext *e, uint64_t id);

/* ---- ext_watch.c ------------------------------------------------------ */

void ext_watch_start(struct ext *e);
void ext_watch_slice(struct ext *e, uint32_t cpu);
void ext_watch_end(struct ext *e);
void ext_watch_kicks(struct ext *e);
void ext_watch_costs(struct ext *e);

#endif
