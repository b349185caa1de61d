/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "rt/socket.h"
#include "rt/wire.h"

struct json *rt_hello(const char *agent, const char *run, struct json *still)
{
	struct json *line = json_object(), *v = json_object();

	json_set_string(v, "agent", agent);
	if (*run)
		json_set_string(v, "run", run);
	json_set(v, "still", still);
	json_set_number(v, "version", RT_WIRE_VERSION);
	json_set(line, "hello", v);
	return line;
}

int rt_error_read(const struct json *error)
{
	return err_set(err_number(json_text_at(error, "errno")), "%s",
		       json_text_at(error, "text"));
}

struct json *rt_error_json(int rc, const char *text)
{
	struct json *v = json_object();

	json_set_string(v, "errno", err_name(-rc));
	json_set_string(v, "text", text ? text : "");
	return v;
}

/* 1: v was the answer. */
static int take(const struct json *v, struct json **value)
{
	if (json_get(v, "bye"))
		return err_set(ECONNRESET, "the daemon closed: %s",
			       json_text_at(v, "bye.text"));
	if (!json_get(v, "ref"))
		return 0;
	if (json_get(v, "error"))
		return rt_error_read(json_get(v, "error"));
	*value = json_copy(json_get(v, "value"));
	return 1;
}

/* Whatever has come; 1: the answer was among it. */
static int take_lines(struct rt_wire *w, struct json **value)
{
	struct json *v;
	int rc;

	while ((rc = rt_wire_next(w, &v)) == 1) {
		rc = take(v, value);
		json_free(v);
		if (rc)
			break;
	}
	return rc;
}

static int converse(struct rt_wire *w, double until, struct json **value)
{
	int rc = 0;

	for (;;) {
		struct pollfd p = {w->fd, POLLIN, 0};
		double left = until - clock_monotonic();
		int end;

		rc = rt_wire_flush(w);
		if (rc && rc != -EPIPE)
			break;
		if (rt_wire_left(w) && !rc)
			p.events |= POLLOUT;
		if (left <= 0)
			return err_set(ETIMEDOUT,
				       "the daemon does not answer; try again");
		if (poll(&p, 1, (int)(left * 1e3) + 1) < 0)
			return err_set(errno, "waiting for the daemon: %s",
				       strerror(errno));
		end = rt_wire_fill(w);
		rc = take_lines(w, value);
		if (rc)
			return rc < 0 ? rc : 0;
		rc = end;
		if (rc)
			break;
	}
	return err_set(-rc, "the daemon went away: %s", strerror(-rc));
}

int rt_ask(const char *socket, const char *agent, struct json *line,
	   double timeout_s, struct json **value)
{
	char *own = socket ? NULL : rt_socket_path();
	int fd = rt_connect(socket ? socket : own), rc;
	struct rt_wire w;

	free(own);
	*value = NULL;
	if (fd < 0) {
		json_free(line);
		return fd;
	}
	rt_wire_init(&w, fd);
	json_set_number(line, "ref", 1);
	rt_wire_put(&w, rt_hello(agent, "", NULL));
	rc = rt_wire_put(&w, line);
	if (!rc)
		rc = converse(&w, clock_monotonic() + timeout_s, value);
	rt_wire_release(&w);
	close(fd);
	return rc;
}
