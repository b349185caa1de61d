/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of sched-history share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/history.h"
#include "cmd/input.h"
#include "term/text.h"

#define WORDS_MAX (16u << 20)

struct history_arg history_arg;

int history_operands(const struct opt_tool *tool, int argc, char **argv,
		     int least, int most)
{
	int at = cli_options(tool, argc, argv), n;

	/* argv[0] is the command. */
	n = argc - at;
	if (n < least)
		cli_usage(tool, "'%s' lacks an argument", argv[0]);
	if (most >= 0 && n > most)
		cli_usage(tool, "too many arguments");
	return at;
}

void history_kind(const struct opt_tool *tool, const char *kind)
{
	if (kind && !history_keeps(kind))
		cli_usage(tool, "option --kind: the history keeps no '%s'",
			  kind);
}

static int with(const struct opt_tool *tool, bool write,
		int (*fn)(struct history *h))
{
	char *dir = history_dir(history_arg.dir);
	struct history *h = NULL;
	int rc = write ? history_become_owner(dir) : 0, status;

	if (!rc)
		rc = history_open(dir, write, &h);
	status = rc ? cli_fail(tool, rc) : fn(h);
	history_close(h);
	free(dir);
	return status;
}

int history_with(const struct opt_tool *tool, int (*fn)(struct history *h))
{
	return with(tool, false, fn);
}

int history_with_write(const struct opt_tool *tool,
		       int (*fn)(struct history *h))
{
	return with(tool, true, fn);
}

static void say_many(const struct opt_tool *tool, const char *prefix,
		     const struct history_key *keys, int shown, int n)
{
	cli_note(tool, "'%s' is the beginning of %d ids:", prefix, n);
	for (int j = 0; j < shown; j++)
		fprintf(stderr, "  %-10s %s\n", keys[j].kind, keys[j].id);
}

int history_keys(const struct opt_tool *tool, struct history *h,
		 const char *kind, const char *prefix,
		 struct history_key keys[static HISTORY_MATCHES], int *n)
{
	int all = history_find(h, prefix, keys, HISTORY_MATCHES), kept = 0;

	*n = 0;
	if (all == -EINVAL)
		cli_usage(tool, "%s", err_text());
	if (all < 0)
		return cli_fail(tool, all);
	for (int i = 0; i < all && i < HISTORY_MATCHES; i++)
		if (!kind || !strcmp(keys[i].kind, kind))
			keys[kept++] = keys[i];
	if (!kept) {
		cli_note(tool, "no %s's id begins with '%s'",
			 kind ? kind : "document", prefix);
		return CLI_NO;
	}
	/* Documents of two kinds may have one body, hence one id. */
	for (int i = 1; i < kept; i++)
		if (strcmp(keys[i].id, keys[0].id)) {
			say_many(tool, prefix, keys, kept, kind ? kept : all);
			return CLI_USAGE;
		}
	*n = kept;
	return CLI_YES;
}

int history_the(const struct opt_tool *tool, struct history *h,
		const char *kind, const char *prefix, struct doc **out)
{
	struct history_key keys[HISTORY_MATCHES];
	int n, rc, status = history_keys(tool, h, kind, prefix, keys, &n);

	*out = NULL;
	if (status)
		return status;
	rc = history_read(h, keys[0].kind, keys[0].id, out);
	return rc ? cli_fail(tool, rc) : CLI_YES;
}

bool history_read_all(const struct opt_tool *tool, struct stream *s,
		      int *status)
{
	if (!input_pass_on(tool, s, status))
		return false;
	*status = stream_bad_lines(s) ? CLI_CANNOT : CLI_YES;
	return true;
}

void history_put_clean(const char *s)
{
	struct buf b;

	buf_init(&b, WORDS_MAX);
	text_clean(&b, s, 0);
	fputs(b.len ? b.data : "", stdout);
	buf_release(&b);
}

void history_put(const struct doc *d)
{
	char *line = doc_line(d);

	puts(line);
	free(line);
}
