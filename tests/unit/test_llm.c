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
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "llm/address.h"
#include "llm/ask.h"
#include "llm/extract.h"
#include "llm/said.h"

/* ---- the JSON in a text ----------------------------------------------- */

static void holds(const char *text, const char *want)
{
	struct json *v = extract_json(text);
	char *got;

	if (!v)
		fail_msg("'%s': %s", text, err_text());
	got = json_canonical(v);
	assert_string_equal(got, want);
	free(got);
	json_free(v);
}

static void holds_none(const char *text, const char *words)
{
	assert_null(extract_json(text));
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in '%s'", words, err_text());
}

static void test_extract(void **state)
{
	(void)state;
	holds(" {\"a\":1}\n", "{\"a\":1}");
	holds("Here:\n```json\n{\"a\":1}\n```\nand {\"b\":2}", "{\"a\":1}");
	holds("```\nint f(void) { return 1; }\n```\n```\n{\"a\":1}\n```",
	      "{\"a\":1}");
	holds("I think {x} and then {\"a\":\"}{\\\"\"} done",
	      "{\"a\":\"}{\\\"\"}");
	holds("<think>{\"a\":0}</think>{\"a\":1}", "{\"a\":1}");
	holds("```json {\"a\":1}```", "{\"a\":1}");
	holds("{\"a\":1} That is my answer.", "{\"a\":1}");
	holds_none("", "empty");
	holds_none(" \n", "empty");
	holds_none("no", "no JSON object");
	holds_none("{\"a\":[1,2", "breaks off");
	holds_none("{\"a\":1,}", "the answer is no JSON: ");
}

/* Time does not explode with the number of braces. */
static void test_extract_bounds(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8 << 20);
	for (int i = 0; i < 1000000; i++)
		buf_puts(&b, "a{ ");
	holds_none(b.data, "no JSON object");
	buf_release(&b);
}

/* ---- addresses -------------------------------------------------------- */

static const char *const variables[] = {
	"SCHED_LLM",	      "SCHED_LLM_MODEL",       "SCHED_LLM_KEY",
	"SCHED_LLM_KEY_FILE", "OPENAI_API_KEY",	       "OPENAI_API_KEY_FILE",
	"ANTHROPIC_API_KEY",  "ANTHROPIC_API_KEY_FILE"};

static int clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
	secret_forget();
	return 0;
}

static void leads(const char *backend, const char *model,
		  enum address_kind kind, const char *where, const char *name)
{
	struct addresses a;

	if (addresses_read(backend, model, &a))
		fail_msg("%s: %s", backend, err_text());
	assert_int_equal(a.n, 1);
	assert_int_equal(a.v->kind, kind);
	assert_string_equal(a.v->where, where);
	if (name)
		assert_string_equal(a.v->model, name);
	else
		assert_null(a.v->model);
	addresses_release(&a);
}

static void leads_nowhere(const char *backend, const char *words)
{
	struct addresses a;

	assert_int_equal(addresses_read(backend, NULL, &a), -EINVAL);
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in '%s'", words, err_text());
}

static void test_address(void **state)
{
	(void)state;
	leads_nowhere(NULL, "SCHED_LLM");
	leads("http://127.0.0.1:8080/v1#qwen3", NULL, ADDRESS_OPENAI,
	      "http://127.0.0.1:8080/v1", "qwen3");
	leads("http://[::1]:8080/v1", NULL, ADDRESS_OPENAI,
	      "http://[::1]:8080/v1", NULL);
	leads("anthropic:http://localhost:1/#m", "mine", ADDRESS_ANTHROPIC,
	      "http://localhost:1/", "mine");
	leads("https://api.anthropic.com#m", NULL, ADDRESS_ANTHROPIC,
	      "https://api.anthropic.com", "m");
	leads("openai#gpt-x", NULL, ADDRESS_OPENAI, "https://api.openai.com/v1",
	      "gpt-x");
	leads("command:a b#c", NULL, ADDRESS_COMMAND, "a b#c", NULL);
	leads("replay:/x/y", NULL, ADDRESS_REPLAY, "/x/y", NULL);
	leads_nowhere("command:", "lacks what to run");
	leads_nowhere("replay", "lacks what to replay");
	leads_nowhere("gpt-5", "no backend");
	leads_nowhere("http://example.org/v1#m", "https");
	leads_nowhere("https://user:pass@example.org/v1#m", "password");
	leads_nowhere("ftp://127.0.0.1/#m", "ftp");
	leads("https://example.org/v1", NULL, ADDRESS_OPENAI,
	      "https://example.org/v1", NULL);
	/* Only this machine by its very name is this machine. */
	leads_nowhere("http://127.0.0.1.example.org/#m", "https");
	leads_nowhere("http://localhost.example.org/#m", "https");
	setenv("SCHED_LLM_MODEL", "other", 1);
	leads("https://example.org/v1", NULL, ADDRESS_OPENAI,
	      "https://example.org/v1", "other");
	leads("https://example.org/v1#m", NULL, ADDRESS_OPENAI,
	      "https://example.org/v1", "m");
}

