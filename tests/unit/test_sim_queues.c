/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dispatch queues and what is dispatched, beside arrays that are sorted. */
#include "base/clock.h"
#include "sim_bench.h"

#define TASKS	     "cpus 1\nt*32 : run 1s\npinned mask=0 : run 1s\n"
#define QUEUE	     7
#define OLD_ENQ_HEAD 0x10

static struct bench *with_tasks(const char *machine, uint32_t kernel, int n)
{
	struct bench *b = bench_new(machine, "good/minimal", kernel, 0, TASKS);

	for (int i = 0; i < n; i++)
		b->x[i] = bench_task(b, 0, 0);
	b->e->cpu = 0;
	b->e->context = CTX_UNLOCKED;
	assert_int_equal(
		(int)bench_call(b, "scx_bpf_create_dsq", QUEUE, (uint64_t)-1),
		0);
	b->e->context = CTX_DISPATCH;
	return b;
}

/* The policy has them: as after ops.enqueue() without an insertion. */
static void policy_has(struct bench *b, int i)
{
	struct ext_task *x = b->x[i];

	x->t->state = TASK_RUNNABLE;
	x->k.scx.flags |= SCX_TASK_QUEUED;
	ext_runnable_add(b->e, x);
	x->owner = OWNER_POLICY;
	x->qseq = (uint32_t)i + 50;
}

/* ---- order -------------------------------------------------------------- */

struct naive {
	struct {
		int task;
		uint64_t vtime;
	} v[BENCH_TASKS];
	int n;
};

static void naive_put(struct naive *q, int at, int task, uint64_t vtime)
{
	memmove(&q->v[at + 1], &q->v[at],
		sizeof(q->v[0]) * (size_t)(q->n - at));
	q->v[at].task = task;
	q->v[at].vtime = vtime;
	q->n++;
}

static int naive_find(const struct naive *q, int task)
{
	int i = 0;

	while (i < q->n && q->v[i].task != task)
		i++;
	return i;
}

static void naive_remove(struct naive *q, int at)
{
	q->n--;
	memmove(&q->v[at], &q->v[at + 1],
		sizeof(q->v[0]) * (size_t)(q->n - at));
}

static void stand_as(const struct bench *b, const struct ext_dsq *q,
		     const struct naive *n)
{
	const struct ext_task *x = NULL;

	assert_int_equal(q->k.nr, n->n);
	for (int i = 0; i < n->n; i++) {
		x = dsq_next(q, x, false);
		assert_ptr_equal(x, b->x[n->v[i].task]);
	}
	assert_null(dsq_next(q, x, false));
	x = NULL;
	for (int i = n->n; i-- > 0;) {
		x = dsq_next(q, x, true);
		assert_ptr_equal(x, b->x[n->v[i].task]);
	}
	assert_null(dsq_next(q, x, true));
}

static void queues_keep_their_order(void **state)
{
	(void)state;
	for (int by_vtime = 0; by_vtime < 2; by_vtime++) {
		struct bench *b = with_tasks("2", 60018, BENCH_TASKS);
		struct ext_dsq *q = dsq_find(b->e, QUEUE);
		struct naive n = {.n = 0};
		struct rng rng;

		rng_init(&rng, 3);
		for (int i = 0; i < 3000; i++) {
			int task = (int)rng_below(&rng, BENCH_TASKS);
			int at = naive_find(&n, task);
			bool head = rng_below(&rng, 4) == 0;
			/* Around where the numbers begin again. */
			uint64_t vtime = rng_below(&rng, 40) - 20;

			if (at < n.n) {
				dsq_remove(q, b->x[task]);
				naive_remove(&n, at);
			} else if (by_vtime) {
				b->x[task]->k.scx.dsq_vtime = vtime;
				dsq_insert(b->e, q, b->x[task],
					   SCX_ENQ_DSQ_PRIQ);
				for (at = 0;
				     at < n.n &&
				     (int64_t)n.v[at].vtime <= (int64_t)vtime;)
					at++;
				naive_put(&n, at, task, vtime);
			} else {
				dsq_insert(b->e, q, b->x[task],
					   !head      ? 0
					   : task % 2 ? OLD_ENQ_HEAD
						      : SCX_ENQ_PREEMPT);
				naive_put(&n, head ? 0 : n.n, task, 0);
			}
			stand_as(b, q, &n);
		}
		while (q->k.nr)
			dsq_remove(q, dsq_next(q, NULL, false));
		bench_well(b);
		bench_free(b);
	}
}

