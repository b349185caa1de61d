/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/external_serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/answer.h"
#include "base/err.h"
#include "base/mem.h"
#include "target/external_file.h"
#include "target/external_run.h"
#include "target/kin.h"

#define LOOK_MS 100

struct service {
	const struct external_request *r;
	int fd;
	const volatile sig_atomic_t *cancel;
	char *path;
	struct external_run *run;
};

int external_request_check(const struct external_request *r)
{
	if (r->size != sizeof(*r) || r->verb > EXTERNAL_HOLD ||
	    strnlen(r->sha256, sizeof(r->sha256)) != DIGEST_HEX_LEN - 1 ||
	    strspn(r->sha256, "0123456789abcdef") != DIGEST_HEX_LEN - 1)
		return err_set(EINVAL,
			       "not a request to start an external scheduler");
	return external_check(&r->what);
}

static bool is_over(void *arg)
{
	const struct service *s = arg;

	return *s->cancel || answer_over(s->fd, 0);
}

/* Where it is, that it is the very one, and that it knows its flags. */
static int look_at_program(struct service *s)
{
	char sha256[DIGEST_HEX_LEN], *help = NULL;
	int rc = external_find(&s->r->what, &s->path), fd;

	if (rc)
		return rc;
	fd = external_file_open(s->path, s->r->sha256, sha256);
	if (fd < 0)
		return fd;
	close(fd);
	rc = external_help(s->path, s->cancel, &help);
	if (!rc)
		rc = external_check_flags(&s->r->what, help);
	free(help);
	if (!rc)
		answer_say(s->fd, "path %s", s->path);
	return rc;
}

/* Each line of it is one of the answer. */
static void say_output(const struct service *s)
{
	char *text = external_run_output(s->run), *rest = text, *line;

	while ((line = strsep(&rest, "\r\n")))
		if (*line)
			answer_say(s->fd, "said %s", line);
	free(text);
}

static void watch(struct service *s)
{
	unsigned restarts = 0;
	char *why;

	while (!*s->cancel && !answer_over(s->fd, LOOK_MS)) {
		if (!external_run_look(s->run))
			break;
		if (external_run_restarts(s->run) == restarts)
			continue;
		restarts = external_run_restarts(s->run);
		answer_say(s->fd, "again %u", restarts);
	}
	if (*s->cancel || answer_over(s->fd, 0))
		return;
	if (external_run_pid(s->run)) {
		answer_say(s->fd, "gone the kernel has taken it off, and the "
				  "program did not attach it again");
		return;
	}
	why = external_run_end(s->run);
	answer_say(s->fd, "gone %s", why);
	free(why);
}

static int hold(struct service *s)
{
	const struct external_start start = {.what = &s->r->what,
					     .path = s->path,
					     .sha256 = s->r->sha256,
					     .over = is_over,
					     .arg = s};
	int rc = external_run_start(&start, &s->run);

	if (rc)
		return rc;
	answer_say(s->fd, "held %d %s", external_run_pid(s->run),
		   external_run_ops(s->run));
	watch(s);
	rc = external_run_stop(s->run);
	kin_kill();
	say_output(s);
	if (rc)
		answer_trouble(s->fd, "fault", rc);
	else
		answer_say(s->fd, "done");
	external_run_free(s->run);
	return 0;
}

static int carry_out(struct service *s)
{
	int rc = external_request_check(s->r);

	/* What leaves the program's group is still ours to end. */
	if (!rc && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		rc = err_set(errno, "cannot reap orphans: %s", strerror(errno));
	if (!rc)
		rc = look_at_program(s);
	if (rc)
		return rc;
	if (s->r->verb == EXTERNAL_HOLD)
		return hold(s);
	answer_say(s->fd, "held 0 none");
	return 0;
}

int external_serve(int fd, const volatile sig_atomic_t *cancel)
{
	struct external_request *r = mem_zalloc(1, sizeof(*r));
	struct service s = {.r = r, .fd = fd, .cancel = cancel};
	int rc = answer_request(fd, r, sizeof(*r));

	if (!rc)
		rc = carry_out(&s);
	if (rc)
		answer_trouble(fd, "no", rc);
	free(s.path);
	free(r);
	return rc;
}
