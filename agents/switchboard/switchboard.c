/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/switchboard/switchboard.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/switchboard/hand.h"
#include "agents/switchboard/state.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "crypt/digest.h"

#define POLL_MS	  100
#define GRACE_S	  10.0 /* for a hand that was told to stop */
#define CLOSE_S	  2.0
#define SETTLE_S  2.0
#define IMPATIENT 0 /* ms */

/* ---- hands ------------------------------------------------------------- */

void seat_put(struct seat *seat, const char *key, struct json *value)
{
	struct json *line = json_object();

	json_set(line, key, value);
	/* That it is gone shows when it is read from; of one that is too long
	 * it would wait for ever. */
	if (!rt_wire_put(&seat->wire, line))
		rt_wire_flush(&seat->wire);
	else
		kill(seat->pid, SIGKILL);
}

struct begun {
	const struct switchboard *s;
	const struct hand_spec *spec;
};

/* The connections are the parent's: a copy would keep them open behind it. */
static void be_hand(int fd, void *arg)
{
	const struct begun *b = arg;

	if (io_keep_only(fd) < 0)
		_exit(1);
	fd = 3;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	_exit(hand_work_on(b->spec, fd, b->s->o.cancel));
}

int switchboard_begin(struct switchboard *s, const struct hand_spec *spec)
{
	struct begun b = {s, spec};
	struct seat *seat;
	struct child c;
	int rc = child_fork(be_hand, &b, true, &c);

	if (rc)
		return rc;
	fcntl(c.fd, F_SETFL, fcntl(c.fd, F_GETFL) | O_NONBLOCK);
	seat = mem_zalloc(1, sizeof(*seat));
	seat->spec = *spec;
	seat->spec.candidate = seat->candidate = mem_strdup(spec->candidate);
	seat->pid = c.pid;
	rt_wire_init(&seat->wire, c.fd);
	seat->wire.max_line = HAND_LINE;
	seat->wire.in.max = seat->wire.out.max = 2 * HAND_LINE;
	seat->next = s->seats;
	s->seats = seat;
	return 0;
}

size_t switchboard_hands(const struct switchboard *s)
{
	size_t n = 0;

	for (struct seat *t = s->seats; t; t = t->next)
		n++;
	return n;
}

static void orphan_questions(struct switchboard *s, struct seat *seat)
{
	for (struct question *q = s->questions; q; q = q->next)
		if (q->seat == seat)
			question_orphan(s, q);
}

static void stop_seat(struct switchboard *s, struct seat *seat)
{
	if (seat->stopped)
		return;
	seat->stopped = true;
	seat->kill_at = clock_monotonic() + GRACE_S;
	kill(seat->pid, SIGTERM);
	for (struct question *q = s->questions; q; q = q->next)
		if (q->seat == seat && !q->ended)
			rt_client_cancel(s->rt, q->id);
	if (seat->climb.id && !seat->climb.lease)
		rt_client_cancel(s->rt, seat->climb.id);
	s->busy = true;
}

void switchboard_stop(struct switchboard *s, size_t i)
{
	for (struct seat *t = s->seats; t; t = t->next)
		if (t->spec.i == i)
			stop_seat(s, t);
}

static void stop_all(struct switchboard *s)
{
	s->stopping = true;
	for (struct seat *t = s->seats; t; t = t->next)
		stop_seat(s, t);
	for (struct question *q = s->questions; q; q = q->next)
		if (!q->spec.ops && !q->ended)
			rt_client_cancel(s->rt, q->id);
	if (s->climb.id && !s->climb.lease)
		rt_client_cancel(s->rt, s->climb.id);
}

/* ---- what hands say ---------------------------------------------------- */

static void enter(struct switchboard *s, struct seat *seat, const char *mark)
{
	const char *why =
		seat->spec.ops->enter(seat->spec.arg, seat->spec.i, mark);

	if (why)
		seat_put(seat, "stop", json_string(why));
	else if (climb_begin(s, &seat->climb, seat->spec.candidate))
		seat_put(seat, "stop", json_string(err_text()));
}

static void take_line(struct switchboard *s, struct seat *seat,
		      const struct json *line)
{
	const struct json *ask = json_get(line, "ask");
	const struct hand_spec *spec = &seat->spec;
	struct question *q;

	if (ask)
		question_new(s, seat, json_copy(ask), &q);
	else if (json_get(line, "enter"))
		enter(s, seat, json_text_at(line, "enter"));
	else if (json_get(line, "leave"))
		climb_end(s, &seat->climb);
	else if (json_get(line, "say"))
		spec->ops->say(spec->arg, spec->i, json_text_at(line, "say"));
	else if (json_get(line, "result") && !seat->result)
		seat->result = json_copy(json_get(line, "result"));
}

