/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The template: one scheduling policy with every decision behind a parameter.
 *
 * A task that becomes runnable and finds an idle CPU runs there at once.
 * Otherwise it waits in a queue (one for all, one per last-level cache or one
 * per CPU) ordered by a 64-bit key; the CPU that comes free takes the least
 * key.  The orders differ only in how they make the key:
 *
 *   fifo      the time it was queued
 *   vruntime  weighted run time, so that CPU time is shared by weight
 *   deadline  vruntime plus the weighted length of a typical burst, or of a
 *             turn where that is shorter
 *   longest   the time it was queued, later the shorter its expected run
 *   shortest  the time it was queued, later the longer its expected run
 *   predicted vruntime plus the slack that a burst of the length has which a
 *             model foretells (policy_learned.bpf.h)
 *
 * Keys made of time age by themselves: waiting long enough makes up for any
 * difference in expectation.  On top of that whoever waited longer than
 * starve_us is moved to a queue that is served first, whatever the order says.
 *
 * Custody: every path of enqueue inserts the task exactly once; every queue
 * that is inserted into is drained in dispatch by each CPU that can be the
 * last one awake for it.  Parameters are constant data, so the verifier
 * removes what a policy does not use.
 */
#include "policy_preempt.bpf.h"
#include "identity.bpf.h"
#include "beat.bpf.h"

char _license[] SEC("license") = "GPL";

#define SCAN_LIMIT   64
#define HANDED_LIMIT 8

/* Read by the holder after the end. */
struct policy_exit ended;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, POLICY_MAX_IDENTITIES);
	__type(key, u64);
	__type(value, struct policy_identity);
} identities SEC(".maps");

static u64 next_scan[POLICY_MAX_LLCS + POLICY_MAX_CPUS];

/* Queues that most loads never fill need not be looked into.  Once set these
 * stay so: what was put into such a queue is always found. */
static bool any_pinned, any_rescued;

/* ---- the kernel's own ------------------------------------------------- */

/* A thread that belongs to one CPU keeps the machine going: a reply of the
 * disk or the network waits for it, and everyone for that. */
static bool is_own_thread(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

/* At once; whose turn that cuts in two gets the rest of it later. */
static void insert_own_thread(struct task_struct *p, u64 enq_flags)
{
	if (enq_flags & SCX_ENQ_WAKEUP) {
		cpus[slot_of(scx_bpf_task_cpu(p))].cut = true;
		enq_flags |= SCX_ENQ_PREEMPT;
	}
	count(COUNT_DIRECT);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, params.slice_us * 1000ULL,
			   enq_flags);
}

static void note_cut(struct task *t, s32 cpu, bool runnable, u64 now)
{
	struct cpu *c = &cpus[slot_of(cpu)];

	t->left_ns = c->cut && runnable && before(now, t->turn_ends)
			     ? t->turn_ends - now
			     : 0;
	c->cut = false;
}

/* ---- placing ---------------------------------------------------------- */

static bool head_key(u64 queue, u64 *key)
{
	struct task_struct *p;
	bool found = false;

	bpf_for_each(scx_dsq, p, queue, 0)
	{
		*key = p->scx.dsq_vtime;
		found = true;
		break;
	}
	return found;
}

/*
 * p is next on this CPU, whose task sleeps in a moment, and need not stand in a
 * queue for that: unless someone there comes before it.  Every now and then all
 * who wait are looked at, however much is handed over.
 */
static void hand_over(struct task_struct *p, const struct task *t, s32 here)
{
	struct cpu *c = &cpus[slot_of(here)];
	u64 queue, head;

	queue = params.queue == QUEUE_CPU ? PRIVATE(here) : shared_queue(here);
	if (c->handed >= HANDED_LIMIT ||
	    (head_key(queue, &head) && before(head, t->key)))
		return;
	c->handed++;
	promise(here);
	count(COUNT_DIRECT);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_of(p, t, queue), 0);
}

static s32 idle_in_llc(struct task_struct *p, s32 prev)
{
	u32 llc = cpu_llc[slot_of(prev)], i;

	bpf_for(i, 0, nr_cpus)
	{
		if (cpu_llc[slot_of(i)] == llc &&
		    bpf_cpumask_test_cpu(i, p->cpus_ptr) &&
		    scx_bpf_test_and_clear_cpu_idle(i))
			return i;
	}
	return NO_CPU;
}

