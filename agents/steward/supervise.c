/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that looks after one job, in a session of its own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/steward/jobs.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/privilege.h"
#include "base/proc.h"
#include "doc/json_file.h"

#define FILE_MAX   ((rlim_t)1 << 30)
#define LEFT_S	   5.0
#define LOOK_MS	   250
#define STEPS_MAX  4096
#define HISTORY_S  300.0
#define PLAIN_WIDE "100" /* columns */

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

struct work {
	const struct steward_order *o;
	const char *dir;
	int err;   /* what is said */
	int steps; /* end of a pipe that says how far it is; -1: none */
	int far;   /* where the last of it is put */
	int input;
	bool cancelled, timed_out, kept;
	int exit_status;
	char text[256]; /* why it could not be done */
};

static int open_in(const struct work *w, const char *name, int flags)
{
	char *path = mem_printf("%s/%s", w->dir, name);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		err_set(errno, "cannot open '%s': %s", path, strerror(errno));
	free(path);
	return fd;
}

/* ---- how far it is ------------------------------------------------------ */

/* The end that the program writes to; -1: it goes without. */
static int open_steps(struct work *w)
{
	char text[16];
	int p[2];

	w->steps = w->far = -1;
	if (pipe2(p, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	w->steps = p[0];
	w->far = open_in(w, "progress", O_WRONLY | O_CREAT);
	fcntl(p[1], F_SETFD, 0);
	snprintf(text, sizeof(text), "%d", p[1]);
	setenv("SCHEDKIT_PROGRESS", text, 1);
	return p[1];
}

/* The last line; it is read by who sees a part of it now and then. */
static void take_steps(struct work *w)
{
	char chunk[STEPS_MAX], *line;
	ssize_t n;

	while (w->steps >= 0 && (n = read(w->steps, chunk, sizeof(chunk))) > 0)
		if (w->far >= 0 && chunk[n - 1] == '\n') {
			chunk[n - 1] = '\0';
			line = memrchr(chunk, '\n', (size_t)n - 1);
			line = line ? line + 1 : chunk;
			if (pwrite(w->far, line, strlen(line), 0) >= 0 &&
			    ftruncate(w->far, (off_t)strlen(line)) < 0)
				return;
		}
}

static void close_steps(struct work *w)
{
	if (w->steps >= 0)
		close(w->steps);
	if (w->far >= 0)
		close(w->far);
	w->steps = w->far = -1;
}

/* ---- running ------------------------------------------------------------ */

static int run_to_end(struct work *w, const struct proc_spec *spec, bool steps,
		      struct proc_result *r)
{
	int out = steps ? open_steps(w) : -1, rc;
	struct proc *p;

	if (out < 0)
		return proc_run(spec, r);
	rc = proc_start(spec, &p);
	close(out);
	unsetenv("SCHEDKIT_PROGRESS");
	if (!rc) {
		while (!proc_look(p, LOOK_MS))
			take_steps(w);
		take_steps(w);
		rc = proc_finish(p, r);
	}
	close_steps(w);
	return rc;
}

/*
 * Runs one of our programs between two files of the job's; in -1: nothing is
 * read.  Its exit status, or -1, with why in w->text.
 */
static int run(struct work *w, const struct strs *args, int in, int out,
	       bool main, double limit_s)
{
	bool here = main && w->o->flags & STEWARD_HERE;
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result r = {0};
	struct strs argv = {0};
	char *program = path_bin(args->v[0]);
	int rc;

	strs_add(&argv, program);
	for (size_t i = 1; i < args->len; i++)
		strs_add(&argv, args->v[i]);
	spec.argv = argv.v;
	spec.cwd = here ? NULL : w->dir;
	spec.stdin_fd = in;
	spec.out_fd = out;
	spec.err_fd = w->err;
	spec.timeout_s = limit_s;
	spec.with_us = true;
	spec.cancel = &stop;
	rc = run_to_end(w, &spec, main, &r);
	if (rc)
		snprintf(w->text, sizeof(w->text), "%s", err_text());
	w->cancelled |= r.cancelled;
	w->timed_out |= r.timed_out;
	strs_release(&argv);
	free(program);
	return rc ? -1 : r.exit_status;
}

static int history(struct work *w, const char *verb, const char *id,
		   const char *in, const char *out)
{
	struct strs args = {0};
	int from = in ? open_in(w, in, O_RDONLY) : -1;
	int to = open_in(w, out, O_WRONLY | O_CREAT | O_APPEND);
	int status = -1;

	strs_add(&args, "sched-history");
	strs_add(&args, verb);
	strs_add(&args, "--json");
	if (id) {
		strs_add(&args, "--");
		strs_add(&args, id);
	}
	if (to >= 0 && (!in || from >= 0))
		status = run(w, &args, from, to, false, HISTORY_S);
	else
		snprintf(w->text, sizeof(w->text), "%s", err_text());
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	strs_release(&args);
	return status;
}

/* What the program is to read; its descriptor, -1 for nothing, or -2: there is
 * no such document. */
static int gather(struct work *w)
{
	const char *name = "in.jsonl";

	if (w->input >= 0 || !w->o->input.len)
		return w->input;
	for (size_t i = 0; i < w->o->input.len; i++) {
		w->exit_status =
			history(w, "show", w->o->input.v[i], NULL, name);
		if (w->exit_status) {
			/* No such document is nobody's answer. */
			if (w->exit_status == 1)
				w->exit_status = 3;
			return -2;
		}
	}
	/* Without a history of lessons there is nothing to put before. */
	if ((w->o->flags & STEWARD_LESSONS) &&
	    !history(w, "neighbours", NULL, name, "known.jsonl"))
		name = "known.jsonl";
	return open_in(w, name, O_RDONLY);
}

static int add_words(const struct work *w, struct strs *argv)
{
	char *path = mem_printf("%s/words", w->dir);
	struct strs words = {0};
	int rc = steward_words_read(path, &words);

	free(path);
	if (!rc && w->o->words_as) {
		strs_printf(argv, "%s%s", w->o->words_as, words.v[0]);
	} else if (!rc) {
		strs_add(argv, "--");
		for (size_t i = 0; i < words.len; i++)
			strs_add(argv, words.v[i]);
	}
	strs_release(&words);
	return rc;
}

static int arguments(const struct work *w, struct strs *argv)
{
	const struct steward_order *o = w->o;

	for (size_t i = 0; i < o->argv.len; i++)
		strs_add(argv, o->argv.v[i]);
	if (o->has_words)
		return add_words(w, argv);
	if (o->operands.len)
		strs_add(argv, "--");
	for (size_t i = 0; i < o->operands.len; i++)
		strs_add(argv, o->operands.v[i]);
	return 0;
}

/* What was found stays found, also when the rest was cut off. */
static void keep(struct work *w)
{
	const char *from = "out.jsonl";

	if (!(w->o->flags & STEWARD_KEEP) || w->cancelled)
		return;
	if ((w->o->flags & STEWARD_LEARN) &&
	    !history(w, "learn", NULL, from, "learned.jsonl"))
		from = "learned.jsonl";
	w->kept = !history(w, "add", NULL, from, "kept.jsonl");
}

static void work(struct work *w)
{
	struct strs argv = {0};
	int in = gather(w), out, rc;

	if (in == -2)
		return;
	w->exit_status = -1;
	out = open_in(w, "out.jsonl", O_WRONLY | O_CREAT | O_TRUNC);
	rc = out < 0 ? out : arguments(w, &argv);
	if (rc)
		snprintf(w->text, sizeof(w->text), "%s", err_text());
	else
		w->exit_status = run(w, &argv, in, out,
				     w->o->flags & STEWARD_HERE, w->o->limit_s);
	if (out >= 0)
		close(out);
	strs_release(&argv);
	if (!rc)
		keep(w);
}

/* ---- the end ------------------------------------------------------------ */

/* A child of ours that is in our session; 0: there is none. */
static pid_t left_over(void)
{
	char path[64], line[4096];
	FILE *f;
	pid_t found = 0, session = getsid(0);

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)getpid());
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f)) {
		char *at = line, *end;

		for (long pid; (pid = strtol(at, &end, 10)) > 0 && end != at;
		     at = end)
			if (getsid((pid_t)pid) == session)
				found = (pid_t)pid;
	}
	if (f)
		fclose(f);
	return found;
}

