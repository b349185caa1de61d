/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watcher's hands: what it makes of what is observed and known, and of a
 * sched-deploy that attaches, refuses, dies or says nothing. */
#include "tests/unit/place_fix.h"

#include <math.h>

#include "agents/watcher/parts.h"

static struct watcher_opts opts;
static struct watcher_vote vote;
static volatile sig_atomic_t cancelled;

/* A program: what it prints is the file of its name, and so is its end. */
static void program(const char *name, const char *script)
{
	char *path = mem_printf("%s/bin/%s", getenv(PLACE), name);
	char *text = mem_printf("#!/bin/sh\ncd %s || exit 9\n%s", getenv(PLACE),
				script);

	place_add(path, "we", text);
	assert_int_equal(chmod(path, 0755), 0);
	free(text);
	free(path);
}

static void lines_of(const char *file, struct doc *const *docs, size_t n)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "");
	for (size_t i = 0; i < n; i++) {
		char *line = doc_line(docs[i]);

		buf_printf(&b, "%s\n", line);
		free(line);
	}
	says(file, b.data);
	buf_release(&b);
}

/* ---- a policy is held -------------------------------------------------- */

static void story(void)
{
	struct doc *docs[2];
	struct json *v = json_of(
		"{\"decision\":\"accepted\",\"why\":\"w\",\"target\":\"host\","
		"\"kernel\":\"6.18\",\"workload\":\"w\",\"stages\":[],"
		"\"metrics\":[]}");

	docs[0] = document("policy",
			   json_of("{\"form\":\"params\",\"title\":\"t\","
				   "\"why\":\"w\",\"uses\":[],\"params\":{}}"));
	json_set_string(v, "policy", docs[0]->id);
	docs[1] = document("verdict", v);
	lines_of("lineage", docs, 2);
	snprintf(vote.policy, sizeof(vote.policy), "%s", docs[0]->id);
	snprintf(vote.workload, sizeof(vote.workload), "w");
	doc_free(docs[0]);
	doc_free(docs[1]);
	program("sched-history", "cat lineage\n");
}

/* What it says of a deployment, into the file. */
static void deployment(const char *file, const char *state, const char *why)
{
	char *text = mem_printf("{\"policy\":\"%s\",\"target\":\"host\","
				"\"title\":\"t\",\"state\":\"%s\",\"why\":"
				"\"%s\"}",
				vote.policy, state, why);
	struct doc *d = document("deployment", json_of(text));

	lines_of(file, &d, 1);
	doc_free(d);
	free(text);
}

