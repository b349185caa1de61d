/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "llm/ledger.h"

#define PRICES                                                     \
	"{\"models\":[{\"match\":\"dear*\",\"in_usd_per_mtok\":2," \
	"\"cached_usd_per_mtok\":1,\"out_usd_per_mtok\":10},"      \
	"{\"match\":\"cheaper\",\"in_usd_per_mtok\":0.1,"          \
	"\"out_usd_per_mtok\":0.1}]}"

static char dir[] = "/tmp/test_ledger.XXXXXX";
static char *path, *prices;

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	setenv("SCHEDKIT_TIME", "1795000000", 1); /* 2026-11-18 */
	strcpy(dir, "/tmp/test_ledger.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = mem_printf("%s/l", dir);
	prices = mem_printf("%s/p", dir);
	write_file(prices, PRICES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(prices);
	rmdir(dir);
	free(path);
	free(prices);
	return 0;
}

static struct ledger *open_with(const char *budget)
{
	struct budget b = {0};
	struct ledger *g = NULL;

	if (budget)
		assert_int_equal(budget_parse(budget, &b), 0);
	if (ledger_open(path, prices, "run", &b, &g))
		fail_msg("%s", err_text());
	return g;
}

static double settle(struct ledger *g, const char *id, const char *backend,
		     const char *model, long in, long out)
{
	struct llm_request r = {.role = "planner"};
	struct llm_answer a = {.usage = {.in = in, .out = out}, .attempts = 1};
	double cost = 0;

	assert_int_equal(ledger_settle(g, id, backend, model, &r, &a, 0, &cost),
			 0);
	return cost;
}

static int allow(struct ledger *g, const char *model, long in, long out)
{
	struct ledger_hold hold;
	int rc = ledger_allow(g, "openai", model,
			      (struct llm_usage){.in = in, .out = out}, &hold);

	if (!rc)
		ledger_release(g, &hold);
	return rc;
}

static size_t count_lines(void)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, 64 << 20);
	assert_int_equal(buf_read_file(&b, path), 0);
	for (size_t i = 0; i < b.len; i++)
		n += b.data[i] == '\n';
	buf_release(&b);
	return n;
}

