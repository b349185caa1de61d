/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tools do. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/external/mcp-fixture.h"

/* ---- results ------------------------------------------------------------ */

struct json *block_text(const char *text)
{
	struct json *b = json_object();

	json_set_string(b, "type", "text");
	json_set_string(b, "text", text);
	return b;
}

struct json *block_of(const char *type, const char *data, const char *mime)
{
	return parse("{\"type\":\"%s\",\"data\":\"%s\",\"mimeType\":\"%s\"}",
		     type, data, mime);
}

struct json *block_resource(const char *uri, const char *mime, const char *text)
{
	struct json *b = parse("{\"type\":\"resource\",\"resource\":{}}");
	struct json *r = json_object();

	json_set_string(r, "uri", uri);
	json_set_string(r, "mimeType", mime);
	json_set_string(r, "text", text);
	json_set(b, "resource", r);
	return b;
}

struct json *result_of(struct json *block)
{
	struct json *r = json_object();

	json_add(json_set(r, "content", json_array()), block);
	return r;
}

struct json *result_text(const char *fmt, ...)
{
	char *text = NULL;
	struct json *r;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	r = result_of(block_text(text ? text : ""));
	free(text);
	return r;
}

static double number_of(const struct mcp_call *c, const char *key)
{
	return json_as_number(json_get(mcp_call_arguments(c), key), 0);
}

/* ---- what takes a while ------------------------------------------------- */

struct job {
	struct fixture *f;
	struct mcp_call *c;
	struct event_timer *timer;
	/* Seconds until the next step; below 0: it has answered. */
	double (*step)(struct job *j, int n);
	int n;
};

static void on_step(void *arg)
{
	struct job *j = arg;
	double next = j->step(j, j->n++);

	if (next >= 0) {
		event_timer_set(j->timer, next);
		return;
	}
	j->f->working--;
	event_timer_free(j->timer);
	free(j);
}

static void begin(struct fixture *f, struct mcp_call *c, double in_s,
		  double (*step)(struct job *j, int n))
{
	struct job *j = mem_zalloc(1, sizeof(*j));

	*j = (struct job){.f = f, .c = c, .step = step};
	j->timer = event_timer_new(f->events, on_step, j);
	event_timer_set(j->timer, in_s);
	mcp_call_set_data(c, j);
	f->working++;
}

void tool_cancel(struct fixture *f, struct mcp_call *c)
{
	struct job *j = mcp_call_data(c);

	f->cancelled++;
	if (!j)
		return;
	f->working--;
	event_timer_free(j->timer);
	free(j);
}

static double step_log(struct job *j, int n)
{
	static const char *const said[] = {"Tool execution started",
					   "Tool processing data",
					   "Tool execution completed"};

	mcp_call_log(j->c, "info", json_string(said[n]));
	if (n < 2)
		return 0.05;
	mcp_call_done(j->c, result_text("Three messages were logged."));
	return -1;
}

static double step_progress(struct job *j, int n)
{
	mcp_call_progress(j->c, 50 * n, 100, NULL);
	if (n < 2)
		return 0.05;
	mcp_call_done(j->c, result_text("All of it is done."));
	return -1;
}

static double step_slept(struct job *j, int n)
{
	(void)n;
	mcp_call_done(j->c,
		      result_text("Slept %g s.", number_of(j->c, "seconds")));
	return -1;
}

static double step_failed(struct job *j, int n)
{
	(void)n;
	mcp_call_done(j->c, mcp_result_error("This job always fails."));
	return -1;
}

static void flood(struct fixture *f, struct mcp_call *c)
{
	size_t bytes = (size_t)number_of(c, "bytes");
	char *text = mem_zalloc(bytes + 1, 1);

	memset(text, 'x', bytes);
	for (double i = number_of(c, "count"); i > 0; i--)
		mcp_call_log(c, "error", json_string(text));
	free(text);
	begin(f, c, number_of(c, "seconds"), step_slept);
}

static void large(struct mcp_call *c)
{
	size_t bytes = (size_t)number_of(c, "bytes");
	char *text = mem_zalloc(bytes + 1, 1);

	memset(text, 'x', bytes);
	mcp_call_done(c, result_text("%s", text));
	free(text);
}

/* ---- what asks ---------------------------------------------------------- */

#define ASK(what, properties, required)                                      \
	"{\"method\":\"elicitation/create\",\"params\":{\"message\":\"" what \
	"\",\"mode\":\"form\",\"requestedSchema\":{\"type\":\"object\","     \
	"\"properties\":{" properties "},\"required\":[" required "]}}}"
