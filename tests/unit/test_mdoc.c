/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "term/mdoc.h"
#include "term/mdoc_find.h"

static char *text_of(const char *source)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	mdoc_text(&b, source);
	return buf_take(&b);
}

static void check(const char *source, const char *want)
{
	char *got = text_of(source);

	assert_string_equal(got, want);
	free(got);
}

static void test_page(void **state)
{
	(void)state;
	check(".\\\" a comment\n"
	      ".Dd November 22, 2026\n"
	      ".Dt SCHED-X 1\n"
	      ".Os\n"
	      ".Sh NAME\n"
	      ".Nm sched-x\n"
	      ".Nd do something\n"
	      ".Sh SYNOPSIS\n"
	      ".Nm\n"
	      ".Op Fl n Ar N\n"
	      ".Op Fl -json Ns = Ns Ar FILE\n"
	      ".Ar\n"
	      ".Nm\n"
	      ".Cm add\n"
	      ".Sh DESCRIPTION\n"
	      "What\n"
	      ".Nm\n"
	      "does, see\n"
	      ".Xr sched 1 .\n"
	      ".Pp\n"
	      "It says\n"
	      ".Ql a b ,\n"
	      "and\n"
	      ".Pq Em not c .\n",
	      "SCHED-X(1)\n"
	      "\n"
	      "NAME\n"
	      "    sched-x – do something\n"
	      "\n"
	      "SYNOPSIS\n"
	      "    sched-x [-n N] [--json=FILE] file ...\n"
	      "    sched-x add\n"
	      "\n"
	      "DESCRIPTION\n"
	      "    What sched-x does, see sched(1).\n"
	      "\n"
	      "    It says 'a b', and (not c).\n");
}

static void test_lists(void **state)
{
	(void)state;
	check(".Sh X\n"
	      ".Bl -tag -width Ds\n"
	      ".It Fl a , Fl -all\n"
	      "All of it.\n"
	      ".Bl -bullet -compact\n"
	      ".It\n"
	      "one\n"
	      ".It\n"
	      "two\n"
	      ".El\n"
	      ".It Cm b\n"
	      ".El\n"
	      "After.\n"
	      ".Bl -enum -compact\n"
	      ".It\n"
	      "first\n"
	      ".El\n",
	      "X\n"
	      "\n"
	      "    -a, --all\n"
	      "        All of it.\n"
	      "\n"
	      "          - one\n"
	      "          - two\n"
	      "\n"
	      "    b\n"
	      "\n"
	      "    After.\n"
	      "\n"
	      "     1. first\n");
}

static void test_literal(void **state)
{
	(void)state;
	check(".Sh X\n"
	      ".Dl $ a | b\n"
	      "Then\n"
	      ".Bd -literal -offset indent\n"
	      "$ cat <<EOF\n"
	      "\n"
	      "\\&.x\\e  y\n"
	      ".Ed\n"
	      ".Pp\n"
	      "\\(aqq\\(aq \\(dqz\\(dq 3\\-4 a\\ b\n",
	      "X\n"
	      "        $ a | b\n"
	      "    Then\n"
	      "\n"
	      "        $ cat <<EOF\n"
	      "\n"
	      "        .x\\  y\n"
	      "\n"
	      "    'q' \"z\" 3-4 a b\n");
}

static void test_glue(void **state)
{
	(void)state;
	check(".Sh X\n"
	      ".Sm off\n"
	      ".Ar name : Ar bound\n"
	      ".Op : Ar window\n"
	      ".Sm on\n"
	      "for\n"
	      ".Oo Ar A Ns Cm \\&: Oc Ns Ar URL\n"
	      ".Fn f \"int a\" b ,\n"
	      ".In x.h\n"
	      ".Rs\n"
	      ".%A A. One\n"
	      ".%A B. Two\n"
	      ".%T Title\n"
	      ".%D 1993\n"
	      ".Re\n",
	      "X\n"
	      "    name:bound[:window] for [A:]URL f(int a, b), <x.h> A. One "
	      "and B. Two,\n"
	      "    Title, 1993.\n");
}

