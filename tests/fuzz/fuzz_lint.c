/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lint of a policy's text: ends in linear time, tells of lines that are
 * there, and never of nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/builder/lint_code.h"
#include "fuzz.h"

struct bound {
	long lines;
	size_t told;
	bool expanded;
};

static void tell(void *arg, const char *rule, long line, const char *text)
{
	struct bound *b = arg;

	if (!*rule || !*text || line < 0 || ++b->told > CODE_MAX_FINDINGS)
		abort();
	/* Markers may say any line. */
	if (!b->expanded && (line < 1 || line > b->lines))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	for (int i = 0; i < 4; i++) {
		struct bound b = {.lines = 1, .expanded = i & 1};
		struct code_lint c = {.form = i & 2 ? CODE_HOOKS : CODE_SOURCE,
				      .find = tell,
				      .arg = &b};

		for (size_t k = 0; k < size; k++)
			b.lines += text[k] == '\n';
		if (b.expanded)
			code_lint_expanded(&c, text, size);
		else
			code_lint_text(&c, text, size);
		if (!c.findings != !b.told)
			abort();
	}
	return 0;
}
