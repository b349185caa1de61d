/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"
#include "llm/secret.h"
#include "rt/ask.h"
#include "rt/wire.h"

#define PROGRAM	  "ask-model"
#define MAX_LINE  (64u << 20)
#define POLL_MS	  100
#define GRACE_S	  5.0 /* for a cancelled call to say what it cost */
#define OPENING_S 60.0

struct model {
	struct child child; /* fd -1: others carry the questions */
	int status;	    /* once it was waited for */
	char *name;
	struct json *endpoints;
	const volatile sig_atomic_t *cancel;
	struct rt_wire wire;
	model_carrier *carry;
	void *carry_arg;
};

/* ---- the process ------------------------------------------------------ */

static void arguments(const struct model_opts *o, struct strs *argv)
{
	const struct {
		const char *option, *value;
	} rows[] = {
		{"--backend", o->backend}, {"--model", o->name},
		{"--record", o->record},   {"--budget", o->budget},
		{"--run", o->run},
	};

	strs_add(argv, PROGRAM);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].value)
			strs_printf(argv, "%s=%s", rows[i].option,
				    rows[i].value);
	if (!o->stream)
		strs_add(argv, "--no-stream");
}

static int start(struct model *m, const struct model_opts *o)
{
	char *path = path_libexec(PROGRAM);
	struct strs argv = {0};
	int rc;

	arguments(o, &argv);
	rc = child_exec(path, argv.v, true, &m->child);
	strs_release(&argv);
	free(path);
	return rc;
}

/* It has closed its end, or it cannot be heard: then it has to see that nobody
 * is there, for from a sandbox it cannot be killed. */
static int died(struct model *m)
{
	shutdown(m->child.fd, SHUT_RDWR);
	if (m->child.pid)
		m->status = child_end(&m->child, GRACE_S);
	if (WIFSIGNALED(m->status))
		return err_set(EPIPE, PROGRAM " was killed by signal %d",
			       WTERMSIG(m->status));
	return err_set(EPIPE, PROGRAM " ended with status %d",
		       WEXITSTATUS(m->status));
}

/* ---- lines ------------------------------------------------------------ */

int model_fd(const struct model *m)
{
	return m->child.fd;
}

bool model_has_left(const struct model *m)
{
	return rt_wire_left(&m->wire) > 0;
}

static int put(struct model *m, struct json *line)
{
	int rc = rt_wire_put(&m->wire, line);

	/* That it died is an answer, too. */
	return rc == -EPIPE || rc == -ECONNRESET ? died(m) : rc;
}

static int flush(struct model *m)
{
	int rc = rt_wire_flush(&m->wire);

	return rc == -EPIPE || rc == -ECONNRESET ? died(m) : rc;
}

int model_send(struct model *m, struct json *line)
{
	int rc = put(m, line);

	return rc ? rc : flush(m);
}

int model_receive(struct model *m, struct json **line)
{
	int ended, rc;

	ended = rt_wire_fill(&m->wire);
	rc = rt_wire_next(&m->wire, line);
	if (rc < 0)
		return err_prefix(rc, PROGRAM "'s answer");
	if (!rc && ended)
		return died(m);
	return rc ? rc : flush(m);
}

void model_stop(struct model *m)
{
	shutdown(m->child.fd, SHUT_WR);
}

/* The time there is left for an answer; below 0: as long as it takes. */
static double patience(struct model *m, double end, bool *cancelled)
{
	if (m->cancel && *m->cancel && !*cancelled) {
		*cancelled = true;
		model_stop(m);
		return clock_monotonic() + GRACE_S;
	}
	return end;
}

/* One line into *out; end: when to give up, 0: never. */
static int receive(struct model *m, double end, struct json **out)
{
	bool cancelled = false;

	for (;;) {
		struct pollfd p = {m->child.fd, POLLIN, 0};
		int rc = model_receive(m, out);

		if (rc > 0)
			return 0;
		if (rc < 0)
			return cancelled ? err_set(EINTR, "cancelled") : rc;
		end = patience(m, end, &cancelled);
		if (end > 0 && clock_monotonic() > end)
			return cancelled ? err_set(EINTR, "cancelled")
					 : err_set(ETIMEDOUT,
						   PROGRAM " does not answer");
		if (model_has_left(m))
			p.events |= POLLOUT;
		poll(&p, 1, POLL_MS);
	}
}