/* The CPU for a waking task; *idle: it was idle and is now claimed. */
static s32 place(struct task_struct *p, s32 prev, u64 wake_flags, bool *idle)
{
	s32 cpu;

	if (intents_on && any_cores) {
		cpu = place_by_cores(p, prev, idle);
		if (cpu >= 0)
			return cpu;
	}
	cpu = hooked_place(p);
	if (cpu >= 0) {
		*idle = true;
		return cpu;
	}
	if (params.place == PLACE_WAKER) {
		/* The waker is about to sleep: its CPU is as good as idle. */
		cpu = bpf_get_smp_processor_id();
		if (((wake_flags & SCX_WAKE_SYNC) || soon_free(p, cpu)) &&
		    bpf_cpumask_test_cpu(cpu, p->cpus_ptr) &&
		    !scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cpu) &&
		    !scx_bpf_dsq_nr_queued(PRIVATE(cpu)) &&
		    !scx_bpf_dsq_nr_queued(shared_queue(cpu))) {
			*idle = true;
			return cpu;
		}
	}
	if (params.place == PLACE_PREVIOUS &&
	    scx_bpf_test_and_clear_cpu_idle(prev))
		cpu = prev;
	else if (params.place == PLACE_LLC)
		cpu = idle_in_llc(p, prev);
	else if (params.place == PLACE_IDLE_CORE)
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, SCX_PICK_IDLE_CORE);
	else
		cpu = NO_CPU;
	if (cpu >= 0) {
		*idle = true;
		return cpu;
	}
	return scx_bpf_select_cpu_dfl(p, prev, wake_flags, idle);
}

POLICY_OP("select_cpu")
s32 BPF_PROG(policy_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	s32 cpu, victim, here = bpf_get_smp_processor_id();
	u64 flags = 0, now = scx_bpf_now();
	bool idle = false;
	struct task *t;

	/* Who wakes it is known here for certain. */
	if (learns()) {
		t = task_of(p);
		if (t)
			learn_woken(p, t, now);
	}
	cpu = place(p, prev, wake_flags, &idle);
	if (!params.direct ||
	    (!idle && (params.preempt == PREEMPT_NONE || is_own_thread(p))))
		return cpu;
	t = task_of(p);
	if (!t)
		return cpu;
	heed(p, t);
	if (shares_by_vtime())
		limit_lag(t);
	t->key = key_by_params(p, t, now);
	t->left_ns = 0;
	if (!idle) {
		if (declares(t, INTENT_CORES))
			return cpu;
		if (soon_free(p, here)) {
			if (!has_hooks())
				hand_over(p, t, here);
			return here;
		}
		/* A hook that is asked from here takes too deep a stack. */
		if (has_hooks())
			return cpu;
		victim = victim_for(p, t, cpu, t->key, now);
		if (victim < 0)
			return cpu;
		cpu = victim;
		flags = SCX_ENQ_PREEMPT;
		count(COUNT_PREEMPTED);
	}
	count(COUNT_DIRECT);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_of(p, t, shared_queue(cpu)),
			   flags);
	return cpu;
}

/* ---- queueing --------------------------------------------------------- */

POLICY_OP("enqueue")
void BPF_PROG(policy_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_of(p);
	u64 now = scx_bpf_now(), queue, left;
	s32 cpu;

	if (!t || is_own_thread(p)) {
		insert_own_thread(p, enq_flags);
		return;
	}
	learn_woken(p, t, now);
	heed(p, t);
	if (shares_by_vtime())
		limit_lag(t);
	t->queued_at = now;
	note_waiting(t);
	queue = queue_of(p, t);
	left = t->left_ns < MAX_SLICE_NS ? t->left_ns : MAX_SLICE_NS;
	t->left_ns = 0;
	/* A turn that was cut in two goes on where it stood. */
	if (!left || shares_by_vtime())
		t->key = key_of(p, t, now);
	if (queue >= PRIVATE(0) && !any_pinned)
		any_pinned = true;
	count(COUNT_QUEUED);
	scx_bpf_dsq_insert_vtime(p, queue, left ?: slice_of(p, t, queue),
				 t->key, enq_flags);
	/* A CPU may have gone idle since one was looked for, or none was. */
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	else if (params.preempt != PREEMPT_NONE &&
		 ((enq_flags & SCX_ENQ_WAKEUP) || !t->attained_ns))
		preempt(p, t, queue, t->key, now);
}

/* ---- dispatching ------------------------------------------------------ */

/* Moves those who waited too long to the queue that is served first. */
static void rescue(u64 queue, u32 slot, u64 now)
{
	u64 bound = params.starve_us * 1000ULL;
	struct task_struct *p;
	u32 seen = 0;

	if (!bound || slot >= POLICY_MAX_LLCS + POLICY_MAX_CPUS ||
	    before(now, next_scan[slot]))
		return;
	next_scan[slot] = now + bound / 8;
	if (scx_bpf_dsq_nr_queued(queue) <= 0)
		return;
	bpf_for_each(scx_dsq, p, queue, 0)
	{
		struct task *t = task_of(p);

		if (t && now - t->queued_at > bound &&
		    scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, queue | RESCUE_BIT,
				     0)) {
			any_rescued = true;
			count(COUNT_RESCUED);
		}
		if (++seen >= SCAN_LIMIT)
			break;
	}
}

