/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a check finds in trees that no program of ours makes. */
#include <errno.h>

#include "history/fsck.h"
#include "history/state.h"
#include "history_fix.h"

#define MAIN  "refs/heads/main"
#define NOTES "refs/notes/metrics"

/* Findings, a line each: the level's digit and the words. */
static void say(void *arg, enum fsck_level level, const char *words)
{
	buf_printf(arg, "%d %s\n", (int)level, words);
}

/* What is found is one line that begins so and has these words; NULL: nothing
 * is. */
static void check(size_t row, int level, const char *words)
{
	struct fsck_result r;
	struct buf b;
	int rc;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "");
	rc = history_fsck(h, say, &b, &r);
	if (rc)
		fail_msg("row %zu: %s", row, err_text());
	if (!words ? b.len > 0
		   : b.data[0] != '0' + level || !strstr(b.data, words) ||
			     strchr(b.data, '\n') != b.data + b.len - 1)
		fail_msg("row %zu: '%s'", row, b.data);
	for (int i = FSCK_SAID; i <= FSCK_DAMAGED; i++)
		assert_int_equal(r.count[i], words && i == level);
	buf_release(&b);
}

/* ---- documents ---------------------------------------------------------- */

#define ID "ab00000000000000000000000000000000000000000000000000000000000000"

static void test_strays(void **state)
{
	static const struct {
		const char *path;
		bool module;
		int level;
		const char *words;
	} rows[] = {
		{"README", false, FSCK_WRONG, "'README' is no part"},
		{"errors/ab/x", false, FSCK_WRONG, "'errors' is no part"},
		{"plans", false, FSCK_WRONG, "'plans' is no part"},
		{"plans", true, FSCK_WRONG, "'plans' is no part"},
		{"plans/ab", false, FSCK_WRONG, "'plans/ab' is no part"},
		{"plans/ab", true, FSCK_WRONG, "'plans/ab' is no part"},
		{"plans/AB/x", false, FSCK_WRONG, "'plans/AB' is no part"},
		{"plans/abc/x", false, FSCK_WRONG, "'plans/abc' is no part"},
		{"plans/ab/x/y", false, FSCK_WRONG, "'plans/ab/x' is no part"},
		{"plans/ab/" ID, false, FSCK_WRONG, "'plans/ab/ab00"},
		{"plans/ab/" ID, true, FSCK_WRONG, "'plans/ab/ab00"},
		{"plans/cd/" ID "/x", false, FSCK_WRONG, "'plans/cd/ab00"},
		{"plans/ab/" ID "/x", false, FSCK_DAMAGED, "there is no plan"},
		{"plans/ab/" ID "/document.json", false, FSCK_DAMAGED,
		 "document.json' in the history"},
		{"plans/ab/" ID "/document.json", true, FSCK_DAMAGED,
		 "there is no plan"},
		{"plans/ab/" ID "/document.json/x", false, FSCK_DAMAGED,
		 "there is no plan"},
	};
	struct doc *p = fix_policy("p", 1);
	char *head;

	(void)state;
	fix_add(p);
	head = GIT("rev-parse", MAIN);
	check(999, 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 1 << 16);
		fix_commit(&b, MAIN, head, "x");
		if (rows[i].module)
			fix_module(&b, rows[i].path);
		else
			fix_file(&b, rows[i].path, "x", 1);
		fix_import(&b);
		check(i, rows[i].level, rows[i].words);
	}
	free(head);
	doc_free(p);
}

/* What is in a document's place, and beside it. */
static void test_places(void **state)
{
	struct doc *p = fix_policy("p", 1), *q = fix_policy("q", 2);
	char *line = doc_line(q), *head, *path, *text;
	struct buf b;

	(void)state;
	fix_add(p);
	head = GIT("rev-parse", MAIN);
	/* Another one. */
	buf_init(&b, 1 << 16);
	fix_commit(&b, MAIN, head, "x");
	path = fix_path("policies", p->id, "document.json");
	fix_file(&b, path, line, strlen(line));
	fix_import(&b);
	check(0, FSCK_DAMAGED, "another document, policy ");
	free(path);
	/* One of another kind. */
	buf_init(&b, 1 << 16);
	fix_commit(&b, MAIN, head, "x");
	path = fix_path("plans", q->id, "document.json");
	fix_file(&b, path, line, strlen(line));
	fix_import(&b);
	check(1, FSCK_DAMAGED, "another document, policy ");
	free(path);
	/* Its body for people: in another order it is the same, cut off it is
	 * not, and neither is none. */
	path = fix_path("policies", p->id, "policy.json");
	text = json_ordered(p->body);
	for (int i = 0; i < 4; i++) {
		buf_init(&b, 1 << 16);
		fix_commit(&b, MAIN, head, "x");
		fix_file(&b, path, text,
			 i == 0	  ? strlen(text)
			 : i == 1 ? strlen(text) / 2
				  : 0);
		if (i == 3)
			buf_printf(&b, "D \"%s\"\n", path);
		fix_import(&b);
		if (i)
			check(10, FSCK_WRONG, "is not what its document says");
		else
			check(11, 0, NULL);
	}
	free(text);
	free(path);
	free(head);
	free(line);
	doc_free(q);
	doc_free(p);
}

