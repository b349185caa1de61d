/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine: from a request to its outcome, and every way besides. */
#include "rt_fix.h"

static void open_one(struct fix *f)
{
	fix_init(f, "fifo");
	fix_worker(f, "{'name':'w','kinds':['tool','sim'],"
		      "'capacity':{'cores':4}}");
}

static void one_request_from_end_to_end(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "{'kind':'tool','key':'a','need':{'cores':1}}");
	assert_int_equal(rt_pending(f.r), 1);
	fix_said(&f, " start a@w");
	assert_int_equal(fix_task(&f, "a")->state, RT_RUNNING);
	assert_int_equal(fix_task(&f, "a")->attempt, 1);
	f.now = 2;
	fix_done(&f, "a");
	fix_said(&f, " ended a done");
	assert_int_equal(rt_pending(f.r), 0);
	assert_true(fix_task(&f, "a")->used.core_seconds == 2);
	assert_true(vec_zero(&rt_workers_of(f.r)->v[0]->used));
	for (int i = 0; i <= RT_EV_DELIVERED; i++)
		assert_int_equal(f.events[i],
				 i != RT_EV_SUSPENDED && i != RT_EV_RETRY);
	assert_true(f.next == INFINITY);
	fix_release(&f);
}

/* A lease that is over is worth nothing, whoever still has it. */
static void a_late_answer_changes_nothing(void **state)
{
	struct fix f;
	uint64_t lease;

	(void)state;
	open_one(&f);
	fix_submit(&f, "{'kind':'sim','key':'a','need':{'cores':1}}");
	fix_said(&f, " start a@w");
	lease = fix_lease(&f, "a");
	fix_done(&f, "a");
	assert_int_equal(fix_done_as(&f, lease, 0, false), -ESTALE);
	fix_said(&f, " ended a done");
	fix_release(&f);
}

static void what_can_never_be_is_refused_at_once(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	assert_int_equal(fix_submit_as(&f,
				       "{'kind':'sim','key':'big',"
				       "'need':{'cores':99}}",
				       1, NULL),
			 -ERANGE);
	assert_non_null(strstr(err_text(), "cores"));
	assert_non_null(strstr(err_text(), "big"));
	assert_int_equal(fix_submit_as(&f, "{'kind':'guest'}", 1, NULL),
			 -ENODEV);
	/* All or none of a graph. */
	assert_int_equal(fix_submit_as(&f,
				       "[{'kind':'sim'},"
				       "{'kind':'sim','need':{'cores':5}}]",
				       1, NULL),
			 -ERANGE);
	assert_int_equal(rt_pending(f.r), 0);
	fix_said(&f, "");
	fix_release(&f);
}

/* One field of a request that rt_request_read() would have refused; what is
 * said of it.  NULL: there are no more. */
static const char *spoil(struct rt_request *q, int way)
{
	switch (way) {
	case 0:
		q->need.v[RES_CORES] = -1;
		return "'cores'";
	case 1:
		q->need.v[RES_GUESTS] = RES_MAX + 1;
		return "'guest_slots'";
	case 2:
		q->most.v[RES_MEMORY] = -1;
		return "'memory_mib'";
	case 3:
		q->most.v[RES_TOKENS] = RES_MAX + 1;
		return "'tokens'";
	case 4:
		q->kind = RT_KINDS;
		return "'kind'";
	case 5:
	case 6:
		q->priority = way == 5 ? -1 : RT_PRIORITY_MAX + 1;
		return "'priority'";
	case 7:
	case 8:
		q->attempts = way == 7 ? -1 : RT_ATTEMPTS_MAX + 1;
		return "'attempts'";
	case 9:
		q->tokens_in = -1;
		return "'tokens'";
	case 10:
		q->tokens_out = -1;
		return "'tokens'";
	case 11:
		q->deadline = NAN;
		return "'deadline'";
	case 12:
		q->predicted_s = NAN;
		return "'deadline'";
	case 13:
		q->dep_count = RT_DEPS_MAX + 1;
		return "'after'";
	default:
		return NULL;
	}
}

