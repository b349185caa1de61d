/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that several tools have, word for word; the targets are their own. */
#ifndef SCHEDKIT_CMD_ROWS_H
#define SCHEDKIT_CMD_ROWS_H

#include "base/opt.h"

/* clang-format off */

/* What a workload is; cmd/workload.h reads them. */
#define ROW_METRIC(to)                                                      \
	{.kind = OPT_LIST, .letter = 'm', .name = "metric", .arg = "METRIC",\
	 .help = "NAME[,higher|lower][,UNIT]=re:REGEX or =json:PATH, REGEX, " \
		 "wall", .target = (to)}
#define ROW_BOUND(to)                                                       \
	{.kind = OPT_STRING, .name = "bound", .arg = "COMMAND",             \
	 .help = "what to run for the best value that is possible",         \
	 .target = (to)}
#define ROW_SHORT(to)                                                       \
	{.kind = OPT_STRING, .name = "short", .arg = "COMMAND",             \
	 .help = "a smaller one, for a first look at many policies",        \
	 .target = (to)}
#define ROW_NAME(to)                                                        \
	{.kind = OPT_STRING, .letter = 'n', .name = "name", .arg = "NAME",  \
	 .help = "of the workload (the command's name)", .target = (to)}

/* What counts as better. */
#define ROW_MIN_EFFECT(to)                                                  \
	{.kind = OPT_DOUBLE, .name = "min-effect", .arg = "PCT",            \
	 .help = "less than this is no improvement (3)", .target = (to),    \
	 .min = 0, .max = 1000}
#define ROW_GUARD(to)                                                       \
	{.kind = OPT_LIST, .name = "guard", .arg = "[METRIC:]PCT",          \
	 .help = "how much worse a secondary metric may get (10)",          \
	 .target = (to)}

/* Who a language model is, what it may cost, and what it said. */
#define ROW_MODEL(to)                                                       \
	{.kind = OPT_STRING, .name = "model", .arg = "NAME",                \
	 .help = "of the endpoint; SCHED_LLM's, else its default",          \
	 .target = (to)}
#define ROW_MODEL_BUDGET(to)                                                \
	{.kind = OPT_STRING, .name = "budget", .arg = "LIST",               \
	 .help = "of a model: tokens=N,usd=X,calls=N,time=S, and by day "   \
		 "usd_day=X,tokens_day=N,calls_day=N", .target = (to)}
#define ROW_RECORD(to)                                                      \
	{.kind = OPT_STRING, .name = "record", .arg = "FILE",               \
	 .help = "write what a model was asked and answered, for "          \
		 "replay:FILE", .target = (to)}

#define ROW_TOPOLOGY(to)                                                    \
	{.kind = OPT_STRING, .name = "topology", .arg = "LIST",             \
	 .help = "of the guest: sockets=1,cores=2,threads=1", .target = (to)}

#define ROW_EXECUTOR(to)                                                    \
	{.kind = OPT_STRING, .name = "executor", .arg = "ENGINE[,KEY=VALUE]",\
	 .help = "measure on the nodes of slurm or parallel",               \
	 .target = (to)}

/* clang-format on */

#endif