static void test_parse(void **state)
{
	struct budget b;
	static const char *const bad[] = {"",	       "tokens",    "tokens=0",
					  "tokens=-1", "calls=1.5", "usd=nan",
					  "usd=1x",    "days=1",    "usd=1,,"};

	(void)state;
	assert_int_equal(budget_parse("tokens=20000,usd=0.5,calls=30,time=600,"
				      "usd_day=2,calls_day=7,tokens_day=8",
				      &b),
			 0);
	assert_int_equal(b.tokens, 20000);
	assert_true(b.usd == 0.5 && b.usd_day == 2 && b.time_s == 600);
	assert_int_equal(b.calls, 30);
	assert_int_equal(b.calls_day, 7);
	assert_int_equal(b.tokens_day, 8);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (budget_parse(bad[i], &b) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
}

static void test_cost(void **state)
{
	struct ledger *g = open_with(NULL);
	struct llm_request r = {.role = "coder"};
	struct llm_answer a = {
		.usage = {.in = 1000000, .cached = 400000, .out = 100000},
		.attempts = 1};
	double cost;

	(void)state;
	assert_int_equal(
		ledger_settle(g, "1", "openai", "dear-1", &r, &a, 0, &cost), 0);
	assert_true(cost > 2.5999 && cost < 2.6001);
	assert_true(settle(g, "2", "openai", "cheap", 10, 10) < 0);
	/* What the endpoint calls it says less than what was asked for. */
	a.model = (char *)"surprise";
	assert_int_equal(
		ledger_settle(g, "3", "openai", "dear-1", &r, &a, 0, &cost), 0);
	assert_true(cost > 2.5999);
	assert_true(settle(g, "4", "replay", "dear-1", 10, 10) == 0);
	/* Nor does another model's name make it cheap. */
	a.model = (char *)"cheaper";
	assert_int_equal(
		ledger_settle(g, "5", "openai", "dear-1", &r, &a, 0, &cost), 0);
	assert_true(cost > 2.5999 && cost < 2.6001);
	ledger_close(g);
	assert_int_equal(count_lines(), 5);
}

static void test_run_limits(void **state)
{
	struct ledger *g = open_with("tokens=100,calls=3");

	(void)state;
	assert_int_equal(allow(g, "x", 40, 60), 0);
	assert_int_equal(allow(g, "x", 41, 60), -EDQUOT);
	assert_non_null(strstr(err_text(), "tokens=100"));
	settle(g, "1", "openai", "x", 10, 10);
	assert_int_equal(allow(g, "x", 40, 40), 0);
	assert_int_equal(allow(g, "x", 40, 41), -EDQUOT);
	settle(g, "2", "openai", "x", 1, 1);
	settle(g, "3", "openai", "x", 1, 1);
	assert_int_equal(allow(g, "x", 1, 1), -EDQUOT);
	assert_non_null(strstr(err_text(), "calls=3"));
	ledger_close(g);
	/* A new run begins at nothing. */
	g = open_with("tokens=100,calls=3");
	assert_int_equal(allow(g, "x", 40, 60), 0);
	ledger_close(g);
}

static void test_money(void **state)
{
	struct ledger_hold hold;
	struct ledger *g = open_with("usd=1");

	(void)state;
	assert_int_equal(allow(g, "unknown", 1, 1), -ENODATA);
	assert_non_null(strstr(err_text(), "in_usd_per_mtok"));
	assert_non_null(strstr(err_text(), "unknown"));
	assert_int_equal(allow(g, "dear", 100000, 80000), 0);
	assert_int_equal(allow(g, "dear", 100000, 80001), -EDQUOT);
	assert_non_null(strstr(err_text(), "usd=1"));
	/* A replay is free and needs no price. */
	assert_int_equal(ledger_allow(g, "replay", "unknown",
				      (struct llm_usage){.in = 1}, &hold),
			 0);
	ledger_close(g);
}

/* What calls under way may still use is not given away twice. */
static void test_holds(void **state)
{
	struct ledger *g = open_with("tokens=100");
	struct ledger_hold a, b;
	struct llm_usage most = {.in = 20, .out = 40};

	(void)state;
	assert_int_equal(ledger_allow(g, "openai", "x", most, &a), 0);
	assert_int_equal(ledger_allow(g, "openai", "x", most, &b), -EBUSY);
	ledger_release(g, &a);
	settle(g, "1", "openai", "x", 10, 20);
	assert_int_equal(ledger_allow(g, "openai", "x", most, &b), 0);
	ledger_release(g, &b);
	ledger_release(g, &b);
	/* Released twice, it is not there once more. */
	assert_int_equal(ledger_allow(g, "openai", "x", most, &a), 0);
	assert_int_equal(ledger_allow(g, "openai", "x", most, &b), -EBUSY);
	ledger_release(g, &a);
	settle(g, "2", "openai", "x", 10, 20);
	assert_int_equal(ledger_allow(g, "openai", "x", most, &a), -EDQUOT);
	ledger_close(g);
}

/* An attempt that failed leaves less for the next one. */
static void test_hold_grows(void **state)
{
	struct ledger *g = open_with("tokens=100");
	struct llm_usage most = {.in = 20, .out = 20}, more = {.in = 60};
	struct ledger_hold a, b;

	(void)state;
	assert_int_equal(ledger_allow(g, "openai", "x", most, &a), 0);
	assert_int_equal(ledger_extend(g, "openai", "x", more, &a), 0);
	assert_int_equal(ledger_allow(g, "openai", "x", most, &b), 0);
	more.in = 61;
	assert_int_equal(ledger_extend(g, "openai", "x", more, &a), -EBUSY);
	more.in = 101;
	assert_int_equal(ledger_extend(g, "openai", "x", more, &a), -EDQUOT);
	/* It is still held. */
	assert_true(a.tokens == 60 && b.tokens == 40);
	ledger_release(g, &b);
	more.in = 41;
	assert_int_equal(ledger_allow(g, "openai", "x", more, &b), -EBUSY);
	ledger_release(g, &a);
	assert_int_equal(ledger_allow(g, "openai", "x", more, &b), 0);
	ledger_close(g);
}

static void test_settled_once(void **state)
{
	struct ledger *g = open_with("calls=2");

	(void)state;
	settle(g, "same", "openai", "x", 1, 1);
	settle(g, "same", "openai", "x", 1, 1);
	assert_int_equal(count_lines(), 1);
	assert_int_equal(allow(g, "x", 1, 1), 0);
	ledger_close(g);
}

static void test_day(void **state)
{
	struct ledger *g = open_with("calls_day=2,tokens_day=1000");
	struct ledger *other = open_with(NULL);

	(void)state;
	settle(g, "1", "openai", "x", 1, 1);
	assert_int_equal(allow(g, "x", 1, 1), 0);
	/* What another process did meanwhile counts, a replay does not. */
	settle(other, "2", "replay", "x", 500, 500);
	assert_int_equal(allow(g, "x", 1, 1), 0);
	settle(other, "3", "openai", "x", 1, 1);
	assert_int_equal(allow(g, "x", 1, 1), -EDQUOT);
	assert_non_null(strstr(err_text(), "calls_day=2"));
	/* Tomorrow is another day, today's lines are found by who comes. */
	setenv("SCHEDKIT_TIME", "1795100000", 1);
	assert_int_equal(allow(g, "x", 1, 1), 0);
	settle(g, "4", "openai", "x", 998, 1);
	assert_int_equal(allow(g, "x", 1, 1), -EDQUOT);
	assert_non_null(strstr(err_text(), "tokens_day=1000"));
	ledger_close(g);
	ledger_close(other);
	g = open_with("calls_day=2");
	assert_int_equal(allow(g, "x", 1, 1), 0);
	setenv("SCHEDKIT_TIME", "1795000000", 1);
	assert_int_equal(allow(g, "x", 1, 1), -EDQUOT);
	ledger_close(g);
}

static void test_torn(void **state)
{
	struct ledger *g = open_with(NULL);
	struct buf b;

	(void)state;
	settle(g, "1", "openai", "x", 1, 1);
	ledger_close(g);
	/* Half of a line that a dead writer left. */
	buf_init(&b, 65536);
	assert_int_equal(buf_read_file(&b, path), 0);
	b.data[b.len / 2] = '\0';
	write_file(path, b.data);
	buf_release(&b);
	g = open_with("calls_day=2");
	assert_int_equal(allow(g, "x", 1, 1), 0);
	settle(g, "2", "openai", "x", 1, 1);
	assert_int_equal(count_lines(), 2);
	assert_int_equal(allow(g, "x", 1, 1), 0);
	settle(g, "3", "openai", "x", 1, 1);
	assert_int_equal(allow(g, "x", 1, 1), -EDQUOT);
	ledger_close(g);
}

static void settle_many(const char *prefix, int n)
{
	struct ledger *g = open_with(NULL);

	for (int i = 0; i < n; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%s%d", prefix, i);
		settle(g, id, "openai", "x", 1, 1);
	}
	ledger_close(g);
}

static pid_t fork_writer(const char *prefix, int n)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		settle_many(prefix, n);
		_exit(0);
	}
	return pid;
}

