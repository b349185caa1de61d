/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is listed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/external/mcp-fixture.h"

/* clang-format off */

/* Without arguments. */
static const char *const plain[] = {
	"test_simple_text", "test_image_content", "test_audio_content",
	"test_embedded_resource", "test_multiple_content_types",
	"test_tool_with_logging", "test_tool_with_progress",
	"test_error_handling", "test_logging_tool",
	"test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums",
	"test_missing_capability", "test_streaming_elicitation",
	"test_trigger_tool_change", "test_trigger_prompt_change",
	"test_input_required_result_elicitation",
	"test_input_required_result_sampling",
	"test_input_required_result_list_roots",
	"test_input_required_result_request_state",
	"test_input_required_result_multiple_inputs",
	"test_input_required_result_multi_round",
	"test_input_required_result_tampered_state",
	"test_input_required_result_capabilities",
	"test_counts", "protocol_error_job",
};

static const char tools[] = "["
"{\"name\":\"test_sampling\",\"description\":\"Asks the model of the client\","
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"prompt\":"
"{\"type\":\"string\"}},\"required\":[\"prompt\"]}},"
"{\"name\":\"test_elicitation\",\"description\":\"Asks a person\","
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"message\":"
"{\"type\":\"string\"}},\"required\":[\"message\"]}},"
"{\"name\":\"test_header\",\"description\":\"Its argument is a header, too\","
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"region\":"
"{\"type\":\"string\",\"x-mcp-header\":\"Region\"}},"
"\"required\":[\"region\"]}},"
"{\"name\":\"test_sleep\",\"description\":\"Answers after some seconds\","
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"seconds\":"
"{\"type\":\"number\"}},\"required\":[\"seconds\"]}},"
"{\"name\":\"test_flood\",\"description\":\"Logs much at once, and sleeps\","
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"count\":"
"{\"type\":\"integer\"},\"bytes\":{\"type\":\"integer\"},\"seconds\":"
"{\"type\":\"number\"}},\"required\":[\"count\",\"bytes\",\"seconds\"]}},"
"{\"name\":\"test_large\",\"description\":\"Answers with many bytes\","
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"bytes\":"
"{\"type\":\"integer\"}},\"required\":[\"bytes\"]}},"
"{\"name\":\"greet\",\"description\":\"Greets\",\"inputSchema\":"
"{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},"
"\"required\":[\"name\"]}},"
"{\"name\":\"slow_compute\",\"description\":\"Takes its time\","
"\"execution\":{\"taskSupport\":\"optional\"},"
"\"inputSchema\":{\"type\":\"object\",\"properties\":{\"seconds\":"
"{\"type\":\"number\"},\"label\":{\"type\":\"string\"}},"
"\"required\":[\"seconds\"]}},"
"{\"name\":\"failing_job\",\"description\":\"Fails after a second\","
"\"execution\":{\"taskSupport\":\"required\"},"
"\"inputSchema\":{\"type\":\"object\"}},"
"{\"name\":\"test_tool_with_task\",\"description\":\"Asks, then works\","
"\"execution\":{\"taskSupport\":\"required\"},"
"\"inputSchema\":{\"type\":\"object\"}},"
"{\"name\":\"confirm_delete\",\"description\":\"Asks while it works\","
"\"execution\":{\"taskSupport\":\"required\"},"
"\"inputSchema\":{\"type\":\"object\"}},"
"{\"name\":\"multi_input\",\"description\":\"Asks two things at once\","
"\"execution\":{\"taskSupport\":\"required\"},"
"\"inputSchema\":{\"type\":\"object\"}},"
"{\"name\":\"json_schema_2020_12_tool\",\"description\":"
"\"Tool with JSON Schema 2020-12 features\",\"inputSchema\":{"
"\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
"\"type\":\"object\",\"$defs\":{\"address\":{\"$anchor\":\"addressDef\","
"\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
"\"city\":{\"type\":\"string\"}}}},\"properties\":{\"name\":"
"{\"type\":\"string\"},\"address\":{\"$ref\":\"#/$defs/address\"},"
"\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
"\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
"\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},"
"{\"required\":[\"email\"]}]}],\"if\":{\"properties\":{\"contactMethod\":"
"{\"const\":\"phone\"}},\"required\":[\"contactMethod\"]},"
"\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},"
"\"additionalProperties\":false}}]";

static const char resources[] = "["
"{\"uri\":\"test://static-text\",\"name\":\"static-text\","
"\"description\":\"A text\",\"mimeType\":\"text/plain\"},"
"{\"uri\":\"test://static-binary\",\"name\":\"static-binary\","
"\"description\":\"An image\",\"mimeType\":\"image/png\"},"
"{\"uri\":\"test://watched-resource\",\"name\":\"watched-resource\","
"\"description\":\"Changes when its tool is called\","
"\"mimeType\":\"text/plain\"}]";

static const char templates[] = "["
"{\"uriTemplate\":\"test://template/{id}/data\",\"name\":\"template\","
"\"description\":\"Data by id\",\"mimeType\":\"application/json\"}]";

static const char prompts[] = "["
"{\"name\":\"test_simple_prompt\",\"description\":\"A plain one\"},"
"{\"name\":\"test_prompt_with_arguments\",\"description\":\"With arguments\","
"\"arguments\":[{\"name\":\"arg1\",\"description\":\"The first\","
"\"required\":true},{\"name\":\"arg2\",\"description\":\"The second\","
"\"required\":true}]},"
"{\"name\":\"test_prompt_with_embedded_resource\",\"description\":"
"\"With a resource in it\",\"arguments\":[{\"name\":\"resourceUri\","
"\"description\":\"Which\",\"required\":true}]},"
"{\"name\":\"test_prompt_with_image\",\"description\":\"With an image\"},"
"{\"name\":\"test_input_required_result_prompt\",\"description\":"
"\"Asks a person first\"}]";

/* clang-format on */

struct json *parse(const char *fmt, ...)
{
	struct json *v;
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	v = json_parse(text ? text : "", text ? strlen(text) : 0);
	if (!v) {
		fprintf(stderr, "mcp-fixture: %s in %s\n", err_text(), text);
		exit(3);
	}
	free(text);
	return v;
}

void lists_make(struct fixture *f)
{
	f->tools = parse("%s", tools);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		json_add(f->tools,
			 parse("{\"name\":\"%s\",\"description\":\"Does what "
			       "its name says\",\"inputSchema\":{\"type\":"
			       "\"object\"}}",
			       plain[i]));
	f->resources = parse("%s", resources);
	f->templates = parse("%s", templates);
	f->prompts = parse("%s", prompts);
}

void lists_free(struct fixture *f)
{
	json_free(f->tools);
	json_free(f->resources);
	json_free(f->templates);
	json_free(f->prompts);
}