static void test_backend_words(void **state)
{
	(void)state;
	setenv("SCHED_LLM", "http://127.0.0.1:1/v1#m", 1);
	leads(NULL, NULL, ADDRESS_OPENAI, "http://127.0.0.1:1/v1", "m");
	leads("anthropic", NULL, ADDRESS_ANTHROPIC, "http://127.0.0.1:1/v1",
	      "m");
	setenv("SCHED_LLM", "openai:http://127.0.0.1:1/v1#m", 1);
	leads("openai", NULL, ADDRESS_OPENAI, "http://127.0.0.1:1/v1", "m");
	leads_nowhere("anthropic", "SCHED_LLM names 'openai'");
	leads("command:x", NULL, ADDRESS_COMMAND, "x", NULL);
	setenv("SCHED_LLM", "", 1);
	leads("anthropic", "m", ADDRESS_ANTHROPIC, "https://api.anthropic.com",
	      "m");
}

#define NAME_50 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static void test_several(void **state)
{
	struct addresses a;

	(void)state;
	setenv("SCHED_LLM",
	       " http://127.0.0.1:1/v1#m;slots=2;rpm=3;itpm=4;otpm=5\n"
	       "anthropic:http://127.0.0.1:1;resume=turn\t"
	       "openai#gpt-x;name=far;key=MY_KEY command:a http://b/ ;c",
	       1);
	assert_int_equal(addresses_read(NULL, NULL, &a), 0);
	assert_int_equal(a.n, 4);
	assert_string_equal(a.v[0].model, "m");
	assert_string_equal(a.v[0].name, "127.0.0.1:1");
	assert_int_equal(a.v[0].slots, 2);
	assert_int_equal(a.v[0].requests_min, 3);
	assert_int_equal(a.v[0].tokens_in_min, 4);
	assert_int_equal(a.v[0].tokens_out_min, 5);
	assert_int_equal(a.v[0].resume, -1);
	assert_string_equal(a.v[1].name, "127.0.0.1:1/2");
	assert_int_equal(a.v[1].kind, ADDRESS_ANTHROPIC);
	assert_int_equal(a.v[1].resume, LLM_RESUME_TURN);
	assert_string_equal(a.v[2].name, "far");
	assert_string_equal(a.v[2].key, "MY_KEY");
	assert_string_equal(a.v[2].where, "https://api.openai.com/v1");
	/* A command may have anything behind it. */
	assert_string_equal(a.v[3].where, "a http://b/ ;c");
	addresses_release(&a);
	leads_nowhere("http://127.0.0.1:1/v1;slots=0", "slots=0");
	leads_nowhere("http://127.0.0.1:1/v1;resume=later", "resume=later");
	leads_nowhere("http://127.0.0.1:1/v1;name=", "name=");
	leads_nowhere("http://127.0.0.1:1/v1;name=a\x1b[31m", "name=");
	leads_nowhere("http://127.0.0.1:1/v1;name=a\xff", "name=");
	leads_nowhere("http://127.0.0.1:1/v1;name=" NAME_50 NAME_50 "n",
		      "name=");
	leads_nowhere("http://127.0.0.1:1/v1;speed=9", "rpm=N");
	leads_nowhere("http://127.0.0.1:1/v1 gpt-5", "no backend");
	leads_nowhere(" ", "no model");
}

/* The key that an address gets; NULL: none. */
static void gets_key(const char *backend, const char *want)
{
	const struct secret *s = NULL;
	struct addresses a;

	assert_int_equal(addresses_read(backend, "m", &a), 0);
	if (address_key(a.v, a.n == 1, &s))
		fail_msg("%s: %s", backend, err_text());
	if (want)
		assert_string_equal(s->value, want);
	else
		assert_null(s);
	addresses_release(&a);
}