/* What it started in groups of their own, and left to us. */
static void end_the_rest(void)
{
	double until = clock_monotonic() + LEFT_S;
	pid_t pid;

	while ((pid = left_over()) && clock_monotonic() < until) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void write_status(const struct work *w)
{
	struct json *v = json_object();
	char *path = mem_printf("%s/status", w->dir);

	json_set_number(v, "exit_status", w->exit_status);
	json_set_bool(v, "cancelled", w->cancelled);
	json_set_bool(v, "timed_out", w->timed_out);
	json_set_bool(v, "kept", w->kept);
	json_set_number(v, "ended", (double)clock_wall());
	json_set_string(v, "text", w->text);
	json_save(path, v);
	free(path);
	json_free(v);
}

/* Nothing of the server's stays open but these two; it goes on without. */
static void let_go(int lock, int input)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int low = input >= 0 && input < lock ? input : lock;
	int high = input > lock ? input : lock;

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0u, 0);
}

void steward_job_supervise(const struct steward_order *o, const char *dir,
			   int lock, int input)
{
	const struct rlimit size = {FILE_MAX, FILE_MAX};
	struct sigaction term = {.sa_handler = on_term};
	struct work w = {.o = o, .dir = dir, .exit_status = -1};
	sigset_t none;

	setsid();
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &term, NULL);
	sigaction(SIGHUP, &term, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	setrlimit(RLIMIT_FSIZE, &size);
	setenv("COLUMNS", PLAIN_WIDE, 1);
	let_go(lock, input);
	w.input = input;
	w.err = open_in(&w, "err", O_WRONLY | O_CREAT | O_APPEND);
	/* What proposes may read what a model wrote, and needs no privilege. */
	if (o->class == STEWARD_PROPOSE && privilege_keep(0))
		snprintf(w.text, sizeof(w.text), "%s", err_text());
	else
		work(&w);
	w.cancelled |= stop && w.exit_status != 0;
	end_the_rest();
	write_status(&w);
	_exit(0);
}
