/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table row per option; usage errors, --help and what shells complete all
 * come from the rows.
 *
 * To add an option to a tool: a row in its table, a .It in its man page.
 * tests/lint/options holds the two together.
 */
#ifndef SCHEDKIT_BASE_OPT_H
#define SCHEDKIT_BASE_OPT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/strs.h"

enum opt_kind {
	OPT_END,    /* closes the table */
	OPT_FLAG,   /* bool: set true */
	OPT_STRING, /* const char *: points into argv */
	OPT_LONG,   /* long: min <= x <= max */
	OPT_DOUBLE, /* double: min <= x <= max */
	OPT_LIST,   /* struct strs: each use adds one */
};

struct opt {
	enum opt_kind kind;
	char letter;	  /* 0: no short form */
	const char *name; /* long form without the dashes */
	const char *arg;  /* name of the argument in --help; NULL for flags */
	const char *help;
	void *target;
	double min, max; /* for numbers */
	/*
	 * What shells offer for the argument: "host|vm" is one of these words,
	 * "lint,build" any of them with commas between.  NULL: it follows from
	 * kind and arg; FILE, PATH and MODEL are files, DIR and FOLDER folders,
	 * COMMAND is a program, and an arg with | in it the words themselves.
	 */
	const char *words;
};

/* A command of a tool that has some. */
struct opt_command {
	const char *name, *purpose;
};

struct opt_tool {
	const char *name;     /* "sched-observe" */
	const char *purpose;  /* the one line of its man page's .Nd */
	const char *synopsis; /* what follows the name in the usage line */
	const struct opt *options;
	const char *epilogue; /* more lines for --help, or NULL */
	/* For --help, too; the last has no name.  Or NULL. */
	const struct opt_command *commands;
	/* What the first operand is, as opt.words; NULL: a file. */
	const char *operand;
	bool mixed; /* options may stand behind operands as well */
};

enum opt_outcome { OPT_GO, OPT_SHOWN };

/*
 * Parses argv; options end at "--" and, unless tool->mixed, at the first
 * operand.  *first is the index of the first operand; mixed ones were moved to
 * the end of argv.  OPT_SHOWN: --help, --version, --list-options or
 * --list-completion was given and its text is in out.  -EINVAL: usage error.
 *
 * --list-options gives a line for each, "--NAME".  --list-completion is for
 * shells, with tabs between the fields:
 *
 *     option   --NAME  -L or nothing  KIND  ARG  HELP
 *     command  NAME  PURPOSE
 *     operand  KIND  ARG
 *
 * KIND is flag, number, text, file, dir, program, one (ARG is "host|vm") or
 * many (ARG is "lint,build"), with a * behind it for what may be given again.
 */
int opt_parse(const struct opt_tool *tool, int argc, char **argv, int *first,
	      struct buf *out);

#endif
