/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that people declare: their format, their order, whom they are for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "intent/compile.h"
#include "policy/intent_rules.h"

#define NOON 1795608000 /* 2026-11-25 12:00 UTC */

static int parse_at(struct intents *i, const char *file, const char *text)
{
	return intents_parse(i, file, text, strlen(text), NOON);
}

static struct intents parsed(const char *text)
{
	struct intents i = {0};

	if (parse_at(&i, "a.conf", text))
		fail_msg("%s", err_text());
	return i;
}

static struct intent_who who(const char *command, const char *cgroup, uid_t uid)
{
	struct intent_who w = {.tid = 1, .pid = 1, .uid = uid};

	snprintf(w.command, sizeof(w.command), "%s", command);
	snprintf(w.process, sizeof(w.process), "%s", command);
	w.cgroup = (char *)cgroup;
	return w;
}

/* ---- the format ------------------------------------------------------- */

static void a_rule_has_what_it_says(void **state)
{
	struct intents i = parsed("# comment\n; another\n\n[ a-b.c ]\r\n"
				  "\tcommand = vim*  \nclass=interactive\n"
				  "weight = 10000\nslice_min = 0.5 ms\n"
				  "slice_max = 3ms\ndeadline=1s\n"
				  "user = 0\nexecutable = /usr/bin/v?m\n"
				  "cgroup = /user.slice/*\nunit = *.scope\n"
				  "tag = x\ncores = 0-3,66\n");
	const struct intent_rule *r = &i.v[0];
	char *sets = intent_effects_text(r), *match = intent_match_text(r);

	(void)state;
	assert_int_equal(i.count, 1);
	assert_string_equal(r->name, "a-b.c");
	assert_int_equal(r->line, 4);
	assert_int_equal(r->set, INTENT_EFFECTS);
	assert_int_equal(r->class, 0);
	assert_int_equal(r->weight, 10000);
	assert_int_equal(r->slice_min_us, 500);
	assert_int_equal(r->slice_max_us, 3000);
	assert_int_equal(r->deadline_us, 1000000);
	assert_string_equal(r->match[INTENT_CGROUP], "/user.slice/*");
	assert_string_equal(sets, "class interactive, weight 10000, slice at "
				  "least 500 us, slice at most 3 ms, deadline "
				  "1000 ms, cores 0-3,66");
	assert_int_equal(r->cores[0], 0xf);
	assert_int_equal(r->cores[1], 4);
	assert_string_equal(match, "command vim*, executable /usr/bin/v?m, "
				   "cgroup /user.slice/*, unit *.scope, tag x, "
				   "user 0");
	free(sets);
	free(match);
	intents_release(&i);
}

