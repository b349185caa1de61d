/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "executor/executor.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "executor/engine.h"

#define PATIENCE_S	 600 /* with an engine that was there before */
#define FIRST_PATIENCE_S 30  /* with one that never was */
#define GRACE_S		 5   /* shared file systems show files late */
#define SLICE_MS	 100
#define COLLECT_S	 0.5

/* One call of executor_run(). */
struct run {
	struct executor *e;
	const struct executor_watch *w;
	struct executor_answer *answers;
	struct engine_job *jobs;
	unsigned *tries; /* how often each was handed to the engine */
	double *idle;	 /* since when nobody is at it; 0: somebody is */
	size_t n;
	double heard; /* from the engine, at last; 0: never */
	double start;
	unsigned looks;
};

/* ---- options ---------------------------------------------------------- */

/* ROOT/libexec/schedkit/run-job of ROOT/bin/PROGRAM: every tree of ours is laid
 * out so. */
static char *runner_of(const char *program)
{
	const char *slash = strrchr(program, '/');
	size_t n = slash ? (size_t)(slash - program) : 0;

	if (n < 4 || strncmp(slash - 4, "/bin", 4) != 0)
		return NULL;
	return mem_printf("%.*s/libexec/schedkit/run-job", (int)n - 4, program);
}

int executor_open(const char *text, const char *program, struct executor **out)
{
	struct executor *e = mem_zalloc(1, sizeof(*e));
	int rc;

	*out = NULL;
	e->program = path_bin(program);
	e->dir = path_cache("jobs");
	e->patience_s = PATIENCE_S;
	e->folder = FOLDER_NONE;
	rc = engine_options(e, text);
	if (!rc) {
		e->runner = runner_of(e->program);
		if (!e->runner)
			rc = err_set(EINVAL,
				     "program: '%s' is not below a folder bin",
				     e->program);
	}
	if (rc)
		executor_close(e);
	else
		*out = e;
	return rc;
}

void executor_close(struct executor *e)
{
	if (!e)
		return;
	free(e->program);
	free(e->runner);
	free(e->dir);
	free(e->partition);
	free(e->account);
	free(e->time);
	free(e->mem);
	free(e->hosts);
	free(e->hostfile);
	free(e->which);
	free(e->log);
	strs_release(&e->args);
	strs_release(&e->env);
	buf_release(&e->said);
	free(e);
}

const char *executor_program(const struct executor *e)
{
	return e->program;
}

/* ---- answers ---------------------------------------------------------- */

void executor_answer_release(struct executor_answer *a)
{
	free(a->why);
	free(a->out);
	free(a->said);
	*a = (struct executor_answer){0};
}

static void lose(struct executor_answer *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void lose(struct executor_answer *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	a->state = EXECUTOR_LOST;
	a->why = mem_vprintf(fmt, ap);
	va_end(ap);
}

static void take_answer(struct executor_answer *a,
			const struct answer_packet *p)
{
	memcpy(a->node, p->node, sizeof(a->node));
	a->seconds = p->seconds;
	if (p->gave_up) {
		lose(a,
		     "it was begun %d times and never came to its end, at "
		     "last on %s",
		     EXECUTOR_TRIES, p->node);
		return;
	}
	a->state = EXECUTOR_DONE;
	a->exit_status = p->exit_status;
	a->out = mem_strndup(p->out, p->out_len);
	a->out_len = strlen(a->out); /* a NUL ends any text */
	a->said = mem_strndup(p->said, p->said_len);
}

/* How many have an answer now. */
static size_t collect(struct run *r)
{
	struct answer_packet p;
	struct buf room;
	size_t done = 0;

	buf_init(&room, 0);
	for (size_t i = 0; i < r->n; i++) {
		struct executor_answer *a = &r->answers[i];

		if (a->state == EXECUTOR_UNKNOWN &&
		    !folder_answer(&r->e->folder, i, &room, &p))
			take_answer(a, &p);
		done += a->state != EXECUTOR_UNKNOWN;
	}
	buf_release(&room);
	return done;
}

/* ---- the engine ------------------------------------------------------- */

static bool cancelled(const struct run *r)
{
	return r->w->cancel && *r->w->cancel;
}

/* An engine that is gone for a while comes back; rc is why it is not there. */
static int bear(struct run *r, int rc)
{
	double since = r->heard > 0 ? r->heard : r->start;
	double most = r->heard > 0 ? r->e->patience_s
				   : fmin(FIRST_PATIENCE_S, r->e->patience_s);

	if (rc != -EAGAIN || clock_monotonic() - since < most)
		return rc == -EAGAIN ? 0 : rc;
	return err_prefix(rc,
			  "%s cannot be reached (what was done stays in "
			  "'%s'; the same call goes on from there)",
			  r->e->engine->name, r->e->folder.dir);
}

static int look(struct run *r)
{
	int rc;

	for (size_t i = 0; i < r->n; i++)
		r->jobs[i].under_way = false;
	rc = r->e->engine->look(r->e, r->jobs, r->n);
	if (rc)
		return rc;
	r->heard = clock_monotonic();
	return 0;
}

/* Nobody is at it, and an answer would be here by now. */
static bool is_idle(struct run *r, size_t i)
{
	if (r->answers[i].state != EXECUTOR_UNKNOWN || r->jobs[i].under_way) {
		r->idle[i] = 0;
		return false;
	}
	if (!r->tries[i])
		return true;
	if (!(r->idle[i] > 0))
		r->idle[i] = clock_monotonic();
	return clock_monotonic() - r->idle[i] >= GRACE_S;
}

/* Hands out what nobody is at; what was handed out often enough is lost. */
static int submit(struct run *r)
{
	size_t *which = mem_zalloc(r->n + 1, sizeof(*which)), n = 0;
	int rc = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (!is_idle(r, i))
			continue;
		if (r->tries[i] < EXECUTOR_TRIES)
			which[n++] = i;
		else
			lose(&r->answers[i],
			     "no node brought it to its end, "
			     "tried %d times%s%s",
			     EXECUTOR_TRIES, *r->jobs[i].why ? "; " : "",
			     r->jobs[i].why);
	}
	if (n)
		rc = r->e->engine->submit(r->e, which, n);
	if (n && !rc) {
		r->e->submissions++;
		r->heard = clock_monotonic();
		for (size_t k = 0; k < n; k++) {
			r->tries[which[k]]++;
			r->idle[which[k]] = 0;
		}
	}
	free(which);
	return rc;
}

