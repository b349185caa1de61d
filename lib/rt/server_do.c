/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client's line asks for. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/server_state.h"

uint64_t server_number(const struct json *v)
{
	double x = json_as_number(v, 0);

	return x >= 1 && x < 0x1p53 ? (uint64_t)x : 0;
}

static int allowed(struct conn *c, const char *kind, const char *verb,
		   const char *resource)
{
	struct rt_peer who = conn_peer(c);

	return rt_access_check(c->s->access, &who, kind, verb, resource);
}

static void answer(struct conn *c, const struct json *ref, struct json *value)
{
	struct json *v = json_object();

	if (ref)
		json_set(v, "ref", json_copy(ref));
	json_set(v, "value", value ? value : json_object());
	conn_put(c, v);
}

/* It may be left out, but is never taken for something else: a candidate that
 * is no name must not cancel its whole run. */
static int check_type(const struct json *v, const char *key,
		      enum json_type type, const char *what)
{
	const struct json *at = json_get(v, key);

	return !at || json_type(at) == type
		       ? 0
		       : err_set(EINVAL, "'%s' is no %s", key, what);
}

static int check_text(const struct json *v, const char *key)
{
	return check_type(v, key, JSON_STRING, "text");
}

/* ---- hello --------------------------------------------------------------- */

static bool run_is_held(const struct conn *c)
{
	for (const struct conn *x = c->s->conns; x; x = x->next)
		if (x != c && !x->gone && x->run && !strcmp(x->run, c->run))
			return true;
	return false;
}

/* A run of another user is never taken for one of ours of that name. */
static char *run_name(const struct conn *c, const char *run)
{
	if (!*run || c->uid == geteuid())
		return mem_strdup(run);
	return mem_printf("%u:%s", (unsigned)c->uid, run);
}

static void welcome(struct conn *c)
{
	struct json *line = json_object(), *v = json_object();

	json_set_number(v, "version", RT_WIRE_VERSION);
	json_set_string(v, "policy", rt_policy_name(c->s->r));
	json_set_number(v, "pid", (double)getpid());
	json_set_bool(v, "shared", true);
	json_set(line, "welcome", v);
	conn_put(c, line);
}

static int do_hello(struct conn *c, const struct json *v,
		    const struct json *ref)
{
	const char *agent = json_text_at(v, "agent");
	const char *run = json_text_at(v, "run");
	int rc;

	(void)ref;
	if (c->agent)
		return err_set(EPROTO, "hello was said before");
	if (json_as_number(json_get(v, "version"), 0) != RT_WIRE_VERSION) {
		conn_close(c, "this daemon speaks version 1 of the protocol");
		return 0;
	}
	if (!*agent || strlen(agent) > RT_NAME_MAX ||
	    strlen(run) > RT_NAME_MAX - 16)
		return err_set(EINVAL, "hello needs an agent's name, and names "
				       "are not that long");
	rc = check_text(v, "run");
	if (!rc)
		rc = check_type(v, "still", JSON_ARRAY, "list of keys");
	if (rc)
		return rc;
	c->agent = mem_strdup(agent);
	c->run = run_name(c, run);
	c->wire.max_line = RT_WIRE_MAX;
	c->s->strangers--;
	welcome(c);
	json_each (it, json_get(v, "still"))
		rt_still(c->s->r, c->run, json_as_string(it, ""));
	/* Another process of the same run may be at work on it. */
	if (*c->run && !run_is_held(c))
		rt_adopt(c->s->r, c->run, c->holder, c->s->now);
	return 0;
}

/* ---- leases -------------------------------------------------------------- */

/* The lease that v names, if this connection holds it. */
static int own_lease(struct conn *c, const struct json *v, uint64_t *lease)
{
	*lease = server_number(json_get(v, "lease"));
	if (!*lease)
		return err_set(EINVAL, "'lease' is no number of a lease");
	/* One that was taken back crosses with what is said of it. */
	return idmap_find(&c->leases, *lease) ? 0 : -ESTALE;
}

