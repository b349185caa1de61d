/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was fetched may be anything: what is taken of it, and what is said. */
#include <errno.h>

#include "history/file.h"
#include "history/merge.h"
#include "history_fix.h"

#define PREFIX "refs/schedkit/remote/x/"
#define MAIN   PREFIX "heads/main"
#define STORE  PREFIX "store"

/* ---- documents ---------------------------------------------------------- */

enum how { WHOLE, NONE, EMPTY, NO_JSON, MODULE, FOLDER };

/* A commit of theirs that says it records d, whose document is as asked. */
static void import_document(const struct doc *d, const char *folder,
			    const char *id, enum how how, const char *message)
{
	char *line = doc_line(d), *path, *below;
	size_t len = strlen(line);
	struct buf b;

	buf_init(&b, DOC_MAX_LINE * 2);
	fix_commit(&b, MAIN, NULL, message);
	path = fix_path(folder, id, "document.json");
	below = mem_printf("%s/x", path);
	if (how == WHOLE)
		fix_file(&b, path, line, len);
	else if (how == EMPTY)
		fix_file(&b, path, "", 0);
	else if (how == NO_JSON)
		fix_file(&b, path, line, len / 2);
	else if (how == FOLDER)
		fix_file(&b, below, line, len);
	else if (how == MODULE)
		fix_module(&b, path);
	free(path);
	path = fix_path(folder, id, "README");
	fix_file(&b, path, "x\n", 2);
	fix_import(&b);
	free(below);
	free(path);
	free(line);
}

static char *message_of(const struct doc *d)
{
	return mem_printf("x\n\nKind: %s\nId: %s\n", d->kind, d->id);
}

static void test_documents(void **state)
{
	static const struct {
		const char *folder;
		enum how how;
		const char *words;
	} rows[] = {
		{"policies", NONE, "has no document"},
		{"policies", FOLDER, "has no document"},
		{"policies", MODULE, "has no document"},
		{"policies", EMPTY, "of what was fetched"},
		{"policies", NO_JSON, "of what was fetched"},
		{"verdicts", WHOLE, "another document"},
	};
	struct doc *d = fix_policy("p", 1), *other = fix_policy("q", 2);
	char *message = message_of(d), *said;
	struct merged m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		import_document(d, rows[i].folder, d->id, rows[i].how, message);
		if (merge_documents(h, PREFIX, false, &m) != -EBADMSG ||
		    !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %s", i, err_text());
		said = GIT("for-each-ref", "refs/heads");
		assert_string_equal(said, ""); /* nothing was taken */
		free(said);
	}
	/* Another one of the same kind. */
	import_document(other, "policies", d->id, WHOLE, message);
	assert_int_equal(merge_documents(h, PREFIX, false, &m), -EBADMSG);
	assert_non_null(strstr(err_text(), "another document"));
	/* And as it should be. */
	import_document(d, "policies", d->id, WHOLE, message);
	assert_int_equal(merge_documents(h, PREFIX, false, &m), 0);
	assert_int_equal(m.taken, 1);
	free(message);
	doc_free(other);
	doc_free(d);
}

/* What is no document is passed over. */
static void test_strays(void **state)
{
	static const char *const paths[] = {
		"policies",	  "policies/ab",
		"policies/ab/c0", "policies/ab/%063d/document.json",
		"other/ab/x/y",	  "policies/ab/A%063d/document.json"};
	struct doc *d = fix_policy("p", 1);
	struct merged m;
	char path[256];

	(void)state;
	fix_add(d);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct buf b;

		buf_init(&b, 1 << 16);
		fix_commit(&b, MAIN, NULL, "x");
		snprintf(path, sizeof(path), paths[i], 0);
		fix_file(&b, path, "x", 1);
		fix_import(&b);
		if (merge_documents(h, PREFIX, false, &m) || m.taken)
			fail_msg("%s: %s", path, err_text());
		assert_true(m.offer);
	}
	doc_free(d);
}

static size_t commits(const char *ref)
{
	char *said = GIT("rev-list", "--count", ref);
	size_t n = strtoul(said, NULL, 10);

	free(said);
	return n;
}

