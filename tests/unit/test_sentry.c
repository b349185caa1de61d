/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guards read, on the machine as it is. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "guard/metric.h"
#include "guard/queue.h"
#include "guard/sentry.h"
#include "guard/source.h"

#define HOGS 3
/* Who watches may not get the CPU for a while. */
#define PATIENCE_S 60

static pid_t hogs[HOGS];

static void start_hogs(void)
{
	cpu_set_t may, one;
	int cpu = 0;

	sched_getaffinity(0, sizeof(may), &may);
	while (!CPU_ISSET(cpu, &may))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	for (size_t i = 0; i < HOGS; i++) {
		hogs[i] = fork();
		if (hogs[i])
			continue;
		sched_setaffinity(0, sizeof(one), &one);
		alarm(2 * PATIENCE_S);
		for (volatile unsigned n = 0;; n++)
			;
	}
}

static void end_hogs(void)
{
	for (size_t i = 0; i < HOGS; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
}

static bool is_hog(pid_t pid)
{
	for (size_t i = 0; i < HOGS; i++)
		if (hogs[i] == pid)
			return true;
	return false;
}

static void waits_are_seen(void **state)
{
	double longest = 0, least = INFINITY;
	double began = clock_monotonic(), cpu = clock_cpu();
	struct queue_watch *q;
	struct queue_told told;
	size_t looks = 0;

	(void)state;
	if (queue_open(&q) == -ENOTSUP)
		skip();
	start_hogs();
	while ((looks < 3 || longest <= 500 || least >= 5e6) &&
	       clock_monotonic() < began + PATIENCE_S) {
		queue_tick(q, clock_monotonic(), &told);
		looks += told.looked;
		if (told.looked && told.waits) {
			longest = fmax(longest, told.wait_p99_us);
			least = fmin(least, told.wait_p99_us);
		}
		/* Others may have been waiting for long.  When a hog was
		 * born is known to a tick of 10 ms. */
		if (is_hog(told.stalled))
			assert_true(told.stall_s <=
				    clock_monotonic() - began + 0.02);
		usleep(50000);
	}
	end_hogs();
	assert_true(looks >= 3);
	assert_true(queue_tasks(q) > HOGS);
	/* Three take turns: they wait, but hardly for seconds. */
	assert_true(longest > 500 && least < 5e6);
	cpu = (clock_cpu() - cpu) / (clock_monotonic() - began);
	/* The first look costs most, and this was a short time. */
	assert_true(cpu < 0.1 || queue_period(q) > QUEUE_LOOK_S);
	queue_close(q);
}

static void who_is_born_is_seen_with_the_next_look(void **state)
{
	pid_t born[100];
	struct queue_watch *q;
	struct queue_told told;
	size_t before;

	(void)state;
	if (queue_open(&q) == -ENOTSUP)
		skip();
	queue_tick(q, 1, &told);
	before = queue_tasks(q);
	for (size_t i = 0; i < ARRAY_LEN(born); i++) {
		born[i] = fork();
		if (!born[i]) {
			alarm(2 * PATIENCE_S);
			pause();
			_exit(0);
		}
	}
	/* Too soon for a scan. */
	queue_tick(q, 1 + QUEUE_MOST_S, &told);
	assert_true(told.looked);
	/* Others may have ended meanwhile. */
	assert_true(queue_tasks(q) > before + ARRAY_LEN(born) / 2);
	for (size_t i = 0; i < ARRAY_LEN(born); i++) {
		kill(born[i], SIGKILL);
		waitpid(born[i], NULL, 0);
	}
	queue_close(q);
}

/* Of a real-time process, on the CPU that it keeps to itself. */
static void who_has_never_run_waits_since_its_birth(void **state)
{
	const struct sched_param above = {.sched_priority = 1}, normal = {0};
	cpu_set_t may, one;
	struct queue_watch *q;
	struct queue_told told;
	double until;
	pid_t born;
	int cpu = 0;

	(void)state;
	if (queue_open(&q) == -ENOTSUP)
		skip();
	queue_tick(q, 1, &told);
	sched_getaffinity(0, sizeof(may), &may);
	while (!CPU_ISSET(cpu, &may))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &above)) {
		sched_setaffinity(0, sizeof(may), &may);
		queue_close(q);
		skip();
	}
	born = fork();
	if (!born)
		_exit(0);
	until = clock_monotonic() + 0.3;
	while (clock_monotonic() < until)
		;
	queue_tick(q, 1 + QUEUE_MOST_S, &told);
	sched_setscheduler(0, SCHED_OTHER, &normal);
	sched_setaffinity(0, sizeof(may), &may);
	waitpid(born, NULL, 0);
	queue_close(q);
	assert_true(told.stall_s > 0.25);
	assert_true(told.wait_p99_us > 0);
}

