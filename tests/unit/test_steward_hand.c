/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hand believes nothing of the front: what a front that was taken over may
 * have it do is what a client may order, and no more. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/steward/hand.h"
#include "agents/steward/jobs.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/temp.h"
#include "rt/audit.h"

#define ID	   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PATIENCE_S 120

static char folder[] = "/tmp/schedkit-hand-XXXXXX";
static struct steward_config cfg;
static int hand;
static pid_t pid;
static const char *only = "stdio";

static int start(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	pid = fork();
	if (!pid) {
		close(pair[0]);
		_exit(steward_hand(pair[1], &cfg, only) < 0 ? 1 : 0);
	}
	close(pair[1]);
	hand = pair[0];
	return 0;
}

static int stop(void **state)
{
	int status;

	(void)state;
	close(hand);
	waitpid(pid, &status, 0);
	return status;
}

static void say(const char *line)
{
	assert_int_equal(write(hand, line, strlen(line)),
			 (ssize_t)strlen(line));
	assert_int_equal(write(hand, "\n", 1), 1);
}

static struct json *hear(void)
{
	char line[8192];
	size_t n = 0;

	for (;;) {
		struct pollfd f = {hand, POLLIN, 0};

		assert_int_equal(poll(&f, 1, PATIENCE_S * 1000), 1);
		assert_true(n < sizeof(line));
		assert_int_equal(read(hand, line + n, 1), 1);
		if (line[n++] == '\n')
			break;
	}
	return json_parse(line, n - 1);
}

static void refused(const char *line, const char *error)
{
	struct json *v;

	say(line);
	v = hear();
	if (strcmp(json_text_at(v, "error"), error) != 0)
		print_error("%s: %s %s\n", line, json_text_at(v, "error"),
			    json_text_at(v, "text"));
	assert_string_equal(json_text_at(v, "error"), error);
	assert_string_not_equal(json_text_at(v, "text"), "");
	json_free(v);
}

#define RUN(client, tool, args)                                              \
	"{\"do\":\"run\",\"n\":1,\"client\":\"" client "\",\"tool\":\"" tool \
	"\",\"arguments\":" args

static void what_is_no_order_is_refused(void **state)
{
	(void)state;
	refused("", "EINVAL");
	refused("garbage", "EINVAL");
	refused("[]", "EINVAL");
	refused("{\"do\":\"exec\",\"n\":1,\"argv\":[\"sh\"]}", "EINVAL");
	refused("{\"do\":\"run\"}", "ENOENT");
	refused(RUN("stdio", "sh", "{}}"), "ENOENT");
	refused(RUN("stdio", "job", "{}}"), "EINVAL");
	refused(RUN("stdio", "history_show", "{\"id\":\"--help\"}}"), "EINVAL");
	refused(RUN("stdio", "history_show", "7}"), "EINVAL");
	/* Words are in a file, and only there. */
	refused(RUN("stdio", "observe",
		    "{\"what\":\"command\",\"command\":[\"id\"]},\"words\":"
		    "\"00112233445566778899aabbccddeeff\"}"),
		"EINVAL");
	refused(RUN("stdio", "observe",
		    "{\"what\":\"command\"},\"words\":\"../../order\"}"),
		"EINVAL");
	/* That of a client whose class does not reach. */
	refused(RUN("stranger", "plan", "{\"profile\":\"abcd\"}}"), "EACCES");
	refused(RUN("stdio", "observe",
		    "{\"what\":\"command\",\"where\":\"host\"},\"words\":"
		    "\"00112233445566778899aabbccddeeff\"}"),
		"EACCES");
	/* One that cannot be at the other end. */
	refused(RUN("asked", "doctor", "{}}"), "EACCES");
	refused(RUN("", "doctor", "{}}"), "EACCES");
	/* Files behind links. */
	refused(RUN("stdio", "simulate", "{\"file\":\"/etc/passwd\"}}"),
		"EACCES");
}

