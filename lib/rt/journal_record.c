/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of the journal.  Fields stand in tables from which both directions
 * work.  JSON would lose what a payload was that is none, and takes many times
 * as long.
 */
#include <errno.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/journal_parts.h"

enum type { T_ENUM, T_INT, T_LONG, T_INT64, T_BOOL, T_REAL, T_TIME, T_TEXT };

struct field {
	enum type type;
	size_t at, count;
	long below; /* T_ENUM: how many values it has */
};

#define MEMBER(of, name) (((struct of *)0)->name)
#define ONE(t, of, name)                           \
	{                                          \
		t, offsetof(struct of, name), 1, 0 \
	}
#define CHOICE(of, name, n)                             \
	{                                               \
		T_ENUM, offsetof(struct of, name), 1, n \
	}
#define ALL(t, of, name)                                     \
	{                                                    \
		t, offsetof(struct of, name),                \
			sizeof(MEMBER(of, name)) /           \
				sizeof(MEMBER(of, name)[0]), \
			0                                    \
	}

/* What these have more belongs into the tables, and VERSION up. */
_Static_assert(sizeof(struct rt_request) == 280, "see the journal's tables");
_Static_assert(sizeof(struct rt_usage) == 48, "see the journal's tables");
_Static_assert(sizeof(struct rt_outcome) == 152, "see the journal's tables");

static const struct field request_fields[] = {
	CHOICE(rt_request, kind, RT_KINDS),
	CHOICE(rt_request, place, RT_SELF + 1),
	ONE(T_TEXT, rt_request, agent),
	ONE(T_TEXT, rt_request, run),
	ONE(T_TEXT, rt_request, candidate),
	ONE(T_TEXT, rt_request, key),
	ONE(T_TEXT, rt_request, worker),
	ONE(T_TEXT, rt_request, prefix),
	ONE(T_TEXT, rt_request, payload),
	ONE(T_TEXT, rt_request, within),
	ONE(T_LONG, rt_request, priority),
	ONE(T_TIME, rt_request, deadline),
	ALL(T_INT64, rt_request, need.v),
	ALL(T_INT64, rt_request, most.v),
	ONE(T_REAL, rt_request, predicted_s),
	ALL(T_REAL, rt_request, features),
	ONE(T_LONG, rt_request, tokens_in),
	ONE(T_LONG, rt_request, tokens_out),
	ONE(T_LONG, rt_request, attempts),
	ONE(T_BOOL, rt_request, idempotent),
	ONE(T_BOOL, rt_request, preemptible),
	ONE(T_BOOL, rt_request, hedge),
};

static const struct field usage_fields[] = {
	ONE(T_REAL, rt_usage, seconds),	   ONE(T_REAL, rt_usage, core_seconds),
	ONE(T_LONG, rt_usage, tokens_in),  ONE(T_LONG, rt_usage, tokens_cached),
	ONE(T_LONG, rt_usage, tokens_out), ONE(T_REAL, rt_usage, cost_usd),
};

/* Not what was told of limits: that is the worker's. */
static const struct field outcome_fields[] = {
	ONE(T_INT, rt_outcome, error),	  ONE(T_BOOL, rt_outcome, again),
	ONE(T_REAL, rt_outcome, after_s), ONE(T_TEXT, rt_outcome, text),
	ONE(T_TEXT, rt_outcome, result),
};

/* ---- writing ----------------------------------------------------------- */

static void put_uint(struct buf *b, uint64_t x)
{
	unsigned char bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (unsigned char)((x & 0x7f) | (x > 0x7f) << 7);
		x >>= 7;
	} while (bytes[n++] & 0x80);
	buf_add(b, bytes, n);
}

static void put_int(struct buf *b, int64_t x)
{
	put_uint(b, (uint64_t)x << 1 ^ (uint64_t)(x >> 63));
}

static void put_real(struct buf *b, double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	bits = htole64(bits);
	buf_add(b, &bits, sizeof(bits));
}

/* One more than its length; 0: NULL. */
static void put_text(struct buf *b, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	put_uint(b, s ? (uint64_t)len + 1 : 0);
	buf_add(b, s ? s : "", len);
}

static void put_field(struct buf *b, enum type type, const void *at,
		      double ahead)
{
	switch (type) {
	case T_ENUM:
	case T_INT:
		put_int(b, *(const int *)at);
		break;
	case T_LONG:
		put_int(b, *(const long *)at);
		break;
	case T_INT64:
		put_int(b, *(const int64_t *)at);
		break;
	case T_BOOL:
		put_int(b, *(const bool *)at);
		break;
	case T_REAL:
		put_real(b, *(const double *)at);
		break;
	case T_TIME:
		put_real(b, *(const double *)at + ahead);
		break;
	case T_TEXT:
		put_text(b, *(char *const *)at);
		break;
	}
}

static size_t size_of(enum type type)
{
	return type == T_INT64 ? sizeof(int64_t) : sizeof(double);
}