/* ---- the call --------------------------------------------------------- */

static void tell(const struct run *r, size_t done)
{
	char words[128];
	size_t on = 0;

	if (!r->w->progress)
		return;
	for (size_t i = 0; i < r->n; i++)
		on += r->answers[i].state == EXECUTOR_UNKNOWN &&
		      r->jobs[i].under_way;
	snprintf(words, sizeof(words), "%s has %zu of %zu jobs, %zu are done",
		 r->e->engine->name, on, r->n, done);
	r->w->progress(r->w->arg, (long)done, (long)r->n, words);
}

/* Until the next look, or all is there. */
static void pause_for(struct run *r, double s)
{
	double now = clock_monotonic(), until = now + s, next = now;

	while (now < until && !cancelled(r)) {
		if (now >= next) {
			if (collect(r) == r->n)
				return;
			next = now + COLLECT_S;
		}
		usleep(SLICE_MS * 1000);
		now = clock_monotonic();
	}
}

static int go(struct run *r)
{
	size_t done = 0, before = 0;
	int rc = 0;

	/* In this order: to collect has words of its own. */
	while (!rc && (done = collect(r)) < r->n) {
		if (cancelled(r))
			return err_set(EINTR, "interrupted");
		if (done > before)
			r->looks = 0;
		before = done;
		rc = look(r);
		/* What was answered meanwhile is not handed out again. */
		if (!rc && collect(r) < r->n)
			rc = submit(r);
		rc = bear(r, rc);
		if (rc)
			break;
		tell(r, done);
		pause_for(r, backoff_pause(&r->e->engine->pause, ++r->looks));
	}
	return cancelled(r) && done < r->n ? err_set(EINTR, "interrupted") : rc;
}

static int check_here(const struct executor *e)
{
	char *program = path_program(e->engine->program);
	int rc = 0;

	if (!program)
		rc = err_set(ENOENT, "there is no '%s' here: install %s",
			     e->engine->program, e->engine->package);
	else if (!folder_is_plain(e->dir) || !folder_is_plain(e->program))
		rc = err_set(EINVAL,
			     "'%s' cannot be handed to every shell on the "
			     "way: name another one with dir= or program=",
			     folder_is_plain(e->dir) ? e->program : e->dir);
	free(program);
	return rc;
}

/* An engine that cannot be reached may go on with the jobs; else all that is
 * left of them ends. */
static void end(struct run *r, int rc)
{
	struct executor *e = r->e;
	bool keep = rc == -EAGAIN;

	e->cancel = NULL;
	if (rc && !keep)
		folder_stop(&e->folder);
	if (!keep || e->proc)
		e->engine->end(e);
	folder_close(&e->folder, !keep);
}

int executor_run(struct executor *e, const struct job_packet *jobs, size_t n,
		 const struct executor_watch *w,
		 struct executor_answer *answers)
{
	struct run r = {.e = e, .w = w, .answers = answers, .n = n};
	char *words;
	int rc = check_here(e);

	memset(answers, 0, n * sizeof(*answers));
	if (!rc && n)
		rc = folder_open(e->dir, jobs, n, &e->folder);
	if (rc || !n)
		return rc;
	r.jobs = mem_zalloc(n, sizeof(*r.jobs));
	r.tries = mem_zalloc(n, sizeof(*r.tries));
	r.idle = mem_zalloc(n, sizeof(*r.idle));
	r.start = clock_monotonic();
	e->submissions = 0;
	e->cancel = w->cancel;
	rc = go(&r);
	/* The end has words of its own. */
	words = mem_strdup(err_text());
	end(&r, rc);
	if (rc)
		rc = err_set(-rc, "%s", words);
	free(words);
	free(r.jobs);
	free(r.tries);
	free(r.idle);
	return rc;
}