/* What a document needs that is elsewhere is said, and nothing is wrong. */
static void test_absent(void **state)
{
	struct doc *p = fix_policy("p", 1), *v = fix_verdict(p, "w", 2, 1.5);
	struct history_step s = {
		.policy = p->id, .workload = "w", .force = true};
	struct doc *note;
	char *said;

	(void)state;
	fix_add(v);
	check(0, FSCK_SAID, "its parent ");
	fix_add(p);
	check(1, 0, NULL);
	free(GIT("update-ref", "-d", NOTES));
	check(2, FSCK_SAID, "its figures are not in git's notes");
	free(GIT("update-ref", "-d", MAIN));
	assert_int_equal(history_promote(h, STATE_TRUSTED, &s, &note), 0);
	doc_free(note);
	said = GIT("for-each-ref", "refs/schedkit/state");
	assert_string_equal(said, "");
	free(said);
	{
		struct fsck_result r;
		struct buf b;

		buf_init(&b, 1 << 16);
		assert_int_equal(history_fsck(h, say, &b, &r), 0);
		assert_non_null(strstr(b.data, "1 the trusted policy "));
		assert_non_null(strstr(b.data, "for 'w' is not here"));
		assert_int_equal(r.count[FSCK_WRONG], 1);
		assert_int_equal(r.count[FSCK_DAMAGED], 0);
		buf_release(&b);
	}
	doc_free(v);
	doc_free(p);
}

/* ---- references and objects --------------------------------------------- */

static void test_references(void **state)
{
	struct doc *p = fix_policy("p", 1);
	char *tree;

	(void)state;
	check(0, 0, NULL); /* nothing at all */
	fix_add(p);
	/* Tags of any kind lead somewhere. */
	free(GIT("-c", "user.name=x", "-c", "user.email=x@x", "tag", "-a", "-m",
		 "x", "t", MAIN));
	free(GIT("-c", "user.name=x", "-c", "user.email=x@x", "tag", "-a", "-m",
		 "x", "of-t", "t"));
	tree = GIT("rev-parse", MAIN "^{tree}");
	free(GIT("update-ref", "refs/tags/tree", tree));
	check(1, 0, NULL);
	/* What is to be a branch is a tree, or leads nowhere. */
	free(GIT("update-ref", NOTES, tree));
	check(2, FSCK_DAMAGED, NOTES);
	free(GIT("update-ref", "-d", NOTES));
	free(GIT("symbolic-ref", "refs/heads/lost", "refs/heads/nowhere"));
	check(3, FSCK_DAMAGED, "refs/heads/lost points to nothing");
	free(tree);
	doc_free(p);
}

/* ---- figures ------------------------------------------------------------ */

#define TELLS	  "w: accepted, makespan 2.00x (1.50–1.90) on vm, 6.18.15"
#define FIGURES	  "makespan 2.00x (1.50–1.90), 2.65 -> 2.02 s, 5 pairs\n"
#define NO_COMMIT "0123456789012345678901234567890123456789"

/* The note on a document's commit becomes this; %.12s: the verdict's id. */
static void check_note(size_t row, const char *path, const char *fmt,
		       const char *id, int level, const char *words)
{
	char *text = mem_printf("%s", fmt);
	struct buf b;

	if (strstr(fmt, "%s")) {
		free(text);
		text = mem_printf("%.*s%.12s%s", (int)(strstr(fmt, "%s") - fmt),
				  fmt, id, strstr(fmt, "%s") + 2);
	}
	buf_init(&b, 1 << 16);
	fix_commit(&b, NOTES, NOTES, "x");
	fix_file(&b, path, text, strlen(text));
	fix_import(&b);
	check(row, level, words);
	free(text);
}

