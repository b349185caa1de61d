/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many hands, the real ask-model and an engine of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/switchboard/switchboard.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "model_fix.h"

#define HANDS 5
/* Where a model takes ten minutes, which nobody may wait for. */
#define PATIENCE_S 60

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static int setup(void **state)
{
	struct sigaction sa = {.sa_handler = on_term};

	(void)state;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	return home_make();
}

/* ---- a crew ------------------------------------------------------------ */

struct crew {
	struct model *model;
	struct switchboard *board;
	struct json *results[HANDS];
	char *trouble[HANDS];
	size_t ended, answered;
	const char *refuse; /* why no climb is wanted */
};

static const char *on_enter(void *arg, size_t i, const char *mark)
{
	struct crew *c = arg;

	(void)i;
	return strcmp(mark, "twin") ? NULL : c->refuse;
}

static void on_say(void *arg, size_t i, const char *words)
{
	(void)arg;
	(void)i;
	assert_string_equal(words, "hello");
}

static void on_answered(void *arg, size_t i, const char *role,
			const struct json *answer)
{
	struct crew *c = arg;

	(void)i;
	assert_string_equal(role, "coder");
	assert_non_null(json_get(answer, "usage"));
	c->answered++;
}

static void on_ended(void *arg, size_t i, const struct json *result)
{
	struct crew *c = arg;

	assert_null(c->results[i]);
	if (result)
		c->results[i] = json_copy(result);
	else
		c->trouble[i] = mem_strdup(err_text());
	c->ended++;
}

static const struct hand_ops ops = {on_enter, on_say, on_answered, on_ended};

static void open_crew(struct crew *c, const char *backend)
{
	struct model_opts mo = {.backend = backend, .cancel = &stop};
	struct switchboard_opts so = {
		.agent = "test", .run = "run", .cancel = &stop};

	*c = (struct crew){.refuse = "there is one already"};
	stop = 0;
	if (model_open(&mo, &c->model))
		fail_msg("%s", err_text());
	so.model = c->model;
	if (switchboard_open(&so, &c->board))
		fail_msg("%s", err_text());
}

static void begin(struct crew *c, size_t i, hand_work *work)
{
	char *candidate = mem_printf("draft-%zu", i);
	struct hand_spec spec = {.ops = &ops,
				 .arg = c,
				 .i = i,
				 .candidate = candidate,
				 .work = work};

	assert_int_equal(switchboard_begin(c->board, &spec), 0);
	free(candidate);
}

static void finish(struct crew *c)
{
	while (switchboard_hands(c->board))
		assert_int_equal(switchboard_step(c->board), 0);
}

