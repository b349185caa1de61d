/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"

#define KILL_GRACE_S 2.0
#define POLL_MS	     100

struct tap {
	int fd;		  /* read end; -1 closed */
	int child;	  /* write end; -1 none */
	int copy;	  /* where to copy; -1 nowhere */
	struct buf *keep; /* where to keep the tail */
};

/* Keeps the last max bytes. */
static void keep_tail(struct buf *b, const char *data, size_t len)
{
	size_t max = b->max;

	if (len > max) {
		data += len - max;
		len = max;
		b->truncated = true;
	}
	if (b->len + len > max) {
		size_t drop = b->len + len - max;

		memmove(b->data, b->data + drop, b->len - drop);
		b->len -= drop;
		b->truncated = true;
	}
	buf_add(b, data, len);
}

static int tap_open(struct tap *t, struct buf *keep, int copy)
{
	int p[2];

	*t = (struct tap){.fd = -1, .child = -1, .copy = copy, .keep = keep};
	if (!keep)
		return 0;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(errno, "cannot make a pipe: %s",
			       strerror(errno));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	t->fd = p[0];
	t->child = p[1];
	return 0;
}

static void tap_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Takes what is there. */
static void tap_drain(struct tap *t)
{
	char chunk[65536];

	while (t->fd >= 0) {
		ssize_t n = read(t->fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			tap_close(&t->fd);
			return;
		}
		keep_tail(t->keep, chunk, (size_t)n);
		if (t->copy >= 0)
			io_write(t->copy, chunk, (size_t)n);
	}
}

/* What a child that could not run its program leaves for the parent. */
struct failure {
	int code;
	char text[252]; /* of the sandbox; else empty */
};

/* Where /dev/null cannot be had, it would write into our own. */
static int child_fd(const struct tap *t, int direct, int target)
{
	int from = t->child >= 0 ? t->child : direct;

	if (from < 0)
		from = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (from < 0)
		return -1;
	if (from != target)
		dup2(from, target);
	else
		fcntl(from, F_SETFD, 0);
	return 0;
}

