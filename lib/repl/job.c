/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repl/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define PATIENCE_MS 10000 /* from SIGTERM to SIGKILL */
#define GONE_MS	    1000  /* the same where nobody is there to see it */
#define LOOK_MS	    20
#define LOOK_S	    1	/* at the terminal, if nothing else happens */
#define STOPS_MAX   100 /* who stops more often is not to be continued */
#define FRONT_MAX   20	/* times that one waits to be in the foreground */

/* ---- the terminal ----------------------------------------------------- */

static void ignore(int sig)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

int job_terminal_take(struct job_terminal *t, int fd)
{
	pid_t front;
	int n = 0;

	t->fd = fd;
	/* Started in the background: wait until somebody wants us.  A group
	 * whose shell is gone is not stopped by that. */
	while ((front = tcgetpgrp(fd)) >= 0 && front != getpgrp())
		if (++n > FRONT_MAX || kill(0, SIGTTIN) < 0)
			return err_set(EIO, "nobody is left to bring this to "
					    "the foreground");
	if (front < 0 || tcgetattr(fd, &t->modes) < 0)
		return err_set(ENOTTY, "there is no job control here");
	ignore(SIGQUIT);
	ignore(SIGTSTP);
	ignore(SIGTTIN);
	ignore(SIGTTOU);
	/* A session's leader has its group already. */
	setpgid(0, 0);
	t->group = getpgrp();
	if (tcsetpgrp(fd, t->group) < 0)
		return err_set(ENOTTY, "there is no job control here");
	return 0;
}

void job_terminal_keys(const struct job_terminal *t)
{
	struct termios modes = t->modes;

	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	modes.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(t->fd, TCSADRAIN, &modes);
}

void job_terminal_restore(const struct job_terminal *t)
{
	tcsetpgrp(t->fd, t->group);
	tcsetattr(t->fd, TCSADRAIN, &t->modes);
}

bool job_terminal_gone(const struct job_terminal *t)
{
	struct pollfd p = {.fd = t->fd};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static void lend(const struct job_terminal *t, pid_t group)
{
	struct termios modes = t->modes;

	modes.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(t->fd, TCSADRAIN, &modes);
	tcsetpgrp(t->fd, group);
}

/* ---- starting --------------------------------------------------------- */

struct running {
	const struct job *job;
	pid_t *pid; /* 0: it has ended */
	pid_t group;
	size_t left;
	int stops;
	struct job_result *res;
};

static void default_signals(void)
{
	static const int set[] = {SIGINT,  SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU,
				  SIGTERM, SIGHUP,  SIGPIPE, SIGCHLD};
	struct sigaction sa = {.sa_handler = SIG_DFL};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		sigaction(set[i], &sa, NULL);
	sigprocmask(SIG_SETMASK, &sa.sa_mask, NULL);
}

/* What a stage says that cannot be run. */
struct failure {
	size_t stage;
	int why;
};

static void be_stage(const struct running *r, size_t i, int in, int out,
		     int failed)
{
	const struct job_stage *s = &r->job->stages[i];
	struct failure f = {.stage = i};

	if (r->job->terminal) {
		setpgid(0, r->group);
		/* Both sides do it: whoever comes first. */
		if (!r->job->until_key)
			tcsetpgrp(r->job->terminal->fd, getpgrp());
	}
	default_signals();
	unsetenv("SCHEDKIT_DOCUMENTS");
	if (s->documents) {
		char *v = mem_printf("%ld:%s", (long)getpid(), s->documents);

		setenv("SCHEDKIT_DOCUMENTS", v, 1);
		free(v);
	}
	if ((in < 0 || dup2(in, 0) == 0) && (out < 0 || dup2(out, 1) == 1))
		execv(s->path, s->argv);
	f.why = errno;
	_exit(write(failed, &f, sizeof(f)) == sizeof(f) ? 127 : 126);
}

static int start_stage(struct running *r, size_t i, int in, int out, int failed)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_set(errno, "cannot start '%s': %s",
			       r->job->stages[i].path, strerror(errno));
	if (!pid)
		be_stage(r, i, in, out, failed);
	if (!r->group)
		r->group = pid;
	if (r->job->terminal) {
		setpgid(pid, r->group);
		if (!i && !r->job->until_key)
			lend(r->job->terminal, r->group);
	}
	r->pid[i] = pid;
	r->left++;
	return 0;
}

static void close_if(int fd, int ours)
{
	if (fd >= 0 && fd != ours)
		close(fd);
}

static int start_all(struct running *r, int failed)
{
	const struct job *j = r->job;
	int in = j->in_fd, rc = 0;

	for (size_t i = 0; !rc && i < j->count; i++) {
		int ends[2] = {-1, j->out_fd};

		if (i + 1 < j->count && pipe2(ends, O_CLOEXEC) < 0)
			rc = err_set(errno, "cannot make a pipe: %s",
				     strerror(errno));
		if (!rc)
			rc = start_stage(r, i, in, ends[1], failed);
		close_if(in, j->in_fd);
		close_if(ends[1], j->out_fd);
		in = ends[0];
	}
	close_if(in, j->in_fd);
	return rc;
}

