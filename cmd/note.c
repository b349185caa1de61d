/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/note.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "doc/doc.h"
#include "term/text.h"

#define LINE_MAX_BYTES (1u << 20)

int note_put(const struct opt_tool *tool, struct json *body)
{
	struct doc *d = doc_new("note", tool->name, body, NULL, 0);
	char *line;

	if (!d)
		return cli_fail(tool, -EINVAL);
	line = doc_line(d);
	puts(line);
	free(line);
	doc_free(d);
	return CLI_YES;
}

void note_line(const char *s)
{
	struct buf out;

	buf_init(&out, LINE_MAX_BYTES);
	text_clean(&out, s, 0);
	puts(out.data ? out.data : "");
	buf_release(&out);
}
