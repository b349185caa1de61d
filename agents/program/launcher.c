/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/program/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/program/program.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define ATTACH_PATIENCE_S 60
#define LOOK_MS		  50

static void __attribute__((noreturn))
be_deployer(char *const *argv, int in, int out, int err)
{
	setsid();
	child_usual_signals();
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0 &&
	    close_range(3, ~0u, 0) >= 0)
		execv(argv[0], argv);
	_exit(127);
}

struct stream *launcher_look(const char *path, const char *by)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stream *s;

	if (fd < 0)
		return NULL;
	s = program_read_fd(fd, by);
	close(fd);
	return s;
}

void launched_release(struct launched *l)
{
	if (l->out)
		stream_free(l->out);
	l->out = NULL;
}

static void put_down(const struct launched *l)
{
	kill(l->pid, SIGTERM);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int await(const struct launch *l, struct launched *out)
{
	double until = clock_monotonic() + ATTACH_PATIENCE_S;
	int status = 0;

	for (;;) {
		out->gone = waitpid(out->pid, &status, WNOHANG) == out->pid;
		launched_release(out);
		out->out = launcher_look(l->path, l->by);
		if (out->gone)
			out->exit_status = WIFEXITED(status)
						   ? WEXITSTATUS(status)
						   : 128 + WTERMSIG(status);
		if (out->gone ||
		    (out->out && stream_last(out->out, "deployment")))
			return 0;
		if (l->cancel && *l->cancel) {
			put_down(out);
			return err_set(EINTR, "stopped on request");
		}
		if (clock_monotonic() > until) {
			put_down(out);
			return err_set(ETIMEDOUT,
				       "sched-deploy did not attach the "
				       "policy in time");
		}
		poll(NULL, 0, LOOK_MS);
	}
}

static int start(const struct launch *l, char *const *argv, int in,
		 struct launched *out)
{
	int to =
		open(l->path,
		     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), rc = 0;

	if (to < 0 || null < 0)
		rc = err_set(errno, "cannot open '%s': %s", l->path,
			     strerror(errno));
	if (!rc) {
		out->pid = fork();
		if (out->pid < 0)
			rc = err_set(errno, "cannot fork: %s", strerror(errno));
	}
	if (!rc && !out->pid)
		be_deployer(argv, in, to, null);
	if (to >= 0)
		close(to);
	if (null >= 0)
		close(null);
	return rc;
}

int launcher_start(const struct launch *l, struct launched *out)
{
	char *program = path_bin("sched-deploy");
	int in = program_memory(l->docs, l->n), rc = in < 0 ? in : 0;
	struct strs argv = {0};

	*out = (struct launched){.pid = -1};
	strs_add(&argv, program);
	for (size_t i = 0; i < l->args->len; i++)
		strs_add(&argv, l->args->v[i]);
	if (!rc)
		rc = start(l, argv.v, in, out);
	if (!rc)
		rc = await(l, out);
	if (in >= 0)
		close(in);
	strs_release(&argv);
	free(program);
	return rc;
}

int launcher_in_force(const char *policy, const volatile sig_atomic_t *cancel)
{
	struct program_call c = {.program = "sched-deploy", .cancel = cancel};
	struct program_answer a = {0};
	const struct doc *d = NULL;
	int rc;

	strs_add(&c.args, "status");
	strs_add(&c.args, "--json");
	rc = program_run(&c, &a);
	if (!rc && a.cancelled)
		rc = err_set(EINTR, "stopped on request");
	if (!rc)
		d = stream_last(a.out, "note");
	if (!rc && !d)
		rc = err_set(EIO,
			     "'sched-deploy status' does not say what is "
			     "in force%s%s",
			     *a.words ? ": " : "", a.words);
	if (!rc)
		rc = !strcmp(json_text_at(d->body, "holder.policy"), policy);
	program_answer_release(&a);
	strs_release(&c.args);
	return rc;
}
