/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/deploy-record.h"

#include <stdlib.h>
#include <unistd.h>

#include "agents/program/program.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/cli.h"

/* A history that takes no document is no reason to stay for ever; only what is
 * waited for counts, for a policy may have kept it from running until then. */
#define LIMIT_S 30

/* Everything of the stream so far; -errno. */
static int gather(const struct deploy_recorder *r)
{
	size_t n = stream_count(r->s);
	const struct doc **docs = mem_zalloc(n, sizeof(*docs));
	int fd;

	for (size_t i = 0; i < n; i++)
		docs[i] = stream_at(r->s, i);
	fd = program_memory(docs, n);
	if (fd < 0)
		cli_note(r->tool, "nothing was recorded: %s", err_text());
	free(docs);
	return fd;
}

static void wait_for_it(struct deploy_recorder *r)
{
	struct proc_result res = {0};

	if (!r->proc)
		return;
	if (!proc_look(r->proc, LIMIT_S * 1000))
		r->given_up = 1;
	if (proc_finish(r->proc, &res))
		cli_note(r->tool, "nothing was recorded: %s", err_text());
	else if (res.cancelled)
		cli_note(r->tool,
			 "not everything was recorded: sched-history took "
			 "longer than %d s",
			 LIMIT_S);
	else if (res.exit_status)
		cli_note(r->tool, "not everything was recorded");
	r->proc = NULL;
	free(r->program);
}

void deploy_record(void *recorder)
{
	struct deploy_recorder *r = recorder;
	struct proc_spec spec = PROC_SPEC_INIT;
	int fd;

	if (r->proc && !proc_look(r->proc, 0))
		return;
	wait_for_it(r);
	/* It is not asked twice what it did not do in all that time. */
	if (r->given_up || stream_count(r->s) == r->recorded)
		return;
	r->recorded = stream_count(r->s);
	fd = gather(r);
	if (fd < 0)
		return;
	r->program = path_bin("sched-history");
	r->argv[0] = r->program;
	r->argv[1] = (char *)"add";
	r->argv[2] = (char *)"--json";
	spec.argv = r->argv;
	spec.stdin_fd = fd;
	spec.out_fd = -1;
	spec.cancel = &r->given_up;
	if (proc_start(&spec, &r->proc)) {
		cli_note(r->tool, "nothing was recorded: %s", err_text());
		free(r->program);
	}
	close(fd);
}

void deploy_record_rest(struct deploy_recorder *r)
{
	wait_for_it(r);
	deploy_record(r);
	wait_for_it(r);
}
