/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary: what is decided from made-up windows, thousands of times; whom a
 * scope means; and what real processes get and wait.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/canary/canary.h"
#include "agents/canary/tasks.h"
#include "agents/canary/watch.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"
#include "trace/sample.h"

/* ---- decisions -------------------------------------------------------- */

static double gauss(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static const struct canary_metric served = {
	"cpu_served", "%", true, true, 0, 2, 5};
static const struct canary_metric delay = {"delay", "us/s", false, false,
					   1000,    25,	    50};
static const struct canary_metric worst = {"worst_task", "%", true, false, 0,
					   50,		 60};

struct world {
	double slower;	 /* with the policy: the factor of what is got */
	double noise;	 /* of each window */
	double weather;	 /* of the whole machine, in each window */
	bool control;	 /* there is one, with the same weather */
	double fair_pct; /* that others took */
	double demand_pct;
	bool waits_only; /* what is slower */
};

static struct canary_value value(const struct world *w, bool with,
				 const struct canary_metric *m, struct rng *r)
{
	double weather = exp(w->weather * gauss(r));
	bool slow = with && !(w->waits_only && m->fair);
	double got = 60 * (slow ? w->slower : 1) * exp(w->noise * gauss(r));
	double other = 60 * exp(w->noise * gauss(r));

	if (!m->higher_is_better) {
		got = 1e6 / got;
		other = 1e6 / other;
	}
	return (struct canary_value){got * weather,
				     w->control ? other * weather : -1};
}

/* Until there is an answer. */
static enum canary_answer live(const struct world *w, uint64_t seed,
			       struct canary_finding *f)
{
	static struct canary_series s[2];
	struct canary_case c = {.series = s,
				.count = 2,
				.partial = true,
				.fair_pct = w->fair_pct,
				.demand_pct = w->demand_pct,
				.seed = seed};
	struct rng r;

	rng_init(&r, seed);
	s[0].metric = served;
	s[1].metric = delay;
	do {
		for (size_t i = 0; i < 2; i++) {
			s[i].without[c.pairs] =
				value(w, false, &s[i].metric, &r);
			s[i].with[c.pairs] = value(w, true, &s[i].metric, &r);
		}
		c.pairs++;
		canary_judge(&c, f);
	} while (f->answer == CANARY_ON);
	assert_true(*f->why);
	return f->answer;
}

#define LIVES 20

/* How often of LIVES it comes to that. */
static size_t how_often(const struct world *w, enum canary_answer a)
{
	struct canary_finding f;
	size_t n = 0;

	for (uint64_t i = 0; i < LIVES; i++)
		n += live(w, i + 1, &f) == a;
	return n;
}

static void the_harmless_pass(void **state)
{
	const struct world quiet = {1, 0.005, 0, false, 2, 80, false};
	const struct world noisy = {1, 0.02, 0, false, 2, 80, false};
	const struct world better = {1.3, 0.03, 0, false, 2, 80, false};
	/* Others take much, and it does well all the same. */
	const struct world busy = {1, 0.005, 0, false, 50, 80, false};

	(void)state;
	assert_true(how_often(&quiet, CANARY_PASSED) >= LIVES * 99 / 100);
	assert_true(how_often(&noisy, CANARY_PASSED) >= LIVES * 90 / 100);
	assert_true(how_often(&noisy, CANARY_WORSE) <= LIVES * 2 / 100);
	assert_true(how_often(&better, CANARY_PASSED) >= LIVES * 99 / 100);
	assert_true(how_often(&busy, CANARY_PASSED) >= LIVES * 99 / 100);
}

static void the_worse_are_caught(void **state)
{
	const struct world five = {0.94, 0.005, 0, false, 2, 80, false};
	const struct world noisy = {0.94, 0.02, 0, false, 2, 80, false};
	const struct world half = {0.5, 0.1, 0, false, 2, 80, false};

	(void)state;
	assert_true(how_often(&five, CANARY_WORSE) >= LIVES * 99 / 100);
	/* What cannot be told is not let pass either. */
	assert_true(how_often(&noisy, CANARY_WORSE) >= LIVES * 80 / 100);
	assert_true(how_often(&noisy, CANARY_PASSED) <= LIVES * 2 / 100);
	assert_true(how_often(&half, CANARY_WORSE) >= LIVES * 99 / 100);
}

static void a_control_takes_the_weather_out(void **state)
{
	struct world w = {0.94, 0.005, 0.3, true, 2, 80, false};

	(void)state;
	assert_true(how_often(&w, CANARY_WORSE) >= LIVES * 95 / 100);
	w.slower = 1;
	assert_true(how_often(&w, CANARY_PASSED) >= LIVES * 99 / 100);
	/* Without one nothing can be told. */
	w.control = false;
	assert_true(how_often(&w, CANARY_UNSURE) >= LIVES * 50 / 100);
	assert_true(how_often(&w, CANARY_WORSE) <= LIVES * 2 / 100);
}

static void who_comes_last_is_not_to_blame(void **state)
{
	struct world w = {0.5, 0.02, 0, false, CANARY_FAIR_PCT, 80, true};
	struct canary_finding f;

	(void)state;
	assert_int_equal(live(&w, 1, &f), CANARY_UNSURE);
	assert_non_null(strstr(f.why, "cannot be judged in partial mode"));
	assert_non_null(strstr(f.why, "--canary all"));
	/* It can make use of what they leave, though. */
	w.waits_only = false;
	assert_int_equal(live(&w, 1, &f), CANARY_WORSE);
}

/* ---- one of many ------------------------------------------------------ */

struct crowd {
	size_t tasks;
	double noise;	/* of each task in each window: a factor's logarithm */
	double starved; /* how much less the first one gets */
	double all;	/* and all of them */
	bool control;
};

#define FIRST_TID 1000

static void crowd_window(const struct crowd *c, size_t pair, bool with,
			 struct rng *r, struct canary_tasks *to)
{
	struct canary_seen *seen = mem_zalloc(2 * c->tasks, sizeof(*seen));
	size_t n = c->control ? 2 * c->tasks : c->tasks;

	for (size_t i = 0; i < n; i++) {
		double got = 0.4 * exp(c->noise * gauss(r));

		if (with)
			got *= (i ? 1 : c->starved) * c->all;
		seen[i] = (struct canary_seen){
			.tid = FIRST_TID + (pid_t)i,
			.started = 7,
			.control = i >= c->tasks,
			.run_s = fmin(got, 1),
			.wait_s = fmax(1 - got, 0),
		};
	}
	canary_tasks_put(to, pair, with, seen, n, 1);
	free(seen);
}

static enum canary_answer live_crowd(const struct crowd *c, uint64_t seed,
				     struct canary_finding *f)
{
	struct canary_series s = {.metric = worst};
	struct canary_tasks tasks = {0};
	struct canary_case k = {
		.series = &s, .count = 1, .demand_pct = 100, .seed = seed};
	struct rng r;

	rng_init(&r, seed);
	do {
		crowd_window(c, k.pairs, false, &r, &tasks);
		crowd_window(c, k.pairs, true, &r, &tasks);
		canary_tasks_pick(&tasks, ++k.pairs, true, &s);
		assert_false(s.absent);
		assert_int_equal(s.each_count, c->tasks);
		canary_judge(&k, f);
	} while (f->answer == CANARY_ON);
	if (f->answer == CANARY_WORSE)
		assert_int_equal(s.tid, FIRST_TID);
	free(s.each);
	canary_tasks_release(&tasks);
	return f->answer;
}

static void one_in_a_thousand_is_seen(void **state)
{
	struct crowd c = {1000, 0.2, 0.3, 1, false};
	struct canary_finding f;

	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(live_crowd(&c, i, &f), CANARY_WORSE);
	assert_non_null(strstr(f.why, "worst_task of 1000"));
	/* Nobody is worse off: the worst of a thousand is a matter of chance.
	 */
	c.starved = 1;
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_not_equal(live_crowd(&c, i, &f), CANARY_WORSE);
	c.noise = 0.05;
	assert_int_equal(live_crowd(&c, 1, &f), CANARY_PASSED);
	/* All are, canary and control: that is the weather. */
	c = (struct crowd){100, 0.1, 1, 0.5, true};
	assert_int_equal(live_crowd(&c, 1, &f), CANARY_PASSED);
	c.starved = 0.4;
	assert_int_equal(live_crowd(&c, 1, &f), CANARY_WORSE);
}

static void who_comes_and_goes_does_not_count(void **state)
{
	struct canary_seen seen[] = {{1, 1, false, 0.5, 0},
				     {2, 1, false, 1, 1}};
	struct canary_series s = {.metric = worst};
	struct canary_tasks t = {0};

	(void)state;
	canary_tasks_put(&t, 0, true, seen, 1, 1);
	canary_tasks_put(&t, 0, false, seen, 2, 1);
	canary_tasks_pick(&t, 1, false, &s);
	assert_int_equal(s.each_count, 1);
	assert_int_equal(s.tid, 1);
	/* Another one of that number. */
	seen[0].started = 2;
	canary_tasks_put(&t, 1, false, seen, 2, 1);
	canary_tasks_put(&t, 1, true, seen, 2, 1);
	canary_tasks_pick(&t, 2, false, &s);
	assert_true(s.absent);
	free(s.each);
	canary_tasks_release(&t);
}

static void who_sleeps_is_told_from_who_does_not(void **state)
{
	struct canary_seen without[] = {{1, 1, false, 0.4, 0.6},
					{2, 1, false, 0.5, 0.5},
					{3, 1, false, 0.2, 0.1}},
			   with[] = {{1, 1, false, 0.4, 0.6},
				     {2, 1, false, 0.4, 0.6},
				     {3, 1, false, 0.2, 0.8}};
	struct canary_series s = {.metric = worst};
	struct canary_tasks t = {0};

	(void)state;
	canary_tasks_put(&t, 0, false, without, 3, 1);
	canary_tasks_put(&t, 0, true, with, 3, 1);
	canary_tasks_pick(&t, 1, true, &s);
	assert_int_equal(s.each_count, 2);
	assert_int_equal(s.tid, 2);
	/* It sleeps without the policy: with it, it cannot. */
	canary_tasks_pick(&t, 1, false, &s);
	assert_int_equal(s.each_count, 1);
	assert_int_equal(s.tid, 3);
	free(s.each);
	canary_tasks_release(&t);
}

static void what_did_not_run_tells_nothing(void **state)
{
	const struct world w = {1, 0.005, 0, false, 0, 0.5, false};
	struct canary_finding f;

	(void)state;
	assert_int_equal(live(&w, 1, &f), CANARY_UNSURE);
	assert_non_null(strstr(f.why, "hardly anything of it ran"));
}

static void starving_ends_it_at_once(void **state)
{
	struct canary_case c = {
		.partial = true, .longest_s = 1.2, .longest_0_s = 0.05};
	struct canary_finding f = {0};

	(void)state;
	assert_true(canary_starves(&c, &f));
	assert_int_equal(f.answer, CANARY_WORSE);
	/* It was so before; it was short; others came first. */
	c.longest_0_s = 0.6;
	assert_false(canary_starves(&c, &f));
	c.longest_0_s = 0.05;
	c.longest_s = 0.9;
	assert_false(canary_starves(&c, &f));
	c.longest_s = 3;
	c.fair_pct = CANARY_HALF_PCT;
	assert_true(canary_starves(&c, &f));
	assert_int_equal(f.answer, CANARY_UNSURE);
	/* With all tasks there are no others. */
	c.partial = false;
	assert_true(canary_starves(&c, &f));
	assert_int_equal(f.answer, CANARY_WORSE);
}

static void a_full_machine_is_left_alone(void **state)
{
	struct canary_case c = {.partial = true, .fair_pct = 90};
	struct canary_finding f = {0};

	(void)state;
	assert_true(canary_crowded(&c, &f));
	assert_int_equal(f.answer, CANARY_UNSURE);
	c.partial = false;
	assert_false(canary_crowded(&c, &f));
	c.partial = true;
	c.fair_pct = 60;
	assert_false(canary_crowded(&c, &f));
}

/* ---- whom a scope means ----------------------------------------------- */

static void plans_are_read(void **state)
{
	static const struct {
		const char *scope, *widen, *steps;
	} rows[] = {
		{"5%", NULL, "5% 25% 50% all"},
		{"0.5%", NULL, "0.5% 25% 50% all"},
		{"25%", NULL, "25% 50% all"},
		{"60%", NULL, "60% all"},
		{"all", NULL, "all"},
		{"pid:12", NULL, "pid:12 all"},
		{"cgroup:/a/b c", NULL, "cgroup:/a/b c all"},
		{"pid:12", "none", "pid:12"},
		{"5%", "none", "5%"},
		{"5%", "10%,20%", "5% 10% 20%"},
		{"5%", "all", "5% all"},
	};
	static struct canary_plan p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[CANARY_SCOPE_TEXT];
		struct buf all;

		assert_int_equal(
			canary_plan_parse(rows[i].scope, rows[i].widen, &p), 0);
		buf_init(&all, 4096);
		for (size_t k = 0; k < p.count; k++) {
			canary_scope_text(&p.step[k], text);
			buf_printf(&all, "%s%s", k ? " " : "", text);
		}
		assert_string_equal(all.data, rows[i].steps);
		buf_release(&all);
	}
}

