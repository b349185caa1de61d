/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that wait for each other: graphs, edges, what is inherited. */
#include <time.h>

#include "rt_fix.h"

static void open_one(struct fix *f, const char *policy)
{
	fix_init(f, policy);
	fix_worker(f, "{'name':'w','kinds':['sim'],'capacity':{'cores':1}}");
}

static void a_circle_is_named(void **state)
{
	static const struct {
		const char *graph, *says;
	} bad[] = {
		{"[{'kind':'sim','key':'a','after':['b']},"
		 "{'kind':'sim','key':'b','after':['a']}]",
		 "'a' waits for 'b' waits for 'a'"},
		{"[{'kind':'sim','key':'a','after':['a']}]",
		 "'a' waits for 'a'"},
		/* Who only waits for a circle is not in it. */
		{"[{'kind':'sim','key':'x','after':['c']},"
		 "{'kind':'sim','key':'a','after':['b']},"
		 "{'kind':'sim','key':'b','after':['ok','c']},"
		 "{'kind':'sim','key':'c','after':['a']},"
		 "{'kind':'sim','key':'ok'}]",
		 "'c' waits for 'a' waits for 'b' waits for 'c'"},
	};
	struct fix f;

	(void)state;
	open_one(&f, "fifo");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(fix_submit_as(&f, bad[i].graph, 1, NULL),
				 -ELOOP);
		assert_string_equal(err_text(), bad[i].says);
	}
	assert_int_equal(fix_submit_as(&f,
				       "{'kind':'sim','key':'a',"
				       "'after':['nobody']}",
				       1, NULL),
			 -ENOENT);
	assert_non_null(strstr(err_text(), "'nobody'"));
	assert_int_equal(rt_pending(f.r), 0);
	fix_said(&f, "");
	fix_release(&f);
}

/* A long one is named as far as there is room. */
static void a_long_circle_is_named_in_part(void **state)
{
	struct fix f;
	struct buf b;

	(void)state;
	open_one(&f, "fifo");
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 300; i++)
		buf_printf(&b, "%s{'kind':'sim','key':'k%d','after':['k%d']}",
			   i ? "," : "[", i, (i + 1) % 300);
	buf_puts(&b, "]");
	assert_int_equal(fix_submit_as(&f, b.data, 1, NULL), -ELOOP);
	assert_non_null(strstr(err_text(), "'k0' waits for 'k1' waits for"));
	assert_non_null(strstr(err_text(), "…"));
	assert_int_equal(rt_pending(f.r), 0);
	buf_release(&b);
	fix_release(&f);
}

/*
 * A layer of two behind each: paths double with each layer, and the longest
 * comes last.
 */
static void layers(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, "%s{'kind':'sim','key':'a%zu','predicted_s':1",
			   i ? "," : "", i);
		if (i)
			buf_printf(b, ",'after':['a%zu','b%zu']", i - 1, i - 1);
		buf_printf(b,
			   "},{'kind':'sim','key':'b%zu','predicted_s':%.0f,"
			   "'after':['a%zu']}",
			   i, (double)(n - i), i);
	}
}

static void a_path_is_found_whatever_the_graph(void **state)
{
	const size_t n = 50;
	double want = 0;
	char last[128];
	struct fix f;
	struct buf b;

	(void)state;
	/* At once, and with one more when the others are there. */
	for (int late = 0; late < 2; late++) {
		open_one(&f, "fifo");
		buf_init(&b, 1u << 20);
		buf_puts(&b, "[");
		layers(&b, n);
		snprintf(last, sizeof(last),
			 "%s{'kind':'sim','key':'z','predicted_s':1000,"
			 "'after':['b%zu','a%zu']}",
			 late ? "" : ",", n - 1, n - 1);
		if (!late)
			buf_puts(&b, last);
		buf_puts(&b, "]");
		fix_submit(&f, b.data);
		if (late)
			fix_submit(&f, last);
		want = 1000;
		for (size_t i = 0; i < n; i++)
			want += 1 + (double)(n - i);
		assert_true(fabs(fix_task(&f, "a0")->critical_s - want) <
			    1e-6 * want);
		buf_release(&b);
		fix_release(&f);
	}
}

/* Each waits for the hundred before it. */
static void a_dense_graph_is_taken_in_at_once(void **state)
{
	const int n = 4096, each = 100;
	clock_t began;
	struct fix f;
	struct buf b;

	(void)state;
	open_one(&f, "fifo");
	buf_init(&b, 32u << 20);
	for (int i = 0; i < n; i++) {
		buf_printf(&b, "%c{'kind':'sim','key':'%d','after':[",
			   i ? ',' : '[', i);
		for (int k = i < each ? 0 : i - each; k < i; k++)
			buf_printf(&b, "%s'%d'", k && k > i - each ? "," : "",
				   k);
		buf_puts(&b, "]}");
	}
	buf_puts(&b, "]");
	began = clock();
	fix_submit(&f, b.data);
	assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 5);
	assert_true(fix_task(&f, "0")->critical_s >
		    4000 * fix_task(&f, "4095")->critical_s);
	buf_release(&b);
	fix_release(&f);
}