/* Whoever submits it, and a journal. */
static void what_is_out_of_its_range_is_refused(void **state)
{
	const char *says = "";
	struct fix f;
	uint64_t id;

	(void)state;
	open_one(&f);
	for (int way = 0; says; way++) {
		struct rt_request q;
		int want;

		rt_request_init(&q);
		q.kind = RT_SIM;
		says = spoil(&q, way);
		want = says ? -EINVAL : 0;
		assert_int_equal(rt_submit(f.r, &q, 1, 1, 0, &id), want);
		if (says)
			assert_non_null(strstr(err_text(), says));
		assert_int_equal(rt_restore(f.r, 1000, &q, RT_READY, 1, NULL,
					    NULL, NULL, false, 0),
				 want);
		if (says)
			assert_non_null(strstr(err_text(), says));
		q.dep_count = 0;
		rt_request_release(&q);
	}
	/* What a journal has twice, or under no number. */
	{
		struct rt_request q;

		rt_request_init(&q);
		assert_int_equal(rt_restore(f.r, 1000, &q, RT_READY, 1, NULL,
					    NULL, NULL, false, 0),
				 -EEXIST);
		assert_int_equal(rt_restore(f.r, 0, &q, RT_DONE, 1, NULL, NULL,
					    NULL, false, 0),
				 -EEXIST);
		rt_request_release(&q);
	}
	assert_int_equal(rt_pending(f.r), 2);
	fix_release(&f);
}

/* More for a lease: nothing, too much, and while it waits for some. */
static void what_a_lease_may_not_grow_by(void **state)
{
	struct vec none = {{0}}, less = {.v[RES_CORES] = -1},
		   huge = {.v[RES_CORES] = RES_MAX + 1},
		   two = {.v[RES_CORES] = 2000}, five = {.v[RES_CORES] = 5000};
	uint64_t lease;
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "{'kind':'sim','key':'a','need':{'cores':2},"
		       "'most':{'cores':4}}");
	fix_submit(&f, "{'kind':'sim','key':'b','need':{'cores':1}}");
	fix_said(&f, " start a@w start b@w");
	lease = fix_lease(&f, "a");
	assert_int_equal(rt_grow(f.r, 4711, &two, f.now), -ESTALE);
	assert_int_equal(rt_grow(f.r, lease, &less, f.now), -EINVAL);
	assert_non_null(strstr(err_text(), "'cores'"));
	assert_int_equal(rt_grow(f.r, lease, &huge, f.now), -EINVAL);
	assert_int_equal(rt_grow(f.r, lease, &none, f.now), 0);
	assert_int_equal(rt_grow(f.r, lease, &five, f.now), -ERANGE);
	assert_int_equal(rt_grow(f.r, lease, &two, f.now), -EAGAIN);
	assert_int_equal(rt_grow(f.r, lease, &two, f.now), -EINVAL);
	assert_non_null(strstr(err_text(), "waits to grow already"));
	fix_done(&f, "b");
	fix_said(&f, " ended b done start a@w");
	assert_int_equal(fix_task(&f, "a")->lease.held.v[RES_CORES], 4000);
	fix_release(&f);
}

/* Runs and candidates that have nothing left are forgotten, the oldest first;
 * their keys are not. */
static void many_runs_leave_nothing(void **state)
{
	uint64_t first, again;
	struct fix f;

	(void)state;
	fix_init(&f, "fair");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':4}}");
	for (size_t i = 0; i < 1500; i++) {
		char *q = mem_printf("{'kind':'sim','key':'k','run':'r%zu',"
				     "'candidate':'c'}",
				     i);

		assert_int_equal(fix_submit_as(&f, q, 1, &again), 0);
		if (!i)
			first = again;
		fix_step(&f);
		fix_done(&f, "k");
		fix_step(&f);
		free(q);
	}
	assert_int_equal(rt_pending(f.r), 0);
	assert_int_equal(rt_cancel_group(f.r, "r0", "c", f.now), 0);
	assert_int_equal(fix_submit_as(&f,
				       "{'kind':'sim','key':'k','run':'r0',"
				       "'candidate':'c'}",
				       1, &again),
			 0);
	assert_int_equal(again, first);
	fix_release(&f);
}