static void test_keys(void **state)
{
	const struct secret *s;
	struct addresses a;

	(void)state;
	gets_key("http://127.0.0.1:1/", NULL);
	assert_int_equal(addresses_read("openai", "m", &a), 0);
	assert_int_equal(address_key(a.v, true, &s), -ENOKEY);
	assert_non_null(strstr(err_text(), "OPENAI_API_KEY_FILE"));
	addresses_release(&a);
	setenv("OPENAI_API_KEY", "openai-key-1", 1);
	setenv("ANTHROPIC_API_KEY", "anthropic-key-1", 1);
	gets_key("openai", "openai-key-1");
	gets_key("anthropic", "anthropic-key-1");
	/* A vendor's key goes to that vendor and nowhere else. */
	gets_key("http://127.0.0.1:1/", NULL);
	gets_key("https://example.org/", NULL);
	gets_key("https://api.openai.com.example.org/", NULL);
	gets_key("openai:https://api.anthropic.com/v1", "anthropic-key-1");
	gets_key("https://api.openai.com:8443/v1", NULL);
	setenv("SCHED_LLM_KEY", "general-key", 1);
	gets_key("http://127.0.0.1:1/", "general-key");
	gets_key("openai", "general-key");
}

/* ---- the ladder ------------------------------------------------------- */

struct fake {
	struct provider base;
	const char *script[8]; /* an answer for each call */
	enum llm_finish finish[8];
	int rc[8];
	enum llm_shape shapes[8]; /* as they were asked for */
	char *last[8];		  /* the last message's text */
	size_t n;
	bool refuse[SHAPE_COUNT];
	bool tells_nothing; /* no usage */
};

static int fake_call(struct provider *p, const struct llm_request *r,
		     enum llm_shape shape, struct llm_answer *out)
{
	struct fake *f = (struct fake *)p;
	size_t i = f->n, k = json_len(r->messages);

	*out = (struct llm_answer){.cost_usd = -1};
	if (f->refuse[shape])
		return err_set(EOPNOTSUPP, "shape %d", (int)shape);
	assert_true(i < ARRAY_LEN(f->script));
	f->shapes[i] = shape;
	f->last[i] = mem_strdup(json_as_string(
		json_get(json_at(r->messages, k - 1), "text"), ""));
	f->n++;
	if (!f->tells_nothing)
		out->usage = (struct llm_usage){.in = 10, .out = 5};
	out->attempts = 1;
	out->finish = f->finish[i];
	if (f->rc[i])
		return err_set(-f->rc[i], "as told");
	out->text = mem_strdup(f->script[i] ? f->script[i] : "");
	out->calls = json_array();
	return 0;
}

static void fake_free(struct provider *p)
{
	struct fake *f = (struct fake *)p;

	for (size_t i = 0; i < f->n; i++) {
		free(f->last[i]);
		f->last[i] = NULL;
	}
}

static const struct provider_ops fake_ops = {.call = fake_call,
					     .free = fake_free};

static struct llm *over(struct fake *f)
{
	f->base = (struct provider){
		.ops = &fake_ops, .name = (char *)"fake", .model = (char *)"m"};
	return llm_with(&f->base, "openai", NULL, NULL);
}

static struct json *parse(const char *text)
{
	return json_parse(text, strlen(text));
}

static const char schema_text[] =
	"{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{"
	"\"type\":\"integer\"}}}";

static int ask_now(struct llm *l, const struct llm_request *r,
		   struct llm_answer *a)
{
	struct llm_call *c;
	int rc = llm_start(l, r, NULL, &c);

	if (rc)
		return rc;
	while (!llm_done(c))
		llm_step(l, 3600, NULL, 0);
	return llm_take(c, a);
}

/* Asks with the schema; *a is the caller's. */
static int ask(struct llm *l, struct llm_answer *a)
{
	struct json *messages = parse("[{\"role\":\"user\",\"text\":\"q\"}]");
	struct json *schema = parse(schema_text);
	struct llm_request r = {.role = "planner",
				.messages = messages,
				.schema = schema,
				.max_tokens = 100};
	int rc = ask_now(l, &r, a);

	json_free(messages);
	json_free(schema);
	return rc;
}