/* ---- waiting ---------------------------------------------------------- */

static void tell(const struct running *r, int sig)
{
	if (r->job->terminal) {
		kill(-r->group, sig);
		return;
	}
	for (size_t i = 0; i < r->job->count; i++)
		if (r->pid[i])
			kill(r->pid[i], sig);
}

/* One that stopped itself, or was stopped, has nobody else to wake it. */
static void go_on(struct running *r)
{
	if (++r->stops > STOPS_MAX)
		tell(r, SIGKILL);
	if (r->job->terminal && !r->job->until_key)
		tcsetpgrp(r->job->terminal->fd, r->group);
	tell(r, SIGCONT);
}

static void ended(struct running *r, size_t i, int st)
{
	int sig = WIFSIGNALED(st) ? WTERMSIG(st) : 0;

	r->pid[i] = 0;
	r->left--;
	if (i + 1 == r->job->count) {
		r->res->status = sig ? 128 + sig : WEXITSTATUS(st);
		if (sig)
			r->res->signal = sig;
	}
	if (sig == SIGINT)
		r->res->signal = sig;
}

/* What has happened to one of them; false: nothing. */
static bool look(struct running *r, int flags)
{
	int st;
	pid_t pid = waitpid(r->job->terminal ? -r->group : -1, &st,
			    WUNTRACED | flags);

	if (pid <= 0) {
		if (pid < 0 && errno == ECHILD)
			r->left = 0;
		return false;
	}
	if (WIFSTOPPED(st)) {
		go_on(r);
		return true;
	}
	for (size_t i = 0; i < r->job->count; i++)
		if (r->pid[i] == pid)
			ended(r, i, st);
	return true;
}

static void end_all(struct running *r)
{
	const struct job_terminal *t = r->job->terminal;
	bool gone = t && job_terminal_gone(t);
	int patience = gone ? GONE_MS : PATIENCE_MS;

	if (gone)
		tell(r, SIGHUP);
	tell(r, SIGTERM);
	tell(r, SIGCONT);
	for (int ms = 0; r->left; ms += LOOK_MS) {
		if (ms >= patience)
			tell(r, SIGKILL);
		if (!look(r, WNOHANG))
			poll(NULL, 0, LOOK_MS);
	}
}

/*
 * Waits for whatever comes first: a child, a signal, the end of the terminal,
 * or a key where keys count.  False: it is one of those that end the job.
 */
static bool doze(struct running *r, const sigset_t *signals)
{
	const struct job *j = r->job;
	const struct timespec limit = {.tv_sec = LOOK_S};
	struct pollfd p = {.fd = j->terminal ? j->terminal->fd : -1,
			   .events = j->until_key ? POLLIN : 0};

	if (ppoll(&p, 1, &limit, signals) <= 0)
		return true;
	r->res->keyed = j->until_key;
	return false;
}

static void wait_all(struct running *r, const sigset_t *signals)
{
	const volatile sig_atomic_t *stop = r->job->stop;
	bool on = true;

	while (r->left && on && !(stop && *stop))
		if (!look(r, WNOHANG))
			on = doze(r, signals);
	if (r->left)
		end_all(r);
}

/* ---- the whole -------------------------------------------------------- */

static void on_child(int sig)
{
	(void)sig;
}

/* Signals wait until doze() looks, so that none is missed. */
static void hold_signals(struct sigaction *child, sigset_t *before)
{
	static const int held[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGCHLD, &sa, child);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

int job_run(const struct job *j, struct job_result *res)
{
	struct running r = {.job = j, .res = res};
	struct sigaction child;
	struct failure f = {0};
	int failed[2], rc;
	sigset_t before;

	*res = (struct job_result){0};
	if (pipe2(failed, O_CLOEXEC) < 0)
		return err_set(errno, "cannot make a pipe: %s",
			       strerror(errno));
	r.pid = mem_zalloc(j->count, sizeof(*r.pid));
	hold_signals(&child, &before);
	rc = start_all(&r, failed[1]);
	close(failed[1]);
	if (!rc && read(failed[0], &f, sizeof(f)) == sizeof(f))
		rc = err_set(f.why, "cannot run '%s': %s",
			     j->stages[f.stage].path, strerror(f.why));
	close(failed[0]);
	if (rc && r.left)
		end_all(&r);
	else
		wait_all(&r, &before);
	if (j->terminal && !j->until_key)
		job_terminal_restore(j->terminal);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGCHLD, &child, NULL);
	free(r.pid);
	return rc;
}
