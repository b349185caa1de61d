/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of the connection to the daemon. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/client_state.h"
#include "rt/socket.h"

#define HELLO_S 5.0

void link_close(struct rt_client *c)
{
	if (!c->shared)
		return;
	close(c->wire.fd);
	rt_wire_release(&c->wire);
	c->shared = false;
}

void link_put(struct rt_client *c, struct json *line)
{
	if (rt_wire_put(&c->wire, line) || rt_wire_flush(&c->wire))
		c->lost = true;
}

/* ---- what the daemon says ---------------------------------------------- */

static uint64_t number(const struct json *v, const char *key)
{
	double x = json_as_number(json_get(v, key), 0);

	return x >= 1 && x < 9007199254740992.0 ? (uint64_t)x : 0;
}

static char *text(const struct json *v, const char *key)
{
	const struct json *x = json_get(v, key);

	return x ? json_canonical(x) : NULL;
}

static void take_start(struct rt_client *c, const struct json *v)
{
	struct news *n = news_add(c, NEWS_START);

	n->id = number(v, "id");
	n->lease = number(v, "lease");
	n->key = mem_strdup(json_text_at(v, "key"));
	n->worker = mem_strdup(json_text_at(v, "worker"));
	n->payload = text(v, "payload");
	n->checkpoint = text(v, "checkpoint");
	n->attempt = (long)json_as_number(json_get(v, "attempt"), 1);
	n->quantum = json_as_number(json_get(v, "quantum"), INFINITY);
	n->hedge = json_as_bool(json_get(v, "hedge"), false);
	vec_read(json_get(v, "held"), &n->held);
}

static enum rt_state read_state(const char *name)
{
	for (int s = RT_DONE; s <= RT_SKIPPED; s++)
		if (!strcmp(name, rt_state_name((enum rt_state)s)))
			return (enum rt_state)s;
	return RT_FAILED;
}

static void take_ended(struct rt_client *c, const struct json *v)
{
	struct news *n = news_add(c, NEWS_ENDED);

	n->id = number(v, "id");
	n->key = mem_strdup(json_text_at(v, "key"));
	n->state = read_state(json_text_at(v, "state"));
	if (rt_outcome_read(v, &n->outcome)) {
		rt_outcome_release(&n->outcome);
		rt_outcome_init(&n->outcome);
		n->outcome.error = -EPROTO;
	}
}

static void take_lease(struct rt_client *c, enum news_kind kind,
		       const struct json *v)
{
	news_add(c, kind)->lease = number(v, "lease");
}

static void take_line(struct rt_client *c, const struct json *v)
{
	const struct json *x;

	if ((x = json_get(v, "start")))
		take_start(c, x);
	else if ((x = json_get(v, "ended")))
		take_ended(c, x);
	else if ((x = json_get(v, "suspend")))
		take_lease(c, NEWS_SUSPEND, x);
	else if ((x = json_get(v, "cancel")))
		take_lease(c, NEWS_CANCEL, x);
	else if (json_get(v, "bye"))
		c->lost = true;
	else if (c->want_ref && number(v, "ref") == c->want_ref)
		c->answer = json_copy(v);
	else if (json_get(v, "welcome") && !c->want_ref)
		c->answer = json_copy(v);
}

int link_hear(struct rt_client *c)
{
	int end = rt_wire_fill(&c->wire), rc;
	struct json *v;

	while ((rc = rt_wire_next(&c->wire, &v)) == 1) {
		take_line(c, v);
		json_free(v);
	}
	if (end || rc || rt_wire_flush(&c->wire))
		c->lost = true;
	return c->lost ? -EPIPE : 0;
}

/* ---- asking ------------------------------------------------------------ */

/* Until there is an answer. */
static int wait_answer(struct rt_client *c, double seconds)
{
	double until = clock_monotonic() + seconds;

	while (!c->answer && !c->lost) {
		struct pollfd p = {c->wire.fd, POLLIN, 0};
		double left = until - clock_monotonic();

		if (rt_wire_left(&c->wire))
			p.events |= POLLOUT;
		if (left <= 0)
			return err_set(ETIMEDOUT,
				       "sched-agentd does not answer");
		if (poll(&p, 1, (int)(left * 1e3) + 1) > 0)
			link_hear(c);
	}
	return c->answer ? 0 : err_set(EPIPE, "sched-agentd went away");
}

int link_ask(struct rt_client *c, struct json *line, struct json **answer)
{
	int rc;

	c->want_ref = c->next_ref++;
	json_set_number(line, "ref", (double)c->want_ref);
	link_put(c, line);
	rc = wait_answer(c, CLIENT_WAIT_S);
	/* One that hangs is as good as gone. */
	c->lost |= rc != 0;
	c->want_ref = 0;
	*answer = c->answer;
	c->answer = NULL;
	if (rc)
		return -EPIPE;
	if (json_get(*answer, "error")) {
		rc = rt_error_read(json_get(*answer, "error"));
		json_free(*answer);
		*answer = NULL;
	}
	return rc;
}

static struct json *submit_line(const struct rt_request *q, size_t n)
{
	struct json *line = json_object(), *list = json_array();
	double now = clock_monotonic();

	for (size_t i = 0; i < n; i++)
		json_add(list, rt_request_json(&q[i], now));
	json_set(line, "submit", list);
	return line;
}

int link_submit(struct rt_client *c, const struct rt_request *q, size_t n,
		uint64_t *far)
{
	struct json *answer;
	size_t i = 0;
	int rc = link_ask(c, submit_line(q, n), &answer);

	if (rc)
		return rc;
	json_each (it, json_get(answer, "ids"))
		if (i < n)
			far[i++] = (uint64_t)json_as_number(it, 0);
	json_free(answer);
	if (i == n)
		return 0;
	c->lost = true;
	return err_set(EPIPE, "sched-agentd answers with %zu ids, not %zu", i,
		       n);
}

/* Keys of what goes on here although the last daemon is gone. */
static struct json *still(const struct rt_client *c)
{
	struct json *keys = json_array();
	const struct order *o;

	TAILQ_FOREACH(o, &c->orders, all)
	if (o->held[0] || o->held[1])
		json_add(keys, json_string(o->q.key));
	return keys;
}

int link_open(struct rt_client *c)
{
	int fd = rt_connect(c->path), rc;

	if (fd < 0)
		return fd;
	rt_wire_init(&c->wire, fd);
	c->shared = true;
	c->lost = false;
	c->want_ref = 0;
	link_put(c, rt_hello(c->agent, c->run, still(c)));
	rc = wait_answer(c, HELLO_S);
	if (!rc && !json_get(c->answer, "welcome"))
		rc = err_set(EPROTO, "what listens at '%s' is no sched-agentd",
			     c->path);
	json_free(c->answer);
	c->answer = NULL;
	if (rc) {
		link_close(c);
		c->lost = false;
	}
	return rc == -EPIPE ? -ENOENT : rc;
}
