/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"

#define MAX_OPTIONS 64
#define COLUMN	    28

static const struct opt common[] = {
	{.kind = OPT_FLAG,
	 .letter = 'h',
	 .name = "help",
	 .help = "show this help and exit"},
	{.kind = OPT_FLAG,
	 .letter = 'V',
	 .name = "version",
	 .help = "show the version and exit"},
};

static void help_row(const struct opt *o, struct buf *out)
{
	char left[128];
	int n;

	n = snprintf(left, sizeof(left), "  %c%c%s --%s%s%s",
		     o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		     o->letter ? "," : " ", o->name, o->arg ? " " : "",
		     o->arg ? o->arg : "");
	if (n > COLUMN - 2)
		buf_printf(out, "%s\n%*s%s\n", left, COLUMN, "", o->help);
	else
		buf_printf(out, "%-*s%s\n", COLUMN, left, o->help);
}

static void help(const struct opt_tool *t, struct buf *out)
{
	buf_printf(out, "%s - %s\n\nusage: %s %s\n\n", t->name, t->purpose,
		   t->name, t->synopsis);
	for (const struct opt *o = t->options; o->kind != OPT_END; o++)
		help_row(o, out);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		help_row(&common[i], out);
	if (t->epilogue || t->commands)
		buf_puts(out, "\n");
	if (t->epilogue)
		buf_printf(out, "%s\n", t->epilogue);
	for (const struct opt_command *c = t->commands; c && c->name; c++)
		buf_printf(out, "  %-8s %s\n", c->name, c->purpose);
	buf_printf(out, "\nmanual: man %s\n", t->name);
}

static void list(const struct opt_tool *t, struct buf *out)
{
	for (const struct opt *o = t->options; o->kind != OPT_END; o++)
		buf_printf(out, "--%s\n", o->name);
	buf_puts(out, "--help\n--version\n");
}

/* ---- for shells ------------------------------------------------------- */

/* What "host|vm" or "lint,build" is. */
static const char *kind_of_words(const char *words)
{
	return strchr(words, ',') ? "many" : "one";
}

static const char *kind_of(const struct opt *o)
{
	static const struct {
		const char *arg, *kind;
	} named[] = {
		{"FILE", "file"}, {"PATH", "file"},  {"MODEL", "file"},
		{"DIR", "dir"},	  {"FOLDER", "dir"}, {"COMMAND", "program"},
	};

	if (o->kind == OPT_FLAG)
		return "flag";
	if (o->words)
		return kind_of_words(o->words);
	if (o->max > o->min)
		return "number";
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (!strcmp(o->arg, named[i].arg))
			return named[i].kind;
	return strchr(o->arg, '|') ? "one" : "text";
}

static void completion_row(const struct opt *o, struct buf *out)
{
	const char letter[] = {'-', o->letter, '\0'};
	const char *arg = o->words ? o->words : o->arg;

	buf_printf(out, "option\t--%s\t%s\t%s%s\t%s\t%s\n", o->name,
		   o->letter ? letter : "", kind_of(o),
		   o->kind == OPT_LIST ? "*" : "", arg ? arg : "", o->help);
}

static void completion(const struct opt_tool *t, struct buf *out)
{
	for (const struct opt *o = t->options; o->kind != OPT_END; o++)
		completion_row(o, out);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		completion_row(&common[i], out);
	for (const struct opt_command *c = t->commands; c && c->name; c++)
		buf_printf(out, "command\t%s\t%s\n", c->name, c->purpose);
	if (t->operand)
		buf_printf(out, "operand\t%s\t%s\n", kind_of_words(t->operand),
			   t->operand);
}

/* ---- parsing ---------------------------------------------------------- */

