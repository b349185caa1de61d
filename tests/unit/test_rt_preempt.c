/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suspending and resuming, hedging, claims that grow, leases in a circle. */
#include "rt_fix.h"

/* Two endpoints of one slot; a restart costs a second. */
static void open_llm(struct fix *f, const char *policy, int endpoints)
{
	*f = (struct fix){0};
	rt_opts_init(&f->o);
	f->o.policy = policy;
	f->o.policy_opts.quantum_tokens = 256;
	fix_open(f);
	for (int i = 0; i < endpoints; i++) {
		char text[160];

		snprintf(text, sizeof(text),
			 "{'name':'e%d','kinds':['llm'],'order':0,"
			 "'restart_s':1,'capacity':{'endpoint_slots':1}}",
			 i);
		fix_worker(f, text);
	}
}

static void ask(struct fix *f, const char *key, double s, const char *more)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{'kind':'llm','key':'%s','run':'%s',"
		 "'need':{'endpoint_slots':1},'predicted_s':%g%s}",
		 key, key, s, more);
	fix_submit(f, text);
}

static void streamed(struct fix *f, const char *key, long tokens)
{
	struct rt_usage u = {.tokens_out = tokens};

	assert_int_equal(rt_progress(f->r, fix_lease(f, key), &u, f->now), 0);
}

static void suspended(struct fix *f, const char *key, const char *checkpoint,
		      long tokens)
{
	struct rt_usage u = {.tokens_out = tokens, .tokens_in = 7};

	assert_int_equal(
		rt_suspended(f->r, fix_lease(f, key), checkpoint, &u, f->now),
		0);
}

static void a_used_quantum_is_given_up_to_who_waits(void **state)
{
	struct fix f;

	(void)state;
	open_llm(&f, "rr", 1);
	ask(&f, "a", 100, ",'preemptible':true");
	fix_said(&f, " start a@e0");
	f.now = 1;
	streamed(&f, "a", 300);
	/* Nobody waits. */
	fix_said(&f, "");
	f.now = 2;
	ask(&f, "b", 100, ",'preemptible':true");
	fix_said(&f, " suspend a");
	/* Its lease is its own until it has stopped. */
	assert_int_equal(fix_task(&f, "a")->state, RT_STOPPING);
	suspended(&f, "a", "{\"at\":300}", 320);
	fix_said(&f, " start b@e0");
	assert_int_equal(f.events[RT_EV_SUSPENDED], 1);
	f.now = 3;
	streamed(&f, "b", 100);
	fix_said(&f, "");
	streamed(&f, "b", 256);
	fix_said(&f, " suspend b");
	suspended(&f, "b", "{}", 256);
	fix_said(&f, " start a@e0");
	assert_string_equal(fix_task(&f, "a")->checkpoint, "{\"at\":300}");
	assert_int_equal(fix_task(&f, "a")->attempt, 1);
	fix_done(&f, "a");
	fix_said(&f, " ended a done start b@e0");
	assert_int_equal(fix_task(&f, "a")->used.tokens_out, 320);
	assert_int_equal(fix_task(&f, "a")->used.tokens_in, 7);
	fix_release(&f);
}

static void who_has_had_more_stops_for_who_has_had_less(void **state)
{
	struct fix f;

	(void)state;
	open_llm(&f, "mlfq", 1);
	ask(&f, "a", 100, ",'preemptible':true");
	fix_said(&f, " start a@e0");
	f.now = 1;
	streamed(&f, "a", 100);
	ask(&f, "b", 100, "");
	fix_said(&f, "");
	/* Its first turn is over, and only that makes the next one longer. */
	f.now = 2;
	streamed(&f, "a", 256);
	fix_said(&f, " suspend a");
	suspended(&f, "a", "{}", 256);
	fix_said(&f, " start b@e0");
	fix_release(&f);

	/* Of time nobody has to tell. */
	fix_init(&f, "mlfq");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':1}}");
	fix_submit(&f, "{'kind':'sim','key':'a','run':'a','need':{'cores':1},"
		       "'preemptible':true,'predicted_s':100}");
	fix_said(&f, " start a@w");
	fix_submit(&f, "{'kind':'sim','key':'b','run':'b','need':{'cores':1}}");
	fix_said(&f, "");
	assert_true(fabs(f.next - 5) < 0.01);
	fix_at(&f, f.next);
	fix_said(&f, " suspend a");
	fix_release(&f);
}