static void work_is_counted(void **state)
{
	double began, now, x = 0, most = 0;
	struct work_watch w;
	size_t steps = 0;

	(void)state;
	assert_int_equal(work_open(&w, NULL), 0);
	start_hogs();
	began = now = clock_monotonic();
	while ((steps < 3 || most <= 0.3) && now < began + PATIENCE_S) {
		now = clock_monotonic();
		/* What was read much later is not of that time. */
		if (work_tick(&w, now, &x) &&
		    clock_monotonic() - now < SOURCE_STEP_S / 20) {
			most = fmax(most, x);
			steps++;
		}
		usleep(50000);
	}
	end_hogs();
	work_close(&w);
	assert_true(steps >= 3);
	/* On one CPU. */
	assert_true(most > 0.3);
	assert_true(most <= (double)sysconf(_SC_NPROCESSORS_ONLN) * 1.2);
	assert_true(work_open(&w, "/nowhere") < 0);
	assert_non_null(strstr(err_text(), "/nowhere/cpu.stat"));
}

static void pressure_is_a_share(void **state)
{
	double began = clock_monotonic(), some = -1, full = -1;
	struct psi_watch w;

	(void)state;
	if (psi_open(&w, NULL))
		skip();
	while (!psi_tick(&w, clock_monotonic(), &some, &full) &&
	       clock_monotonic() < began + PATIENCE_S)
		usleep(50000);
	psi_close(&w);
	assert_true(some >= 0 && some <= 100);
	assert_true(full >= 0 && full <= 100);
}

/* ---- metrics ---------------------------------------------------------- */

static int count_up(void *arg, double *value)
{
	*value = ++*(double *)arg;
	return 0;
}

static int never(void *arg, double *value)
{
	(void)arg;
	(void)value;
	_exit(0);
}

static void a_metric_is_told_again_and_again(void **state)
{
	double began = clock_monotonic(), now = began;
	double n = 0, value = 0, first = 0;
	struct metric_source m = {.name = "m", .read = count_up, .arg = &n};
	siginfo_t info;

	(void)state;
	assert_int_equal(metric_source_open(&m, began), 0);
	while (value < 3 && now < began + PATIENCE_S) {
		now = clock_monotonic();
		if (metric_source_tick(&m, now, &value) && !first) {
			first = value;
			/* Late, it may be a later one that is news. */
			now = clock_monotonic();
			assert_true(first >= 1 &&
				    first <= 1 + floor((now - began) /
						       METRIC_EVERY_S));
		}
		usleep(20000);
	}
	assert_true(value >= 3);
	/* Killed, it is told no more, and that is told. */
	kill(m.child.pid, SIGKILL);
	assert_int_equal(
		waitid(P_PID, (id_t)m.child.pid, &info, WEXITED | WNOWAIT), 0);
	metric_source_tick(&m, now, &value);
	assert_false(metric_source_tick(&m, now + 1, &value));
	assert_true(metric_source_tick(&m, now + 100, &value));
	assert_true(isnan(value));
	metric_source_close(&m);
}

static void a_metric_that_tells_nothing(void **state)
{
	struct metric_source m = {.name = "m", .read = never};

	(void)state;
	assert_int_equal(metric_source_open(&m, 0), -EIO);
	assert_non_null(strstr(err_text(), "'m'"));
	metric_source_close(&m);
}

/* ---- all of it -------------------------------------------------------- */

static struct guard_rule rule(const char *text)
{
	struct guard_rule r;

	assert_int_equal(guard_rule_parse(text, &r), 0);
	return r;
}