/* A document that no commit's words record gets a commit of its own, which
 * follows on theirs where it is to be pushed. */
static void check_unlogged(bool on_top, bool have)
{
	struct doc *d = fix_policy("theirs", 1), *own = fix_policy("own", 2);
	struct doc *back;
	struct merged m;

	if (have)
		fix_add(own);
	import_document(d, "policies", d->id, WHOLE, "by hand");
	if (merge_documents(h, PREFIX, on_top, &m))
		fail_msg("%s", err_text());
	assert_int_equal(m.taken, 1);
	assert_true(m.offer); /* the commit that says what it is */
	assert_int_equal(history_read(h, "policy", d->id, &back), 0);
	doc_free(back);
	free(GIT("log", "-1", "--grep", d->id, "main"));
	if (on_top)
		free(GIT("merge-base", "--is-ancestor", MAIN, "main"));
	/* Once. */
	assert_int_equal(merge_documents(h, PREFIX, on_top, &m), 0);
	assert_int_equal(m.taken, 0);
	free(GIT("fsck", "--strict", "--no-dangling"));
	doc_free(own);
	doc_free(d);
}

static void test_unlogged(void **state)
{
	(void)state;
	check_unlogged(false, true);
}

static void test_unlogged_on_top(void **state)
{
	(void)state;
	check_unlogged(true, true);
}

static void test_unlogged_first(void **state)
{
	(void)state;
	check_unlogged(false, false);
}

static void test_unlogged_first_on_top(void **state)
{
	(void)state;
	check_unlogged(true, false);
}

/* Neither side has anything, or only one has. */
static void test_nothing(void **state)
{
	struct doc *d = fix_policy("p", 1);
	struct merged m;

	(void)state;
	assert_int_equal(merge_documents(h, PREFIX, true, &m), 0);
	assert_int_equal(m.taken, 0);
	assert_false(m.offer);
	fix_add(d);
	assert_int_equal(merge_documents(h, PREFIX, true, &m), 0);
	assert_true(m.offer);
	free(GIT("update-ref", MAIN, "refs/heads/main"));
	assert_int_equal(merge_documents(h, PREFIX, true, &m), 0);
	assert_int_equal(m.taken, 0);
	assert_false(m.offer);
	assert_int_equal(commits("main"), 1);
	doc_free(d);
}

/* ---- agents' files ------------------------------------------------------ */

struct row {
	const char *path; /* below "a/" */
	const char *text; /* NULL: a module */
};

/* The store of theirs: a file "good" of agent "a", and what the row says. */
static void import_store(const char *ref, const struct row *more, size_t n)
{
	static const struct row good[] = {
		{"agent", "a"},
		{"files/good", "good"},
		{"versions/good", "{\"version\":1,\"time\":1,\"bytes\":4}"},
	};
	char path[600];
	struct buf b;

	buf_init(&b, 1 << 23);
	fix_commit(&b, ref, NULL, "x");
	for (size_t i = 0; i < ARRAY_LEN(good) + n; i++) {
		const struct row *r = i < ARRAY_LEN(good)
					      ? &good[i]
					      : &more[i - ARRAY_LEN(good)];

		snprintf(path, sizeof(path), "a/%s", r->path);
		if (r->text)
			fix_file(&b, path, r->text, strlen(r->text));
		else
			fix_module(&b, path);
	}
	fix_import(&b);
}

#define META "{\"version\":1,\"time\":1,\"bytes\":1}"
#define DEEP "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"

/* Each beside a good one. */
static const struct row odd[][2] = {
	{{"files/f", "x"}},			    /* no version */
	{{"files/f", "x"}, {"versions/f/g", META}}, /* it is a folder */
	{{"files/f", "x"}, {"versions/f", NULL}},
	{{"files/f", NULL}, {"versions/f", META}},
	{{"versions/f", META}},
	{{"files/c:x", "x"}, {"versions/c:x", META}}, /* no name */
	{{"files/ f", "x"}, {"versions/ f", META}},
	{{"files/" DEEP "/17", "x"}, {"versions/" DEEP "/17", META}},
	{{"files/" DEEP "/17/18", "x"}},
	{{"other", "x"}},
	{{"agent/x", "x"}, {"files/f", NULL}},
};