static void how_it_is_put_in_place(void **state)
{
	static const struct {
		const char *script;
		int rc;
		const char *words;
	} rows[] = {
		/* It passes on what it reads, which is no news. */
		{"cat; cat attached; exec sleep 20\n", 0, ""},
		{"cat >/dev/null; cat refused\n", -EACCES, "it is revoked"},
		{"cat >/dev/null; cat error\n", -EACCES, "no such thing"},
		/* What comes after a deployment does not replace its why. */
		{"cat >/dev/null; cat refused error\n", -EACCES,
		 "it is revoked"},
		{"cat >/dev/null; echo; echo no document\n", -EACCES,
		 "sched-deploy said nothing"},
		{"exit 3\n", -EACCES, "sched-deploy said nothing"},
		{"cat refused\n", -EACCES, "it is revoked"},
	};
	struct doc *e;

	(void)state;
	story();
	deployment("attached", "attached", "so");
	deployment("refused", "refused", "it is revoked");
	e = document("error", json_of("{\"code\":\"EIO\",\"text\":\"no such "
				      "thing\"}"));
	lines_of("error", &e, 1);
	doc_free(e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct watcher_hold h;
		int rc;

		program("sched-deploy", rows[i].script);
		err_clear();
		rc = watcher_hold(&opts, &vote, &h);
		if (rc != rows[i].rc && !(i >= 5 && rc == -EIO))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		if (rc == rows[i].rc && !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: '%s'", i, err_text());
		assert_int_equal(h.attached, !rc);
		assert_int_equal(watcher_holds(&h, 0), !rc);
		if (!rc)
			assert_string_equal(h.title, "t");
		watcher_let_go(&h);
		/* There is nobody any more. */
		assert_false(watcher_holds(&h, 0));
		watcher_let_go(&h);
	}
}

static void how_it_falls(void **state)
{
	struct watcher_hold h;

	(void)state;
	story();
	deployment("attached", "attached", "so");
	deployment("ejected", "ejected", "a stall");
	program("sched-deploy",
		"cat >/dev/null; cat attached; sleep 0.1; cat ejected\n");
	assert_int_equal(watcher_hold(&opts, &vote, &h), 0);
	while (watcher_holds(&h, 1000))
		;
	assert_string_equal(h.state, "ejected");
	assert_string_equal(h.why, "a stall");
	assert_false(h.attached);
	watcher_let_go(&h);
}

static void it_is_called_off(void **state)
{
	struct watcher_hold h;

	(void)state;
	story();
	opts.cancel = &cancelled;
	cancelled = 1;
	program("sched-deploy", "exec sleep 20\n");
	/* The history is asked no more, either. */
	assert_int_equal(watcher_hold(&opts, &vote, &h), -EINTR);
	assert_false(watcher_holds(&h, 0));
	cancelled = 0;
	opts.cancel = NULL;
}

static void there_is_nothing_to_hold(void **state)
{
	struct watcher_hold h;

	(void)state;
	program("sched-history", "exit 0\n");
	assert_int_equal(watcher_hold(&opts, &vote, &h), -ENOENT);
	assert_false(watcher_holds(&h, 0));
	program("sched-history", "echo it is damaged >&2; exit 3\n");
	assert_int_equal(watcher_hold(&opts, &vote, &h), -EIO);
	assert_string_equal(err_text(), "it is damaged");
}

/* ---- what goes on ------------------------------------------------------ */

static struct doc *lesson(const char *workload, double x)
{
	static const char id[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char *text = mem_printf(
		"{\"profile\":\"%s\",\"policy\":\"%s\",\"verdict\":\"%s\","
		"\"workload\":\"%s\",\"features\":{\"busy\":%g},\"tried\":{"
		"\"form\":\"params\",\"title\":\"t\",\"source\":\"rule\"},"
		"\"outcome\":\"better\",\"text\":\"t\",\"conditions\":{"
		"\"target\":\"vm\",\"kernel\":\"6.18\"}}",
		id, id, id, workload, x);
	struct doc *d = document("lesson", json_of(text));

	free(text);
	return d;
}

static void profile_is_there(void)
{
	struct doc *d = document(
		"profile",
		json_of("{\"scope\":\"all\",\"goal\":\"latency\",\"source\":"
			"\"proc\",\"target\":\"host\",\"duration_us\":1000000,"
			"\"system\":{\"cpus\":2,\"kernel\":\"6.18\"},"
			"\"groups\":[],\"overhead\":{\"drops\":0}}"));

	lines_of("profile", &d, 1);
	doc_free(d);
}

static void what_is_known_of_it(void **state)
{
	struct watcher_view v;
	struct doc *docs[4];
	char *states, *dir = place_path("story");

	(void)state;
	assert_int_equal(path_make_dirs(dir), 0);
	profile_is_there();
	program("sched-observe", "cat profile\n");
	/* The nearest of a workload counts; one without a name does not. */
	docs[0] = lesson("web", 90);
	docs[1] = lesson("web", 1);
	docs[2] = lesson("", 0);
	docs[3] = lesson("build", 50);
	lines_of("neighbours", docs, 4);
	for (size_t i = 0; i < 4; i++)
		doc_free(docs[i]);
	states = mem_printf("{\"workload\":\"build\",\"state\":\"trusted\","
			    "\"policy\":\"%064d\"}\n{\"workload\":\"other\","
			    "\"state\":\"trusted\",\"policy\":\"%064d\"}\n",
			    1, 2);
	says("states", states);
	free(states);
	program("sched-history", "cat $1\n");
	assert_int_equal(watcher_look(&opts, &v), 0);
	assert_int_equal(v.n, 2);
	assert_string_equal(v.seen[0].workload, "web");
	assert_string_equal(v.seen[0].policy, "");
	assert_string_equal(v.seen[1].workload, "build");
	assert_int_equal(strlen(v.seen[1].policy), 64);
	assert_true(v.seen[0].distance <= v.seen[1].distance);
	watcher_view_release(&v);
	free(dir);
}

static void what_cannot_be_seen(void **state)
{
	static const struct {
		const char *observe, *history;
		int rc;
		const char *words;
	} rows[] = {
		{"exit 3\n", "cat $1\n", -EIO,
		 "sched-observe: it failed and said nothing"},
		{"echo no right >&2; exit 3\n", "cat $1\n", -EIO,
		 "sched-observe: no right"},
		{"exit 0\n", "cat $1\n", -EIO, "it made no profile"},
		{"cat profile\n", "echo damaged >&2; exit 3\n", -EIO,
		 "sched-history: damaged"},
		{"cat profile\n", "[ $1 = neighbours ] || exit 3\n", -EIO,
		 "'sched-history states' failed"},
	};
	struct watcher_view v;

	(void)state;
	profile_is_there();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		program("sched-observe", rows[i].observe);
		program("sched-history", rows[i].history);
		rc = watcher_look(&opts, &v);
		if (rc != rows[i].rc || !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		watcher_view_release(&v);
	}
	program("sched-observe", "exec sleep 20\n");
	opts.cancel = &cancelled;
	cancelled = 1;
	assert_int_equal(watcher_look(&opts, &v), -EINTR);
	watcher_view_release(&v);
	cancelled = 0;
	opts.cancel = NULL;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_it_is_put_in_place),
		cmocka_unit_test(how_it_falls),
		cmocka_unit_test(it_is_called_off),
		cmocka_unit_test(there_is_nothing_to_hold),
		cmocka_unit_test(what_is_known_of_it),
		cmocka_unit_test(what_cannot_be_seen),
	};

	(void)argc;
	opts.rules = WATCHER_RULES;
	opts.window_s = 0.1;
	return place_run(tests, argv, NULL, place_leave);
}
