/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manual against the code: in section 5 every example is a document, and
 * the pages list the very keys that the schemas have; what policies can be
 * lists the very parameters of the template.  Runs in the top folder.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/doc.h"
#include "doc/schema.h"
#include "policy/policy.h"

struct page {
	char *kind;
	struct buf text;
	size_t examples; /* of its own kind */
};

static void page_read(struct page *p, const char *kind)
{
	char *path = mem_printf("man/schedkit-%s.%d", kind,
				strcmp(kind, "policies") ? 5 : 7);

	*p = (struct page){.kind = mem_strdup(kind)};
	buf_init(&p->text, 1 << 20);
	if (buf_read_file(&p->text, path))
		fail_msg("%s", err_text());
	free(path);
}

static void page_release(struct page *p)
{
	free(p->kind);
	buf_release(&p->text);
}

/* ---- examples -------------------------------------------------------- */

/* Broken into lines for the page, where JSON does not mind. */
static void check_example(struct page *p, const char *text, size_t len)
{
	struct doc *d;

	if (doc_parse(text, len, &d))
		fail_msg("schedkit-%s.5: %s in %.*s", p->kind, err_text(),
			 (int)len, text);
	p->examples += !strcmp(d->kind, p->kind);
	doc_free(d);
}

static void check_examples(struct page *p)
{
	static const char begin[] = ".Bd -literal\n", end[] = "\n.Ed";
	const char *at = p->text.data;

	while ((at = strstr(at, begin)) != NULL) {
		const char *stop = strstr(at, end);

		assert_non_null(stop);
		at += sizeof(begin) - 1;
		/* Other things may be shown, too, JSON among them. */
		if (!strncmp(at, "{\"body\":", strlen("{\"body\":")))
			check_example(p, at, (size_t)(stop - at));
	}
}

static void examples_are_documents(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("man/schedkit-*.5", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char kind[64];
		struct page p;

		assert_int_equal(
			sscanf(g.gl_pathv[i], "man/schedkit-%63[^.]", kind), 1);
		page_read(&p, kind);
		check_examples(&p);
		if (schema_of(kind))
			assert_true(p.examples > 0);
		page_release(&p);
	}
	globfree(&g);
}

/* ---- keys ------------------------------------------------------------ */

/* ".It Va key", with a star where it is required. */
static bool has_key(const struct page *p, const char *key, bool required)
{
	char *line =
		mem_printf("\n.It Va %s%s\n", key, required ? " Ns *" : "");
	bool found = strstr(p->text.data, line) != NULL;

	free(line);
	return found;
}

static bool in_rows(const struct rule *r, const char *key, bool required)
{
	for (; r && r->shape != SHAPE_END; r++) {
		if (r->key && !strcmp(r->key, key) && r->required == required)
			return true;
		if (in_rows(r->members, key, required))
			return true;
	}
	return false;
}

static void keys_are_on_the_page(const struct page *p, const struct rule *r)
{
	for (; r && r->shape != SHAPE_END; r++) {
		if (r->key && !has_key(p, r->key, r->required))
			fail_msg("schedkit-%s.5 lacks '.It Va %s%s'", p->kind,
				 r->key, r->required ? " Ns *" : "");
		keys_are_on_the_page(p, r->members);
	}
}

static void page_keys_are_in(const struct page *p, const struct rule *rows)
{
	const char *at = p->text.data;

	while ((at = strstr(at, "\n.It Va ")) != NULL) {
		char key[64], rest[64] = "";

		assert_true(sscanf(at, "\n.It Va %63[^ \n]%63[^\n]", key,
				   rest) > 0);
		if (!in_rows(rows, key, !strcmp(rest, " Ns *")))
			fail_msg("schedkit-%s.5: '%s%s' is in no schema",
				 p->kind, key, rest);
		at++;
	}
}

static void pages_list_the_keys(void **state)
{
	struct page p;

	(void)state;
	for (const char *const *kind = doc_kinds; *kind; kind++) {
		const struct rule *rows = schema_of(*kind);

		if (rows->shape == SHAPE_END)
			continue;
		page_read(&p, *kind);
		keys_are_on_the_page(&p, rows);
		page_keys_are_in(&p, rows);
		page_release(&p);
	}
	page_read(&p, "doc");
	keys_are_on_the_page(&p, schema_envelope);
	page_keys_are_in(&p, schema_envelope);
	page_release(&p);
}

/* ---- parameters ------------------------------------------------------ */

static void choices_are_told(const struct page *p, const struct param *row)
{
	for (size_t i = 0; row->choices[i]; i++) {
		char *mark = mem_printf("\n.Cm %s", row->choices[i]);

		if (!strstr(p->text.data, mark))
			fail_msg("schedkit-policies.7: %s says nothing of %s",
				 row->name, row->choices[i]);
		free(mark);
	}
}

static void page_lists_the_parameters(void **state)
{
	const char *at;
	struct page p;

	(void)state;
	page_read(&p, "policies");
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *row = &policy_param_table[i];

		if (!has_key(&p, row->name, false))
			fail_msg("schedkit-policies.7 lacks '.It Va %s'",
				 row->name);
		if (row->kind == PARAM_CHOICE)
			choices_are_told(&p, row);
	}
	at = p.text.data;
	while ((at = strstr(at, "\n.It Va ")) != NULL) {
		char name[64];

		assert_int_equal(sscanf(at, "\n.It Va %63[^ \n]", name), 1);
		if (!policy_param(name))
			fail_msg("schedkit-policies.7: '%s' is no parameter",
				 name);
		at++;
	}
	page_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_are_documents),
		cmocka_unit_test(pages_list_the_keys),
		cmocka_unit_test(page_lists_the_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
