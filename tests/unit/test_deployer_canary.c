/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy that is tried on a part of a host first: how that ends before it has
 * an answer, or without one, and that nothing stays behind. */
#include "tests/unit/deployer_fix.h"

#include <sys/wait.h>

#define STEP_S 0.02 /* windows are as short as they may be */

static struct canary_plan plan_of(const char *scope)
{
	struct canary_plan p;

	assert_int_equal(canary_plan_parse(scope, "none", &p), 0);
	return p;
}

static int try_it(struct deployer_opts *o, const char *scope)
{
	static struct canary_plan plan;

	plan = plan_of(scope);
	o->canary = &plan;
	o->canary_s = STEP_S;
	return deploy_it(o);
}

static void who_is_not_there(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", HOLDS);
	place_forget("log");
	assert_int_equal(try_it(&o, "pid:4194303"), DEPLOYER_REFUSED);
	last_is("refused", "there is no process 4194303");
	assert_int_equal(told(), 1);
	assert_int_equal(try_it(&o, "cgroup:/no/such"), DEPLOYER_REFUSED);
	last_is("refused", "/no/such");
	assert_false(logged("load verb=2"));
	nobody_holds();
}

static void a_figure_that_is_none(void **state)
{
	struct deployer_opts o = opts();
	struct probe probe;

	(void)state;
	assert_int_equal(probe_parse("load,lower=exit 3", &probe), 0);
	o.probes = &probe;
	o.probe_count = 1;
	assert_int_equal(try_it(&o, "all"), DEPLOYER_REFUSED);
	last_is("refused", "its exit status is 3");
	probe_release(&probe);
}

/* The window without it comes first. */
static void stopped_before_it_began(void **state)
{
	struct deployer_opts o = opts();
	int status, rc;
	pid_t pid;

	(void)state;
	says("load-policy", HOLDS);
	place_forget("log");
	o.cancel = &cancelled;
	/* Somebody else says so, while it waits. */
	pid = fork();
	if (!pid) {
		usleep(200000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	rc = try_it(&o, "all");
	waitpid(pid, &status, 0);
	cancelled = 0;
	assert_int_equal(rc, -EINTR);
	assert_non_null(strstr(err_text(), "before anything was attached"));
	assert_int_equal(told(), 0);
	assert_false(logged("load verb=2"));
	nobody_holds();
}

static void it_is_not_taken(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", "say no EINVAL R1 is no pointer\n");
	assert_int_equal(try_it(&o, "all"), DEPLOYER_REFUSED);
	last_is("refused", "R1 is no pointer");
	assert_int_equal(told(), 1);
	nobody_holds();
}

static void it_falls(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", "say attached " OPS "\non r told\nhear 100\n"
			    "say ended 1026 0\nsay reason stall\nsay done\n");
	assert_int_equal(try_it(&o, "all"), DEPLOYER_EJECTED);
	last_is("ejected", "the kernel dropped the policy: stall");
	assert_string_equal(json_text_at(last(), "canary.decision"),
			    "unfinished");
	/* It was news once that it was attached. */
	assert_int_equal(told(), 2);
	nobody_holds();
}

static void stopped_while_it_is_tried(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", HOLDS);
	o.cancel = &cancelled;
	o.emitted = stop;
	assert_int_equal(try_it(&o, "all"), DEPLOYER_DONE);
	cancelled = 0;
	last_is("stopped", "asked to stop");
	assert_int_equal(told(), 2);
	nobody_holds();
}

/* It cannot be told in so short a time: that is no pass. */
static void it_cannot_be_told(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", HOLDS);
	place_forget("log");
	assert_int_equal(try_it(&o, "all"), DEPLOYER_WORSE);
	assert_non_null(strstr(err_text(), "the canary: on all: "));
	last_is("detached", "on all: ");
	assert_string_equal(json_text_at(last(), "canary.decision"),
			    "inconclusive");
	assert_string_equal(json_text_at(last(), "canary.steps.0.mode"),
			    "full");
	assert_true(logged("load verb=2 partial=0"));
	nobody_holds();
}

static void hear(int signal)
{
	(void)signal;
	cancelled = 1;
}

static int begin(void **state)
{
	signal(SIGUSR1, hear);
	return set_up(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_there),
		cmocka_unit_test(a_figure_that_is_none),
		cmocka_unit_test(stopped_before_it_began),
		cmocka_unit_test(it_is_not_taken),
		cmocka_unit_test(it_falls),
		cmocka_unit_test(stopped_while_it_is_tried),
		cmocka_unit_test(it_cannot_be_told),
	};

	(void)argc;
	return place_run(tests, argv, begin, tear_down);
}
