/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history neighbours: what was learned on workloads like this one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/learner/learner.h"
#include "agents/learner/neighbours.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/history.h"
#include "term/num.h"
#include "term/text.h"

static struct {
	long max;
	double max_distance;
} arg = {.max = 20, .max_distance = LEARNER_FAR};

static const struct opt options[] = {
	HISTORY_OPTIONS,
	HISTORY_MAX(&arg.max),
	{.kind = OPT_DOUBLE,
	 .name = "max-distance",
	 .arg = "D",
	 .help = "none that is further away (6)",
	 .target = &arg.max_distance,
	 .min = 0,
	 .max = 1e9},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "add the lessons of workloads like the last profile's",
	.synopsis = "neighbours [OPTION...] < DOCUMENTS",
	.options = options,
	.mixed = true,
};

static struct stream *stream;

/* ---- for people ------------------------------------------------------- */

static void effect(struct table *t, const struct json *m)
{
	char num[3][NUM_LEN];

	if (!m) {
		table_cell(t, "not measured");
		return;
	}
	table_cell(
		t, "%s (%s to %s)",
		num_ratio(num[0], json_as_number(json_get(m, "ratio"), 0)),
		num_ratio(num[1], json_as_number(json_path(m, "ci95.0"), 0)),
		num_ratio(num[2], json_as_number(json_path(m, "ci95.1"), 0)));
}

static void show(const struct neighbour *list, size_t n)
{
	static const char *const titles[] = {"workload", "tried", "outcome",
					     "metric"};
	struct table *t = table_new();

	table_column(t, "distance", TABLE_RIGHT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "effect", TABLE_RIGHT);
	for (size_t i = 0; i < n; i++) {
		const struct json *b = list[i].lesson->body;

		table_cell(t, "%.2f", list[i].distance);
		table_cell(t, "%s", json_text_at(b, "workload"));
		table_cell(t, "%s", json_text_at(b, "tried.title"));
		table_cell(t, "%s", json_text_at(b, "outcome"));
		table_cell(t, "%s", json_text_at(b, "measured.metric"));
		effect(t, json_get(b, "measured"));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

/* ---- the filter ------------------------------------------------------- */

/* Takes the lessons into the stream, unless they are there. */
static int emit(struct neighbour *list, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		if (stream_find(stream, list[i].lesson->id))
			continue;
		rc = stream_emit(stream, list[i].lesson);
		list[i].lesson = NULL;
	}
	return rc;
}

static int add(struct history *h)
{
	const struct neighbours_opts o = {(size_t)arg.max, arg.max_distance};
	struct neighbour *list;
	size_t n;
	int rc = neighbours_find(h, stream_last(stream, "profile")->body, &o,
				 &list, &n);

	if (rc)
		return cli_fail(&tool, rc);
	if (cli_wants_json(history_arg.json))
		rc = emit(list, n);
	else if (n)
		show(list, n);
	else
		cli_note(&tool, "nothing was learned on a workload like this");
	neighbours_free(list, n);
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

/* A history that nobody has made yet is an empty one. */
static int look(void)
{
	char *dir = history_dir(history_arg.dir);
	bool none = access(dir, F_OK) && errno == ENOENT;

	free(dir);
	return none ? CLI_YES : history_with(&tool, add);
}

static int neighbours(int argc, char **argv)
{
	int status, found;

	history_operands(&tool, argc, argv, 0, 0);
	if (arg.max < 0)
		arg.max = 0;
	stream = stream_open(STDIN_FILENO,
			     cli_wants_json(history_arg.json) ? STDOUT_FILENO
							      : -1,
			     tool.name);
	if (history_read_all(&tool, stream, &status)) {
		if (stream_last(stream, "profile")) {
			found = look();
		} else {
			err_set(ENODATA, "no profile in the input; "
					 "'sched-observe -- COMMAND | "
					 "sched-history neighbours' gives one");
			stream_emit_error(stream, ENODATA, NULL);
			found = cli_fail(&tool, -ENODATA);
		}
		status = found ? found : status;
	}
	stream_free(stream);
	return status;
}

const struct cli_command history_neighbours_command = {
	.name = "neighbours",
	.purpose = "add what was learned on workloads like this one",
	.tool = &tool,
	.run = neighbours,
};
