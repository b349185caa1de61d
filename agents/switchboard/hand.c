/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hand: a child process that asks its parent.  It has one thing to do at a
 * time, and whatever it waits for, the end of its parent ends the wait.
 */
#include "agents/switchboard/hand.h"

#include <errno.h>
#include <poll.h>

#include "agents/switchboard/state.h"
#include "base/err.h"

struct hand {
	struct rt_wire wire;
	const volatile sig_atomic_t *cancel;
};

static int alone(void)
{
	return err_set(EPIPE, "the process that asks for it is gone");
}

static int wait_for(struct hand *h, short what)
{
	struct pollfd p = {h->wire.fd, what, 0};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? alone() : 0;
}

static int put(struct hand *h, const char *key, struct json *value)
{
	struct json *line = json_object();
	int rc;

	json_set(line, key, value);
	rc = rt_wire_put(&h->wire, line);
	while (!rc && (rc = rt_wire_flush(&h->wire)) == 0 &&
	       rt_wire_left(&h->wire))
		rc = wait_for(h, POLLOUT);
	return rc ? alone() : 0;
}

static int get(struct hand *h, struct json **line)
{
	int rc;

	for (;;) {
		int ended = rt_wire_fill(&h->wire);

		rc = rt_wire_next(&h->wire, line);
		if (rc > 0)
			return 0;
		if (rc < 0 || ended)
			return alone();
		rc = wait_for(h, POLLIN);
		if (rc)
			return rc;
	}
}

int hand_ask(void *arg, const struct json *question, struct json **answer)
{
	struct hand *h = arg;
	struct json *line;
	int rc = put(h, "ask", json_copy(question));

	if (!rc)
		rc = get(h, &line);
	if (rc)
		return rc;
	*answer = json_copy(json_get(line, "answer"));
	json_free(line);
	return 0;
}

void hand_say(void *arg, const char *words)
{
	put(arg, "say", json_string(words));
}

static int gate_enter(void *arg, const char *mark)
{
	struct hand *h = arg;
	struct json *line;
	int rc = put(h, "enter", json_string(mark));

	if (!rc)
		rc = get(h, &line);
	if (rc)
		return rc;
	if (json_get(line, "stop"))
		rc = err_set(h->cancel && *h->cancel ? EINTR : ECANCELED, "%s",
			     json_text_at(line, "stop"));
	json_free(line);
	return rc;
}

static void gate_leave(void *arg)
{
	put(arg, "leave", json_bool(true));
}

struct ladder_gate hand_gate(struct hand *h)
{
	return (struct ladder_gate){gate_enter, gate_leave, h};
}

int hand_work_on(const struct hand_spec *spec, int fd,
		 const volatile sig_atomic_t *cancel)
{
	struct hand h = {.cancel = cancel};
	int rc;

	rt_wire_init(&h.wire, fd);
	h.wire.max_line = HAND_LINE;
	h.wire.in.max = h.wire.out.max = 2 * HAND_LINE;
	rc = put(&h, "result", spec->work(spec->arg, spec->i, &h));
	rt_wire_release(&h.wire);
	return rc ? 1 : 0;
}