static int number(const struct opt *o, const char *arg, double *x)
{
	char *end;

	errno = 0;
	*x = strtod(arg, &end);
	if (errno || end == arg || *end || !(*x >= o->min && *x <= o->max))
		return err_set(EINVAL,
			       "option --%s: '%s' is not a number from %g to "
			       "%g",
			       o->name, arg, o->min, o->max);
	if (o->kind == OPT_LONG && *x != (double)(long)*x)
		return err_set(EINVAL,
			       "option --%s: '%s' is not a whole number",
			       o->name, arg);
	return 0;
}

static int take(const struct opt *o, const char *arg)
{
	double x;
	int rc;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->target = true;
		return 0;
	case OPT_STRING:
		*(const char **)o->target = arg;
		return 0;
	case OPT_LIST:
		strs_add(o->target, arg);
		return 0;
	case OPT_LONG:
		rc = number(o, arg, &x);
		if (!rc)
			*(long *)o->target = (long)x;
		return rc;
	case OPT_DOUBLE:
		rc = number(o, arg, &x);
		if (!rc)
			*(double *)o->target = x;
		return rc;
	case OPT_END:
		break;
	}
	return err_set(EINVAL, "option --%s: unknown kind", o->name);
}

/* Fills getopt's tables; returns the number of the tool's own rows. */
static int tables(const struct opt_tool *t, struct option *lo, char *letters)
{
	char *s = letters;
	int n = 0;

	if (!t->mixed)
		*s++ = '+'; /* stop at the first operand */
	*s++ = ':';	    /* tell a missing argument from an unknown option */
	for (const struct opt *o = t->options;
	     o->kind != OPT_END && n < MAX_OPTIONS - 5; o++, n++) {
		lo[n] = (struct option){.name = o->name,
					.has_arg = o->kind != OPT_FLAG,
					.val = 256 + n};
		if (!o->letter)
			continue;
		*s++ = o->letter;
		if (o->kind != OPT_FLAG)
			*s++ = ':';
	}
	strcpy(s, "hV");
	lo[n] = (struct option){.name = "help", .val = 'h'};
	lo[n + 1] = (struct option){.name = "version", .val = 'V'};
	lo[n + 2] = (struct option){.name = "list-options", .val = 1};
	lo[n + 3] = (struct option){.name = "list-completion", .val = 2};
	lo[n + 4] = (struct option){0};
	return n;
}

static int row_of(const struct opt_tool *t, int n, int c)
{
	if (c >= 256)
		return c - 256;
	for (int i = 0; i < n; i++)
		if (t->options[i].letter == c)
			return i;
	return -1;
}

/* Of what getopt refuses it leaves the letter, nothing, or what it would have
 * returned for a long one. */
static int not_taken(const char *word)
{
	if (!optopt)
		return err_set(EINVAL, "unknown option '%s'", word);
	if (optopt >= 256 || optopt <= 2 || strchr("hV", optopt))
		return err_set(EINVAL, "option '%s' takes no argument", word);
	return err_set(EINVAL, "unknown option '-%c'", optopt);
}

int opt_parse(const struct opt_tool *t, int argc, char **argv, int *first,
	      struct buf *out)
{
	struct option lo[MAX_OPTIONS];
	char letters[2 * MAX_OPTIONS + 8];
	int n = tables(t, lo, letters), c, rc;

	optind = 0; /* glibc: start afresh */
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, lo, NULL)) != -1) {
		const char *word = argv[optind - 1];

		switch (c) {
		case 'h':
			help(t, out);
			return OPT_SHOWN;
		case 'V':
			buf_printf(out, "%s %s\n", t->name, SCHEDKIT_VERSION);
			return OPT_SHOWN;
		case 1:
			list(t, out);
			return OPT_SHOWN;
		case 2:
			completion(t, out);
			return OPT_SHOWN;
		case ':':
			return err_set(EINVAL, "option '%s' needs an argument",
				       word);
		case '?':
			return not_taken(word);
		default:
			rc = take(&t->options[row_of(t, n, c)], optarg);
			if (rc)
				return rc;
		}
	}
	*first = optind;
	return OPT_GO;
}