static void the_queue_has_an_end(void **state)
{
	struct fix f = {0};

	(void)state;
	rt_opts_init(&f.o);
	f.o.policy = "fifo";
	f.o.max_queued = 2;
	fix_open(&f);
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{}}");
	fix_submit(&f, "[{'kind':'sim','key':'a'},{'kind':'sim','key':'b'}]");
	assert_int_equal(fix_submit_as(&f, "{'kind':'sim'}", 1, NULL), -EAGAIN);
	fix_said(&f, " start a@w start b@w");
	rt_drain(f.r, true);
	assert_int_equal(fix_submit_as(&f, "{'kind':'sim'}", 1, NULL), -EAGAIN);
	assert_non_null(strstr(err_text(), "draining"));
	/* What is known is not new. */
	assert_int_equal(fix_submit_as(&f, "{'kind':'sim','key':'a'}", 1, NULL),
			 0);
	fix_release(&f);
}

static void a_key_is_used_once(void **state)
{
	struct fix f;
	uint64_t first, again;

	(void)state;
	open_one(&f);
	fix_submit_as(&f, "{'kind':'sim','key':'a'}", 1, &first);
	fix_submit_as(&f, "{'kind':'sim','key':'a'}", 1, &again);
	assert_int_equal(first, again);
	fix_said(&f, " start a@w");
	fix_done(&f, "a");
	fix_said(&f, " ended a done");
	/* Its outcome comes again. */
	fix_submit_as(&f, "{'kind':'sim','key':'a'}", 1, &again);
	assert_int_equal(first, again);
	fix_said(&f, " ended a done");
	assert_int_equal(f.events[RT_EV_DELIVERED], 1);
	/* Another run's key is another key. */
	fix_submit_as(&f, "{'kind':'sim','key':'a','run':'s'}", 1, &again);
	assert_true(first != again);
	assert_int_equal(fix_submit_as(&f,
				       "[{'kind':'sim','key':'x'},"
				       "{'kind':'sim','key':'x'}]",
				       1, NULL),
			 -EEXIST);
	fix_release(&f);
}

static void an_outcome_is_told_until_it_is_delivered(void **state)
{
	struct fix f;
	uint64_t id;

	(void)state;
	open_one(&f);
	f.keep = true;
	fix_submit_as(&f, "{'kind':'sim','key':'a','place':'worker'}", 7, &id);
	fix_said(&f, " start a@w");
	fix_done(&f, "a");
	fix_said(&f, " ended a done");
	fix_said(&f, "");
	/* Nobody took it; who comes next does. */
	rt_holder_gone(f.r, 7, f.now);
	fix_said(&f, "");
	rt_adopt(f.r, "r", 8, f.now);
	fix_said(&f, " ended a done");
	rt_delivered(f.r, id, f.now);
	rt_adopt(f.r, "r", 9, f.now);
	fix_said(&f, "");
	fix_release(&f);
}

/* With nothing kept, nothing is left of what was delivered. */
static void what_is_over_is_forgotten(void **state)
{
	struct fix f = {0};
	uint64_t id;

	(void)state;
	rt_opts_init(&f.o);
	f.o.keep_ended = 2;
	fix_open(&f);
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{}}");
	for (int i = 0; i < 5; i++) {
		char text[64];

		snprintf(text, sizeof(text), "{'kind':'sim','key':'k%d'}", i);
		fix_submit_as(&f, text, 1, &id);
		fix_step(&f);
		assert_int_equal(
			fix_done_as(&f, rt_find(f.r, id)->lease.id, 0, false),
			0);
		fix_step(&f);
	}
	assert_non_null(rt_find(f.r, 5));
	assert_non_null(rt_find(f.r, 4));
	assert_null(rt_find(f.r, 3));
	/* Not even the ids come back. */
	fix_submit_as(&f, "{'kind':'sim','key':'k0'}", 1, &id);
	assert_int_equal(id, 6);
	fix_release(&f);
}

static void an_attempt_that_failed_is_made_again(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "{'kind':'sim','key':'a','attempts':3}");
	fix_said(&f, " start a@w");
	fix_failed(&f, "a", true);
	fix_said(&f, "");
	assert_true(f.next >= 0.25 && f.next <= 0.5);
	fix_at(&f, f.next);
	fix_said(&f, " start a@w");
	assert_int_equal(fix_task(&f, "a")->attempt, 2);
	fix_failed(&f, "a", true);
	fix_step(&f);
	assert_true(f.next - f.now >= 0.5 && f.next - f.now <= 1);
	fix_at(&f, f.next);
	fix_said(&f, " start a@w");
	fix_failed(&f, "a", true);
	fix_said(&f, " ended a failed");
	assert_non_null(strstr(fix_task(&f, "a")->outcome->text,
			       "gave up after 3 attempts"));
	assert_int_equal(f.events[RT_EV_RETRY], 2);
	fix_release(&f);
}

