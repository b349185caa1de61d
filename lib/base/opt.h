/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table row per option; usage errors, --help and the shell completion all
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
};

struct opt_tool {
	const char *name;     /* "sched-observe" */
	const char *purpose;  /* the one line of its man page's .Nd */
	const char *synopsis; /* what follows the name in the usage line */
	const struct opt *options;
	const char *epilogue; /* more lines for --help, or NULL */
	bool mixed;	      /* options may stand behind operands as well */
};

enum opt_outcome { OPT_GO, OPT_SHOWN };

/*
 * Parses argv; options end at "--" and, unless tool->mixed, at the first
 * operand.  *first is the index of the first operand; mixed ones were moved to
 * the end of argv.  OPT_SHOWN: --help, --version or
 * --list-options was given and its text is in out.  -EINVAL: usage error.
 */
int opt_parse(const struct opt_tool *tool, int argc, char **argv, int *first,
	      struct buf *out);

#endif
