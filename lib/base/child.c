/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define LOOK_MS 5

void child_hear_ends(void)
{
	struct sigaction now;

	if (!sigaction(SIGCHLD, NULL, &now) && now.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
}

void child_usual_signals(void)
{
	static const int usual[] = {SIGPIPE, SIGTERM, SIGINT,
				    SIGHUP,  SIGALRM, SIGCHLD};
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		signal(usual[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn))
begin(child_main *start, void *arg, bool with_us, const int *pair, pid_t parent)
{
	if (with_us)
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	/* It may have died before that. */
	if (!with_us || getppid() == parent) {
		close(pair[0]);
		start(pair[1], arg);
	}
	_exit(1);
}

int child_fork(child_main *start, void *arg, bool with_us, struct child *out)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(errno, "cannot make a socket: %s",
			       strerror(errno));
	child_hear_ends();
	pid = fork();
	if (!pid)
		begin(start, arg, with_us, pair, parent);
	if (pid < 0) {
		err_set(errno, "cannot fork: %s", strerror(errno));
		close(pair[0]);
		close(pair[1]);
		return -EAGAIN;
	}
	close(pair[1]);
	*out = (struct child){pid, pair[0]};
	return 0;
}

struct program {
	const char *path;
	char *const *argv;
};

static void become(int fd, void *arg)
{
	const struct program *p = arg;

	child_usual_signals();
	if (dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
	    close_range(STDERR_FILENO + 1, ~0u, 0) >= 0)
		execv(p->path, p->argv);
	_exit(127);
}

int child_exec(const char *path, char *const *argv, bool with_us,
	       struct child *out)
{
	struct program p = {path, argv};

	if (access(path, X_OK) < 0)
		return err_set(errno, "cannot run '%s': %s", path,
			       strerror(errno));
	return child_fork(become, &p, with_us, out);
}

int child_end(struct child *c, double patience_s)
{
	double end = clock_monotonic() + patience_s;
	int status = 0;
	pid_t got;

	if (c->pid <= 0)
		return 0;
	while ((got = waitpid(c->pid, &status, WNOHANG)) == 0 ||
	       (got < 0 && errno == EINTR)) {
		if (clock_monotonic() >= end)
			kill(c->pid, SIGKILL);
		poll(NULL, 0, LOOK_MS);
	}
	c->pid = 0;
	return status;
}
