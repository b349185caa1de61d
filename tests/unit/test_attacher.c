/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that holds a policy, from its start to its end: what it says,
 * whatever it says, and that it dies. */
#include "tests/unit/place_fix.h"

#include "agents/attacher/attacher.h"
#include "agents/host/holder.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypt/sign.h"
#include "learn/forecast.h"
#include "policy/policy.h"
#include "trust/statement.h"

#define OPS "schedkit_test"
/* A kernel that wants it loaded anew, with SCX_ECODE_ACT_RESTART: 1 << 48. */
#define DROPS "say ended 1088 281474976710656\nsay reason unregistered\n"

static struct sign_key *key;
static struct doc *policy;
static struct json *verdict;
static volatile sig_atomic_t cancelled;

static struct attach_request request(void)
{
	return (struct attach_request){.policy = policy->body,
				       .verdict = verdict,
				       .object = "bytes",
				       .object_len = 5};
}

static int started(struct attacher *a)
{
	struct attach_request r = request();

	return attacher_start(a, &r);
}

/* Where is a path below the report. */
static void tells(const struct json *report, const char *where,
		  const char *text)
{
	const char *is = json_text_at(report, where);

	if (strcmp(is, text) != 0)
		fail_msg("%s: '%s', not '%s'", where, is, text);
}

static double figure(const struct json *report, const char *where)
{
	return json_as_number(json_path(report, where), -1);
}

static bool logged(const char *line)
{
	char *log = place_read("log");
	bool is = strstr(log, line) != NULL;

	free(log);
	return is;
}

/* Until it is so, but not for ever. */
#define COMES_TRUE(x)                                      \
	do {                                               \
		double until_ = clock_monotonic() + 10;    \
		while (!(x) && clock_monotonic() < until_) \
			usleep(10000);                     \
		assert_true(x);                            \
	} while (0)

/* ---- how it begins ----------------------------------------------------- */