static void bad_plans_are_refused(void **state)
{
	static const char *const rows[][2] = {
		{"", NULL},
		{"5", NULL},
		{"0%", NULL},
		{"100%", NULL},
		{"-3%", NULL},
		{"nan%", NULL},
		{"5%x", NULL},
		{"pid:", NULL},
		{"pid:0", NULL},
		{"pid:1x", NULL},
		{"cgroup:", NULL},
		{"most", NULL},
		{"all", "all"},
		{"5%", "4%"},
		{"5%", "5%"},
		{"5%", "all,50%"},
		{"pid:7", "25%"},
		{"5%", "cgroup:/x"},
		{"5%", "6%,7%,8%,9%,10%,11%,12%,13%"},
	};
	static struct canary_plan p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_clear();
		assert_int_equal(canary_plan_parse(rows[i][0], rows[i][1], &p),
				 -EINVAL);
		assert_true(*err_text());
	}
}

static void shares_hold_smaller_ones(void **state)
{
	const uint32_t parts[] = {50, 500, 2500, 5000, 9900};
	size_t n[ARRAY_LEN(parts)] = {0}, other = 0;

	(void)state;
	for (pid_t pid = 1; pid <= 20000; pid++) {
		bool in = false;

		for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
			struct knob_share s = {parts[i], 12345};
			bool now = knob_share_has(&s, pid, 7000 + pid / 3);

			assert_true(!in || now);
			in = now;
			n[i] += now;
		}
		/* Another key, another choice. */
		other += knob_share_has(&(struct knob_share){500, 12345}, pid,
					7) &&
			 knob_share_has(&(struct knob_share){500, 54321}, pid,
					7);
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		double want = 20000.0 * parts[i] / KNOB_SHARE_ALL;

		assert_true(fabs((double)n[i] - want) < 4 * sqrt(want) + 1);
	}
	assert_true(other < 100);
	assert_false(
		knob_share_has(&(struct knob_share){KNOB_SHARE_ALL, 1}, 1, 1));
}