static void what_is_wrong_has_its_place(void **state)
{
	static const struct {
		const char *text, *place, *why;
	} bad[] = {
		{"class = batch\n", "f:1:1:", "before the first"},
		{"[a]\ncommand = x\n  colour = red\n", "f:3:3:", "none of"},
		{"[a]\ncommand = x\nclass =  fast\n", "f:3:10:", "'fast'"},
		{"[a]\ncommand = x\nweight = 0\n", "f:3:10:", "1 to 10000"},
		{"[a]\ncommand = x\nweight = 1e3\n", "f:3:10:", "1 to 10000"},
		{"[a]\ncommand = x\nslice_max = 3\n", "f:3:13:", "unit"},
		{"[a]\ncommand = x\nslice_max = 2s\n", "f:3:13:", "1s"},
		{"[a]\ncommand = x\nslice_max = -3ms\n", "f:3:13:", "unit"},
		{"[a]\ncommand = x\nslice_max = 0x3ms\n", "f:3:13:", "unit"},
		{"[a]\ncommand = x\ndeadline = 1..2ms\n", "f:3:12:", "unit"},
		{"[a]\ncommand = a*b\nclass = batch\n", "f:2:11:", "one '*'"},
		{"[a]\ncommand = *a*\nclass = batch\n", "f:2:11:", "one '*'"},
		{"[a]\ncommand = a[b]\nclass = batch\n", "f:2:11:", "'['"},
		{"[a]\ncommand = 1234567890123456\nclass = batch\n",
		 "f:2:11:", "15 bytes"},
		{"[a]\nexecutable = vim\nclass = batch\n", "f:2:14:", "'/'"},
		{"[a]\nuser = no-such-user\nclass = batch\n",
		 "f:2:8:", "no-such-user"},
		{"[a]\nuser = 99999999999999\nclass = batch\n",
		 "f:2:8:", "number"},
		{"[a]\nclass = batch\n", "f:1:1:", "for no task"},
		{"[a]\ncommand = x\n", "f:1:1:", "sets nothing"},
		{"[a]\ncommand = x\n\n[b]\n", "f:1:1:", "sets nothing"},
		{"[a]\ncommand = x\ncommand = y\n", "f:3:1:", "twice"},
		{"[a]\ncommand =\n", "f:2:10:", "no value"},
		{"[a]\ncommand\n", "f:2:1:", "KEY = VALUE"},
		{"[a\n", "f:1:1:", "[NAME]"},
		{"[a] b\n", "f:1:1:", "[NAME]"},
		{"[]\n", "f:1:2:", "1 to 32"},
		{"[a b]\n", "f:1:2:", "1 to 32"},
		{"[a]\nuser=0\nclass=batch\n[a]\n", "f:4:2:", "line 1"},
		{"[a]\nuser=0\nclass=batch\nuntil = noon\n", "f:4:9:", "18:00"},
		{"[a]\nuser=0\nclass=batch\nuntil = 2026-02-30\n",
		 "f:4:9:", "no such day"},
		{"[a]\nuser=0\nclass=batch\nuntil = 24:00\n",
		 "f:4:9:", "18:00"},
		{"[a]\nuser=0\nslice_min=5ms\nslice_max=4ms\n",
		 "f:1:1:", "above"},
		{"[a]\nuser = \033[2J\n", "f:2:8:", "control"},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		struct intents i = {0};

		assert_int_equal(parse_at(&i, "f", bad[k].text), -EINVAL);
		if (strncmp(err_text(), bad[k].place, strlen(bad[k].place)) ||
		    !strstr(err_text(), bad[k].why))
			fail_msg("%zu: %s", k, err_text());
		assert_int_equal(i.count, 0);
		intents_release(&i);
	}
}

/* One value, behind a good rule's name and condition; its place is known. */
static void values_at_their_ends(void **state)
{
	static const struct {
		const char *line;
		bool good;
	} rows[] = {
		{"weight = 1", true},
		{"weight = 10001", false},
		{"weight = 100000", false},
		{"weight = +5", false},
		{"slice_max = 1us", true},
		{"slice_max = 0.4us", false},
		{"slice_max = 1000001us", false},
		{"slice_max = 3 ms", true},
		{"slice_max = .5ms", true},
		{"slice_max = 3msx", false},
		{"slice_max = ms", false},
		{"cores = 512", false},
		{"cores = 3-1", false},
		{"until = 2026-12-01", true},
		{"until = 2026-12-01 18:00", true},
		{"until = 2026-12-01T18:00", true},
		{"until = 2026-12-01  18:00", false},
		{"until = 2026-12-01x18:00", false},
		{"until = 2026-12-01 24:00", false},
		{"until = 2026-12-01 18:60", false},
		{"until = 2026/12/01", false},
		{"until = 2026-13-01", false},
		{"until = 2026-00-01", false},
		{"until = 2026-12-1", false},
		{"until = 2026-12-001", false},
		{"until = 2026-1-01", false},
		{"until = 2026-12-00", false},
		{"until = 2026-12-32", false},
		{"until = 1969-12-31", false},
		{"until = 2024-02-29", true},
		{"until = 2025-02-29", false},
		{"until = 18:00", true},
		{"until = 18:5", false},
		{"until = 18:000", false},
		{"until = 8:00", false},
		{"until = 18-00", false},
		{"until = 18:00 ", true},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		char *text = mem_printf("[a]\nuser = 0\n%s\nclass = batch\n",
					rows[k].line);
		struct intents i = {0};
		int rc = parse_at(&i, "f", text);

		if (rc != (rows[k].good ? 0 : -EINVAL))
			fail_msg("'%s': %d %s", rows[k].line, rc, err_text());
		if (rc && strncmp(err_text(), "f:3:", 4))
			fail_msg("'%s': %s", rows[k].line, err_text());
		intents_release(&i);
		free(text);
	}
}