static void put_fields(struct buf *b, const struct field *f, size_t n,
		       const void *of, double ahead)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < f[i].count; k++)
			put_field(b, f[i].type,
				  (const char *)of + f[i].at +
					  k * size_of(f[i].type),
				  ahead);
}

static void put_request(struct buf *b, const struct rt_request *q, double ahead)
{
	size_t wants = 0;

	put_fields(b, request_fields, ARRAY_LEN(request_fields), q, ahead);
	while (q->wants && q->wants[wants])
		wants++;
	put_uint(b, wants);
	for (size_t i = 0; i < wants; i++)
		put_text(b, q->wants[i]);
	put_uint(b, q->dep_count);
	for (size_t i = 0; i < q->dep_count; i++) {
		put_text(b, q->deps[i].key);
		put_int(b, q->deps[i].on_failure);
	}
	/* Records of before there was such a thing end here. */
	if (q->expires)
		put_int(b, q->expires);
}

static void put_usage(struct buf *b, const struct rt_usage *u)
{
	put_fields(b, usage_fields, ARRAY_LEN(usage_fields), u, 0);
}

static void put_outcome(struct buf *b, const struct rt_outcome *o)
{
	put_fields(b, outcome_fields, ARRAY_LEN(outcome_fields), o, 0);
	put_usage(b, &o->used);
}

static void put_body(struct buf *b, const struct journal_record *x,
		     double ahead)
{
	switch (x->kind) {
	case JOURNAL_REQUEST:
		put_int(b, x->attempt);
		put_request(b, &x->request, ahead);
		break;
	case JOURNAL_STARTED:
		put_int(b, x->attempt);
		break;
	case JOURNAL_SUSPENDED:
		put_int(b, x->attempt);
		put_usage(b, &x->used);
		put_text(b, x->text);
		break;
	case JOURNAL_RETRY:
		put_int(b, x->attempt);
		put_usage(b, &x->used);
		put_real(b, x->not_before + ahead);
		break;
	case JOURNAL_ENDED:
		put_int(b, x->attempt);
		put_usage(b, &x->used);
		put_int(b, x->state);
		put_int(b, x->has_outcome);
		if (x->has_outcome)
			put_outcome(b, &x->outcome);
		break;
	case JOURNAL_DELIVERED:
		break;
	case JOURNAL_PREDICTOR:
		put_text(b, x->text);
		break;
	}
}

void journal_put(struct buf *out, const struct journal_record *x, double ahead)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	put_int(&b, x->kind);
	put_uint(&b, x->id);
	put_body(&b, x, ahead);
	put_uint(out, b.len);
	buf_add(out, b.data, b.len);
	buf_release(&b);
}

/* ---- reading ----------------------------------------------------------- */

/* Past the end or out of range: bad, and zeros from there on. */
struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

static uint64_t get_uint(struct cursor *c)
{
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		unsigned char byte = *c->at++;

		if (shift == 63 && byte > 1)
			break;
		x |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return x;
	}
	c->bad = true;
	c->at = c->end;
	return 0;
}

static int64_t get_int(struct cursor *c)
{
	uint64_t x = get_uint(c);

	return (int64_t)(x >> 1 ^ -(x & 1));
}

/* 0 <= x < below */
static int get_choice(struct cursor *c, int64_t below)
{
	int64_t x = get_int(c);

	if (x >= 0 && x < below)
		return (int)x;
	c->bad = true;
	return 0;
}

static double get_real(struct cursor *c)
{
	uint64_t bits = 0;
	double x;

	if (c->end - c->at < (ptrdiff_t)sizeof(bits)) {
		c->bad = true;
		c->at = c->end;
		return 0;
	}
	memcpy(&bits, c->at, sizeof(bits));
	c->at += sizeof(bits);
	bits = le64toh(bits);
	memcpy(&x, &bits, sizeof(x));
	if (x != x)
		c->bad = true;
	return x == x ? x : 0;
}

static char *get_text(struct cursor *c)
{
	uint64_t len = get_uint(c);
	char *s;

	if (!len)
		return NULL;
	len--;
	if (len > (uint64_t)(c->end - c->at) || memchr(c->at, 0, len)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	s = mem_strndup((const char *)c->at, len);
	c->at += len;
	return s;
}

/* Of a list; each member takes at least a byte. */
static size_t get_count(struct cursor *c)
{
	uint64_t n = get_uint(c);

	if (n <= (uint64_t)(c->end - c->at))
		return n;
	c->bad = true;
	return 0;
}

static void get_field(struct cursor *c, const struct field *f, void *at,
		      double ahead)
{
	switch (f->type) {
	case T_ENUM:
		*(int *)at = get_choice(c, f->below);
		break;
	case T_INT:
		*(int *)at = (int)get_int(c);
		break;
	case T_LONG:
		*(long *)at = get_int(c);
		break;
	case T_INT64:
		*(int64_t *)at = get_int(c);
		break;
	case T_BOOL:
		*(bool *)at = get_choice(c, 2);
		break;
	case T_REAL:
		*(double *)at = get_real(c);
		break;
	case T_TIME:
		*(double *)at = get_real(c) - ahead;
		break;
	case T_TEXT:
		free(*(char **)at);
		*(char **)at = get_text(c);
		break;
	}
}

static void get_fields(struct cursor *c, const struct field *f, size_t n,
		       void *of, double ahead)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < f[i].count; k++)
			get_field(c, &f[i],
				  (char *)of + f[i].at + k * size_of(f[i].type),
				  ahead);
}

