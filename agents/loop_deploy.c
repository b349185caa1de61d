/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was found is put to work, and looked after the next time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/loop_parts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "crypt/digest.h"
#include "policy/form.h"
#include "policy/object.h"
#include "trust/statement.h"

#define ATTACH_PATIENCE_S 60
#define LOOK_MS		  50
#define MAX_OUTPUT	  (1u << 20)
#define DAY_S		  86400.0

static const struct doc **chosen(const struct loop *l,
				 const struct loop_try *best, size_t *n)
{
	const char *ids[] = {best->policy, best->verdict};
	const struct doc **docs = mem_zalloc(4, sizeof(struct doc *));

	*n = 0;
	docs[(*n)++] = loop_profile(l);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		docs[(*n)++] = stream_find(l->s, ids[i]);
	return docs;
}

/* The last deployment of a stream says how it went. */
static int outcome(struct loop *l, const struct stream *s, const char *words)
{
	const struct doc *d = s ? stream_last(s, "deployment") : NULL;
	const char *state = d ? json_text_at(d->body, "state") : "";

	if (!strcmp(state, "attached") || !strcmp(state, "detached") ||
	    !strcmp(state, "dry-run") || !strcmp(state, "stopped"))
		return 0;
	if (d)
		return err_set(EIO, "the policy was not put in place: %s",
			       json_text_at(d->body, "why"));
	(void)l;
	return err_set(EIO, "the policy was not put in place: %s",
		       *words ? words : "sched-deploy said nothing");
}

/* ---- a guest ---------------------------------------------------------- */

static int deploy_vm(struct loop *l, const struct loop_try *best)
{
	const struct workload *w = l->o->workload;
	bool run = l->o->run && w && w->command.len;
	struct program_call c = {.program = "sched-deploy",
				 .cwd = run ? w->cwd : NULL,
				 .cancel = l->o->cancel};
	const struct doc **docs = chosen(l, best, &c.n);
	struct program_answer a = {0};
	int rc;

	c.in = docs;
	strs_add(&c.args, "--json");
	loop_guest_args(l, &c.args, true);
	strs_add(&c.args, "--policy");
	strs_add(&c.args, best->policy);
	strs_add(&c.args, run ? "--" : "--dry-run");
	for (size_t i = 0; run && i < w->command.len; i++)
		strs_add(&c.args, w->command.v[i]);
	rc = program_run(&c, &a);
	if (!rc && a.cancelled)
		rc = err_set(EINTR, "stopped on request");
	if (!rc)
		rc = loop_take(l, a.out);
	if (rc >= 0)
		rc = outcome(l, a.out, a.words);
	if (!rc)
		snprintf(l->place, sizeof(l->place), "%s in a guest",
			 run ? "the command ran under it"
			     : "it was loaded and taken off again");
	program_answer_release(&a);
	strs_release(&c.args);
	free(docs);
	return rc;
}

/* ---- this host -------------------------------------------------------- */

static void __attribute__((noreturn))
be_deployer(char *const *argv, int in, int out, int err)
{
	static const int usual[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGALRM};
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		signal(usual[i], SIG_DFL);
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0 &&
	    close_range(3, ~0u, 0) >= 0)
		execv(argv[0], argv);
	_exit(127);
}

/* What it has written so far; NULL: nothing that is a document. */
static struct stream *look(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	const struct doc *d;
	struct stream *s;

	if (fd < 0)
		return NULL;
	s = stream_open(fd, -1, LOOP_BY);
	do
		rc = stream_next(s, &d);
	while (rc == 1 || rc == -EINVAL || rc == -EINTR);
	close(fd);
	return s;
}

/* Until it says that the policy is attached, or why it is not. */
static int await(struct loop *l, pid_t pid, const char *path)
{
	double until = clock_monotonic() + ATTACH_PATIENCE_S;
	struct stream *s = NULL;
	bool gone = false;
	int rc = 0;

	for (;;) {
		gone = waitpid(pid, NULL, WNOHANG) == pid;
		if (s)
			stream_free(s);
		s = look(path);
		if (gone || (s && stream_last(s, "deployment")))
			break;
		if (clock_monotonic() > until ||
		    (l->o->cancel && *l->o->cancel)) {
			kill(pid, SIGTERM);
			waitpid(pid, NULL, 0);
			rc = err_set(ETIMEDOUT, "sched-deploy did not attach "
						"the policy in time");
			break;
		}
		poll(NULL, 0, LOOK_MS);
	}
	if (!rc)
		rc = outcome(l, s, "");
	if (!rc && gone)
		rc = err_set(EIO, "the policy is not attached any more");
	if (!rc)
		rc = loop_take(l, s);
	if (s)
		stream_free(s);
	return rc < 0 ? rc : 0;
}