static void a_diamond_is_done_in_order(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{}}");
	/* Also as the keys come in no order at all. */
	fix_submit(&f, "[{'kind':'sim','key':'d','after':['b','c']},"
		       "{'kind':'sim','key':'b','after':['a']},"
		       "{'kind':'sim','key':'a'},"
		       "{'kind':'sim','key':'c','after':['a']}]");
	fix_said(&f, " start a@w");
	fix_done(&f, "a");
	fix_said(&f, " ended a done start c@w start b@w");
	fix_done(&f, "b");
	fix_said(&f, " ended b done");
	fix_done(&f, "c");
	fix_said(&f, " ended c done start d@w");
	/* Of one that has ended already there is nothing to wait for. */
	fix_submit(&f, "{'kind':'sim','key':'e','after':['a']}");
	fix_said(&f, " start e@w");
	fix_release(&f);
}

static void each_edge_says_what_a_failure_means(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{}}");
	fix_submit(&f,
		   "[{'kind':'sim','key':'a'},"
		   "{'kind':'sim','key':'fail','after':['a']},"
		   "{'kind':'sim','key':'skip','after':[{'key':'a',"
		   "'on_failure':'skip'}]},"
		   "{'kind':'sim','key':'run','after':[{'key':'a',"
		   "'on_failure':'run'}]},"
		   "{'kind':'sim','key':'after-skip','after':['skip']},"
		   "{'kind':'sim','key':'after-fail','after':[{'key':'fail',"
		   "'on_failure':'run'}]}]");
	fix_said(&f, " start a@w");
	fix_failed(&f, "a", false);
	fix_step(&f);
	buf_reset(&f.said);
	assert_int_equal(fix_task(&f, "fail")->state, RT_FAILED);
	assert_string_equal(fix_task(&f, "fail")->outcome->text,
			    "'a', which it waits for, was failed");
	assert_int_equal(fix_task(&f, "skip")->state, RT_SKIPPED);
	assert_int_equal(fix_task(&f, "run")->state, RT_RUNNING);
	assert_int_equal(fix_task(&f, "after-skip")->state, RT_SKIPPED);
	assert_int_equal(fix_task(&f, "after-fail")->state, RT_RUNNING);
	/* Late comers fare no better. */
	fix_submit(&f, "{'kind':'sim','key':'late','after':['a']}");
	fix_said(&f, " ended late failed");
	fix_release(&f);
}

/* A chain of many is neither deep nor slow. */
static void a_long_chain_falls_at_once(void **state)
{
	enum { N = 20000 };
	struct rt_request *q = mem_zalloc(N, sizeof(*q));
	uint64_t *ids = mem_zalloc(N, sizeof(*ids));
	struct fix f;

	(void)state;
	open_one(&f, "sjf");
	for (int i = 0; i < N; i++) {
		rt_request_init(&q[i]);
		q[i].kind = RT_SIM;
		q[i].predicted_s = 1;
		free(q[i].key);
		q[i].key = mem_printf("%d", i);
		if (!i)
			continue;
		q[i].deps = mem_zalloc(1, sizeof(*q[i].deps));
		q[i].deps[0].key = mem_printf("%d", i - 1);
		q[i].dep_count = 1;
	}
	assert_int_equal(rt_submit(f.r, q, N, 1, 0, ids), 0);
	assert_true(rt_find(f.r, ids[0])->critical_s >= N);
	for (int i = 0; i < N; i++)
		rt_request_release(&q[i]);
	fix_step(&f);
	assert_int_equal(rt_cancel(f.r, ids[0], 0), 1);
	assert_int_equal(rt_pending(f.r), 0);
	assert_int_equal(f.events[RT_EV_ENDED], N);
	fix_step(&f);
	free(q);
	free(ids);
	fix_release(&f);
}

/* b holds up an urgent one: it goes before others of its own priority. */
static void priority_is_inherited_and_given_back(void **state)
{
	struct fix f;
	uint64_t ids[4];

	(void)state;
	open_one(&f, "priority");
	fix_submit(&f, "{'kind':'sim','key':'z','need':{'cores':1}}");
	fix_said(&f, " start z@w");
	fix_submit_as(&f,
		      "[{'kind':'sim','key':'a','priority':50,"
		      "'need':{'cores':1}},"
		      "{'kind':'sim','key':'b','priority':10,"
		      "'need':{'cores':1}},"
		      "{'kind':'sim','key':'c','priority':5,'after':['b']},"
		      "{'kind':'sim','key':'d','priority':200,'after':['c']}]",
		      1, ids);
	fix_step(&f);
	assert_int_equal(fix_task(&f, "b")->priority, 200);
	assert_int_equal(fix_task(&f, "c")->priority, 200);
	assert_int_equal(fix_task(&f, "a")->priority, 50);
	/* Who no longer waits bequeaths nothing. */
	rt_cancel(f.r, ids[3], f.now);
	fix_step(&f);
	assert_int_equal(fix_task(&f, "b")->priority, 10);
	buf_reset(&f.said);
	fix_submit(&f, "{'kind':'sim','key':'e','priority':220,"
		       "'after':['c']}");
	fix_done(&f, "z");
	fix_said(&f, " ended z done start b@w");
	fix_release(&f);
}

