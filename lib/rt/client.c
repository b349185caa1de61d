/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/client.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/client_state.h"
#include "rt/socket.h"

#define UNSENT_S 0.01 /* until a full socket is tried again */

/* ---- orders and leases ------------------------------------------------- */

struct order *order_by_id(const struct rt_client *c, uint64_t id)
{
	return idmap_find(&c->by_id, id);
}

struct held *held_new(struct rt_client *c, struct order *o, uint64_t far)
{
	struct held *h = mem_zalloc(1, sizeof(*h));

	h->lease = c->next_lease++;
	h->far = far;
	h->order = o;
	if (o)
		o->held[o->held[0] ? 1 : 0] = h;
	idmap_set(&c->leases, h->lease, h);
	idmap_set(&c->far_leases, far, h);
	return h;
}

void held_free(struct rt_client *c, struct held *h)
{
	for (size_t i = 0; h->order && i < 2; i++)
		if (h->order->held[i] == h)
			h->order->held[i] = NULL;
	idmap_remove(&c->leases, h->lease);
	if (idmap_find(&c->far_leases, h->far) == h)
		idmap_remove(&c->far_leases, h->far);
	if (h->ended)
		rt_outcome_release(h->ended);
	free(h->ended);
	free(h);
}

/* Once nothing waits for others, how others ended is forgotten. */
static void past_free(struct rt_client *c)
{
	for (size_t i = 0; i < c->past_count; i++)
		free(c->past[i].key);
	c->past_count = 0;
}

void order_free(struct rt_client *c, struct order *o)
{
	for (size_t i = 0; i < 2; i++)
		if (o->held[i])
			held_free(c, o->held[i]);
	TAILQ_REMOVE(&c->orders, o, all);
	idmap_remove(&c->by_id, o->id);
	if (idmap_find(&c->by_far, o->far) == o)
		idmap_remove(&c->by_far, o->far);
	c->with_deps -= o->q.dep_count > 0;
	if (!c->with_deps)
		past_free(c);
	rt_request_release(&o->q);
	free(o->checkpoint);
	free(o);
}

static void fill_in(char **text, const char *with)
{
	if (*text && **text)
		return;
	free(*text);
	*text = mem_strdup(with);
}

static struct order *order_new(struct rt_client *c, const struct rt_request *q)
{
	struct order *o = mem_zalloc(1, sizeof(*o));
	char *key;

	o->id = c->next_id++;
	o->graph = c->next_graph;
	rt_request_copy(&o->q, q);
	key = mem_printf("%s.%llu", c->nonce, (unsigned long long)o->id);
	fill_in(&o->q.agent, c->agent);
	fill_in(&o->q.run, c->run);
	fill_in(&o->q.key, key);
	free(key);
	c->with_deps += o->q.dep_count > 0;
	idmap_set(&c->by_id, o->id, o);
	TAILQ_INSERT_TAIL(&c->orders, o, all);
	return o;
}

/* ---- opening ----------------------------------------------------------- */

static void read_mode(struct rt_client *c, const char *socket)
{
	const char *said = getenv("SCHEDKIT_RUNTIME");

	c->path = socket ? mem_strdup(socket) : rt_socket_path();
	if (socket || (said && strchr(said, '/')))
		c->mode = CLIENT_PATH;
	else if (said && !strcmp(said, "start"))
		c->mode = CLIENT_START;
	else if (said && !strcmp(said, "off"))
		c->mode = CLIENT_OFF;
}

static int check_mode(void)
{
	const char *said = getenv("SCHEDKIT_RUNTIME");

	if (!said || !*said || strchr(said, '/') || !strcmp(said, "auto") ||
	    !strcmp(said, "start") || !strcmp(said, "off"))
		return 0;
	return err_set(EINVAL,
		       "SCHEDKIT_RUNTIME is 'auto', 'start', 'off' or the path "
		       "of a socket, not '%s'",
		       said);
}

int rt_client_open(const struct rt_client_opts *o, struct rt_client **out)
{
	struct rt_client *c;
	uint64_t nonce = 0;
	int rc = o->socket ? 0 : check_mode();

	*out = NULL;
	if (rc)
		return rc;
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return err_set(errno, "no random numbers: %s", strerror(errno));
	c = mem_zalloc(1, sizeof(*c));
	*c = (struct rt_client){.ops = o->ops,
				.arg = o->arg,
				.agent = mem_strdup(o->agent),
				.run = mem_strdup(o->run ? o->run : ""),
				.config = o->config,
				.next_id = 1,
				.next_lease = 1,
				.next_ref = 1};
	for (size_t i = 0; i + 1 < sizeof(c->nonce); i++)
		c->nonce[i] = "0123456789abcdef"[nonce >> i * 4 & 15];
	if (!*c->run)
		fill_in(&c->run, c->nonce);
	TAILQ_INIT(&c->orders);
	TAILQ_INIT(&c->news);
	read_mode(c, o->socket);
	rc = back_open(c);
	if (rc)
		rt_client_close(c);
	else
		*out = c;
	return rc;
}

