/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front, and a hand that says what it should not, or is gone. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agents/steward/parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"

static struct temp temp;
static struct steward_config cfg;
static char *jobs;
static const struct mcp_who who = {.principal = "stdio"};

struct bench {
	struct steward *s;
	int hand; /* its end */
	int told, tasks;
	int status;
	char words[256], out[64];
};

static void on_done(void *arg, const struct steward_ended *e)
{
	struct bench *b = arg;

	b->told++;
	b->status = e->exit_status;
	snprintf(b->words, sizeof(b->words), "%s", e->words);
	snprintf(b->out, sizeof(b->out), "%s", e->out);
	assert_int_equal(strlen(e->out), e->out_len);
}

static void on_task(void *arg, const struct mcp_task *t)
{
	struct bench *b = arg;

	(void)t;
	b->tasks++;
}

static void begin(struct bench *b)
{
	struct steward_opts o = {
		.config = &cfg, .task_changed = on_task, .arg = b};
	int pair[2];

	*b = (struct bench){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	o.hand = pair[1];
	b->hand = pair[0];
	fcntl(b->hand, F_SETFL, O_NONBLOCK);
	b->s = steward_open(&o);
}

static void end(struct bench *b)
{
	if (b->hand >= 0)
		close(b->hand);
	steward_close(b->s);
}

/* What the front said to the hand; "" nothing. */
static const char *heard(struct bench *b)
{
	static char text[4096];
	ssize_t n = read(b->hand, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Single quotes are double ones; it is heard at once. */
static void say(struct bench *b, const char *line)
{
	char *text = mem_printf("%s\n", line);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	assert_int_equal(write(b->hand, text, strlen(text)),
			 (ssize_t)strlen(text));
	free(text);
	assert_int_equal(steward_tick(b->s, 1), 0);
}

static int ask(struct bench *b, const char *tool, const char *args)
{
	struct json *v = json_parse(args, strlen(args));
	int rc = steward_ask(b->s, &who, tool, v, on_done, b);

	json_free(v);
	return rc;
}

static void put(const char *id, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s/%s", jobs, id, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

/* Begun and not ended: with a lock that this process has. */
static int make(char id[static STEWARD_JOB_LEN])
{
	char *dir, *path;
	int fd;

	steward_job_name(id);
	dir = mem_printf("%s/%s", jobs, id);
	path = mem_printf("%s/lock", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	put(id, "order",
	    "{\"tool\":\"doctor\",\"client\":\"stdio\",\"created\":1}");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	free(path);
	free(dir);
	return fd;
}

static void named(struct bench *b, const char *what, const char *id)
{
	char *line = mem_printf("{%s'%s'}", what, id);

	say(b, line);
	free(line);
}

/* ---- an order -------------------------------------------------------------
 */

static void an_order_from_end_to_end(void **state)
{
	char id[STEWARD_JOB_LEN];
	struct bench b;
	int lock;

	(void)state;
	begin(&b);
	assert_int_equal(ask(&b, "doctor", "{}"), 0);
	assert_string_equal(heard(&b), "{\"arguments\":{},\"client\":\"stdio\","
				       "\"do\":\"run\",\"n\":1,\"tool\":"
				       "\"doctor\"}\n");
	lock = make(id);
	named(&b, "'n':1,'job':", id);
	assert_int_equal(b.told, 0);
	/* Of another, and of none. */
	say(&b, "{'ended':'00112233445566778899aabbccddeeff'}");
	say(&b, "{'ended':'../../x'}");
	named(&b, "'ended':", id);
	assert_int_equal(b.told, 0);
	put(id, "out.jsonl", "out\n");
	put(id, "err", "one\nlast\n");
	put(id, "status", "{\"exit_status\":3}");
	close(lock);
	named(&b, "'ended':", id);
	assert_int_equal(b.told, 1);
	assert_int_equal(b.status, 3);
	assert_string_equal(b.words, "last");
	assert_string_equal(b.out, "out\n");
	/* It is told once. */
	named(&b, "'ended':", id);
	assert_int_equal(steward_tick(b.s, 2), 0);
	assert_int_equal(b.told, 1);
	end(&b);
}

/* Without a word of the hand's an end is seen within a second. */
static void an_end_that_nobody_tells_of(void **state)
{
	char id[STEWARD_JOB_LEN];
	struct bench b;
	int lock;

	(void)state;
	begin(&b);
	assert_int_equal(ask(&b, "doctor", "{}"), 0);
	lock = make(id);
	named(&b, "'n':1,'job':", id);
	assert_int_equal(steward_tick(b.s, 2), 0);
	assert_int_equal(b.told, 0);
	/* Who looked after it was killed. */
	close(lock);
	assert_int_equal(steward_tick(b.s, 3), 0);
	assert_int_equal(b.told, 1);
	assert_int_equal(b.status, -1);
	end(&b);
}

static void what_is_refused_and_what_is_gone(void **state)
{
	char id[STEWARD_JOB_LEN];
	struct bench b;
	char *path;
	int lock;

	(void)state;
	begin(&b);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(&b, "doctor", "{}"), 0);
	/* Numbers that nobody has, and what is no answer at all. */
	say(&b, "{'n':99,'error':'EIO','text':'no'}");
	say(&b, "{'n':-1,'text':'no'}");
	say(&b, "garbage");
	say(&b, "");
	say(&b, "[1]");
	assert_int_equal(b.told, 0);
	say(&b, "{'n':2,'error':'EAGAIN','text':'too many'}");
	assert_int_equal(b.told, 1);
	assert_int_equal(b.status, -1);
	assert_string_equal(b.words, "too many");
	/* Said again, it is nobody's. */
	say(&b, "{'n':2,'error':'EAGAIN','text':'too many'}");
	assert_int_equal(b.told, 1);
	say(&b, "{'n':3,'job':'00112233445566778899aabbccddeeff'}");
	assert_int_equal(b.told, 2);
	assert_non_null(strstr(b.words, "no such job"));
	say(&b, "{'n':4,'job':'../x'}");
	assert_int_equal(b.told, 3);
	/* One whose folder goes while it is waited for. */
	lock = make(id);
	named(&b, "'n':1,'job':", id);
	path = mem_printf("%s/%s/order", jobs, id);
	unlink(path);
	free(path);
	assert_int_equal(steward_tick(b.s, 2), 0);
	assert_int_equal(b.told, 4);
	assert_string_equal(b.words, "the job is gone");
	close(lock);
	end(&b);
}

/* What nobody wants any more ends, whether the hand had named it or not. */
static void what_is_forgotten_ends(void **state)
{
	char id[2][STEWARD_JOB_LEN];
	struct bench b;
	int lock[2];

	(void)state;
	begin(&b);
	assert_int_equal(ask(&b, "doctor", "{}"), 0);
	assert_int_equal(ask(&b, "status", "{}"), 0);
	heard(&b);
	for (int i = 0; i < 2; i++)
		lock[i] = make(id[i]);
	named(&b, "'n':1,'job':", id[0]);
	steward_forget(b.s, &id);
	assert_string_equal(heard(&b), "");
	steward_forget(b.s, &b);
	assert_non_null(strstr(heard(&b), id[0]));
	named(&b, "'n':2,'job':", id[1]);
	assert_non_null(strstr(heard(&b), id[1]));
	for (int i = 0; i < 2; i++) {
		put(id[i], "status", "{\"exit_status\":0}");
		close(lock[i]);
		named(&b, "'ended':", id[i]);
	}
	assert_int_equal(b.told, 0);
	end(&b);
}

/* ---- before the hand ------------------------------------------------------
 */

static void what_is_not_even_asked(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	assert_int_equal(ask(&b, "juggle", "{}"), -ENOENT);
	assert_int_equal(ask(&b, "history_show", "{}"), -EINVAL);
	assert_int_equal(ask(&b, "job", "{}"), -EINVAL);
	assert_non_null(strstr(err_text(), "runs nothing"));
	assert_int_equal(ask(&b, "deploy", "{}"), -EACCES);
	assert_string_equal(heard(&b), "");
	/* Words go by a file, and not into the order. */
	assert_int_equal(ask(&b, "intents",
			     "{\"action\":\"propose\",\"wish\":\"EVIL\"}"),
			 0);
	{
		const char *line = heard(&b);
		struct json *v = json_parse(line, strlen(line));
		char *path = mem_printf("%s/%s", b.s->texts,
					json_text_at(v, "words"));
		struct strs words = {0};

		assert_null(strstr(line, "EVIL"));
		assert_int_equal(steward_words_read(path, &words), 0);
		assert_string_equal(words.v[0], "EVIL");
		strs_release(&words);
		free(path);
		json_free(v);
	}
	end(&b);
}

static void a_hand_that_is_gone(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	assert_int_equal(ask(&b, "doctor", "{}"), 0);
	close(b.hand);
	b.hand = -1;
	assert_int_equal(steward_tick(b.s, 1), -EPIPE);
	assert_int_equal(ask(&b, "doctor", "{}"), -EPIPE);
	assert_non_null(strstr(err_text(), "is gone"));
	/* It stays so. */
	assert_int_equal(steward_tick(b.s, 2), -EPIPE);
	end(&b);
}

/* No line is as long: who says one is not the hand any more. */
static void a_line_without_an_end(void **state)
{
	char chunk[4096];
	struct bench b;
	int rc = 0;
	size_t said = 0;

	(void)state;
	begin(&b);
	memset(chunk, 'x', sizeof(chunk));
	for (; !rc && said < 64u << 20; said += sizeof(chunk)) {
		assert_int_equal(write(b.hand, chunk, sizeof(chunk)),
				 sizeof(chunk));
		rc = steward_tick(b.s, 1);
	}
	assert_int_equal(rc, -EPIPE);
	end(&b);
}

/* ---- around ---------------------------------------------------------------
 */

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (temp_make("/tmp", "schedkit-run.", &temp))
		return -1;
	setenv("XDG_STATE_HOME", temp.dir, 1);
	setenv("XDG_CONFIG_HOME", temp.dir, 1);
	setenv("SCHEDKIT_RUN", temp.dir, 1);
	jobs = steward_jobs_dir();
	steward_config_init(&cfg);
	return steward_dirs_make();
}

static int tear_down(void **state)
{
	(void)state;
	steward_config_release(&cfg);
	free(jobs);
	temp_remove(&temp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_from_end_to_end),
		cmocka_unit_test(an_end_that_nobody_tells_of),
		cmocka_unit_test(what_is_refused_and_what_is_gone),
		cmocka_unit_test(what_is_forgotten_ends),
		cmocka_unit_test(what_is_not_even_asked),
		cmocka_unit_test(a_hand_that_is_gone),
		cmocka_unit_test(a_line_without_an_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