static void what_comes_of_asking(void **state)
{
	static const struct {
		const char *script;
		int rc;
		const char *words;
	} rows[] = {
		{"say able\n", 0, ""},
		{"say no ENOSYS no such thing here\n", -ENOSYS,
		 "no such thing here"},
		{"say no EBUSY another one\nsay no EPERM later\n", -EBUSY,
		 "another one"},
		/* It says so, and not why. */
		{"say no EPERM\n", -EPERM, ""},
		{"say fault EIO\nsay able\n", -EIO, ""},
		/* Nothing that is an answer. */
		{"say no \n", -EIO, "ended before anything was loaded"},
		{"say \nsay ablest\nsay abl\n", -EIO,
		 "load-policy ended before anything was loaded"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		says("load-policy.ask", rows[i].script);
		err_clear();
		rc = attacher_check();
		if (rc != rows[i].rc || !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
	}
	place_forget("load-policy.ask");
}

static void what_it_is_handed(void **state)
{
	static const struct {
		bool dry, pin, partial;
		const char *script, *log;
	} rows[] = {
		{true, false, false, "say loaded " OPS "\nuntil\n",
		 "load verb=1 partial=0 intents=0 object=bytes\n"},
		/* To be tried counts more than to stay. */
		{true, true, false, "say loaded " OPS "\nuntil\n",
		 "load verb=1 partial=0 intents=0 object=bytes\n"},
		{false, true, false, "say attached " OPS "\nsay pinned\n",
		 "load verb=3 partial=0 intents=0 object=bytes\n"},
		{false, false, true, "say attached " OPS "\nuntil\nsay done\n",
		 "load verb=2 partial=1 intents=0 object=bytes\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct attach_request r = request();
		struct attacher a;

		r.dry_run = rows[i].dry;
		r.pin = rows[i].pin;
		r.partial = rows[i].partial;
		place_forget("log");
		says("load-policy", rows[i].script);
		assert_int_equal(attacher_start(&a, &r), 0);
		assert_string_equal(a.name, OPS);
		/* Only what is held is alive for its holder. */
		assert_int_equal(attacher_alive(&a), rows[i].partial);
		assert_true(rows[i].partial || attacher_time_ns(&a) == -1);
		assert_true(logged(rows[i].log));
		assert_int_equal(attacher_end(&a), 0);
		attacher_release(&a);
	}
}

static void what_is_refused_before(void **state)
{
	struct attach_request r = request();
	struct json *unsigned_one = json_object();
	struct attacher a;

	(void)state;
	place_forget("log");
	r.object_len = LOAD_OBJECT_MAX + 1;
	assert_int_equal(attacher_start(&a, &r), -EFBIG);
	assert_non_null(strstr(err_text(), "16777217 bytes"));
	attacher_release(&a);
	r = request();
	r.verdict = unsigned_one;
	assert_int_equal(attacher_start(&a, &r), -EACCES);
	assert_false(attacher_alive(&a));
	attacher_release(&a);
	json_free(unsigned_one);
	assert_false(logged("load"));
	/* Once it was asked for, nothing is attached either. */
	r = request();
	r.cancel = &cancelled;
	cancelled = 1;
	says("load-policy", "hear 3000\nsay attached " OPS "\n");
	assert_int_equal(attacher_start(&a, &r), -EINTR);
	cancelled = 0;
	attacher_release(&a);
	/* Released, it is as one that never was. */
	attacher_release(&a);
	assert_null(attacher_notes(&a));
}

/* ---- what it tells ----------------------------------------------------- */

static void its_figures(void **state)
{
	struct attacher a;
	struct json *report;
	char *where = mem_printf("counters.%s", policy_counter_names[1]);

	(void)state;
	says("load-policy",
	     "say attached " OPS "\nsay time 1700\n"
	     "on r count 1 5\non r count 99 6\non r count 2\non r count x 1\n"
	     "on r event SCX_EV_A 3\non r event SCX_EV_B\non r event SCX_EV_A 4"
	     "\non r event SCX_EV_C -1\non r of none\non r told\n"
	     "until\nsay done\n");
	assert_int_equal(started(&a), 0);
	assert_true(attacher_alive(&a));
	report = attacher_report(&a);
	tells(report, "name", OPS);
	assert_true(json_as_bool(json_get(report, "alive"), false));
	assert_int_equal(figure(report, where), 5);
	assert_int_equal(figure(report, "events.SCX_EV_A"), 4);
	assert_int_equal(figure(report, "events.SCX_EV_C"), -1);
	assert_int_equal(json_len(json_get(report, "events")), 2);
	assert_null(json_get(report, "exit_kind"));
	assert_null(json_get(report, "restarts"));
	assert_true(attacher_time_ns(&a) == 1700);
	json_free(report);
	free(where);
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
}

/* More of them than there is room for, and counters never told. */
static void too_many_events(void **state)
{
	struct attacher a;
	struct json *report;
	struct buf script;

	(void)state;
	buf_init(&script, 1 << 16);
	buf_puts(&script, "say attached " OPS "\n");
	for (int i = 0; i < SYSFS_EVENTS + 3; i++)
		buf_printf(&script, "say event E%d %d\n", i, i);
	buf_puts(&script, "on r event E1 100\non r told\nuntil\nsay done\n");
	says("load-policy", script.data);
	buf_release(&script);
	assert_int_equal(started(&a), 0);
	report = attacher_report(&a);
	assert_int_equal(json_len(json_get(report, "events")), SYSFS_EVENTS);
	assert_int_equal(figure(report, "events.E1"), 100);
	assert_int_equal(json_len(json_get(report, "counters")), 0);
	json_free(report);
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
}

/* ---- how it ends ------------------------------------------------------- */

static void the_kernel_drops_it(void **state)
{
	static const struct {
		const char *script, *reason, *message, *dump;
	} rows[] = {
		{"say ended 1026 0\nsay reason runnable task stall\n"
		 "say message a[7] did not run for 30 s\n"
		 "say dump CPU 0\nsay dump  R a[7]\nsay done\n",
		 "runnable task stall", "a[7] did not run for 30 s",
		 "CPU 0\n R a[7]\n"},
		/* It was us who were silent. */
		{"say silent\nsay ended 64 0\nsay reason unregistered\n"
		 "say message \nsay done\n",
		 "unregistered",
		 "this process did not beat in time: it was stopped, or did "
		 "not get to run",
		 ""},
		{"say silent\nsay ended 64 0\nsay reason unregistered\n"
		 "say message but why\nsay done\n",
		 "unregistered", "but why", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *script = mem_printf("say attached " OPS "\nhear 20\n%s",
					  rows[i].script);
		struct json *report;
		struct attacher a;

		says("load-policy", script);
		free(script);
		assert_int_equal(started(&a), 0);
		COMES_TRUE(!attacher_alive(&a));
		report = attacher_report(&a);
		assert_false(json_as_bool(json_get(report, "alive"), true));
		assert_int_equal(figure(report, "exit_kind"), i ? 64 : 1026);
		tells(report, "exit_reason", rows[i].reason);
		tells(report, "exit_message", rows[i].message);
		tells(report, "exit_dump", rows[i].dump);
		json_free(report);
		assert_int_equal(attacher_end(&a), 0);
		attacher_release(&a);
	}
}

/* It says nothing at its end: whether the policy has gone is in sysfs. */
static void it_is_killed(void **state)
{
	struct attacher a;
	struct json *report;

	(void)state;
	sysfs_is("state", "enabled\n");
	sysfs_is("root/ops", "another_one\n");
	says("load-policy", "say attached " OPS "\nsay ended x y\nhear 20\n");
	assert_int_equal(started(&a), 0);
	COMES_TRUE(!attacher_alive(&a));
	report = attacher_report(&a);
	assert_null(json_get(report, "exit_kind"));
	json_free(report);
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
	sysfs_is("state", "disabled\n");
	/* It could not detach, and says so. */
	says("load-policy",
	     "say attached " OPS "\nuntil\nsay fault EBUSY it is stuck\n");
	assert_int_equal(started(&a), 0);
	assert_int_equal(attacher_end(&a), -EBUSY);
	assert_string_equal(err_text(), "it is stuck");
	attacher_release(&a);
}

/* A CPU came or went: the kernel drops it, and wants it again. */
static void it_is_loaded_anew(void **state)
{
	struct attacher a;
	struct json *report;

	(void)state;
	place_forget("log");
	says("load-policy", "next\nsay attached " OPS "\nhear 20\n" DROPS
			    "say message cpu 1 going offline\nsay done\n");
	says("load-policy.next",
	     "say attached " OPS "_2\non r told\nuntil\nsay done\n");
	assert_int_equal(started(&a), 0);
	/* All the while it is on its way back. */
	while (!logged("object=bytes\nload verb=2"))
		assert_true(attacher_alive(&a));
	report = attacher_report(&a);
	assert_true(json_as_bool(json_get(report, "alive"), false));
	tells(report, "name", OPS "_2");
	assert_int_equal(json_len(json_get(report, "restarts")), 1);
	tells(report, "restarts.0", "unregistered: cpu 1 going offline");
	assert_null(json_get(report, "exit_kind"));
	json_free(report);
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
}

static void it_cannot_be_loaded_anew(void **state)
{
	struct attacher a;
	struct json *report;

	(void)state;
	says("load-policy",
	     "next\nsay attached " OPS "\nhear 20\n" DROPS "say done\n");
	says("load-policy.next", "say no EACCES the statement has expired\n");
	assert_int_equal(started(&a), 0);
	COMES_TRUE(!attacher_alive(&a));
	report = attacher_report(&a);
	tells(report, "exit_message",
	      "it was to be loaded anew, and the statement has expired");
	tells(report, "exit_reason", "unregistered");
	tells(report, "restarts.0", "unregistered");
	json_free(report);
	/* There is nothing that could not be detached. */
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
}

/* ---- rules and models -------------------------------------------------- */

static void what_it_takes_of_rules(void **state)
{
	static struct intent_rules r = {
		.size = offsetof(struct intent_rules, v)};
	struct attacher a;
	uint32_t generation = 9;

	(void)state;
	place_forget("log");
	r.table.count = 3;
	says("load-policy", "say attached " OPS "\non i intents 4\n"
			    "until\nsay done\n");
	assert_int_equal(started(&a), 0);
	assert_int_equal(attacher_declare(&a, &r, &generation), 0);
	assert_int_equal(generation, 4);
	assert_true(logged("rules 3\n"));
	assert_int_equal(attacher_end(&a), 0);
	/* Nobody is there to take any. */
	assert_int_equal(attacher_declare(&a, &r, &generation), -EAGAIN);
	attacher_release(&a);
	says("load-policy", "say attached " OPS "\n"
			    "on i unheeded EINVAL no\nuntil\nsay done\n");
	assert_int_equal(started(&a), 0);
	assert_int_equal(attacher_declare(&a, &r, &generation), -EINVAL);
	assert_int_equal(generation, 0);
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
}

/* Of two that were loaded. */
static bool the_second_got(const char *line)
{
	char *log = place_read("log");
	const char *first = strstr(log, "load verb");
	const char *second = first ? strstr(first + 1, "load verb") : NULL;
	bool is = second && strstr(second, line);

	free(log);
	return is;
}

/* One that is loaded anew has none of it: it is handed what the one before
 * followed, or was to follow no more. */
static void what_is_handed_on(void **state)
{
	static struct intent_rules r = {
		.size = offsetof(struct intent_rules, v)};
	static struct forecast m;

	(void)state;
	r.table.count = 2;
	for (int drop = 0; drop < 2; drop++) {
		struct attacher a;
		uint32_t generation;

		place_forget("log");
		says("load-policy", drop ? "next\nsay attached " OPS "\n"
					   "on i intents 1\non u model 2\n"
					   "await u\n" DROPS "say done\n"
					 : "next\nsay attached " OPS "\n"
					   "on i intents 1\non m model 1\n"
					   "await m\n" DROPS "say done\n");
		says("load-policy.next",
		     "say attached " OPS "_2\nuntil\nsay done\n");
		assert_int_equal(started(&a), 0);
		assert_int_equal(attacher_declare(&a, &r, &generation), 0);
		assert_int_equal(
			attacher_model(&a, drop ? NULL : &m, &generation), 0);
		assert_int_equal(generation, drop ? 2 : 1);
		COMES_TRUE(the_second_got("rules 2\n") &&
			   the_second_got(drop ? "\nunmodel\n" : "\nmodel\n"));
		assert_int_equal(attacher_end(&a), 0);
		attacher_release(&a);
	}
}

/* ---- the folder of rules ----------------------------------------------- */

static bool declared(double generation, size_t rules)
{
	struct json *v = holder_declared();
	bool is = json_as_number(json_get(v, "generation"), -1) == generation &&
		  json_len(json_get(v, "rules")) == rules;

	json_free(v);
	return is;
}

/* Beside the record of one who lives. */
static void note_holder(void)
{
	struct json *body = json_of("{\"policy\":\"p\",\"ops\":\"" OPS "\"}");

	assert_int_equal(holder_write(body), 0);
	json_free(body);
}

static void rules_are_followed(void **state)
{
	struct attach_request r = request();
	char *folder = place_path("intents"), *file;
	struct attacher a;

	(void)state;
	assert_int_equal(path_make_dirs(folder), 0);
	file = mem_printf("%s/a.conf", folder);
	note_holder();
	place_forget("log");
	says("load-policy", "say attached " OPS "\non i intents 1\n"
			    "until\nsay done\n");
	r.intents = folder;
	assert_int_equal(attacher_start(&a, &r), 0);
	assert_true(logged("intents=1"));
	/* None at all: it need not know of them. */
	COMES_TRUE(declared(0, 0));
	assert_false(logged("rules"));
	place_add(file, "we",
		  "[one]\ncommand = make\n"
		  "class = batch\n");
	COMES_TRUE(declared(1, 1));
	COMES_TRUE(logged("rules 1\n"));
	/* What counts no more it has to forget. */
	unlink(file);
	COMES_TRUE(logged("rules 0\n"));
	COMES_TRUE(declared(1, 0));
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
	/* It takes none: that is told, too. */
	place_add(file, "we",
		  "[one]\ncommand = make\n"
		  "class = batch\n");
	says("load-policy", "say attached " OPS "\non i unheeded EINVAL no\n"
			    "until\nsay done\n");
	assert_int_equal(attacher_start(&a, &r), 0);
	COMES_TRUE(declared(0, 1));
	assert_int_equal(attacher_end(&a), 0);
	attacher_release(&a);
	holder_clear();
	free(file);
	free(folder);
}

/* ---------------------------------------------------------------------- */

static int set_up(void **state)
{
	const char *body = "{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
			   "\"uses\":[],\"params\":{\"queue\":\"global\"}}";

	(void)state;
	policy = document("policy", json_of(body));
	verdict = json_of("{\"decision\":\"accepted\",\"target\":\"host\","
			  "\"kernel\":\"6.18\",\"workload\":\"w\","
			  "\"configuration\":\"c\"}");
	json_set_string(verdict, "policy", policy->id);
	json_set_string(verdict, "object_sha256", policy->id);
	if (sign_key_new(&key) ||
	    statement_sign(key, verdict, policy, 1000, 2000))
		fail_msg("%s", err_text());
	return 0;
}

static int tear_down(void **state)
{
	sign_key_free(key);
	doc_free(policy);
	json_free(verdict);
	return place_leave(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_of_asking),
		cmocka_unit_test(what_it_is_handed),
		cmocka_unit_test(what_is_refused_before),
		cmocka_unit_test(its_figures),
		cmocka_unit_test(too_many_events),
		cmocka_unit_test(the_kernel_drops_it),
		cmocka_unit_test(it_is_killed),
		cmocka_unit_test(it_is_loaded_anew),
		cmocka_unit_test(it_cannot_be_loaded_anew),
		cmocka_unit_test(what_it_takes_of_rules),
		cmocka_unit_test(what_is_handed_on),
		cmocka_unit_test(rules_are_followed),
	};

	(void)argc;
	return place_run(tests, argv, set_up, tear_down);
}
