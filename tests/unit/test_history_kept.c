/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs, and what is kept beside the history: good or damaged. */
#include <errno.h>

#include "base/path.h"
#include "crypt/digest.h"
#include "history/bisect.h"
#include "history/catalog.h"
#include "history/diff.h"
#include "history/recall.h"
#include "history_fix.h"

/* ---- what differs ------------------------------------------------------- */

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s", err_text());
	return v;
}

static void test_differences(void **state)
{
	static const struct {
		const char *a, *b, *want; /* [path, a, b] … */
	} rows[] = {
		{"{}", "{}", "[]"},
		{"{\"a\":1}", "{\"a\":1}", "[]"},
		{"{\"a\":1}", "{\"a\":2}",
		 "[{\"a\":1,\"b\":2,\"path\":\"a\"}]"},
		{"{\"a\":1}", "{}", "[{\"a\":1,\"path\":\"a\"}]"},
		{"{}", "{\"a\":null}", "[{\"b\":null,\"path\":\"a\"}]"},
		{"{\"a\":{\"b\":true}}", "{\"a\":{\"b\":\"true\"}}",
		 "[{\"a\":true,\"b\":\"true\",\"path\":\"a.b\"}]"},
		{"{\"a\":[1,2]}", "{\"a\":[1,3,4]}",
		 "[{\"a\":2,\"b\":3,\"path\":\"a.1\"},{\"b\":4,\"path\":\"a.2\""
		 "}]"},
		/* By name, wherever it stands. */
		{"{\"a\":[{\"name\":\"x\",\"v\":1},{\"name\":\"y\",\"v\":2}]}",
		 "{\"a\":[{\"name\":\"y\",\"v\":2},{\"name\":\"x\",\"v\":3}]}",
		 "[{\"a\":1,\"b\":3,\"path\":\"a.x.v\"}]"},
		/* And of those that are called the same, each. */
		{"{\"a\":[{\"name\":\"x\",\"v\":1},{\"name\":\"x\",\"v\":2}]}",
		 "{\"a\":[{\"name\":\"x\",\"v\":3},{\"name\":\"x\",\"v\":2}]}",
		 "[{\"a\":1,\"b\":3,\"path\":\"a.x.v\"}]"},
		{"{\"a\":[{\"name\":\"x\",\"v\":1}]}",
		 "{\"a\":[{\"name\":\"x\",\"v\":1},{\"name\":\"x\",\"v\":2}]}",
		 "[{\"b\":\"x\",\"path\":\"a.x#2.name\"},{\"b\":2,\"path\":"
		 "\"a.x#2.v\"}]"},
		/* What is long, or many numbers, is left out. */
		{"{\"code\":\"a\",\"samples\":[1]}",
		 "{\"code\":\"b\",\"samples\":[2]}", "[]"},
		{"[1]", "[2]", "[{\"a\":1,\"b\":2,\"path\":\"0\"}]"},
		/* In order of path. */
		{"{\"z\":1,\"b\":1}", "{\"a\":1}",
		 "[{\"b\":1,\"path\":\"a\"},{\"a\":1,\"path\":\"b\"},{\"a\":1,"
		 "\"path\":\"z\"}]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *a = parse(rows[i].a), *b = parse(rows[i].b),
			    *v = diff_values(a, b);
		char *text = json_canonical(v);

		if (strcmp(text, rows[i].want))
			fail_msg("row %zu: %s", i, text);
		free(text);
		json_free(v);
		json_free(b);
		json_free(a);
	}
}

/* Texts are shown up to some length. */
static void test_long_texts(void **state)
{
	(void)state;
	for (size_t n = 199; n < 203; n++) {
		char *text = mem_zalloc(n + 1, 1);
		struct json *a = json_object(), *b = json_object(), *v;

		memset(text, 'x', n);
		json_set_string(a, "t", text);
		v = diff_values(a, b);
		assert_int_equal(json_len(v), n <= 200);
		json_free(v);
		json_free(b);
		json_free(a);
		free(text);
	}
}

/* ---- a search that was begun -------------------------------------------- */

#define A	      "a000000000000000000000000000000000000000000000000000000000000000"
#define B	      "b000000000000000000000000000000000000000000000000000000000000000"
#define C	      "c000000000000000000000000000000000000000000000000000000000000000"
#define SAID(mark, p) "{\"mark\":\"" mark "\",\"policy\":\"" p "\"}"
#define OF(log)                                                      \
	"{\"workload\":\"w\",\"policies\":[\"" A "\",\"" B "\",\"" C \
	"\"],\"log\":[" log "]}"

/* What was kept may be anything: no search goes on in it that cannot. */
static void test_searches(void **state)
{
	static const struct {
		const char *text; /* NULL: none */
		int load, next;
		const char *at; /* of a policy */
	} rows[] = {
		{NULL, -ENOENT, 0, NULL},
		{"", -EUCLEAN, 0, NULL},
		{"{", -EUCLEAN, 0, NULL},
		{"{}", 0, -EINVAL, NULL},
		{"[]", 0, -EINVAL, NULL},
		{"{\"policies\":7,\"log\":[7]}", 0, -EINVAL, NULL},
		{"{\"policies\":[7,{}],\"log\":[" SAID("bad", "x") "]}", 0,
		 -EINVAL, NULL},
		{OF(""), 0, -EINVAL, NULL},
		{OF(SAID("good", A)), 0, -EINVAL, NULL},
		{OF(SAID("bad", C)), 0, -EINVAL, NULL},
		{OF(SAID("bad", A) "," SAID("good", C)), 0, -EINVAL, NULL},
		{OF(SAID("good", A) "," SAID("bad", A)), 0, -EINVAL, NULL},
		{OF(SAID("good", A) "," SAID("bad", C)), 0, 1, B},
		{OF(SAID("good", A) "," SAID("worse", B) "," SAID("bad", C)), 0,
		 1, B},
		{OF(SAID("good", A) "," SAID("bad", B) "," SAID("bad", C)), 0,
		 0, B},
		{OF(SAID("good", A) "," SAID("skip", B) "," SAID("bad", C)), 0,
		 -ENOTUNIQ, C},
		/* The last word counts. */
		{OF(SAID("good", A) "," SAID("bad", B) "," SAID(
			 "good", B) "," SAID("bad", C)),
		 0, 0, C},
	};
	char *path = mem_printf("%s/bisect.json", base);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = rows[i].text;
		size_t at = 0, after = 0;
		struct bisect *b;
		int rc;

		if (text)
			assert_int_equal(
				path_write_atomic(path, text, strlen(text)), 0);
		rc = bisect_load(h, &b);
		if (rc != rows[i].load)
			fail_msg("row %zu: %d", i, rc);
		if (rc) {
			assert_null(b);
			continue;
		}
		rc = bisect_next(b, &at, &after);
		if (rc != rows[i].next)
			fail_msg("row %zu: %d, %s", i, rc, err_text());
		if (rows[i].at)
			assert_string_equal(b->policy[at], rows[i].at);
		bisect_free(b);
	}
	assert_int_equal(bisect_reset(h), 0);
	assert_int_equal(bisect_reset(h), 0); /* there is none */
	assert_int_equal(access(path, F_OK), -1);
	free(path);
}

