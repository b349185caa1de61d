/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of a client: read, checked against the rules, handed on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/server_state.h"

#define GRAPH_MAX 4096 /* requests in a line */

/* A client speaks for itself and its parts: "sched-synth/coder". */
static int set_agent(const struct conn *c, struct rt_request *q)
{
	size_t n = strlen(c->agent);

	if (!*q->agent) {
		free(q->agent);
		q->agent = mem_strdup(c->agent);
		return 0;
	}
	if (!strncmp(q->agent, c->agent, n) &&
	    (q->agent[n] == '/' || !q->agent[n]))
		return 0;
	return err_set(EACCES, "'%s' speaks for itself only, not for '%s'",
		       c->agent, q->agent);
}

static int set_run(const struct conn *c, struct rt_request *q)
{
	char *run;

	if (!*q->run && (*c->run || c->uid == geteuid())) {
		run = mem_strdup(c->run);
	} else if (c->uid == geteuid()) {
		return 0;
	} else if (strlen(q->run) > RT_NAME_MAX - 16) {
		return err_set(EINVAL, "'run' is too long a name");
	} else {
		run = mem_printf("%u:%s", (unsigned)c->uid, q->run);
	}
	free(q->run);
	q->run = run;
	return 0;
}

/* What a share lets others do. */
static bool is_reading(const char *verb)
{
	return !strcmp(verb, "get") || !strcmp(verb, "list") ||
	       !strcmp(verb, "log") || !strcmp(verb, "search");
}

/* Whose note or file it is about: the asker's own, or another's, of which the
 * store shows what was shared.  To be freed. */
static char *resource_of(const struct rt_request *q, const struct json *payload)
{
	const char *owner = json_text_at(payload, "owner");
	const char *name =
		json_text_at(payload, q->kind == RT_MEMORY ? "id" : "name");
	const char *verb = json_text_at(payload, "verb");

	if (!*owner)
		owner = q->agent;
	if (!strcmp(owner, q->agent) || !is_reading(verb))
		return mem_printf("%s/%s", owner, name);
	return mem_printf("shared/%s/%s", owner, name);
}

/* A payload that asks for a thing of the other kind would slip past the rules.
 */
static int check_store(const struct conn *c, const struct rt_request *q,
		       const struct json *payload)
{
	struct rt_peer who = {c->uid, c->pid, q->agent};
	const char *kind = rt_kind_name(q->kind);
	char *resource;
	int rc;

	if (strcmp(json_text_at(payload, "kind"), kind))
		return err_set(EINVAL, "the payload is not of the kind '%s'",
			       kind);
	resource = resource_of(q, payload);
	rc = rt_access_check(c->s->access, &who, kind,
			     json_text_at(payload, "verb"), resource);
	free(resource);
	return rc;
}

static bool is_stored(const struct rt_request *q)
{
	return q->kind == RT_MEMORY || q->kind == RT_STORAGE;
}

static int check_rights(const struct conn *c, const struct rt_request *q,
			const struct json *v)
{
	struct rt_peer who = {c->uid, c->pid, q->agent};

	if (is_stored(q))
		return check_store(c, q, json_get(v, "payload"));
	return rt_access_check(c->s->access, &who, rt_kind_name(q->kind), NULL,
			       NULL);
}

static int read_one(const struct conn *c, const struct json *v,
		    struct rt_request *q)
{
	int rc = rt_request_read(v, c->s->now, q);

	if (!rc)
		rc = set_agent(c, q);
	if (!rc)
		rc = set_run(c, q);
	return rc ? rc : check_rights(c, q, v);
}

/*
 * Nobody gets more than what is left for all others, so there is always room
 * for one who comes later.
 */
static int check_room(const struct conn *c, const struct rt_request *q,
		      size_t n)
{
	size_t bytes = c->queued, left = 0;

	for (size_t i = 0; i < n; i++)
		bytes += rt_request_bytes(&q[i]);
	if (c->s->queued < SERVER_QUEUED)
		left = SERVER_QUEUED - c->s->queued;
	if (bytes <= left)
		return 0;
	return err_set(EAGAIN,
		       "requests of %zu bytes would wait for this connection, "
		       "and there is room for %zu: wait until some have ended",
		       bytes, left);
}

static void put_ids(struct conn *c, const struct json *ref, const uint64_t *ids,
		    size_t n)
{
	struct json *number = json_copy(ref);
	char *text = json_canonical(number);
	struct buf line;

	json_free(number);
	buf_init(&line, RT_WIRE_MAX);
	buf_puts(&line, "{\"ids\":[");
	for (size_t i = 0; i < n; i++)
		buf_printf(&line, i ? ",%llu" : "%llu",
			   (unsigned long long)ids[i]);
	buf_printf(&line, "],\"ref\":%s}", text);
	free(text);
	conn_put_line(c, &line);
	buf_release(&line);
}

/* What was asked for, in the words of the rules. */
static void audit(struct conn *c, const struct rt_request *q,
		  const struct json *v, int rc)
{
	const struct json *payload = json_get(v, "payload");
	char *what, *resource;

	if (!is_stored(q)) {
		conn_audit(c, rt_kind_name(q->kind),
			   q->key && *q->key ? q->key : c->run, rc);
		return;
	}
	what = mem_printf("%s:%s", rt_kind_name(q->kind),
			  json_text_at(payload, "verb"));
	resource = resource_of(q, payload);
	conn_audit(c, what, resource, rc);
	free(what);
	free(resource);
}

int server_submit(struct conn *c, const struct json *list,
		  const struct json *ref)
{
	size_t want = json_len(list), n = 0;
	struct rt_request *q;
	uint64_t *ids;
	int rc = 0;

	if (json_type(list) != JSON_ARRAY || !want || want > GRAPH_MAX)
		return err_set(EINVAL, "'submit' is a list of 1 to %d requests",
			       GRAPH_MAX);
	q = mem_zalloc(want, sizeof(*q));
	ids = mem_zalloc(want, sizeof(*ids));
	json_each (it, list) {
		rc = read_one(c, it, &q[n++]);
		if (rc) {
			err_prefix(rc, "request %zu", n - 1);
			break;
		}
	}
	if (!rc)
		rc = check_room(c, q, n);
	if (!rc)
		rc = rt_submit(c->s->r, q, n, c->holder, c->s->now, ids);
	if (rc == -ENODEV && c->s->store.not_before > 0)
		rc = err_set(EAGAIN, "what serves notes and files is being "
				     "started again; try again");
	/* Of those that are refused together, the one that it is about. */
	want = 0;
	json_each (it, list) {
		if (want < n && (!rc || want == n - 1))
			audit(c, &q[want], it, rc);
		want++;
	}
	if (!rc && ref)
		put_ids(c, ref, ids, n);
	while (n)
		rt_request_release(&q[--n]);
	free(q);
	free(ids);
	return rc;
}
