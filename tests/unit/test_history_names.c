/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that others make up: which ones are taken, and what stands for them. */
#include <errno.h>

#include "history/file.h"
#include "history/remote.h"
#include "history/remote_git.h"
#include "history/reports.h"
#include "history/state.h"
#include "history/tag.h"
#include "history/text.h"
#include "history_fix.h"

static char *of_length(size_t n)
{
	char *s = mem_zalloc(n + 1, 1);

	memset(s, 'n', n);
	return s;
}

/* ---- files and agents --------------------------------------------------- */

/* A character of a name, and beside it the next one that may be there. */
static void test_characters(void **state)
{
	static const struct {
		const char *c;
		bool good;
	} rows[] = {
		{"\x1f", false},
		{"!", true},
		{"\x7f", false},
		{"~", true},
		{"\xc2\x80", false},
		{"\xc2\x9f", false},
		{"\xc2\xa0", true},
		{"\xc2\xac", true},
		{"\xc2\xad", false}, /* soft hyphen */
		{"\xc2\xae", true},
		{"\xd8\x9b", true},
		{"\xd8\x9c", false}, /* Arabic letter mark */
		{"\xe2\x80\x8a", true},
		{"\xe2\x80\x8b", false},
		{"\xe2\x80\x8d", false},
		{"\xe2\x80\x8e", false},
		{"\xe2\x80\x8f", false},
		{"\xe2\x80\x90", true},
		{"\xe2\x80\xa7", true},
		{"\xe2\x80\xa8", false},
		{"\xe2\x80\xa9", false},
		{"\xe2\x80\xaa", false},
		{"\xe2\x80\xae", false},
		{"\xe2\x80\xaf", true},
		{"\xe2\x81\x9f", true},
		{"\xe2\x81\xa0", false},
		{"\xe2\x81\xaf", false},
		{"\xe2\x81\xb0", true},
		{"\xef\xbb\xbe", true},
		{"\xef\xbb\xbf", false},
		{"\xef\xb7\x8f", true},
		{"\xef\xb7\x90", false},
		{"\xef\xbf\xbd", true},
		{"\xef\xbf\xbe", false},
		{"\xf0\x9f\x98\x80", true},
	};
	char name[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(name, sizeof(name), "a%sb", rows[i].c);
		if (!file_name_check(name) != rows[i].good ||
		    !file_agent_check(name) != rows[i].good)
			fail_msg("row %zu", i);
	}
}

static void test_components(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{"a~", true},
		{"a~/b", true},
		{"a~b", true},
		{"a~9", false},
		{"a~0b", false},
		{"a ", false},
		{"a /b", false},
		{"a. ", false},
		{"a.b", true},
		{"a/.b", false},
		{"a/b c", true},
		{"/", false},
		{"//", false},
		{"~", true},
		{"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", true},
		{"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/", false},
	};
	char *name;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!file_name_check(rows[i].name) != rows[i].good)
			fail_msg("'%s'", rows[i].name);
	/* What is refused is shown in short, and as plain words. */
	name = of_length(100);
	memcpy(name, "\x1b[2J\xff", 5);
	name[99] = '.';
	assert_int_equal(file_name_check(name), -EINVAL);
	assert_non_null(strstr(err_text(), "'?[2J?nnnn"));
	assert_null(strstr(err_text(), name + 40));
	free(name);
}

/* ---- reports ------------------------------------------------------------ */

