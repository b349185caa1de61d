/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history add: records a stream. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/history.h"
#include "doc/stream.h"

#define BATCH	64
#define TICK_US 100000

static const struct opt options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "record the documents of standard input",
	.synopsis = "add [OPTION...]",
	.options = options,
	.mixed = true,
};

struct recorder {
	struct history *h; /* NULL: it could not be opened */
	struct stream *s;
	const struct doc *pending[BATCH];
	size_t n;
	size_t seen, added, lost;
	int rc; /* the first failure */
};

/* The next document may be minutes away: what has come must not wait for it.
 * The tick interrupts the reading. */
static volatile sig_atomic_t tick;

static void on_tick(int sig)
{
	(void)sig;
	tick = 1;
}

static void set_tick(long us)
{
	const struct itimerval t = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &t, NULL);
}

/* Whatever happens here, the stream has to go on. */
static void flush(struct recorder *r)
{
	int rc;

	/* It is for the reading alone; writing is not to be interrupted. */
	set_tick(0);
	rc = r->h ? history_add(r->h, r->pending, r->n) : r->rc;
	if (rc >= 0) {
		r->added += (size_t)rc;
	} else {
		if (!r->rc) {
			r->rc = rc;
			cli_fail(&tool, rc);
			stream_emit_error(r->s, rc, r->pending[0]->id);
		}
		r->lost += r->n;
	}
	r->n = 0;
}

static void record(struct recorder *r, const struct doc *d)
{
	if (!history_keeps(d->kind))
		return;
	r->seen++;
	r->pending[r->n++] = d;
	if (r->n == BATCH)
		flush(r);
	else if (r->n == 1)
		set_tick(TICK_US);
}

static int run_stream(struct recorder *r)
{
	struct sigaction sa = {.sa_handler = on_tick};
	const struct doc *d;
	int rc;

	sigaction(SIGALRM, &sa, NULL);
	while ((rc = stream_next(r->s, &d)) != 0) {
		if (rc == -EINVAL)
			cli_note(&tool, "%s", err_text());
		else if (rc < 0 && (rc != -EINTR || cli_stop))
			break;
		else if (rc > 0)
			record(r, d);
		if (tick && r->n)
			flush(r);
		tick = 0;
	}
	if (rc)
		rc = cli_fail(&tool, rc);
	else
		rc = stream_bad_lines(r->s) ? CLI_CANNOT : CLI_YES;
	if (r->n)
		flush(r);
	return rc;
}

static int add(const char *dir)
{
	bool quiet = cli_wants_json(history_arg.json);
	struct recorder r = {0};
	int status, failed = CLI_YES;

	r.s = stream_open(STDIN_FILENO, quiet ? STDOUT_FILENO : -1, tool.name);
	r.rc = history_become_owner(dir);
	if (!r.rc)
		r.rc = history_open(dir, true, &r.h);
	if (r.rc) {
		failed = cli_fail(&tool, r.rc);
		stream_emit_error(r.s, r.rc, NULL);
	}
	status = run_stream(&r);
	if (r.lost) {
		cli_note(&tool, "%zu of %zu documents were not recorded",
			 r.lost, r.seen);
		if (failed == CLI_YES)
			failed = r.rc == -EAGAIN ? CLI_LATER : CLI_CANNOT;
	}
	if (!quiet)
		printf("%zu of %zu documents recorded, %zu were there "
		       "already\n",
		       r.added, r.seen, r.seen - r.added - r.lost);
	stream_free(r.s);
	history_close(r.h);
	return failed == CLI_YES ? status : failed;
}

static int run(int argc, char **argv)
{
	char *dir;
	int status;

	history_operands(&tool, argc, argv, 0, 0);
	cli_catch_stop();
	dir = history_dir(history_arg.dir);
	status = add(dir);
	free(dir);
	return status;
}

const struct cli_command history_add_command = {
	.name = "add",
	.purpose = "record the documents of standard input, and pass them on",
	.tool = &tool,
	.run = run,
};
