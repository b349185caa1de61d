/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes that hold knobs and external schedulers, as their askers see
 * them: what they say at the beginning, meanwhile and at the end, or not. */
#include "tests/unit/place_fix.h"

#include "agents/attacher/minder.h"
#include "agents/attacher/setter.h"
#include "agents/attacher/supplier_words.h"

static bool logged(const char *line)
{
	char *log = place_read("log");
	bool is = strstr(log, line) != NULL;

	free(log);
	return is;
}

/* ---- knobs ------------------------------------------------------------- */

static int set(struct setter *s)
{
	static const struct knob_request r = {
		.size = sizeof(r), .verb = KNOB_HOLD, .policy = "0123456789"};

	err_clear();
	return setter_start(s, &r);
}

static void how_setting_begins(void **state)
{
	static const struct {
		const char *script;
		int rc;
		const char *words;
		size_t plan;
	} rows[] = {
		{"say plan a\nsay plan b\nsay held\nuntil\nsay done 0 0 0\n", 0,
		 "", 2},
		{"say no EPERM 'nice' cannot be set back\n", -EPERM,
		 "'nice' cannot be set back", 0},
		{"say fault EROFS so\nsay done 0 0 0\n", -EROFS, "so", 0},
		/* The first trouble counts, and it may come without words. */
		{"say no EBUSY\nsay no EPERM x\n", -EBUSY, "", 0},
		{"say plan a\nsay plans b\nsay no\nsay holds\n", -EIO,
		 "set-knobs ended before anything was set", 1},
		{"", -EIO, "set-knobs ended before anything was set", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct setter s;
		int rc;

		says("set-knobs", rows[i].script);
		rc = set(&s);
		if (rc != rows[i].rc || strcmp(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_int_equal(s.plan.len, rows[i].plan);
		/* The one that holds lives, until it is done. */
		assert_int_equal(s.held, !rc);
		if (!rc)
			assert_int_equal(setter_end(&s), 0);
		setter_release(&s);
	}
}

static void how_setting_ends(void **state)
{
	static const struct {
		const char *script, *next;
		int rc;
		const char *words;
		size_t tasks, left, rules;
		bool undone; /* by another one */
	} rows[] = {
		{"say held\nuntil\nsay left a\nsay done 4 1 2 3 1\n", "", 0, "",
		 4, 1, 2, false},
		{"say held\nuntil\nsay fault EPERM not back\nsay done 1 0 0\n",
		 "", -EPERM, "not back", 1, 0, 0, false},
		/* It is killed: what it wrote down is undone by another. */
		{"say held\n", "say left b\nsay left c\nsay done 7 0 1\n", 0,
		 "", 7, 2, 0, true},
		{"say held\nsay left a\n", "say left b\nsay done 1 0 0\n", 0,
		 "", 1, 2, 0, true},
		{"say held\n", "say no EBUSY another has the journal\n", -EBUSY,
		 "another has the journal", 0, 0, 0, true},
		{"say held\n", "say fault EACCES so\n", -EACCES, "so", 0, 0, 0,
		 true},
		{"say held\n", "say dones 7\n", -EIO,
		 "set-knobs did not say that it undid everything", 0, 0, 0,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *script = mem_printf("next\n%s", rows[i].script);
		struct setter s;
		int rc;

		place_forget("log");
		says("set-knobs", script);
		says("set-knobs.next", rows[i].next);
		assert_int_equal(set(&s), 0);
		rc = setter_end(&s);
		if (rc != rows[i].rc || strcmp(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_int_equal(s.tasks, rows[i].tasks);
		assert_int_equal(s.left.len, rows[i].left);
		assert_int_equal(s.rules, rows[i].rules);
		assert_int_equal(logged("knobs verb=2"), rows[i].undone);
		setter_release(&s);
		free(script);
	}
}

/* More rules than a policy has are nobody's. */
static void it_tells_of_too_many_rules(void **state)
{
	struct setter s;
	struct buf script;

	(void)state;
	buf_init(&script, 1 << 16);
	buf_puts(&script, "say held\nuntil\nsay done 1 2 3");
	for (int i = 0; i < KNOBS_MAX_RULES + 5; i++)
		buf_printf(&script, " %d", i);
	buf_puts(&script, "\n");
	says("set-knobs", script.data);
	buf_release(&script);
	assert_int_equal(set(&s), 0);
	assert_true(setter_alive(&s, 0));
	assert_int_equal(setter_end(&s), 0);
	assert_int_equal(s.rules, KNOBS_MAX_RULES);
	assert_int_equal(s.rule_tasks[KNOBS_MAX_RULES - 1],
			 KNOBS_MAX_RULES - 1);
	setter_release(&s);
}

static void what_is_tuned(void **state)
{
	struct knob_tune t = {
		.size = sizeof(t), .set = KNOB_WEIGHT, .cpu_weight = 300};
	struct setter s;

	(void)state;
	says("set-knobs", "say held\non t tuned\nuntil\nsay done 1 1 0\n");
	assert_int_equal(set(&s), 0);
	place_forget("log");
	assert_int_equal(setter_tune(&s, &t), 0);
	assert_true(logged("weight=300\n"));
	assert_int_equal(setter_end(&s), 0);
	/* What is done takes no more. */
	assert_int_equal(setter_tune(&s, &t), -EPIPE);
	setter_release(&s);
}

/* ---- external schedulers ----------------------------------------------- */

static int mind(struct minder *m, const volatile sig_atomic_t *cancel)
{
	static const struct external_request r = {
		.size = sizeof(r),
		.verb = EXTERNAL_HOLD,
		.what = {.program = "scx_test"}};

	err_clear();
	return minder_start(m, &r, cancel);
}

static void how_minding_begins(void **state)
{
	static const struct {
		const char *script;
		int rc;
		const char *words, *path, *ops;
		long pid;
	} rows[] = {
		{"say path /a/scx_test\nsay path /b\nsay held 42 test_1.0\n"
		 "until\nsay done\n",
		 0, "", "/a/scx_test", "test_1.0", 42},
		{"say held 0\nuntil\nsay done\n", 0, "", "", "", 0},
		{"say held 7\nuntil\nsay done\n", 0, "", "", "", 7},
		{"say path /a\nsay no EACCES not the program that was "
		 "measured\n",
		 -EACCES, "not the program that was measured", "/a", "", 0},
		{"say fault EIO it stays\n", -EIO, "it stays", "", "", 0},
		{"say said x\nsay pat\nsay held\n", -EIO,
		 "hold-external ended before anything was attached", "", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct minder m;
		int rc;

		says("hold-external", rows[i].script);
		rc = mind(&m, NULL);
		if (rc != rows[i].rc || strcmp(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_string_equal(m.path ? m.path : "", rows[i].path);
		assert_string_equal(m.ops ? m.ops : "", rows[i].ops);
		assert_int_equal(m.pid, rows[i].pid);
		assert_int_equal(minder_alive(&m, 0), !rc);
		if (!rc)
			assert_int_equal(minder_end(&m), 0);
		minder_release(&m);
	}
}

static void minding_is_called_off(void **state)
{
	const volatile sig_atomic_t no = 0, yes = 1;
	struct minder m;

	(void)state;
	says("hold-external", "until\nsay done\n");
	assert_int_equal(mind(&m, &yes), -EINTR);
	assert_non_null(strstr(err_text(), "before anything was attached"));
	minder_release(&m);
	/* What is attached is not undone by its asker's hurry. */
	says("hold-external", "say held 42 a\nuntil\nsay done\n");
	assert_int_equal(mind(&m, &no), 0);
	assert_int_equal(minder_end(&m), 0);
	minder_release(&m);
}

static void what_is_said_meanwhile(void **state)
{
	struct minder m;
	struct buf script;

	(void)state;
	buf_init(&script, 1 << 16);
	buf_puts(&script, "say held 42 a\nsay again 2\n");
	for (int i = 0; i < 205; i++)
		buf_printf(&script, "say said %d\n", i);
	buf_puts(&script, "say gone it fell\nsay gone twice\nuntil\n"
			  "say done\n");
	says("hold-external", script.data);
	buf_release(&script);
	assert_int_equal(mind(&m, NULL), 0);
	while (minder_alive(&m, 1000))
		;
	assert_int_equal(m.restarts, 2);
	assert_string_equal(m.gone, "it fell");
	assert_int_equal(m.said.len, 200);
	assert_string_equal(m.said.v[199], "199");
	assert_int_equal(minder_end(&m), 0);
	assert_false(minder_alive(&m, 0));
	minder_release(&m);
}

/* Who minds is killed, and the kernel kills the scheduler with it: what sysfs
 * says is believed. */
static void who_minds_is_killed(void **state)
{
	static const struct {
		const char *state, *ops;
	} rows[] = {
		{"disabled\n", "test_1.0\n"},
		{"enabled\n", "another\n"},
		{"enabling\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct minder m;

		sysfs_is("state", rows[i].state);
		if (rows[i].ops)
			sysfs_is("root/ops", rows[i].ops);
		else
			unlink(PLACE_SYS "/root/ops");
		says("hold-external", "say held 42 test_1.0\n");
		assert_int_equal(mind(&m, NULL), 0);
		assert_int_equal(minder_end(&m), 0);
		assert_true(m.done);
		minder_release(&m);
	}
	sysfs_is("state", "disabled\n");
}

/* ---- a model's state in words ------------------------------------------ */

static void models_in_words(void **state)
{
	static const char sha[] = "0123456789abcdef0123456789abcdef"
				  "0123456789abcdef0123456789abcdef";
	static const struct {
		const char *model, *words;
	} rows[] = {
		{"{\"state\":\"none\"}", "none"},
		{"{\"state\":\"none\",\"sha256\":\"SHA\"}",
		 "0123456789ab not followed"},
		{"{\"state\":\"trial\",\"since\":\"now\"}",
		 "on trial since now"},
		{"{\"state\":\"followed\",\"sha256\":\"SHA\",\"ratio\":0.405,"
		 "\"bursts\":1000,\"follow\":900,\"trips\":1}",
		 "0123456789ab followed; misses by 40 % of what the exponential "
		 "average does over 1000 bursts, followed for 900, braked 1 "
		 "time"},
		{"{\"state\":\"braked\",\"trips\":2}",
		 "braked, braked 2 times"},
		{"{}", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *v = json_of(rows[i].model);
		char *words;

		if (*json_text_at(v, "sha256"))
			json_set_string(v, "sha256", sha);
		words = learned_words(v);
		assert_string_equal(words ? words : "", rows[i].words);
		free(words);
		json_free(v);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_setting_begins),
		cmocka_unit_test(how_setting_ends),
		cmocka_unit_test(it_tells_of_too_many_rules),
		cmocka_unit_test(what_is_tuned),
		cmocka_unit_test(how_minding_begins),
		cmocka_unit_test(minding_is_called_off),
		cmocka_unit_test(what_is_said_meanwhile),
		cmocka_unit_test(who_minds_is_killed),
		cmocka_unit_test(models_in_words),
	};

	(void)argc;
	return place_run(tests, argv, NULL, place_leave);
}