/* One order at a time, and built-in queues have one only. */
static void orders_are_not_mixed(void **state)
{
	struct bench *b = with_tasks("2", 0, 3);
	struct ext_dsq *q = dsq_find(b->e, QUEUE);

	(void)state;
	dsq_insert(b->e, q, b->x[0], 0);
	dsq_insert(b->e, q, b->x[1], SCX_ENQ_DSQ_PRIQ);
	bench_error(b, "already had FIFO-enqueued");
	dsq_remove(q, b->x[0]);
	dsq_insert(b->e, q, b->x[2], SCX_ENQ_DSQ_PRIQ);
	bench_well(b);
	dsq_insert(b->e, q, b->x[0], 0);
	bench_error(b, "already had PRIQ-enqueued");
	for (int i = 0; i < 3; i++)
		dsq_remove(q, b->x[i]);
	dsq_insert(b->e, &b->e->cpus[1].local, b->x[0], SCX_ENQ_DSQ_PRIQ);
	bench_error(b, "vtime ordering for built-in");
	assert_null(b->e->cpus[1].local.root);
	dsq_remove(&b->e->cpus[1].local, b->x[0]);
	bench_free(b);
}

/* ---- iterators ---------------------------------------------------------- */

static void iterators_see_who_stood_there(void **state)
{
	(void)state;
	for (uint64_t reverse = 0; reverse <= SCX_DSQ_ITER_REV;
	     reverse += SCX_DSQ_ITER_REV) {
		static const int forward[] = {0, 1, 3, 4},
				 backward[] = {4, 3, 1, 0};
		const int *want = reverse ? backward : forward;
		struct bench *b = with_tasks("2", 0, 8);
		struct ext_dsq *q = dsq_find(b->e, QUEUE);
		uint64_t it = b->at;

		for (int i = 0; i < 5; i++)
			dsq_insert(b->e, q, b->x[i], 0);
		assert_int_equal((int)bench_call(b, "bpf_iter_scx_dsq_new", it,
						 QUEUE, reverse),
				 0);
		/* Whoever comes now is not seen, nor who goes before. */
		dsq_insert(b->e, q, b->x[5], 0);
		dsq_insert(b->e, q, b->x[6], OLD_ENQ_HEAD);
		dsq_remove(q, b->x[2]);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(
				bench_call(b, "bpf_iter_scx_dsq_next", it),
				ext_addr(b->x[want[i]]));
			/* Where it stands, one may go or come. */
			if (i == 1)
				dsq_remove(q, b->x[want[1]]);
			dsq_insert(b->e, q, b->x[7], 0);
			dsq_remove(q, b->x[7]);
		}
		assert_int_equal(bench_call(b, "bpf_iter_scx_dsq_next", it), 0);
		bench_call(b, "bpf_iter_scx_dsq_destroy", it);
		bench_well(b);
		bench_call(b, "bpf_iter_scx_dsq_destroy", it);
		bench_fault(b, "was not opened");
		while (q->k.nr)
			dsq_remove(q, dsq_next(q, NULL, false));
		bench_free(b);
	}
}

static void iterators_that_are_none(void **state)
{
	struct bench *b = with_tasks("2", 0, 1);

	(void)state;
	assert_int_equal(
		(int)bench_call(b, "bpf_iter_scx_dsq_new", b->at, QUEUE, 1),
		-EINVAL);
	bench_call(b, "bpf_iter_scx_dsq_destroy", b->at);
	assert_int_equal(
		(int)bench_call(b, "bpf_iter_scx_dsq_new", b->at, 99, 0),
		-ENOENT);
	assert_int_equal(bench_call(b, "bpf_iter_scx_dsq_next", b->at), 0);
	bench_call(b, "bpf_iter_scx_dsq_destroy", b->at);
	for (uint64_t i = 0; i <= EXT_MAX_ITERS; i++)
		assert_int_equal((int)bench_call(b, "bpf_iter_scx_dsq_new",
						 b->at + i * 48, QUEUE, 0),
				 i < EXT_MAX_ITERS ? 0 : -ENOMEM);
	bench_well(b);
	bench_call(b, "bpf_iter_scx_dsq_new", b->at, QUEUE, 0);
	bench_fault(b, "open already");
	bench_free(b);
}