static void only_where_it_pays(void **state)
{
	struct fix f;

	(void)state;
	open_llm(&f, "rr", 1);
	/* Nearly done: stopping it costs more than waiting. */
	ask(&f, "a", 1.5, ",'preemptible':true");
	fix_said(&f, " start a@e0");
	ask(&f, "b", 9, "");
	f.now = 1;
	streamed(&f, "a", 300);
	fix_said(&f, "");
	/* And never what cannot be resumed. */
	fix_done(&f, "a");
	ask(&f, "c", 9, "");
	fix_said(&f, " ended a done start b@e0");
	streamed(&f, "b", 300);
	fix_said(&f, "");
	fix_release(&f);
}

static void an_answer_may_be_quicker_than_stopping(void **state)
{
	struct fix f;

	(void)state;
	open_llm(&f, "rr", 1);
	ask(&f, "a", 100, ",'preemptible':true");
	fix_step(&f);
	ask(&f, "b", 100, "");
	f.now = 1;
	streamed(&f, "a", 300);
	fix_said(&f, " start a@e0 suspend a");
	fix_done(&f, "a");
	fix_said(&f, " ended a done start b@e0");
	assert_int_equal(rt_pending(f.r), 1);
	fix_release(&f);
}

static void time_quanta_need_nobody_to_tell(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "rr");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':1}}");
	fix_submit(&f, "[{'kind':'sim','key':'a','need':{'cores':1},"
		       "'preemptible':true,'predicted_s':60},"
		       "{'kind':'sim','key':'b','need':{'cores':1},"
		       "'predicted_s':60}]");
	fix_said(&f, " start a@w");
	assert_true(f.next == 5);
	fix_at(&f, 5);
	fix_said(&f, " suspend a");
	suspended(&f, "a", NULL, 0);
	fix_said(&f, " start b@w");
	fix_release(&f);
}

static void the_urgent_need_not_wait_for_a_quantum(void **state)
{
	struct fix f;

	(void)state;
	open_llm(&f, "priority", 1);
	ask(&f, "a", 100, ",'preemptible':true");
	fix_said(&f, " start a@e0");
	ask(&f, "b", 1, ",'priority':200");
	fix_said(&f, " suspend a");
	/* One is enough for it. */
	fix_said(&f, "");
	fix_release(&f);
}

static void suspended_work_goes_home_or_where_there_is_room(void **state)
{
	struct json *v;
	struct fix f;

	(void)state;
	open_llm(&f, "rr", 2);
	ask(&f, "a", 100, ",'preemptible':true,'worker':'e0'");
	ask(&f, "x", 100, "");
	ask(&f, "b", 100, "");
	fix_said(&f, " start a@e0 start x@e1");
	f.now = 1;
	streamed(&f, "a", 300);
	fix_said(&f, " suspend a");
	suspended(&f, "a", "{}", 300);
	fix_said(&f, " start b@e0");
	fix_release(&f);

	open_llm(&f, "rr", 2);
	ask(&f, "a", 100, ",'preemptible':true");
	ask(&f, "x", 100, "");
	ask(&f, "b", 100, "");
	fix_said(&f, " start a@e0 start x@e1");
	f.now = 1;
	streamed(&f, "a", 300);
	fix_said(&f, " suspend a");
	suspended(&f, "a", "{}", 300);
	fix_said(&f, " start b@e0");
	/* e1 is idle, but a's context is at e0: it waits for what moving
	 * costs, or until that would even the load out. */
	f.now = 10;
	fix_done(&f, "x");
	fix_said(&f, " ended x done");
	assert_true(f.next > f.now && f.next <= f.now + 0.5);
	fix_at(&f, f.next);
	fix_at(&f, f.next);
	fix_said(&f, " start a@e1");
	assert_true(f.now <= 11);
	v = rt_stats(f.r, f.now);
	assert_true(json_as_number(json_get(v, "migrations"), 0) == 1);
	json_free(v);
	fix_release(&f);
}

