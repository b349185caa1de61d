/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules about cgroups as the kernel's side gets them, where a plain folder
 * stands in for the hierarchy: mounted over it in a mount namespace of this
 * test's own.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"
#include "intent/compile.h"

#define NOON 1795608000 /* 2026-11-25 12:00 UTC */

static char *folder, *root;

static int make_folder(void **state)
{
	char *on = cgroup_root();

	(void)state;
	folder = mem_strdup("/tmp/intents-XXXXXX");
	assert_non_null(mkdtemp(folder));
	if (on && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount(folder, on, NULL, MS_BIND, NULL) == 0)
		root = on;
	else
		free(on);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	if (root)
		umount2(root, MNT_DETACH);
	temp_clear(folder);
	free(folder);
	free(root);
	return 0;
}

static uint64_t make(const char *path)
{
	char *dir = mem_printf("%s/%s", root, path);
	struct stat st;

	mkdir(dir, 0755);
	assert_int_equal(stat(dir, &st), 0);
	free(dir);
	return st.st_ino;
}

static struct intent_rules *compiled(const char *text, size_t *lacking)
{
	struct intents i = {0};
	struct intent_rules *r;

	if (intents_parse(&i, "a.conf", text, strlen(text), NOON))
		fail_msg("%s", err_text());
	intents_compile(&i, NOON, true, &r, lacking);
	intents_release(&i);
	return r;
}

/* The rules that a cgroup is marked with, a bit each. */
static uint64_t rules_of(const struct intent_rules *r, uint64_t id)
{
	uint64_t rules = 0;

	for (uint32_t i = 0; i < r->marks; i++)
		if (r->v[i].key.kind == INTENT_OF_CGROUP &&
		    r->v[i].key.id == id)
			rules |= r->v[i].rules;
	return rules;
}

static void each_cgroup_has_its_rules(void **state)
{
	uint64_t top, app, web, worker, hidden;
	struct intent_rules *r;
	size_t lacking;
	char *file;

	(void)state;
	if (!root)
		skip();
	top = make(".");
	app = make("app");
	web = make("app/web.service");
	worker = make("app/web.service/worker");
	hidden = make(".app");
	file = mem_printf("%s/app.txt", root);
	fclose(fopen(file, "w"));
	r = compiled("[a]\ncgroup = /app*\nclass = batch\n"
		     "[b]\nunit = web.*\nclass = batch\n"
		     "[c]\ncgroup = /\nclass = batch\n"
		     "[d]\nuser = 5\nclass = batch\n",
		     &lacking);
	assert_int_equal(lacking, 0);
	assert_int_equal(r->table.kinds, INTENT_OF_CGROUP | INTENT_OF_USER);
	assert_int_equal(rules_of(r, top), 4);
	assert_int_equal(rules_of(r, app), 1);
	assert_int_equal(rules_of(r, web), 3);
	/* What is below a unit is of that unit. */
	assert_int_equal(rules_of(r, worker), 3);
	assert_int_equal(rules_of(r, hidden), 0);
	assert_int_equal(r->marks, 5);
	free(r);
	unlink(file);
	free(file);
}

/* Of the cgroup, or else of the next one above it. */
static void tags_go_down(void **state)
{
	uint64_t app, worker, other;
	struct intent_rules *r;
	char *dir;
	int rc;

	(void)state;
	if (!root)
		skip();
	app = make("app");
	make("app/web.service");
	worker = make("app/web.service/worker");
	other = make("other");
	dir = mem_printf("%s/app", root);
	rc = setxattr(dir, "user.schedkit.tag", "blue", 4, 0);
	free(dir);
	if (rc)
		skip();
	r = compiled("[a]\ntag = blue\nclass = batch\n"
		     "[b]\ntag = red\nclass = batch\n"
		     "[c]\ntag = b*\ncgroup = /app/*\nclass = batch\n",
		     NULL);
	assert_int_equal(rules_of(r, app), 1);
	assert_int_equal(rules_of(r, worker), 1 | 4);
	assert_int_equal(rules_of(r, other), 0);
	free(r);
	dir = mem_printf("%s/app/web.service", root);
	assert_int_equal(setxattr(dir, "user.schedkit.tag", "red", 3, 0), 0);
	free(dir);
	r = compiled("[a]\ntag = blue\nclass = batch\n"
		     "[b]\ntag = red\nclass = batch\n",
		     NULL);
	assert_int_equal(rules_of(r, app), 1);
	assert_int_equal(rules_of(r, worker), 2);
	free(r);
}

/* More than there is room for are counted, and none is in twice. */
static void more_cgroups_than_marks(void **state)
{
	struct intent_rules *r;
	size_t lacking;

	(void)state;
	if (!root)
		skip();
	for (int i = 0; i < INTENT_MAX_MARKS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "many-%d", i);
		make(name);
	}
	r = compiled("[a]\ncgroup = /many-*\nclass = batch\n"
		     "[b]\nuser = 5\nclass = batch\n"
		     "[c]\nuser = 5\nclass = batch\n",
		     &lacking);
	/* Two rules for one user are one mark. */
	assert_int_equal(r->marks, INTENT_MAX_MARKS);
	assert_int_equal(lacking, 1);
	assert_int_equal(r->v[0].key.id, 5);
	assert_int_equal(r->v[0].rules, 2 | 4);
	free(r);
	r = compiled("[a]\nuser = 5\nclass = batch\n"
		     "[b]\nuser = 6\nclass = batch\n",
		     &lacking);
	assert_int_equal(r->marks, 2);
	assert_int_equal(lacking, 0);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cgroup_has_its_rules),
		cmocka_unit_test(tags_go_down),
		cmocka_unit_test(more_cgroups_than_marks),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