/* ---- copies ------------------------------------------------------------- */

#define MANY 70

static size_t notes(void)
{
	struct recall *r = recall_new(h);
	size_t n;

	if (recall_refresh(r))
		fail_msg("%s", err_text());
	n = recall_count(r);
	recall_free(r);
	return n;
}

static size_t documents(void)
{
	struct catalog *c = catalog_new(h);
	struct catalog_hit hit[MANY + 1];
	size_t n;

	if (catalog_refresh(c))
		fail_msg("%s", err_text());
	n = catalog_count(c);
	assert_int_equal(catalog_search(c, "number", "note", hit, MANY + 1), n);
	assert_int_equal(catalog_search(c, "number", "plan", hit, MANY + 1), 0);
	assert_int_equal(catalog_search(c, "number", NULL, hit, 3),
			 n < 3 ? n : 3);
	catalog_free(c);
	return n;
}

static char *content(const char *path)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(buf_read_file(&b, path), 0);
	return buf_take(&b);
}

/* The lines of a copy under a first one that fits them. */
static void write_copy(const char *path, int version, const char *commit,
		       const char *lines)
{
	char digest[DIGEST_HEX_LEN], *text;

	digest_hex(lines, strlen(lines), digest);
	text = mem_printf("{\"v\":%d,\"commit\":\"%s\",\"sha256\":\"%s\"}\n%s",
			  version, commit, digest, lines);
	assert_int_equal(path_write_atomic(path, text, strlen(text)), 0);
	free(text);
}