static void test_reports(void **state)
{
	static const char *const good[] = {"",	"a",  "a/0/h-1",
					   "0", "a/", "roll/0/"};
	static const char *const bad[] = {
		"/a",  "-a", "a//b",   "A",	   "a_b", "a.b", "a b",
		"a\n", "..", "a/../b", "\xc3\xa9", "a:b", "+a",	 "a*"};
	char *name = of_length(129);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (report_check_name(good[i]))
			fail_msg("%s", err_text());
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (report_check_name(bad[i]) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	assert_int_equal(report_check_name(name), -EINVAL);
	name[128] = '\0';
	assert_int_equal(report_check_name(name), 0);
	free(name);
}

/* ---- remotes ------------------------------------------------------------ */

static void test_addresses(void **state)
{
	static const char *const good[] = {
		"/a",	       "a",	    "../a",	    "host:a",
		"me@host:a/b", "ssh://h/a", "git://h/a",    "http://h/a",
		"https://h/a", "file:///a", "git+ssh://h/a"};
	static const char *const bad[] = {"",
					  "-",
					  "--upload-pack=x",
					  "ext::sh -c x",
					  "fd::17",
					  "a\nb",
					  "a\tb",
					  "a\r",
					  "://a",
					  "ftp://h/a",
					  "ssh+x://h/a",
					  "s://h/a",
					  "https+x://h",
					  "HTTP://h/a",
					  "x::y://z"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (remote_git_check(good[i]))
			fail_msg("%s", err_text());
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (remote_git_check(bad[i]) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
}

static int list(void *arg, const char *name, const char *url)
{
	buf_printf(arg, "%s=%s ", name, url);
	return 0;
}

static void check_list(const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_puts(&b, "");
	assert_int_equal(remote_each(h, list, &b), 0);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void test_remotes(void **state)
{
	static const char *const bad[] = {"",	    "-a",   ".a",  "a..b",
					  "a b",    "a/b",  "a:b", "\xc3\xa9",
					  "a.lock", "a@{b", "a*"};
	char *name = of_length(65);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (remote_add(h, bad[i], "/x") != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		if (remote_remove(h, bad[i]) != -EINVAL)
			fail_msg("'%s' is removed", bad[i]);
	}
	assert_int_equal(remote_add(h, name, "/x"), -EINVAL);
	check_list("");
	name[64] = '\0';
	assert_int_equal(remote_add(h, name, "/x"), 0);
	assert_int_equal(remote_remove(h, name), 0);
	assert_int_equal(remote_remove(h, name), -ENOENT);
	free(name);
	assert_int_equal(remote_add(h, "a.url", "ssh://h/x"), 0);
	assert_int_equal(remote_add(h, "A_9-z", "h:x"), 0);
	assert_int_equal(remote_add(h, "a.url", "/y"), -EEXIST);
	check_list("a.url=ssh://h/x A_9-z=h:x ");
}

/* What else stands in a configuration of git. */
static void test_odd_remotes(void **state)
{
	struct remote_opts o = {.timeout_s = 20};
	struct remote_result r;

	(void)state;
	free(GIT("config", "remote.pushDefault", "x"));
	free(GIT("config", "remote.x.fetch", "+a:b"));
	free(GIT("config", "remote.x.pushurl", "/y"));
	check_list("");
	o.remote = "x";
	assert_int_equal(remote_pull(h, &o, &r), -ENOENT);
	o.remote = NULL;
	assert_int_equal(remote_pull(h, &o, &r), -ENOENT);
	/* A key without a value is no address. */
	free(GIT("config", "--add", "remote.y.url", ""));
	{
		char *path = mem_printf("%s/config", base);
		FILE *f = fopen(path, "a");

		assert_non_null(f);
		fputs("[remote \"z\"]\n\turl\n", f);
		fclose(f);
		free(path);
	}
	history_close(h);
	assert_int_equal(history_open(base, true, &h), 0);
	check_list("y= z= ");
	o.remote = "y";
	assert_int_equal(remote_pull(h, &o, &r), -EINVAL);
	o.remote = "z";
	assert_int_equal(remote_pull(h, &o, &r), -EINVAL);
	o.remote = NULL; /* there are two */
	assert_int_equal(remote_pull(h, &o, &r), -ENOENT);
	assert_non_null(strstr(err_text(), "which remote"));
}

/* ---- tags --------------------------------------------------------------- */

static void test_tags(void **state)
{
	static const char *const bad[] = {"",	    "-d", "a..b", "a b",
					  "a~",	    "a^", "a:b",  ".a",
					  "a.lock", "a/", "@{x"};
	struct doc *p = fix_policy("p", 1), *absent = fix_policy("q", 2);
	char *said;

	(void)state;
	/* A tag is somebody's: git asks who it is. */
	setenv("GIT_COMMITTER_NAME", "x", 1);
	setenv("GIT_COMMITTER_EMAIL", "x@x", 1);
	fix_add(p);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (tag_make(h, bad[i], p, NULL, false) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		if (tag_verify(h, bad[i]) != -EINVAL)
			fail_msg("'%s' is looked for", bad[i]);
	}
	assert_int_equal(tag_make(h, "t", absent, NULL, false), -ENOENT);
	assert_int_equal(tag_make(h, "t", p, NULL, false), 0);
	assert_int_equal(tag_make(h, "t", p, "again", false), -EEXIST);
	assert_int_equal(tag_verify(h, "other"), -ENOENT);
	assert_int_equal(tag_verify(h, "t"), -EKEYREJECTED);
	said = GIT("for-each-ref", "--format=%(contents:subject)", "refs/tags");
	assert_string_equal(said, "policy: 'p'");
	free(said);
	/* Nothing that a commit does not record can have one. */
	free(GIT("update-ref", "-d", "refs/heads/main"));
	assert_int_equal(tag_make(h, "u", p, NULL, false), -ENOENT);
	doc_free(absent);
	doc_free(p);
}

/* ---- workloads ---------------------------------------------------------- */

/* Two names never share a reference, whatever they are. */
static void test_workloads(void **state)
{
	static const char *const names[] = {
		"",
		"w",
		"w1",
		"W",
		"w-",
		"-",
		"w w",
		"w.w",
		"w/w",
		"w.lock",
		"..",
		"\xc3\xa9",
		"a12345678901234567890123456789012345678901234567890123456789",
		"a12345678901234567890123456789012345678901234567890123456789b",
		"a12345678901234567890123456789012345678901234567890123456789c"};
	struct doc *p = fix_policy("p", 1), *note;
	char *said, *commit;
	size_t n = 0;

	(void)state;
	fix_add(p);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct history_step s = {
			.policy = p->id, .workload = names[i], .force = true};

		if (history_promote(h, STATE_TRUSTED, &s, &note))
			fail_msg("'%s': %s", names[i], err_text());
		doc_free(note);
	}
	said = GIT("for-each-ref", "--format=%(objectname)",
		   "refs/schedkit/state/trusted");
	commit = GIT("rev-list", "--max-parents=0", "main");
	for (const char *s = said; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		assert_memory_equal(s, commit, 40);
		n++;
	}
	assert_int_equal(n, ARRAY_LEN(names));
	free(commit);
	free(said);
	doc_free(p);
}

/* ---- text --------------------------------------------------------------- */

static void test_lines(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"a\x7f"
		 "b",
		 "a b"},
		{"a\xc2\x80"
		 "b",
		 "a b"},
		{"a\xc2\xa0"
		 "b",
		 "a\xc2\xa0"
		 "b"},
		{"a\xe2\x80\x8d"
		 "b",
		 "a\xe2\x80\x8d"
		 "b"},
		{"a\xe2\x80\x8e"
		 "b",
		 "a b"},
		{"a\xe2\x80\x8f"
		 "b",
		 "a b"},
		{"a\xe2\x80\xa7"
		 "b",
		 "a\xe2\x80\xa7"
		 "b"},
		{"a\xe2\x80\xa8"
		 "b",
		 "a b"},
		{"a\xe2\x80\xa9"
		 "b",
		 "a b"},
		{"a\xe2\x80\xae"
		 "b",
		 "a b"},
		{"a\xe2\x80\xaf"
		 "b",
		 "a\xe2\x80\xaf"
		 "b"},
		{"a\xe2\x81\xa5"
		 "b",
		 "a\xe2\x81\xa5"
		 "b"},
		{"a\xe2\x81\xa6"
		 "b",
		 "a b"},
		{"a\xe2\x81\xa9"
		 "b",
		 "a b"},
		{"a\xe2\x81\xaa"
		 "b",
		 "a\xe2\x81\xaa"
		 "b"},
		{"a\xd8\x9c"
		 "b",
		 "a b"},
		{"a\xff\xfe"
		 "b",
		 "a b"},
		{"\xc0\x9b"
		 "b",
		 "b"},
		{"\xe2\x80", ""},
		{"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
		 "\xf0\x9f\x98\x80\xf0\x9f\x98\x80…"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 4096);
		buf_puts(&b, "");
		text_line(&b, rows[i].in, i + 1 == ARRAY_LEN(rows) ? 2 : 99);
		if (strcmp(b.data, rows[i].want))
			fail_msg("row %zu: '%s'", i, b.data);
		buf_release(&b);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_fresh, fix_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_lines),
		TEST(test_remotes),
		TEST(test_odd_remotes),
		TEST(test_tags),
		TEST(test_workloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
