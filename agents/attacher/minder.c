/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/minder.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "scx/sysfs.h"

#define PROGRAM "hold-external"
#define LOOK_MS 100
/* It ends by itself as soon as the scheduler has: external_run.c has how long
 * that may take. */
#define PATIENCE_S 60.0
/* For the kernel to kill the program of a minder that was killed. */
#define KILLED_S 5.0
#define SAID_MAX 200

/* ---- what it says ----------------------------------------------------- */

static void take_held(struct minder *m, const char *text)
{
	char *ops;

	m->held = true;
	m->pid = strtol(text, &ops, 10);
	if (m->pid && !m->ops)
		m->ops = mem_strdup(ops + (*ops == ' '));
}

static void take_line(void *arg, const char *line)
{
	struct minder *m = arg;

	if (!strncmp(line, "path ", 5) && !m->path)
		m->path = mem_strdup(line + 5);
	else if (!strncmp(line, "held ", 5))
		take_held(m, line + 5);
	else if (!strncmp(line, "again ", 6))
		m->restarts = strtol(line + 6, NULL, 10);
	else if (!strncmp(line, "gone ", 5) && !m->gone)
		m->gone = mem_strdup(line + 5);
	else if (!strncmp(line, "said ", 5) && m->said.len < SAID_MAX)
		strs_add(&m->said, line + 5);
	else if (!strncmp(line, "no ", 3))
		answers_trouble(line + 3, &m->rc, &m->why);
	else if (!strncmp(line, "fault ", 6))
		answers_trouble(line + 6, &m->rc, &m->why);
	else if (!strcmp(line, "done"))
		m->done = true;
}

/* ---- its life --------------------------------------------------------- */

static int start(struct minder *m, const struct external_request *r)
{
	char *path = path_libexec(PROGRAM);
	char *argv[] = {(char *)PROGRAM, NULL};
	int rc;

	*m = (struct minder){.child = {.fd = -1}};
	rc = child_exec(path, argv, false, &m->child);
	answers_init(&m->answers, m->child.fd);
	if (!rc && answers_send(&m->answers, r, sizeof(*r)))
		rc = err_set(EIO, "%s took no request", PROGRAM);
	free(path);
	return rc;
}

/* false: it has closed its end. */
static bool poll_it(struct minder *m, int wait_ms)
{
	return answers_poll(&m->answers, wait_ms, take_line, m);
}

static void finish(struct minder *m)
{
	if (m->child.fd < 0)
		return;
	shutdown(m->child.fd, SHUT_WR);
	while (answers_take(&m->answers, take_line, m))
		;
	close(m->child.fd);
	m->child.fd = m->answers.fd = -1;
	child_end(&m->child, PATIENCE_S);
}

int minder_start(struct minder *m, const struct external_request *r,
		 const volatile sig_atomic_t *cancel)
{
	int rc = start(m, r);

	while (!rc && !m->held && !(cancel && *cancel) && poll_it(m, LOOK_MS))
		;
	if (rc || m->held)
		return rc;
	finish(m);
	if (cancel && *cancel)
		return err_set(EINTR, "stopped before anything was attached");
	return m->rc ? err_set(-m->rc, "%s", m->why)
		     : err_set(EIO, "%s ended before anything was attached",
			       PROGRAM);
}

bool minder_alive(struct minder *m, int wait_ms)
{
	return m->child.fd >= 0 && poll_it(m, wait_ms) && !m->gone;
}

static bool is_attached(const struct minder *m)
{
	char state[SYSFS_WORD], ops[SYSFS_WORD];

	return sysfs_word("state", state) && strcmp(state, "disabled") &&
	       sysfs_word("root/ops", ops) && m->ops && !strcmp(ops, m->ops);
}

int minder_end(struct minder *m)
{
	double until;

	finish(m);
	if (m->rc)
		return err_set(-m->rc, "%s", m->why);
	if (m->done || !m->held)
		return 0;
	/* It was killed, and the kernel kills the program with it. */
	until = clock_monotonic() + KILLED_S;
	while (is_attached(m) && clock_monotonic() < until)
		poll(NULL, 0, LOOK_MS);
	if (is_attached(m))
		return err_set(EIO,
			       "%s was killed, and the kernel still has '%s': "
			       "end process %ld",
			       PROGRAM, m->ops, m->pid);
	m->done = true;
	return 0;
}

void minder_release(struct minder *m)
{
	finish(m);
	answers_release(&m->answers);
	strs_release(&m->said);
	free(m->why);
	free(m->path);
	free(m->ops);
	free(m->gone);
	*m = (struct minder){.child = {.fd = -1}};
}
