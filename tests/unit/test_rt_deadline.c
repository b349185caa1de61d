/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has not begun by its deadline. */
#include "rt_fix.h"

static void open_one(struct fix *f)
{
	fix_init(f, "fifo");
	fix_worker(f, "{'name':'w','kinds':['sim'],'capacity':{'cores':1}}");
	fix_submit(f, "{'kind':'sim','key':'z','need':{'cores':1}}");
	fix_said(f, " start z@w");
}

static double late(struct fix *f)
{
	struct json *v = rt_stats(f->r, f->now);
	double n = json_as_number(json_get(v, "late"), -1);

	json_free(v);
	return n;
}

static void what_waits_for_room_fails_at_its_deadline(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "[{'kind':'sim','key':'a','need':{'cores':1},"
		       "'deadline_s':10,'expires':true},"
		       "{'kind':'sim','key':'b','after':['a']},"
		       "{'kind':'sim','key':'c','after':[{'key':'a',"
		       "'on_failure':'skip'}]},"
		       "{'kind':'sim','key':'d','after':[{'key':'a',"
		       "'on_failure':'run'}]},"
		       "{'kind':'sim','key':'e','need':{'cores':1},"
		       "'deadline_s':10}]");
	fix_at(&f, 10);
	fix_said(&f, "");
	assert_true(f.next > 10 && f.next < 10.001);
	fix_at(&f, 12.5);
	assert_int_equal(fix_task(&f, "a")->state, RT_FAILED);
	assert_int_equal(fix_task(&f, "a")->outcome->error, -ETIME);
	assert_string_equal(fix_task(&f, "a")->outcome->text,
			    "its deadline passed 2.5 s ago while it waited");
	assert_int_equal(fix_task(&f, "b")->state, RT_FAILED);
	assert_int_equal(fix_task(&f, "c")->state, RT_SKIPPED);
	assert_int_equal(fix_task(&f, "d")->state, RT_RUNNING);
	/* Who did not ask for it is late, and done all the same. */
	buf_reset(&f.said);
	fix_done(&f, "z");
	fix_said(&f, " ended z done start e@w");
	assert_true(late(&f) == 1);
	fix_done(&f, "e");
	fix_step(&f);
	assert_true(late(&f) == 2);
	fix_release(&f);
}

static void at_the_very_moment_it_still_starts(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "{'kind':'sim','key':'a','need':{'cores':1},"
		       "'deadline_s':10,'expires':true}");
	f.now = 10;
	fix_done(&f, "z");
	fix_said(&f, " ended z done start a@w");
	/* It has begun: it may end when it likes. */
	fix_at(&f, 1000);
	fix_done(&f, "a");
	fix_said(&f, " ended a done");
	assert_true(late(&f) == 1);
	fix_release(&f);
}

static void what_waits_for_others_fails_as_well(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f);
	fix_submit(&f, "[{'kind':'sim','key':'a','after':['z'],"
		       "'deadline_s':3,'expires':true},"
		       "{'kind':'sim','key':'past','deadline_s':-1,"
		       "'expires':true}]");
	fix_said(&f, " ended past failed");
	assert_true(f.next >= 3 && f.next < 3.001);
	fix_at(&f, f.next);
	fix_said(&f, " ended a failed");
	fix_done(&f, "z");
	fix_said(&f, " ended z done");
	fix_release(&f);
}

static void no_further_attempt_begins_after_it(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':1}}");
	fix_submit(&f, "{'kind':'sim','key':'a','deadline_s':0.1,"
		       "'expires':true,'idempotent':true}");
	fix_said(&f, " start a@w");
	fix_failed(&f, "a", true);
	fix_said(&f, "");
	fix_at(&f, f.next);
	fix_said(&f, " ended a failed");
	assert_int_equal(fix_task(&f, "a")->outcome->error, -ETIME);
	fix_release(&f);
}

static void what_was_suspended_goes_on(void **state)
{
	struct rt_usage none = {0};
	struct fix f;

	(void)state;
	fix_init(&f, "priority");
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':1}}");
	fix_submit(&f, "{'kind':'sim','key':'a','deadline_s':5,"
		       "'expires':true,'preemptible':true,'predicted_s':100,"
		       "'need':{'cores':1}}");
	fix_said(&f, " start a@w");
	fix_submit(&f, "{'kind':'sim','key':'u','priority':200,"
		       "'need':{'cores':1}}");
	fix_said(&f, " suspend a");
	rt_suspended(f.r, fix_lease(&f, "a"), "{}", &none, f.now);
	fix_said(&f, " start u@w");
	fix_at(&f, 20);
	fix_said(&f, "");
	fix_done(&f, "u");
	fix_said(&f, " ended u done start a@w");
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_for_room_fails_at_its_deadline),
		cmocka_unit_test(at_the_very_moment_it_still_starts),
		cmocka_unit_test(what_waits_for_others_fails_as_well),
		cmocka_unit_test(no_further_attempt_begins_after_it),
		cmocka_unit_test(what_was_suspended_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