static void moves_take_what_they_were_told(void **state)
{
	struct bench *b = with_tasks("2", 0, 4);
	struct ext_dsq *q = dsq_find(b->e, QUEUE), *to;

	(void)state;
	b->e->context = CTX_UNLOCKED;
	bench_call(b, "scx_bpf_create_dsq", 8, (uint64_t)-1);
	to = dsq_find(b->e, 8);
	for (int i = 0; i < 3; i++) {
		policy_has(b, i);
		dsq_insert(b->e, q, b->x[i], 0);
		b->x[i]->k.scx.slice = 111;
		b->x[i]->k.scx.dsq_vtime = 222;
	}
	b->e->context = CTX_DISPATCH;
	bench_call(b, "bpf_iter_scx_dsq_new", b->at, QUEUE, 0);
	bench_call(b, "scx_bpf_dsq_move_set_slice", b->at, 5);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move", b->at,
				    ext_addr(b->x[0]), 8, 0),
			 1);
	assert_int_equal(b->x[0]->k.scx.slice, 5);
	assert_int_equal(b->x[0]->k.scx.dsq_vtime, 222);
	assert_ptr_equal(b->x[0]->dsq, to);
	/* That was for one move; and it is in the queue no more. */
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move", b->at,
				    ext_addr(b->x[0]), 8, 0),
			 0);
	bench_call(b, "scx_bpf_dsq_move_set_vtime", b->at, 9);
	dsq_remove(to, b->x[0]);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move_vtime", b->at,
				    ext_addr(b->x[1]), 8, 0),
			 1);
	assert_int_equal(b->x[1]->k.scx.slice, 111);
	assert_int_equal(b->x[1]->k.scx.dsq_vtime, 9);
	assert_ptr_equal(to->root, b->x[1]);
	/* Came after the iteration began. */
	dsq_insert(b->e, q, b->x[3], 0);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move", b->at,
				    ext_addr(b->x[3]), 8, 0),
			 0);
	bench_well(b);
	bench_call(b, "scx_bpf_dsq_move", b->at + 48, ext_addr(b->x[3]), 8, 0);
	bench_fault(b, "no iterator");
	b->e->context = CTX_ENQUEUE;
	bench_call(b, "scx_bpf_dsq_move", b->at, ext_addr(b->x[2]), 8, 0);
	bench_fault(b, "must not be called");
	dsq_remove(q, b->x[2]);
	dsq_remove(q, b->x[3]);
	dsq_remove(to, b->x[1]);
	bench_free(b);
}

/* ---- inserting ---------------------------------------------------------- */

static void dispatching_has_slots(void **state)
{
	struct bench *b = with_tasks("2", 0, 32);
	struct ext_dsq *q;

	(void)state;
	q = dsq_find(b->e, QUEUE);
	for (int i = 0; i < 32; i++)
		policy_has(b, i);
	assert_int_equal(bench_call(b, "scx_bpf_dispatch_nr_slots"), 32);
	for (int i = 0; i < 3; i++)
		bench_call(b, "scx_bpf_dsq_insert", ext_addr(b->x[i]), QUEUE, 7,
			   0);
	assert_int_equal(bench_call(b, "scx_bpf_dispatch_nr_slots"), 29);
	bench_call(b, "scx_bpf_dispatch_cancel");
	assert_int_equal(bench_call(b, "scx_bpf_dispatch_nr_slots"), 30);
	/* One goes from the policy's hands to another's meanwhile. */
	b->x[1]->qseq++;
	ext_flush(b->e, 0);
	assert_int_equal(q->k.nr, 1);
	assert_ptr_equal(b->x[0]->dsq, q);
	assert_int_equal(b->x[0]->owner, OWNER_NONE);
	assert_int_equal(b->x[2]->owner, OWNER_POLICY);
	assert_int_equal(b->e->events.SCX_EV_INSERT_NOT_OWNED, 1);
	assert_int_equal(b->e->cpus[0].dispatched, 2);
	assert_int_equal(bench_call(b, "scx_bpf_dispatch_nr_slots"), 32);
	bench_well(b);
	bench_call(b, "scx_bpf_dispatch_cancel");
	bench_error(b, "buffer underflow");
	for (int i = 0; i < 32; i++)
		bench_call(b, "scx_bpf_dsq_insert", ext_addr(b->x[2]), QUEUE, 7,
			   0);
	bench_well(b);
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(b->x[2]), QUEUE, 7, 0);
	bench_error(b, "buffer overflow");
	b->e->cpus[0].cursor = 0;
	dsq_remove(q, b->x[0]);
	bench_free(b);
}

