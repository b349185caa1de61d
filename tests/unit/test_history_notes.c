/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures, tags and reports of others, and documents beside what is none. */
#include <errno.h>

#include "history/merge.h"
#include "history/reports.h"
#include "history_fix.h"

#define PREFIX "refs/schedkit/remote/x/"
#define NOTES  PREFIX "notes/metrics"

/* ---- figures ------------------------------------------------------------ */

/* What git says of the note on a commit; "": there is none. */
static char *note_on(const char *commit)
{
	const char *const argv[] = {"git",	     "-C",   base,   "notes",
				    "--ref=metrics", "show", commit, NULL};
	struct buf out;

	buf_init(&out, 1 << 20);
	buf_puts(&out, "");
	if (fix_run(argv, -1, &out))
		buf_reset(&out);
	return buf_take(&out);
}

static void check_note(const char *path, const char *commit, const char *text,
		       size_t len, const char *want, size_t row)
{
	struct merged m;
	struct buf b;
	char *said;

	buf_init(&b, 1 << 20);
	fix_commit(&b, NOTES, NULL, "x");
	if (text)
		fix_file(&b, path, text, len);
	else
		fix_module(&b, path);
	fix_import(&b);
	if (merge_notes(h, PREFIX, false, &m))
		fail_msg("row %zu: %s", row, err_text());
	said = note_on(commit);
	if (strcmp(said, want))
		fail_msg("row %zu: '%s', not '%s'", row, said, want);
	free(said);
	free(GIT("update-ref", "-d", "refs/notes/metrics"));
}

/* Where a note is, and where none is; %s: the commit's digits. */
static void test_places_of_notes(void **state)
{
	static const struct {
		const char *path;
		bool text, found;
	} rows[] = {
		{"%.40s", true, true},	  {"%.2s/%s", true, true},
		{"%.40s/x", true, false}, {"%.40s", false, false},
		{"%.39s", true, false},	  {"%.40s0", true, false},
		{"%.3s/%s", true, false}, {"%.2s/ab/%s", true, false},
		{"x%.39s", true, false},  {"README", true, false},
	};
	struct doc *d = fix_policy("p", 1);
	char *commit, path[128];

	(void)state;
	fix_add(d);
	commit = GIT("rev-parse", "main");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strtoul(rows[i].path + 2, NULL, 10);

		snprintf(path, sizeof(path), rows[i].path, commit, commit + n);
		check_note(path, commit, rows[i].text ? "line\n" : NULL, 5,
			   rows[i].found ? "line\n" : "", i);
	}
	/* On a commit that is not here, and on what is no commit. */
	check_note("0123456789012345678901234567890123456789", commit, "x\n", 2,
		   "", 100);
	free(commit);
	commit = GIT("rev-parse", "main^{tree}");
	check_note(commit, commit, "x\n", 2, "", 101);
	free(commit);
	doc_free(d);
}

/* Words of others are data: what no terminal is to get is no part of them. */
static void test_lines_of_notes(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a\nb\n", "a\nb\n"},
		{"a\nb", "a\nb\n"},
		{"a\na\n", "a\n"},
		{"", ""},
		{"\n\n \n\t\n", ""},
		{"a\x1b[2Jb\n", "a [2Jb\n"},
		{"a\xc2\x9b"
		 "b\n",
		 "a b\n"},
		{"\xff\x1b[2J\n", "[2J\n"},
		{"\xe2\x1b[2J\n", "[2J\n"},
		{"\xf0\x9f\x1b]0;x\x07\n", "]0;x \n"},
		{"a\xc3\nb\n", "a \nb\n"},
		{"a\xd8\x9c"
		 "b\n",
		 "a b\n"},
		{"a\xe2\x80\xae"
		 "b\xe2\x81\xa6"
		 "c\n",
		 "a b c\n"},
		{"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80\n",
		 "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80\n"},
	};
	struct doc *d = fix_policy("p", 1);
	char *commit, *want, *big = mem_zalloc(1 << 17, 1);

	(void)state;
	fix_add(d);
	commit = GIT("rev-parse", "main");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_note(commit, commit, rows[i].text, strlen(rows[i].text),
			   rows[i].want, i);
	/* A long line is cut, and a long note is none. */
	memset(big, 'x', 2000);
	want = mem_printf("%.1000s…\n", big);
	check_note(commit, commit, big, 2000, want, 200);
	free(want);
	memset(big, '\n', 1 << 17);
	big[0] = 'x';
	check_note(commit, commit, big, (64u << 10), "x\n", 201);
	check_note(commit, commit, big, (64u << 10) + 1, "", 202);
	free(big);
	free(commit);
	doc_free(d);
}

