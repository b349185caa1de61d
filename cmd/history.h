/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-history.
 *
 * To add one: cmd/history-NAME.c with its struct cli_command, a word here, a
 * row in sched-history.c, and its options in man/sched-history.1.
 */
#ifndef SCHEDKIT_CMD_HISTORY_H
#define SCHEDKIT_CMD_HISTORY_H

#include "cmd/cli.h"
#include "doc/stream.h"
#include "history/history.h"

#define HISTORY_SHORT_ID 12
#define HISTORY_MATCHES	 64

extern const struct cli_command history_add_command, history_log_command,
	history_show_command, history_best_command, history_note_command,
	history_revert_command, history_restore_command, history_learn_command,
	history_neighbours_command, history_promote_command,
	history_demote_command, history_states_command, history_search_command,
	history_diff_command, history_fsck_command, history_bisect_command,
	history_tag_command, history_lineage_command, history_push_command,
	history_pull_command, history_remote_command;

/* Of every command. */
extern struct history_arg {
	const char *dir;
	bool json;
} history_arg;

#define HISTORY_OPTIONS                                                    \
	{.kind = OPT_STRING,                                               \
	 .name = "history",                                                \
	 .arg = "DIR",                                                     \
	 .help = "the repository; $SCHEDKIT_HISTORY, else the user's own", \
	 .target = &history_arg.dir},                                      \
	{                                                                  \
		.kind = OPT_FLAG, .letter = 'j', .name = "json",           \
		.help = "documents, even on a terminal",                   \
		.target = &history_arg.json                                \
	}

/* Options of several; the targets are the command's own. */
#define HISTORY_MAX(to)                                                        \
	{                                                                      \
		.kind = OPT_LONG, .letter = 'n', .name = "max", .arg = "N",    \
		.help = "at most so many documents", .target = (to), .min = 0, \
		.max = 1e9                                                     \
	}
#define HISTORY_KIND(to)                                             \
	{                                                            \
		.kind = OPT_STRING, .letter = 'k', .name = "kind",   \
		.arg = "KIND", .help = "only this kind of document", \
		.words = "profile|plan|policy|verdict|deployment|"   \
			 "lesson|note",                              \
		.target = (to)                                       \
	}
#define HISTORY_WORKLOAD(to)                                           \
	{                                                              \
		.kind = OPT_STRING, .letter = 'w', .name = "workload", \
		.arg = "NAME", .help = "only for this workload",       \
		.target = (to)                                         \
	}
#define HISTORY_WHY(to)                                              \
	{                                                            \
		.kind = OPT_STRING, .name = "why", .arg = "TEXT",    \
		.help = "the reason, for the record", .target = (to) \
	}

/* Parses; the index of the first of least to most (below 0: any) operands. */
int history_operands(const struct opt_tool *tool, int argc, char **argv,
		     int least, int most);
/* Usage error for a kind that the history does not keep; NULL is fine. */
void history_kind(const struct opt_tool *tool, const char *kind);

/* Opens the history to read it, runs fn with it, and closes it; the exit
 * status. */
int history_with(const struct opt_tool *tool, int (*fn)(struct history *h));
/* The same, to write: it is made when it is not there. */
int history_with_write(const struct opt_tool *tool,
		       int (*fn)(struct history *h));

/*
 * The documents whose id begins with prefix, of a kind where that is not NULL:
 * CLI_YES and 1 to HISTORY_MATCHES keys of one id; else what to exit with, and
 * why was said.
 */
int history_keys(const struct opt_tool *tool, struct history *h,
		 const char *kind, const char *prefix,
		 struct history_key keys[static HISTORY_MATCHES], int *n);
/* The first of them: CLI_YES and *out, the caller's. */
int history_the(const struct opt_tool *tool, struct history *h,
		const char *kind, const char *prefix, struct doc **out);

/* Passes all of a filter's input on; *status is CLI_CANNOT where lines were
 * bad.  False: it broke off.  What was wrong was said. */
bool history_read_all(const struct opt_tool *tool, struct stream *s,
		      int *status);

/* The document as a line. */
void history_put(const struct doc *d);
/* A note just made, as a line or in words. */
void history_put_note(const struct doc *d);
/* Text of others on a terminal. */
void history_put_clean(const char *s);

#endif