static void conditions_at_their_ends(void **state)
{
	char longest[INTENT_PATTERN_MAX + 2], name[INTENT_NAME_MAX + 2];
	struct {
		const char *name, *line;
		bool good;
	} rows[] = {
		{"a", "user = 4294967294", true},
		{"a", "user = 4294967295", false},
		{"a", "user = 7x", false},
		{"a", "command = *", true},
		{"a", "command = ab\\", false},
		{"a", "command = 123456789012345*", true},
		{"a", "command = *1234567890123456", false},
		{name, "user = 0", false},
		{name + 1, "user = 0", true},
	};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		char *text = mem_printf("[%s]\n%s\nclass = batch\n",
					rows[k].name, rows[k].line);
		struct intents i = {0};

		if (parse_at(&i, "f", text) != (rows[k].good ? 0 : -EINVAL))
			fail_msg("'%s': %s", rows[k].line, err_text());
		intents_release(&i);
		free(text);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (int more = 1; more >= 0; more--) {
		char *text = mem_printf("[a]\ntag = %s\nclass = batch\n",
					longest + 1 - more);
		struct intents i = {0};

		assert_int_equal(parse_at(&i, "f", text), more ? -EINVAL : 0);
		intents_release(&i);
		free(text);
	}
}

static void a_zero_byte_and_a_long_line_are_refused(void **state)
{
	char line[INTENT_LINE_MAX + 2];
	struct intents i = {0};

	(void)state;
	assert_int_equal(intents_parse(&i, "f", "[a]\n#\0\n", 7, NOON),
			 -EINVAL);
	memset(line, '#', sizeof(line));
	assert_int_equal(intents_parse(&i, "f", line, sizeof(line), NOON),
			 -EINVAL);
	assert_int_equal(intents_parse(&i, "f", line, INTENT_LINE_MAX, NOON),
			 0);
	intents_release(&i);
}

static void there_are_so_many_rules_and_no_more(void **state)
{
	struct intents i = {0};
	char text[128];

	(void)state;
	for (int k = 0; k < INTENT_MAX_RULES; k++) {
		snprintf(text, sizeof(text), "[r%d]\nuser=0\nclass=batch\n", k);
		assert_int_equal(parse_at(&i, "f", text), 0);
	}
	assert_int_equal(parse_at(&i, "f", "[x]\nuser=0\nclass=batch\n"),
			 -E2BIG);
	assert_int_equal(i.count, INTENT_MAX_RULES);
	/* One that takes another's place needs no room. */
	assert_int_equal(parse_at(&i, "f", "[r7]\nuser=1\nclass=batch\n"), 0);
	assert_int_equal(i.count, INTENT_MAX_RULES);
	intents_release(&i);
}

static void a_later_file_takes_the_place_of_a_rule(void **state)
{
	struct intents i = {0};

	(void)state;
	assert_int_equal(parse_at(&i, "1",
				  "[a]\nuser=1\nclass=batch\n"
				  "[b]\nuser=2\nclass=batch\n"),
			 0);
	assert_int_equal(parse_at(&i, "2",
				  "[c]\nuser=3\nclass=batch\n"
				  "[a]\nuser=4\nclass=batch\n"),
			 0);
	/* And a bad one takes nothing. */
	assert_int_equal(parse_at(&i, "3", "[b]\nuser=9\nclass=batch\n[z]\n"),
			 -EINVAL);
	assert_int_equal(i.count, 3);
	assert_string_equal(i.v[0].name, "b");
	assert_int_equal(i.v[0].uid, 2);
	assert_string_equal(i.v[1].name, "c");
	assert_string_equal(i.v[2].name, "a");
	assert_int_equal(i.v[2].uid, 4);
	assert_string_equal(i.v[2].file, "2");
	intents_release(&i);
}