void rt_client_close(struct rt_client *c)
{
	struct news *n;

	if (!c)
		return;
	while (!TAILQ_EMPTY(&c->orders))
		order_free(c, TAILQ_FIRST(&c->orders));
	for (size_t i = 0; i < c->leases.cap; i++)
		while (c->leases.v[i].item)
			held_free(c, c->leases.v[i].item);
	while ((n = TAILQ_FIRST(&c->news))) {
		TAILQ_REMOVE(&c->news, n, all);
		news_free(n);
	}
	link_close(c);
	rt_free(c->local);
	for (size_t i = 0; i < c->worker_count; i++)
		rt_worker_spec_release(&c->workers[i].spec);
	free(c->workers);
	past_free(c);
	free(c->past);
	rt_map_release(&c->by_id);
	rt_map_release(&c->by_far);
	rt_map_release(&c->leases);
	rt_map_release(&c->far_leases);
	if (c->has_own)
		rt_config_release(&c->own);
	json_free(c->answer);
	free(c->agent);
	free(c->run);
	free(c->path);
	free(c);
}

bool rt_client_shared(const struct rt_client *c)
{
	return c->shared;
}

/* ---- the loop ---------------------------------------------------------- */

int rt_client_fd(const struct rt_client *c)
{
	return c->shared ? c->wire.fd : -1;
}

static double next_beat(const struct rt_client *c)
{
	double at = INFINITY;

	for (size_t i = 0; i < c->worker_count; i++)
		at = fmin(at, c->workers[i].beat);
	return at;
}

double rt_client_wait(const struct rt_client *c)
{
	double at = fmin(next_beat(c), c->local ? c->due : INFINITY);

	if (!TAILQ_EMPTY(&c->news) || c->lost)
		return 0;
	if (c->shared && rt_wire_left(&c->wire))
		return UNSENT_S;
	return isinf(at) ? at : fmax(0, at - clock_monotonic());
}

static void beat(struct rt_client *c, double now)
{
	for (size_t i = 0; i < c->worker_count; i++) {
		struct told_worker *w = &c->workers[i];
		struct json *line, *v;

		if (now < w->beat)
			continue;
		w->beat = now + w->spec.beat_s;
		if (!c->shared) {
			rt_worker_beat(c->local, w->spec.name, now);
			continue;
		}
		line = json_object();
		v = json_object();
		json_set_string(v, "name", w->spec.name);
		json_set(line, "beat", v);
		link_put(c, line);
	}
}

int rt_client_step(struct rt_client *c)
{
	double now = clock_monotonic();
	int rc = 0;

	if (next_beat(c) <= now && (c->shared || c->local))
		beat(c, now);
	if (c->shared && !c->lost)
		link_hear(c);
	/* What the lost one said last comes before what the next one says. */
	news_tell(c);
	if (c->lost)
		rc = back_recover(c);
	if (c->local && !c->shared && !rc)
		c->due = rt_step(c->local, clock_monotonic());
	news_tell(c);
	return rc;
}

/* ---- requests ---------------------------------------------------------- */

/* Nobody serves, since nothing was asked for a while. */
static int wake(struct rt_client *c)
{
	return c->shared || c->local ? 0 : back_open(c);
}

int rt_client_submit(struct rt_client *c, const struct rt_request *q, size_t n,
		     uint64_t *ids)
{
	struct order **o = mem_zalloc(n ? n : 1, sizeof(struct order *));
	int rc;

	for (size_t i = 0; i < n; i++) {
		o[i] = order_new(c, &q[i]);
		ids[i] = o[i]->id;
	}
	c->next_graph++;
	rc = wake(c);
	if (!rc && !c->lost)
		rc = back_submit(c, o, n);
	/* Gone just now: with all others it goes to the next one. */
	if (c->lost)
		rc = 0;
	for (size_t i = 0; rc && i < n; i++)
		order_free(c, o[i]);
	free(o);
	return rc;
}

static int find_held(const struct rt_client *c, uint64_t lease, struct held **h)
{
	*h = idmap_find(&c->leases, lease);
	return *h && !(*h)->ended
		       ? 0
		       : err_set(ESTALE, "the lease is no longer held");
}

int rt_client_done(struct rt_client *c, uint64_t lease,
		   const struct rt_outcome *o)
{
	struct held *h;
	int rc = find_held(c, lease, &h);

	if (rc)
		return rc;
	h->ended = mem_zalloc(1, sizeof(*h->ended));
	rt_outcome_copy(h->ended, o);
	/* One of a lost daemon is told of when the next one grants it. */
	if (h->far)
		rc = back_done(c, h);
	if (!h->order)
		held_free(c, h);
	return rc;
}

