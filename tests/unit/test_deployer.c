/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy on a host with sched_ext, from the stream it comes in to the
 * documents about it; what loads it is a stand-in. */
#include "tests/unit/deployer_fix.h"

#include "agents/deployer/pins.h"
#include "guard/trips.h"

/* ---- how it goes ------------------------------------------------------- */

static void for_a_while(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", HOLDS);
	place_forget("log");
	assert_int_equal(deploy_it(&o), DEPLOYER_DONE);
	assert_int_equal(told(), 2);
	last_is("detached", "the time is over");
	assert_string_equal(json_text_at(last(), "ops"), OPS);
	assert_true(json_as_number(json_get(last(), "held_us"), 0) > 5e4);
	assert_null(json_get(last(), "pinned"));
	assert_true(logged("load verb=2 partial=0 intents=0 object=bytes"));
	assert_false(result.ran);
	nobody_holds();
}

static void for_a_command(void **state)
{
	static char *const three[] = {(char *)"sh", (char *)"-c",
				      (char *)"exit 3", NULL};
	static char *const none[] = {(char *)"no-such-program", NULL};
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", HOLDS);
	o.hold_s = 0;
	o.command = three;
	assert_int_equal(deploy_it(&o), DEPLOYER_DONE);
	assert_true(result.ran);
	assert_int_equal(result.exit_status, 3);
	last_is("detached", "the command ended with status 3");
	o.command = none;
	assert_int_equal(deploy_it(&o), -ENOENT);
	last_is("detached", "no-such-program");
	assert_false(result.ran);
	nobody_holds();
}

static void until_it_is_stopped(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	says("load-policy", HOLDS);
	o.hold_s = 0;
	o.cancel = &cancelled;
	o.emitted = stop;
	assert_int_equal(deploy_it(&o), DEPLOYER_DONE);
	last_is("stopped", "asked to stop");
	/* Before it began, nothing is. */
	assert_int_equal(deploy_it(&o), -EINTR);
	assert_int_equal(told(), 0);
	cancelled = 0;
	nobody_holds();
}

static void only_tried(void **state)
{
	struct deployer_opts o = opts();

	(void)state;
	o.dry_run = true;
	says("load-policy", "say loaded " OPS "\nuntil\nsay done\n");
	assert_int_equal(deploy_it(&o), DEPLOYER_DONE);
	assert_int_equal(told(), 1);
	last_is("dry-run", "it would be attached");
	says("load-policy", "say no EINVAL R1 is no pointer\n");
	assert_int_equal(deploy_it(&o), DEPLOYER_REFUSED);
	assert_int_equal(told(), 1);
	last_is("refused", "R1 is no pointer");
	assert_string_equal(err_text(), "R1 is no pointer");
}

static void to_stay(void **state)
{
	struct deployer_opts o = opts();
	struct json *record;

	(void)state;
	o.pin = true;
	says("load-policy", "say attached " OPS "\nsay pinned\n");
	assert_int_equal(deploy_it(&o), DEPLOYER_DONE);
	assert_int_equal(told(), 1);
	last_is("attached", "the best accepted policy");
	assert_true(json_as_bool(json_get(last(), "pinned"), false));
	assert_null(json_get(last(), "guards"));
	record = holder_pinned();
	assert_string_equal(json_text_at(record, "ops"), OPS);
	json_free(record);
	holder_unpin();
	assert_int_equal(pins_remove(), -ESRCH);
}

/* ---- how it falls ------------------------------------------------------ */

static void what_ends_by_itself(void **state)
{
	static const struct {
		const char *says, *why;
		double kind;
	} rows[] = {
		{"say ended 1026 0\nsay reason stall\nsay message a[7]\n"
		 "say done\n",
		 "the kernel dropped the policy: a[7]", 1026},
		{"say ended 1026 0\nsay reason stall\nsay done\n",
		 "the kernel dropped the policy: stall", 1026},
		{"say ended 64 0\nsay done\n",
		 "the kernel dropped the policy: it does not say why", 64},
		{"", "the process that held the policy was ended", -1},
	};
	struct deployer_opts o = opts();

	(void)state;
	o.hold_s = 20;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *script = mem_printf("say attached " OPS
					  "\non r told\nhear 50\n%s",
					  rows[i].says);

		says("load-policy", script);
		free(script);
		assert_int_equal(deploy_it(&o), DEPLOYER_EJECTED);
		last_is("ejected", rows[i].why);
		assert_string_equal(err_text(), rows[i].why);
		assert_true(json_as_number(json_get(last(), "exit_kind"), -1) ==
			    rows[i].kind);
		nobody_holds();
	}
}

