/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workload/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

int words_split(const char *text, struct strs *out)
{
	char *word = mem_zalloc(strlen(text) + 1, 1);
	bool open = false; /* an empty pair of quotes is a word too */
	size_t n = 0;
	char quote = 0;

	for (const char *s = text; *s; s++) {
		if (*s == '\\' && quote != '\'' && s[1]) {
			word[n++] = *++s;
			open = true;
		} else if (quote && *s == quote) {
			quote = 0;
		} else if (!quote && (*s == '\'' || *s == '"')) {
			quote = *s;
			open = true;
		} else if (!quote && strchr(" \t\n", *s)) {
			word[n] = '\0';
			if (open)
				strs_add(out, word);
			open = false;
			n = 0;
		} else {
			word[n++] = *s;
			open = true;
		}
	}
	word[n] = '\0';
	if (open && !quote)
		strs_add(out, word);
	free(word);
	if (quote)
		return err_set(EINVAL, "a %c is not closed in '%s'", quote,
			       text);
	return 0;
}
