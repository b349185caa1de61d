/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/runner.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define ERRNO_MAX 4095

/* Paths and arguments are bytes, not text: they travel beside the JSON. */
static void add_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

int run_job_send(int fd, const struct run_job *j, double limit_s)
{
	struct json *head = json_object();
	struct buf b;
	int rc;

	buf_init(&b, WIRE_MAX);
	add_string(&b, j->cwd);
	add_string(&b, j->object);
	add_string(&b, j->bring);
	for (size_t i = 0; i < j->argv.len; i++)
		add_string(&b, j->argv.v[i]);
	for (size_t i = 0; i < j->env.len; i++)
		add_string(&b, j->env.v[i]);
	json_set_number(head, "argc", (double)j->argv.len);
	json_set_number(head, "envc", (double)j->env.len);
	json_set_number(head, "timeout_s", j->timeout_s);
	json_set_number(head, "uid", j->uid);
	json_set_number(head, "gid", j->gid);
	json_set_bool(head, "set_ids", j->set_ids);
	if (j->policy)
		json_set(head, "policy", json_copy(j->policy));
	rc = wire_send(fd, head, b.data, b.len, limit_s);
	buf_release(&b);
	return rc;
}

static const char *take_string(const char **p, const char *end)
{
	const char *s = *p;
	const char *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*p = nul + 1;
	return s;
}

static int take_strings(const char **p, const char *end, double n,
			struct strs *l)
{
	for (double i = 0; i < n; i++) {
		const char *s = take_string(p, end);

		if (!s)
			return err_set(EBADMSG, "a request cut short");
		strs_add(l, s);
	}
	/* An empty list still needs its NULL for execve(2). */
	if (!l->v)
		l->v = mem_zalloc(1, sizeof(*l->v));
	return 0;
}

int run_job_read(const struct wire_msg *m, struct run_job *j)
{
	const char *p = m->data, *end = p + m->len;
	const struct json *policy = json_get(m->head, "policy");
	const char *cwd = take_string(&p, end);
	const char *object = take_string(&p, end);
	const char *file = take_string(&p, end);
	double argc = json_as_number(json_get(m->head, "argc"), 0);
	double envc = json_as_number(json_get(m->head, "envc"), 0);
	int rc;

	*j = (struct run_job){0};
	if (!cwd || !object || !file || argc < 1)
		return err_set(EBADMSG, "a request cut short");
	j->cwd = mem_strdup(cwd);
	j->object = mem_strdup(object);
	j->bring = mem_strdup(file);
	j->timeout_s = json_as_number(json_get(m->head, "timeout_s"), 0);
	j->uid = (uid_t)json_as_number(json_get(m->head, "uid"), 0);
	j->gid = (gid_t)json_as_number(json_get(m->head, "gid"), 0);
	j->set_ids = json_as_bool(json_get(m->head, "set_ids"), false);
	j->policy = policy ? json_copy(policy) : NULL;
	rc = take_strings(&p, end, argc, &j->argv);
	if (!rc)
		rc = take_strings(&p, end, envc, &j->env);
	if (rc)
		run_job_release(j);
	return rc;
}

static struct json *proc_json(const struct proc_result *p)
{
	struct json *v = json_object();

	json_set_number(v, "exit_status", p->exit_status);
	json_set_number(v, "signal", p->signal);
	json_set_bool(v, "timed_out", p->timed_out);
	json_set_bool(v, "cancelled", p->cancelled);
	json_set_number(v, "wall_s", p->wall_s);
	json_set_number(v, "user_s", p->user_s);
	json_set_number(v, "sys_s", p->sys_s);
	json_set_number(v, "max_rss_kib", (double)p->max_rss_kib);
	return v;
}

static double number(const struct json *v, const char *key)
{
	return json_as_number(json_get(v, key), 0);
}

/* What a guest says may be anything: 0 for what is no such number. */
static int whole(const struct json *v, const char *key)
{
	double x = number(v, key);

	return x >= -INT_MAX && x <= INT_MAX ? (int)x : 0;
}

static struct proc_result proc_read(const struct json *v)
{
	return (struct proc_result){
		.exit_status = whole(v, "exit_status"),
		.signal = whole(v, "signal"),
		.timed_out = json_as_bool(json_get(v, "timed_out"), false),
		.cancelled = json_as_bool(json_get(v, "cancelled"), false),
		.wall_s = number(v, "wall_s"),
		.user_s = number(v, "user_s"),
		.sys_s = number(v, "sys_s"),
		.max_rss_kib = whole(v, "max_rss_kib"),
	};
}

int run_result_send(int fd, int rc, const struct run_result *r)
{
	struct json *head = json_object();
	struct buf b;

	buf_init(&b, WIRE_MAX);
	json_set_number(head, "rc", rc);
	if (rc)
		json_set_string(head, "error", err_text());
	json_set_number(head, "outcome", r->outcome);
	json_set(head, "proc", proc_json(&r->proc));
	if (r->report)
		json_set(head, "report", json_copy(r->report));
	if (r->message)
		json_set_string(head, "message", r->message);
	json_set_number(head, "out", (double)r->out_len);
	json_set_number(head, "file", (double)r->file_len);
	if (r->out_len)
		buf_add(&b, r->out, r->out_len);
	if (r->err_len)
		buf_add(&b, r->err, r->err_len);
	if (r->file_len)
		buf_add(&b, r->file, r->file_len);
	rc = wire_send(fd, head, b.data, b.len, 0);
	buf_release(&b);
	return rc;
}

int run_result_read(const struct wire_msg *m, struct run_result *r)
{
	double out = number(m->head, "out"), file = number(m->head, "file");
	double outcome = number(m->head, "outcome"), rc = number(m->head, "rc");
	const struct json *report = json_get(m->head, "report");
	const char *words = json_as_string(json_get(m->head, "message"), NULL);

	*r = (struct run_result){0};
	if (!(out >= 0 && file >= 0 && out + file <= (double)m->len) ||
	    outcome < RUN_DONE || outcome > RUN_CANCELLED || rc > 0 ||
	    rc < -ERRNO_MAX)
		return err_set(EBADMSG, "a reply that makes no sense");
	if ((int)rc)
		return err_set(-(int)rc, "%s",
			       json_as_string(json_get(m->head, "error"), ""));
	r->outcome = (enum run_outcome)(int)outcome;
	r->proc = proc_read(json_get(m->head, "proc"));
	r->report = report ? json_copy(report) : NULL;
	r->message = words ? mem_strdup(words) : NULL;
	r->out_len = (size_t)out;
	r->file_len = (size_t)file;
	r->err_len = m->len - r->out_len - r->file_len;
	r->out = mem_zalloc(r->out_len + 1, 1);
	memcpy(r->out, m->data, r->out_len);
	r->err = mem_zalloc(r->err_len + 1, 1);
	memcpy(r->err, m->data + r->out_len, r->err_len);
	if (!r->file_len)
		return 0;
	r->file = mem_zalloc(r->file_len, 1);
	memcpy(r->file, m->data + r->out_len + r->err_len, r->file_len);
	return 0;
}