/* Pages are our own; nothing else may be read out of bounds for that. */
static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		".\n",
		".\\\"",
		"\\",
		"\\(",
		"\\(a",
		".Xr",
		".Xr a",
		".Fn",
		".Fl",
		".Bl",
		".It",
		".El\n.El",
		".Op \"",
		".Oc",
		".Ed\n.Ed",
		".Sh",
		".Ss",
		".Dt",
		".Nm",
		".Nd",
		".Dl",
		".Bd -literal",
		".It \\f",
		"x\\f",
		".Ns",
		".Sm",
		".%A",
		".Re",
		".Ql .,",
		".Op Op Op Op Op Op Op Op Op Op Op x .",
	};
	struct buf deep;
	char *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		free(text_of(bad[i]));
	buf_init(&deep, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_puts(&deep, ".Bl -tag -width Ds\n.It Cm a\nb\n");
	got = text_of(deep.data);
	assert_true(strlen(got) < 100000);
	free(got);
	buf_release(&deep);
}

static void test_purpose(void **state)
{
	char *got = mdoc_purpose(".Sh NAME\n.Nm x\n.Nd what it\\(aqs for\n.Sh");

	(void)state;
	assert_string_equal(got, "what it's for");
	free(got);
	got = mdoc_purpose("none");
	assert_string_equal(got, "");
	free(got);
}

static const char items_page[] =
	".Sh NAME\n.Nm sched-x\n.Nd y\n.Sh DESCRIPTION\n"
	".Bl -tag -width Ds\n"
	".It Va slice_us Ns *\nThe turn of\n.Nm ,\nor\n.Nm\nitself.\n"
	".Bl -tag -width Ds\n.It Va inner\nWithin.\n.El\n"
	".It Va slice\nAnother.\n"
	".It Fl n , Fl -count Ar slice\nHow many.\n"
	".It 3\nCannot.\n"
	".It Va slice_us\nOnce more.\n"
	".El\nAfter.\n";

static char *items(const char *word, size_t count)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "");
	assert_int_equal(mdoc_items(&b, items_page, word), count);
	return buf_take(&b);
}

static void test_items(void **state)
{
	char *got = items("slice_us", 2);

	(void)state;
	assert_non_null(strstr(got, "slice_us*\n"));
	assert_non_null(strstr(got, "The turn of sched-x, or sched-x itself."));
	assert_non_null(strstr(got, "Within."));
	assert_non_null(strstr(got, "Once more."));
	assert_null(strstr(got, "Another."));
	assert_null(strstr(got, "After."));
	free(got);
	got = items("inner", 1);
	assert_non_null(strstr(got, "Within."));
	assert_null(strstr(got, "Another."));
	free(got);
	/* A whole word, and not what an option is given. */
	got = items("slice", 1);
	assert_non_null(strstr(got, "Another."));
	free(got);
	got = items("--count", 1);
	assert_non_null(strstr(got, "How many."));
	free(got);
	got = items("-n", 1);
	free(got);
	got = items("3", 1);
	assert_non_null(strstr(got, "Cannot."));
	free(got);
	free(items("count", 0));
	free(items("--slice", 0));
	free(items("Va", 0));
	free(items("", 0));
}

/* Found as far as they go. */
static void test_items_damaged(void **state)
{
	static const struct {
		const char *page;
		size_t count;
	} bad[] = {{"", 0},
		   {".It", 0},
		   {".It ", 0},
		   {".It Va", 0},
		   {".It Va x", 1},
		   {".It Va x\n.Bl\n.It Va x\n.Bl", 2},
		   {".It Va x\n.El\n.It Va x", 2}};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		buf_init(&b, 1 << 20);
		buf_puts(&b, "");
		assert_int_equal(mdoc_items(&b, bad[i].page, "x"),
				 bad[i].count);
		assert_true((strchr(b.data, 'x') != NULL) ==
			    (bad[i].count > 0));
		buf_release(&b);
	}
}

static void test_mentions(void **state)
{
	(void)state;
	assert_int_equal(mdoc_mentions("A dog.\ndogs and Dogs\ncat\n", "dog"),
			 2);
	assert_int_equal(mdoc_mentions("cat", "dog"), 0);
	assert_int_equal(mdoc_mentions("dog", "dog"), 1);
	assert_int_equal(mdoc_mentions("", "dog"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_glue),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_purpose),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_items_damaged),
		cmocka_unit_test(test_mentions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