static bool take(u64 queue, u32 what)
{
	if (!scx_bpf_dsq_move_to_local(queue))
		return false;
	cpus[slot_of(bpf_get_smp_processor_id())].handed = 0;
	count(what);
	return true;
}

/* Everything of other queues that this CPU may run. */
static bool steal(s32 cpu, bool from_cpus)
{
	u32 n = from_cpus ? nr_cpus : nr_llcs, i;
	u32 own = from_cpus ? (u32)cpu : cpu_llc[slot_of(cpu)];

	bpf_for(i, 1, n)
	{
		u32 other = own + i < n ? own + i : own + i - n;
		u64 queue = from_cpus ? PRIVATE(other) : SHARED(other);

		if ((any_rescued && take(queue | RESCUE_BIT, COUNT_STOLEN)) ||
		    take(queue, COUNT_STOLEN))
			return true;
	}
	return false;
}

/* For preemption: what this CPU runs. */
static __always_inline void note(struct task_struct *p, struct task *t, s32 cpu)
{
	struct cpu *c = &cpus[slot_of(cpu)];

	if (!tracks_turns())
		return;
	c->since = t->run_at;
	c->ends = t->run_at - t->burst_ns + t->mean_ns;
	c->promised = false;
	c->class = t->class;
	c->weight = weight_of(p, t);
	c->key = key_of(p, t, t->run_at);
	if (params.order == ORDER_PREDICTED)
		c->left = left_of_burst(t);
}

/* Does the task that runs out of its slice deserve to go on? */
static __always_inline bool goes_on(struct task_struct *prev, struct task *t,
				    u64 head, u64 now)
{
	return t && (params.order != ORDER_FIFO || asks_key()) &&
	       before(key_of(prev, t, now), head);
}

static __always_inline void go_on(struct task_struct *prev, struct task *t,
				  u64 queue, s32 cpu)
{
	count(COUNT_KEPT);
	if (!t)
		return;
	advance(t);
	note(prev, t, cpu);
	set_slice(prev, slice_of(prev, t, queue));
	t->turn_ends = t->run_at + prev->scx.slice;
}

POLICY_OP("dispatch")
void BPF_PROG(policy_dispatch, s32 cpu, struct task_struct *prev)
{
	bool runnable = prev && (prev->scx.flags & SCX_TASK_QUEUED);
	u64 own = PRIVATE(cpu), shared = shared_queue(cpu);
	u64 own_key = 0, shared_key = 0, now = scx_bpf_now();
	struct task *t = runnable ? task_of(prev) : NULL;
	bool in_own, in_shared;
	bool uses_own = params.queue == QUEUE_CPU || any_pinned;

	/* Slice by slice: who goes on alone for long must not be presented
	 * the bill when company comes. */
	if (t) {
		charge(prev, t, now);
		heed(prev, t);
	}

	if (uses_own)
		rescue(own, POLICY_MAX_LLCS + slot_of(cpu), now);
	if (params.queue != QUEUE_CPU)
		rescue(shared, (shared - SHARED(0)) % POLICY_MAX_LLCS, now);
	if (any_rescued && (take(own | RESCUE_BIT, COUNT_DISPATCHED) ||
			    (params.queue != QUEUE_CPU &&
			     take(shared | RESCUE_BIT, COUNT_DISPATCHED))))
		return;

	in_own = uses_own && head_key(own, &own_key);
	in_shared = params.queue != QUEUE_CPU && head_key(shared, &shared_key);
	if (in_own && in_shared && before(shared_key, own_key))
		in_own = false;
	if (in_own || in_shared) {
		u64 key = in_own ? own_key : shared_key;

		if (runnable && goes_on(prev, t, key, now)) {
			go_on(prev, t, own, cpu);
			return;
		}
		if (in_own && take(own, COUNT_DISPATCHED))
			return;
		/* The head of a shared queue may not be allowed here. */
		if (params.queue != QUEUE_CPU && take(shared, COUNT_DISPATCHED))
			return;
		if (uses_own && take(own, COUNT_DISPATCHED))
			return;
	}
	cpus[slot_of(cpu)].handed = 0;
	if (runnable)
		go_on(prev, t, own, cpu);
	else if (params.steal && params.queue != QUEUE_GLOBAL &&
		 steal(cpu, params.queue == QUEUE_CPU))
		return;
	else if (intents_on && any_cores && params.queue != QUEUE_CPU)
		steal(cpu, true);
}

/* ---- accounting ------------------------------------------------------- */

