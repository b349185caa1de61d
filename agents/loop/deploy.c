/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was found is put to work, and looked after the next time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agents/program/launcher.h"
#include "agents/loop/parts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "crypt/digest.h"
#include "policy/form.h"
#include "policy/object.h"
#include "trust/statement.h"

#define DAY_S 86400.0

static const struct doc **chosen(const struct loop *l,
				 const struct loop_try *best, size_t *n)
{
	const char *ids[] = {best->policy, best->verdict};
	const struct doc **docs = mem_zalloc(4, sizeof(struct doc *));

	*n = 0;
	docs[(*n)++] = loop_profile(l);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct doc *d = stream_find(l->s, ids[i]);

		/* What lacks, sched-deploy names. */
		if (d)
			docs[(*n)++] = d;
	}
	return docs;
}

/* The last deployment of a stream says how it went. */
static int outcome(const struct stream *s, const char *words)
{
	const struct doc *d = s ? stream_last(s, "deployment") : NULL;
	const char *state = d ? json_text_at(d->body, "state") : "";

	if (!strcmp(state, "attached") || !strcmp(state, "detached") ||
	    !strcmp(state, "dry-run") || !strcmp(state, "stopped"))
		return 0;
	if (d)
		return err_set(EIO, "the policy was not put in place: %s",
			       json_text_at(d->body, "why"));
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
		rc = outcome(a.out, a.words);
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

/* The one program that outlives us: it holds the policy. */
static int deploy_host(struct loop *l, const struct loop_try *best)
{
	char *path = mem_printf("%s/deployed.jsonl", l->state.dir);
	struct launch launch = {
		.path = path, .by = LOOP_BY, .cancel = l->o->cancel};
	const struct doc **docs = chosen(l, best, &launch.n);
	struct strs args = {0};
	struct launched is;
	int rc;

	launch.docs = docs;
	launch.args = &args;
	strs_add(&args, "--json");
	strs_add(&args, "--target=host");
	strs_printf(&args, "--policy=%s", best->policy);
	rc = launcher_start(&launch, &is);
	if (!rc)
		rc = outcome(is.out, "");
	if (!rc && is.gone)
		rc = err_set(EIO, "the policy is not attached any more");
	if (!rc)
		rc = loop_take(l, is.out);
	if (rc >= 0) {
		rc = 0;
		snprintf(l->place, sizeof(l->place),
			 "it is attached to this host (process %ld)",
			 (long)is.pid);
	}
	launched_release(&is);
	strs_release(&args);
	free(docs);
	free(path);
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
		  launcher_in_force(policy, l->o->cancel) <= 0;
	return 1;
}