static int do_done(struct conn *c, const struct json *v, const struct json *ref)
{
	struct rt_outcome o;
	uint64_t lease;
	int rc = own_lease(c, v, &lease);

	(void)ref;
	if (rc)
		return rc == -ESTALE ? 0 : rc;
	rc = rt_outcome_read(v, &o);
	if (!rc) {
		idmap_remove(&c->leases, lease);
		rc = rt_done(c->s->r, lease, &o, c->s->now);
	}
	rt_outcome_release(&o);
	return rc == -ESTALE ? 0 : rc;
}

static int do_progress(struct conn *c, const struct json *v,
		       const struct json *ref)
{
	struct rt_usage u;
	uint64_t lease;
	int rc = own_lease(c, v, &lease);

	(void)ref;
	if (!rc)
		rc = rt_usage_read(json_get(v, "usage"), &u);
	if (!rc)
		rc = rt_progress(c->s->r, lease, &u, c->s->now);
	return rc == -ESTALE ? 0 : rc;
}

static int do_suspended(struct conn *c, const struct json *v,
			const struct json *ref)
{
	const struct json *at = json_get(v, "checkpoint");
	char *checkpoint = NULL;
	struct rt_usage u;
	uint64_t lease;
	int rc = own_lease(c, v, &lease);

	(void)ref;
	if (!rc)
		rc = rt_usage_read(json_get(v, "usage"), &u);
	if (!rc && at)
		checkpoint = json_canonical(at);
	if (checkpoint && strlen(checkpoint) > RT_PAYLOAD_MAX)
		rc = err_set(EINVAL, "'checkpoint' is over %u bytes",
			     RT_PAYLOAD_MAX);
	if (!rc) {
		idmap_remove(&c->leases, lease);
		rc = rt_suspended(c->s->r, lease, checkpoint, &u, c->s->now);
	}
	free(checkpoint);
	return rc == -ESTALE ? 0 : rc;
}

static int do_grow(struct conn *c, const struct json *v, const struct json *ref)
{
	struct vec more;
	uint64_t lease;
	int rc = own_lease(c, v, &lease);

	if (!rc)
		rc = vec_read(json_get(v, "more"), &more);
	if (!rc)
		rc = rt_grow(c->s->r, lease, &more, c->s->now);
	else if (rc == -ESTALE)
		err_set(ESTALE, "the lease is no longer held");
	if (!rc && ref)
		answer(c, ref, NULL);
	return rc;
}

static int do_delivered(struct conn *c, const struct json *v,
			const struct json *ref)
{
	uint64_t id = server_number(json_get(v, "id"));
	const struct rt_task *t = rt_find(c->s->r, id);

	(void)ref;
	if (t && t->holder != c->holder)
		return err_set(EACCES, "the request is another's");
	if (t)
		rt_delivered(c->s->r, t->id, c->s->now);
	return 0;
}

/* ---- cancelling -------------------------------------------------------- */

static int cancel_one(struct conn *c, uint64_t id, size_t *n)
{
	const struct rt_task *t = rt_find(c->s->r, id);
	int rc = 0;

	if (!t)
		return 0;
	if (t->holder != c->holder)
		rc = allowed(c, "control", "cancel", t->q.run);
	conn_audit(c, "cancel", t->q.key, rc);
	if (!rc && t->state < RT_DONE)
		*n = (size_t)rt_cancel(c->s->r, t->id, c->s->now);
	return rc;
}

static int cancel_group(struct conn *c, const char *run, const char *candidate,
			size_t *n)
{
	char *name = run ? run_name(c, run) : mem_strdup(c->run);
	int rc = 0;

	/* What another run's name means is for the rules to say. */
	if (strcmp(name, c->run))
		rc = allowed(c, "control", "cancel", name);
	if (!rc && !*name)
		rc = err_set(EINVAL, "a connection without a run cancels by "
				     "'id' or 'run'");
	conn_audit(c, "cancel", name, rc);
	if (!rc)
		*n = rt_cancel_group(c->s->r, name, candidate, c->s->now);
	free(name);
	return rc;
}

