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
#include "policy/object.h"
#include "scx/ext.h"

#define DEFAULT_TIMEOUT_S 600
#define VERIFIER_LOG_MAX  (1u << 20)
#define VERIFIER_LOG_KEEP 16384

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

void run_job_fill(struct run_job *j, const struct run_spec *s, char *const *env)
{
	*j = (struct run_job){
		.timeout_s =
			s->timeout_s > 0 ? s->timeout_s : DEFAULT_TIMEOUT_S,
		.policy = s->policy ? json_copy(s->policy) : NULL,
		.object = policy_object_path(s->policy),
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

/* The last lines are the ones that say what is wrong. */
static struct json *load_report(const struct buf *log)
{
	struct json *report = json_object();
	size_t skip =
		log->len > VERIFIER_LOG_KEEP ? log->len - VERIFIER_LOG_KEEP : 0;

	if (log->len)
		json_set_string(report, "verifier_log", log->data + skip);
	return report;
}

static int refused(struct run_result *r, const char *what)
{
	r->outcome = RUN_REFUSED;
	r->message = mem_printf("the policy did not %s: %s", what, err_text());
	return 0;
}

static int policy_start(const struct run_job *j, struct ext_policy **p,
			struct run_result *r)
{
	struct buf log;
	int rc;

	buf_init(&log, VERIFIER_LOG_MAX);
	rc = ext_load(j->object, j->policy, p, &log);
	if (rc) {
		refused(r, "load");
		r->report = load_report(&log);
	}
	buf_release(&log);
	if (rc)
		return rc;
	rc = ext_attach(*p);
	if (rc) {
		refused(r, "attach");
		r->report = ext_report(*p);
	}
	return rc;
}

static void policy_stop(struct ext_policy *p, struct run_result *r)
{
	bool alive = ext_alive(p);
	const char *reason, *words;

	if (ext_detach(p) < 0 && alive)
		r->message = mem_strdup(err_text());
	r->report = ext_report(p);
	if (alive)
		return;
	reason = json_as_string(json_get(r->report, "exit_reason"), "unknown");
	words = json_as_string(json_get(r->report, "exit_message"), "");
	r->outcome = RUN_EJECTED;
	free(r->message);
	r->message = mem_printf("the kernel dropped the policy: %s%s%s", reason,
				*words ? ": " : "", words);
}

static void let_be_killed(pid_t pid, void *arg)
{
	char path[64];
	int fd;

	(void)arg;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "500", 3) < 0)
		err_set(errno, "cannot write '%s'", path);
	close(fd);
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
	struct ext_policy *p = NULL;
	struct buf out, err;
	int rc = 0;

	*r = (struct run_result){.outcome = RUN_DONE};
	buf_init(&out, RUN_KEEP_OUTPUT);
	buf_init(&err, RUN_KEEP_OUTPUT);
	if (j->policy && policy_start(j, &p, r))
		goto out;
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
	if (j->may_be_killed)
		spec.started = let_be_killed;
	rc = proc_run(&spec, &r->proc);
	judge(j, r);
	if (p)
		policy_stop(p, r);
	r->out_len = out.len;
	r->err_len = err.len;
	r->out = buf_take(&out);
	r->err = buf_take(&err);
	bring(j, r);
out:
	ext_free(p);
	buf_release(&out);
	buf_release(&err);
	return rc;
}
