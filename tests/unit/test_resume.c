/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/record.h"
#include "llm/resume.h"
#include "llm/secret.h"

/* More than is repeated. */
#define LONG                                                                   \
	"The queue is long, and whoever waits in it waits for those who came " \
	"before; that is what makes it a queue, and no other thing at all."

static struct resume at(const char *text, bool trim)
{
	return (struct resume){.text = mem_strdup(text), .trim = trim};
}

/* text, came and what they are together; NULL: they do not fit. */
static void joins(enum llm_resume means, bool trim, const char *text,
		  const char *came, const char *want)
{
	struct resume f = at(text, trim);
	struct buf b;
	int rc;

	buf_init(&b, 4096);
	buf_puts(&b, came);
	rc = resume_join(&f, means, false, &b);
	assert_int_equal(rc, want ? 0 : -EBADMSG);
	if (want)
		assert_string_equal(b.len ? b.data : "", want);
	buf_release(&b);
	resume_release(&f);
}

static void test_continue(void **state)
{
	(void)state;
	joins(LLM_RESUME_CONTINUE, false, "one ", "two", "one two");
	joins(LLM_RESUME_SLOT, false, "aaa", "aaa", "aaaaaa");
	joins(LLM_RESUME_CONTINUE, false, "all", "", "all");
	/* The space was not shown: it is said again, in part, or not. */
	joins(LLM_RESUME_CONTINUE, true, "one \n", " \ntwo", "one \ntwo");
	joins(LLM_RESUME_CONTINUE, true, "one \n", " two", "one \ntwo");
	joins(LLM_RESUME_CONTINUE, true, "one ", "two", "one two");
	joins(LLM_RESUME_NONE, false, "one ", "anew", "anew");
}

static void test_turn(void **state)
{
	const char *tail = LONG + strlen(LONG) - 100;

	(void)state;
	joins(LLM_RESUME_TURN, false, "a queue", "a queue is", "a queue is");
	/* All of it is repeated, since it is short. */
	joins(LLM_RESUME_TURN, false, "a queue", "queue is", NULL);
	joins(LLM_RESUME_TURN, false, "aaaa", "aaaaaaaa", "aaaaaaaa");
	/* Further back than asked for, and from the beginning. */
	joins(LLM_RESUME_TURN, false, LONG, LONG " So.", LONG " So.");
	joins(LLM_RESUME_TURN, false, LONG, tail, LONG);
	/* A gap, or a comment: nobody knows. */
	joins(LLM_RESUME_TURN, false, LONG, " So it is.", NULL);
	joins(LLM_RESUME_TURN, false, LONG, "Sure: " LONG, NULL);
	joins(LLM_RESUME_TURN, false, LONG, "", NULL);
}

/* Cut once more before it came to anything new, nothing is lost. */
static void test_cut_again(void **state)
{
	struct resume f = at(LONG, false);
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	buf_puts(&b, "no other th");
	assert_int_equal(resume_join(&f, LLM_RESUME_TURN, true, &b), 0);
	assert_string_equal(b.data, LONG);
	buf_release(&b);
	buf_init(&b, strlen(LONG) + 1);
	buf_puts(&b, "ab");
	assert_int_equal(resume_join(&f, LLM_RESUME_CONTINUE, true, &b),
			 -EMSGSIZE);
	buf_release(&b);
	resume_release(&f);
}

static struct json *parse(const char *text)
{
	return json_parse(text, strlen(text));
}

static void test_json(void **state)
{
	struct json *messages = parse("[{\"role\":\"user\",\"text\":\"q\"}]");
	struct llm_request r = {.role = "coder", .messages = messages};
	struct llm_request other = {.role = "planner", .messages = messages};
	struct json *v;
	struct resume f, g;

	(void)state;
	v = json_object();
	assert_int_equal(resume_read(v, &r, &f), -EINVAL);
	json_free(v);
	f = at("said \"so\"\n", false);
	f.tokens = 4;
	f.slot = resume_slot("0123456789abcdef0123456789abcdef");
	f.costs.usage.in = 7;
	f.costs.cost_usd = -1;
	record_digest(&r, f.digest);
	v = resume_json(&f);
	assert_int_equal(resume_read(v, &other, &g), -EINVAL);
	assert_int_equal(resume_read(v, &r, &g), 0);
	assert_string_equal(g.text, f.text);
	assert_string_equal(g.slot, f.slot);
	assert_int_equal(g.tokens, 4);
	assert_int_equal(g.costs.usage.in, 7);
	assert_true(g.costs.cost_usd < 0);
	assert_null(g.wrong);
	resume_release(&g);
	/* What nobody has suspended: another's file, time that runs back. */
	json_set_number(v, "seconds", -1e308);
	assert_int_equal(resume_read(v, &r, &g), 0);
	assert_true(g.costs.seconds == 0);
	resume_release(&g);
	json_set_string(v, "slot", "../0123456789abcdef0123456789abcdef.bin");
	assert_int_equal(resume_read(v, &r, &g), -EINVAL);
	json_set_string(v, "slot", "schedkit-0123456789abcdef.bin");
	assert_int_equal(resume_read(v, &r, &g), -EINVAL);
	json_set_number(v, "slot", 1);
	assert_int_equal(resume_read(v, &r, &g), -EINVAL);
	json_free(v);
	resume_release(&f);
	json_free(messages);
}

static void test_request(void **state)
{
	struct json *messages = parse("[{\"role\":\"user\",\"text\":\"q\"}]");
	struct llm_request r = {.messages = messages, .max_tokens = 10}, out;
	struct resume f = at("so \n", true);
	struct json *m;

	(void)state;
	f.tokens = 4;
	resume_request(&f, LLM_RESUME_CONTINUE, &r, &out, &m);
	assert_int_equal(json_len(m), 2);
	assert_string_equal(json_text_at(m, "1.text"), "so");
	assert_string_equal(json_text_at(m, "1.role"), "assistant");
	assert_int_equal(out.max_tokens, 8);
	json_free(m);
	resume_request(&f, LLM_RESUME_TURN, &r, &out, &m);
	assert_int_equal(json_len(m), 3);
	assert_non_null(strstr(json_text_at(m, "2.text"), "<<<so \n>>>"));
	json_free(m);
	resume_release(&f);
	json_free(messages);
}

/* What may become a key when more comes does not leave. */
static void test_hold_back(void **state)
{
	struct buf b;

	(void)state;
	assert_int_equal(secret_learn("K", "planted-key-77", 14, NULL), 0);
	buf_init(&b, 100);
	buf_puts(&b, "it is planted-ke");
	resume_hold_back(&b);
	assert_string_equal(b.data, "it is ");
	resume_hold_back(&b);
	assert_string_equal(b.data, "it is ");
	buf_release(&b);
	secret_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_cut_again),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_hold_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