static int count_names(void *arg, const char *name,
		       const struct file_version *last)
{
	assert_string_equal(name, "good");
	assert_int_equal(last->version, 1);
	++*(size_t *)arg;
	return 0;
}

/* What somebody pushed that is no file is not in the way of those that are. */
static void test_odd_files(void **state)
{
	struct files *f = files_new(h);
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		import_store(FILES_REF, odd[i], 2 - !odd[i][1].path);
		n = 0;
		if (file_list(f, "a", count_names, &n) || n != 1)
			fail_msg("row %zu: %zu, %s", i, n, err_text());
	}
	files_free(f);
}

/* The same where it is theirs. */
static void test_odd_files_of_theirs(void **state)
{
	struct file_version v;
	struct merged m;
	struct files *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		bool known = strncmp(odd[i][0].path, "agent", 5);
		int rc;

		import_store(STORE, odd[i], 2 - !odd[i][1].path);
		rc = merge_files(h, PREFIX, false, &m);
		if (rc || m.taken != known)
			fail_msg("row %zu: %d, %zu, %s", i, rc, m.taken,
				 err_text());
		f = files_new(h);
		rc = file_get(f, "a", "good", 0, NULL, &v);
		assert_int_equal(rc, known ? 0 : -ENOENT);
		files_free(f);
		if (known)
			free(GIT("update-ref", "-d", FILES_REF));
	}
}

/* What a version says of itself cannot be: that is said, and of whom. */
static void test_damaged_versions(void **state)
{
	static const char *const metas[] = {
		"",
		"x",
		"[]",
		"{}",
		"{\"version\":0}",
		"{\"version\":-1}",
		"{\"version\":1e300}",
		"{\"version\":9007199254740994}",
		"{\"version\":1.5}",
		"{\"version\":1,\"before\":\"zz\"}",
		"{\"version\":1,\"bytes\":-1}",
		"{\"version\":1,\"bytes\":1e300}",
		"{\"version\":1,\"time\":1e300}",
		"{\"version\":2,\"of\":1e300}",
	};
	struct file_version v;
	struct merged m;
	struct files *f = files_new(h);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(metas); i++) {
		const struct row r[] = {{"files/f", "x"},
					{"versions/f", metas[i]}};

		import_store(FILES_REF, r, 2);
		if (file_get(f, "a", "f", 0, NULL, &v) != -EUCLEAN ||
		    !strstr(err_text(), "a/versions/f"))
			fail_msg("row %zu: %s", i, err_text());
		free(GIT("update-ref", "-d", FILES_REF));
		import_store(STORE, r, 2);
		if (merge_files(h, PREFIX, false, &m) != -EUCLEAN ||
		    !strstr(err_text(), STORE))
			fail_msg("row %zu: %s", i, err_text());
	}
	files_free(f);
}

/* ---- two stores --------------------------------------------------------- */

struct put {
	const char *time, *name, *text;
};

/* Puts these in turn; theirs: they become theirs, and ours has nothing. */
static void put_all(const struct put *p, size_t n, bool theirs)
{
	struct files *f = files_new(h);
	struct file_version v;

	for (size_t i = 0; i < n && p[i].name; i++) {
		setenv("SCHEDKIT_TIME", p[i].time, 1);
		if (file_put(f, "a", p[i].name, p[i].text, strlen(p[i].text),
			     FILE_ANY, &v) ||
		    files_commit(f))
			fail_msg("%s", err_text());
	}
	files_free(f);
	if (theirs) {
		free(GIT("update-ref", STORE, FILES_REF));
		free(GIT("update-ref", "-d", FILES_REF));
	}
}

/* Every version as git tells it, the newest first: "text time ...". */
static int tell_version(void *arg, const struct file_version *v)
{
	char *text = GIT("cat-file", "-p", v->blob);

	buf_printf(arg, "%s%s", text, v->of ? "! " : " ");
	free(text);
	return 0;
}

static void check_log(const char *name, const char *want)
{
	struct files *f = files_new(h);
	struct buf b;
	int rc;

	buf_init(&b, 1 << 12);
	buf_puts(&b, "");
	rc = file_log(f, "a", name, tell_version, &b);
	if (rc && rc != -ENOENT)
		fail_msg("%s", err_text());
	assert_string_equal(b.data, want);
	buf_release(&b);
	files_free(f);
}