int model_error(const struct json *v)
{
	const struct json *e = json_get(v, "error");

	return e ? rt_error_read(e) : 0;
}

/* ---- the door --------------------------------------------------------- */

static struct model *new_model(void)
{
	struct model *m = mem_zalloc(1, sizeof(*m));

	m->child.fd = -1;
	return m;
}

static void read_hello(struct model *m, const struct json *hello)
{
	const struct json *list = json_get(hello, "endpoints");

	m->name = mem_strdup(json_as_string(json_get(hello, "name"), PROGRAM));
	m->endpoints = json_len(list) ? json_copy(list) : json_array();
	if (!json_len(list)) {
		struct json *e = json_add(m->endpoints, json_object());

		json_set_string(e, "name", m->name);
		json_set_number(e, "slots", 1);
	}
}

static void open_wire(struct model *m)
{
	fcntl(m->child.fd, F_SETFL, fcntl(m->child.fd, F_GETFL) | O_NONBLOCK);
	rt_wire_init(&m->wire, m->child.fd);
	m->wire.max_line = MAX_LINE;
	m->wire.in.max = 2 * MAX_LINE;
	m->wire.out.max = 2 * MAX_LINE;
}

int model_open(const struct model_opts *o, struct model **out)
{
	struct model *m = new_model();
	struct json *hello = NULL;
	int rc;

	m->cancel = o->cancel;
	rc = start(m, o);
	if (!rc) {
		open_wire(m);
		rc = receive(m, clock_monotonic() + OPENING_S, &hello);
	}
	if (!rc)
		rc = model_error(hello);
	if (!rc)
		read_hello(m, hello);
	json_free(hello);
	/* It has them now, and it alone. */
	secret_names_in(o->backend);
	secret_leave_env();
	if (rc)
		model_close(m);
	else
		*out = m;
	return rc;
}

struct model *model_through(const char *name, model_carrier *carry, void *arg)
{
	struct model *m = new_model();

	m->name = mem_strdup(name);
	m->carry = carry;
	m->carry_arg = arg;
	return m;
}

void model_close(struct model *m)
{
	if (!m)
		return;
	if (m->child.fd >= 0) {
		close(m->child.fd);
		rt_wire_release(&m->wire);
	}
	child_end(&m->child, GRACE_S);
	json_free(m->endpoints);
	free(m->name);
	free(m);
}

const char *model_name(const struct model *m)
{
	return m->name;
}

const struct json *model_endpoints(const struct model *m)
{
	return m->endpoints;
}

static void put_copy(struct json *to, const char *key, const struct json *v)
{
	if (v)
		json_set(to, key, json_copy(v));
}

static struct json *model_question(const struct model_request *r)
{
	struct json *v = json_object();

	json_set_string(v, "role", r->role);
	json_set_string(v, "system", r->system ? r->system : "");
	put_copy(v, "messages", r->messages);
	put_copy(v, "tools", r->tools);
	put_copy(v, "schema", r->schema);
	json_set_number(v, "max_tokens", (double)r->max_tokens);
	return v;
}

int model_ask(struct model *m, const struct model_request *r,
	      struct json **answer)
{
	struct json *q = model_question(r);
	int rc;

	*answer = NULL;
	if (m->carry) {
		rc = m->carry(m->carry_arg, q, answer);
		json_free(q);
	} else {
		rc = model_send(m, q);
		if (!rc)
			rc = receive(m, 0, answer);
	}
	if (rc)
		return rc;
	rc = model_error(*answer);
	if (rc && !json_get(*answer, "usage")) {
		json_free(*answer);
		*answer = NULL;
	}
	return rc;
}