static void what_cannot_be_begun(void **state)
{
	static const struct {
		const char *ask, *load;
		int rc;
		size_t told;
		const char *words;
	} rows[] = {
		{"say no ENOSYS this kernel has no sched_ext\n", HOLDS, -ENOSYS,
		 0, "has no sched_ext"},
		{"say no EBUSY 'x' is attached\n", HOLDS, -EBUSY, 0,
		 "'x' is attached"},
		{"say able\n", "say no EACCES it is revoked\n",
		 DEPLOYER_REFUSED, 1, "it is revoked"},
		{"say able\n", "", DEPLOYER_REFUSED, 1,
		 "ended before anything was loaded"},
		/* It was, and cannot be taken off. */
		{"say able\n",
		 "say attached " OPS "\non r told\nuntil\n"
		 "say fault EBUSY it is stuck\n",
		 -EBUSY, 2, "it is stuck"},
	};
	struct deployer_opts o = opts();
	int lock;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		says("load-policy.ask", rows[i].ask);
		says("load-policy", rows[i].load);
		rc = deploy_it(&o);
		if (rc != rows[i].rc || told() != rows[i].told ||
		    !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d %zu '%s'", i, rc, told(),
				 err_text());
	}
	place_forget("load-policy.ask");
	lock = holder_lock();
	assert_true(lock >= 0);
	assert_int_equal(deploy_it(&o), -EBUSY);
	assert_non_null(strstr(err_text(), "another sched-deploy"));
	close(lock);
	nobody_holds();
}

/* ---- what is taken ----------------------------------------------------- */

/* What was measured is what is here, or it is not attached. */
static void only_what_was_measured_here(void **state)
{
	static const struct {
		const char *members, *words;
	} rows[] = {
		{"{\"target\":\"vm\"}", "was measured on 'vm'"},
		{"{\"target\":\"sim\"}", "was measured on 'sim'"},
		{"{\"kernel\":\"6.12.1\"}", "the verdict is for kernel 6.12.1"},
		{"{\"configuration\":\"" DIGEST "\"}", "(0123456789ab, the"},
		{"{\"configuration\":null}", "(none, the target's is"},
		{"{\"object_sha256\":null}", "names no object"},
		{"{\"object_sha256\":\"" DIGEST "\"}",
		 "is not the object that was measured"},
	};
	struct deployer_opts o = opts();

	(void)state;
	place_forget("log");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct doc *p = policy_of(PARAMS);

		assert_int_equal(deploy(p, verdict_of(p, rows[i].members), &o),
				 DEPLOYER_REFUSED);
		assert_int_equal(told(), 1);
		last_is("refused", rows[i].words);
	}
	assert_false(logged("load"));
}

static void what_does_not_go_together(void **state)
{
	static struct canary_plan all = {.step = {{.kind = CANARY_ALL}},
					 .count = 1};
	static const char knobs[] = "\"form\":\"knobs\",\"knobs\":"
				    "[{\"match\":\"x\",\"nice\":5}]";
	static const char external[] = "\"form\":\"external\",\"external\":"
				       "{\"program\":\"scx_list\"}";
	static const struct guard_rule guard = {
		.kind = GUARD_STALL, .name = "stall", .bound = 1};
	const struct {
		const char *form, *target;
		struct deployer_opts o;
		const char *words;
	} rows[] = {
		{PARAMS,
		 "host",
		 {.pid = 1},
		 "--pid and --cgroup are for knobs"},
		{PARAMS, "host", {.cgroup = "/"}, "are for knobs"},
		{knobs, "vm", {.pid = 1}, "are for knobs on the host"},
		{knobs, "host", {.pin = true}, "--pin is for what is loaded"},
		{PARAMS, "vm", {.pin = true}, "--pin is for what is loaded"},
		{external,
		 "host",
		 {.guards = &guard, .guard_count = 1},
		 "--guard is for params and knobs"},
		{PARAMS,
		 "host",
		 {.guards = &guard, .guard_count = 1, .pin = true},
		 "what is pinned has no guards"},
		{PARAMS,
		 "vm",
		 {.guards = &guard, .guard_count = 1},
		 "--guard is for the host"},
		{PARAMS, "host", {.model = "m", .pin = true}, "is on its own"},
		{PARAMS,
		 "host",
		 {.model = "m", .canary = &all},
		 "a canary measures what was signed"},
		{knobs, "host", {.model = "m"}, "nothing else follows a model"},
		{external, "host", {.model = "m"}, "follows a model"},
		{PARAMS, "vm", {.model = "m"}, "follows a model"},
		{knobs, "host", {.canary = &all}, "for knobs there are --pid"},
		{external, "host", {.canary = &all}, "takes all tasks"},
		{PARAMS, "vm", {.canary = &all}, "a guest is thrown away"},
	};

	(void)state;
	place_forget("log");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deployer_opts o = rows[i].o;
		struct doc *p = policy_of(rows[i].form);
		int rc;

		o.target = rows[i].target;
		o.hold_s = 0.01;
		rc = deploy(p, verdict_of(p, "{}"), &o);
		if (rc != DEPLOYER_REFUSED)
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		last_is("refused", rows[i].words);
	}
	assert_false(logged("verb"));
}

