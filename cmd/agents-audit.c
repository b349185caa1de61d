/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents audit: who asked for what. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/keeper/seal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/agents.h"
#include "rt/audit.h"
#include "term/text.h"

#define LINE_MAX_BYTES (64u << 10)

static struct {
	bool verify, json;
	const char *expect;
} arg;

static const struct opt options[] = {
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "JSON, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_FLAG,
	 .name = "verify",
	 .help = "audit: check that no line was changed; print its seal",
	 .target = &arg.verify},
	{.kind = OPT_STRING,
	 .name = "expect",
	 .arg = "SEAL",
	 .help = "audit: as --verify, and this earlier seal must be in it",
	 .target = &arg.expect},
	{.kind = OPT_END},
};

static const struct opt_tool audit_tool = {
	.name = "sched-agents",
	.purpose = "who asked the runtime for what",
	.synopsis = "audit [--json] [--verify] [--expect SEAL] [FILE]",
	.options = options,
	.mixed = true,
};

/* N:HASH */
static void read_seal(const char *text, struct rt_audit_seal *out)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end != ':' ||
	    strlen(end + 1) != sizeof(out->hash) - 1)
		cli_usage(&audit_tool,
			  "a seal is what --verify prints: N:HASH");
	out->n = (size_t)n;
	strcpy(out->hash, end + 1);
}

/* Those that the runtime put into the history. */
static int find_seals(const char *path, struct rt_audit_mark **marks, size_t *n)
{
	char *dir = history_dir(NULL), *real = realpath(path, NULL);
	struct history *h;
	int rc = history_open(dir, false, &h);

	*marks = NULL;
	*n = 0;
	if (!rc) {
		rc = seals_of(h, real ? real : path, marks, n);
		history_close(h);
	} else if (rc == -ENOENT) {
		rc = 0;
	}
	free(real);
	free(dir);
	return rc;
}

static int verify(const char *path)
{
	struct rt_audit_seal expected, seal;
	struct rt_audit_mark *marks;
	size_t n;
	int rc = find_seals(path, &marks, &n);

	if (rc)
		return cli_fail(&audit_tool, rc);
	rc = rt_audit_verify_marks(path, marks, n, &seal);
	free(marks);
	if (!rc && arg.expect) {
		read_seal(arg.expect, &expected);
		rc = rt_audit_verify(path, &expected, &seal);
	}
	if (!rc && !n)
		cli_note(&audit_tool, "the history has no seal of it: lines "
				      "that were cut off are not found");
	if (rc == -EBADMSG) {
		cli_note(&audit_tool, "%s", err_text());
		return CLI_NO;
	}
	if (rc)
		return cli_fail(&audit_tool, rc);
	printf("%zu:%s\n", seal.n, seal.hash);
	return CLI_YES;
}

static int show_line(void *unused, const char *line, size_t len)
{
	(void)unused;
	fwrite(line, 1, len, stdout);
	putchar('\n');
	return 0;
}

static int show_row(void *table, const char *line, size_t len)
{
	struct json *v = json_parse(line, len);
	char when[CLOCK_TEXT_LEN];

	clock_text((time_t)agents_number(v, "time"), when);
	table_cell(table, "%s", when);
	table_cell(table, "%.0f", agents_number(v, "uid"));
	table_cell(table, "%s", json_text_at(v, "agent"));
	table_cell(table, "%s", json_text_at(v, "what"));
	table_cell(table, "%s", json_text_at(v, "resource"));
	table_cell(table, "%s", json_text_at(v, "outcome"));
	json_free(v);
	return 0;
}

static int show(int fd)
{
	struct table *t;
	off_t at = 0;
	int rc;

	if (cli_wants_json(arg.json))
		return lines_read(fd, &at, LINE_MAX_BYTES, show_line, NULL);
	t = table_new();
	table_column(t, "time", TABLE_LEFT);
	table_column(t, "uid", TABLE_RIGHT);
	table_column(t, "agent", TABLE_LEFT);
	table_column(t, "what", TABLE_LEFT);
	table_column(t, "resource", TABLE_LEFT);
	table_column(t, "outcome", TABLE_LEFT);
	rc = lines_read(fd, &at, LINE_MAX_BYTES, show_row, t);
	cli_table(t, text_columns(STDOUT_FILENO));
	return rc;
}

static int audit(int argc, char **argv)
{
	int first = cli_options(&audit_tool, argc, argv), fd, rc;
	char *path;

	if (argc - first > 1)
		cli_usage(&audit_tool, "one log is enough");
	path = first < argc ? mem_strdup(argv[first])
			    : path_state("runtime/audit.jsonl");
	if (arg.verify || arg.expect) {
		rc = verify(path);
		free(path);
		return rc;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rc = err_set(errno, "cannot open '%s': %s", path,
			     strerror(errno));
	else
		rc = show(fd);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc ? cli_fail(&audit_tool, rc) : CLI_YES;
}

const struct cli_command agents_audit = {
	.name = "audit",
	.purpose = "who asked for what; check that it is whole",
	.tool = &audit_tool,
	.run = audit,
};