/* Lines that we have stay, in the place where our note is. */
static void test_notes_of_both(void **state)
{
	struct doc *p = fix_policy("p", 1), *v = fix_verdict(p, "w", 1.5, 1.4);
	char *commit, *before, *said, *want, *path;
	struct merged m;
	struct buf b;

	(void)state;
	fix_add(p);
	fix_add(v);
	commit = GIT("rev-parse", "main");
	before = note_on(commit);
	assert_non_null(strstr(before, "makespan"));
	for (int flat = 0; flat < 2; flat++) {
		buf_init(&b, 1 << 16);
		path = flat ? mem_strdup(commit)
			    : mem_printf("%.2s/%s", commit, commit + 2);
		want = mem_printf("%stheirs %d\n", before, flat);
		fix_commit(&b, NOTES, NULL, "x");
		fix_file(&b, path, want, strlen(want));
		fix_import(&b);
		assert_int_equal(merge_notes(h, PREFIX, true, &m), 0);
		assert_int_equal(m.taken, 1);
		said = note_on(commit);
		if (!strstr(said, before) || !strstr(said, "theirs"))
			fail_msg("'%s'", said);
		free(GIT("merge-base", "--is-ancestor", NOTES,
			 "refs/notes/metrics"));
		/* Once. */
		assert_int_equal(merge_notes(h, PREFIX, true, &m), 0);
		assert_int_equal(m.taken, 0);
		free(said);
		free(want);
		free(path);
	}
	free(before);
	free(commit);
	doc_free(v);
	doc_free(p);
}

/* The bytes of a note that stands where git(1) would put the first. */
static char *note_size(const char *commit)
{
	char *name = mem_printf("refs/notes/metrics:%s", commit),
	     *said = GIT("cat-file", "-s", name);

	free(name);
	return said;
}

/* So many bytes of lines; to be freed. */
static char *lines_of(size_t len)
{
	char *text = mem_zalloc(len + 1, 1);

	memset(text, 'x', len);
	for (size_t i = 99; i < len; i += 100)
		text[i] = '\n';
	text[len - 1] = '\n';
	return text;
}

/* A note that is as long as one may be keeps nobody from recording a verdict,
 * nor from taking in what others have. */
static void check_long_note(size_t len, bool grows)
{
	struct doc *p = fix_policy("p", 1), *v = fix_verdict(p, "w", 1.5, 1.4);
	char *commit, *text = lines_of(len), *said;
	struct merged m;
	struct buf b;

	fix_add(p);
	commit = GIT("rev-parse", "main");
	buf_init(&b, 4u << 20);
	fix_commit(&b, "refs/notes/metrics", NULL, "x");
	fix_file(&b, commit, text, len);
	fix_import(&b);
	fix_add(v);
	said = note_size(commit);
	if (grows)
		assert_true(strtoul(said, NULL, 10) > len);
	else
		assert_int_equal(strtoul(said, NULL, 10), len);
	free(said);
	buf_init(&b, 1u << 20);
	fix_commit(&b, NOTES, NULL, "x");
	fix_file(&b, commit, "a line of theirs\n", 17);
	fix_import(&b);
	if (merge_notes(h, PREFIX, false, &m))
		fail_msg("%s", err_text());
	assert_int_equal(m.taken, grows);
	/* And of what does not fit no half. */
	said = note_size(commit);
	assert_true(strtoul(said, NULL, 10) <=
		    (len > 1u << 20 ? len : 1u << 20));
	free(said);
	free(text);
	free(commit);
	doc_free(v);
	doc_free(p);
}

static void test_note_with_room(void **state)
{
	(void)state;
	check_long_note((1u << 20) - 300, true);
}

static void test_note_that_is_full(void **state)
{
	(void)state;
	check_long_note((1u << 20) - 10, false);
}

static void test_note_that_is_too_long(void **state)
{
	(void)state;
	check_long_note((1u << 20) + 1, false);
}

/* ---- tags --------------------------------------------------------------- */

static void test_tags(void **state)
{
	static const struct {
		const char *theirs, *ours; /* what each points to; NULL */
		size_t taken, kept;
	} rows[] = {
		{"refs/heads/main", NULL, 1, 0},
		{"refs/heads/main~1", NULL, 1, 0},
		{"refs/heads/main", "refs/heads/main", 0, 0},
		{"refs/heads/main", "refs/heads/main~1", 0, 1},
		{"refs/heads/main^{tree}", NULL, 0, 0}, /* no commit */
		{"refs/heads/main:policies", "refs/heads/main", 0, 1},
		{"refs/heads/elsewhere", NULL, 0, 0}, /* not in the history */
	};
	struct doc *p = fix_policy("p", 1), *q = fix_policy("q", 2);
	struct merged m;
	struct buf b;
	size_t kept;

	(void)state;
	fix_add(p);
	fix_add(q);
	buf_init(&b, 1 << 12);
	fix_commit(&b, "refs/heads/elsewhere", NULL, "x");
	fix_import(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *at = GIT("rev-parse", rows[i].theirs), *said;

		free(GIT("update-ref", PREFIX "tags/t", at));
		if (rows[i].ours)
			free(GIT("update-ref", "refs/tags/t", rows[i].ours));
		if (merge_tags(h, PREFIX, &m, &kept))
			fail_msg("row %zu: %s", i, err_text());
		if (m.taken != rows[i].taken || kept != rows[i].kept)
			fail_msg("row %zu: %zu, %zu", i, m.taken, kept);
		said = GIT("for-each-ref", "--format=%(objectname)",
			   "refs/tags");
		assert_int_equal(!strcmp(said, at),
				 rows[i].taken || (rows[i].ours && !kept));
		free(said);
		free(at);
		free(GIT("update-ref", "-d", "refs/tags/t"));
	}
	doc_free(p);
	doc_free(q);
}

