/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched deploy rollback: back to what was in place before. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/past.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/deploy.h"
#include "term/text.h"

#define OWN "the kernel's own scheduler"

static struct {
	double hold, within;
	long falls;
	bool dry_run, no_history;
} arg = {.falls = 3, .within = 3600};

static const struct opt options[] = {
	DEPLOY_JSON,
	DEPLOY_DRY_RUN(&arg.dry_run),
	DEPLOY_FOR(&arg.hold),
	DEPLOY_FALLS(&arg.falls),
	DEPLOY_WITHIN(&arg.within),
	DEPLOY_NO_HISTORY(&arg.no_history),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "put back what was in place before",
	.synopsis = "rollback [OPTION...] [N]",
	.options = options,
	.mixed = true,
};

/* "'title' (1234567890ab)"; words of a model may be in it. */
static const char *name_of(const struct doc *d, char *out, size_t size)
{
	snprintf(out, size, "'%s' (%.12s)", json_text_at(d->body, "title"),
		 json_text_at(d->body, "policy"));
	return out;
}

/* Why it is passed over; NULL: it is not.  To be freed. */
static char *against(const struct past *p, const struct deployment *d)
{
	const char *policy = json_text_at(deployment_doc(d)->body, "policy");
	time_t since = clock_wall() - (time_t)arg.within;
	size_t falls = deployments_falls(&p->of, policy, since);
	char *why = deployment_is_over(d);

	if (why || falls < (size_t)arg.falls)
		return why;
	return mem_printf("it was taken off %zu times in the last %.0f s: it "
			  "would be again",
			  falls, arg.within);
}

/* The workload that the verdict of a deployment was about. */
static char *workload_of(const struct doc *deployment,
			 const struct doc *const *docs, size_t n)
{
	const char *id = json_text_at(deployment->body, "verdict");

	for (size_t i = 0; i < n; i++)
		if (!strcmp(docs[i]->id, id))
			return mem_strdup(
				json_text_at(docs[i]->body, "workload"));
	return NULL;
}

/* Of the verdicts on a policy those about one workload; what is left. */
static size_t narrow(const struct doc **docs, size_t n, const char *workload)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!workload || strcmp(docs[i]->kind, "verdict") ||
		    !strcmp(json_text_at(docs[i]->body, "workload"), workload))
			docs[kept++] = docs[i];
	return kept;
}

/* Deploys it with all checks; *answer is what came of it. */
static int put_back(const struct deployment *d, const char *from, int *answer)
{
	const struct doc *doc = deployment_doc(d), **docs = NULL;
	const char *policy = json_text_at(doc->body, "policy");
	const char *cgroup = json_text_at(doc->body, "scope.cgroup");
	struct deployer_opts o = {
		.target = "host",
		.policy = policy,
		.hold_s = arg.hold,
		.cgroup = *cgroup ? cgroup : NULL,
		.back_from = from,
	};
	struct program_answer story = {0};
	char *workload = NULL;
	int status = CLI_NO, fd;
	size_t n;

	*answer = past_story(policy, NULL, &cli_stop, &story, &docs, &n);
	if (*answer) {
		cli_note(&tool, "%s", err_text());
		goto out;
	}
	workload = workload_of(doc, docs, n);
	n = narrow(docs, n, workload);
	fd = program_memory(docs, n);
	if (fd < 0) {
		*answer = fd;
		status = cli_fail(&tool, fd);
		goto out;
	}
	status = deploy_from(fd, &o, !arg.no_history, answer);
	close(fd);
out:
	free(workload);
	free(docs);
	program_answer_release(&story);
	return status;
}

/* It was not attached, for a reason that is its own. */
static bool is_refused(int answer)
{
	return answer == DEPLOYER_REFUSED || answer == -ENODATA ||
	       answer == -ENOENT;
}

/* From the first-th before the present one on, until one stays. */
static int go_back(const struct past *p, const size_t *before, size_t n,
		   size_t first, const char *from)
{
	char name[256];
	int answer, status;

	for (size_t i = first; i < n && !cli_stop; i++) {
		const struct deployment *d = &p->of.v[before[i]];
		char *why = against(p, d);

		name_of(deployment_doc(d), name, sizeof(name));
		if (why) {
			cli_note(&tool, "%s is not put back: %s", name, why);
			free(why);
			continue;
		}
		cli_note(&tool, "%s %s",
			 arg.dry_run ? "would put back" : "putting back", name);
		if (arg.dry_run)
			return CLI_YES;
		status = put_back(d, from, &answer);
		if (!is_refused(answer))
			return status;
		cli_note(&tool, "%s is not put back", name);
	}
	cli_note(&tool, "%s " OWN, arg.dry_run ? "would leave" : "this leaves");
	return n > first ? CLI_NO : CLI_YES;
}

/* Of what is in place now, or was last; NULL: nothing was ever. */
static char *present(const struct past *p)
{
	struct json *holder = deploy_holder();
	const struct deployment *last = deployments_last(&p->of);
	const char *policy = json_text_at(holder, "policy");
	char *id = NULL;

	if (*policy)
		id = mem_strdup(policy);
	else if (last)
		id = mem_strdup(
			json_text_at(deployment_doc(last)->body, "policy"));
	json_free(holder);
	return id;
}

static int rollback(size_t steps)
{
	size_t *before = NULL, n = 0;
	char *from = NULL;
	struct past p;
	int rc = past_deployments(false, &cli_stop, &p), status;

	from = rc ? NULL : present(&p);
	if (!rc && !arg.dry_run)
		rc = deploy_stop();
	if (rc < 0) {
		status = cli_fail(&tool, rc);
	} else if (!from) {
		cli_note(&tool, "nothing was deployed on this machine yet");
		status = CLI_NO;
	} else {
		before = deployments_before(&p.of, from, &n);
		cli_note(&tool, "going back from policy %.12s", from);
		status = go_back(&p, before, n, steps - 1, from);
	}
	free(before);
	free(from);
	past_deployments_release(&p);
	return status;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv);
	long steps = 1;
	char *end;

	if (argc - at > 1)
		cli_usage(&tool, "too many arguments");
	if (at < argc) {
		steps = strtol(argv[at], &end, 10);
		if (*end || end == argv[at] || steps < 1 || steps > PAST_MAX)
			cli_usage(&tool, "'%s' is no number of steps",
				  argv[at]);
	}
	cli_catch_stop();
	return rollback((size_t)steps);
}

const struct cli_command deploy_rollback_command = {
	.name = "rollback",
	.purpose = "put back what was in place before",
	.tool = &tool,
	.run = run,
};
