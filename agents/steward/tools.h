/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tools that clients may call: one row each, one row for each argument.
 * What a client is told (inputSchema), what is checked, and the options of the
 * program all come from the rows.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_TOOLS_H
#define SCHEDKIT_AGENTS_STEWARD_TOOLS_H

#include "agents/steward/config.h"
#include "doc/json.h"

enum steward_arg_kind {
	STEWARD_ARG_END,
	STEWARD_ARG_ID,	     /* of a document, or its beginning */
	STEWARD_ARG_FULL_ID, /* all 64 digits: what is agreed to is exact */
	STEWARD_ARG_IDS,
	STEWARD_ARG_LONG,
	STEWARD_ARG_NUMBER,
	STEWARD_ARG_BOOL,
	STEWARD_ARG_WORD,   /* one of `words` */
	STEWARD_ARG_WORDS,  /* several, joined by commas */
	STEWARD_ARG_NAME,   /* of a workload: any text of one line */
	STEWARD_ARG_QUERY,  /* words to search for */
	STEWARD_ARG_STRICT, /* of the characters in `words` alone */
	STEWARD_ARG_METRICS,
	STEWARD_ARG_PARAMS, /* {"name": number or word} */
	STEWARD_ARG_FILE,   /* below a folder of the configuration */
	STEWARD_ARG_TEXT,   /* plain words; see order.h */
	STEWARD_ARG_COMMAND,
};

/* Where an argument goes that is no option. */
#define STEWARD_INPUT	"<"  /* its document to standard input */
#define STEWARD_OPERAND "--" /* behind all options */
#define STEWARD_SELF	""   /* the row of the tool sees to it */

struct steward_arg {
	enum steward_arg_kind kind;
	const char *name;
	const char *option; /* "--seconds", or one of the above */
	const char *text;
	const char *words; /* "host|vm" */
	double min, max;
	bool required;
};

enum {
	STEWARD_LONG = 1,	  /* takes more than a moment */
	STEWARD_KEEP = 2,	  /* what it made goes into the history */
	STEWARD_LESSONS = 4,	  /* what the history learned is put before */
	STEWARD_LEARN = 8,	  /* and what is learned, behind */
	STEWARD_DESTRUCTIVE = 16, /* changes how this machine works */
	STEWARD_IDEMPOTENT = 32,
	STEWARD_OPEN_WORLD = 64, /* may ask a model over the network */
	STEWARD_HERE = 128,	 /* in the folder of the server */
	STEWARD_NO_FAILS = 256,	 /* exit status 1 is an error */
	STEWARD_PLAIN = 512,	 /* has no --json; writes text */
	STEWARD_3_IS_NO = 1024,	 /* exit status 3 is an answer */
};

struct steward_order;

struct steward_tool {
	const char *name, *title, *text;
	enum steward_class class;
	unsigned flags;
	const char *program, *verb; /* NULL: the front's own */
	double limit_s;
	const struct steward_arg *args;
	/* What the rows of the arguments cannot say; NULL: nothing. */
	int (*make)(struct steward_order *o, const struct json *args);
};

extern const struct steward_tool steward_tools[]; /* ends with name NULL */

/* NULL: there is none. */
const struct steward_tool *steward_tool_find(const char *name);
struct json *steward_tool_input(const struct steward_tool *t);
struct json *steward_tool_output(void);
/* An array of Tool, of those that this class may call. */
struct json *steward_tool_list(enum steward_class highest);

#endif
