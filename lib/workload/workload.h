/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A workload: a command and what to read from it.
 *
 * As JSON (body.workload of a profile):
 *   {"name":"requests","command":["./server","-n","4"],"cwd":"/srv",
 *    "metrics":[{"name":"rps","unit":"1/s","better":"higher",
 *                "regex":"([0-9.]+) requests/s"},
 *               {"name":"p99","unit":"us","better":"lower",
 *                "json":"latency.p99"}],
 *    "bound":["./server","--best-case"],
 *    "short":["./server","-n","1"]}
 * The first metric is the goal, the others are guarded.  Without metrics the
 * wall time is the goal: {"name":"wall","unit":"s","better":"lower"}.
 * What is short tells of the same metrics, for a first look at many policies.
 */
#ifndef SCHEDKIT_WORKLOAD_WORKLOAD_H
#define SCHEDKIT_WORKLOAD_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strs.h"
#include "doc/json.h"

struct metric {
	char *name;
	char *unit;
	bool higher_is_better;
	/*
	 * One of these, or neither for the wall time in seconds.  regex is
	 * POSIX extended; its first group, else the match, in the last line
	 * that has it.  json is a json_path() into the last JSON line.
	 */
	char *regex;
	char *json;
};

struct workload {
	char *name;
	char *cwd;
	struct strs command;
	struct strs bound;   /* empty: no lower bound is known */
	struct strs shorter; /* "short"; empty: there is only the command */
	struct metric *metrics;
	size_t metric_count; /* at least 1 after reading */
};

/*
 * "--metric" of sched-observe: NAME[,higher|lower][,UNIT]=re:REGEX,
 * …=json:PATH, "wall", or a bare REGEX (then the name is "metric").  Lower is
 * better when the unit is one of time, else higher.  -EINVAL.
 */
int metric_parse(const char *text, struct metric *out);
void metric_release(struct metric *m);

/*
 * Reads the metric's value: from the output (standard output first, then
 * standard error), or wall_s.  -ENODATA: not there; -EINVAL: bad expression.
 */
int metric_read(const struct metric *m, const char *out, const char *err,
		double wall_s, double *value);

/* Takes what m owns. */
void workload_add_metric(struct workload *w, const struct metric *m);
/* Fills in what was not said: the name, and the wall time as the metric. */
void workload_complete(struct workload *w);

/* -EINVAL names the key at fault ("workload.command: …"). */
int workload_read(const struct json *v, struct workload *w);
struct json *workload_json(const struct workload *w);
void workload_release(struct workload *w);

#endif