static struct json *lease_line(const char *what, const struct held *h,
			       struct json **v)
{
	struct json *line = json_object();

	*v = json_set(line, what, json_object());
	json_set_number(*v, "lease", (double)h->far);
	return line;
}

int rt_client_progress(struct rt_client *c, uint64_t lease,
		       const struct rt_usage *u)
{
	struct json *line, *v;
	struct held *h;
	int rc = find_held(c, lease, &h);

	if (rc || !h->far)
		return rc;
	c->due = 0;
	if (!c->shared)
		return rt_progress(c->local, h->far, u, clock_monotonic());
	line = lease_line("progress", h, &v);
	json_set(v, "usage", rt_usage_json(u));
	link_put(c, line);
	return 0;
}

int rt_client_suspended(struct rt_client *c, uint64_t lease,
			const char *checkpoint, const struct rt_usage *u)
{
	struct json *line, *v;
	struct held *h;
	int rc = find_held(c, lease, &h);

	if (rc)
		return rc;
	c->due = 0;
	if (h->order) {
		free(h->order->checkpoint);
		h->order->checkpoint =
			checkpoint ? mem_strdup(checkpoint) : NULL;
	}
	if (h->far && !c->shared) {
		rc = rt_suspended(c->local, h->far, checkpoint, u,
				  clock_monotonic());
	} else if (h->far) {
		line = lease_line("suspended", h, &v);
		if (checkpoint)
			json_set(v, "checkpoint",
				 json_parse(checkpoint, strlen(checkpoint)));
		json_set(v, "usage", rt_usage_json(u));
		link_put(c, line);
	}
	held_free(c, h);
	return rc;
}

int rt_client_grow(struct rt_client *c, uint64_t lease, const struct vec *more)
{
	struct json *line, *v, *answer;
	struct held *h;
	int rc = find_held(c, lease, &h);

	if (rc)
		return rc;
	if (!h->far)
		return err_set(EAGAIN, "the daemon went away; try again");
	c->due = 0;
	if (!c->shared)
		return rt_grow(c->local, h->far, more, clock_monotonic());
	line = lease_line("grow", h, &v);
	json_set(v, "more", vec_json(more));
	rc = link_ask(c, line, &answer);
	json_free(answer);
	return rc == -EPIPE ? -EAGAIN : rc;
}

int rt_client_cancel(struct rt_client *c, uint64_t id)
{
	struct order *o = order_by_id(c, id);
	struct json *line;

	if (!o)
		return err_set(ENOENT, "no request %llu",
			       (unsigned long long)id);
	c->due = 0;
	/* The daemon that is told may be gone. */
	o->cancelled = true;
	if (!c->shared && o->far)
		rt_cancel(c->local, o->far, clock_monotonic());
	if (!c->shared)
		return 0;
	line = json_object();
	json_set_number(json_set(line, "cancel", json_object()), "id",
			(double)o->far);
	link_put(c, line);
	return 0;
}

int rt_client_cancel_candidate(struct rt_client *c, const char *candidate)
{
	struct order *o;
	struct json *line;

	c->due = 0;
	TAILQ_FOREACH(o, &c->orders, all)
	if (!strcmp(o->q.run, c->run) && !strcmp(o->q.candidate, candidate))
		o->cancelled = true;
	if (!c->shared) {
		if (c->local)
			rt_cancel_group(c->local, c->run, candidate,
					clock_monotonic());
		return 0;
	}
	line = json_object();
	json_set_string(json_set(line, "cancel", json_object()), "candidate",
			candidate);
	link_put(c, line);
	return 0;
}

/* ---- workers ----------------------------------------------------------- */

int rt_client_worker(struct rt_client *c, const struct rt_worker_spec *s,
		     bool ours)
{
	struct json *v = rt_worker_spec_json(s), *line, *answer;
	struct told_worker *w;
	int rc = wake(c);

	c->workers = mem_realloc(c->workers, c->worker_count + 1,
				 sizeof(*c->workers));
	w = &c->workers[c->worker_count];
	*w = (struct told_worker){.ours = ours, .beat = INFINITY};
	if (!rc)
		rc = rt_worker_spec_read(v, &w->spec);
	if (rc) {
		json_free(v);
		return rc;
	}
	if (ours && s->beat_s > 0)
		w->beat = clock_monotonic() + s->beat_s;
	c->due = 0;
	if (c->shared) {
		json_set_bool(v, "ours", ours);
		line = json_object();
		json_set(line, "worker", v);
		rc = link_ask(c, line, &answer);
		json_free(answer);
		/* The next daemon is told of it as of all others. */
		if (rc == -EPIPE)
			rc = 0;
	} else {
		json_free(v);
		rc = local_worker(c, w);
	}
	if (rc)
		rt_worker_spec_release(&w->spec);
	else
		c->worker_count++;
	return rc;
}
