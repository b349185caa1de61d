/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An offer with what the protocol's own conformance suite asks for. */
#ifndef SCHEDKIT_TESTS_MCP_FIXTURE_H
#define SCHEDKIT_TESTS_MCP_FIXTURE_H

#include "base/events.h"
#include "mcp/server.h"

#define TASKS 256

struct fixture {
	struct events *events;
	struct mcp_server *server;
	struct mcp_offer offer;
	struct json *tools, *resources, *templates, *prompts;
	size_t cancelled; /* calls */
	size_t working;	  /* likewise */
	struct fixture_task *tasks[TASKS];
	size_t task_count; /* ever */
};

/* ---- mcp-fixture-tools.c ------------------------------------------------- */

void tool_call(struct fixture *f, struct mcp_call *c);
void tool_cancel(struct fixture *f, struct mcp_call *c);

/* ---- mcp-fixture-tasks.c ------------------------------------------------- */

/* After so long the task ends with result, or with error where that is NULL;
 * takes both. */
void task_begin(struct fixture *f, struct mcp_call *c, double seconds,
		struct json *result, struct json *error);
/* It asks first, for all of requests, which it takes. */
void task_begin_asking(struct fixture *f, struct mcp_call *c,
		       struct json *requests, struct json *result);
void task_answer(void *arg, const struct mcp_who *who, const char *id,
		 const struct json *answers);
int task_get(void *arg, const struct mcp_who *who, const char *id,
	     struct mcp_task *out);
size_t task_list(void *arg, const struct mcp_who *who, const char *after,
		 struct mcp_task *out, size_t max);
int task_stop(void *arg, const struct mcp_who *who, const char *id);
void task_forget_all(struct fixture *f);

/* ---- mcp-fixture-lists.c ------------------------------------------------- */

/* The tools, resources, templates and prompts. */
void lists_make(struct fixture *f);
void lists_free(struct fixture *f);

/* ---- what they share ----------------------------------------------------- */

#define PNG                                                                    \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAF" \
	"BQIAX8jx0gAAAABJRU5ErkJggg=="
#define WAV "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=="

struct json *parse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct json *block_text(const char *text);
struct json *block_of(const char *type, const char *data, const char *mime);
struct json *block_resource(const char *uri, const char *mime,
			    const char *text);
struct json *result_of(struct json *block); /* {"content":[block]} */
struct json *result_text(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

#endif