static void no_link_is_followed_to_a_file(void **state)
{
	char *link = mem_printf("%s/in/link", folder), *order;

	(void)state;
	assert_int_equal(symlink("/etc/passwd", link), 0);
	order = mem_printf(RUN("stdio", "simulate", "{\"file\":\"%s\"}}"),
			   link);
	refused(order, "EACCES");
	unlink(link);
	free(order);
	free(link);
}

static void words_of_a_person_are_believed_where_configured(void **state)
{
	static const char deploy[] = "{\"policy\":\"" ID "\",\"verdict\":\"" ID
				     "\",\"seconds\":5},\"agreed\":true}";
	char *order;
	struct json *v;

	(void)state;
	/* Its client's approval is "local". */
	order = mem_printf(RUN("local", "deploy", "%s"), deploy);
	say(order);
	v = hear();
	assert_int_equal(strlen(json_text_at(v, "code")), 9);
	assert_null(json_get(v, "job"));
	json_free(v);
	free(order);
	order = mem_printf(RUN("asked", "deploy", "%s"), deploy);
	say(order);
	v = hear();
	assert_true(steward_job_is_name(json_text_at(v, "job")));
	json_free(v);
	/* It fails, as the history has neither. */
	v = hear();
	assert_true(steward_job_is_name(json_text_at(v, "ended")));
	json_free(v);
	free(order);
}

/* Nobody is asked for what could not begin, nor what was agreed to spent. */
static void nobody_is_asked_where_there_is_no_room(void **state)
{
	long jobs = cfg.jobs;

	only = NULL;
	cfg.jobs = 0;
	assert_int_equal(start(state), 0);
	refused(RUN("local", "deploy",
		    "{\"policy\":\"" ID "\",\"verdict\":\"" ID
		    "\",\"seconds\":5}}"),
		"EAGAIN");
	assert_int_equal(stop(state), 0);
	cfg.jobs = jobs;
	only = "stdio";
}

static void another_clients_job_is_left_alone(void **state)
{
	char *order, *jobs = steward_jobs_dir(), id[STEWARD_JOB_LEN];
	struct steward_job j;
	struct json *v;

	(void)state;
	say(RUN("stdio", "observe", "{\"what\":\"machine\",\"seconds\":600}}"));
	v = hear();
	snprintf(id, sizeof(id), "%s", json_text_at(v, "job"));
	json_free(v);
	order = mem_printf("{\"do\":\"cancel\",\"client\":\"asked\",\"job\":"
			   "\"%s\"}",
			   id);
	say(order);
	free(order);
	/* Orders are taken one after the other: that one was, by now. */
	refused("{}", "EINVAL");
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	assert_int_equal(j.state, STEWARD_JOB_RUNS);
	assert_string_equal(steward_job_client(&j), "stdio");
	steward_job_release(&j);
	order = mem_printf("{\"do\":\"cancel\",\"client\":\"stdio\",\"job\":"
			   "\"%s\"}",
			   id);
	say(order);
	free(order);
	v = hear();
	assert_string_equal(json_text_at(v, "ended"), id);
	json_free(v);
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	assert_true(j.cancelled);
	steward_job_release(&j);
	free(jobs);
}

static unsigned long lines_in_the_log(void)
{
	char *path = mem_printf("%s/schedkit/mcp/audit.jsonl", folder);
	struct rt_audit_seal seal;

	assert_int_equal(rt_audit_verify(path, NULL, &seal), 0);
	free(path);
	return (unsigned long)seal.n;
}