/* A guest's verdict opens a canary, but never one of everything. */
static void a_guests_word_for_all_of_it(void **state)
{
	static struct canary_plan all = {.step = {{.kind = CANARY_ALL}},
					 .count = 1};
	struct deployer_opts o = opts();
	struct doc *p = policy_of(PARAMS);

	(void)state;
	o.canary = &all;
	assert_int_equal(deploy(p, verdict_of(p, "{\"target\":\"vm\"}"), &o),
			 DEPLOYER_REFUSED);
	last_is("refused", "in a guest's word it is never given all of one");
	/* Nor may it be of another series. */
	all.step[0] = (struct canary_scope){.kind = CANARY_TREE, .pid = 1};
	p = policy_of(PARAMS);
	assert_int_equal(
		deploy(p,
		       verdict_of(p,
				  "{\"target\":\"vm\",\"kernel\":\"5.4.1\"}"),
		       &o),
		DEPLOYER_REFUSED);
	last_is("refused", "for a kernel of the series 5.4, this host runs");
	p = policy_of(PARAMS);
	assert_int_equal(deploy(p, verdict_of(p, "{\"target\":\"sim\"}"), &o),
			 DEPLOYER_REFUSED);
	last_is("refused", "was measured on 'sim'");
}

/* ---- which one --------------------------------------------------------- */

static void no_verdict_accepts_it(void **state)
{
	struct deployer_opts o = opts();
	struct doc *p = policy_of(PARAMS);

	(void)state;
	assert_int_equal(
		deploy(p, verdict_of(p, "{\"decision\":\"rejected\"}"), &o),
		DEPLOYER_REFUSED);
	assert_non_null(
		strstr(err_text(), "the last verdict is 'rejected' (so)"));
	assert_int_equal(told(), 0);
	o.policy = "abc";
	p = policy_of(PARAMS);
	assert_int_equal(deploy(p, verdict_of(p, "{}"), &o), DEPLOYER_REFUSED);
	assert_non_null(strstr(err_text(), "no verdict about policy abc"));
	o.policy = NULL;
	assert_int_equal(deploy(policy_of(PARAMS), NULL, &o), -ENODATA);
	assert_non_null(strstr(err_text(), "sched-verify makes them"));
}

/* ---- guards ------------------------------------------------------------ */

static struct guard_rule rule(const char *text)
{
	struct guard_rule r;

	if (guard_rule_parse(text, &r))
		fail_msg("%s", err_text());
	return r;
}

static void a_guard_has_it_taken_off(void **state)
{
	struct guard_rule r = rule("load:<5:0s");
	struct deployer_opts o = opts();
	struct probe probe;
	struct trips t;

	(void)state;
	assert_int_equal(probe_parse("load,lower=echo 7", &probe), 0);
	says("load-policy", HOLDS);
	o.hold_s = 20;
	o.guards = &r;
	o.guard_count = 1;
	o.probes = &probe;
	o.probe_count = 1;
	assert_int_equal(deployer_check_guards(&o), 0);
	assert_int_equal(deploy_it(&o), DEPLOYER_TRIPPED);
	last_is("tripped", "load was 7");
	assert_string_equal(json_text_at(last(), "trip.guard"), "load");
	assert_true(json_as_number(json_path(last(), "trip.trips"), 0) == 1);
	assert_true(json_as_number(json_path(last(), "trip.revert_us"), -1) >=
		    0);
	assert_true(*json_text_at(last(), "trip.no_other"));
	assert_int_equal(trips_read(json_text_at(last(), "policy"), &t), 0);
	assert_int_equal(t.count, 1);
	/* Not so soon again … */
	assert_int_equal(deploy_it(&o), DEPLOYER_REFUSED);
	last_is("refused", "1 times, last because load was 7");
	/* … but a person may say so. */
	o.again = true;
	o.guard_count = o.probe_count = 0;
	o.hold_s = 0.05;
	assert_int_equal(deploy_it(&o), DEPLOYER_DONE);
	assert_true(json_as_bool(json_get(last(), "again"), false));
	probe_release(&probe);
	nobody_holds();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_a_while),
		cmocka_unit_test(for_a_command),
		cmocka_unit_test(until_it_is_stopped),
		cmocka_unit_test(only_tried),
		cmocka_unit_test(to_stay),
		cmocka_unit_test(what_ends_by_itself),
		cmocka_unit_test(what_cannot_be_begun),
		cmocka_unit_test(only_what_was_measured_here),
		cmocka_unit_test(what_does_not_go_together),
		cmocka_unit_test(a_guests_word_for_all_of_it),
		cmocka_unit_test(no_verdict_accepts_it),
		cmocka_unit_test(a_guard_has_it_taken_off),
	};

	(void)argc;
	return place_run(tests, argv, set_up, tear_down);
}
