/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ladder as a program: what a draft does to the verifier happens in a
 * process of its own, which inherits this one's sandbox.
 */
#include "agents/program/ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/program/program.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"

#define LIMIT_S	   1800
#define OUTPUT_MAX (DOC_MAX_LINE + (8u << 20))
#define SAID_MAX   2000

/* The verdict of this very policy; NULL: there is none among the lines. */
static struct doc *find_verdict(const struct buf *out, const char *policy)
{
	const char *end = out->data + out->len, *line, *eol;
	struct doc *d;

	for (line = out->data; line < end; line = eol + 1) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (!eol)
			break;
		/* A line that lost its beginning is no document. */
		if (doc_parse(line, (size_t)(eol - line), &d) < 0)
			continue;
		if (!strcmp(d->kind, "verdict") &&
		    !strcmp(json_as_string(json_get(d->body, "policy"), ""),
			    policy))
			return d;
		doc_free(d);
	}
	return NULL;
}

static int no_verdict(const struct proc_result *r, const struct buf *said)
{
	if (r->cancelled)
		return err_set(EINTR, "interrupted");
	if (r->timed_out)
		return err_set(ETIMEDOUT,
			       "sched-verify gave no verdict in %d s", LIMIT_S);
	return err_set(EIO, "sched-verify gave no verdict (status %d)%s%s",
		       r->exit_status, said->len ? ": " : "",
		       said->len ? said->data : "");
}

int ladder_enter(const struct ladder_gate *g, const char *mark)
{
	return g && g->enter ? g->enter(g->arg, mark) : 0;
}

void ladder_leave(const struct ladder_gate *g)
{
	if (g && g->leave)
		g->leave(g->arg);
}

int ladder_climb(const struct doc *profile, const struct doc *policy,
		 const char *stages, const volatile sig_atomic_t *cancel,
		 struct doc **verdict)
{
	char *program = path_bin("sched-verify");
	char *const argv[] = {program, (char *)"--json", (char *)"--stages",
			      (char *)stages, NULL};
	const struct doc *const docs[] = {profile, policy};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct buf out, said;
	int fd, rc;

	*verdict = NULL;
	buf_init(&out, OUTPUT_MAX);
	buf_init(&said, SAID_MAX);
	/* In a file: they are larger than a pipe. */
	fd = rc = program_memory(profile ? docs : docs + 1, profile ? 2 : 1);
	if (rc < 0)
		goto done;
	spec.argv = argv;
	spec.stdin_fd = fd;
	spec.out = &out;
	spec.err = &said;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = LIMIT_S;
	spec.cancel = cancel;
	spec.with_us = true;
	rc = proc_run(&spec, &res);
	close(fd);
	if (rc)
		goto done;
	if (!res.cancelled && out.len)
		*verdict = find_verdict(&out, policy->id);
	if (!*verdict)
		rc = no_verdict(&res, &said);
done:
	buf_release(&out);
	buf_release(&said);
	free(program);
	return rc;
}