static void what_is_for_good_is_not_made_again(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "{'kind':'sim','key':'a'}");
	fix_said(&f, " start a@w");
	fix_failed(&f, "a", false);
	fix_said(&f, " ended a failed");
	/* A tool may have done what it does. */
	fix_submit(&f, "{'kind':'tool','key':'b'}");
	fix_said(&f, " start b@w");
	fix_failed(&f, "b", true);
	fix_said(&f, " ended b failed");
	fix_submit(&f, "{'kind':'tool','key':'c','idempotent':true}");
	fix_said(&f, " start c@w");
	fix_failed(&f, "c", true);
	fix_at(&f, 10);
	fix_said(&f, " start c@w");
	fix_release(&f);
}

static void another_worker_is_tried_next(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_worker(&f, "{'name':'v','kinds':['sim'],'order':5,'capacity':{}}");
	fix_submit(&f, "{'kind':'sim','key':'a'}");
	fix_said(&f, " start a@w");
	fix_failed(&f, "a", true);
	fix_at(&f, 1);
	fix_said(&f, " start a@v");
	fix_release(&f);
}

/* When to come back is said by one endpoint, and is nothing to the others. */
static void another_endpoint_need_not_be_waited_for(void **state)
{
	struct rt_outcome o;
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'w','kinds':['llm'],"
		       "'capacity':{'endpoint_slots':1}}");
	fix_worker(&f, "{'name':'v','kinds':['llm'],'order':5,"
		       "'capacity':{'endpoint_slots':1}}");
	fix_submit(&f, "{'kind':'llm','key':'a','need':{'endpoint_slots':1}}");
	fix_said(&f, " start a@w");
	rt_outcome_init(&o);
	o.error = -EAGAIN;
	o.again = true;
	o.after_s = 600;
	assert_int_equal(rt_done(f.r, fix_lease(&f, "a"), &o, f.now), 0);
	fix_at(&f, 1);
	fix_said(&f, " start a@v");
	/* Both have said it. */
	assert_int_equal(rt_done(f.r, fix_lease(&f, "a"), &o, f.now), 0);
	fix_at(&f, 599);
	fix_said(&f, "");
	fix_at(&f, 601);
	fix_said(&f, " start a@w");
	fix_release(&f);
}

static void the_work_of_a_dead_worker_is_done_elsewhere(void **state)
{
	struct fix f;
	uint64_t lease;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker_of(&f,
		      "{'name':'a','kinds':['sim','tool'],'beat_s':1,"
		      "'capacity':{'cores':4}}",
		      5);
	fix_submit(&f, "{'kind':'sim','key':'x','need':{'cores':1}}");
	fix_submit(&f, "{'kind':'tool','key':'y','need':{'cores':1}}");
	fix_said(&f, " start x@a start y@a");
	lease = fix_lease(&f, "x");
	fix_worker(&f, "{'name':'b','kinds':['sim'],'capacity':{'cores':4}}");
	for (int i = 0; i < 8 && f.next < INFINITY; i++)
		fix_at(&f, f.next);
	/* y may have done something; it is not done twice. */
	fix_said(&f, " cancel y ended y failed cancel x start x@b");
	assert_true(f.now >= 4 && f.now <= 5);
	assert_int_equal(fix_task(&f, "x")->attempt, 2);
	assert_int_equal(fix_done_as(&f, lease, 0, false), -ESTALE);
	fix_done(&f, "x");
	fix_said(&f, " ended x done");
	fix_release(&f);
}

static void work_that_kills_its_workers_is_given_up(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker_of(&f, "{'name':'a','kinds':['sim'],'capacity':{}}", 5);
	fix_submit(&f, "{'kind':'sim','key':'x'}");
	for (int i = 0; i < 3; i++) {
		fix_said(&f, " start x@a");
		rt_holder_gone(f.r, 5, f.now);
		fix_said(&f, i < 2 ? " cancel x" : " cancel x ended x failed");
		fix_worker_of(&f, "{'name':'a','kinds':['sim'],'capacity':{}}",
			      5);
	}
	fix_release(&f);
}

