/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child of a runner.  It keeps its rights, since it has to start a
 * program, but what it starts has no capability and can get none.
 */
#include "llm/runner_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "llm/secret.h"

#define POLL_MS	  100
#define ERR_BYTES 2000

struct job {
	const struct runner_spec *s;
	int fd;		  /* to who asks */
	int in, out, err; /* our ends of its pipes; -1: closed */
	pid_t pid;
	const char *text; /* what is left for its standard input */
	size_t len;
	struct buf said;
	struct buf tail; /* of its standard error, twice as much at most */
	int failure;
	bool gone; /* who asked has gone */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* An empty bounding set and no_new_privs: no program that it starts, set-uid
 * or started by uid 0, has a capability again. */
static int drop_rights(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Without CAP_SETPCAP there is nothing that could be kept. */
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	for (int cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &h, none) < 0 ? -errno : 0;
}

static void __attribute__((noreturn))
exec_program(const struct runner_spec *s, int in, int out, int err, int report)
{
	int rc;

	setpgid(0, 0);
	child_usual_signals();
	rc = dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ? -errno
								     : 0;
	if (!rc && s->cwd && chdir(s->cwd) < 0)
		rc = -errno;
	if (!rc)
		rc = drop_rights();
	if (!rc) {
		execvpe(s->argv[0], s->argv, s->env);
		rc = -errno;
	}
	io_write(report, &rc, sizeof(rc));
	_exit(127);
}

/* Pipes p[i][0] read, p[i][1] write; all close on exec. */
static int open_pipes(int p[][2], int n)
{
	for (int i = 0; i < n; i++) {
		if (!pipe2(p[i], O_CLOEXEC))
			continue;
		while (i--) {
			close(p[i][0]);
			close(p[i][1]);
		}
		return -EMFILE;
	}
	return 0;
}

static int start(struct job *j)
{
	int p[4][2], rc = open_pipes(p, 4);

	if (rc)
		return rc;
	j->pid = fork();
	if (!j->pid)
		exec_program(j->s, p[0][0], p[1][1], p[2][1], p[3][1]);
	setpgid(j->pid, j->pid);
	close(p[0][0]);
	close(p[1][1]);
	close(p[2][1]);
	close(p[3][1]);
	j->in = p[0][1];
	j->out = p[1][0];
	j->err = p[2][0];
	if (j->pid < 0)
		rc = -EAGAIN;
	else if (read(p[3][0], &rc, sizeof(rc)) != sizeof(rc))
		rc = 0;
	close(p[3][0]);
	fcntl(j->in, F_SETFL, O_NONBLOCK);
	return rc;
}

static void feed(struct job *j)
{
	ssize_t n = write(j->in, j->text, j->len);

	if (n > 0) {
		j->text += n;
		j->len -= (size_t)n;
	}
	/* It need not read all of it. */
	if (!j->len || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&j->in);
}

static void hear(struct job *j)
{
	char chunk[16384];
	ssize_t n = read(j->out, chunk, sizeof(chunk));

	if (n > 0 && j->said.len + (size_t)n > j->s->max_bytes)
		j->failure = EMSGSIZE;
	if (n > 0)
		buf_add(&j->said, chunk, (size_t)n);
	else if (n == 0 || errno != EINTR)
		close_fd(&j->out);
}

static void hear_errors(struct job *j)
{
	char chunk[ERR_BYTES];
	ssize_t n = read(j->err, chunk, sizeof(chunk));

	if (n > 0) {
		if (j->tail.len + (size_t)n > 2 * ERR_BYTES) {
			memmove(j->tail.data,
				j->tail.data + j->tail.len - ERR_BYTES,
				ERR_BYTES);
			j->tail.len = ERR_BYTES;
		}
		buf_add(&j->tail, chunk, (size_t)n);
	} else if (n == 0 || errno != EINTR) {
		close_fd(&j->err);
	}
}

/* Who asks sends nothing while it waits, but RUNNER_STOP. */
static void hear_who_asks(struct job *j)
{
	char c;
	ssize_t n = read(j->fd, &c, 1);

	if (n == 0)
		j->gone = true;
	if (n >= 0)
		j->failure = EINTR;
}

/* Moves bytes until its standard output is closed or it has to be killed. */
static void supervise(struct job *j)
{
	double end = clock_monotonic() + j->s->timeout_s;

	while (j->out >= 0 && !j->failure) {
		struct pollfd p[] = {{j->fd, POLLIN, 0},
				     {j->in, POLLOUT, 0},
				     {j->out, POLLIN, 0},
				     {j->err, POLLIN, 0}};

		poll(p, 4, POLL_MS);
		if (p[0].revents)
			hear_who_asks(j);
		if (p[1].revents)
			feed(j);
		if (p[2].revents)
			hear(j);
		if (p[3].revents)
			hear_errors(j);
		if (!j->failure && clock_monotonic() > end)
			j->failure = ETIMEDOUT;
	}
}

/* It has closed its output: gives it a moment to end by itself. */
static int reap(struct job *j)
{
	double end = clock_monotonic() + 2;
	int status = 0;

	if (j->pid <= 0)
		return 127;
	while (!j->failure && clock_monotonic() < end) {
		struct pollfd p = {j->err, POLLIN, 0};

		if (waitpid(j->pid, &status, WNOHANG) == j->pid)
			goto done;
		poll(&p, 1, 10);
		if (p.revents)
			hear_errors(j);
	}
	kill(-j->pid, SIGKILL);
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
done:
	if (j->err >= 0 && poll(&(struct pollfd){j->err, POLLIN, 0}, 1, 0) > 0)
		hear_errors(j);
	/* What it left behind in its group. */
	kill(-j->pid, SIGKILL);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* The last words, from where one begins: the rest of a key that was cut would
 * not be known for one. */
static size_t last_words(const struct job *j)
{
	size_t at = j->tail.len - ERR_BYTES;

	if (j->tail.len <= ERR_BYTES)
		return j->tail.len;
	while (at < j->tail.len && !strchr(" \t\n", j->tail.data[at]))
		at++;
	return j->tail.len - at;
}

static int reply(struct job *j, int exit_status)
{
	struct runner_reply r = {
		.failure = j->failure,
		.exit_status = exit_status,
		.out_len = j->said.len,
		.err_len = last_words(j),
	};
	int rc = io_write(j->fd, &r, sizeof(r));

	if (!rc)
		rc = io_write(j->fd, j->said.data, j->said.len);
	if (!rc && r.err_len)
		rc = io_write(j->fd, j->tail.data + j->tail.len - r.err_len,
			      r.err_len);
	return rc;
}

static int serve(const struct runner_spec *s, int fd, const char *text,
		 size_t len)
{
	struct job j = {.s = s,
			.fd = fd,
			.in = -1,
			.out = -1,
			.err = -1,
			.text = text,
			.len = len};
	int status, rc;

	buf_init(&j.said, s->max_bytes);
	buf_init(&j.tail, 2 * ERR_BYTES);
	j.failure = -start(&j);
	if (!j.failure)
		supervise(&j);
	status = reap(&j);
	rc = j.gone ? -EPIPE : reply(&j, status);
	close_fd(&j.in);
	close_fd(&j.out);
	close_fd(&j.err);
	buf_release(&j.said);
	buf_release(&j.tail);
	return rc;
}

static bool get(int fd, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Descriptors 0 and 1 are the protocol of who asks; not ours to keep open. */
static void let_go(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (fd != 3) {
		dup3(fd, 3, O_CLOEXEC);
		fd = 3;
	}
	syscall(SYS_close_range, 4u, ~0u, 0);
}

void runner_child(const struct runner_spec *s, int fd)
{
	uint64_t len;
	char what;

	/* A key at the terminal is for who asks; it closes our input. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	let_go(fd);
	secret_forget();
	secret_clear_env();
	while (get(3, &what, 1)) {
		char *text;
		bool ok;

		/* To stop what had just ended by itself. */
		if (what == RUNNER_STOP)
			continue;
		if (!get(3, &len, sizeof(len)) || len > RUNNER_MAX_PROMPT)
			break;
		text = mem_zalloc(len + 1, 1);
		ok = get(3, text, len) && !serve(s, 3, text, len);
		free(text);
		if (!ok)
			break;
	}
	_exit(0);
}
