/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon shows of itself. */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "rt/server_state.h"

#define TOP_ROWS   200
#define QUEUE_ROWS 10000

static struct json *daemon_json(const struct server *s)
{
	struct json *v = json_object();

	json_set_number(v, "pid", (double)getpid());
	json_set_number(v, "uptime_s", s->now - s->began);
	json_set_number(v, "clients", (double)s->conn_count);
	json_set_number(v, "accepted", (double)s->n.accepted);
	json_set_number(v, "lines", (double)s->n.lines);
	json_set_number(v, "refused", (double)s->n.refused);
	json_set_number(v, "closed", (double)s->n.closed);
	json_set_number(v, "held_bytes", (double)(s->held + s->queued));
	return v;
}

static struct json *metrics(struct server *s)
{
	struct json *v = rt_stats(s->r, s->now);

	json_set_bool(v, "draining", s->draining);
	json_set(v, "predictor", rt_predictor_report(rt_predictor_of(s->r)));
	json_set(v, "daemon", daemon_json(s));
	return v;
}

/* ---- requests ---------------------------------------------------------- */

struct rows {
	double now;
	struct json *list;
	size_t room, left_out;
	bool running; /* those alone, or all others */
};

static struct json *row(const struct rt_task *t, double now)
{
	struct json *v = json_object();

	json_set_number(v, "id", (double)t->id);
	json_set_string(v, "kind", rt_kind_name(t->q.kind));
	json_set_string(v, "agent", t->q.agent);
	json_set_string(v, "run", t->q.run);
	json_set_string(v, "candidate", t->q.candidate);
	json_set_string(v, "key", t->q.key);
	json_set_string(v, "state", rt_state_name(t->state));
	json_set_number(v, "priority", (double)t->priority);
	json_set_number(v, "attempt", (double)t->attempt);
	json_set_number(v, "predicted_s", t->p50_s);
	json_set_number(
		v, "waited_s",
		t->waited + (t->state == RT_READY ? now - t->ready_since : 0));
	if (rt_task_runs(t)) {
		json_set_number(v, "running_s", now - t->started);
		json_set_string(v, "worker", t->lease.worker->spec.name);
	}
	return v;
}

static int add_row(void *arg, const struct rt_task *t)
{
	struct rows *r = arg;

	if (rt_task_ended(t) || rt_task_runs(t) != r->running)
		return 0;
	if (!r->room) {
		r->left_out++;
		return 0;
	}
	r->room--;
	json_add(r->list, row(t, r->now));
	return 0;
}

static void put_requests(struct server *s, struct json *v, size_t room)
{
	struct rows r = {.now = s->now, .list = json_array(), .room = room};

	r.running = true;
	rt_each(s->r, add_row, &r);
	r.running = false;
	rt_each(s->r, add_row, &r);
	json_set(v, "requests", r.list);
	json_set_number(v, "left_out", (double)r.left_out);
}

/* ---- which ------------------------------------------------------------- */

static struct json *top(struct server *s)
{
	struct json *v = metrics(s);

	put_requests(s, v, TOP_ROWS);
	return v;
}

static struct json *queue(struct server *s)
{
	struct json *v = json_object();

	put_requests(s, v, QUEUE_ROWS);
	return v;
}

static struct json *workers(struct server *s)
{
	struct json *all = rt_stats(s->r, s->now), *v = json_object();

	json_set(v, "workers", json_copy(json_get(all, "workers")));
	json_free(all);
	return v;
}

static struct json *predictor(struct server *s)
{
	struct json *v = json_object();

	json_set(v, "predictor", rt_predictor_report(rt_predictor_of(s->r)));
	return v;
}

static struct json *policies(struct server *s)
{
	struct json *v = json_object(), *names = json_array();

	for (size_t i = 0; rt_policies[i]; i++)
		json_add(names, json_string(rt_policies[i]->name));
	json_set_string(v, "policy", rt_policy_name(s->r));
	json_set(v, "policies", names);
	return v;
}

struct json *server_look(struct server *s, const char *what)
{
	static const struct {
		const char *name;
		struct json *(*of)(struct server *s);
	} looks[] = {
		{"top", top},		{"queue", queue},
		{"metrics", metrics},	{"workers", workers},
		{"policies", policies}, {"predictor", predictor},
	};

	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		if (!strcmp(looks[i].name, what))
			return looks[i].of(s);
	return NULL;
}