/* ---- reading ------------------------------------------------------------ */

static int count_documents(const struct doc *d, void *arg)
{
	assert_string_equal(d->kind, "policy");
	++*(size_t *)arg;
	return 0;
}

/* What somebody pushed beside the documents is in the way of none. */
static void test_read_beside_strays(void **state)
{
	static const char *const paths[] = {
		"policies",
		"policies/x",
		"policies/ab/x",
		"policies/00/%064d",
		"policies/00/%064d/x",
		"policies/00/%064d/document.json/x",
		"policies/ab/%064d/document.json",
	};
	struct doc *d = fix_policy("p", 1);
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		size_t n = 0;
		struct buf b;

		buf_init(&b, 1 << 16);
		fix_commit(&b, "refs/heads/main", NULL, "x");
		snprintf(path, sizeof(path), paths[i], 0);
		fix_file(&b, path, "x", 1);
		fix_import(&b);
		if (i)
			fix_add(d);
		if (history_each(h, "policy", count_documents, &n) ||
		    n != (i > 0))
			fail_msg("%s: %zu, %s", path, n, err_text());
	}
	doc_free(d);
}

/* ---- reports ------------------------------------------------------------ */

static int list_report(void *arg, const char *name, const char *text,
		       size_t len)
{
	buf_printf(arg, "%s=%.*s ", name, (int)(len < 9 ? len : 9), text);
	return strcmp(name, "r/1/stop") ? 0 : 7;
}

static void check_reports(const char *below, int rc, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_puts(&b, "");
	assert_int_equal(reports_each(h, below, list_report, &b), rc);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void test_reports(void **state)
{
	char *peer = mem_printf("%s/peer", base), *said;
	char *big = mem_zalloc(REPORT_SIZE_MAX + 2, 1);
	struct remote_opts o = {.remote = peer, .timeout_s = 20};
	struct strs below = {0}, keep = {0};
	size_t n;

	(void)state;
	free(GIT("init", "-q", "--bare", peer));
	memset(big, 'x', REPORT_SIZE_MAX + 1);
	assert_int_equal(reports_push(h, &o, "r/0/big", big), 0);
	big[REPORT_SIZE_MAX] = '\0';
	assert_int_equal(reports_push(h, &o, "r/0/most", big), 0);
	assert_int_equal(reports_push(h, &o, "r/0/h", "was"), 0);
	assert_int_equal(reports_push(h, &o, "r/0/h", "well"), 0);
	assert_int_equal(reports_push(h, &o, "r/1/stop", ""), 0);
	assert_int_equal(reports_push(h, &o, "r/1/zz", "z"), 0);
	assert_int_equal(reports_push(h, &o, "s/0/h", "s"), 0);
	assert_int_equal(reports_push(h, &o, "S", "s"), -EINVAL);
	/* Who pushed what is no report. */
	said = GIT("-C", peer, "mktree", "--missing");
	free(GIT("-C", peer, "update-ref", REPORT_REFS "r/0/tree", said));
	free(GIT("-C", peer, "update-ref", REPORT_REFS "UP", said));
	free(said);
	strs_add(&below, "r/");
	assert_int_equal(reports_fetch(h, &o, &below), 0);
	check_reports("r/0/", 0, "r/0/h=well r/0/most=xxxxxxxxx ");
	check_reports("r/1/", 7, "r/1/stop= ");
	check_reports("s/", 0, "");
	strs_add(&below, "/");
	assert_int_equal(reports_fetch(h, &o, &below), -EINVAL);
	/* Only those of ours are removed, there and here. */
	strs_add(&keep, "r/1/");
	assert_int_equal(reports_prune(h, &o, &keep, &n), 0);
	assert_int_equal(n, 5);
	said = GIT("-C", peer, "for-each-ref", "--format=%(refname:lstrip=3)");
	assert_string_equal(said, "UP\nr/1/stop\nr/1/zz");
	free(said);
	check_reports("r/0/", 0, "");
	check_reports("r/1/zz", 0, "r/1/zz=z ");
	strs_release(&below);
	strs_release(&keep);
	free(big);
	free(peer);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_fresh, fix_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places_of_notes),
		TEST(test_lines_of_notes),
		TEST(test_notes_of_both),
		TEST(test_note_with_room),
		TEST(test_note_that_is_full),
		TEST(test_note_that_is_too_long),
		TEST(test_tags),
		TEST(test_read_beside_strays),
		TEST(test_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
