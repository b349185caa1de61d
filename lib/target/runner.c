/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/external.h"
#include "policy/form.h"
#include "policy/object.h"
#include "target/regime.h"

#define DEFAULT_TIMEOUT_S 600

void run_job_release(struct run_job *j)
{
	strs_release(&j->argv);
	strs_release(&j->env);
	free(j->cwd);
	free(j->object);
	free(j->bring);
	json_free(j->policy);
	*j = (struct run_job){0};
}

/* The file behind a policy, "" if there is none. */
static char *object_of(const struct json *policy)
{
	enum policy_form form = policy_form(policy);
	struct external e;
	char *path = NULL;

	if (form == FORM_EXTERNAL && external_read(policy, &e) == 0)
		external_find(&e, &path);
	else if (form != FORM_EXTERNAL && form != FORM_KNOBS)
		path = policy_object_path(policy);
	return path ? path : mem_strdup("");
}

void run_job_fill(struct run_job *j, const struct run_spec *s, char *const *env)
{
	*j = (struct run_job){
		.timeout_s =
			s->timeout_s > 0 ? s->timeout_s : DEFAULT_TIMEOUT_S,
		.policy = s->policy ? json_copy(s->policy) : NULL,
		.object = object_of(s->policy),
		.bring = mem_strdup(s->bring ? s->bring : ""),
		.cwd = s->cwd ? mem_strdup(s->cwd) : getcwd(NULL, 0),
	};
	if (!j->cwd)
		j->cwd = mem_strdup("/");
	for (char *const *a = s->argv; *a; a++)
		strs_add(&j->argv, *a);
	for (char *const *e = s->env ? s->env : env; *e; e++)
		strs_add(&j->env, *e);
}

/* What started() needs to know. */
struct start {
	const struct run_job *job;
	struct regime *regime;
};

static void let_be_killed(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "500", 3) < 0)
		err_set(errno, "cannot write '%s'", path);
	close(fd);
}

static void started(pid_t pid, void *arg)
{
	const struct start *s = arg;

	if (s->job->may_be_killed)
		let_be_killed(pid);
	regime_take(s->regime, s->job, pid);
}

static void judge(const struct run_job *j, struct run_result *r)
{
	if (r->proc.cancelled) {
		r->outcome = RUN_CANCELLED;
		r->message = mem_strdup("stopped on request");
	} else if (r->proc.timed_out) {
		r->outcome = RUN_TIMEOUT;
		r->message = mem_printf("'%s' did not end within %g s",
					j->argv.v[0], j->timeout_s);
	}
}

/* What the command left, if it did. */
static void bring(const struct run_job *j, struct run_result *r)
{
	struct buf b;

	buf_init(&b, RUN_BRING_MAX);
	if (*j->bring && !buf_read_file(&b, j->bring)) {
		r->file_len = b.len;
		r->file = buf_take(&b);
	}
	buf_release(&b);
}

int run_job(const struct run_job *j, struct run_result *r)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct regime regime;
	struct start start = {j, &regime};
	struct buf out, err;
	char *why;
	int rc;

	*r = (struct run_result){.outcome = RUN_DONE};
	if (regime_start(&regime, j, r))
		return 0;
	buf_init(&out, RUN_KEEP_OUTPUT);
	buf_init(&err, RUN_KEEP_OUTPUT);
	spec.argv = j->argv.v;
	spec.env = j->env.v;
	spec.cwd = j->cwd;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.err = &err;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = j->timeout_s;
	spec.set_ids = j->set_ids;
	spec.uid = j->uid;
	spec.gid = j->gid;
	spec.cancel = j->cancel;
	spec.started = started;
	spec.started_arg = &start;
	rc = proc_run(&spec, &r->proc);
	why = mem_strdup(err_text());
	judge(j, r);
	regime_stop(&regime, r);
	r->out_len = out.len;
	r->err_len = err.len;
	r->out = buf_take(&out);
	r->err = buf_take(&err);
	bring(j, r);
	buf_release(&out);
	buf_release(&err);
	/* Whatever the rest had to say. */
	if (rc)
		err_set(-rc, "%s", why);
	free(why);
	return rc;
}
