/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/model.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
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
	int fd;	   /* -1: others carry the questions */
	pid_t pid; /* 0: it was waited for */
	int status;
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

static void __attribute__((noreturn))
child(const char *path, char *const *argv, int fd, pid_t parent)
{
	sigset_t none;

	/* It ends with us, also when we are killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(fd, 0) >= 0 && dup2(fd, 1) >= 0)
		execv(path, argv);
	_exit(127);
}

static int start(struct model *m, const struct model_opts *o)
{
	char *path = path_libexec(PROGRAM);
	struct strs argv = {0};
	pid_t parent = getpid();
	int pair[2], rc = 0;

	arguments(o, &argv);
	if (access(path, X_OK) < 0) {
		rc = err_set(errno, "cannot run '%s': %s", path,
			     strerror(errno));
	} else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		rc = err_set(errno, "cannot make a socket: %s",
			     strerror(errno));
	} else {
		m->pid = fork();
		if (!m->pid)
			child(path, argv.v, pair[1], parent);
		close(pair[1]);
		m->fd = pair[0];
		if (m->pid < 0)
			rc = err_set(EAGAIN, "cannot fork");
	}
	strs_release(&argv);
	free(path);
	return rc;
}

/* Waits for its end at most s seconds, then makes it end if we may. */
static void reap(struct model *m, double s)
{
	double end = clock_monotonic() + s;

	if (m->pid <= 0)
		return;
	while (waitpid(m->pid, &m->status, WNOHANG) == 0) {
		if (clock_monotonic() > end) {
			kill(m->pid, SIGKILL);
			end += s;
		}
		poll(NULL, 0, 10);
	}
	m->pid = 0;
}

/* It has closed its end. */
static int died(struct model *m)
{
	reap(m, GRACE_S);
	if (WIFSIGNALED(m->status))
		return err_set(EPIPE, PROGRAM " was killed by signal %d",
			       WTERMSIG(m->status));
	return err_set(EPIPE, PROGRAM " ended with status %d",
		       WEXITSTATUS(m->status));
}

/* ---- lines ------------------------------------------------------------ */

int model_fd(const struct model *m)
{
	return m->fd;
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
	shutdown(m->fd, SHUT_WR);
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
		struct pollfd p = {m->fd, POLLIN, 0};
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

	m->fd = -1;
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
	fcntl(m->fd, F_SETFL, fcntl(m->fd, F_GETFL) | O_NONBLOCK);
	rt_wire_init(&m->wire, m->fd);
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
	secret_names_in(getenv("SCHED_LLM"));
	secret_clear_env();
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
	if (m->fd >= 0) {
		close(m->fd);
		rt_wire_release(&m->wire);
	}
	reap(m, GRACE_S);
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