/* A name that a list cannot do without. */
static char *get_member(struct cursor *c)
{
	char *s = get_text(c);

	if (s)
		return s;
	c->bad = true;
	return mem_strdup("");
}

/* No text of a request is NULL. */
static void fill_texts(struct cursor *c, struct rt_request *q)
{
	for (size_t i = 0; i < ARRAY_LEN(request_fields); i++) {
		char **s = (char **)(void *)((char *)q + request_fields[i].at);

		if (request_fields[i].type == T_TEXT && !*s) {
			*s = mem_strdup("");
			c->bad = true;
		}
	}
}

static void get_request(struct cursor *c, struct rt_request *q, double ahead)
{
	size_t n;

	rt_request_init(q);
	get_fields(c, request_fields, ARRAY_LEN(request_fields), q, ahead);
	fill_texts(c, q);
	n = get_count(c);
	if (n)
		q->wants = mem_zalloc(n + 1, sizeof(*q->wants));
	for (size_t i = 0; i < n; i++)
		q->wants[i] = get_member(c);
	n = get_count(c);
	if (n)
		q->deps = mem_zalloc(n, sizeof(*q->deps));
	for (; q->dep_count < n; q->dep_count++) {
		struct rt_dep *d = &q->deps[q->dep_count];

		d->key = get_member(c);
		d->on_failure = (enum rt_edge)get_choice(c, RT_EDGE_RUN + 1);
	}
	q->expires = c->at < c->end && get_int(c);
}

static void get_usage(struct cursor *c, struct rt_usage *u)
{
	get_fields(c, usage_fields, ARRAY_LEN(usage_fields), u, 0);
}

static void get_outcome(struct cursor *c, struct rt_outcome *o)
{
	rt_outcome_init(o);
	get_fields(c, outcome_fields, ARRAY_LEN(outcome_fields), o, 0);
	get_usage(c, &o->used);
}

static void get_body(struct cursor *c, struct journal_record *x, double ahead)
{
	if (x->kind < JOURNAL_DELIVERED)
		x->attempt = get_int(c);
	switch (x->kind) {
	case JOURNAL_REQUEST:
		get_request(c, &x->request, ahead);
		break;
	case JOURNAL_SUSPENDED:
		get_usage(c, &x->used);
		x->text = get_text(c);
		break;
	case JOURNAL_RETRY:
		get_usage(c, &x->used);
		x->not_before = get_real(c) - ahead;
		break;
	case JOURNAL_ENDED:
		get_usage(c, &x->used);
		x->state = (enum rt_state)get_choice(c, RT_SKIPPED + 1);
		if (x->state < RT_DONE)
			c->bad = true;
		x->has_outcome = get_choice(c, 2);
		if (x->has_outcome)
			get_outcome(c, &x->outcome);
		break;
	case JOURNAL_PREDICTOR:
		x->text = get_text(c);
		break;
	case JOURNAL_STARTED:
	case JOURNAL_DELIVERED:
		break;
	}
}

int journal_get(const void *data, size_t len, double ahead,
		struct journal_record *x)
{
	struct cursor c = {data, (const unsigned char *)data + len, false};
	int64_t kind = get_int(&c);

	*x = (struct journal_record){0};
	if (kind >= JOURNAL_REQUEST && kind <= JOURNAL_PREDICTOR) {
		x->kind = (enum journal_kind)kind;
		x->id = get_uint(&c);
		get_body(&c, x, ahead);
		if (!c.bad && c.at == c.end)
			return 0;
	}
	journal_record_release(x);
	return err_set(EUCLEAN, "a record of kind %lld cannot be read",
		       (long long)kind);
}

size_t journal_head(const void *data, size_t len, struct journal_place *out)
{
	struct cursor c = {data, (const unsigned char *)data + len, false};
	uint64_t size = get_uint(&c);
	struct cursor body = c;

	if (c.bad || size > (uint64_t)(c.end - c.at))
		return 0;
	body.end = body.at + size;
	out->at = c.at - (const unsigned char *)data;
	out->len = (uint32_t)size;
	out->kind = (enum journal_kind)get_choice(&body, JOURNAL_PREDICTOR + 1);
	out->id = get_uint(&body);
	return body.bad || !out->kind ? 0 : (size_t)out->at + size;
}

void journal_record_release(struct journal_record *x)
{
	if (x->request.agent)
		rt_request_release(&x->request);
	if (x->has_outcome)
		rt_outcome_release(&x->outcome);
	free(x->text);
	*x = (struct journal_record){0};
}