static void a_worker_leaves_when_it_is_idle(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "[{'kind':'sim','key':'a'},{'kind':'sim','key':'b',"
		       "'after':['a']}]");
	fix_said(&f, " start a@w");
	assert_int_equal(rt_worker_drop(f.r, "w", false, f.now), 0);
	fix_done(&f, "a");
	fix_said(&f, " ended a done");
	assert_int_equal(rt_workers_of(f.r)->count, 0);
	assert_int_equal(rt_worker_beat(f.r, "w", f.now), -ENOENT);
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{}}");
	fix_said(&f, " start b@w");
	fix_release(&f);
}

static void cancelling_by_id_run_and_candidate(void **state)
{
	struct fix f;
	uint64_t ids[4];

	(void)state;
	open_one(&f);
	fix_submit_as(&f,
		      "[{'kind':'sim','key':'a','need':{'cores':4}},"
		      "{'kind':'sim','key':'b','candidate':'1'},"
		      "{'kind':'sim','key':'c','candidate':'1'},"
		      "{'kind':'sim','key':'d','candidate':'2',"
		      "'need':{'cores':1}}]",
		      1, ids);
	fix_said(&f, " start a@w start b@w start c@w");
	assert_int_equal(rt_cancel(f.r, ids[0], f.now), 1);
	assert_int_equal(rt_cancel(f.r, ids[0], f.now), 0);
	fix_said(&f, " cancel a ended a cancelled start d@w");
	assert_int_equal(rt_cancel_group(f.r, "r", "1", f.now), 2);
	fix_said(&f, " cancel b ended b cancelled cancel c ended c cancelled");
	assert_int_equal(rt_cancel_group(f.r, "other", NULL, f.now), 0);
	assert_int_equal(rt_cancel_group(f.r, "r", NULL, f.now), 1);
	fix_said(&f, " cancel d ended d cancelled");
	assert_int_equal(rt_pending(f.r), 0);
	fix_release(&f);
}

/* Told neither to start nor to stop. */
static void what_was_cancelled_in_time_is_never_started(void **state)
{
	struct fix f;
	uint64_t id;

	(void)state;
	open_one(&f);
	fix_submit_as(&f, "{'kind':'sim','key':'a'}", 1, &id);
	rt_cancel(f.r, id, f.now);
	fix_said(&f, " ended a cancelled");
	fix_release(&f);
}

static void who_leaves_takes_its_own_work_along(void **state)
{
	struct fix f;
	uint64_t id, again;

	(void)state;
	open_one(&f);
	fix_submit_as(&f, "{'kind':'sim','key':'a','place':'self'}", 7, &id);
	fix_said(&f, " start a@w");
	rt_holder_gone(f.r, 7, f.now);
	fix_said(&f, " cancel a");
	assert_int_equal(rt_pending(f.r), 0);
	/* It comes back and asks anew: that is not answered by "cancelled". */
	fix_submit_as(&f, "{'kind':'sim','key':'a','place':'self'}", 8, &again);
	assert_true(id != again);
	fix_said(&f, " start a@w");
	fix_release(&f);
}

static int count(void *arg, const struct rt_task *t)
{
	size_t *n = arg;

	(void)t;
	++*n;
	return 0;
}