static void test_two_writers(void **state)
{
	struct ledger *g;
	pid_t a, b;
	int status;

	(void)state;
	a = fork_writer("a", 200);
	b = fork_writer("b", 200);
	waitpid(a, &status, 0);
	assert_int_equal(status, 0);
	waitpid(b, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(count_lines(), 400);
	g = open_with("calls_day=401");
	assert_int_equal(allow(g, "x", 1, 1), 0);
	settle(g, "c", "openai", "x", 1, 1);
	assert_int_equal(allow(g, "x", 1, 1), -EDQUOT);
	ledger_close(g);
}

/* Whenever a writer is killed, who comes next goes on. */
static void test_killed_writer(void **state)
{
	size_t before;

	(void)state;
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork_writer("k", 100000);

		usleep(3000 * (useconds_t)(i + 1));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	settle_many("after", 1);
	before = count_lines();
	settle_many("after", 2);
	assert_int_equal(count_lines(), before + 2);
}

static int seen(void *arg, const char *line, size_t len)
{
	struct buf *b = arg;

	buf_add(b, line, len);
	return buf_puts(b, "|");
}

/* Lines that are too long, and one that is not finished yet. */
static void test_lines(void **state)
{
	struct buf b, big;
	off_t at = 0;
	int fd;

	(void)state;
	buf_init(&b, 1000);
	buf_init(&big, 1 << 20);
	buf_puts(&big, "one\n");
	for (int i = 0; i < 300000; i++)
		buf_puts(&big, "x");
	buf_puts(&big, "\ntwo\nthr");
	write_file(path, big.data);
	fd = lines_open(path);
	assert_true(fd >= 0);
	assert_int_equal(lines_read(fd, &at, 100, seen, &b), 0);
	assert_string_equal(b.data, "one|two|");
	/* The dead writer's line is closed and stands alone. */
	assert_int_equal(lines_append(fd, "four", true), 0);
	assert_int_equal(lines_read(fd, &at, 100, seen, &b), 0);
	assert_string_equal(b.data, "one|two|thr|four|");
	assert_int_equal(lines_read(fd, &at, 100, seen, &b), 0);
	assert_string_equal(b.data, "one|two|thr|four|");
	close(fd);
	buf_release(&b);
	buf_release(&big);
}

static void test_price_files(void **state)
{
	struct budget b = {0};
	struct ledger *g = NULL;

	(void)state;
	write_file(prices, "{\"models\":[{\"match\":\"x\"}]}");
	assert_int_equal(ledger_open(path, prices, "r", &b, &g), -EINVAL);
	assert_non_null(strstr(err_text(), "in_usd_per_mtok"));
	write_file(prices, "[]");
	assert_int_equal(ledger_open(path, prices, "r", &b, &g), -EINVAL);
	assert_non_null(strstr(err_text(), "models"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_limits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_money, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_grows, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_settled_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_day, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_writers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_killed_writer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_price_files, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
