/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "repl/job.h"
#include "repl/line.h"
#include "repl/past.h"

/* ---- lines ------------------------------------------------------------ */

/* "[a][b c] | [d] <in >>out", what a pipeline was taken for. */
static char *shown(const struct line *l)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add(&b, "", 0);
	for (size_t i = 0; i < l->count; i++) {
		buf_puts(&b, i ? "|" : "");
		buf_puts(&b, l->stages[i].quoted ? "'" : "");
		for (size_t k = 0; k < l->stages[i].words.len; k++)
			buf_printf(&b, "[%s]", l->stages[i].words.v[k]);
	}
	if (l->in)
		buf_printf(&b, "<%s", l->in);
	if (l->out)
		buf_printf(&b, "%s%s", l->append ? ">>" : ">", l->out);
	return buf_take(&b);
}

static void is_pipe(const char *text, const char *want)
{
	struct line l;
	char *got;

	assert_int_equal(line_parse(text, &l), 0);
	assert_int_equal(l.kind, LINE_PIPE);
	got = shown(&l);
	assert_string_equal(got, want);
	free(got);
	line_release(&l);
}

static void is_refused(const char *text, const char *why)
{
	struct line l;

	assert_int_equal(line_parse(text, &l), -EINVAL);
	if (!strstr(err_text(), why))
		fail_msg("%s: %s", text, err_text());
	assert_int_equal(l.count, 0);
}

static void pipelines(void **state)
{
	(void)state;
	is_pipe("observe", "[observe]");
	is_pipe("  a   b\tc\n", "[a][b][c]");
	is_pipe("a|b | c d", "[a]|[b]|[c][d]");
	is_pipe("a <in | b >out", "[a]|[b]<in>out");
	is_pipe("a>>out b", "[a][b]>>out");
	is_pipe("a >>out <in", "[a]<in>>out");
	is_pipe("a <in >>out", "[a]<in>>out");
	is_pipe("<in a", "[a]<in");
	is_pipe("a # b | c", "[a]");
	is_pipe("a b#c", "[a][b#c]");
	is_pipe("observe -- sh -c 'exit 3' | jq '.a | .b'",
		"[observe][--][sh][-c][exit 3]|[jq][.a | .b]");
}

static void quotes_are_those_of_sh(void **state)
{
	(void)state;
	is_pipe("a 'b c'\"d e\"f\\ g", "[a][b cd ef g]");
	is_pipe("a ''  \"\"", "[a][][]");
	is_pipe("a 'it'\\''s' \"say \\\"x\\\" \\$HOME \\a\"",
		"[a][it's][say \"x\" $HOME \\a]");
	is_pipe("a '$HOME' '`x`' \\; \\&", "[a][$HOME][`x`][;][&]");
	is_pipe("'last' x", "'[last][x]");
	is_pipe("\\watch x", "'[watch][x]");
	is_pipe("'a' | b | \"c\"", "'[a]|[b]|'[c]");
	is_pipe("a 2'>'b *.c ~ [x] {a,b} a=b x$ '2'", "[a][2>b][*.c][~][[x]]"
						      "[{a,b}][a=b][x$][2]");
	is_pipe("$_ | a", "[$_]|[a]");
}