static void test_ladder(void **state)
{
	struct fake f = {
		.script = {"{\"a\":1}", "{\"a\":2}"},
		.refuse = {[SHAPE_STRICT] = true, [SHAPE_CALL] = true}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), 0);
	assert_int_equal(f.shapes[0], SHAPE_JSON);
	assert_true(json_as_number(json_get(a.value, "a"), 0) == 1);
	assert_int_equal(a.usage.in, 10);
	llm_answer_release(&a);
	/* What was refused is not tried again, though it would be taken. */
	memset(f.refuse, 0, sizeof(f.refuse));
	assert_int_equal(ask(l, &a), 0);
	assert_int_equal(f.shapes[1], SHAPE_JSON);
	llm_answer_release(&a);
	llm_close(l);
}

static void test_no_figures(void **state)
{
	struct fake f = {.script = {"{\"a\":1234567}"}, .tells_nothing = true};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), 0);
	assert_true(a.estimated);
	assert_true(a.usage.in > 10);
	assert_int_equal(a.usage.out, 4);
	llm_answer_release(&a);
	llm_close(l);
}

static void test_ladder_ends(void **state)
{
	struct fake f = {.refuse = {true, true, true, true}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), -EINVAL);
	llm_answer_release(&a);
	llm_close(l);
}

static void test_repair(void **state)
{
	struct fake f = {.script = {"{\"a\":\"uno\"}", "So: {\"a\":1}"}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), 0);
	assert_int_equal(f.n, 2);
	assert_non_null(strstr(f.last[1], "$.a: is a string"));
	/* The answer itself stands in the message before. */
	assert_null(strstr(f.last[1], "uno"));
	assert_int_equal(a.usage.in, 20);
	assert_int_equal(a.usage.out, 10);
	assert_int_equal(a.attempts, 2);
	llm_answer_release(&a);
	llm_close(l);
}

static void test_repair_once(void **state)
{
	struct fake f = {.script = {"no", "no", "{\"a\":1}"}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), -EBADMSG);
	assert_int_equal(f.n, 2);
	assert_null(a.value);
	assert_int_equal(a.usage.out, 10);
	llm_answer_release(&a);
	llm_close(l);
}

static void test_cut_off_and_refused(void **state)
{
	struct fake f = {.script = {"{\"a\":1", "I cannot do that"},
			 .finish = {LLM_LENGTH, LLM_REFUSED}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), -EBADMSG);
	assert_non_null(strstr(err_text(), "100 tokens"));
	llm_answer_release(&a);
	assert_int_equal(ask(l, &a), -EBADMSG);
	assert_non_null(strstr(err_text(), "I cannot do that"));
	llm_answer_release(&a);
	assert_int_equal(f.n, 2);
	llm_close(l);
}

/* Under a schema it is worth a turn of repair, as free text it is none. */
static void test_empty(void **state)
{
	struct json *messages = parse("[{\"role\":\"user\",\"text\":\"q\"}]");
	struct llm_request r = {
		.role = "coder", .messages = messages, .max_tokens = 100};
	struct fake f = {.script = {"", "", "", "{\"a\":1}"},
			 .finish = {LLM_STOP, LLM_LENGTH}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask_now(l, &r, &a), -EBADMSG);
	assert_non_null(strstr(err_text(), "empty"));
	llm_answer_release(&a);
	assert_int_equal(ask_now(l, &r, &a), 0);
	assert_int_equal(a.finish, LLM_LENGTH);
	llm_answer_release(&a);
	assert_int_equal(f.n, 2);
	assert_int_equal(ask(l, &a), 0);
	assert_int_equal(f.n, 4);
	llm_answer_release(&a);
	llm_close(l);
	json_free(messages);
}

static void test_errors_pass(void **state)
{
	struct fake f = {.rc = {-EAGAIN}};
	struct llm *l = over(&f);
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask(l, &a), -EAGAIN);
	assert_string_equal(err_text(), "as told");
	/* It was billed all the same. */
	assert_int_equal(a.usage.in, 10);
	llm_answer_release(&a);
	llm_close(l);
}

/* An endpoint that echoes the key gets it nowhere. */
static void test_echoed_key(void **state)
{
	struct fake f = {.script = {"{\"a\":1,\"k\":\"planted-key-77\"}"}};
	struct llm *l = over(&f);
	struct llm_answer a;
	char *text;

	(void)state;
	assert_int_equal(secret_learn("K", "planted-key-77", 14, NULL), 0);
	assert_int_equal(ask(l, &a), 0);
	assert_null(strstr(a.text, "planted"));
	text = json_canonical(a.value);
	assert_null(strstr(text, "planted"));
	free(text);
	llm_answer_release(&a);
	llm_close(l);
}

