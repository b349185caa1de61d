/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "history/history.h"

#define PROGRAM	   "sched-history"
#define LINES_MAX  (4u << 20)
#define PATIENCE_S 120

/* A history that nobody has made yet is an empty one. */
static bool is_there(void)
{
	char *dir = history_dir(NULL);
	bool none = access(dir, F_OK) && errno == ENOENT;

	free(dir);
	return !none;
}

/* Takes args. */
static int ask(struct strs *args, const struct doc *in,
	       const volatile sig_atomic_t *cancel, struct program_answer *a)
{
	struct program_call c = {.program = PROGRAM,
				 .args = *args,
				 .in = in ? &in : NULL,
				 .n = in ? 1 : 0,
				 .timeout_s = PATIENCE_S,
				 .cancel = cancel};
	int rc = program_run(&c, a);

	strs_release(args);
	if (!rc && a->cancelled)
		rc = err_set(EINTR, "stopped on request");
	else if (!rc && a->exit_status > 1)
		rc = err_set(EIO, "%s",
			     *a->words ? a->words
				       : PROGRAM " failed and said nothing");
	return rc;
}

int past_deployments(bool everywhere, const volatile sig_atomic_t *cancel,
		     struct past *out)
{
	struct strs args = {0};
	char host[DIGEST_HEX_LEN];
	bool known = deployments_host(host);
	size_t count;
	int rc;

	*out = (struct past){0};
	if (!is_there())
		return 0;
	strs_add(&args, "log");
	strs_add(&args, "--json");
	strs_add(&args, "--kind");
	strs_add(&args, "deployment");
	strs_printf(&args, "--max=%d", PAST_MAX);
	rc = ask(&args, NULL, cancel, &out->answer);
	if (rc)
		return rc;
	count = stream_count(out->answer.out);
	out->docs = mem_zalloc(count + 1, sizeof(struct doc *));
	for (size_t i = count; i-- > 0;)
		out->docs[out->n++] = stream_at(out->answer.out, i);
	deployments_read(out->docs, out->n, known && !everywhere ? host : NULL,
			 &out->of);
	return 0;
}

void past_deployments_release(struct past *p)
{
	deployments_release(&p->of);
	program_answer_release(&p->answer);
	free(p->docs);
	*p = (struct past){0};
}

static bool is_wanted(const struct doc *d, const char *policy,
		      const char *workload)
{
	if (!strcmp(d->kind, "policy"))
		return !strcmp(d->id, policy);
	return !strcmp(d->kind, "verdict") &&
	       !strcmp(json_text_at(d->body, "policy"), policy) &&
	       (!workload ||
		!strcmp(json_text_at(d->body, "workload"), workload));
}

/* By time; those of one second as the history has them. */
static void sort(const struct doc **docs, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i;
		     j > 0 && strcmp(json_text_at(docs[j - 1]->env, "time"),
				     json_text_at(docs[j]->env, "time")) > 0;
		     j--) {
			const struct doc *t = docs[j];

			docs[j] = docs[j - 1];
			docs[j - 1] = t;
		}
}

int past_story(const char *policy, const char *workload,
	       const volatile sig_atomic_t *cancel,
	       struct program_answer *answer, const struct doc ***docs,
	       size_t *n)
{
	struct strs args = {0};
	bool has_policy = false;
	size_t count;
	int rc;

	*answer = (struct program_answer){0};
	*docs = NULL;
	*n = 0;
	strs_add(&args, "lineage");
	strs_add(&args, "--json");
	strs_add(&args, policy);
	rc = ask(&args, NULL, cancel, answer);
	if (rc)
		return rc;
	count = stream_count(answer->out);
	*docs = mem_zalloc(count + 1, sizeof(struct doc *));
	for (size_t i = 0; i < count; i++) {
		const struct doc *d = stream_at(answer->out, i);

		if (!is_wanted(d, policy, workload))
			continue;
		has_policy = has_policy || !strcmp(d->kind, "policy");
		(*docs)[(*n)++] = d;
	}
	sort(*docs, *n);
	if (has_policy && *n > 1)
		return 0;
	return err_set(ENOENT, "the history has %s policy %.12s",
		       has_policy ? "no verdict on" : "no", policy);
}

/* ---- states ------------------------------------------------------------ */

static void take(const char *line, size_t len, struct past_trusted **out,
		 size_t *n)
{
	struct json *v = json_parse(line, len);
	const char *id = json_text_at(v, "policy");

	if (!strcmp(json_text_at(v, "state"), "trusted") &&
	    strlen(id) == DOC_ID_LEN - 1) {
		*out = mem_realloc(*out, *n + 1, sizeof(**out));
		(*out)[*n].workload = mem_strdup(json_text_at(v, "workload"));
		strcpy((*out)[*n].policy, id);
		(*n)++;
	}
	json_free(v);
}

/* Its lines are no documents. */
int past_trusted(const volatile sig_atomic_t *cancel, struct past_trusted **out,
		 size_t *n)
{
	char *program = path_bin(PROGRAM);
	char *argv[] = {program, (char *)"states", (char *)"--json", NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res = {0};
	struct buf lines;
	char *at, *end;
	int rc = 0;

	*out = NULL;
	*n = 0;
	buf_init(&lines, LINES_MAX);
	spec.argv = argv;
	spec.stdin_fd = -1;
	spec.out = &lines;
	spec.out_fd = -1;
	spec.err_fd = -1;
	spec.timeout_s = PATIENCE_S;
	spec.with_us = true;
	spec.cancel = cancel;
	if (is_there())
		rc = proc_run(&spec, &res);
	if (!rc && res.exit_status > 1)
		rc = err_set(EIO, "'sched-history states' failed");
	for (at = lines.data; !rc && at && *at; at = end + (*end == '\n')) {
		end = strchrnul(at, '\n');
		take(at, (size_t)(end - at), out, n);
	}
	buf_release(&lines);
	free(program);
	return rc;
}

void past_trusted_free(struct past_trusted *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].workload);
	free(list);
}

int past_record(const struct doc *d)
{
	struct strs args = {0};
	struct program_answer a = {0};
	int rc;

	strs_add(&args, "add");
	strs_add(&args, "--json");
	rc = ask(&args, d, NULL, &a);
	program_answer_release(&a);
	return rc;
}