#define SAMPLE(text, tokens)                                                  \
	"{\"method\":\"sampling/createMessage\",\"params\":{\"messages\":"    \
	"[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"" text \
	"\"}}],\"maxTokens\":" tokens "}}"
#define ROOTS "{\"method\":\"roots/list\",\"params\":{}}"
#define NAME \
	ASK("What is your name?", "\"name\":{\"type\":\"string\"}", "\"name\"")
#define CONFIRM ASK("Please confirm", "\"ok\":{\"type\":\"boolean\"}", "\"ok\"")
#define OPTIONS "[\"option1\",\"option2\",\"option3\"]"
#define TITLED                                                \
	"[{\"const\":\"value1\",\"title\":\"First Option\"}," \
	"{\"const\":\"value2\",\"title\":\"Second Option\"}," \
	"{\"const\":\"value3\",\"title\":\"Third Option\"}]"

static const char defaults_schema[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
	"\"age\":{\"type\":\"integer\",\"default\":30},"
	"\"score\":{\"type\":\"number\",\"default\":95.5},"
	"\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\","
	"\"pending\"],\"default\":\"active\"},"
	"\"verified\":{\"type\":\"boolean\",\"default\":true}}}";

static const char enums_schema[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"untitledSingle\":{\"type\":\"string\",\"enum\":" OPTIONS "},"
	"\"titledSingle\":{\"type\":\"string\",\"oneOf\":" TITLED "},"
	"\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\","
	"\"opt3\"],\"enumNames\":[\"Option One\",\"Option Two\","
	"\"Option Three\"]},"
	"\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
	"\"enum\":" OPTIONS "}},"
	"\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":" TITLED
	"}}}}";

static const char user_schema[] =
	"{\"type\":\"object\",\"properties\":{\"username\":{\"type\":"
	"\"string\",\"description\":\"User's response\"},\"email\":{\"type\":"
	"\"string\",\"description\":\"User's email address\"}},\"required\":"
	"[\"username\",\"email\"]}";

/* Those that ask once, and how they say what was answered. */
static const struct asker {
	const char *tool, *requests, *key, *path, *says;
} askers[] = {
	{"test_input_required_result_elicitation", "{\"user_name\":" NAME "}",
	 "user_name", "content.name", "Hello, %s!"},
	{"test_input_required_result_sampling",
	 "{\"capital_question\":" SAMPLE("What is the capital of France?",
					 "100") "}",
	 "capital_question", "content.text", "The model says: %s"},
	{"test_input_required_result_list_roots",
	 "{\"client_roots\":" ROOTS "}", "client_roots", "roots.0.uri",
	 "The first root: %s"},
	{"test_input_required_result_request_state",
	 "{\"confirm\":" CONFIRM "}", "confirm", "action", "state-ok: %s"},
	{"test_input_required_result_tampered_state",
	 "{\"confirm\":" CONFIRM "}", "confirm", "action", "state-ok: %s"},
	{"test_input_required_result_multiple_inputs",
	 "{\"user_name\":" NAME ",\"greeting\":" SAMPLE(
		 "Generate a greeting", "50") ",\"client_roots\":" ROOTS "}",
	 "user_name", "content.name", "All was answered, %s."},
	{"test_streaming_elicitation", "{\"confirm\":" CONFIRM "}", "confirm",
	 "action", "The answer: %s"},
	{"test_missing_capability",
	 "{\"sample\":" SAMPLE("Say something", "10") "}", "sample",
	 "content.text", "The model says: %s"},
};

static bool ask_once(struct mcp_call *c)
{
	for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
		const struct asker *a = &askers[i];
		const struct json *said;

		if (strcmp(mcp_call_name(c), a->tool) != 0)
			continue;
		said = mcp_call_answer(c, a->key);
		if (said)
			mcp_call_done(c,
				      result_text(a->says,
						  json_text_at(said, a->path)));
		else
			mcp_call_ask_all(c, parse("%s", a->requests));
		return true;
	}
	return false;
}

static void ask_capable(struct mcp_call *c)
{
	bool elicits = json_get(mcp_call_capabilities(c), "elicitation");
	const char *key = elicits ? "user_name" : "sample";

	if (mcp_call_answer(c, key))
		mcp_call_done(c, result_text("Thank you."));
	else if (elicits)
		mcp_call_ask_all(c, parse("{\"user_name\":" NAME "}"));
	else
		mcp_call_ask_all(c, parse("{\"sample\":" SAMPLE("Say something",
								"10") "}"));
}

static void ask_twice(struct mcp_call *c)
{
	if (mcp_call_answer(c, "step2"))
		mcp_call_done(c, result_text("Both were answered."));
	else if (mcp_call_answer(c, "step1"))
		mcp_call_ask_all(c,
				 parse("{\"step2\":" ASK(
					 "Step 2: What is your favorite color?",
					 "\"color\":{\"type\":\"string\"}",
					 "\"color\"") "}"));
	else
		mcp_call_ask_all(c, parse("{\"step1\":" ASK(
					    "Step 1: What is your name?",
					    "\"name\":{\"type\":\"string\"}",
					    "\"name\"") "}"));
}

static void ask_person(struct mcp_call *c, const char *text, const char *schema,
		       const char *says)
{
	const struct json *said = mcp_call_answer(c, "person");
	char *content;

	if (!said && !mcp_call_who(c)->elicits) {
		mcp_call_done(c, mcp_result_error("This client cannot ask a "
						  "person."));
		return;
	}
	if (!said) {
		mcp_call_ask(c, "person", text, parse("%s", schema));
		return;
	}
	content = json_get(said, "content")
			  ? json_canonical(json_get(said, "content"))
			  : mem_strdup("{}");
	mcp_call_done(c, result_text("%s: action=%s, content=%s", says,
				     json_text_at(said, "action"), content));
	free(content);
}

static void ask_model(struct mcp_call *c)
{
	const struct json *said = mcp_call_answer(c, "model");
	struct json *ask;

	if (said) {
		mcp_call_done(c,
			      result_text("LLM response: %s",
					  json_text_at(said, "content.text")));
		return;
	}
	ask = json_string(json_text_at(mcp_call_arguments(c), "prompt"));
	if (ask) {
		char *quoted = json_canonical(ask);

		json_free(ask);
		mcp_call_ask_all(
			c, parse("{\"model\":{\"method\":"
				 "\"sampling/createMessage\",\"params\":"
				 "{\"messages\":[{\"role\":\"user\","
				 "\"content\":{\"type\":\"text\",\"text\":%s}}"
				 "],\"maxTokens\":100}}}",
				 quoted));
		free(quoted);
	}
}

/* ---- tasks -------------------------------------------------------------- */

static bool as_task(const struct mcp_call *c)
{
	return mcp_call_as_task(c) || mcp_call_who(c)->tasks;
}

static void slow(struct fixture *f, struct mcp_call *c)
{
	double s = number_of(c, "seconds");

	if (s <= 0)
		mcp_call_done(c, result_text("At once."));
	else if (as_task(c))
		task_begin(f, c, s, result_text("Slept %g s.", s), NULL);
	else
		begin(f, c, s, step_slept);
}

static void with_task(struct fixture *f, struct mcp_call *c)
{
	const struct json *said = mcp_call_answer(c, "user_name");

	if (!said)
		mcp_call_ask_all(c, parse("{\"user_name\":" NAME "}"));
	else if (as_task(c))
		task_begin(f, c, 0.2,
			   result_text("Hello, %s!",
				       json_text_at(said, "content.name")),
			   NULL);
	else
		mcp_call_fail(c, -32603, "needs a client with tasks", NULL);
}

#define DELETE \
	ASK("Really delete it?", "\"confirm\":{\"type\":\"boolean\"}", "")

static void asking(struct fixture *f, struct mcp_call *c, const char *requests)
{
	if (as_task(c))
		task_begin_asking(f, c, parse("%s", requests),
				  result_text("All was answered."));
	else
		mcp_call_fail(c, -32603, "needs a client with tasks", NULL);
}

static void failing(struct fixture *f, struct mcp_call *c)
{
	if (as_task(c))
		task_begin(f, c, 1, mcp_result_error("This job always fails."),
			   NULL);
	else
		begin(f, c, 1, step_failed);
}

static void failing_hard(struct fixture *f, struct mcp_call *c)
{
	if (as_task(c))
		task_begin(f, c, 0.2, NULL,
			   parse("{\"code\":-32603,\"message\":\"it broke\"}"));
	else
		mcp_call_fail(c, -32603, "it broke", NULL);
}

/* ---- which does what ---------------------------------------------------- */

static void mixed(struct mcp_call *c)
{
	struct json *r = result_text("Multiple content types test:");
	struct json *content = json_copy(json_get(r, "content"));

	json_add(content, block_of("image", PNG, "image/png"));
	json_add(content, block_resource("test://mixed-content-resource",
					 "application/json",
					 "{\"test\":\"data\",\"value\":123}"));
	json_set(r, "content", content);
	mcp_call_done(c, r);
}

static bool call_content(struct fixture *f, struct mcp_call *c,
			 const char *name)
{
	if (!strcmp(name, "test_simple_text"))
		mcp_call_done(c, result_text("This is a simple text response "
					     "for testing."));
	else if (!strcmp(name, "test_image_content"))
		mcp_call_done(c,
			      result_of(block_of("image", PNG, "image/png")));
	else if (!strcmp(name, "test_audio_content"))
		mcp_call_done(c,
			      result_of(block_of("audio", WAV, "audio/wav")));
	else if (!strcmp(name, "test_embedded_resource"))
		mcp_call_done(c,
			      result_of(block_resource(
				      "test://embedded-resource", "text/plain",
				      "This is an embedded resource "
				      "content.")));
	else if (!strcmp(name, "test_multiple_content_types"))
		mixed(c);
	else if (!strcmp(name, "test_error_handling"))
		mcp_call_done(c, mcp_result_error("This tool intentionally "
						  "returns an error for "
						  "testing"));
	else if (!strcmp(name, "greet"))
		mcp_call_done(c, result_text("Hello, %s!",
					     json_text_at(mcp_call_arguments(c),
							  "name")));
	else if (!strcmp(name, "test_header"))
		mcp_call_done(c, result_text("In %s.",
					     json_text_at(mcp_call_arguments(c),
							  "region")));
	else if (!strcmp(name, "test_counts"))
		mcp_call_done(c, result_text("working %zu, cancelled %zu",
					     f->working, f->cancelled));
	else if (!strcmp(name, "test_large"))
		large(c);
	else
		return false;
	return true;
}

static bool call_timed(struct fixture *f, struct mcp_call *c, const char *name)
{
	if (!strcmp(name, "test_tool_with_logging") ||
	    !strcmp(name, "test_logging_tool"))
		begin(f, c, 0, step_log);
	else if (!strcmp(name, "test_tool_with_progress"))
		begin(f, c, 0, step_progress);
	else if (!strcmp(name, "test_sleep"))
		begin(f, c, number_of(c, "seconds"), step_slept);
	else if (!strcmp(name, "test_flood"))
		flood(f, c);
	else if (!strcmp(name, "slow_compute"))
		slow(f, c);
	else if (!strcmp(name, "failing_job"))
		failing(f, c);
	else if (!strcmp(name, "protocol_error_job"))
		failing_hard(f, c);
	else if (!strcmp(name, "test_tool_with_task"))
		with_task(f, c);
	else if (!strcmp(name, "confirm_delete"))
		asking(f, c, "{\"confirm\":" DELETE "}");
	else if (!strcmp(name, "multi_input"))
		asking(f, c, "{\"first\":" DELETE ",\"second\":" DELETE "}");
	else
		return false;
	return true;
}

static bool call_asking(struct mcp_call *c, const char *name)
{
	if (!strcmp(name, "test_elicitation"))
		ask_person(c, json_text_at(mcp_call_arguments(c), "message"),
			   user_schema, "User response");
	else if (!strcmp(name, "test_elicitation_sep1034_defaults"))
		ask_person(c, "Please check these", defaults_schema,
			   "Elicitation completed");
	else if (!strcmp(name, "test_elicitation_sep1330_enums"))
		ask_person(c, "Please choose", enums_schema,
			   "Elicitation completed");
	else if (!strcmp(name, "test_sampling"))
		ask_model(c);
	else if (!strcmp(name, "test_input_required_result_capabilities"))
		ask_capable(c);
	else if (!strcmp(name, "test_input_required_result_multi_round"))
		ask_twice(c);
	else
		return ask_once(c);
	return true;
}

void tool_call(struct fixture *f, struct mcp_call *c)
{
	const char *name = mcp_call_name(c);

	if (call_content(f, c, name) || call_timed(f, c, name) ||
	    call_asking(c, name))
		return;
	if (!strcmp(name, "test_trigger_tool_change")) {
		mcp_server_list_changed(f->server, MCP_TOOLS);
		mcp_server_changed(f->server, "test://watched-resource");
		mcp_call_done(c, result_text("The tools have changed."));
	} else if (!strcmp(name, "test_trigger_prompt_change")) {
		mcp_server_list_changed(f->server, MCP_PROMPTS);
		mcp_call_done(c, result_text("The prompts have changed."));
	} else if (!strcmp(name, "json_schema_2020_12_tool")) {
		mcp_call_done(c, result_text("The arguments fit."));
	} else {
		mcp_call_fail(c, -32602, "there is no such tool", NULL);
	}
}