static void what_a_journal_remembers_goes_on(void **state)
{
	struct rt_usage used = {.cost_usd = 1};
	struct rt_request q;
	struct rt_outcome o;
	struct fix f;
	size_t n = 0;
	uint64_t id;

	(void)state;
	open_one(&f);
	rt_request_init(&q);
	q.kind = RT_SIM;
	free(q.run);
	q.run = mem_strdup("r");
	free(q.key);
	q.key = mem_strdup("b");
	q.deps = mem_zalloc(1, sizeof(*q.deps));
	q.deps[0].key = mem_strdup("a");
	q.dep_count = 1;
	assert_int_equal(rt_restore(f.r, 40, &q, RT_RUNNING, 1, &used, "{}",
				    NULL, false, 0),
			 0);
	free(q.deps[0].key);
	free(q.deps);
	q.deps = NULL;
	q.dep_count = 0;
	strcpy(q.key, "a");
	rt_outcome_init(&o);
	o.result = mem_strdup("1");
	assert_int_equal(
		rt_restore(f.r, 39, &q, RT_DONE, 1, NULL, NULL, &o, false, 0),
		0);
	strcpy(q.key, "c");
	q.place = RT_SELF;
	assert_int_equal(rt_restore(f.r, 38, &q, RT_READY, 0, NULL, NULL, NULL,
				    false, 0),
			 0);
	rt_outcome_release(&o);
	rt_request_release(&q);
	assert_int_equal(rt_pending(f.r), 2);
	/* Nobody is there to carry c out. */
	fix_said(&f, " start b@w");
	assert_string_equal(fix_task(&f, "b")->checkpoint, "{}");
	assert_true(fix_task(&f, "b")->used.cost_usd == 1);
	rt_adopt(f.r, "r", 3, f.now);
	fix_said(&f, " ended a done start c@w");
	fix_submit_as(&f, "{'kind':'sim'}", 1, &id);
	assert_int_equal(id, 41);
	rt_each(f.r, count, &n);
	assert_int_equal(n, 4);
	fix_release(&f);
}

static void what_had_begun_is_told_once(void **state)
{
	static const enum rt_state states[] = {RT_RUNNING, RT_DONE};
	struct rt_request q;
	struct fix f;

	(void)state;
	open_one(&f);
	f.keep = true;
	rt_request_init(&q);
	q.kind = RT_TOOL;
	q.place = RT_SELF;
	free(q.run);
	q.run = mem_strdup("r");
	for (uint64_t i = 0; i < 2; i++) {
		free(q.key);
		q.key = mem_printf("k%d", (int)i);
		rt_restore(f.r, i + 1, &q, states[i], 1, NULL, NULL, NULL,
			   false, 0);
	}
	rt_request_release(&q);
	fix_step(&f);
	buf_reset(&f.said);
	rt_adopt(f.r, "r", 7, 0);
	fix_said(&f, " ended k0 failed ended k1 done");
	rt_delivered(f.r, 1, 0);
	rt_delivered(f.r, 2, 0);
	rt_adopt(f.r, "r", 8, 0);
	fix_said(&f, "");
	fix_release(&f);
}

static void nobody_comes_for_what_was_left(void **state)
{
	struct rt_request q;
	struct fix f;

	(void)state;
	open_one(&f);
	rt_request_init(&q);
	q.kind = RT_SIM;
	q.place = RT_SELF;
	rt_restore(f.r, 1, &q, RT_READY, 0, NULL, NULL, NULL, false, 0);
	rt_request_release(&q);
	fix_said(&f, "");
	assert_true(f.next < INFINITY);
	fix_at(&f, f.next);
	fix_said(&f, "");
	assert_int_equal(rt_pending(f.r), 0);
	fix_release(&f);
}

/* Who is told may answer, and ask for more, at once. */
static void answer_at_once(void *arg, const struct rt_task *t,
			   const struct rt_lease *l)
{
	struct fix *f = arg;
	long n = atol(t->q.key);

	assert_int_equal(fix_done_as(f, l->id, 0, false), 0);
	if (n < 1000) {
		char text[64];

		snprintf(text, sizeof(text), "{'kind':'sim','key':'%ld'}",
			 n + 1);
		fix_submit(f, text);
	}
}

static void answers_may_come_from_within(void **state)
{
	struct rt_ops ops = fix_ops;
	struct fix f;

	(void)state;
	f = (struct fix){0};
	rt_opts_init(&f.o);
	ops.start = answer_at_once;
	f.o.ops = &ops;
	f.o.arg = &f;
	buf_init(&f.said, 1u << 20);
	assert_int_equal(rt_new(&f.o, &f.r), 0);
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{}}");
	fix_submit(&f, "{'kind':'sim','key':'1'}");
	fix_step(&f);
	assert_int_equal(f.events[RT_EV_ENDED], 1000);
	assert_int_equal(rt_pending(f.r), 0);
	fix_release(&f);
}