/* A copy is used where it is whole and of this history, and is of no use else;
 * what it lacks counts only where it says that all is in it. */
static void check_copy(const char *name, int version, size_t (*count)(void))
{
	char *path = mem_printf("%s/%s", base, name), *good, *lines, *text,
	     *head = GIT("rev-parse", "main");
	const char *const whole[] = {"", "x", "\n", "{}\n", "7\n"};

	assert_int_equal(count(), MANY);
	good = content(path);
	lines = strchr(good, '\n') + 1;
	assert_int_equal(count(), MANY);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		assert_int_equal(
			path_write_atomic(path, whole[i], strlen(whole[i])), 0);
		assert_int_equal(count(), MANY);
	}
	/* Of another version, of no commit, and of one that is not here. */
	write_copy(path, version + 1, head, "");
	assert_int_equal(count(), MANY);
	write_copy(path, version, "x", "");
	assert_int_equal(count(), MANY);
	write_copy(path, version, "", "");
	assert_int_equal(count(), MANY);
	write_copy(path, version, "0123456789012345678901234567890123456789",
		   "");
	assert_int_equal(count(), MANY);
	/* Changed, by one byte. */
	text = mem_strdup(good);
	text[strlen(text) - 3] ^= 1;
	assert_int_equal(path_write_atomic(path, text, strlen(text)), 0);
	assert_int_equal(count(), MANY);
	free(text);
	/* Whole: it is what counts, less what is no line of it. */
	write_copy(path, version, head, "");
	assert_int_equal(count(), 0);
	text = mem_printf("x\n\n7\n{\"id\":\"12\"}\n%s%.*s", lines,
			  (int)strcspn(lines, "\n") + 1, lines);
	write_copy(path, version, head, text);
	assert_int_equal(count(), MANY);
	free(text);
	/* Not there, or none may read it: from the history. */
	unlink(path);
	assert_int_equal(count(), MANY);
	free(good);
	free(head);
	free(path);
}

static int with_notes(void **state)
{
	const struct doc *docs[MANY];

	fix_fresh(state);
	for (int i = 0; i < MANY; i++)
		docs[i] = fix_doc("note", NULL,
				  mem_printf("{\"text\":\"number %d\"}", i));
	assert_int_equal(history_add(h, docs, MANY), MANY);
	for (int i = 0; i < MANY; i++)
		doc_free((struct doc *)docs[i]);
	return 0;
}

static void test_copy_of_notes(void **state)
{
	(void)state;
	check_copy("notes.index", 2, notes);
}

static void test_copy_of_documents(void **state)
{
	(void)state;
	check_copy("documents.index", 1, documents);
}

/* The history was written anew, as by a push that was forced. */
static void test_written_anew(void **state)
{
	struct recall *r = recall_new(h);
	struct catalog *c = catalog_new(h);

	(void)state;
	assert_int_equal(recall_refresh(r), 0);
	assert_int_equal(catalog_refresh(c), 0);
	free(GIT("update-ref", "refs/heads/main", "refs/heads/main~10"));
	assert_int_equal(notes(), MANY - 10);
	/* Who knew more keeps it. */
	assert_int_equal(recall_refresh(r), 0);
	assert_int_equal(recall_count(r), MANY);
	assert_int_equal(catalog_refresh(c), 0);
	assert_int_equal(catalog_count(c), MANY);
	assert_int_equal(catalog_find(c, "12"), CATALOG_NONE);
	assert_int_equal(catalog_find(c, catalog_at(c, 3)->id), 3);
	assert_int_equal(catalog_find(c, A), CATALOG_NONE);
	catalog_free(c);
	recall_free(r);
	catalog_free(NULL);
	recall_free(NULL);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_fresh, fix_away)
#define WITH(t) cmocka_unit_test_setup_teardown(t, with_notes, fix_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_long_texts),
		TEST(test_searches),
		WITH(test_copy_of_notes),
		WITH(test_copy_of_documents),
		WITH(test_written_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