POLICY_OP("running")
void BPF_PROG(policy_running, struct task_struct *p)
{
	struct task *t = task_of(p);

	if (!t)
		return;
	t->run_at = scx_bpf_now();
	t->turn_ends = t->run_at + p->scx.slice;
	note_turn(t);
	advance(t);
	note(p, t, scx_bpf_task_cpu(p));
}

POLICY_OP("stopping")
void BPF_PROG(policy_stopping, struct task_struct *p, bool runnable)
{
	s32 cpu = scx_bpf_task_cpu(p);
	struct task *t = task_of(p);

	if (!t)
		return;
	charge(p, t, scx_bpf_now());
	note_cut(t, cpu, runnable, t->run_at);
	if (!runnable)
		t->mean_ns = (3 * t->mean_ns + t->burst_ns) / 4;
	note_stop(t, runnable);
	learn_stopped(p, t, runnable, t->run_at);
	classify(p, t);
	if (!runnable)
		t->burst_ns = 0;
	if (tracks_turns())
		cpus[slot_of(cpu)].since = 0;
}

#ifdef POLICY_HOOKS
POLICY_OP("runnable")
void BPF_PROG(policy_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_of(p);

	if (t)
		note_wakeup(t);
}
#endif

/* ---- coming and going ------------------------------------------------- */

POLICY_OP("init_task")
s32 BPF_PROG(policy_init_task, struct task_struct *p,
	     struct scx_init_task_args *args)
{
	struct task *t, *parent;

	t = bpf_task_storage_get(&tasks, p, NULL,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t)
		return -12; /* ENOMEM */
	t->class = CLASS_NORMAL;
	t->mean_ns = (params.interactive_us + params.batch_us) * 500ULL;
	if (!args->fork)
		return 0;
	t->fresh = true;
	parent = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL,
				      0);
	learn_forked(t, parent);
	if (parent) {
		t->expect_ns = parent->expect_ns;
		t->class = parent->class;
	}
	return 0;
}

POLICY_OP("enable")
void BPF_PROG(policy_enable, struct task_struct *p)
{
	struct task *t = task_of(p);

	if (t) {
		t->vtime = vtime_now;
		classify(p, t);
	}
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(policy_exec, struct task_struct *p, int old_pid,
	     struct linux_binprm *bprm)
{
	struct policy_identity *known;
	struct task *t = task_of(p);
	u64 hash;

	if (!t)
		return 0;
	hash = identity_hash(p, bprm);
	known = bpf_map_lookup_elem(&identities, &hash);
	learn_executed(t, hash);
	t->fresh = false;
	t->attained_ns = 0;
	/*
	 * What it was forked by is still what its expectation tells: a step
	 * of a long job matters as the job does, whatever the step is.
	 */
	if (known && known->expect_ns > t->expect_ns)
		t->expect_ns = known->expect_ns;
	else if (!known && is_brief(t))
		t->expect_ns = 0;
	/* The past of the shell that forked it says nothing. */
	t->class = CLASS_NORMAL;
	t->mean_ns = known ? known->expect_ns
			   : (params.interactive_us + params.batch_us) * 500ULL;
	count(known ? COUNT_KNOWN : COUNT_UNKNOWN);
	return 0;
}

static s32 create_queue(u64 queue)
{
	s32 rc = scx_bpf_create_dsq(queue, -1);

	return rc ? rc : scx_bpf_create_dsq(queue | RESCUE_BIT, -1);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(policy_init)
{
	s32 rc = 0;
	u32 i;

	bpf_for(i, 0, nr_llcs)
	{
		rc = create_queue(SHARED(i));
		if (rc)
			return rc;
	}
	bpf_for(i, 0, nr_cpus)
	{
		rc = create_queue(PRIVATE(i));
		if (rc)
			return rc;
	}
	return heart_start();
}

POLICY_OP("exit")
void BPF_PROG(policy_exit, struct scx_exit_info *ei)
{
	bpf_probe_read_kernel_str(ended.reason, sizeof(ended.reason),
				  ei->reason);
	bpf_probe_read_kernel_str(ended.message, sizeof(ended.message),
				  ei->msg);
	bpf_probe_read_kernel_str(ended.dump, sizeof(ended.dump), ei->dump);
	ended.code = ei->exit_code;
	ended.kind = ei->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops policy = {
	.select_cpu = (void *)policy_select_cpu,
	.enqueue = (void *)policy_enqueue,
	.dispatch = (void *)policy_dispatch,
	.running = (void *)policy_running,
	.stopping = (void *)policy_stopping,
#ifdef POLICY_HOOKS
	.runnable = (void *)policy_runnable,
#endif
	.enable = (void *)policy_enable,
	.init_task = (void *)policy_init_task,
	.init = (void *)policy_init,
	.exit = (void *)policy_exit,
	.timeout_ms = 30000,
	.exit_dump_len = POLICY_DUMP_LEN,
	.name = "schedkit",
};