/* ---- its end ---------------------------------------------------------- */

static time_t until_of(const char *value)
{
	struct intents i;
	char text[128];
	time_t t;

	snprintf(text, sizeof(text), "[a]\nuser=0\nclass=batch\nuntil=%s\n",
		 value);
	i = parsed(text);
	t = i.v[0].until;
	intents_release(&i);
	return t;
}

static void a_time_of_day_is_the_next_one(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(until_of("18:00"), NOON + 6 * 3600);
	assert_int_equal(until_of("11:00"), NOON + 23 * 3600);
	assert_int_equal(until_of("12:00"), NOON + 24 * 3600);
	assert_int_equal(until_of("2026-11-25"), NOON - 12 * 3600);
	assert_int_equal(until_of("2026-11-25 12:30"), NOON + 1800);
	assert_int_equal(until_of("2026-11-25T12:30"), NOON + 1800);
}

static void what_is_over_matches_nobody(void **state)
{
	struct intents i = parsed("[a]\nuser=0\nclass=batch\n"
				  "until=2026-11-25 12:30\n");
	struct intent_who w = who("x", NULL, 0);

	(void)state;
	assert_int_equal(intents_find(&i, &w, NOON), 0);
	assert_int_equal(intents_find(&i, &w, NOON + 1800), -1);
	intents_release(&i);
}

/* ---- whom they are for ------------------------------------------------ */

static void patterns_of_names(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool holds;
	} rows[] = {
		{"vim", "vim", true},	   {"vim", "vimdiff", false},
		{"vim", "vi", false},	   {"vim*", "vimdiff", true},
		{"vim*", "vim", true},	   {"vim*", "vi", false},
		{"*vim", "nvim", true},	   {"*vim", "vim", true},
		{"*vim", "im", false},	   {"*vim", "vimx", false},
		{"v?m", "vim", true},	   {"v?m", "vm", false},
		{"?", "x", true},	   {"?", "", false},
		{"*", "anything", true},   {"*", "", true},
		{"*.s?", "a.sh", true},	   {"*.s?", "a.s", false},
		{"cc1plus", "cc1", false}, {"a?*", "a", false},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		if (intent_command_holds(rows[k].pattern, rows[k].name) !=
		    rows[k].holds)
			fail_msg("%s on %s", rows[k].pattern, rows[k].name);
}

static void all_conditions_have_to_hold(void **state)
{
	struct intents i = parsed("[a]\ncommand=x*\nuser=7\nclass=batch\n"
				  "[b]\nunit=build.service\nclass=batch\n"
				  "[c]\ncgroup=/user.slice/*\nclass=batch\n"
				  "[d]\nexecutable=/bin/*\nclass=batch\n"
				  "[e]\ntag=n*\nclass=batch\n");
	struct intent_who w = who("xy", NULL, 7);

	(void)state;
	assert_int_equal(intents_find(&i, &w, NOON), 0);
	w.uid = 8;
	assert_int_equal(intents_find(&i, &w, NOON), -1);
	w.cgroup = (char *)"/system.slice/build.service/inner";
	assert_int_equal(intents_find(&i, &w, NOON), 1);
	w.cgroup = (char *)"/system.slice/xbuild.service";
	assert_int_equal(intents_find(&i, &w, NOON), -1);
	w.cgroup = (char *)"/user.slice/user-1.slice/a";
	assert_int_equal(intents_find(&i, &w, NOON), 2);
	w.cgroup = NULL;
	w.executable = (char *)"/bin/true";
	assert_int_equal(intents_find(&i, &w, NOON), 3);
	w.executable = (char *)"/bin/deep/true";
	assert_int_equal(intents_find(&i, &w, NOON), -1);
	w.tag = (char *)"nightly";
	assert_int_equal(intents_find(&i, &w, NOON), 4);
	intents_release(&i);
}