static void inserting_sets_slice_and_vtime(void **state)
{
	struct bench *b = with_tasks("2", 0, 2);
	struct ext_task *x = b->x[0];

	(void)state;
	policy_has(b, 0);
	bench_call(b, "scx_bpf_dsq_insert_vtime", ext_addr(x), QUEUE, 70, 33,
		   0);
	assert_int_equal(x->k.scx.slice, 70);
	assert_int_equal(x->k.scx.dsq_vtime, 33);
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(x), QUEUE, 0, 0);
	assert_int_equal(x->k.scx.slice, 70);
	x->k.scx.slice = 0;
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(x), QUEUE, 0, 0);
	assert_int_equal(x->k.scx.slice, 1);
	bench_well(b);
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(x), QUEUE, 0, 1ull << 57);
	bench_error(b, "invalid enq_flags");
	b->e->context = CTX_REST;
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(x), QUEUE, 0, 0);
	bench_fault(b, "must not be called");
	bench_call(b, "scx_bpf_dispatch_nr_slots");
	bench_fault(b, "must not be called");
	bench_call(b, "scx_bpf_dispatch_cancel");
	bench_fault(b, "must not be called");
	bench_call(b, "scx_bpf_dsq_move_to_local", QUEUE);
	bench_fault(b, "must not be called");
	bench_call(b, "scx_bpf_create_dsq", 9, (uint64_t)-1);
	bench_fault(b, "must not be called");
	b->e->cpus[0].cursor = 0;
	bench_free(b);
}

/* In ops.enqueue(): the task it is about, once. */
static void dispatching_directly(void **state)
{
	struct bench *b = with_tasks("2", 0, 2);

	(void)state;
	b->e->context = CTX_ENQUEUE;
	b->e->direct = b->x[0];
	b->e->direct_done = false;
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(b->x[0]), QUEUE, 5, 3);
	assert_int_equal(b->x[0]->k.scx.ddsp_dsq_id, QUEUE);
	assert_int_equal(b->x[0]->k.scx.ddsp_enq_flags, 3);
	assert_int_equal(b->e->cpus[0].cursor, 0);
	bench_well(b);
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(b->x[0]), QUEUE, 5, 0);
	bench_error(b, "already direct-dispatched");
	b->e->direct_done = false;
	bench_call(b, "scx_bpf_dsq_insert", ext_addr(b->x[1]), QUEUE, 5, 0);
	bench_error(b, "but trying to direct-dispatch");
	b->e->direct = NULL;
	b->x[0]->k.scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	bench_free(b);
}

/* The first that may run there, and it only. */
static void moving_to_a_local_queue(void **state)
{
	struct bench *b = with_tasks("2", 0, 3);
	struct ext_dsq *q = dsq_find(b->e, QUEUE);

	(void)state;
	b->x[3] = bench_task(b, 1, 0);
	for (int i = 3; i >= 0; i--) {
		policy_has(b, i);
		dsq_insert(b->e, q, b->x[i], 0);
	}
	b->x[2]->t->migration_disabled = true;
	b->e->cpu = 1;
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move_to_local", QUEUE), 1);
	assert_int_equal(b->e->cpus[1].local.k.nr, 1);
	assert_ptr_equal(b->x[1]->dsq, &b->e->cpus[1].local);
	assert_int_equal(b->x[1]->t->cpu, 1);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move_to_local", QUEUE), 1);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move_to_local", QUEUE), 0);
	assert_int_equal(b->e->cpus[1].dispatched, 2);
	assert_int_equal(q->k.nr, 2);
	b->e->cpu = 0;
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move_to_local", QUEUE), 1);
	assert_ptr_equal(dsq_next(&b->e->cpus[0].local, NULL, false), b->x[3]);
	bench_well(b);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_move_to_local", 99), 0);
	bench_error(b, "invalid DSQ ID");
	bench_free(b);
}