/* ---- what real processes get ------------------------------------------ */

#define HOGS 3
/* Others may keep those who are watched, or who watches, from the CPU. */
#define PATIENCE_S 20
#define TRIES	   10

static void spin(void)
{
	/* Nobody ends it where a test failed. */
	alarm(3 * PATIENCE_S);
	for (volatile unsigned i = 0;; i++)
		;
}

static void pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int first_cpu(void)
{
	cpu_set_t all;
	int cpu = 0;

	sched_getaffinity(0, sizeof(all), &all);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	return cpu;
}

/* Whatever nice value the test itself runs with. */
static void be_last(void)
{
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
}

static bool is_last(void)
{
	return sched_getscheduler(0) == SCHED_IDLE;
}

/* A process with three that want the same CPU; the last one has the least of
 * all priorities. */
static pid_t start_tree(void)
{
	pid_t top = fork();

	if (top)
		return top;
	setpgid(0, 0);
	pin(first_cpu());
	for (int i = 0; i < HOGS; i++) {
		if (fork())
			continue;
		if (i == HOGS - 1)
			be_last();
		spin();
	}
	for (;;)
		pause();
}

static void end_tree(pid_t top)
{
	kill(-top, SIGKILL);
	waitpid(top, NULL, 0);
}

static void look_for(struct canary_watch *w, double s,
		     struct canary_window *out)
{
	double end = clock_monotonic() + s, rest;

