/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every main() needs: options, the exit status table, words to people.
 * Only files in cmd/ print and exit.
 */
#ifndef SCHEDKIT_CMD_CLI_H
#define SCHEDKIT_CMD_CLI_H

#include <signal.h>
#include <stdbool.h>

#include "base/opt.h"
#include "term/table.h"

/* One table for every tool; schedkit(7). */
enum cli_status {
	CLI_YES = 0,	/* done, or yes */
	CLI_NO = 1,	/* the answer is no */
	CLI_USAGE = 2,	/* usage */
	CLI_CANNOT = 3, /* cannot until something changes */
	CLI_LATER = 4,	/* try again later */
};

/* Parses; prints and exits for --help, --version and usage errors. */
int cli_options(const struct opt_tool *tool, int argc, char **argv);

/* Usage error found after parsing: prints, exits with CLI_USAGE. */
void cli_usage(const struct opt_tool *tool, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/*
 * Prints the error slot as "TOOL: message" and returns the exit status that
 * rc stands for: EAGAIN, EBUSY, ETIMEDOUT, EINTR are CLI_LATER, the rest
 * CLI_CANNOT.
 */
int cli_fail(const struct opt_tool *tool, int rc);

/* "TOOL: words" on standard error. */
void cli_note(const struct opt_tool *tool, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Standard output could not be written (full disk, closed pipe) turns status
 * into CLI_CANNOT.  Every main() ends with "return cli_finish(tool, status)".
 */
int cli_finish(const struct opt_tool *tool, int status);

/* Prints the table, at most columns wide (0: as it gets), and frees it. */
void cli_table(struct table *t, int columns);

/* SIGINT, SIGTERM and SIGHUP set this instead of ending the process. */
extern volatile sig_atomic_t cli_stop;
void cli_catch_stop(void);

/* A command of a program that has several. */
struct cli_command {
	const char *name;
	const char *purpose; /* one line of the program's --help */
	/* Its name is the program's, its synopsis begins with the command. */
	const struct opt_tool *tool;
	/* argv[0] is the command; returns the exit status. */
	int (*run)(int argc, char **argv);
};

/*
 * The main() of such a program: runs the command that is the first operand and
 * returns the exit status.  --help lists the commands, --list-options the
 * options of all of them.  Options of the command may stand before it.
 */
int cli_commands(const char *name, const char *purpose,
		 const struct cli_command *const *commands, size_t count,
		 int argc, char **argv);

/*
 * The same of a program that also does something without a command: own, whose
 * run() gets all of argv.
 */
int cli_program(const struct cli_command *own,
		const struct cli_command *const *commands, size_t count,
		int argc, char **argv);

/* Documents are wanted: --json, or standard output is no terminal. */
bool cli_wants_json(bool json_option);

#endif
