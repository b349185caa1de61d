/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/keeper/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strs.h"

#define PROGRAM	   "agent-store"
#define ANSWER_MAX (64u << 20)
#define SAID_MAX   4096

/* A file in memory with the request, to be read from its beginning. */
static int request_file(const struct store_opts *o, const struct json *payload)
{
	int fd = memfd_create("request", MFD_CLOEXEC), rc;
	struct json *v = json_object();
	char *text, *line;

	json_set_string(v, "agent", o->agent);
	json_set(v, "payload", json_copy(payload));
	text = json_canonical(v);
	line = mem_printf("%s\n", text);
	rc = fd < 0 ? -errno : io_write(fd, line, strlen(line));
	if (!rc && lseek(fd, 0, SEEK_SET) < 0)
		rc = -errno;
	free(line);
	free(text);
	json_free(v);
	if (rc && fd >= 0)
		close(fd);
	return rc ? err_set(-rc, "cannot keep a request: %s", strerror(-rc))
		  : fd;
}

static int take_answer(const struct buf *out, const struct buf *said,
		       struct json **result)
{
	struct json *v = out->len ? json_parse(out->data, out->len) : NULL;
	const struct json *e = json_get(v, "error"), *r = json_get(v, "result");
	int rc = 0;

	if (e)
		rc = err_set(err_number(json_text_at(e, "errno")), "%s",
			     json_text_at(e, "text"));
	else if (r)
		*result = json_copy(r);
	else
		rc = err_set(EPIPE, PROGRAM " gave no answer%s%.*s",
			     said->len ? ": " : "", (int)said->len,
			     said->len ? said->data : "");
	json_free(v);
	return rc;
}

static int run(const struct store_opts *o, int fd, struct buf *out,
	       struct buf *said)
{
	char *path = path_libexec(PROGRAM);
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct strs argv = {0};
	int rc;

	strs_add(&argv, path);
	if (o->history)
		strs_printf(&argv, "--history=%s", o->history);
	spec.argv = argv.v;
	spec.stdin_fd = fd;
	spec.out = out;
	spec.err = said;
	spec.out_fd = -1;
	spec.err_fd = -1;
	spec.with_us = true;
	spec.cancel = o->cancel;
	rc = proc_run(&spec, &res);
	if (!rc && res.cancelled)
		rc = err_set(EINTR, "cancelled");
	strs_release(&argv);
	free(path);
	return rc;
}

int store_direct(const struct store_opts *o, const struct json *payload,
		 struct json **result)
{
	int fd = request_file(o, payload), rc;
	struct buf out, said;

	*result = NULL;
	if (fd < 0)
		return fd;
	buf_init(&out, ANSWER_MAX);
	buf_init(&said, SAID_MAX);
	rc = run(o, fd, &out, &said);
	if (!rc)
		rc = take_answer(&out, &said, result);
	buf_release(&said);
	buf_release(&out);
	close(fd);
	return rc;
}