	while (clock_monotonic() < end) {
		usleep(50000);
		assert_int_equal(canary_watch_look(w, out, &rest), 0);
		assert_true(rest > 0);
	}
}

/* Of the test's own descendants: a child of the watcher is never meant. */
static pid_t start_apart(void)
{
	int fds[2];
	pid_t middle, top;

	assert_int_equal(pipe(fds), 0);
	middle = fork();
	if (!middle) {
		top = start_tree();
		if (write(fds[1], &top, sizeof(top)) != sizeof(top))
			_exit(1);
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	assert_int_equal(read(fds[0], &top, sizeof(top)), sizeof(top));
	close(fds[0]);
	close(fds[1]);
	return top;
}

struct measured {
	struct canary_window w;
	double most; /* that one waited */
};

static void measure(struct measured *m)
{
	static struct canary_scope s = {.kind = CANARY_TREE};
	struct canary_seen *seen;
	struct canary_watch *watch;
	size_t n;

	s.pid = start_apart();
	assert_int_equal(canary_watch_open(&s, 0, &watch), 0);
	usleep(100000);
	assert_int_equal(canary_watch_begin(watch), 0);
	look_for(watch, 0.8, &m->w);
	end_tree(s.pid);
	n = canary_watch_seen(watch, &seen);
	canary_watch_close(watch);
	m->most = 0;
	for (size_t i = 0; i < n; i++)
		if (!seen[i].control)
			m->most = fmax(m->most, seen[i].wait_s);
	free(seen);
}

#define HOLDS(x)                   \
	do {                       \
		if (!(x))          \
			return #x; \
	} while (0)

/* What does not hold; NULL: all does. */
static const char *wrong_with(const struct measured *m)
{
	const struct canary_window *w = &m->w;
	double sum = w->canary.run_s + w->canary.wait_s;

	/* One CPU for three: each second of it is two of waiting. */
	HOLDS(w->seconds > 0.2);
	HOLDS(w->canary.tasks == HOGS);
	HOLDS(w->canary.run_s < 1.1 * w->seconds);
	HOLDS(sum > 0.6 * HOGS * w->seconds);
	HOLDS(sum < 1.2 * HOGS * w->seconds);
	/* The last one hardly ever runs, which the kernel tells only then. */
	HOLDS(m->most > 0.6 * w->seconds);
	/* With a test that is among the last nobody comes before it. */
	HOLDS(is_last() || w->canary.longest_s > 0.02);
	HOLDS(w->pressure_s < 0);
	HOLDS(w->fair_pct >= 0 && w->fair_pct <= 100);
	return NULL;
}

static void waits_are_seen(void **state)
{
	const char *wrong = "";
	struct measured m;

	(void)state;
	for (int i = 0; i < TRIES && wrong; i++) {
		measure(&m);
		wrong = wrong_with(&m);
	}
	if (wrong)
		fail_msg("%s", wrong);
}

static size_t both(const struct canary_window *w)
{
	return w->canary.tasks + w->rest.tasks;
}

/* Until there are so many. */
static void look_until(struct canary_watch *watch, size_t tasks,
		       struct canary_window *out)
{
	double until = clock_monotonic() + PATIENCE_S, rest;

	do {
		usleep(300000);
		assert_int_equal(canary_watch_look(watch, out, &rest), 0);
	} while (both(out) < tasks && clock_monotonic() < until);
}

static void all_are_watched(void **state)
{
	static const struct canary_scope s = {.kind = CANARY_ALL};
	struct canary_window w;
	struct canary_watch *watch;
	pid_t top = start_apart();

	(void)state;
	assert_int_equal(canary_watch_open(&s, 0, &watch), 0);
	assert_int_equal(canary_watch_begin(watch), 0);
	look_until(watch, HOGS, &w);
	end_tree(top);
	assert_true(w.canary.tasks >= HOGS);
	assert_int_equal(w.rest.tasks, 0);
	canary_watch_close(watch);
}

/* What was not chosen is the rest. */
static void a_share_has_its_rest(void **state)
{
	static const struct canary_scope half = {.kind = CANARY_SHARE,
						 .parts = KNOB_SHARE_ALL / 2};
	struct canary_window w;
	struct canary_watch *watch;
	pid_t top[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(top); i++)
		top[i] = start_apart();
	assert_int_equal(canary_watch_open(&half, 99, &watch), 0);
	assert_int_equal(canary_watch_begin(watch), 0);
	look_until(watch, HOGS * ARRAY_LEN(top), &w);
	for (size_t i = 0; i < ARRAY_LEN(top); i++)
		end_tree(top[i]);
	assert_true(both(&w) >= HOGS * ARRAY_LEN(top));
	/* That all of them are on one side is a chance of one in 100 000. */
	assert_true(w.canary.tasks > 0 && w.rest.tasks > 0);
	canary_watch_close(watch);
}

static void what_is_not_there_is_named(void **state)
{
	static struct canary_scope s = {.kind = CANARY_TREE, .pid = 4194303};
	struct canary_watch *w;

	(void)state;
	assert_int_equal(canary_watch_open(&s, 0, &w), -ESRCH);
	s = (struct canary_scope){.kind = CANARY_CGROUP,
				  .cgroup = "/no/such/cgroup"};
	assert_int_equal(canary_watch_open(&s, 0, &w), -ENOENT);
	assert_non_null(strstr(err_text(), "/no/such/cgroup"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_harmless_pass),
		cmocka_unit_test(the_worse_are_caught),
		cmocka_unit_test(a_control_takes_the_weather_out),
		cmocka_unit_test(who_comes_last_is_not_to_blame),
		cmocka_unit_test(one_in_a_thousand_is_seen),
		cmocka_unit_test(who_comes_and_goes_does_not_count),
		cmocka_unit_test(who_sleeps_is_told_from_who_does_not),
		cmocka_unit_test(what_did_not_run_tells_nothing),
		cmocka_unit_test(starving_ends_it_at_once),
		cmocka_unit_test(a_full_machine_is_left_alone),
		cmocka_unit_test(plans_are_read),
		cmocka_unit_test(bad_plans_are_refused),
		cmocka_unit_test(shares_hold_smaller_ones),
		cmocka_unit_test(waits_are_seen),
		cmocka_unit_test(all_are_watched),
		cmocka_unit_test(a_share_has_its_rest),
		cmocka_unit_test(what_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
