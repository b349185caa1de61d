/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A workload's file is told apart by what is in it. */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "sim_fix.h"

#define BODY                                                               \
	"{\"duration_us\":1000000,\"scope\":\"all\",\"goal\":\"latency\"," \
	"\n\"groups\":[{\"name\":\"a\",\"tasks\":1,\"run_us\":5000}]}"

static const struct {
	const char *text;
	const char *load;  /* its name, or … */
	const char *words; /* … why there is none */
} rows[] = {
	{"{\"tasks\":{\"a\":{\"run\":10}}}", "rt-app", NULL},
	{BODY, "profile", NULL},
	{"{\"body\":" BODY "}", "profile", NULL},
	{"{\"x\":1}", NULL, "neither a profile"},
	{"{\"tasks\":[]}", NULL, "neither a profile"},
	{"[]", NULL, "neither a profile"},
	{"{", NULL, "rt-app"},
	{"", NULL, "there is nothing in it"},
	{"SKTRACE\n", NULL, "cut short"},
	{"SKTRACE", NULL, "rt-app"},
	{"SKBURST\n", NULL, "bursts"},
};

static void put(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void files_are_told_apart(void **state)
{
	char path[] = "/tmp/test_load_open.XXXXXX";
	struct load *l;

	(void)state;
	close(mkstemp(path));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		put(path, rows[i].text, strlen(rows[i].text));
		rc = load_open(path, &l);
		if (rows[i].load) {
			if (rc)
				fail_msg("row %zu: %s", i, err_text());
			assert_string_equal(l->name, rows[i].load);
			load_free(l);
			continue;
		}
		assert_true(rc < 0);
		assert_null(l);
		if (!strstr(err_text(), rows[i].words))
			fail_msg("row %zu: '%s'", i, err_text());
	}
	unlink(path);
	assert_int_equal(load_open(path, &l), -ENOENT);
}

/* Of documents, one a line, the last profile; what is none is passed over. */
static void profiles_among_documents(void **state)
{
	char path[] = "/tmp/test_load_open.XXXXXX";
	struct buf b, all;
	struct load *l, *alone;

	(void)state;
	close(mkstemp(path));
	buf_init(&b, 4u << 20);
	buf_init(&all, 16u << 20);
	assert_int_equal(buf_read_file(&b, "tests/bench/requests.profile"), 0);
	assert_int_equal(load_open("tests/bench/requests.profile", &alone), 0);
	buf_puts(&all, "\n{\"x\":1}\n");
	buf_add(&all, b.data, b.len);
	buf_puts(&all, "\n");
	buf_add(&all, b.data, b.len);
	buf_puts(&all, "\nno document");
	put(path, all.data, all.len);
	assert_int_equal(load_open(path, &l), 0);
	assert_string_equal(l->name, alone->name);
	assert_int_equal(l->task_count, alone->task_count);
	assert_int_equal(l->cpus, alone->cpus);
	load_free(l);
	load_free(alone);
	buf_release(&b);
	buf_release(&all);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_told_apart),
		cmocka_unit_test(profiles_among_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