/* ---- hedging ----------------------------------------------------------- */

#define HEDGED ",'hedge':true,'idempotent':true"

static void the_first_good_answer_wins(void **state)
{
	struct fix f;
	uint64_t slow;

	(void)state;
	open_llm(&f, "fifo", 2);
	ask(&f, "a", 2, HEDGED);
	fix_said(&f, " start a@e0");
	assert_true(f.next > 2 && f.next < INFINITY);
	fix_at(&f, f.next);
	fix_said(&f, " hedge a@e1");
	slow = fix_task(&f, "a")->lease.id;
	f.now += 1;
	fix_done_as(&f, fix_task(&f, "a")->hedge.id, 0, false);
	fix_said(&f, " cancel a ended a done");
	assert_int_equal(fix_done_as(&f, slow, 0, false), -ESTALE);
	/* Both are paid for. */
	assert_true(fabs(fix_task(&f, "a")->used.seconds - f.now - 1) < 1e-9);
	for (int i = 0; i < 2; i++)
		assert_true(vec_zero(&rt_workers_of(f.r)->v[i]->used));
	fix_release(&f);
}

static void one_that_fails_leaves_it_to_the_other(void **state)
{
	struct fix f;

	(void)state;
	open_llm(&f, "fifo", 2);
	ask(&f, "a", 2, HEDGED);
	fix_step(&f);
	fix_at(&f, f.next);
	fix_said(&f, " start a@e0 hedge a@e1");
	fix_failed(&f, "a", true);
	fix_said(&f, "");
	assert_int_equal(fix_task(&f, "a")->state, RT_RUNNING);
	assert_string_equal(fix_task(&f, "a")->lease.worker->spec.name, "e1");
	fix_done(&f, "a");
	fix_said(&f, " ended a done");
	fix_release(&f);
}

static void hedging_has_a_budget(void **state)
{
	struct fix f;
	size_t hedges = 0;

	(void)state;
	open_llm(&f, "fifo", 60);
	for (int i = 0; i < 40; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		ask(&f, key, 2, HEDGED);
	}
	/* Not what must not be done twice. */
	ask(&f, "once", 2, ",'hedge':true");
	fix_step(&f);
	fix_at(&f, f.next + 1);
	for (const char *s = f.said.data; (s = strstr(s, "hedge")); s++)
		hedges++;
	/* 5 % of 40. */
	assert_int_equal(hedges, 2);
	fix_release(&f);
}

/* ---- growing ----------------------------------------------------------- */

static int grow(struct fix *f, const char *key, int64_t cores)
{
	struct vec more = {{0}};

	more.v[RES_CORES] = cores * 1000;
	return rt_grow(f->r, fix_lease(f, key), &more, f->now);
}

/* Dijkstra's: ten units, claims of 8, 7 and 5 at most. */
static void claims_grow_from_safe_states_only(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':10}}");
	fix_submit(&f, "[{'kind':'sim','key':'p','need':{'cores':4},"
		       "'most':{'cores':8}},"
		       "{'kind':'sim','key':'q','need':{'cores':2},"
		       "'most':{'cores':7}},"
		       "{'kind':'sim','key':'s','need':{'cores':2},"
		       "'most':{'cores':5}}]");
	/* With s as well, two are left: none of them could get its most. */
	fix_said(&f, " start p@w start q@w");
	assert_int_equal(grow(&f, "p", 5), -ERANGE);
	/* Fits, but then neither could be sure of its most. */
	assert_int_equal(grow(&f, "q", 1), -EAGAIN);
	assert_int_equal(grow(&f, "p", 4), 0);
	fix_said(&f, "");
	fix_done(&f, "p");
	/* q is told that it has got more. */
	fix_said(&f, " ended p done start q@w start s@w");
	assert_int_equal(fix_task(&f, "q")->lease.held.v[RES_CORES], 3000);
	fix_done(&f, "q");
	fix_done(&f, "s");
	fix_said(&f, " ended q done ended s done");
	assert_true(vec_zero(&rt_workers_of(f.r)->v[0]->used));
	fix_release(&f);
}

