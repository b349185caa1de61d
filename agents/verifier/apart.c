/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prove and sim in processes of their own, as many at once as there are CPUs.
 *
 * These stages interpret an object that may have been compiled from what a
 * model wrote.  Whatever such bytes did to the interpreter, they would do it
 * to a process that can read this one object, write nothing and reach nobody,
 * and that hands back no more than its own stages.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "llm/secret.h"
#include "policy/built.h"
#include "policy/object.h"

#define RESULT_MAX  (4u << 20)
#define ROWS_MAX    200
#define MEMORY_MIB  8192
#define CPU_S	    900
#define LIMIT_S	    1800
#define POLL_MS	    100
#define AT_ONCE_MAX 16

/* One candidate's process. */
struct apart {
	struct candidate *c; /* NULL: the place is free */
	pid_t pid;
	int fd;
	struct buf result; /* a line of JSON for each stage that ended */
	double start;
	bool late;
};

/* ---- in the child ---- */

static void send_line(int fd, struct json *v)
{
	char *text = json_canonical(v);

	if (io_write(fd, text, strlen(text)) || io_write(fd, "\n", 1))
		_exit(1);
	free(text);
	json_free(v);
}

static void send_stage(int fd, const struct candidate *c, enum stage_id id)
{
	const struct stage *s = &c->stages[id];
	struct json *v = json_object();

	json_set_number(v, "stage", id);
	json_set_number(v, "status", s->status);
	json_set_number(v, "seconds", s->seconds);
	json_set(v, "findings", json_copy(s->findings));
	if (id == STAGE_SIM && c->simulation)
		json_set(v, "simulation", json_copy(c->simulation));
	send_line(fd, v);
}

static bool has_code(const struct candidate *c)
{
	return policy_is_source(c->policy->body) ||
	       built_wanted(c->policy->body);
}

/* Without Landlock, who has no privilege anyway may go on, and so may what
 * came with schedkit. */
static bool confine(struct candidate *c)
{
	char *types = path_lib("simkernel.bpf.o");
	const char *const read[] = {candidate_path(c), types, NULL};
	const struct sandbox s = {
		.read = read, .memory_mib = MEMORY_MIB, .cpu_s = CPU_S};
	int rc = sandbox_enter(&s);

	free(types);
	return !rc || (rc == -ENOTSUP && (geteuid() || !has_code(c)));
}

static void __attribute__((noreturn))
child(struct verifier *v, struct candidate *c, apart_stage *climb, int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (io_keep_only(fd) < 0)
		_exit(1);
	fd = 3;
	secret_leave_env();
	if (!confine(c)) {
		struct json *no = json_object();

		json_set_string(no, "trouble", err_text());
		send_line(fd, no);
		_exit(1);
	}
	for (enum stage_id id = STAGE_PROVE; id <= STAGE_SIM; id++) {
		climb(v, c, id);
		send_stage(fd, c, id);
	}
	_exit(0);
}

/* ---- in the parent ---- */

static double count(const struct json *v, const char *key)
{
	double x = json_as_number(json_get(v, key), 0);

	return x >= 0 && x <= 1e15 ? floor(x) : 0;
}

/* Nothing but what belongs there. */
static struct json *take_simulation(const struct json *v)
{
	static const char *const counts[] = {"calls", "insns_mean",
					     "insns_max"};
	struct json *out = json_object(), *list, *row;

	json_set_number(out, "cpus", count(v, "cpus"));
	json_set_number(out, "seeds", count(v, "seeds"));
	list = json_set(out, "metrics", json_array());
	json_each (m, json_get(v, "metrics")) {
		if (json_len(list) == ROWS_MAX)
			break;
		row = json_add(list, json_object());
		json_set_string(row, "name", json_text_at(m, "name"));
		json_set_string(row, "better", json_text_at(m, "better"));
		json_set_number(row, "value",
				json_as_number(json_get(m, "value"), 0));
	}
	list = json_set(out, "callbacks", json_array());
	json_each (m, json_get(v, "callbacks")) {
		if (json_len(list) == ROWS_MAX)
			break;
		row = json_add(list, json_object());
		json_set_string(row, "name", json_text_at(m, "name"));
		for (size_t i = 0; i < ARRAY_LEN(counts); i++)
			json_set_number(row, counts[i], count(m, counts[i]));
	}
	return out;
}

/* The stage that a line is about, and that has not been told of before; or
 * STAGE_COUNT. */
static enum stage_id take_line(struct candidate *c, const struct json *v,
			       enum stage_id next)
{
	double status = count(v, "status");
	struct stage *s = &c->stages[next];