static void what_a_shell_would_read_otherwise_is_refused(void **state)
{
	static const char *const lines[] = {
		"a $HOME", "a ${x}",	"a $(b)", "a $1",  "a \"$HOME\"",
		"a `b`",   "a \"`b`\"", "a ; b",  "a;b",   "a && b",
		"a &",	   "a || b",	"a |& b", "(a)",   "a 2>x",
		"a 2>&1",  "a >&2",	"a >|b",  "a <<b", "a <(b)",
		"a $_x",   "a $$",	"$_$x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		is_refused(lines[i], "means nothing here");
}

static void what_is_missing_is_named(void **state)
{
	(void)state;
	is_refused("| a", "before |");
	is_refused("a |", "behind |");
	is_refused("a | | b", "behind |");
	is_refused(">x", "a program is missing");
	is_refused("a >", "> has no file");
	is_refused("a >>", ">> has no file");
	is_refused("a < | b", "< has no file");
	is_refused("a >b >c", "two >");
	is_refused("a >b | c", "last program");
	is_refused("a | b <c", "first program");
	is_refused("a 'b", "' is not closed");
	is_refused("a \"b", "\" is not closed");
	is_refused("a \\", "nothing behind");
	is_refused("!", "no command");
	is_refused(" ? ", "no words");
}

static void there_are_limits(void **state)
{
	char *s = mem_zalloc(LINE_MAX_BYTES + 2, 1);
	struct line l;

	(void)state;
	memset(s, 'a', LINE_MAX_BYTES);
	assert_int_equal(line_parse(s, &l), 0);
	line_release(&l);
	s[LINE_MAX_BYTES] = 'a';
	is_refused(s, "at most");
	*s = '\0';
	for (int i = 0; i < LINE_MAX_STAGES; i++)
		strcpy(s + 2 * i, "a|");
	is_refused(s, "more than 32");
	free(s);
}

static void other_lines(void **state)
{
	struct line l;

	(void)state;
	assert_int_equal(line_parse("", &l), 0);
	assert_int_equal(l.kind, LINE_EMPTY);
	assert_int_equal(line_parse("  # x 'y", &l), 0);
	assert_int_equal(l.kind, LINE_EMPTY);
	assert_int_equal(line_parse("! a 'b $c; d ", &l), 0);
	assert_int_equal(l.kind, LINE_SHELL);
	assert_string_equal(l.text, "a 'b $c; d");
	line_release(&l);
	assert_int_equal(line_parse(" ? don't hurt it ", &l), 0);
	assert_int_equal(l.kind, LINE_WISH);
	assert_string_equal(l.text, "don't hurt it");
	line_release(&l);
}

/* ---- completion ------------------------------------------------------- */

static void context_is(const char *text, const char *want, bool first,
		       bool file)
{
	struct line_context c;
	struct buf b;

	line_context(text, strlen(text), &c);
	buf_init(&b, 4096);
	buf_add(&b, "", 0);
	for (size_t i = 0; i < c.words.len; i++)
		buf_printf(&b, "[%s]", c.words.v[i]);
	assert_string_equal(b.len ? b.data : "", want);
	assert_int_equal(c.first_stage, first);
	assert_int_equal(c.file, file);
	buf_release(&b);
	line_context_release(&c);
}

static void the_context_of_a_word(void **state)
{
	(void)state;
	context_is("", "", true, false);
	context_is("ob", "", true, false);
	context_is("observe ", "[observe]", true, false);
	context_is("observe --ta", "[observe]", true, false);
	context_is("a b | c ", "[c]", false, false);
	context_is("a b | ", "", false, false);
	context_is("a >", "[a]", true, true);
	context_is("a > fi", "[a]", true, true);
	context_is("a > file b ", "[a][b]", true, false);
	context_is("a 'b c' 'd e", "[a][b c]", true, false);
	context_is("a 'b | c' \"", "[a][b | c]", true, false);
}

/* ---- words ------------------------------------------------------------ */

static void prose(void **state)
{
	(void)state;
	assert_true(line_is_prose("keep the editor smooth"));
	assert_true(line_is_prose("don't hurt it, please!"));
	assert_true(line_is_prose("schneller, ohne Verz\xc3\xb6gerung"));
	assert_false(line_is_prose("faster"));
	assert_false(line_is_prose(""));
	assert_false(line_is_prose("frob --all now"));
	assert_false(line_is_prose(" !echo two words"));
	assert_false(line_is_prose("? two words"));
	assert_false(line_is_prose("frob it | less"));
	assert_false(line_is_prose("frob ./a"));
	assert_false(line_is_prose("frob a=b"));
	assert_false(line_is_prose("frob it > x"));
}

static void mistyped_names_are_near(void **state)
{
	(void)state;
	assert_true(line_is_near("obsrve", "observe"));
	assert_true(line_is_near("obbserve", "observe"));
	assert_true(line_is_near("obsevre", "observe"));
	assert_true(line_is_near("abserve", "observe"));
	assert_true(line_is_near("observ", "observe"));
	assert_true(line_is_near("observee", "observe"));
	assert_false(line_is_near("observe", "observe"));
	assert_false(line_is_near("make", "observe"));
	assert_false(line_is_near("", "a"));
	assert_false(line_is_near("a", ""));
	assert_false(line_is_near("a", "b"));
}

static void quoted_words_come_back(void **state)
{
	static const char *const words[] = {
		"",	   "a", "a b", "it's", "$HOME", "#x",	"!x", "?x",
		"a'b'c\"", "*", "a;b", "\\",   "~",	"a\tb", "2>x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char *q = line_quote(words[i]), *text = mem_printf("x %s", q);
		struct line l;

		assert_int_equal(line_parse(text, &l), 0);
		assert_int_equal(l.stages[0].words.len, 2);
		assert_string_equal(l.stages[0].words.v[1], words[i]);
		line_release(&l);
		free(text);
		free(q);
	}
}

/* ---- earlier lines ---------------------------------------------------- */

static void join(const char *path, char out[static 256])
{
	struct strs l = {0};

	*out = '\0';
	assert_int_equal(past_read(path, &l), 0);
	for (size_t i = 0; i < l.len; i++) {
		size_t at = strlen(out);

		snprintf(out + at, 256 - at, "%s;", l.v[i]);
	}
	strs_release(&l);
}

static void lines_are_kept_once(void **state)
{
	char dir[] = "/tmp/pastXXXXXX", *path, *lock, all[256];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/lines", dir);
	lock = mem_printf("%s.lock", path);
	join(path, all);
	assert_string_equal(all, "");
	assert_int_equal(past_add(path, "one"), 0);
	assert_int_equal(past_add(path, "two"), 0);
	assert_int_equal(past_add(path, " secret"), 0);
	assert_int_equal(past_add(path, ""), 0);
	assert_int_equal(past_add(path, "a\nb"), 0);
	assert_int_equal(past_add(path, "one"), 0);
	join(path, all);
	assert_string_equal(all, "two;one;");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Why there is no folder, not that the lock cannot be opened. */
	assert_true(past_add("/proc/nonesuch/lines", "one") < 0);
	assert_non_null(strstr(err_text(), "make folder '/proc/nonesuch'"));
	unlink(path);
	unlink(lock);
	rmdir(dir);
	free(path);
	free(lock);
}

/* Several at once, each killed at some moment: whole lines, none lost that was
 * said to be kept. */
static void several_lose_nothing(void **state)
{
	char dir[] = "/tmp/pastXXXXXX", *path, *lock;
	enum { WRITERS = 4, EACH = 8 };
	struct strs l = {0};
	pid_t pid[WRITERS];

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/lines", dir);
	lock = mem_printf("%s.lock", path);
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = fork();
		if (pid[w])
			continue;
		for (int i = 0; i < EACH; i++) {
			char *s = mem_printf("line %d of %d", i, w);
			int rc = -EAGAIN;

			/* It is refused where the others take too long. */
			for (int n = 0; n < 20 && rc == -EAGAIN; n++)
				rc = past_add(path, s);
			if (rc)
				_exit(1);
		}
		kill(getpid(), SIGKILL);
	}
	for (int w = 0; w < WRITERS; w++) {
		int st;

		assert_int_equal(waitpid(pid[w], &st, 0), pid[w]);
		assert_true(WIFSIGNALED(st));
	}
	assert_int_equal(past_read(path, &l), 0);
	assert_int_equal(l.len, WRITERS * EACH);
	strs_release(&l);
	unlink(path);
	unlink(lock);
	rmdir(dir);
	free(path);
	free(lock);
}

