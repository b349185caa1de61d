/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of external schedulers: what is refused, and why. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/external.h"
#include "policy/form.h"

static struct json *body_of(const char *external)
{
	char *text =
		mem_printf("{\"form\":\"external\",\"external\":%s}", external);
	struct json *body = json_parse(text, strlen(text));

	if (!body)
		fail_msg("%s: %s", external, err_text());
	free(text);
	return body;
}

static void says(int rc, const char *what, const char *words)
{
	if (rc != -EINVAL || !strstr(err_text(), words))
		fail_msg("%s: %d '%s', not '%s'", what, rc, err_text(), words);
}

static void shapes_are_checked(void **state)
{
	static const struct {
		const char *external, *words;
	} bad[] = {
		{"{}", "external.program: ''"},
		{"{\"program\":\"sh\"}", "'sh' is not the plain name"},
		{"{\"program\":\"scx_\"}", "not the plain name"},
		{"{\"program\":\"/usr/bin/scx_a\"}", "not the plain name"},
		{"{\"program\":\"scx_../../bin/sh\"}", "not the plain name"},
		{"{\"program\":\"scx_a b\"}", "not the plain name"},
		{"{\"program\":\"scx_a;id\"}", "not the plain name"},
		{"{\"program\":\"scx_a\",\"flags\":[\"5\"]}",
		 "external.flags.0: '5' is neither an option"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-f\",\"1\",\"2\"]}",
		 "external.flags.2: '2' is neither"},
		{"{\"program\":\"scx_a\",\"flags\":[\"--s=1\",\"2\"]}",
		 "external.flags.1: '2' is neither"},
		{"{\"program\":\"scx_a\",\"flags\":[\"--help\"]}",
		 "schedule nothing"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-h\"]}",
		 "schedule nothing"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-fv\"]}", "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-\"]}", "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"--\"]}", "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"---f\"]}", "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"\"]}", "is empty"},
		{"{\"program\":\"scx_a\",\"flags\":[7]}", "is empty"},
		{"{\"program\":\"scx_a\",\"flags\":[\"--f=\"]}", "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-o\",\"/etc/x\"]}",
		 "'/etc/x' is not of the shape"},
		{"{\"program\":\"scx_a\",\"flags\":[\"--o=../x\"]}",
		 "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-o\",\"$(id)\"]}",
		 "not of the"},
		{"{\"program\":\"scx_a\",\"flags\":[\"-o\",\"a b\"]}",
		 "not of the"},
	};
	struct json *body;
	struct external e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err_clear();
		body = body_of(bad[i].external);
		says(external_read(body, &e), bad[i].external, bad[i].words);
		json_free(body);
	}
	body = body_of("{\"program\":\"scx_rusty\",\"flags\":[\"-f\","
		       "\"--slice-us\",\"5000\",\"--mode=a,b:1.5\"]}");
	assert_int_equal(external_read(body, &e), 0);
	json_free(body);
	/* What comes from another process is no text before it was looked at.
	 */
	memset(e.flags[0], 'x', sizeof(e.flags[0]));
	says(external_check(&e), "no end", "not a program");
	memset(&e, 'x', sizeof(e));
	says(external_check(&e), "garbage", "not a program");
}

static const char c_help[] =
	"Usage: scx_simple [-f] [-v] [-s US]\n"
	"\n"
	"  -f            Use FIFO scheduling instead of weighted vtime\n"
	"  -s US         Slice\n"
	"  -v            Print libbpf debug messages\n";

static const char rust_help[] =
	"Options:\n"
	"  -s, --slice-us <SLICE_US>\n"
	"          Scheduling slice duration [default: 20000]\n"
	"  -k, --kthreads-local\n"
	"          Dispatch --per-cpu threads directly\n"
	"      --mode=MODE  One of --a or --b\n"
	"  -l  Low power\n";

static void flags(const char *help, const char *list, const char *words)
{
	char *text = mem_printf("{\"program\":\"scx_a\",\"flags\":%s}", list);
	struct json *body = body_of(text);
	struct external e;
	int rc;

	err_clear();
	assert_int_equal(external_read(body, &e), 0);
	rc = external_check_flags(&e, help);
	if (words)
		says(rc, list, words);
	else if (rc)
		fail_msg("%s: %s", list, err_text());
	json_free(body);
	free(text);
}

/* Each way in which a help says that an option has a value, and others. */
static const char odd_help[] = " -a,--alpha <US>  words\n"
			       " -b|--beta MSEC  words\n"
			       " -c/--gamma=N\n"
			       " --delta[=WHEN]\n"
			       " -e [N]\n"
			       " -f FIFO_US2 words\n"
			       " -g Goes on\n"
			       " -i IO things\n"
			       " -j,\n"
			       " -k,k\n"
			       " -m\tM\n"
			       " --end";