static void a_task_is_known_by_its_process_too(void **state)
{
	struct intents i = parsed("[a]\ncommand=main\nclass=batch\n");
	struct intent_who w = who("worker", NULL, 0);

	(void)state;
	assert_int_equal(intents_find(&i, &w, NOON), -1);
	strcpy(w.process, "main");
	assert_int_equal(intents_find(&i, &w, NOON), 0);
	intents_release(&i);
}

static void this_very_task_can_be_read(void **state)
{
	struct intent_who w;

	(void)state;
	assert_int_equal(intent_who_read(getpid(), &w), 0);
	assert_int_equal(w.pid, getpid());
	assert_int_equal(w.uid, getuid());
	assert_string_equal(w.command, "test_intent");
	assert_non_null(strstr(w.executable, "test_intent"));
	intent_who_release(&w);
	assert_int_equal(intent_who_read(1 << 22, &w), -ESRCH);
	intent_who_release(&w);
}

/* ---- files ------------------------------------------------------------ */

static void put(const char *dir, const char *name, const char *text, int mode)
{
	char *path = mem_printf("%s/%s", dir, name);

	assert_int_equal(path_write_public(path, text, strlen(text)), 0);
	assert_int_equal(chmod(path, (mode_t)mode), 0);
	free(path);
}