static void test_two_stores(void **state)
{
	static const struct {
		struct put theirs[3], ours[3];
		const char *name, *want; /* newest first; "!": rolled back */
		size_t taken;
		bool offer;
	} rows[] = {
		/* The newer of the two last ones is the last. */
		{{{"100", "f", "t1"}, {"300", "f", "t2"}},
		 {{"200", "f", "o1"}},
		 "f",
		 "t2 t1 o1 ",
		 2,
		 true},
		{{{"100", "f", "t1"}, {"300", "f", "t2"}},
		 {{"400", "f", "o1"}},
		 "f",
		 "o1! t2 t1 o1 ",
		 2,
		 true},
		/* Of the same time theirs. */
		{{{"200", "f", "t1"}},
		 {{"200", "f", "o1"}},
		 "f",
		 "t1 o1 ",
		 1,
		 true},
		/* They have ours, and went on. */
		{{{"100", "f", "o1"}, {"300", "f", "t2"}},
		 {{"100", "f", "o1"}},
		 "f",
		 "t2 o1 ",
		 1,
		 false},
		{{{"100", "f", "o1"}, {"300", "f", "t2"}},
		 {{"900", "f", "o1"}},
		 "f",
		 "t2 o1 ",
		 1,
		 false},
		/* Their last is an old one of ours. */
		{{{"100", "f", "x"}, {"300", "f", "o1"}},
		 {{"50", "f", "o1"}, {"60", "f", "o2"}},
		 "f",
		 "o2! x o2 o1 ",
		 1,
		 true},
		/* Nothing new. */
		{{{"100", "f", "o1"}},
		 {{"50", "f", "o1"}, {"60", "f", "o2"}},
		 "f",
		 "o2 o1 ",
		 0,
		 true},
		/* What is a folder on one side is a file on the other. */
		{{{"100", "d/f", "t1"}},
		 {{"200", "d", "o1"}},
		 "d",
		 "o1 ",
		 0,
		 true},
		{{{"100", "d", "t1"}},
		 {{"200", "d/f", "o1"}},
		 "d/f",
		 "o1 ",
		 0,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct merged m;

		put_all(rows[i].theirs, 3, true);
		put_all(rows[i].ours, 3, false);
		if (merge_files(h, PREFIX, true, &m))
			fail_msg("row %zu: %s", i, err_text());
		check_log(rows[i].name, rows[i].want);
		if (m.taken != rows[i].taken || m.offer != rows[i].offer)
			fail_msg("row %zu: %zu, %d", i, m.taken, m.offer);
		/* So that it can be pushed. */
		if (m.offer)
			free(GIT("merge-base", "--is-ancestor", STORE,
				 FILES_REF));
		/* And once more there is nothing to do. */
		if (merge_files(h, PREFIX, true, &m) || m.taken)
			fail_msg("row %zu again: %s", i, err_text());
		check_log(rows[i].name, rows[i].want);
		free(GIT("update-ref", "-d", FILES_REF));
	}
}

/* More than a file may have is not taken, and is in nobody's way. */
static void test_too_big(void **state)
{
	char *big = mem_zalloc(FILE_SIZE_MAX + 2, 1);
	const struct row r[] = {{"files/f", big}, {"versions/f", META}};
	struct merged m;

	(void)state;
	memset(big, 'x', FILE_SIZE_MAX + 1);
	import_store(STORE, r, 2);
	if (merge_files(h, PREFIX, false, &m))
		fail_msg("%s", err_text());
	assert_int_equal(m.taken, 1);
	check_log("f", "");
	check_log("good", "good ");
	free(big);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_fresh, fix_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_documents),
		TEST(test_strays),
		TEST(test_unlogged),
		TEST(test_unlogged_on_top),
		TEST(test_unlogged_first),
		TEST(test_unlogged_first_on_top),
		TEST(test_nothing),
		TEST(test_odd_files),
		TEST(test_odd_files_of_theirs),
		TEST(test_damaged_versions),
		TEST(test_two_stores),
		TEST(test_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
