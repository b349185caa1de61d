/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slurm: an array of jobs, requeued by it when a node dies.  It is asked about
 * them by name, not by number: who was killed, or was told "timed out" by
 * sbatch, finds them again.  Whether a job is done its answer says, never the
 * queue; sacct is not needed, which not every cluster has.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "executor/engine.h"

#define QUEUE_MAX (16u << 20)
#define FIELDS	  4

/* ---- what it says ----------------------------------------------------- */

/* It runs, will run, or is on its way to either. */
static bool is_active(const char *state, const char *reason)
{
	static const char *const active[] = {
		"PENDING",     "RUNNING",   "SUSPENDED", "COMPLETING",
		"CONFIGURING", "RESIZING",  "REQUEUED",	 "REQUEUE_FED",
		"SIGNALING",   "STAGE_OUT", "STOPPED",
	};

	/* It was begun in vain too often and will not be again by itself. */
	if (!strcmp(state, "PENDING") && strcasestr(reason, "requeued") &&
	    strcasestr(reason, "held"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(active); i++)
		if (!strcmp(state, active[i]))
			return true;
	return false;
}

static void note(struct engine_job *j, char *const field[FIELDS])
{
	const char *state = field[1], *nodes = field[2], *reason = field[3];
	bool on = *nodes && strcmp(nodes, "(null)") != 0;

	if (is_active(state, reason))
		j->under_way = true;
	else if (j->under_way)
		return; /* of an earlier one of the same number */
	snprintf(j->why, sizeof(j->why), "Slurm says %.24s%s%.40s, %.60s",
		 state, on ? " on " : "", on ? nodes : "",
		 *reason ? reason : "no reason");
}

/* "7", or, where squeue keeps them together, "0-3,7%2". */
static void note_all(const char *text, char *const field[FIELDS],
		     struct engine_job *jobs, size_t n)
{
	while (isdigit((unsigned char)*text)) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		for (unsigned long i = first; i <= last && i < n; i++)
			note(&jobs[i], field);
		if (*end != ',')
			return;
		text = end + 1;
	}
}

void slurm_read_queue(const char *text, struct engine_job *jobs, size_t n)
{
	char *copy = mem_strdup(text), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *field[FIELDS], *at = line;
		size_t k = 0;

		for (; k < FIELDS && at; k++)
			field[k] = strsep(&at, "|");
		if (k == FIELDS)
			note_all(field[0], field, jobs, n);
	}
	free(copy);
}

bool slurm_is_away(const char *words)
{
	static const char *const signs[] = {
		"Unable to contact",	"onnection refused",
		"Socket timed out",	"Zero Bytes",
		"Transport endpoint",	"ommunication",
		"onnection reset",	"not answer",
		"onnection timed out",	"ackup controller",
		"temporarily",		"nterrupted",
		"configuration source",
	};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (strstr(words, signs[i]))
			return true;
	return false;
}

/* ---- asking it -------------------------------------------------------- */

static int slurm_check(const struct executor *e)
{
	(void)e;
	return 0;
}

static void add(struct strs *args, const char *option, const char *value)
{
	if (value)
		strs_printf(args, "--%s=%s", option, value);
}

static void add_array(const struct executor *e, const size_t *which, size_t n,
		      struct strs *args)
{
	struct buf list;

	buf_init(&list, 1 << 20);
	engine_ranges(which, n, &list);
	if (e->at_once)
		buf_printf(&list, "%%%ld", e->at_once);
	add(args, "array", list.data);
	buf_release(&list);
}

/* Its words are ours, whatever the jobs are. */
static int write_script(const char *path)
{
	static const char script[] =
		"#!/bin/sh\n"
		"# A job of schedkit: RUNNER FOLDER\n"
		"exec \"$1\" \"$2\" \"$SLURM_ARRAY_TASK_ID\"\n";

	return path_write_atomic(path, script, sizeof(script) - 1);
}

static int slurm_submit(struct executor *e, const size_t *which, size_t n)
{
	char *script = mem_printf("%s/job.sh", e->folder.dir);
	struct strs args = {0};
	struct buf id;
	int rc = write_script(script);

	strs_add(&args, "sbatch");
	strs_add(&args, "--parsable");
	strs_add(&args, "--requeue");
	strs_add(&args, "--open-mode=append");
	strs_add(&args, "--chdir=/");
	add(&args, "job-name", e->folder.name);
	strs_printf(&args, "--output=%s/%%a.log", e->folder.dir);
	add_array(e, which, n, &args);
	add(&args, "partition", e->partition);
	add(&args, "account", e->account);
	add(&args, "time", e->time);
	add(&args, "mem", e->mem);
	if (e->cpus)
		strs_printf(&args, "--cpus-per-task=%ld", e->cpus);
	strs_add(&args, script);
	strs_add(&args, e->runner);
	strs_add(&args, e->folder.dir);
	buf_init(&id, 256);
	if (!rc)
		rc = engine_call(e, args.v, &id);
	/* A no is no reason to ask again. */
	if (rc == -EAGAIN && !slurm_is_away(err_text()))
		rc = err_prefix(-EIO, "Slurm takes no job");
	buf_release(&id);
	strs_release(&args);
	free(script);
	return rc;
}

static int slurm_look(struct executor *e, struct engine_job *jobs, size_t n)
{
	struct strs args = {0};
	struct buf out;
	int rc;

	strs_add(&args, "squeue");
	strs_add(&args, "--noheader");
	strs_add(&args, "--array");
	strs_add(&args, "--states=all");
	strs_printf(&args, "--user=%u", geteuid());
	add(&args, "name", e->folder.name);
	strs_add(&args, "--format=%K|%T|%N|%r");
	buf_init(&out, QUEUE_MAX);
	rc = engine_call(e, args.v, &out);
	if (!rc && out.len)
		slurm_read_queue(out.data, jobs, n);
	buf_release(&out);
	strs_release(&args);
	return rc;
}

/* What cannot be cancelled now ends itself: its folder goes. */
static void slurm_end(struct executor *e)
{
	struct strs args = {0};

	strs_add(&args, "scancel");
	strs_add(&args, "--quiet");
	strs_printf(&args, "--user=%u", geteuid());
	add(&args, "name", e->folder.name);
	engine_call(e, args.v, NULL);
	strs_release(&args);
}

const struct engine engine_slurm = {
	.name = "slurm",
	.program = "sbatch",
	.package = "Slurm's client (Debian: slurm-client)",
	.pause = {.first_s = 0.5, .growth = 1.3, .most_s = 10},
	.check = slurm_check,
	.submit = slurm_submit,
	.look = slurm_look,
	.end = slurm_end,
};