/* No child of this process is left, not even a dead one. */
static void close_crew(struct crew *c)
{
	switchboard_close(c->board);
	model_close(c->model);
	for (size_t i = 0; i < HANDS; i++) {
		json_free(c->results[i]);
		free(c->trouble[i]);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* ---- what hands do ----------------------------------------------------- */

static int ask(model_carrier *carry, void *arg, struct json **answer)
{
	static const char text[] = "[{\"role\":\"user\",\"text\":\"q\"}]";
	struct json *messages = json_parse(text, strlen(text));
	struct model *m = model_through("m", carry, arg);
	struct model_request r = {
		.role = "coder", .messages = messages, .max_tokens = 10};
	int rc = model_ask(m, &r, answer);

	json_free(messages);
	model_close(m);
	return rc;
}

static struct json *say_rc(int rc)
{
	struct json *v = json_object();

	json_set_string(v, "errno", rc ? err_name(-rc) : "");
	json_set_string(v, "text", rc ? err_text() : "");
	return v;
}

static struct json *ask_thrice(void *arg, size_t i, struct hand *h)
{
	int rc = 0;

	(void)arg;
	(void)i;
	hand_say(h, "hello");
	for (int k = 0; !rc && k < 3; k++) {
		struct json *answer = NULL;

		rc = ask(hand_ask, h, &answer);
		if (!rc && strcmp(json_text_at(answer, "text"), "hello\n"))
			rc = err_set(EBADMSG, "another text");
		json_free(answer);
	}
	return say_rc(rc);
}

static struct json *die(void *arg, size_t i, struct hand *h)
{
	(void)arg;
	(void)i;
	(void)h;
	raise(SIGKILL);
	return NULL;
}

static struct json *climb(void *arg, size_t i, struct hand *h)
{
	struct ladder_gate g = hand_gate(h);
	int rc = ladder_enter(&g, i ? "twin" : "one");

	(void)arg;
	if (!rc) {
		usleep(1000);
		ladder_leave(&g);
		rc = ladder_enter(&g, "");
		ladder_leave(&g);
	}
	return say_rc(rc);
}

/* ---- tests ------------------------------------------------------------- */

static const char *error_of(const struct crew *c, size_t i)
{
	if (c->trouble[i])
		fail_msg("%s", c->trouble[i]);
	return json_text_at(c->results[i], "errno");
}

static void test_many_ask(void **state)
{
	struct crew c;

	(void)state;
	open_crew(&c, "command:echo hello");
	for (size_t i = 0; i < HANDS; i++)
		begin(&c, i, ask_thrice);
	finish(&c);
	assert_int_equal(c.ended, HANDS);
	assert_int_equal(c.answered, 3 * HANDS);
	for (size_t i = 0; i < HANDS; i++)
		assert_string_equal(error_of(&c, i), "");
	close_crew(&c);
}

static void test_a_hand_dies(void **state)
{
	struct crew c;

	(void)state;
	open_crew(&c, "command:echo hello");
	begin(&c, 0, die);
	begin(&c, 1, ask_thrice);
	finish(&c);
	assert_null(c.results[0]);
	assert_non_null(strstr(c.trouble[0], "signal 9"));
	assert_string_equal(error_of(&c, 1), "");
	close_crew(&c);
}

static void test_climbs(void **state)
{
	struct crew c;

	(void)state;
	open_crew(&c, "command:echo hello");
	begin(&c, 0, climb);
	begin(&c, 1, climb);
	finish(&c);
	assert_string_equal(error_of(&c, 0), "");
	assert_string_equal(error_of(&c, 1), "ECANCELED");
	assert_string_equal(json_text_at(c.results[1], "text"),
			    "there is one already");
	/* This process's own. */
	assert_int_equal(ladder_enter(switchboard_gate(c.board), ""), 0);
	ladder_leave(switchboard_gate(c.board));
	close_crew(&c);
}

static void test_one_is_stopped(void **state)
{
	double start = clock_monotonic();
	struct crew c;

	(void)state;
	open_crew(&c, "command:sleep 600");
	begin(&c, 0, ask_thrice);
	for (int i = 0; i < 3; i++)
		assert_int_equal(switchboard_step(c.board), 0);
	switchboard_stop(c.board, 0);
	finish(&c);
	assert_string_equal(error_of(&c, 0), "EINTR");
	assert_true(clock_monotonic() - start < PATIENCE_S);
	close_crew(&c);
}

static void test_all_are_stopped(void **state)
{
	double start = clock_monotonic();
	struct crew c;

	(void)state;
	open_crew(&c, "command:sleep 600");
	for (size_t i = 0; i < HANDS; i++)
		begin(&c, i, ask_thrice);
	alarm(1);
	finish(&c);
	for (size_t i = 0; i < HANDS; i++)
		assert_string_equal(error_of(&c, i), "EINTR");
	assert_true(clock_monotonic() - start < PATIENCE_S);
	close_crew(&c);
}

static void test_its_own_question(void **state)
{
	struct json *answer = NULL;
	struct crew c;

	(void)state;
	open_crew(&c, "command:echo hello");
	assert_string_equal(model_name(switchboard_model(c.board)), "echo");
	assert_true(switchboard_slots(c.board) == 1);
	struct model_request r = {.role = "planner", .max_tokens = 10};
	struct json *messages =
		json_parse("[{\"role\":\"user\",\"text\":\"q\"}]", 28);

	r.messages = messages;
	assert_int_equal(model_ask(switchboard_model(c.board), &r, &answer), 0);
	assert_string_equal(json_text_at(answer, "text"), "hello\n");
	json_free(answer);
	json_free(messages);
	assert_int_equal(c.answered, 0);
	close_crew(&c);
}

static void test_ask_model_dies(void **state)
{
	struct crew c;

	(void)state;
	open_crew(&c, "command:echo hello");
	kill(child_of_ours(), SIGKILL);
	begin(&c, 0, ask_thrice);
	begin(&c, 1, ask_thrice);
	finish(&c);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(error_of(&c, i), "EPIPE");
		assert_non_null(
			strstr(json_text_at(c.results[i], "text"), "signal 9"));
	}
	close_crew(&c);
}

/* Hands that nobody waited for. */
static void test_closed_early(void **state)
{
	double start = clock_monotonic();
	struct crew c;

	(void)state;
	open_crew(&c, "command:sleep 600");
	for (size_t i = 0; i < HANDS; i++)
		begin(&c, i, ask_thrice);
	assert_int_equal(switchboard_step(c.board), 0);
	close_crew(&c);
	assert_true(clock_monotonic() - start < PATIENCE_S);
}

/* ---- settings, and hands that are not as they should be ------------------ */

/* What runtime.json says; NULL: there is none. */
static void configure(const char *text)
{
	char *folder = mem_printf("%s/schedkit", home);
	char *path = mem_printf("%s/runtime.json", folder);
	FILE *f;

	if (text) {
		assert_true(!mkdir(folder, 0700) || errno == EEXIST);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	} else {
		unlink(path);
	}
	free(path);
	free(folder);
}

/* A draft that cannot be asked for is not silently done without the runtime. */
static void test_broken_settings(void **state)
{
	struct model_opts mo = {.backend = "command:echo hello"};
	struct switchboard_opts so = {.agent = "test", .run = "run"};
	struct switchboard *board = NULL;
	struct model *m;

	(void)state;
	assert_int_equal(model_open(&mo, &m), 0);
	so.model = m;
	configure("{\"policy\":\"lottery\"}");
	assert_int_equal(switchboard_open(&so, &board), -EINVAL);
	assert_non_null(strstr(err_text(), "lottery"));
	assert_null(board);
	configure(NULL);
	model_close(m);
	switchboard_close(NULL);
}

/* Where nothing can climb, that is said to all who want to. */
static void test_no_core_at_all(void **state)
{
	struct crew c;

	(void)state;
	configure("{\"workers\":[{\"name\":\"w\",\"kinds\":[\"guest\"]}]}");
	open_crew(&c, "command:echo hello");
	assert_int_equal(ladder_enter(switchboard_gate(c.board), ""), -ENODEV);
	begin(&c, 0, climb);
	begin(&c, 1, ask_thrice);
	finish(&c);
	assert_string_equal(error_of(&c, 0), "ECANCELED");
	assert_non_null(strstr(json_text_at(c.results[0], "text"),
			       "can never be carried out"));
	assert_string_equal(error_of(&c, 1), "");
	close_crew(&c);
	configure(NULL);
}

/* Who waits for the only core goes away without it when it is told to stop. */
static void test_stopped_while_it_waits_for_a_core(void **state)
{
	struct crew c;

	(void)state;
	configure("{\"workers\":[{\"name\":\"w\",\"kinds\":[\"sim\"],"
		  "\"capacity\":{\"cores\":1}}]}");
	open_crew(&c, "command:echo hello");
	assert_int_equal(ladder_enter(switchboard_gate(c.board), ""), 0);
	begin(&c, 0, climb);
	for (int i = 0; i < 5; i++)
		assert_int_equal(switchboard_step(c.board), 0);
	assert_int_equal(c.ended, 0);
	/* Nobody of that number, and twice is once. */
	switchboard_stop(c.board, 7);
	switchboard_stop(c.board, 0);
	switchboard_stop(c.board, 0);
	finish(&c);
	assert_string_equal(error_of(&c, 0), "EINTR");
	ladder_leave(switchboard_gate(c.board));
	/* It is free again, until all is to stop. */
	assert_int_equal(ladder_enter(switchboard_gate(c.board), ""), 0);
	ladder_leave(switchboard_gate(c.board));
	stop = 1;
	assert_int_equal(switchboard_step(c.board), 0);
	assert_int_equal(ladder_enter(switchboard_gate(c.board), ""), -EINTR);
	close_crew(&c);
	configure(NULL);
}

/* A hand's end of the socket, as hand_work_on() has it. */
static void write_raw(const char *text)
{
	if (write(3, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(9);
}

static struct json *talk_nonsense(void *arg, size_t i, struct hand *h)
{
	(void)arg;
	(void)h;
	write_raw(i ? "[1]\n" : "nonsense\n");
	pause();
	return NULL;
}

static struct json *talk_oddly(void *arg, size_t i, struct hand *h)
{
	(void)arg;
	(void)i;
	(void)h;
	write_raw("{\"leave\":true}\n{\"nothing\":1}\n"
		  "{\"result\":{\"errno\":\"\",\"text\":\"first\"}}\n");
	return say_rc(-EIO);
}

static struct json *leave_nothing(void *arg, size_t i, struct hand *h)
{
	(void)arg;
	(void)i;
	(void)h;
	return NULL;
}

static void test_hands_that_talk_nonsense(void **state)
{
	struct crew c;

	(void)state;
	open_crew(&c, "command:echo hello");
	begin(&c, 0, talk_nonsense);
	begin(&c, 1, talk_nonsense);
	begin(&c, 2, talk_oddly);
	begin(&c, 3, leave_nothing);
	begin(&c, 4, ask_thrice);
	finish(&c);
	for (size_t i = 0; i < 2; i++) {
		assert_null(c.results[i]);
		assert_non_null(strstr(c.trouble[i], "signal 9"));
	}
	/* The first thing that it says it has counts. */
	assert_string_equal(json_text_at(c.results[2], "text"), "first");
	assert_null(c.results[3]);
	assert_non_null(strstr(c.trouble[3], "status 0"));
	assert_string_equal(error_of(&c, 4), "");
	close_crew(&c);
}

/* One that asks for something and is gone before it is answered. */
static struct json *ask_and_go(void *arg, size_t i, struct hand *h)
{
	(void)arg;
	(void)i;
	(void)h;
	write_raw("{\"ask\":{\"role\":\"coder\",\"system\":\"\","
		  "\"messages\":[{\"role\":\"user\",\"text\":\"q\"}],"
		  "\"max_tokens\":10}}\n");
	raise(SIGKILL);
	return NULL;
}

/* Nothing of it is left that others would wait for. */
static void test_gone_before_the_answer(void **state)
{
	struct crew c;

	(void)state;
	open_crew(&c, "command:sh -c 'sleep 0.1; echo hello'");
	begin(&c, 0, ask_and_go);
	finish(&c);
	assert_non_null(strstr(c.trouble[0], "signal 9"));
	switchboard_settle(c.board);
	begin(&c, 1, ask_thrice);
	finish(&c);
	assert_string_equal(error_of(&c, 1), "");
	close_crew(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_ask),
		cmocka_unit_test(test_a_hand_dies),
		cmocka_unit_test(test_climbs),
		cmocka_unit_test(test_one_is_stopped),
		cmocka_unit_test(test_all_are_stopped),
		cmocka_unit_test(test_its_own_question),
		cmocka_unit_test(test_ask_model_dies),
		cmocka_unit_test(test_closed_early),
		cmocka_unit_test(test_broken_settings),
		cmocka_unit_test(test_no_core_at_all),
		cmocka_unit_test(test_stopped_while_it_waits_for_a_core),
		cmocka_unit_test(test_hands_that_talk_nonsense),
		cmocka_unit_test(test_gone_before_the_answer),
	};

	return cmocka_run_group_tests(tests, setup, home_remove);
}