static int do_cancel(struct conn *c, const struct json *v,
		     const struct json *ref)
{
	const char *candidate = json_as_string(json_get(v, "candidate"), NULL);
	const char *run = json_as_string(json_get(v, "run"), NULL);
	struct json *value;
	size_t n = 0;
	int rc = check_text(v, "run");

	if (!rc)
		rc = check_text(v, "candidate");
	if (rc)
		return rc;
	if (run || candidate)
		rc = cancel_group(c, run, candidate, &n);
	else if (!server_number(json_get(v, "id")))
		rc = err_set(EINVAL, "'cancel' needs an id, a run or a "
				     "candidate");
	else
		rc = cancel_one(c, server_number(json_get(v, "id")), &n);
	if (rc || !ref)
		return rc;
	value = json_object();
	json_set_number(value, "cancelled", (double)n);
	answer(c, ref, value);
	return 0;
}

/* ---- workers ------------------------------------------------------------- */

static int may_serve(struct conn *c, unsigned kinds)
{
	int rc = 0;

	for (int k = 0; !rc && k < RT_KINDS; k++)
		if (kinds & 1u << k)
			rc = allowed(c, "work", rt_kind_name((enum rt_kind)k),
				     NULL);
	return rc;
}

static struct rt_worker *find_worker(const struct server *s, const char *name)
{
	return rt_workers_find(rt_workers_of(s->r), name);
}

static bool is_shared(const struct conn *c, const char *name)
{
	for (size_t i = 0; i < c->shared.len; i++)
		if (!strcmp(c->shared.v[i], name))
			return true;
	return false;
}

static int add_worker(struct conn *c, const struct rt_worker_spec *spec,
		      bool ours)
{
	struct server *s = c->s;
	struct rt_worker *w = find_worker(s, spec->name);
	int rc;

	/* One of the same name that nobody serves any more makes room. */
	if (w && w->holder && w->holder != SERVER_STORE &&
	    !conn_of(s, w->holder)) {
		rt_worker_drop(s->r, spec->name, true, s->now);
		w = find_worker(s, spec->name);
	}
	if (!w && rt_workers_of(s->r)->count >= SERVER_WORKERS)
		return err_set(EAGAIN, "there are %d workers already",
			       SERVER_WORKERS);
	if (!w || w->holder || ours) {
		rc = rt_worker_add(s->r, spec, ours ? c->holder : 0, s->now);
		if (rc)
			return rc;
	}
	if (!ours && !is_shared(c, spec->name))
		strs_add(&c->shared, spec->name);
	return 0;
}

static int do_worker(struct conn *c, const struct json *v,
		     const struct json *ref)
{
	bool ours = json_as_bool(json_get(v, "ours"), true);
	struct json *spec = json_copy(v);
	struct rt_worker_spec read;
	int rc = check_type(v, "ours", JSON_BOOL, "boolean");

	json_remove(spec, "ours");
	if (!rc)
		rc = rt_worker_spec_read(spec, &read);
	json_free(spec);
	if (rc)
		return rc;
	rc = may_serve(c, read.kinds);
	conn_audit(c, "work", read.name, rc);
	if (!rc)
		rc = add_worker(c, &read, ours);
	rt_worker_spec_release(&read);
	if (!rc && ref)
		answer(c, ref, NULL);
	return rc;
}

/* The worker is this connection's own. */
static int own_worker(struct conn *c, const struct json *v, const char **name)
{
	struct rt_worker *w;

	*name = json_text_at(v, "name");
	w = find_worker(c->s, *name);
	if (!w)
		return err_set(ENOENT, "no worker '%s'", *name);
	return w->holder == c->holder
		       ? 0
		       : err_set(EACCES, "worker '%s' is another's", *name);
}

static int do_beat(struct conn *c, const struct json *v, const struct json *ref)
{
	const char *name;
	int rc = own_worker(c, v, &name);

	(void)ref;
	return rc ? rc : rt_worker_beat(c->s->r, name, c->s->now);
}