/* Calls are told apart, and one that nobody waits for is over all the same. */
static void test_together(void **state)
{
	struct json *messages = parse("[{\"role\":\"user\",\"text\":\"q\"}]");
	struct llm_request r = {
		.role = "coder", .messages = messages, .max_tokens = 100};
	struct llm_call_opts o = {.endpoint = "elsewhere"};
	struct fake f = {.script = {"one", "two", "three"}};
	struct llm *l = over(&f);
	struct llm_call *a, *b, *c;
	struct llm_answer answer;

	(void)state;
	assert_int_equal(llm_start(l, &r, &o, &a), -ENOENT);
	assert_int_equal(llm_start(l, &r, NULL, &a), 0);
	assert_int_equal(llm_start(l, &r, NULL, &b), 0);
	assert_int_equal(llm_start(l, &r, NULL, &c), 0);
	llm_cancel(b);
	assert_int_equal(llm_step(l, 60, NULL, 0), 1);
	assert_int_equal(llm_step(l, 60, NULL, 0), 0);
	assert_int_equal(llm_take(c, &answer), 0);
	assert_string_equal(answer.text, "two");
	llm_answer_release(&answer);
	assert_int_equal(llm_take(b, &answer), -ECANCELED);
	llm_answer_release(&answer);
	assert_int_equal(llm_take(a, &answer), 0);
	assert_string_equal(answer.text, "one");
	llm_answer_release(&answer);
	assert_int_equal(llm_start(l, &r, NULL, &a), 0);
	llm_close(l);
	json_free(messages);
}

static void test_bad_schema(void **state)
{
	struct fake f = {0};
	struct llm *l = over(&f);
	struct json *schema = parse("{\"format\":\"uri\"}");
	struct llm_request r = {.role = "planner", .schema = schema};
	struct llm_answer a;

	(void)state;
	assert_int_equal(ask_now(l, &r, &a), -ENOTSUP);
	assert_non_null(strstr(err_text(), "planner"));
	json_free(schema);
	llm_close(l);
}

/* ---- what programs say ------------------------------------------------ */

static void test_claude(void **state)
{
	static const char good[] =
		"{\"type\":\"result\",\"is_error\":false,\"result\":\"hi\","
		"\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":20,"
		"\"cache_creation_input_tokens\":100,\"output_tokens\":7}}";
	static const char bad[] = "{\"is_error\":true,\"result\":\"no\"}";
	struct llm_answer a = {.estimated = true};

	(void)state;
	assert_int_equal(said_read(SAID_CLAUDE, good, strlen(good), &a), 0);
	assert_string_equal(a.text, "hi");
	assert_int_equal(a.usage.in, 123);
	assert_int_equal(a.usage.cached, 20);
	assert_false(a.estimated);
	assert_int_equal(said_read(SAID_CLAUDE, bad, strlen(bad), &a), -EIO);
	assert_int_equal(said_read(SAID_CLAUDE, "x", 1, &a), -EBADMSG);
	llm_answer_release(&a);
}

static void test_opencode(void **state)
{
	static const char good[] =
		"{\"type\":\"step_start\"}\nnoise\n"
		"{\"type\":\"text\",\"part\":{\"text\":\"hi \"}}\n"
		"{\"type\":\"text\",\"part\":{\"text\":\"there\"}}\n"
		"{\"type\":\"step_finish\",\"part\":{\"tokens\":{\"input\":3,"
		"\"output\":4,\"cache\":{\"read\":5}}}}";
	struct llm_answer a = {.estimated = true, .usage = {.in = 99}};

	(void)state;
	assert_int_equal(said_read(SAID_OPENCODE, good, strlen(good), &a), 0);
	assert_string_equal(a.text, "hi there");
	assert_int_equal(a.usage.in, 8);
	assert_int_equal(a.usage.out, 4);
	assert_int_equal(said_read(SAID_OPENCODE, "{}", 2, &a), -EBADMSG);
	llm_answer_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_extract_bounds),
		cmocka_unit_test_setup(test_address, clean),
		cmocka_unit_test_setup(test_backend_words, clean),
		cmocka_unit_test_setup(test_several, clean),
		cmocka_unit_test_setup_teardown(test_keys, clean, clean),
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_no_figures),
		cmocka_unit_test(test_ladder_ends),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_repair_once),
		cmocka_unit_test(test_cut_off_and_refused),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_errors_pass),
		cmocka_unit_test(test_echoed_key),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_bad_schema),
		cmocka_unit_test(test_claude),
		cmocka_unit_test(test_opencode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