static int seven(void *arg, double *value)
{
	(void)arg;
	*value = 7;
	return 0;
}

static void a_sentry_knows_its_guards(void **state)
{
	const struct guard_rule unknown = rule("rps:>5"), known = rule("m:<9");
	const struct guard_rule kernels = rule("policy_cpu:5%");
	const struct sentry_metric metric = {"m", false, seven, NULL};
	struct sentry_opts o = {
		.rules = &unknown, .count = 1, .watchdog_s = 30};
	struct sentry *s;

	(void)state;
	assert_int_equal(sentry_open(&o, &s), -EINVAL);
	assert_non_null(strstr(err_text(), "'rps'"));
	o.rules = &kernels;
	assert_int_equal(sentry_open(&o, &s), -ENOTSUP);
	o.rules = &known;
	o.metrics = &metric;
	o.metric_count = 1;
	assert_int_equal(sentry_open(&o, &s), 0);
	assert_false(sentry_compares(s));
	sentry_close(s);
	o.count = 0;
	assert_int_equal(sentry_open(&o, &s), -EINVAL);
	assert_non_null(strstr(err_text(), "nothing guards the metric"));
}

/* Shared with the processes that tell. */
struct tellers {
	_Atomic int count;
	_Atomic pid_t last;
};

static int count_tellers(void *arg, double *value)
{
	struct tellers *t = arg;

	if (atomic_exchange(&t->last, getpid()) != getpid())
		t->count++;
	*value = 7;
	return 0;
}

/* However many ask for it: that is read once. */
static void a_metric_of_many_guards(void **state)
{
	struct tellers *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct sentry_metric metric = {"m", false, count_tellers, t};
	struct guard_rule rules[SENTRY_METRICS + 4];
	const struct sentry_opts o = {.rules = rules,
				      .count = ARRAY_LEN(rules),
				      .metrics = &metric,
				      .metric_count = 1,
				      .watchdog_s = 30};
	struct sentry *s;

	(void)state;
	assert_true(t != MAP_FAILED);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i] = rule(i % 2 ? "m:<9" : "m:<99:1s");
	assert_int_equal(sentry_check(&o), 0);
	assert_int_equal(sentry_open(&o, &s), 0);
	sentry_close(s);
	assert_int_equal(t->count, 1);
	munmap(t, sizeof(*t));
}

static void a_sentry_trips_and_says_why(void **state)
{
	const struct guard_rule r = rule("m:<5:500ms");
	const struct sentry_metric metric = {"m", false, seven, NULL};
	const struct sentry_opts o = {.rules = &r,
				      .count = 1,
				      .metrics = &metric,
				      .metric_count = 1,
				      .watchdog_s = 30};
	double began = clock_monotonic();
	const struct guard *g = NULL;
	struct json *trip;
	struct sentry *s;

	(void)state;
	assert_int_equal(sentry_open(&o, &s), 0);
	assert_int_equal(sentry_settle(s), 0);
	assert_int_equal(sentry_arm(s, began), 0);
	while (!g && clock_monotonic() < began + PATIENCE_S) {
		g = sentry_tick(s, clock_monotonic());
		usleep(50000);
	}
	assert_non_null(g);
	trip = sentry_trip(s, g);
	assert_string_equal(json_text_at(trip, "guard"), "m");
	assert_true(json_as_number(json_get(trip, "value"), 0) == 7);
	assert_true(json_as_number(json_get(trip, "bound"), 0) == 5);
	assert_true(json_len(json_get(trip, "samples")) >= 2);
	json_free(trip);
	sentry_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_are_seen),
		cmocka_unit_test(who_is_born_is_seen_with_the_next_look),
		cmocka_unit_test(who_has_never_run_waits_since_its_birth),
		cmocka_unit_test(work_is_counted),
		cmocka_unit_test(pressure_is_a_share),
		cmocka_unit_test(a_metric_is_told_again_and_again),
		cmocka_unit_test(a_metric_that_tells_nothing),
		cmocka_unit_test(a_sentry_knows_its_guards),
		cmocka_unit_test(a_metric_of_many_guards),
		cmocka_unit_test(a_sentry_trips_and_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
