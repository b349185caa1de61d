/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/model/model.c with the real ask-model, and programs as models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/model/model.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/sandbox.h"
#include "model_fix.h"

static volatile sig_atomic_t stop;

static int setup(void **state)
{
	(void)state;
	return home_make();
}

static struct model *open_model(const char *backend, const char *budget)
{
	struct model_opts o = {.backend = backend,
			       .budget = budget,
			       .stream = true,
			       .cancel = &stop};
	struct model *m = NULL;

	stop = 0;
	if (model_open(&o, &m))
		fail_msg("%s", err_text());
	return m;
}

static int ask(struct model *m, const char *role, struct json **answer)
{
	static const char text[] = "[{\"role\":\"user\",\"text\":\"q\"}]";
	struct json *messages = json_parse(text, strlen(text));
	struct model_request r = {
		.role = role, .messages = messages, .max_tokens = 10};
	int rc = model_ask(m, &r, answer);

	json_free(messages);
	return rc;
}

/* No child of this process is left, not even a dead one. */
static void no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_answers(void **state)
{
	struct model *m = open_model("command:echo hello", NULL);
	static const char *const roles[] = {"planner", "coder", "coder"};
	struct json *a;

	(void)state;
	assert_string_equal(model_name(m), "echo");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask(m, roles[i], &a), 0);
		assert_string_equal(json_as_string(json_get(a, "text"), ""),
				    "hello\n");
		assert_true(json_as_number(json_path(a, "usage.out"), 0) == 2);
		/* A program has no price. */
		assert_int_equal(json_type(json_get(a, "cost_usd")), JSON_NULL);
		json_free(a);
	}
	model_close(m);
	no_child();
}

static void test_budget(void **state)
{
	struct model *m = open_model("command:echo hello", "calls=1");
	struct json *a;

	(void)state;
	assert_int_equal(ask(m, "planner", &a), 0);
	json_free(a);
	assert_int_equal(ask(m, "planner", &a), -EDQUOT);
	assert_non_null(strstr(err_text(), "calls=1"));
	json_free(a);
	model_close(m);
}

static void test_cannot_open(void **state)
{
	struct model_opts o = {.backend = "telepathy"};
	struct model *m;

	(void)state;
	assert_int_equal(model_open(&o, &m), -EINVAL);
	assert_non_null(strstr(err_text(), "telepathy"));
	no_child();
}

static void test_keys_go(void **state)
{
	static char entry[] = "ANTHROPIC_API_KEY=sk-planted-0123456789";
	struct model *m;

	(void)state;
	assert_int_equal(putenv(entry), 0);
	m = open_model("command:echo hello", NULL);
	assert_null(getenv("ANTHROPIC_API_KEY"));
	for (size_t i = strlen("ANTHROPIC_API_KEY="); i < sizeof(entry); i++)
		assert_int_equal(entry[i], 0);
	model_close(m);
}

static void on_alarm(int sig)
{
	(void)sig;
	stop = 1;
}

static void test_cancel(void **state)
{
	struct model *m = open_model("command:sleep 600", NULL);
	double start = clock_monotonic();
	struct json *a;

	(void)state;
	signal(SIGALRM, on_alarm);
	alarm(1);
	assert_int_equal(ask(m, "planner", &a), -EINTR);
	assert_true(clock_monotonic() - start < 10);
	/* It says what had been paid for. */
	assert_non_null(json_get(a, "usage"));
	json_free(a);
	model_close(m);
	no_child();
}

static void test_it_dies(void **state)
{
	struct model *m = open_model("command:echo hello", NULL);
	struct json *a;

	(void)state;
	kill(child_of_ours(), SIGKILL);
	assert_int_equal(ask(m, "planner", &a), -EPIPE);
	assert_null(a);
	assert_non_null(strstr(err_text(), "signal 9"));
	model_close(m);
	no_child();
}

/* From within a sandbox without network, and cancelled from there. */
static void sandboxed(void)
{
	struct sandbox s = {.read = sandbox_system};
	struct model *m = open_model("command:echo hello", NULL);
	struct model *slow = open_model("command:sleep 600", NULL);
	struct json *a;
	int rc = sandbox_enter(&s);

	if (rc)
		_exit(rc == -ENOTSUP ? 77 : 1);
	if (ask(m, "planner", &a))
		_exit(2);
	json_free(a);
	signal(SIGALRM, on_alarm);
	alarm(1);
	if (ask(slow, "planner", &a) != -EINTR)
		_exit(3);
	json_free(a);
	model_close(slow);
	model_close(m);
	_exit(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 4);
}

static void test_sandboxed(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		sandboxed();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_cannot_open),
		cmocka_unit_test(test_keys_go),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_it_dies),
		cmocka_unit_test(test_sandboxed),
	};

	return cmocka_run_group_tests(tests, setup, home_remove);
}
