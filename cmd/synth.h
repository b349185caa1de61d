/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of sched-synth. */
#ifndef SCHEDKIT_CMD_SYNTH_H
#define SCHEDKIT_CMD_SYNTH_H

#include "cmd/cli.h"
#include "doc/stream.h"

struct synth_opts {
	const char *backend;
	long count, seed, runs, turns, jobs, enough;
	const char *model, *budget, *form, *wish, *record, *history;
	const char *show_prompt;
	const char *sources, *sweep;
	bool no_stream, json, list_params;
};

extern const struct opt_tool synth_tool;

/* synth-show.c: tables for people */
void synth_show_params(void);
/* What this tool emitted: from the stream's document `first` on. */
void synth_show(const struct stream *s, size_t first);

/* synth-model.c: proposals of a language model; the exit status */
int synth_ask(struct stream *s, const struct doc *profile,
	      const struct synth_opts *o);
/* --show-prompt */
int synth_show_prompt(struct stream *s, const struct doc *profile,
		      const struct synth_opts *o, bool as_json);

#endif