	if (count(v, "stage") != next || status > STATUS_SKIPPED)
		return STAGE_COUNT;
	s->status = (enum stage_status)status;
	s->seconds = json_as_number(json_get(v, "seconds"), 0);
	if (!(s->seconds >= 0))
		s->seconds = 0;
	stage_take_findings(s, json_get(v, "findings"));
	if (next == STAGE_SIM && json_get(v, "simulation"))
		c->simulation = take_simulation(json_get(v, "simulation"));
	return next;
}

/* The stages that were told of; returns the first that was not. */
static enum stage_id take_result(struct apart *a)
{
	enum stage_id next = STAGE_PROVE;
	char *save = NULL;

	for (char *line = strtok_r(a->result.data, "\n", &save);
	     line && next <= STAGE_SIM; line = strtok_r(NULL, "\n", &save)) {
		struct json *v = json_parse(line, strlen(line));
		const char *trouble =
			json_as_string(json_get(v, "trouble"), NULL);

		if (trouble) {
			stage_find(&a->c->stages[next], "no-sandbox",
				   "not run: %.300s", trouble);
			next = STAGE_COUNT;
		} else if (take_line(a->c, v, next) == next) {
			next++;
		} else {
			json_free(v);
			break;
		}
		json_free(v);
	}
	return next;
}

/* The process ended before it told of this stage. */
static void blame(struct apart *a, enum stage_id id, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (a->late || sig == SIGXCPU)
		stage_fail(a->c, id, "time-limit",
			   "it took too long, its process was stopped");
	else
		stage_fail(a->c, id, "crash", "its process died: %s",
			   sig ? strsignal(sig) : "it gave no result");
	a->c->stages[id].seconds = clock_monotonic() - a->start;
}

static void finish(struct verifier *v, struct apart *a)
{
	enum stage_id next;
	int status;

	while (waitpid(a->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(a->fd);
	next = v->cancelled || !a->result.len ? STAGE_PROVE : take_result(a);
	if (!v->cancelled && next <= STAGE_SIM)
		blame(a, next, status);
	buf_release(&a->result);
	a->c = NULL;
}

static int start(struct verifier *v, struct apart *a, struct candidate *c,
		 apart_stage *climb)
{
	int p[2];

	*a = (struct apart){.start = clock_monotonic()};
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(errno, "cannot make a pipe: %s",
			       strerror(errno));
	fcntl(p[1], F_SETFL, 0); /* the child waits for room */
	a->pid = fork();
	if (a->pid == 0)
		child(v, c, climb, p[1]);
	close(p[1]);
	if (a->pid < 0) {
		close(p[0]);
		return err_set(errno, "cannot fork: %s", strerror(errno));
	}
	a->fd = p[0];
	a->c = c;
	buf_init(&a->result, RESULT_MAX);
	return 0;
}

/* True when the child has closed its end. */
static bool drain(struct apart *a)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(a->fd, chunk, sizeof(chunk))) > 0)
		if (buf_add(&a->result, chunk, (size_t)n))
			kill(a->pid, SIGKILL);
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void watch(struct verifier *v, struct apart *a, size_t n)
{
	struct pollfd p[AT_ONCE_MAX];

	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){a[i].c ? a[i].fd : -1, POLLIN, 0};
	poll(p, n, POLL_MS);
	v->cancelled |= v->o->cancel && *v->o->cancel;
	for (size_t i = 0; i < n; i++) {
		if (!a[i].c)
			continue;
		a[i].late |= clock_monotonic() - a[i].start > LIMIT_S;
		if (v->cancelled || a[i].late)
			kill(a[i].pid, SIGKILL);
		if (drain(&a[i]))
			finish(v, &a[i]);
	}
}

static size_t at_once(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > AT_ONCE_MAX ? AT_ONCE_MAX : (size_t)cpus;
}

static bool fill(struct verifier *v, struct apart *a, size_t n, size_t *next,
		 apart_stage *climb)
{
	bool busy = false;

	for (size_t i = 0; i < n; i++) {
		while (!a[i].c && *next < v->count && !v->cancelled) {
			struct candidate *c = &v->all[(*next)++];

			if (!candidate_alive(c))
				continue;
			run_progress(v,
				     "proving and simulating policy %zu/%zu: "
				     "'%s'",
				     *next, v->count, verifier_title(c));
			if (start(v, &a[i], c, climb))
				stage_find(&c->stages[STAGE_PROVE], "not-run",
					   "not run: %s", err_text());
		}
		busy |= a[i].c != NULL;
	}
	return busy;
}

void apart_climb(struct verifier *v, apart_stage *climb)
{
	struct apart a[AT_ONCE_MAX] = {{0}};
	size_t next = 0, n = at_once();

	while (fill(v, a, n, &next, climb))
		watch(v, a, n);
}
