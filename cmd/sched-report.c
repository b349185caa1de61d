/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents in; a page, a summary for a terminal, or a Perfetto trace out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "cmd/report.h"
#include "doc/pipe.h"
#include "term/text.h"
#include "trace/perfetto.h"

#define LEAST_COLUMNS 20

static struct {
	const char *output, *history, *trace, *title, *perfetto;
	struct reporter_pick pick;
	bool text;
} arg;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'o',
	 .name = "output",
	 .arg = "FILE",
	 .help = "write the page there",
	 .target = &arg.output},
	{.kind = OPT_STRING,
	 .name = "title",
	 .arg = "TEXT",
	 .help = "of the page; else it names the workload",
	 .target = &arg.title},
	{.kind = OPT_FLAG,
	 .letter = 't',
	 .name = "text",
	 .help = "what a terminal gets, wherever it is written to",
	 .target = &arg.text},
	{.kind = OPT_STRING,
	 .name = "trace",
	 .arg = "FILE",
	 .help = "the trace of the last profile, when it is not where that "
		 "says",
	 .target = &arg.trace},
	{.kind = OPT_STRING,
	 .name = "perfetto",
	 .arg = "FILE",
	 .help = "write the trace for ui.perfetto.dev; '-': standard output",
	 .target = &arg.perfetto},
	{.kind = OPT_STRING,
	 .name = "run",
	 .arg = "ID",
	 .help = "from the history: this run of sched-loop",
	 .target = &arg.pick.run},
	{.kind = OPT_STRING,
	 .name = "policy",
	 .arg = "ID",
	 .help = "from the history: this policy",
	 .target = &arg.pick.policy},
	{.kind = OPT_STRING,
	 .letter = 'w',
	 .name = "workload",
	 .arg = "NAME",
	 .help = "from the history: all about this workload",
	 .target = &arg.pick.workload},
	{.kind = OPT_STRING,
	 .name = "history",
	 .arg = "DIR",
	 .help = "that repository, and all of it unless told otherwise; "
		 "$SCHEDKIT_HISTORY, else the user's",
	 .target = &arg.history},
	{.kind = OPT_END},
};

const struct opt_tool report_tool = {
	.name = "sched-report",
	.purpose = "show what was measured as a page or on a terminal",
	.synopsis = "[OPTION...] [FILE...] < DOCUMENTS",
	.options = options,
	.epilogue = "exit status: 0 done, 2 usage, 3 nothing to report on or "
		    "cannot",
	.mixed = true,
};

/* ---- output ------------------------------------------------------------ */

static int write_page(const struct buf *b)
{
	int rc;

	/* A page is to be shown around. */
	if (arg.output && strcmp(arg.output, "-"))
		return path_write_public(arg.output, b->data, b->len);
	rc = pipe_write(STDOUT_FILENO, b->data, b->len);
	/* A reader that has seen enough. */
	if (rc && rc != -EPIPE)
		return err_set(-rc, "cannot write standard output: %s",
			       strerror(-rc));
	return 0;
}

static int report(const struct report_docs *d, const struct report_traces *t)
{
	struct reporter_opts o = {
		.title = arg.title, .traces = t->v, .trace_count = t->n};
	bool text = arg.text || (!arg.output && isatty(STDOUT_FILENO));
	int columns = text_columns(STDOUT_FILENO), rc;
	struct buf out;

	buf_init(&out, REPORTER_MAX_BYTES);
	if (text)
		rc = reporter_text(d->v, d->n, &o,
				   columns < LEAST_COLUMNS ? LEAST_COLUMNS
							   : (size_t)columns,
				   &out);
	else
		rc = reporter_page(d->v, d->n, &o, &out);
	if (!rc)
		rc = write_page(&out);
	buf_release(&out);
	return rc;
}

static int write_perfetto(const struct report_traces *t)
{
	struct perfetto_counts counts;
	bool to_stdout = !strcmp(arg.perfetto, "-");
	int fd, rc;

	if (!t->n)
		return err_set(
			ENODATA,
			"there is no trace; 'sched-observe --trace FILE' "
			"writes one, --trace FILE names it");
	fd = to_stdout ? STDOUT_FILENO
		       : open(arg.perfetto,
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(errno, "cannot write '%s': %s", arg.perfetto,
			       strerror(errno));
	rc = perfetto_write(t->v[t->n - 1].bytes, t->v[t->n - 1].len, fd,
			    &counts);
	if (!to_stdout && close(fd) && !rc)
		rc = err_set(errno, "cannot write '%s': %s", arg.perfetto,
			     strerror(errno));
	return rc;
}

/* ---- input ------------------------------------------------------------- */

static bool from_history(void)
{
	return arg.history || arg.pick.run || arg.pick.policy ||
	       arg.pick.workload;
}

static int gather(struct report_docs *d, char **files, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = report_read(d, strcmp(files[i], "-") ? files[i] : NULL);
	if (!rc && from_history())
		rc = report_recall(d, arg.history, &arg.pick);
	/* A trace alone is enough for Perfetto. */
	else if (!rc && !n && !(arg.perfetto && arg.trace))
		rc = report_read(d, NULL);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_options(&report_tool, argc, argv), rc;
	struct report_docs d = {0};
	struct report_traces t = {0};
	int status;

	if (first == argc && !from_history() && isatty(STDIN_FILENO) &&
	    !(arg.perfetto && arg.trace))
		cli_usage(&report_tool,
			  "name a file of documents, or --workload NAME of "
			  "the history");
	rc = gather(&d, argv + first, (size_t)(argc - first));
	if (!rc)
		rc = report_traces_open(&t, &d, arg.trace);
	if (!rc && arg.perfetto)
		rc = write_perfetto(&t);
	if (!rc && (!arg.perfetto || arg.output))
		rc = report(&d, &t);
	status = rc ? cli_fail(&report_tool, rc) : d.bad ? CLI_CANNOT : CLI_YES;
	report_traces_release(&t);
	report_docs_release(&d);
	return cli_finish(&report_tool, status);
}