/* Each has its left fork and wants the right one. */
static void philosophers_eat_all_the_same(void **state)
{
	enum { N = 5 };
	struct fix f;
	char text[160], key[16];
	size_t eaten = 0;

	(void)state;
	fix_init(&f, "fifo");
	f.keep = true;
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text),
			 "{'name':'fork%d','kinds':['tool'],"
			 "'capacity':{'endpoint_slots':1}}",
			 i);
		fix_worker(&f, text);
	}
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text),
			 "{'kind':'tool','key':'left%d','worker':'fork%d',"
			 "'need':{'endpoint_slots':1}}",
			 i, i);
		fix_submit(&f, text);
	}
	fix_step(&f);
	assert_int_equal(f.events[RT_EV_STARTED], N);
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text),
			 "{'kind':'tool','key':'right%d','worker':'fork%d',"
			 "'within':'left%d','need':{'endpoint_slots':1}}",
			 i, (i + 1) % N, i);
		fix_submit(&f, text);
		fix_step(&f);
		/* Only the last of them closes the circle. */
		assert_int_equal(f.events[RT_EV_ENDED], i == N - 1);
	}
	assert_int_equal(fix_task(&f, "right4")->state, RT_FAILED);
	assert_int_equal(fix_task(&f, "right4")->outcome->error, -EDEADLK);
	/* Who is told so puts its left one down; the others eat in turn. */
	fix_done(&f, "left4");
	for (int round = 0; round < N; round++) {
		fix_step(&f);
		for (int i = 0; i < N; i++) {
			snprintf(key, sizeof(key), "right%d", i);
			if (fix_task(&f, key)->state != RT_RUNNING)
				continue;
			fix_done(&f, key);
			snprintf(key, sizeof(key), "left%d", i);
			fix_done(&f, key);
			eaten++;
		}
	}
	assert_int_equal(eaten, N - 1);
	assert_int_equal(rt_pending(f.r), 0);
	fix_release(&f);
}

/* Two of one run that happen to want the same are no circle. */
static void waiting_is_no_deadlock(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'a','kinds':['tool'],'capacity':{'cores':1}}");
	fix_worker(&f, "{'name':'b','kinds':['tool'],'capacity':{'cores':2}}");
	fix_submit(&f, "[{'kind':'tool','key':'x','worker':'a',"
		       "'need':{'cores':1}},"
		       "{'kind':'tool','key':'y','worker':'b',"
		       "'need':{'cores':1}},"
		       "{'kind':'tool','key':'z','worker':'b',"
		       "'need':{'cores':1}}]");
	fix_said(&f, " start x@a start y@b start z@b");
	fix_submit(&f, "[{'kind':'tool','key':'x2','worker':'b',"
		       "'within':'x','need':{'cores':1}},"
		       "{'kind':'tool','key':'y2','worker':'a',"
		       "'within':'y','need':{'cores':1}}]");
	/* z will end by itself. */
	fix_said(&f, "");
	fix_done(&f, "z");
	fix_said(&f, " ended z done start x2@b");
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_used_quantum_is_given_up_to_who_waits),
		cmocka_unit_test(who_has_had_more_stops_for_who_has_had_less),
		cmocka_unit_test(only_where_it_pays),
		cmocka_unit_test(an_answer_may_be_quicker_than_stopping),
		cmocka_unit_test(time_quanta_need_nobody_to_tell),
		cmocka_unit_test(the_urgent_need_not_wait_for_a_quantum),
		cmocka_unit_test(
			suspended_work_goes_home_or_where_there_is_room),
		cmocka_unit_test(the_first_good_answer_wins),
		cmocka_unit_test(one_that_fails_leaves_it_to_the_other),
		cmocka_unit_test(hedging_has_a_budget),
		cmocka_unit_test(claims_grow_from_safe_states_only),
		cmocka_unit_test(philosophers_eat_all_the_same),
		cmocka_unit_test(waiting_is_no_deadlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
