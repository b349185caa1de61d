/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client is told of a job. */
#ifndef SCHEDKIT_AGENTS_STEWARD_RESULT_H
#define SCHEDKIT_AGENTS_STEWARD_RESULT_H

#include "agents/steward/jobs.h"
#include "base/buf.h"

/* structuredContent, as steward_tool_output() says. */
struct json *steward_result_structure(const struct steward_job *j);
/* The same for people and models: what happened, figures, what to do next. */
void steward_result_text(const struct steward_job *j, const struct json *v,
			 struct buf *out);
/* CallToolResult. */
struct json *steward_result(const struct steward_job *j);

/* The last line that the program said; the caller frees it. */
char *steward_result_words(const struct steward_job *j);
/* How far it is, in words, as far as it tells; the caller frees it. */
char *steward_result_far(const struct steward_job *j);
/* A document in a line, "" where there are no figures to tell. */
void steward_result_summary(const char *kind, const struct json *body,
			    struct buf *out);
/* A figure of a verdict in words: "1.21 times the default, 1.15 to 1.30". */
void steward_result_figure(const struct json *verdict, struct buf *out);
/* All it wrote, as far as out has room. */
void steward_result_output(const struct steward_job *j, struct buf *out);

#endif
