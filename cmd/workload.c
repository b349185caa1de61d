/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/workload.h"

#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "workload/words.h"

static void split(const struct opt_tool *tool, const char *option,
		  const char *text, struct strs *out)
{
	if (!text)
		return;
	if (words_split(text, out))
		cli_usage(tool, "option %s: %s", option, err_text());
	if (!out->len)
		cli_usage(tool, "option %s: there is no command in it", option);
}

void workload_of_words(const struct opt_tool *tool, char **command,
		       const struct workload_words *words, struct workload *w)
{
	for (size_t i = 0; command[i]; i++)
		strs_add(&w->command, command[i]);
	if (words->name)
		w->name = mem_strdup(words->name);
	w->cwd = getcwd(NULL, 0);
	for (size_t i = 0; i < words->metrics->len; i++) {
		struct metric m;

		if (metric_parse(words->metrics->v[i], &m))
			cli_usage(tool, "option --metric: %s", err_text());
		workload_add_metric(w, &m);
	}
	split(tool, "--bound", words->bound, &w->bound);
	split(tool, "--short", words->shorter, &w->shorter);
	workload_complete(w);
}
