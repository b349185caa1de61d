/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GNU parallel over ssh: one process of it hands out the jobs that lack an
 * answer, and tries one that fails on another host.  What it is given to run is
 * two paths and a number.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "executor/engine.h"

#define LOG_MAX	 (16u << 20)
#define SAID_MAX 8192
#define FIELDS	 9 /* Seq Host Starttime … Exitval Signal Command */

/* ---- what it says ----------------------------------------------------- */

static bool number(const char *text, unsigned long most, unsigned long *x)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*x = strtoul(text, &end, 10);
	return !*end && *x <= most;
}

void parallel_read_log(const char *text, const size_t *which, size_t which_n,
		       struct engine_job *jobs, size_t n)
{
	char *copy = mem_strdup(text), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned long seq, status, sig;
		char *field[FIELDS], *at = line;
		size_t k = 0;

		for (; k < FIELDS && at; k++)
			field[k] = strsep(&at, "\t");
		/* Its first line has titles. */
		if (k < FIELDS || !number(field[0], which_n, &seq) || !seq ||
		    !number(field[6], 255, &status) ||
		    !number(field[7], 255, &sig) || which[seq - 1] >= n)
			continue;
		snprintf(jobs[which[seq - 1]].why,
			 sizeof(jobs[which[seq - 1]].why),
			 "on %.60s it ended with %s %lu", field[1],
			 sig ? "signal" : "status", sig ? sig : status);
	}
	free(copy);
}

/* ---- asking it -------------------------------------------------------- */

static int parallel_check(const struct executor *e)
{
	if (!e->hosts && !e->hostfile)
		return err_set(EINVAL, "parallel needs hosts=A;B or "
				       "hostfile=/PATH");
	if (e->hosts && e->hostfile)
		return err_set(EINVAL,
			       "parallel takes hosts= or hostfile=, not both");
	return 0;
}

/* A host a line. */
static int write_hosts(const struct executor *e, const char *path)
{
	char *text = mem_printf("%s\n", e->hosts);
	int rc;

	for (char *c = text; *c; c++)
		if (*c == ';')
			*c = '\n';
	rc = path_write_atomic(path, text, strlen(text));
	free(text);
	return rc;
}

static int write_list(const char *path, const size_t *which, size_t n)
{
	struct buf b;
	int rc;

	buf_init(&b, 16 * n + 1);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%zu\n", which[i]);
	rc = path_write_atomic(path, b.data, b.len);
	buf_release(&b);
	return rc;
}

static void arguments(struct executor *e, const char *hosts, const char *list)
{
	struct strs *args = &e->args;

	strs_release(args);
	strs_add(args, "parallel");
	strs_add(args, "--will-cite");
	strs_add(args, "--no-run-if-empty");
	strs_printf(args, "--jobs=%ld", e->at_once ? e->at_once : 1);
	strs_printf(args, "--retries=%d", EXECUTOR_TRIES);
	strs_add(args, "--halt=never");
	strs_add(args, "--sshloginfile");
	strs_add(args, hosts);
	strs_add(args, "--joblog");
	strs_add(args, e->log);
	strs_add(args, "--arg-file");
	strs_add(args, list);
	strs_add(args, e->runner);
	strs_add(args, e->folder.dir);
	strs_add(args, "{}");
}

static int start(struct executor *e)
{
	struct proc_spec spec = PROC_SPEC_INIT;

	strs_release(&e->env);
	engine_environment(e, &e->env);
	e->stop = 0;
	buf_release(&e->said);
	buf_init(&e->said, SAID_MAX);
	spec.argv = e->args.v;
	spec.cwd = "/";
	spec.env = e->env.v;
	spec.stdin_fd = -1;
	spec.out = spec.err = &e->said;
	spec.out_fd = spec.err_fd = -1;
	spec.with_us = true;
	spec.cancel = &e->stop;
	return proc_start(&spec, &e->proc);
}

static void keep_which(struct executor *e, const size_t *which, size_t n)
{
	e->which = mem_realloc(e->which, n + 1, sizeof(*which));
	memcpy(e->which, which, n * sizeof(*which));
	e->which_n = n;
}

static int parallel_submit(struct executor *e, const size_t *which, size_t n)
{
	char *own = mem_printf("%s/hosts", e->folder.dir);
	char *list = mem_printf("%s/list", e->folder.dir);
	char *home = mem_printf("%s/parallel", e->folder.dir);
	int rc = path_make_dirs(home);

	if (!rc && e->hosts)
		rc = write_hosts(e, own);
	if (!rc)
		rc = write_list(list, which, n);
	keep_which(e, which, n);
	free(e->log);
	e->log = mem_printf("%s/joblog.%u", e->folder.dir, e->submissions);
	arguments(e, e->hosts ? own : e->hostfile, list);
	if (!rc)
		rc = start(e);
	free(home);
	free(list);
	free(own);
	return rc;
}

static void tell(const struct executor *e, struct engine_job *jobs, size_t n,
		 const char *words)
{
	struct buf text;

	for (size_t i = 0; *words && i < e->which_n; i++)
		snprintf(jobs[e->which[i]].why, sizeof(jobs->why), "%.150s",
			 words);
	buf_init(&text, LOG_MAX);
	if (!buf_read_file(&text, e->log) && text.len)
		parallel_read_log(text.data, e->which, e->which_n, jobs, n);
	buf_release(&text);
}

/* While it runs, all it was given is under way: it begins anew itself what has
 * failed. */
static int parallel_look(struct executor *e, struct engine_job *jobs, size_t n)
{
	struct proc_result res;
	char *words;
	int rc;

	if (!e->proc)
		return 0;
	if (!proc_look(e->proc, 0)) {
		for (size_t i = 0; i < e->which_n; i++)
			jobs[e->which[i]].under_way = true;
		return 0;
	}
	rc = proc_finish(e->proc, &res);
	e->proc = NULL;
	words = engine_words(&e->said);
	tell(e, jobs, n, words);
	free(words);
	return rc;
}

static void parallel_end(struct executor *e)
{
	struct proc_result res;

	if (!e->proc)
		return;
	e->stop = 1;
	proc_finish(e->proc, &res);
	e->proc = NULL;
}

const struct engine engine_parallel = {
	.name = "parallel",
	.program = "parallel",
	.package = "GNU parallel (Debian: parallel)",
	.pause = {.first_s = 0.2, .growth = 1, .most_s = 0.2},
	.check = parallel_check,
	.submit = parallel_submit,
	.look = parallel_look,
	.end = parallel_end,
};