static void nobody_on_the_network_ends_a_job_of_the_pipes(void **state)
{
	char *order, id[STEWARD_JOB_LEN];
	int pipes = hand;
	pid_t pipes_pid = pid;
	unsigned long lines;
	struct json *v;

	say(RUN("stdio", "observe", "{\"what\":\"machine\",\"seconds\":600}}"));
	v = hear();
	snprintf(id, sizeof(id), "%s", json_text_at(v, "job"));
	json_free(v);
	order = mem_printf("{\"do\":\"cancel\",\"client\":\"stdio\",\"job\":"
			   "\"%s\"}",
			   id);
	lines = lines_in_the_log();
	only = NULL;
	assert_int_equal(start(state), 0);
	only = "stdio";
	say(order);
	refused("{}", "EINVAL");
	assert_int_equal(stop(state), 0);
	assert_int_equal(lines_in_the_log(), lines);
	hand = pipes;
	pid = pipes_pid;
	say(order);
	v = hear();
	assert_string_equal(json_text_at(v, "ended"), id);
	json_free(v);
	assert_int_equal(lines_in_the_log(), lines + 1);
	free(order);
}

/* Lines come in pieces, and one may hold an end and a beginning. */
static void a_long_line_may_be_followed_by_another(void **state)
{
	static const size_t lens[] = {2000, STEWARD_MAX_ORDER - 500, 2000};
	char *line = mem_zalloc(STEWARD_MAX_ORDER, 1);
	struct buf all;

	(void)state;
	buf_init(&all, 2 * STEWARD_MAX_ORDER);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		memset(line, ' ', lens[i] - 1);
		line[0] = '{';
		line[lens[i] - 2] = '}';
		line[lens[i] - 1] = '\0';
		buf_printf(&all, "%s\n", line);
	}
	assert_int_equal(io_write(hand, all.data, all.len), 0);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct json *v = hear();

		assert_string_equal(json_text_at(v, "error"), "EINVAL");
		json_free(v);
	}
	buf_release(&all);
	free(line);
}

static void all_of_it_is_in_the_log(void **state)
{
	char *path = mem_printf("%s/schedkit/mcp/audit.jsonl", folder);
	struct rt_audit_seal seal;

	(void)state;
	refused(RUN("stdio", "sh", "{}}"), "ENOENT");
	assert_int_equal(rt_audit_verify(path, NULL, &seal), 0);
	assert_true(seal.n > 10);
	free(path);
}

static int set_up(void **state)
{
	static const char text[] =
		"{\"clients\":{\"local\":{\"class\":\"deploy\",\"approval\":"
		"\"local\"},\"asked\":{\"class\":\"deploy\"}}}";
	char *in;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	setenv("XDG_STATE_HOME", folder, 1);
	setenv("XDG_CONFIG_HOME", folder, 1);
	steward_config_init(&cfg);
	in = mem_printf("%s/in", folder);
	mkdir(in, 0700);
	strs_add(&cfg.read, in);
	free(in);
	return steward_config_parse(&cfg, text, strlen(text), "test");
}

static int tear_down(void **state)
{
	(void)state;
	temp_clear(folder);
	steward_config_release(&cfg);
	return 0;
}

static int start_for_all(void **state)
{
	only = NULL;
	return start(state);
}

static int stop_for_all(void **state)
{
	only = "stdio";
	return stop(state);
}

static void nobody_on_the_network_is_at_the_pipes(void **state)
{
	(void)state;
	refused(RUN("stdio", "doctor", "{}}"), "EACCES");
}

#define FOR_ALL(f) \
	cmocka_unit_test_setup_teardown(f, start_for_all, stop_for_all)
#define WITH_HAND(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HAND(what_is_no_order_is_refused),
		WITH_HAND(no_link_is_followed_to_a_file),
		FOR_ALL(words_of_a_person_are_believed_where_configured),
		FOR_ALL(nobody_on_the_network_is_at_the_pipes),
		cmocka_unit_test(nobody_is_asked_where_there_is_no_room),
		WITH_HAND(another_clients_job_is_left_alone),
		WITH_HAND(nobody_on_the_network_ends_a_job_of_the_pipes),
		WITH_HAND(a_long_line_may_be_followed_by_another),
		WITH_HAND(all_of_it_is_in_the_log),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
