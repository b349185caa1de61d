/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of sched-rollout share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/rollout.h"

struct rollout_arg rollout_arg = {.timeout_s = 300};

const char *const rollout_cohorts[] = {
	"canary:1:3600:3:0", "early:10:3600:10:5", "half:40:3600:20:5",
	"rest:49:3600:20:5", NULL};

void rollout_read_cohorts(const struct opt_tool *tool, const struct strs *given,
			  struct rollout *r)
{
	const char *const *list =
		given->len ? (const char *const *)given->v : rollout_cohorts;

	r->n = 0;
	for (; *list; list++) {
		if (r->n == ROLLOUT_COHORTS)
			cli_usage(tool, "more than %d cohorts",
				  ROLLOUT_COHORTS);
		if (rollout_cohort_parse(*list, &r->cohorts[r->n++]))
			cli_usage(tool, "option --cohort: %s", err_text());
	}
}

int rollout_with(const struct opt_tool *tool,
		 int (*fn)(const struct opt_tool *tool,
			   struct rollout_world *w))
{
	struct rollout_world w = {.remote = {rollout_arg.remote,
					     rollout_arg.timeout_s, &cli_stop}};
	char *dir = history_dir(rollout_arg.dir);
	int rc, status;

	cli_catch_stop();
	/* Programs that we start look into the same one. */
	setenv("SCHEDKIT_HISTORY", dir, 1);
	rc = history_open(dir, true, &w.h);
	if (!rc)
		rc = trust_open(&w.t);
	status = rc ? cli_fail(tool, rc) : fn(tool, &w);
	trust_free(w.t);
	history_close(w.h);
	free(dir);
	return status;
}

int rollout_the(const struct opt_tool *tool, struct rollout_world *w,
		struct rollout *out)
{
	struct rollouts all;
	int rc = rollouts_find(w->h, w->t, rollout_arg.workload, &all);
	int status = CLI_YES;

	if (rc) {
		status = cli_fail(tool, rc);
	} else if (all.n > 1) {
		rollouts_release(&all);
		cli_usage(tool, "there are rollouts for several workloads: "
				"name one with --workload");
	} else if (!all.n) {
		for (size_t i = 0; i < all.why.len; i++)
			cli_note(tool, "%s", all.why.v[i]);
		cli_note(tool, "there is no rollout%s",
			 all.refused ? " that holds" : "");
		status = all.refused ? CLI_CANNOT : CLI_NO;
	} else {
		*out = all.v[0];
	}
	rollouts_release(&all);
	return status;
}

int rollout_fail(const struct opt_tool *tool, int rc)
{
	int status = cli_fail(tool, rc);

	return rc == -EHOSTUNREACH ? CLI_LATER
	       : rc == -EPERM	   ? CLI_NO
	       : rc == -EINVAL	   ? CLI_USAGE
				   : status;
}

void rollout_put_line(struct json *v)
{
	char *line = json_canonical(v);

	puts(line);
	free(line);
	json_free(v);
}