static void __attribute__((noreturn))
child(const struct proc_spec *s, const struct tap *out, const struct tap *err,
      int go, int report)
{
	sigset_t none;
	int in = s->stdin_fd;
	struct failure f = {0};
	int keep_err = s->err_fd;
	bool out_first;
	ssize_t got;
	char c;

	setpgid(0, 0);
	/* Before the look at whether the parent still lives. */
	if (s->with_us)
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The parent looks at us (attaches, writes down the pid) first. */
	while ((got = read(go, &c, 1)) < 0 && errno == EINTR)
		;
	if (got != 1)
		_exit(127); /* it died before it let us go */
	if (in < 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in < 0)
		goto fail;
	if (in > 0)
		dup2(in, 0);
	else
		fcntl(0, F_SETFD, 0);
	/* Standard output may be redirected to what is now descriptor 2. */
	if (err->child < 0 && keep_err == 1 &&
	    (out->child >= 0 || s->out_fd != 1) &&
	    (keep_err = fcntl(1, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0 &&
	    errno != EBADF)
		goto fail;
	out_first = out->child < 0 && s->out_fd == 2;
	if ((out_first && child_fd(out, s->out_fd, 1) < 0) ||
	    child_fd(err, keep_err, 2) < 0 ||
	    (!out_first && child_fd(out, s->out_fd, 1) < 0))
		goto fail;
	if (s->cwd && chdir(s->cwd) < 0)
		goto fail;
	if (s->set_ids && (setgroups(0, NULL) < 0 || setgid(s->gid) < 0 ||
			   setuid(s->uid) < 0))
		goto fail;
	/* Nor does what somebody forgot to close get into a sandbox. */
	if (s->sandbox)
		close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	if (s->sandbox && (f.code = -sandbox_enter(s->sandbox))) {
		snprintf(f.text, sizeof(f.text), "%s", err_text());
		goto tell;
	}
	if (s->env)
		execvpe(s->argv[0], s->argv, s->env);
	else
		execvp(s->argv[0], s->argv);
fail:
	f.code = errno;
tell:
	io_write(report, &f, sizeof(f));
	_exit(127);
}

struct proc {
	struct proc_spec s;
	struct proc_result r;
	struct tap out, err;
	pid_t pid;
	int pidfd;
	int report; /* what it could not do comes here */
	double start, kill_at;
	bool terminated, ended;
};

/* Ends it at the limit, first kindly. */
static void mind(struct proc *p)
{
	const struct proc_spec *s = &p->s;
	double now = clock_monotonic();

	if (!p->terminated && s->timeout_s > 0 && now - p->start > s->timeout_s)
		p->r.timed_out = true;
	if (!p->terminated && s->cancel && *s->cancel)
		p->r.cancelled = true;
	if (!p->terminated && (p->r.timed_out || p->r.cancelled)) {
		kill(-p->pid, SIGTERM);
		p->kill_at = now + KILL_GRACE_S;
		p->terminated = true;
	}
	if (p->terminated && now > p->kill_at) {
		kill(-p->pid, SIGKILL);
		p->kill_at = now + KILL_GRACE_S;
	}
}

bool proc_look(struct proc *p, int wait_ms)
{
	bool minds = p->s.timeout_s > 0 || p->s.cancel || p->terminated;
	double until = clock_monotonic() + wait_ms / 1e3;

	while (!p->ended) {
		struct pollfd f[3] = {{p->pidfd, POLLIN, 0},
				      {p->out.fd, POLLIN, 0},
				      {p->err.fd, POLLIN, 0}};
		double left = (until - clock_monotonic()) * 1e3;
		int ms = minds ? POLL_MS : -1;

		if (wait_ms >= 0 && (ms < 0 || left < ms))
			ms = left > 0 ? (int)ceil(left) : 0;
		poll(f, 3, ms);
		tap_drain(&p->out);
		tap_drain(&p->err);
		if (f[0].revents) {
			p->ended = true;
			p->r.wall_s = clock_monotonic() - p->start;
			break;
		}
		mind(p);
		if (wait_ms >= 0 && clock_monotonic() >= until)
			break;
	}
	return p->ended;
}

static void reap(pid_t pid, struct proc_result *r)
{
	struct rusage ru;
	int status;

	while (wait4(pid, &status, 0, &ru) < 0 && errno == EINTR)
		;
	r->user_s = (double)ru.ru_utime.tv_sec + ru.ru_utime.tv_usec / 1e6;
	r->sys_s = (double)ru.ru_stime.tv_sec + ru.ru_stime.tv_usec / 1e6;
	r->max_rss_kib = ru.ru_maxrss;
	if (WIFSIGNALED(status)) {
		r->signal = WTERMSIG(status);
		r->exit_status = 128 + r->signal;
	} else {
		r->exit_status = WEXITSTATUS(status);
	}
}

static void release(struct proc *p)
{
	tap_close(&p->pidfd);
	tap_close(&p->out.fd);
	tap_close(&p->out.child);
	tap_close(&p->err.fd);
	tap_close(&p->err.child);
	tap_close(&p->report);
	free(p);
}

/* The child waits at go until the parent has looked at it. */
static int begin(struct proc *p, const int go[2], int report)
{
	child_hear_ends();
	p->pid = fork();
	if (p->pid < 0)
		return err_set(errno, "cannot fork: %s", strerror(errno));
	if (p->pid == 0) {
		close(go[1]);
		child(&p->s, &p->out, &p->err, go[0], report);
	}
	setpgid(p->pid, p->pid);
	tap_close(&p->out.child);
	tap_close(&p->err.child);
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd < 0) {
		int rc = err_set(errno, "cannot watch '%s': %s", p->s.argv[0],
				 strerror(errno));

		/* It waits for us. */
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
		return rc;
	}
	if (p->s.started)
		p->s.started(p->pid, p->s.started_arg);
	p->start = clock_monotonic();
	/* While we have the other end: the child may have been killed. */
	io_write(go[1], "", 1);
	return 0;
}

int proc_start(const struct proc_spec *s, struct proc **out)
{
	struct proc *p = mem_zalloc(1, sizeof(*p));
	int go[2] = {-1, -1}, report[2] = {-1, -1}, rc;

	*out = NULL;
	p->s = *s;
	p->pidfd = -1;
	p->err = (struct tap){.fd = -1, .child = -1};
	rc = tap_open(&p->out, s->out, s->out_fd);
	if (!rc)
		rc = tap_open(&p->err, s->err, s->err_fd);
	if (!rc && (pipe2(go, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0))
		rc = err_set(errno, "cannot make a pipe: %s", strerror(errno));
	p->report = report[0];
	if (!rc)
		rc = begin(p, go, report[1]);
	tap_close(&report[1]);
	tap_close(&go[0]);
	tap_close(&go[1]);
	if (rc)
		release(p);
	else
		*out = p;
	return rc;
}

int proc_finish(struct proc *p, struct proc_result *r)
{
	struct failure f;
	int rc = 0;

	proc_look(p, -1);
	*r = p->r;
	/* Left-over children would disturb what comes next. */
	kill(-p->pid, SIGKILL);
	reap(p->pid, r);
	tap_drain(&p->out);
	tap_drain(&p->err);
	if (read(p->report, &f, sizeof(f)) == sizeof(f))
		rc = err_set(f.code, "cannot run '%s': %s", p->s.argv[0],
			     f.text[0] ? f.text : strerror(f.code));
	release(p);
	return rc;
}

int proc_run(const struct proc_spec *s, struct proc_result *r)
{
	struct proc *p;
	int rc;

	*r = (struct proc_result){0};
	rc = proc_start(s, &p);
	return rc ? rc : proc_finish(p, r);
}