static void the_policy_changes_while_it_runs(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "[{'kind':'sim','key':'a','need':{'cores':4}},"
		       "{'kind':'sim','key':'b','need':{'cores':4}},"
		       "{'kind':'sim','key':'c','need':{'cores':4},"
		       "'priority':200}]");
	fix_said(&f, " start a@w");
	assert_int_equal(rt_policy_set(f.r, "lottery", f.now), -EINVAL);
	for (size_t i = 0; rt_policies[i]; i++) {
		assert_int_equal(
			rt_policy_set(f.r, rt_policies[i]->name, f.now), 0);
		fix_said(&f, "");
	}
	rt_policy_set(f.r, "priority", f.now);
	fix_done(&f, "a");
	fix_said(&f, " ended a done start c@w");
	assert_string_equal(rt_policy_name(f.r), "priority");
	fix_release(&f);
}

static void a_rate_limit_is_waited_for(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'e','kinds':['llm'],'requests_min':60,"
		       "'capacity':{'endpoint_slots':100}}");
	for (int i = 0; i < 70; i++)
		fix_submit(&f, "{'kind':'llm','need':{'endpoint_slots':1}}");
	fix_step(&f);
	assert_true(f.next > 0 && f.next <= 1.01);
	buf_reset(&f.said);
	f.now = f.next;
	fix_step(&f);
	assert_non_null(strstr(f.said.data, " start #"));
	fix_release(&f);
}

static void figures_are_as_promised(void **state)
{
	struct json *v;
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "[{'kind':'sim','key':'a','need':{'cores':4}},"
		       "{'kind':'sim','key':'b','need':{'cores':4}},"
		       "{'kind':'sim','key':'c','after':['b']}]");
	fix_step(&f);
	f.now = 3;
	fix_done(&f, "a");
	fix_step(&f);
	v = rt_stats(f.r, f.now);
	assert_string_equal(json_text_at(v, "policy"), "fifo");
	assert_true(json_as_number(json_path(v, "running"), -1) == 1);
	assert_true(json_as_number(json_path(v, "queued"), -1) == 0);
	assert_true(json_as_number(json_path(v, "waiting"), -1) == 1);
	assert_true(json_as_number(json_path(v, "ended.done"), -1) == 1);
	assert_true(fabs(json_as_number(json_path(v, "turnaround_s.p50"), -1) -
			 3) < 0.5);
	assert_true(json_as_number(json_path(v, "kinds.sim.running"), -1) == 1);
	assert_true(json_as_number(json_path(v, "workers.0.load"), -1) == 1);
	assert_true(json_as_number(json_path(v, "jain_runs"), -1) == 1);
	json_free(v);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_request_from_end_to_end),
		cmocka_unit_test(a_late_answer_changes_nothing),
		cmocka_unit_test(what_can_never_be_is_refused_at_once),
		cmocka_unit_test(the_queue_has_an_end),
		cmocka_unit_test(a_key_is_used_once),
		cmocka_unit_test(an_outcome_is_told_until_it_is_delivered),
		cmocka_unit_test(what_is_over_is_forgotten),
		cmocka_unit_test(an_attempt_that_failed_is_made_again),
		cmocka_unit_test(what_is_for_good_is_not_made_again),
		cmocka_unit_test(another_worker_is_tried_next),
		cmocka_unit_test(another_endpoint_need_not_be_waited_for),
		cmocka_unit_test(the_work_of_a_dead_worker_is_done_elsewhere),
		cmocka_unit_test(work_that_kills_its_workers_is_given_up),
		cmocka_unit_test(a_worker_leaves_when_it_is_idle),
		cmocka_unit_test(cancelling_by_id_run_and_candidate),
		cmocka_unit_test(what_was_cancelled_in_time_is_never_started),
		cmocka_unit_test(who_leaves_takes_its_own_work_along),
		cmocka_unit_test(what_a_journal_remembers_goes_on),
		cmocka_unit_test(what_had_begun_is_told_once),
		cmocka_unit_test(nobody_comes_for_what_was_left),
		cmocka_unit_test(answers_may_come_from_within),
		cmocka_unit_test(the_policy_changes_while_it_runs),
		cmocka_unit_test(a_rate_limit_is_waited_for),
		cmocka_unit_test(figures_are_as_promised),
		cmocka_unit_test(what_is_out_of_its_range_is_refused),
		cmocka_unit_test(what_a_lease_may_not_grow_by),
		cmocka_unit_test(many_runs_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