/* The one program that outlives us: it holds the policy. */
static int deploy_host(struct loop *l, const struct loop_try *best)
{
	char *program = path_bin("sched-deploy");
	char *path = mem_printf("%s/deployed.jsonl", l->state.dir);
	char *argv[] = {program,      (char *)"--json",
			(char *)"-t", (char *)"host",
			(char *)"-p", (char *)best->policy,
			NULL};
	size_t n;
	const struct doc **docs = chosen(l, best, &n);
	int in = program_memory(docs, n), null = -1, out = -1, rc = 0;
	pid_t pid = -1;

	if (in < 0)
		rc = in;
	if (!rc) {
		out = open(path,
			   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
			   0600);
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (out < 0 || null < 0)
			rc = err_set(errno, "cannot open '%s': %s", path,
				     strerror(errno));
	}
	if (!rc) {
		pid = fork();
		if (pid < 0)
			rc = err_set(errno, "cannot fork: %s", strerror(errno));
	}
	if (!rc && !pid)
		be_deployer(argv, in, out, null);
	if (!rc)
		rc = await(l, pid, path);
	if (!rc)
		snprintf(l->place, sizeof(l->place),
			 "it is attached to this host (process %ld)",
			 (long)pid);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	if (null >= 0)
		close(null);
	free(docs);
	free(path);
	free(program);
	return rc;
}

int loop_deploy(struct loop *l, const struct loop_try *best)
{
	return strcmp(l->o->target, "host") ? deploy_vm(l, best)
					    : deploy_host(l, best);
}

/* ---- is it still so? -------------------------------------------------- */

static bool kernel_is_ours(const struct loop *l, const char *kernel)
{
	char *program = path_libexec("fetch-guest"), *line = NULL;
	char *argv[] = {program, (char *)"--print", (char *)l->o->kernel, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct utsname u;
	struct buf out;
	bool is = false;

	if (!strcmp(l->o->target, "host")) {
		uname(&u);
		is = !strcmp(u.release, kernel);
		goto done;
	}
	buf_init(&out, 1 << 16);
	spec.argv = argv;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.out_fd = spec.err_fd = -1;
	line = mem_printf("release\t%s\n", kernel);
	is = !proc_run(&spec, &res) && out.data && strstr(out.data, line);
	buf_release(&out);
done:
	free(line);
	free(program);
	return is;
}

/* Other forms than params carry their code with them. */
static bool object_is_ours(const struct json *verdict, const struct doc *policy)
{
	const char *want = json_text_at(verdict, "object_sha256");
	char hex[DIGEST_HEX_LEN];

	if (!policy || policy_form(policy->body) != FORM_PARAMS)
		return true;
	return !policy_object_digest(policy->body, hex) && !strcmp(hex, want);
}

/* Somebody may have removed it, or the history is another one. */
static bool history_has(const struct loop *l, const char *verdict)
{
	struct program_call c = {.program = "sched-history",
				 .cancel = l->o->cancel};
	struct program_answer a = {0};
	bool has;

	strs_add(&c.args, "show");
	strs_add(&c.args, "--json");
	strs_add(&c.args, verdict);
	has = !program_run(&c, &a) && !a.exit_status &&
	      stream_find(a.out, verdict);
	program_answer_release(&a);
	strs_release(&c.args);
	return has;
}

static bool is_attached(const struct loop *l, const char *policy)
{
	struct program_call c = {.program = "sched-deploy",
				 .cancel = l->o->cancel};
	struct program_answer a = {0};
	const struct doc *d;
	bool is = false;

	strs_add(&c.args, "status");
	strs_add(&c.args, "--json");
	if (!program_run(&c, &a)) {
		d = stream_last(a.out, "note");
		is = d &&
		     !strcmp(json_text_at(d->body, "holder.policy"), policy);
	}
	program_answer_release(&a);
	strs_release(&c.args);
	return is;
}

/* What nobody would deploy any more is measured anew. */
static bool is_over(const struct json *verdict)
{
	const struct json *s = statement_of(verdict);
	char now[CLOCK_TEXT_LEN];

	clock_text(clock_wall(), now);
	return s && strcmp(json_text_at(s, "expires"), now) < 0;
}

int loop_is_current(struct loop *l, bool *attach)
{
	const struct json *body = l->state.body;
	double ended = json_as_number(json_get(body, "ended"), 0);
	const char *verdict = json_text_at(body, "verdict");
	const char *policy = json_text_at(body, "best");
	const struct doc *d = stream_find(l->s, verdict);

	*attach = false;
	if (strcmp(json_text_at(body, "status"), "better") || !d ||
	    is_over(d->body) || loop_now() - ended > l->o->max_age_days * DAY_S)
		return 0;
	if (!kernel_is_ours(l, json_text_at(d->body, "kernel")) ||
	    !object_is_ours(d->body, stream_find(l->s, policy)) ||
	    !history_has(l, verdict))
		return 0;
	*attach = l->o->deploy && !strcmp(l->o->target, "host") &&
		  !is_attached(l, policy);
	return 1;
}
