/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small ones go before wide ones, and delay them by nothing. */
#include "base/clock.h"
#include "rt_fix.h"

static void open_eight(struct fix *f)
{
	fix_init(f, "fifo");
	fix_worker(f, "{'name':'w','kinds':['sim','tool'],"
		      "'capacity':{'cores':8}}");
}

/* One of so many cores that is predicted to take so long. */
static void job(struct fix *f, const char *key, int cores, double s)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "{'kind':'sim','key':'%s','need':{'cores':%d},"
		 "'predicted_s':%g}",
		 key, cores, s);
	fix_submit(f, text);
}

static void who_ends_in_time_may_pass(void **state)
{
	struct fix f;
	double p90;

	(void)state;
	open_eight(&f);
	job(&f, "runs", 6, 100);
	fix_said(&f, " start runs@w");
	p90 = fix_task(&f, "runs")->p90_s;
	job(&f, "wide", 8, 10);
	job(&f, "long", 2, 2 * p90);
	job(&f, "short", 2, p90 / 10);
	fix_said(&f, " start short@w");
	f.now = p90 / 20;
	/* Not done: predictions would learn from it. */
	rt_cancel(f.r, fix_task(&f, "short")->id, f.now);
	fix_said(&f, " cancel short ended short cancelled");
	f.now = p90 * 0.9;
	/* Too late for another short one. */
	job(&f, "short2", 2, p90 / 5);
	fix_said(&f, "");
	fix_done(&f, "runs");
	fix_said(&f, " ended runs done start wide@w");
	fix_done(&f, "wide");
	fix_said(&f, " ended wide done start long@w start short2@w");
	fix_release(&f);
}

static void who_uses_what_is_left_over_may_pass(void **state)
{
	struct fix f;

	(void)state;
	open_eight(&f);
	job(&f, "runs", 4, 100);
	fix_said(&f, " start runs@w");
	job(&f, "wide", 6, 10);
	/* Two are left over beside wide, not four. */
	job(&f, "big", 4, 1000);
	job(&f, "a", 2, 1000);
	job(&f, "b", 2, 1000);
	fix_said(&f, " start a@w");
	fix_done(&f, "runs");
	fix_said(&f, " ended runs done start wide@w");
	fix_release(&f);
}

static void another_worker_is_not_held_back(void **state)
{
	struct fix f;

	(void)state;
	open_eight(&f);
	fix_worker(&f, "{'name':'v','kinds':['sim'],'order':1,"
		       "'capacity':{'cores':2}}");
	job(&f, "runs", 6, 100);
	job(&f, "wide", 8, 10);
	job(&f, "long", 2, 1000);
	fix_said(&f, " start runs@w start long@v");
	fix_release(&f);
}

static void in_the_seeds_way_nobody_passes(void **state)
{
	struct fix f = {0};

	(void)state;
	rt_opts_init(&f.o);
	f.o.policy = "fifo";
	f.o.no_backfill = true;
	fix_open(&f);
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':8}}");
	job(&f, "runs", 6, 100);
	job(&f, "wide", 8, 10);
	job(&f, "short", 1, 1);
	fix_said(&f, " start runs@w");
	fix_done(&f, "runs");
	fix_said(&f, " ended runs done start wide@w");
	fix_done(&f, "wide");
	fix_said(&f, " ended wide done start short@w");
	fix_release(&f);
}

static void in_the_seeds_way_one_has_it_all(void **state)
{
	struct fix f = {0};

	(void)state;
	rt_opts_init(&f.o);
	f.o.policy = "fifo";
	f.o.exclusive = true;
	fix_open(&f);
	fix_worker(&f, "{'name':'w','kinds':['sim'],'capacity':{'cores':8}}");
	job(&f, "a", 1, 1);
	job(&f, "b", 1, 1);
	fix_said(&f, " start a@w");
	fix_done(&f, "a");
	fix_said(&f, " ended a done start b@w");
	fix_release(&f);
}

struct flood {
	struct fix f;
	struct rng rng;
	struct small {
		uint64_t id;
		double end;
	} v[64];
	size_t n;
	double takes; /* times what is predicted */
};

/* Always more small ones than there is room for. */
static void pour(struct flood *x)
{
	while (x->n < ARRAY_LEN(x->v)) {
		char text[128];
		int cores = 1 + (int)rng_below(&x->rng, 3);

		snprintf(text, sizeof(text),
			 "{'kind':'sim','need':{'cores':%d},"
			 "'predicted_s':0.01}",
			 cores);
		fix_submit_as(&x->f, text, 1, &x->v[x->n].id);
		x->v[x->n++].end = INFINITY;
	}
}