static void test_figures(void **state)
{
	static const struct {
		bool on_policy;
		const char *text;
		int level;
		const char *words;
	} rows[] = {
		{false, FIGURES, 0, NULL},
		{false, "\n\n" FIGURES "\n", 0, NULL},
		{false, "", FSCK_WRONG, "lacks 'makespan 2.00x"},
		{false, FIGURES "more\n", FSCK_WRONG, "it does not, 'more'"},
		{false, FIGURES "\xff\x1b[2J\n", FSCK_WRONG, "not, '[2J'"},
		{true, TELLS ", verdict %s\n", 0, NULL},
		{true, "", 0, NULL},
		{true, "\n", 0, NULL},
		{true, "by hand\n", FSCK_WRONG, "no figures of a verdict in"},
		{true, "a, b\n", FSCK_WRONG, "no figures of a verdict in"},
		{true, "x, verdict \n", FSCK_WRONG, "no figures of a verdict"},
		{true, "x, verdict zz\n", FSCK_WRONG,
		 "no figures of a verdict"},
		{true, "x, verdict 0000\n", FSCK_SAID, "which is not here"},
		{true, "x" TELLS ", verdict %s\n", FSCK_WRONG,
		 "says, and the verdict does not,"},
		{true, "x, verdict %s", FSCK_WRONG,
		 "says, and the verdict does not,"},
	};
	struct doc *p = fix_policy("p", 1), *q = fix_policy("q", 2),
		   *v = fix_verdict(p, "w", 2, 1.5);
	char path[2][64], *commit[2], *notes;

	(void)state;
	fix_add(q);
	fix_add(p);
	fix_add(v);
	commit[0] = GIT("rev-parse", MAIN);
	commit[1] = GIT("rev-parse", MAIN "~1");
	for (int i = 0; i < 2; i++)
		snprintf(path[i], sizeof(path[i]), "%.2s/%s", commit[i],
			 commit[i] + 2);
	notes = GIT("rev-parse", NOTES);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		free(GIT("update-ref", NOTES, notes));
		check_note(i, path[rows[i].on_policy], rows[i].text, v->id,
			   rows[i].level, rows[i].words);
	}
	/* The verdict's own line, on another policy. */
	free(GIT("update-ref", NOTES, notes));
	free(commit[1]);
	commit[1] = GIT("rev-parse", MAIN "~2");
	check_note(100, commit[1], TELLS ", verdict %s\n", v->id, FSCK_WRONG,
		   "says, and the verdict does not,");
	for (int i = 0; i < 2; i++)
		free(commit[i]);
	free(notes);
	doc_free(v);
	doc_free(q);
	doc_free(p);
}

/* Where no note can be. */
static void test_places_of_notes(void **state)
{
	static const struct {
		const char *path, *words;
	} rows[] = {
		{"README", "'README' in " NOTES " is no note"},
		{"ab/README", "'ab/README' in " NOTES " is no note"},
		{"abc/x", "'abc' in " NOTES " is no note"},
		{"ab/cd/x", "'ab/cd' in " NOTES " is no note"},
		{"ab/" NO_COMMIT, "'ab/0123"},
		{"x1/23456789012345678901234567890123456789", "'x1/2345"},
		{NO_COMMIT, "which is not here"},
		{"01/23456789012345678901234567890123456789",
		 "which is not here"},
	};
	struct doc *p = fix_policy("p", 1);
	struct doc *note =
		fix_doc("note", NULL, mem_strdup("{\"text\":\"x\"}"));
	char *said;

	(void)state;
	fix_add(p);
	fix_add(note);
	for (size_t i = 0; i <= ARRAY_LEN(rows) + 1; i++) {
		struct buf b;

		said = GIT("rev-parse",
			   i > ARRAY_LEN(rows) ? MAIN : MAIN "^{tree}");
		buf_init(&b, 1 << 16);
		fix_commit(&b, NOTES, NULL, "x");
		fix_file(&b, i < ARRAY_LEN(rows) ? rows[i].path : said, "x\n",
			 2);
		fix_import(&b);
		check(i, FSCK_WRONG,
		      i < ARRAY_LEN(rows)
			      ? rows[i].words
			      : "which records no verdict and no policy");
		free(said);
	}
	doc_free(note);
	doc_free(p);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_fresh, fix_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_strays),  TEST(test_places),
		TEST(test_absent),  TEST(test_references),
		TEST(test_figures), TEST(test_places_of_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
