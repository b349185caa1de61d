/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/program/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"

#define MAX_WORDS 4096

/* Files in memory: nothing to clean up, and a full disk is no matter. */
int program_memory(const struct doc *const *docs, size_t n)
{
	int fd = memfd_create("documents", MFD_CLOEXEC), rc = 0;

	if (fd < 0)
		return err_set(errno, "cannot make a file in memory: %s",
			       strerror(errno));
	for (size_t i = 0; i < n && !rc; i++) {
		char *line = doc_line(docs[i]);

		rc = io_write(fd, line, strlen(line));
		if (!rc)
			rc = io_write(fd, "\n", 1);
		free(line);
	}
	if (!rc && lseek(fd, 0, SEEK_SET) < 0)
		rc = -errno;
	if (rc) {
		close(fd);
		return err_set(-rc, "cannot hand documents on: %s",
			       strerror(-rc));
	}
	return fd;
}

/* "sched-synth: why" without the name; the last line that is not empty. */
static char *last_line(const struct buf *b)
{
	const char *end = b->data ? b->data + b->len : "", *start;

	while (b->data && end > b->data && end[-1] == '\n')
		end--;
	for (start = end; b->data && start > b->data && start[-1] != '\n';)
		start--;
	return mem_strndup(start, (size_t)(end - start));
}

struct stream *program_read_fd(int fd, const char *by)
{
	struct stream *s;
	const struct doc *d;
	int rc;

	lseek(fd, 0, SEEK_SET);
	s = stream_open(fd, -1, by);
	/* Bad lines are counted by it. */
	do
		rc = stream_next(s, &d);
	while (rc == 1 || rc == -EINVAL || rc == -EINTR);
	return s;
}

struct stream *program_read(const void *data, size_t len, const char *by)
{
	int fd = program_memory(NULL, 0), rc;
	struct stream *s = NULL;

	if (fd < 0)
		return NULL;
	rc = io_write(fd, data, len);
	if (rc)
		err_set(-rc, "cannot keep what %s wrote: %s", by,
			strerror(-rc));
	else
		s = program_read_fd(fd, by);
	close(fd);
	return s;
}

int program_run(const struct program_call *c, struct program_answer *a)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res = {0};
	struct strs argv = {0};
	char *program = path_bin(c->program);
	int in = -1, out = program_memory(NULL, 0), rc = out < 0 ? out : 0;
	struct buf err;

	*a = (struct program_answer){0};
	buf_init(&err, MAX_WORDS);
	strs_add(&argv, program);
	for (size_t i = 0; i < c->args.len; i++)
		strs_add(&argv, c->args.v[i]);
	if (!rc && c->n) {
		in = program_memory(c->in, c->n);
		rc = in < 0 ? in : 0;
	}
	if (!rc) {
		spec.argv = argv.v;
		spec.cwd = c->cwd;
		spec.stdin_fd = in;
		spec.out_fd = out;
		spec.err = c->talks ? NULL : &err;
		spec.err_fd = c->talks ? STDERR_FILENO : -1;
		spec.timeout_s = c->timeout_s;
		spec.with_us = true;
		spec.cancel = c->cancel;
		rc = proc_run(&spec, &res);
	}
	if (!rc) {
		a->out = program_read_fd(out, c->program);
		a->exit_status = res.exit_status;
		a->timed_out = res.timed_out;
		a->cancelled = res.cancelled;
		a->seconds = res.wall_s;
	}
	a->words = last_line(&err);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	buf_release(&err);
	strs_release(&argv);
	free(program);
	return rc;
}

void program_answer_release(struct program_answer *a)
{
	if (a->out)
		stream_free(a->out);
	free(a->words);
	*a = (struct program_answer){0};
}