static void read_seat(struct switchboard *s, struct seat *seat)
{
	int ended = rt_wire_fill(&seat->wire), rc;
	struct json *line;

	while ((rc = rt_wire_next(&seat->wire, &line)) > 0) {
		take_line(s, seat, line);
		json_free(line);
		s->busy = true;
	}
	if (rc >= 0)
		rc = ended ? ended : rt_wire_flush(&seat->wire);
	/* One that has not closed its end itself would wait for us, and we for
	 * its end. */
	if (rc < 0 && rc != -EPIPE)
		kill(seat->pid, SIGKILL);
	if (rc < 0)
		seat->gone = true;
}

/* The status of a hand that closed its end: it is dead, or about to be. */
static void bury_seat(struct switchboard *s, struct seat *seat)
{
	struct seat **at = &s->seats;
	int status = 0;

	while (*at != seat)
		at = &(*at)->next;
	*at = seat->next;
	orphan_questions(s, seat);
	climb_end(s, &seat->climb);
	close(seat->wire.fd);
	while (waitpid(seat->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		err_set(EIO, "its process was killed by signal %d",
			WTERMSIG(status));
	else
		err_set(EIO, "its process ended with status %d",
			WEXITSTATUS(status));
	seat->spec.ops->ended(seat->spec.arg, seat->spec.i, seat->result);
	json_free(seat->result);
	rt_wire_release(&seat->wire);
	free(seat->candidate);
	free(seat);
}

/* ---- the loop ---------------------------------------------------------- */

static int wait_ms(const struct switchboard *s)
{
	double due = rt_client_wait(s->rt);

	if (s->busy || due <= 0)
		return IMPATIENT;
	/* A signal that came before the poll shows up soon, too. */
	return due * 1000 < POLL_MS ? (int)ceil(due * 1000) : POLL_MS;
}

static void wait_for_any(struct switchboard *s)
{
	size_t n = 0, hands = switchboard_hands(s);
	struct pollfd *p = mem_zalloc(hands + 2, sizeof(*p));

	p[n++] = (struct pollfd){
		s->dead ? -1 : model_fd(s->o.model),
		(short)(POLLIN | (model_has_left(s->o.model) ? POLLOUT : 0)),
		0};
	p[n++] = (struct pollfd){rt_client_fd(s->rt), POLLIN, 0};
	for (struct seat *t = s->seats; t; t = t->next)
		p[n++] = (struct pollfd){
			t->wire.fd,
			(short)(POLLIN |
				(rt_wire_left(&t->wire) ? POLLOUT : 0)),
			0};
	poll(p, n, wait_ms(s));
	free(p);
}

static void read_seats(struct switchboard *s)
{
	double now = clock_monotonic();
	struct seat *next;

	for (struct seat *t = s->seats; t; t = next) {
		next = t->next;
		read_seat(s, t);
		if (t->stopped && !t->gone && now > t->kill_at) {
			kill(t->pid, SIGKILL);
			t->kill_at = INFINITY;
		}
		if (t->gone)
			bury_seat(s, t);
	}
}

int switchboard_step(struct switchboard *s)
{
	int rc;

	if (s->o.cancel && *s->o.cancel && !s->stopping)
		stop_all(s);
	wait_for_any(s);
	s->busy = false;
	read_seats(s);
	calls_receive(s);
	rc = rt_client_step(s->rt);
	calls_send(s);
	/* Which a program that is being asked hears, too. */
	if (s->stopping && !s->hung_up)
		model_stop(s->o.model);
	s->hung_up = s->stopping;
	questions_finish(s);
	return rc;
}

void switchboard_settle(struct switchboard *s)
{
	double end = clock_monotonic() + SETTLE_S;

	while (s->questions && !s->dead && clock_monotonic() < end)
		switchboard_step(s);
}

/* ---- this process's own questions -------------------------------------- */

/* Nobody hears of what is under way of it. */
static void forget_calls(struct switchboard *s, const struct question *q)
{
	struct call *next;

	for (struct call *c = s->calls; c; c = next) {
		next = c->next;
		if (c->q == q)
			call_free(s, c);
	}
}

static int own_ask(void *arg, const struct json *question, struct json **answer)
{
	struct switchboard *s = arg;
	struct question *q;
	int rc = 0;

	question_new(s, NULL, json_copy(question), &q);
	/* Until it is finished, by questions_finish(). */
	while (!rc && !(q->ended && !q->calls && q->answer))
		rc = switchboard_step(s);
	*answer = q->answer;
	q->answer = NULL;
	forget_calls(s, q);
	question_free(s, q);
	return rc;
}

static int own_enter(void *arg, const char *mark)
{
	struct switchboard *s = arg;
	int rc = climb_begin(s, &s->climb, "plan");

	(void)mark;
	while (!rc && !s->climb.lease && !s->climb.refused)
		rc = switchboard_step(s);
	if (!rc && s->climb.refused)
		rc = err_set(ECANCELED, "no core is to be had for a climb");
	return s->stopping ? err_set(EINTR, "cancelled") : rc;
}

static void own_leave(void *arg)
{
	struct switchboard *s = arg;

	climb_end(s, &s->climb);
}

/* ---- the door ---------------------------------------------------------- */

/* About what going on costs there: but for one that keeps its state it is
 * reading the prompt again, and all that was written. */
static double restart_of(const char *resume)
{
	static const struct {
		const char *resume;
		double s;
	} costs[] = {{"slot", 0.2}, {"continue", 2}, {"turn", 3}};

	for (size_t i = 0; i < ARRAY_LEN(costs); i++)
		if (!strcmp(resume, costs[i].resume))
			return costs[i].s;
	return 30; /* it begins anew */
}

static int add_endpoint(struct switchboard *s, const struct json *e)
{
	/* What both descriptions call alike. */
	static const char *const same[] = {"name", "order", "requests_min",
					   "tokens_in_min", "tokens_out_min"};
	double slots = json_as_number(json_get(e, "slots"), 1);
	struct json *v = json_object();
	struct rt_worker_spec w;
	int rc;

	if (slots < 1)
		slots = 1;
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (json_get(e, same[i]))
			json_set(v, same[i], json_copy(json_get(e, same[i])));
	json_set_number(v, "restart_s", restart_of(json_text_at(e, "resume")));
	json_add(json_set(v, "kinds", json_array()), json_string("llm"));
	json_add(json_set(v, "can", json_array()), json_string(s->ours));
	json_set_number(json_set(v, "capacity", json_object()),
			"endpoint_slots", slots);
	rc = rt_worker_spec_read(v, &w);
	json_free(v);
	if (rc)
		return rc;
	rc = rt_client_worker(s->rt, &w, false);
	rt_worker_spec_release(&w);
	s->slots += (long)slots;
	return rc;
}

/* Who has the same endpoints may have each other's leases of them. */
static void name_ours(struct switchboard *s)
{
	char digest[DIGEST_HEX_LEN];
	struct json *names = json_array();
	char *text;

	json_each (e, model_endpoints(s->o.model))
		json_add(names, json_string(json_text_at(e, "name")));
	text = json_canonical(names);
	digest_hex(text, strlen(text), digest);
	s->ours = mem_printf("endpoints:%.16s", digest);
	free(text);
	json_free(names);
}

int switchboard_open(const struct switchboard_opts *o, struct switchboard **out)
{
	struct switchboard *s = mem_zalloc(1, sizeof(*s));
	struct rt_client_opts co = {
		.agent = o->agent,
		.run = o->run,
		.ops = &switchboard_ops,
		.config = &s->config,
		.arg = s,
	};
	int rc;

	s->o = *o;
	s->o.run = s->run = mem_strdup(o->run);
	s->endpoints = json_len(model_endpoints(o->model));
	s->through = model_through(model_name(o->model), own_ask, s);
	s->gate = (struct ladder_gate){own_enter, own_leave, s};
	name_ours(s);
	/* From within a sandbox no settings can be read any more. */
	rc = rt_config_load(NULL, &s->config);
	if (!rc)
		rc = rt_client_open(&co, &s->rt);
	json_each (e, model_endpoints(o->model))
		if (!rc)
			rc = add_endpoint(s, e);
	/* Its leases are asked for here. */
	setenv("SCHEDKIT_RUNTIME", "off", 1);
	if (rc)
		switchboard_close(s);
	else
		*out = s;
	return rc;
}

void switchboard_close(struct switchboard *s)
{
	if (!s)
		return;
	if (s->rt) {
		double end = clock_monotonic() + CLOSE_S;

		stop_all(s);
		while (s->seats && clock_monotonic() < end)
			switchboard_step(s);
		for (struct seat *t = s->seats; t; t = t->next)
			kill(t->pid, SIGKILL);
		while (s->seats)
			bury_seat(s, s->seats);
		/* What ask-model still says nobody hears. */
		while (s->calls)
			call_free(s, s->calls);
		while (s->questions)
			question_free(s, s->questions);
		rt_client_close(s->rt);
	}
	rt_config_release(&s->config);
	model_close(s->through);
	free(s->death);
	free(s->ours);
	free(s->run);
	free(s);
}

long switchboard_slots(const struct switchboard *s)
{
	return s->slots;
}

struct model *switchboard_model(const struct switchboard *s)
{
	return s->through;
}

const struct ladder_gate *switchboard_gate(const struct switchboard *s)
{
	return &s->gate;
}