static void values_are_told_in_many_ways(void **state)
{
	static const struct {
		const char *flag;
		bool value;
	} rows[] = {
		{"-a", true},	   {"--alpha", true}, {"-b", true},
		{"--beta", true},  {"-c", true},      {"--gamma", true},
		{"--delta", true}, {"-e", true},      {"-f", true},
		{"-g", false},	   {"-j", false},     {"-k", false},
		{"-m", false},	   {"--end", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *one = mem_printf("[\"%s\"]", rows[i].flag);
		char *two = mem_printf("[\"%s\",\"5\"]", rows[i].flag);

		flags(odd_help, one, NULL);
		flags(odd_help, two, rows[i].value ? NULL : "takes no value");
		free(one);
		free(two);
	}
}

/* What a policy is, in a line. */
static void forms_in_words(void **state)
{
	static const struct {
		const char *body, *text;
	} rows[] = {
		{"{\"form\":\"source\",\"code\":\"a\"}", "1 line of C"},
		{"{\"form\":\"source\",\"code\":\"a\\n\"}", "1 line of C"},
		{"{\"form\":\"source\",\"code\":\"a\\n\\nb\"}", "3 lines of C"},
		{"{\"form\":\"source\",\"object\":{\"path\":\"/a/b.o\"}}",
		 "b.o"},
		{"{\"form\":\"source\",\"object\":{\"path\":\"b.o\"}}", "b.o"},
		{"{\"form\":\"source\"}", ""},
		{"{\"form\":\"source\",\"code\":\"a\",\"params\":"
		 "{\"slice_us\":700}}",
		 "1 line of C"},
		{"{\"form\":\"hooks\",\"code\":\"a\",\"params\":{}}",
		 "1 line of C"},
		{"{\"form\":\"hooks\",\"code\":\"a\\nb\",\"params\":"
		 "{\"slice_us\":700}}",
		 "2 lines of C, slice_us=700"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *body =
			json_parse(rows[i].body, strlen(rows[i].body));
		char *text;

		assert_non_null(body);
		text = policy_text(body);
		assert_string_equal(text, rows[i].text);
		free(text);
		json_free(body);
	}
	assert_int_equal(policy_form_check(NULL, false), 0);
	assert_int_equal(policy_form_check("params", false), 0);
	assert_int_equal(policy_form_check("hooks", true), 0);
	says(policy_form_check("hooks", false), "hooks", "only a model");
	says(policy_form_check("external", false), "external", "only a model");
	says(policy_form_check("hook", true), "hook", "'hook' is not knobs");
}

static void flags_must_be_in_the_help(void **state)
{
	(void)state;
	flags(c_help, "[\"-f\",\"-v\"]", NULL);
	flags(c_help, "[\"-s\",\"5000\"]", NULL);
	flags(c_help, "[\"-x\"]",
	      "external.flags.0: the program's --help "
	      "knows no '-x'");
	flags(c_help, "[\"-f\",\"5\"]", "'-f' takes no value, but '5'");
	flags(rust_help, "[\"--slice-us\",\"5\",\"-k\"]", NULL);
	flags(rust_help, "[\"-s\",\"5\"]", NULL);
	flags(rust_help, "[\"--slice-us=5\"]", NULL);
	flags(rust_help, "[\"--mode=fast\"]", NULL);
	flags(rust_help, "[\"--kthreads-local\"]", NULL);
	/* Neither a part of a name nor its beginning is that name. */
	flags(rust_help, "[\"--slice\"]", "knows no '--slice'");
	flags(rust_help, "[\"--kthreads\"]", "knows no '--kthreads'");
	flags(rust_help, "[\"-u\"]", "knows no '-u'");
	flags(rust_help, "[\"-k\",\"1\"]", "'-k' takes no value");
	flags(rust_help, "[\"--kthreads-local=1\"]", "takes no value");
	flags(rust_help, "[\"-l\",\"1\"]", "'-l' takes no value");
}

static void others_must_not_write_it(void **state)
{
	char dir[] = "/tmp/schedkit-external-XXXXXX";
	char *path;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/scx_a", dir);
	assert_int_equal(symlink("/bin/true", path), 0);
	assert_int_equal(external_check_file("/bin/true"), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mknod(path, S_IFREG | 0755, 0), 0);
	assert_int_equal(external_check_file(path), 0);
	assert_int_equal(chmod(path, 0757), 0);
	assert_int_equal(external_check_file(path), -EACCES);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chown(path, 1, 0), 0);
	assert_int_equal(external_check_file(path), -EACCES);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(external_check_file(path), -EACCES);
	unlink(path);
	rmdir(dir);
	free(path);
}

static void help_comes_from_the_program(void **state)
{
	char *help = NULL;
	int rc = external_help("/bin/ls", NULL, &help);

	(void)state;
	if (rc == -ENOTSUP)
		skip();
	assert_int_equal(rc, 0);
	assert_non_null(strstr(help, "--almost-all"));
	free(help);
	assert_int_equal(external_help("/bin/true", NULL, &help), 0);
	free(help);
	assert_int_equal(external_help("/nowhere/scx_a", NULL, &help), -ENOENT);
}

static void people_can_read_it(void **state)
{
	struct json *body = body_of("{\"program\":\"scx_a\",\"flags\":[\"-s\","
				    "\"5\"]}");
	char *text = policy_text(body);

	(void)state;
	assert_string_equal(text, "scx_a -s 5");
	free(text);
	json_free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_checked),
		cmocka_unit_test(values_are_told_in_many_ways),
		cmocka_unit_test(forms_in_words),
		cmocka_unit_test(flags_must_be_in_the_help),
		cmocka_unit_test(others_must_not_write_it),
		cmocka_unit_test(help_comes_from_the_program),
		cmocka_unit_test(people_can_read_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
