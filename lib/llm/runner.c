/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The side that asks; runner_child.c is the other one. */
#include "llm/runner.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "llm/runner_child.h"

#define POLL_MS 100

struct runner {
	int fd;
	pid_t pid;
	char *name;
};

static void serve(int fd, void *spec)
{
	runner_child(spec, fd);
}

int runner_start(const struct runner_spec *s, struct runner **out)
{
	struct runner *r;
	struct child c;
	int rc = child_fork(serve, (void *)s, false, &c);

	if (rc)
		return rc;
	r = mem_zalloc(1, sizeof(*r));
	r->fd = c.fd;
	r->pid = c.pid;
	r->name = mem_strdup(s->argv[0]);
	*out = r;
	return 0;
}

void runner_stop(struct runner *r)
{
	if (!r)
		return;
	/* The child ends with its input; in a sandbox it cannot be killed. */
	close(r->fd);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(r->name);
	free(r);
}

/* Whole, or -EPIPE; -EINTR: cancelled. */
static int get(struct runner *r, void *data, size_t len,
	       const volatile sig_atomic_t *cancel)
{
	char *at = data;

	while (len) {
		struct pollfd p = {r->fd, POLLIN, 0};
		ssize_t n;

		if (cancel && *cancel)
			return -EINTR;
		if (poll(&p, 1, POLL_MS) <= 0)
			continue;
		n = read(r->fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int get_text(struct runner *r, size_t len, char **out)
{
	char *text = mem_zalloc(len + 1, 1);
	int rc = get(r, text, len, NULL);

	*out = text;
	return rc;
}

static int receive(struct runner *r, const volatile sig_atomic_t *cancel,
		   struct run *out)
{
	struct runner_reply reply;
	int rc = get(r, &reply, sizeof(reply), cancel);
	static const char stop = RUNNER_STOP;

	if (rc == -EINTR) {
		/* One byte while it runs ends it; the reply comes all the
		 * same and says so. */
		io_write(r->fd, &stop, 1);
		rc = get(r, &reply, sizeof(reply), NULL);
	}
	if (rc)
		return rc;
	rc = get_text(r, reply.out_len, &out->out);
	if (!rc)
		rc = get_text(r, reply.err_len, &out->err);
	out->out_len = reply.out_len;
	out->exit_status = reply.exit_status;
	return rc ? rc : -reply.failure;
}

int runner_run(struct runner *r, const char *text, size_t len,
	       const volatile sig_atomic_t *cancel, struct run *out)
{
	static const char what = RUNNER_RUN;
	uint64_t n = len;
	int rc;

	*out = (struct run){0};
	if (len > RUNNER_MAX_PROMPT)
		return err_set(E2BIG, "a prompt of %zu bytes is too long", len);
	rc = io_write(r->fd, &what, 1);
	if (!rc)
		rc = io_write(r->fd, &n, sizeof(n));
	if (!rc)
		rc = io_write(r->fd, text, len);
	if (!rc)
		rc = receive(r, cancel, out);
	switch (-rc) {
	case 0:
		return 0;
	case EPIPE:
		return err_set(EPIPE, "the process that runs '%s' has died",
			       r->name);
	case ETIMEDOUT:
		return err_set(ETIMEDOUT, "'%s' took too long and was killed",
			       r->name);
	case EMSGSIZE:
		return err_set(EMSGSIZE,
			       "'%s' wrote more than %zu bytes and was killed",
			       r->name, out->out_len);
	case EINTR:
		return err_set(EINTR, "cancelled");
	default:
		return err_set(-rc, "cannot run '%s': %s", r->name,
			       strerror(-rc));
	}
}

void run_release(struct run *out)
{
	free(out->out);
	free(out->err);
	*out = (struct run){0};
}