static void the_longer_path_goes_first(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f, "priority");
	fix_submit(&f, "{'kind':'sim','key':'z','need':{'cores':1}}");
	fix_said(&f, " start z@w");
	fix_submit(&f, "[{'kind':'sim','key':'short','predicted_s':2,"
		       "'need':{'cores':1}},"
		       "{'kind':'sim','key':'long','predicted_s':1,"
		       "'need':{'cores':1}},"
		       "{'kind':'sim','key':'rest','predicted_s':9,"
		       "'after':['long'],'need':{'cores':1}}]");
	assert_true(fix_task(&f, "long")->critical_s >
		    fix_task(&f, "short")->critical_s);
	fix_done(&f, "z");
	fix_said(&f, " ended z done start long@w");
	fix_release(&f);
}

/* The one around it waits, with all that it holds: a stranger between the two
 * does not hold both up. */
static void what_is_within_is_as_urgent_as_what_is_around_it(void **state)
{
	struct fix f;
	uint64_t id;

	(void)state;
	open_one(&f, "priority");
	fix_worker(&f, "{'name':'v','kinds':['tool'],'capacity':{'cores':1}}");
	fix_submit(&f, "[{'kind':'sim','key':'outer','priority':50,"
		       "'need':{'cores':1}},"
		       "{'kind':'tool','key':'z','need':{'cores':1}}]");
	fix_said(&f, " start z@v start outer@w");
	fix_submit(&f, "{'kind':'tool','key':'inner','priority':10,"
		       "'within':'outer','need':{'cores':1}}");
	fix_submit(&f, "{'kind':'tool','key':'other','priority':40,"
		       "'need':{'cores':1}}");
	fix_submit(&f, "{'kind':'tool','key':'most','priority':60,"
		       "'need':{'cores':1}}");
	assert_int_equal(fix_task(&f, "inner")->priority, 50);
	/* And what comes to wait for that one later counts as well. */
	assert_int_equal(fix_submit_as(&f,
				       "{'kind':'sim','key':'urgent',"
				       "'priority':200,'after':['outer']}",
				       1, &id),
			 0);
	assert_int_equal(fix_task(&f, "inner")->priority, 200);
	rt_cancel(f.r, id, f.now);
	fix_step(&f);
	assert_int_equal(fix_task(&f, "inner")->priority, 50);
	buf_reset(&f.said);
	fix_done(&f, "z");
	fix_said(&f, " ended z done start most@v");
	fix_done(&f, "most");
	fix_said(&f, " ended most done start inner@v");
	/* How it ends is for the one around it to judge. */
	fix_failed(&f, "inner", false);
	fix_said(&f, " ended inner failed start other@v");
	fix_done(&f, "outer");
	fix_said(&f, " ended outer done");
	/* The end of that one ends what was inherited from it. */
	fix_submit(&f, "{'kind':'sim','key':'outer2','priority':90,"
		       "'need':{'cores':1}}");
	fix_said(&f, " start outer2@w");
	fix_submit(&f, "{'kind':'tool','key':'in2','priority':10,"
		       "'within':'outer2','need':{'cores':1}}");
	assert_int_equal(fix_task(&f, "in2")->priority, 90);
	fix_done(&f, "outer2");
	fix_step(&f);
	assert_int_equal(fix_task(&f, "in2")->priority, 10);
	fix_release(&f);
}

/* It would wait for ever, and no figure of it may grow without end. */
static void a_circle_through_within_does_no_harm(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f, "priority");
	fix_submit(&f, "[{'kind':'sim','key':'a','need':{'cores':1}}]");
	fix_said(&f, " start a@w");
	fix_submit(&f, "[{'kind':'sim','key':'b','within':'c'},"
		       "{'kind':'sim','key':'c','within':'b'},"
		       "{'kind':'sim','key':'d','within':'d'},"
		       "{'kind':'sim','key':'e','within':'a','priority':200,"
		       "'after':['a']}]");
	fix_step(&f);
	buf_reset(&f.said);
	assert_true(fix_task(&f, "a")->critical_s < 1e6);
	assert_int_equal(fix_task(&f, "a")->priority, 200);
	fix_done(&f, "a");
	fix_said(&f, " ended a done start e@w");
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_circle_is_named),
		cmocka_unit_test(a_long_circle_is_named_in_part),
		cmocka_unit_test(a_path_is_found_whatever_the_graph),
		cmocka_unit_test(a_dense_graph_is_taken_in_at_once),
		cmocka_unit_test(a_diamond_is_done_in_order),
		cmocka_unit_test(each_edge_says_what_a_failure_means),
		cmocka_unit_test(a_long_chain_falls_at_once),
		cmocka_unit_test(priority_is_inherited_and_given_back),
		cmocka_unit_test(the_longer_path_goes_first),
		cmocka_unit_test(
			what_is_within_is_as_urgent_as_what_is_around_it),
		cmocka_unit_test(a_circle_through_within_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
