/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agents/deployer/past.h"
#include "agents/watcher/parts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"

#define ATTACH_S  120 /* it checks, loads, attaches and reads back */
#define LET_GO_S  20
#define SLICE_MS  100
#define CHUNK	  65536
#define STORY_MAX (256u << 20)

/* ---- what it says ----------------------------------------------------- */

static void take_line(struct watcher_hold *h, const char *line, size_t len)
{
	struct doc *d;

	if (!len || doc_parse(line, len, &d))
		return;
	if (!strcmp(d->kind, "deployment")) {
		snprintf(h->state, sizeof(h->state), "%s",
			 json_text_at(d->body, "state"));
		snprintf(h->why, sizeof(h->why), "%s",
			 json_text_at(d->body, "why"));
		snprintf(h->title, sizeof(h->title), "%s",
			 json_text_at(d->body, "title"));
		h->attached = !strcmp(h->state, "attached");
	} else if (!strcmp(d->kind, "error") && !h->state[0]) {
		snprintf(h->why, sizeof(h->why), "%s",
			 json_text_at(d->body, "text"));
	}
	doc_free(d);
}

static void take_lines(struct watcher_hold *h)
{
	size_t at = 0;
	char *end;

	while (at < h->in.len &&
	       (end = memchr(h->in.data + at, '\n', h->in.len - at))) {
		take_line(h, h->in.data + at,
			  (size_t)(end - (h->in.data + at)));
		at = (size_t)(end - h->in.data) + 1;
	}
	if (!at)
		return;
	memmove(h->in.data, h->in.data + at, h->in.len - at);
	h->in.len -= at;
}

/* What there is to read; false: it has closed its end. */
static bool take(struct watcher_hold *h)
{
	char chunk[CHUNK];
	ssize_t n = recv(h->child.fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n || buf_add(&h->in, chunk, (size_t)n))
		return false;
	take_lines(h);
	return true;
}

/* ---- its life --------------------------------------------------------- */

static void release(struct watcher_hold *h)
{
	if (h->child.fd >= 0)
		close(h->child.fd);
	h->child.fd = -1;
	h->attached = false;
	buf_release(&h->in);
}

void watcher_let_go(struct watcher_hold *h)
{
	double end = clock_monotonic() + LET_GO_S;

	if (h->child.fd < 0)
		return;
	kill(h->child.pid, SIGTERM);
	while (clock_monotonic() < end) {
		poll(&(struct pollfd){h->child.fd, POLLIN, 0}, 1, SLICE_MS);
		if (!take(h))
			break;
	}
	child_end(&h->child, LET_GO_S);
	release(h);
}

bool watcher_holds(struct watcher_hold *h, int wait_ms)
{
	struct pollfd p = {h->child.fd, POLLIN, 0};

	if (h->child.fd < 0)
		return false;
	if (poll(&p, 1, wait_ms) <= 0 || take(h))
		return true;
	child_end(&h->child, LET_GO_S);
	release(h);
	return false;
}

/* Both at once: it passes on what it reads. */
static int hand_over(const struct watcher_opts *o, struct watcher_hold *h,
		     const char *story, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		struct pollfd p = {h->child.fd, POLLIN | POLLOUT, 0};
		ssize_t n;

		if (o->cancel && *o->cancel)
			return err_set(EINTR, "stopped on request");
		poll(&p, 1, SLICE_MS);
		if ((p.revents & (POLLIN | POLLHUP)) && !take(h))
			return err_set(EIO, "sched-deploy has gone");
		if (!(p.revents & POLLOUT))
			continue;
		n = send(h->child.fd, story + sent, len - sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(errno, "sched-deploy does not read: %s",
				       strerror(errno));
		sent += n > 0 ? (size_t)n : 0;
	}
	shutdown(h->child.fd, SHUT_WR);
	return 0;
}

static int await(const struct watcher_opts *o, struct watcher_hold *h)
{
	double end = clock_monotonic() + ATTACH_S;

	while (!h->attached && watcher_holds(h, SLICE_MS)) {
		if (o->cancel && *o->cancel) {
			watcher_let_go(h);
			return err_set(EINTR, "stopped on request");
		}
		if (clock_monotonic() > end) {
			watcher_let_go(h);
			return err_set(ETIMEDOUT,
				       "sched-deploy did not attach "
				       "it in %d s",
				       ATTACH_S);
		}
	}
	if (h->attached)
		return 0;
	return err_set(EACCES, "%s",
		       h->why[0] ? h->why : "sched-deploy said nothing");
}

static int start(const struct watcher_opts *o, const struct watcher_vote *to,
		 struct watcher_hold *h, const struct buf *story)
{
	char *program = path_bin("sched-deploy");
	char *argv[] = {program,
			(char *)"--json",
			(char *)"--target=host",
			(char *)"--policy",
			(char *)to->policy,
			o->record ? NULL : (char *)"--no-history",
			NULL};
	int rc = child_exec(program, argv, true, &h->child);

	free(program);
	if (rc)
		return rc;
	rc = hand_over(o, h, story->data, story->len);
	/* What it says is better than that it does not listen. */
	rc = h->child.fd >= 0 && rc != -EINTR ? await(o, h) : rc;
	if (rc)
		watcher_let_go(h);
	return rc;
}

int watcher_hold(const struct watcher_opts *o, const struct watcher_vote *to,
		 struct watcher_hold *h)
{
	struct program_answer answer = {0};
	const struct doc **docs = NULL;
	struct buf story;
	size_t n = 0;
	int rc = past_story(to->policy, to->workload, o->cancel, &answer, &docs,
			    &n);

	*h = (struct watcher_hold){.child = {.fd = -1}};
	buf_init(&h->in, DOC_MAX_LINE + CHUNK);
	buf_init(&story, STORY_MAX);
	for (size_t i = 0; i < n && !rc; i++) {
		char *line = doc_line(docs[i]);

		rc = buf_printf(&story, "%s\n", line);
		free(line);
	}
	if (!rc)
		rc = start(o, to, h, &story);
	if (rc)
		release(h);
	buf_release(&story);
	free(docs);
	program_answer_release(&answer);
	return rc;
}