/* What runs ends when it takes to; at most one. */
static void drain(struct flood *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct rt_task *t = rt_find(x->f.r, x->v[i].id);

		if (t->state != RT_RUNNING)
			continue;
		if (x->v[i].end == INFINITY)
			x->v[i].end = t->started +
				      x->takes * (0.5 + rng_unit(&x->rng));
		if (x->v[i].end > x->f.now)
			continue;
		fix_done_as(&x->f, t->lease.id, 0, false);
		x->v[i--] = x->v[--x->n];
	}
}

/*
 * The longest first would be the worst order for a wide one: a policy that
 * puts the small ones first is honest about it, but fifo must let it start
 * soon after all that ran when it came has ended, however wrong predictions
 * are.
 */
static void wide_ones_do_not_starve(void **state)
{
	struct flood x = {.takes = 10};
	double came;

	(void)state;
	open_eight(&x.f);
	rng_init(&x.rng, 5);
	pour(&x);
	fix_step(&x.f);
	came = x.f.now;
	job(&x.f, "wide", 8, 1);
	/* Those before it go first; those after it do not, for ever. */
	while (fix_task(&x.f, "wide")->state != RT_RUNNING) {
		x.f.now += 0.5;
		drain(&x);
		pour(&x);
		fix_step(&x.f);
		buf_reset(&x.f.said);
		assert_true(x.f.now - came < 64 * 15);
	}
	/* 64 small ones of two cores and ten seconds each on average, on eight
	 * cores, and the last of them to the end. */
	assert_true(x.f.now - came < 64 * 2 * 10 / 8 * 1.5 + 15);
	fix_release(&x.f);
}

/* Predicted to end in a moment, for ever. */
static void late_ones_let_nobody_pass(void **state)
{
	struct fix f;

	(void)state;
	open_eight(&f);
	job(&f, "late", 4, 1);
	fix_said(&f, " start late@w");
	job(&f, "wide", 8, 1);
	/* It fits before the promise, which nobody keeps. */
	job(&f, "short", 4, 0.01);
	fix_said(&f, " start short@w");
	fix_at(&f, 50);
	/* Not done: predictions would learn from it. */
	rt_cancel(f.r, fix_task(&f, "short")->id, f.now);
	fix_said(&f, " cancel short ended short cancelled");
	for (int i = 0; i < 10; i++) {
		char key[8];

		snprintf(key, sizeof(key), "x%d", i);
		job(&f, key, 1, 0.01);
		fix_at(&f, f.now + 1);
	}
	fix_said(&f, "");
	fix_done(&f, "late");
	fix_said(&f, " ended late done start wide@w");
	fix_release(&f);
}

/* Who held all others up is gone: they go on at once. */
static void a_promise_ends_with_whom_it_was_made_to(void **state)
{
	struct fix f;
	uint64_t id;

	(void)state;
	open_eight(&f);
	job(&f, "runs", 6, 100);
	fix_submit_as(&f,
		      "{'kind':'sim','key':'wide','need':{'cores':8},"
		      "'predicted_s':1}",
		      1, &id);
	job(&f, "long", 2, 1000);
	fix_said(&f, " start runs@w");
	rt_cancel(f.r, id, f.now);
	fix_said(&f, " ended wide cancelled start long@w");
	fix_release(&f);
}

/* What cannot start holds up its own shape alone. */
static void many_shapes_are_looked_at_once_each(void **state)
{
	struct fix f;
	uint64_t id;

	(void)state;
	fix_init(&f, "fifo");
	fix_worker(&f, "{'name':'w','kinds':['sim'],"
		       "'capacity':{'cores':1000,'memory_mib':1000}}");
	fix_submit_as(&f,
		      "{'kind':'sim','need':{'cores':1000,"
		      "'memory_mib':1000}}",
		      1, &id);
	for (int i = 0; i < 500; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "{'kind':'sim','need':{'cores':1,'memory_mib':%d}}",
			 1 + i % 250);
		fix_submit(&f, text);
	}
	fix_step(&f);
	assert_int_equal(f.events[RT_EV_STARTED], 1);
	fix_done_as(&f, rt_find(f.r, id)->lease.id, 0, false);
	fix_step(&f);
	/* Memory for 1 + 2 + … + 44 MiB and a little more. */
	assert_true(f.events[RT_EV_STARTED] >= 44);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_ends_in_time_may_pass),
		cmocka_unit_test(who_uses_what_is_left_over_may_pass),
		cmocka_unit_test(another_worker_is_not_held_back),
		cmocka_unit_test(in_the_seeds_way_nobody_passes),
		cmocka_unit_test(in_the_seeds_way_one_has_it_all),
		cmocka_unit_test(wide_ones_do_not_starve),
		cmocka_unit_test(late_ones_let_nobody_pass),
		cmocka_unit_test(a_promise_ends_with_whom_it_was_made_to),
		cmocka_unit_test(many_shapes_are_looked_at_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
