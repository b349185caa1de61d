/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs, as the protocol's tasks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/steward/parts.h"
#include "agents/steward/result.h"
#include "base/err.h"

#define POLL_S	      2.0
#define CODE_INTERNAL (-32603)

static bool is_ending(const struct steward *s, const char *job)
{
	for (size_t i = 0; i < STEWARD_ENDING; i++)
		if (!strcmp(s->ending[i], job))
			return true;
	return false;
}

static enum mcp_task_status status_of(const struct steward *s,
				      const struct steward_job *j)
{
	if (is_ending(s, j->id))
		return MCP_TASK_CANCELLED;
	switch (j->state) {
	case STEWARD_JOB_RUNS:
		return MCP_TASK_WORKING;
	case STEWARD_JOB_ENDED:
		return j->cancelled ? MCP_TASK_CANCELLED : MCP_TASK_COMPLETED;
	case STEWARD_JOB_LOST:
		break;
	}
	return MCP_TASK_FAILED;
}

void steward_task_of(const struct steward *s, const struct steward_job *j,
		     struct mcp_task *t)
{
	char *words = j->state == STEWARD_JOB_RUNS ? steward_result_far(j)
						   : steward_result_words(j);

	*t = (struct mcp_task){
		.status = status_of(s, j),
		.created = j->created,
		.changed = j->ended > 0 ? j->ended : j->created,
		.ttl_s = s->cfg->keep_s,
		.poll_s = POLL_S,
	};
	memcpy(t->id, j->id, STEWARD_JOB_LEN);
	snprintf(t->text, sizeof(t->text), "%s%s%.200s", steward_job_tool(j),
		 *words ? ": " : "", words);
	if (t->status == MCP_TASK_COMPLETED) {
		t->result = steward_result(j);
	} else if (t->status == MCP_TASK_FAILED) {
		t->error = json_object();
		json_set_number(t->error, "code", CODE_INTERNAL);
		json_set_string(t->error, "message",
				"who looked after the job was killed; call "
				"the tool again");
	}
	free(words);
}

static bool is_task(const struct steward_job *j, const struct mcp_who *who)
{
	return steward_job_is_long(j) &&
	       !strcmp(steward_job_client(j), who->principal);
}

int steward_task(void *arg, const struct mcp_who *who, const char *id,
		 struct mcp_task *out)
{
	struct steward *s = arg;
	struct steward_job j;
	int rc = steward_job_read(s->jobs, id, &j);

	if (rc)
		return -ENOENT;
	if (is_task(&j, who))
		steward_task_of(s, &j, out);
	else
		rc = err_set(ENOENT, "there is no such task");
	steward_job_release(&j);
	return rc;
}

size_t steward_tasks(void *arg, const struct mcp_who *who, const char *after,
		     struct mcp_task *out, size_t max)
{
	struct steward *s = arg;
	struct steward_job *all;
	size_t n, got = 0;
	bool on = !after;

	steward_jobs_read(s->jobs, &all, &n);
	for (size_t i = 0; i < n; i++) {
		if (on && got < max && is_task(&all[i], who))
			steward_task_of(s, &all[i], &out[got++]);
		else if (!on && !strcmp(all[i].id, after))
			on = true;
		steward_job_release(&all[i]);
	}
	free(all);
	return got;
}

int steward_task_cancel(void *arg, const struct mcp_who *who, const char *id)
{
	struct steward *s = arg;
	struct steward_job j;
	int rc = steward_job_read(s->jobs, id, &j);

	if (rc)
		return -ENOENT;
	if (!is_task(&j, who))
		rc = err_set(ENOENT, "there is no such task");
	else if (j.state == STEWARD_JOB_RUNS)
		steward_run_end(s, who->principal, id);
	steward_job_release(&j);
	return rc;
}