static void a_bad_file_loses_nothing_of_the_others(void **state)
{
	char dir[] = "/tmp/test_intent.XXXXXX", *path;
	struct intents i = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	put(dir, "20.conf", "[b]\nuser=0\nclass=batch\n", 0644);
	put(dir, "10.conf", "[a]\nuser=0\nclass=batch\n", 0600);
	put(dir, "15.conf", "[x]\nclass=slow\n", 0644);
	put(dir, "16.conf", "[y]\nuser=0\nclass=batch\n", 0666);
	put(dir, "17.txt", "[z]\nuser=0\nclass=batch\n", 0644);
	path = mem_printf("%s/18.conf", dir);
	assert_int_equal(symlink("10.conf", path), 0);
	free(path);
	path = mem_printf("%s/19.conf", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	free(path);
	assert_int_equal(intents_read(&i, dir), 0);
	assert_int_equal(i.count, 2);
	assert_string_equal(i.v[0].name, "a");
	assert_string_equal(i.v[1].name, "b");
	assert_int_equal(i.problems.len, 4);
	assert_non_null(strstr(i.problems.v[0], "15.conf:2:7: 'slow'"));
	assert_non_null(strstr(i.problems.v[1], "chmod go-w"));
	assert_non_null(strstr(i.problems.v[2], "link"));
	assert_non_null(strstr(i.problems.v[3], "no plain file"));
	intents_release(&i);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(intents_read(&i, dir), -EACCES);
	intents_release(&i);
	assert_int_equal(intents_read(&i, "/no/such/folder"), 0);
	assert_int_equal(i.count, 0);
	temp_clear(dir);
}

/* ---- numbers ---------------------------------------------------------- */

static void names_are_compiled(void **state)
{
	struct intents i = parsed("[a]\ncommand=*ab?\nweight=7\n"
				  "[b]\ncommand=cd*\nclass=batch\n"
				  "[o]\nuser=0\nclass=batch\n"
				  "until=2026-11-25 11:00\n"
				  "[c]\nuser=5\ndeadline=2ms\n"
				  "cores=511\n");
	struct intent_rules *r;
	size_t lacking;

	(void)state;
	intents_compile(&i, NOON, true, &r, &lacking);
	assert_int_equal(lacking, 0);
	assert_int_equal(r->table.count, 3);
	assert_int_equal(r->table.v[0].where, INTENT_END);
	assert_int_equal(r->table.v[0].len, 3);
	assert_memory_equal(r->table.v[0].text, "ab?", 4);
	assert_int_equal(r->table.v[0].weight, 7);
	assert_int_equal(r->table.v[1].where, INTENT_BEGIN);
	assert_int_equal(r->table.v[1].class, 2);
	assert_int_equal(r->table.v[2].needs, INTENT_OF_USER);
	assert_int_equal(r->table.v[2].deadline_us, 2000);
	assert_int_equal(r->table.v[2].cores[7], 1ull << 63);
	assert_int_equal(r->table.kinds, INTENT_OF_USER);
	assert_int_equal(r->marks, 1);
	assert_int_equal(r->v[0].key.id, 5);
	assert_int_equal(r->v[0].rules, 4);
	assert_int_equal(intent_rules_check(r, r->size), 0);
	free(r);
	intents_release(&i);
}

static void files_are_found_by_their_pattern(void **state)
{
	struct intents i = parsed("[a]\nexecutable=/bin/tru?\nclass=batch\n"
				  "[b]\nexecutable=/bin/true\nclass=batch\n"
				  "[c]\nexecutable=/no/such/*\nclass=batch\n");
	struct intent_rules *r;
	struct stat st;

	(void)state;
	assert_int_equal(stat("/bin/true", &st), 0);
	intents_compile(&i, NOON, true, &r, NULL);
	assert_int_equal(r->marks, 1);
	assert_int_equal(r->v[0].key.id, st.st_ino);
	assert_int_equal(r->v[0].rules, 3);
	free(r);
	intents_compile(&i, NOON, false, &r, NULL);
	assert_int_equal(r->marks, 0);
	assert_int_equal(r->table.count, 3);
	free(r);
	intents_release(&i);
}

static void other_numbers_are_refused(void **state)
{
	struct intents i = parsed("[c]\nuser=5\ndeadline=2ms\n");
	struct intent_rules *r;
	uint32_t size;

	(void)state;
	intents_compile(&i, NOON, true, &r, NULL);
	size = r->size;
#define REFUSED(field, value)                                           \
	do {                                                            \
		struct intent_rules was = *r;                           \
		(field) = (value);                                      \
		assert_int_equal(intent_rules_check(r, size), -EINVAL); \
		*r = was;                                               \
	} while (0)
	REFUSED(r->size, size - 1);
	REFUSED(r->marks, 2);
	REFUSED(r->marks, UINT32_MAX);
	REFUSED(r->table.count, INTENT_MAX_RULES + 1);
	REFUSED(r->table.kinds, 8);
	REFUSED(r->table.v[0].set, 1024);
	REFUSED(r->table.v[0].class, 3);
	REFUSED(r->table.v[0].weight, 10001);
	REFUSED(r->table.v[0].deadline_us, INTENT_MAX_US + 1);
	REFUSED(r->table.v[0].where, 4);
	REFUSED(r->table.v[0].len, INTENT_COMMAND_MAX + 1);
	REFUSED(r->v[0].key.kind, 3);
	REFUSED(r->v[0].key.half, 1);
	assert_int_equal(intent_rules_check(r, size), 0);
	assert_int_equal(intent_rules_check(r, 3), -EINVAL);
	free(r);
	intents_release(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_has_what_it_says),
		cmocka_unit_test(what_is_wrong_has_its_place),
		cmocka_unit_test(values_at_their_ends),
		cmocka_unit_test(conditions_at_their_ends),
		cmocka_unit_test(a_zero_byte_and_a_long_line_are_refused),
		cmocka_unit_test(there_are_so_many_rules_and_no_more),
		cmocka_unit_test(a_later_file_takes_the_place_of_a_rule),
		cmocka_unit_test(a_time_of_day_is_the_next_one),
		cmocka_unit_test(what_is_over_matches_nobody),
		cmocka_unit_test(patterns_of_names),
		cmocka_unit_test(all_conditions_have_to_hold),
		cmocka_unit_test(a_task_is_known_by_its_process_too),
		cmocka_unit_test(this_very_task_can_be_read),
		cmocka_unit_test(a_bad_file_loses_nothing_of_the_others),
		cmocka_unit_test(names_are_compiled),
		cmocka_unit_test(files_are_found_by_their_pattern),
		cmocka_unit_test(other_numbers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
