/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipelines of our programs and of others. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/repl.h"
#include "repl/tools.h"

#define PREFIX "sched-"

/* ---- programs --------------------------------------------------------- */

char *repl_find(const char *name, bool *ours)
{
	bool whole = !strncmp(name, PREFIX, strlen(PREFIX));
	char *path = tools_find(whole ? name + strlen(PREFIX) : name);

	if (!strcmp(name, "sched"))
		path = path_bin(name);
	*ours = path != NULL;
	if (path || !*name)
		return path;
	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : mem_strdup(name);
	return path_program(name);
}

/* ---- redirections ----------------------------------------------------- */

int repl_create(const char *path, bool append)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_CLOEXEC |
			      (append ? O_APPEND : O_TRUNC),
		      0666);

	if (fd < 0)
		cli_note(&repl_tool, "cannot write '%s': %s", path,
			 strerror(errno));
	return fd;
}

static int open_in(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		cli_note(&repl_tool, "cannot read '%s': %s", path,
			 strerror(errno));
	return fd;
}

/* ---- running ---------------------------------------------------------- */

struct running {
	struct job_stage *stages;
	size_t count;
	size_t first; /* stage of the line that stages[0] is */
	int in, out;
	char *kept;
};

static void release(struct running *x)
{
	for (size_t i = 0; i < x->count; i++)
		free((char *)x->stages[i].path);
	free(x->stages);
	if (x->in >= 0)
		close(x->in);
	if (x->out >= 0)
		close(x->out);
}

/* What the first of them reads. */
static bool open_input(struct repl *r, const struct line *l,
		       const struct repl_run *how, struct running *x)
{
	long back = repl_is_last(&l->stages[0]);

	if (how->in_fd >= 0) {
		x->in = fcntl(how->in_fd, F_DUPFD_CLOEXEC, 3);
	} else if (back && l->count > 1) {
		x->first = 1;
		x->in = repl_kept(r, back);
	} else if (l->in) {
		x->in = open_in(l->in);
	} else if (r->from_file || how->until_key) {
		x->in = open_in("/dev/null");
	} else {
		return true;
	}
	return x->in >= 0;
}

/* The last of ours has seen all that there is to keep. */
static void find_programs(struct repl *r, const struct line *l, bool keep,
			  struct running *x)
{
	size_t last = SIZE_MAX;

	x->stages = mem_zalloc(l->count, sizeof(*x->stages));
	for (size_t i = x->first; i < l->count; i++) {
		struct job_stage *s = &x->stages[x->count];
		bool ours;

		s->path = repl_find(l->stages[i].words.v[0], &ours);
		s->argv = l->stages[i].words.v;
		if (ours)
			last = x->count;
		x->count++;
	}
	if (last == SIZE_MAX || !keep)
		return;
	x->kept = repl_keep_new(r);
	x->stages[last].documents = x->kept;
}

int repl_run(struct repl *r, const struct line *l, const struct repl_run *how,
	     struct job_result *res)
{
	struct running x = {.in = -1, .out = -1};
	int status = CLI_CANNOT;
	bool ready;

	ready = open_input(r, l, how, &x);
	if (ready && l->out) {
		x.out = repl_create(l->out, l->append);
		ready = x.out >= 0;
	}
	if (ready) {
		struct job j = {.in_fd = x.in,
				.out_fd = x.out,
				.terminal = r->terminal,
				.until_key = how->until_key,
				.stop = &repl_stop};

		find_programs(r, l, !how->until_key, &x);
		j.stages = x.stages;
		j.count = x.count;
		fflush(stdout);
		if (job_run(&j, res) < 0)
			status = cli_fail(&repl_tool, -ENOENT);
		else
			status = res->status;
	}
	if (x.kept)
		repl_keep(r, x.kept);
	release(&x);
	return status;
}

int repl_run_words(struct repl *r, const char *const *words, int in_fd)
{
	struct line_stage stage = {0};
	struct line l = {.kind = LINE_PIPE, .stages = &stage, .count = 1};
	struct repl_run how = {.in_fd = in_fd};
	struct job_result res = {0};
	int status;

	for (; *words; words++)
		strs_add(&stage.words, *words);
	status = repl_run(r, &l, &how, &res);
	repl_say_status(r, &l, status, &res);
	strs_release(&stage.words);
	return status;
}

int repl_run_shell(struct repl *r, const char *command)
{
	const char *words[] = {"/bin/sh", "-c", command, NULL};

	return repl_run_words(r, words, -1);
}

/* ---- what became of it ------------------------------------------------ */

static const char *meaning(const struct line *l, int status)
{
	static const char *const words[] = {
		[CLI_NO] = "the answer is no",
		[CLI_USAGE] = "usage",
		[CLI_CANNOT] = "cannot until something changes",
		[CLI_LATER] = "try again later"};
	bool ours;

	free(repl_find(l->stages[l->count - 1].words.v[0], &ours));
	if (ours && status > 0 && (size_t)status < ARRAY_LEN(words))
		return words[status];
	return NULL;
}

void repl_say_status(struct repl *r, const struct line *l, int status,
		     const struct job_result *res)
{
	const char *words = meaning(l, status);

	if (!r->prompt || (!status && !res->signal))
		return;
	if (res->signal == SIGINT)
		fprintf(stderr, "\n[interrupted]\n");
	else if (res->signal)
		fprintf(stderr, "[%s]\n", strsignal(res->signal));
	else if (words)
		fprintf(stderr, "[%d: %s]\n", status, words);
	else
		fprintf(stderr, "[%d]\n", status);
}