/* ---- jobs ------------------------------------------------------------- */

static int run(const char *script, const char *second, struct job_result *res)
{
	char *first_argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	char *second_argv[] = {(char *)"sh", (char *)"-c", (char *)second,
			       NULL};
	struct job_stage stages[] = {{"/bin/sh", first_argv, NULL},
				     {"/bin/sh", second_argv, NULL}};
	struct job j = {.stages = stages,
			.count = second ? 2 : 1,
			.in_fd = -1,
			.out_fd = -1};

	return job_run(&j, res);
}

static void the_last_one_has_the_status(void **state)
{
	struct job_result res;

	(void)state;
	assert_int_equal(run("exit 3", NULL, &res), 0);
	assert_int_equal(res.status, 3);
	assert_int_equal(run("exit 3", "cat", &res), 0);
	assert_int_equal(res.status, 0);
	assert_int_equal(
		run("echo x; exit 1", "read a; test $a = x || exit 5", &res),
		0);
	assert_int_equal(res.status, 0);
	assert_int_equal(run("kill -9 $$", NULL, &res), 0);
	assert_int_equal(res.status, 128 + 9);
	assert_int_equal(res.signal, 9);
}

static void what_cannot_be_run_is_named(void **state)
{
	char *argv[] = {(char *)"x", NULL};
	struct job_stage stage = {"/nonesuch", argv, NULL};
	struct job j = {
		.stages = &stage, .count = 1, .in_fd = -1, .out_fd = -1};
	struct job_result res;

	(void)state;
	assert_int_equal(job_run(&j, &res), -ENOENT);
	assert_non_null(strstr(err_text(), "/nonesuch"));
}

static void the_one_that_cannot_be_run_is_named(void **state)
{
	char *sleeps[] = {(char *)"sh", (char *)"-c", (char *)"sleep 60", NULL};
	char *argv[] = {(char *)"x", NULL};
	struct job_stage stages[] = {{"/bin/sh", sleeps, NULL},
				     {"/nonesuch", argv, NULL}};
	struct job j = {
		.stages = stages, .count = 2, .in_fd = -1, .out_fd = -1};
	struct job_result res;

	(void)state;
	assert_int_equal(job_run(&j, &res), -ENOENT);
	assert_non_null(strstr(err_text(), "/nonesuch"));
	assert_null(strstr(err_text(), "/bin/sh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelines),
		cmocka_unit_test(quotes_are_those_of_sh),
		cmocka_unit_test(what_a_shell_would_read_otherwise_is_refused),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(there_are_limits),
		cmocka_unit_test(other_lines),
		cmocka_unit_test(the_context_of_a_word),
		cmocka_unit_test(prose),
		cmocka_unit_test(mistyped_names_are_near),
		cmocka_unit_test(quoted_words_come_back),
		cmocka_unit_test(lines_are_kept_once),
		cmocka_unit_test(several_lose_nothing),
		cmocka_unit_test(the_last_one_has_the_status),
		cmocka_unit_test(what_cannot_be_run_is_named),
		cmocka_unit_test(the_one_that_cannot_be_run_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