/* ---- queues ------------------------------------------------------------- */

static void queues_are_counted(void **state)
{
	struct bench *b = with_tasks("2", 0, 4);
	uint64_t on = SCX_DSQ_LOCAL_ON;

	(void)state;
	for (int i = 0; i < 3; i++)
		dsq_insert(b->e, &b->e->cpus[i > 0].local, b->x[i], 0);
	dsq_insert(b->e, dsq_find(b->e, QUEUE), b->x[3], 0);
	b->e->cpu = 1;
	assert_int_equal(bench_call(b, "scx_bpf_dsq_nr_queued", SCX_DSQ_LOCAL),
			 2);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_nr_queued", on), 1);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_nr_queued", on | 1), 2);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_nr_queued", QUEUE), 1);
	assert_int_equal((int)bench_call(b, "scx_bpf_dsq_nr_queued", 98),
			 -ENOENT);
	bench_well(b);
	assert_int_equal((int)bench_call(b, "scx_bpf_dsq_nr_queued", on | 2),
			 -ENOENT);
	bench_error(b, "invalid CPU 2");
	bench_free(b);
}

static void queues_are_made_and_unmade(void **state)
{
	struct bench *b = with_tasks("4,llcs=2,nodes=2", 70001, 1);
	uint64_t ids[200];

	(void)state;
	b->e->context = CTX_UNLOCKED;
	assert_int_equal(
		(int)bench_call(b, "scx_bpf_create_dsq", QUEUE, (uint64_t)-1),
		-EEXIST);
	assert_int_equal((int)bench_call(b, "scx_bpf_create_dsq", SCX_DSQ_LOCAL,
					 (uint64_t)-1),
			 -EINVAL);
	assert_int_equal((int)bench_call(b, "scx_bpf_create_dsq", 11, 1), 0);
	assert_int_equal((int)bench_call(b, "scx_bpf_create_dsq", 12, 2),
			 -EINVAL);
	assert_int_equal(
		(int)bench_call(b, "scx_bpf_create_dsq", 12, (uint64_t)-2),
		-EINVAL);
	/* More than fit into the first table. */
	for (uint64_t i = 0; i < ARRAY_LEN(ids); i++) {
		ids[i] = i * i * 1000003 + 13;
		assert_int_equal((int)bench_call(b, "scx_bpf_create_dsq",
						 ids[i], (uint64_t)-1),
				 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(dsq_find(b->e, ids[i])->k.id, ids[i]);
	for (size_t i = 0; i < ARRAY_LEN(ids); i += 2)
		bench_call(b, "scx_bpf_destroy_dsq", ids[i]);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(dsq_find(b->e, ids[i]) != NULL, i % 2);
	dsq_insert(b->e, dsq_find(b->e, QUEUE), b->x[0], 0);
	assert_int_equal(bench_call(b, "scx_bpf_dsq_peek", QUEUE),
			 ext_addr(b->x[0]));
	assert_int_equal(bench_call(b, "scx_bpf_dsq_peek", 11), 0);
	bench_well(b);
	bench_call(b, "scx_bpf_destroy_dsq", QUEUE);
	bench_error(b, "in-use dsq");
	bench_call(b, "scx_bpf_dsq_peek", ids[0]);
	bench_error(b, "non-existent DSQ");
	bench_call(b, "scx_bpf_dsq_peek", SCX_DSQ_LOCAL);
	bench_error(b, "disallowed on builtin");
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_keep_their_order),
		cmocka_unit_test(orders_are_not_mixed),
		cmocka_unit_test(iterators_see_who_stood_there),
		cmocka_unit_test(iterators_that_are_none),
		cmocka_unit_test(moves_take_what_they_were_told),
		cmocka_unit_test(dispatching_has_slots),
		cmocka_unit_test(inserting_sets_slice_and_vtime),
		cmocka_unit_test(dispatching_directly),
		cmocka_unit_test(moving_to_a_local_queue),
		cmocka_unit_test(queues_are_counted),
		cmocka_unit_test(queues_are_made_and_unmade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
