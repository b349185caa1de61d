/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows that processes are held against: the same as in the manual, within
 * the rule of two; and whatever is more than a row is told.  Runs in the top
 * folder.
 */
#include <glob.h>
#include <libgen.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agents/doctor/self_parts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/privilege.h"

#define BEGIN \
	"\n.It Sy process Ta Sy network Ta Sy privilege Ta Sy text Ta Sy may\n"
#define PRIVILEGED \
	(PRIVILEGE(CAP_BPF) | PRIVILEGE(CAP_PERFMON) | PRIVILEGE(CAP_SYS_ADMIN))

static char *line_of(const struct self_row *r)
{
	char *caps = self_privilege(r->caps), *may = self_may(r->may);
	char *line = mem_printf(".It %s Ta %s Ta %s Ta %s Ta %s\n", r->name,
				r->network ? "yes" : "no", caps,
				r->text ? "yes" : "no", may);

	free(caps);
	free(may);
	return line;
}

static void the_manual_has_the_rows(void **state)
{
	const char *at;
	struct buf page;

	(void)state;
	buf_init(&page, 1 << 20);
	if (buf_read_file(&page, "man/schedkit-security.7"))
		fail_msg("%s", err_text());
	at = strstr(page.data, BEGIN);
	assert_non_null(at);
	at += strlen(BEGIN);
	for (const struct self_row *r = self_rows; r->name; r++) {
		char *line = line_of(r);

		if (strncmp(at, line, strlen(line)) != 0)
			fail_msg("schedkit-security(7) should have\n%sand has\n"
				 "%.*s",
				 line, (int)strcspn(at, "\n"), at);
		at += strlen(line);
		free(line);
	}
	assert_int_equal(strncmp(at, ".El\n", 4), 0);
	buf_release(&page);
}

/* Each word is explained there. */
static void the_manual_has_the_words(void **state)
{
	struct buf page;

	(void)state;
	buf_init(&page, 1 << 20);
	assert_int_equal(buf_read_file(&page, "man/schedkit-security.7"), 0);
	for (size_t i = 0; i < SELF_BITS; i++) {
		char *line = mem_printf("\n.Em %s", self_words[i]);

		if (!strstr(page.data, line))
			fail_msg("nothing explains '%s'", self_words[i]);
		free(line);
	}
	buf_release(&page);
}

static void the_rule_of_two(void **state)
{
	(void)state;
	for (const struct self_row *r = self_rows; r->name; r++) {
		bool privilege = r->caps != 0;

		if (r->network + r->text + privilege > 2)
			fail_msg("'%s' breaks the rule of two", r->name);
		/* Who may load a scheduler has neither. */
		if (r->caps != SELF_CALLERS && r->caps & PRIVILEGED)
			assert_false(r->network || r->text);
		/* The network is for who is there for it. */
		if (!(r->may & SELF_CALLS) && r->may & SELF_NETWORK)
			assert_true(r->network);
	}
}

static bool has_row(const char *program, bool libexec)
{
	for (const struct self_row *r = self_rows; r->name; r++)
		if (!strcmp(r->program, program) && r->libexec == libexec)
			return true;
	return false;
}

/* What is called so by the Makefile is a program of libexec; guest-init is none
 * of this machine's, and play-rt-app is a workload. */
static void each_program_has_a_row(void **state)
{
	static const char *const patterns[] = {
		"cmd/sched*.c", "cmd/agent-*.c",   "cmd/hold-*.c",
		"cmd/load-*.c", "cmd/measure-*.c", "cmd/set-*.c",
		"cmd/repl.c",	"lib/target/*.sh"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		glob_t g;

		assert_int_equal(glob(patterns[i], 0, NULL, &g), 0);
		for (size_t k = 0; k < g.gl_pathc; k++) {
			char *name = basename(g.gl_pathv[k]);

			*strrchr(name, '.') = '\0';
			if (strcmp(name, "play-rt-app") != 0 &&
			    !has_row(name, i > 0))
				fail_msg("no row for '%s'", name);
		}
		globfree(&g);
	}
}

/* ---- what is more ----------------------------------------------------- */

static size_t told(const struct self_row *r, const struct self_found *f,
		   const char *word)
{
	struct strs more = {0};
	size_t n;

	self_compare(r, f, &more);
	n = more.len;
	if (n && word)
		assert_non_null(strstr(more.v[0], word));
	strs_release(&more);
	return n;
}

static void what_is_allowed_is_not_told(void **state)
{
	const struct self_row shut = {.name = "x"};
	const struct self_row free_one = {
		.name = "x", .caps = SELF_CALLERS, .may = SELF_ALL};
	struct self_found f = {0};

	(void)state;
	assert_int_equal(told(&shut, &f, NULL), 0);
	f = (struct self_found){.has = SELF_ALL, .caps = ~0ull >> 23};
	assert_int_equal(told(&free_one, &f, NULL), 0);
}

static void each_that_is_more_is_told(void **state)
{
	struct self_row r = {.name = "x"};
	struct self_found f = {0};

	(void)state;
	for (unsigned i = 0; i < SELF_BITS; i++) {
		r.may = SELF_ALL & ~(1u << i);
		f.has = SELF_ALL;
		assert_int_equal(told(&r, &f, NULL), 1);
		f.has = 1u << i;
		assert_int_equal(told(&r, &f, NULL), 1);
		r.may = 1u << i;
		assert_int_equal(told(&r, &f, NULL), 0);
	}
}

static void privilege_that_is_more_is_told(void **state)
{
	struct self_row r = {.name = "x", .caps = PRIVILEGE(CAP_BPF)};
	struct self_found f = {.caps = PRIVILEGE(CAP_BPF)};

	(void)state;
	assert_int_equal(told(&r, &f, NULL), 0);
	f.caps |= PRIVILEGE(CAP_PERFMON);
	assert_int_equal(told(&r, &f, "PERFMON"), 1);
	f.caps = PRIVILEGE(CAP_SYS_ADMIN);
	assert_int_equal(told(&r, &f, "0x200000"), 1);
	f = (struct self_found){.other_user = true};
	assert_int_equal(told(&r, &f, "another user"), 1);
	/* That of load-policy may. */
	f = (struct self_found){.privileged_file = true};
	assert_int_equal(told(&r, &f, NULL), 0);
	r.caps = 0;
	assert_int_equal(told(&r, &f, "file"), 1);
	r.caps = SELF_CALLERS;
	r.may = SELF_ALL;
	assert_int_equal(told(&r, &f, "file"), 1);
}

static void in_words(void **state)
{
	char *s = self_privilege(PRIVILEGE(CAP_BPF) | PRIVILEGE(CAP_PERFMON));

	(void)state;
	assert_string_equal(s, "PERFMON, BPF");
	free(s);
	s = self_privilege(0);
	assert_string_equal(s, "none");
	free(s);
	s = self_may(SELF_READS | SELF_SEEN);
	assert_string_equal(s, "reads, seen");
	free(s);
	s = self_may(0);
	assert_string_equal(s, "nothing");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_the_rows),
		cmocka_unit_test(the_manual_has_the_words),
		cmocka_unit_test(the_rule_of_two),
		cmocka_unit_test(each_program_has_a_row),
		cmocka_unit_test(what_is_allowed_is_not_told),
		cmocka_unit_test(each_that_is_more_is_told),
		cmocka_unit_test(privilege_that_is_more_is_told),
		cmocka_unit_test(in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