static int do_drop(struct conn *c, const struct json *v, const struct json *ref)
{
	const char *name;
	int rc = own_worker(c, v, &name);

	if (rc == -EACCES)
		rc = allowed(c, "control", "drop", name);
	if (!rc)
		rc = check_type(v, "now", JSON_BOOL, "boolean");
	if (!rc)
		rc = rt_worker_drop(c->s->r, name,
				    json_as_bool(json_get(v, "now"), false),
				    c->s->now);
	if (!rc && ref)
		answer(c, ref, NULL);
	return rc;
}

/* ---- looking and steering ---------------------------------------------- */

static int do_look(struct conn *c, const struct json *v, const struct json *ref)
{
	const char *what = json_as_string(v, "");
	int rc = allowed(c, "look", what, NULL);
	struct json *value;

	if (rc) {
		conn_audit(c, "look", what, rc);
		return rc;
	}
	value = server_look(c->s, what);
	if (!value)
		return err_set(ENOENT, "there is nothing '%s' to look at",
			       what);
	answer(c, ref, value);
	return 0;
}

/* Refused or not, it is written down. */
static int steer(struct conn *c, const char *verb, const char *resource)
{
	int rc = allowed(c, "control", verb, resource);

	conn_audit(c, verb, resource, rc);
	return rc;
}

static int do_set(struct conn *c, const struct json *v, const struct json *ref)
{
	const char *name = json_text_at(v, "policy");
	int rc = steer(c, "policy", name);

	if (!rc)
		rc = rt_policy_set(c->s->r, name, c->s->now);
	if (!rc && ref)
		answer(c, ref, NULL);
	return rc;
}

static int do_drain(struct conn *c, const struct json *v,
		    const struct json *ref)
{
	bool on = json_as_bool(v, true);
	int rc;

	if (json_type(v) != JSON_BOOL)
		return err_set(EINVAL, "'drain' is neither true nor false");
	rc = steer(c, "drain", on ? "on" : "off");
	if (rc)
		return rc;
	rt_drain(c->s->r, on);
	c->s->draining = on;
	if (ref)
		answer(c, ref, NULL);
	return 0;
}

static int do_stop(struct conn *c, const struct json *v, const struct json *ref)
{
	int rc;

	if (!json_as_bool(v, false))
		return err_set(EINVAL, "'stop' is not true");
	rc = steer(c, "stop", NULL);
	if (rc)
		return rc;
	c->s->stopping = true;
	if (ref)
		answer(c, ref, NULL);
	return 0;
}

/* ---- which ------------------------------------------------------------- */

static const struct {
	const char *key;
	int (*run)(struct conn *c, const struct json *v,
		   const struct json *ref);
} verbs[] = {
	/* The most frequent ones first. */
	{"submit", server_submit},
	{"done", do_done},
	{"delivered", do_delivered},
	{"progress", do_progress},
	{"suspended", do_suspended},
	{"beat", do_beat},
	{"grow", do_grow},
	{"cancel", do_cancel},
	{"hello", do_hello},
	{"worker", do_worker},
	{"drop", do_drop},
	{"look", do_look},
	{"set", do_set},
	{"drain", do_drain},
	{"stop", do_stop},
};

void server_do(struct conn *c, const struct json *v)
{
	const struct json *ref = json_get(v, "ref"), *what = NULL;
	size_t i = 0;
	int rc;

	for (; i < ARRAY_LEN(verbs); i++) {
		what = json_get(v, verbs[i].key);
		if (what)
			break;
	}
	if (!what)
		rc = err_set(EPROTO, "the line asks for nothing that there is; "
				     "see schedkit-runtime(5)");
	else if (!c->agent && strcmp(verbs[i].key, "hello"))
		rc = err_set(EPROTO, "hello comes first");
	else
		rc = verbs[i].run(c, what, ref);
	/* Monitors that look do not keep the daemon from leaving. */
	if (what && verbs[i].run != do_look && verbs[i].run != do_hello)
		c->s->busy = c->s->now;
	if (rc) {
		conn_error(c, ref, rc);
		if (rc == -EPROTO && ++c->bad >= SERVER_BAD)
			conn_close(c, err_text());
	}
}
