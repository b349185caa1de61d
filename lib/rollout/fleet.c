/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rollout/fleet.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define HOUR_S	 3600.0
#define TEXT_MAX 128

enum event_kind { EVENT_ROUND, EVENT_REPORT };

struct event {
	double at;
	uint32_t seq; /* of two at a time the one that was planned first */
	uint32_t host;
	enum event_kind kind;
	enum rollout_outcome outcome;
};

struct machine {
	struct rollout_host h;
	double voice, skew;
	double took, fails; /* when; fails INFINITY: it is good here */
	double bad_share;   /* of its kernel */
	double turns;	    /* when it goes on or off line */
	bool offline, unreported, had;
	enum rollout_outcome told;	    /* as others can see it */
	uint32_t told_seq;		    /* of that report */
	uint32_t seen[ROLLOUT_COHORTS + 1]; /* versions; the last: bad ones */
};

struct hour {
	long pulls, pushes;
	double bytes;
};

struct fleet {
	const struct fleet_opts *o;
	struct rollout r;
	struct fleet_result *out;
	struct rng rng;
	struct machine *m;
	struct event *heap;
	size_t n, cap;
	uint32_t seq;
	double now;
	/* At the remote. */
	struct rollout_tally tally[ROLLOUT_COHORTS];
	uint32_t refs[ROLLOUT_COHORTS + 1];
	uint32_t versions[ROLLOUT_COHORTS + 1];
	struct hour *hours;
	size_t hour_count;
	long have;
};

int fleet_kernel_parse(const char *text, struct fleet_kernel *out)
{
	char copy[TEXT_MAX], *at = copy, *name, *end;
	double v[2];

	*out = (struct fleet_kernel){0};
	if (strlen(text) >= sizeof(copy))
		return err_set(EINVAL, "'%.40s…' is too long", text);
	strcpy(copy, text);
	name = strsep(&at, ":");
	if (!*name || strlen(name) >= sizeof(out->name))
		return err_set(EINVAL, "'%s' is no name of a kernel", name);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		const char *word = strsep(&at, ":");

		if (!word || !isdigit((unsigned char)*word))
			return err_set(EINVAL, "'%s' is not NAME:SHARE:BAD",
				       text);
		v[i] = strtod(word, &end);
		if ((*end && strcmp(end, "%")) || v[i] > 100)
			return err_set(EINVAL, "'%s': '%s' is no percentage",
				       text, word);
	}
	if (at)
		return err_set(EINVAL, "'%s' is not NAME:SHARE:BAD", text);
	strcpy(out->name, name);
	out->share_pct = v[0];
	out->bad_pct = v[1];
	return 0;
}

/* ---- events ------------------------------------------------------------ */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void plan(struct fleet *f, double at, enum event_kind kind,
		 uint32_t host, enum rollout_outcome outcome)
{
	struct event e = {at, f->seq++, host, kind, outcome};
	size_t i;

	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 1024;
		f->heap = mem_realloc(f->heap, f->cap, sizeof(*f->heap));
	}
	for (i = f->n++; i && is_before(&e, &f->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		f->heap[i] = f->heap[(i - 1) / 2];
	f->heap[i] = e;
}

static struct event next(struct fleet *f)
{
	struct event first = f->heap[0], last = f->heap[--f->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < f->n) {
		if (child + 1 < f->n &&
		    is_before(&f->heap[child + 1], &f->heap[child]))
			child++;
		if (!is_before(&f->heap[child], &last))
			break;
		f->heap[i] = f->heap[child];
		i = child;
	}
	f->heap[i] = last;
	return first;
}

static double exponential(struct fleet *f, double mean)
{
	return mean > 0 ? -mean * log(1 - rng_unit(&f->rng)) : 0;
}

/* ---- hosts ------------------------------------------------------------- */

static double bad_share(struct fleet *f)
{
	double at = rng_unit(&f->rng) * 100, sum = 0;

	for (size_t i = 0; i < f->o->n; i++) {
		sum += f->o->kernels[i].share_pct;
		if (at < sum)
			return f->o->kernels[i].bad_pct / 100;
	}
	return 0;
}

/* How long until it goes on line again, or off. */
static double online_for(struct fleet *f, bool offline)
{
	double off = f->o->offline_for_s, share = f->o->offline_pct / 100;

	if (offline)
		return exponential(f, off);
	return share > 0 ? exponential(f, off * (1 - share) / share) : INFINITY;
}

static void be_born(struct fleet *f, uint32_t i)
{
	struct machine *m = &f->m[i];
	struct rollout_place p;
	char key[TEXT_MAX];

	snprintf(key, sizeof(key), "%llu %u", (unsigned long long)f->o->seed,
		 i);
	rollout_place(f->r.id, key, &p);
	*m = (struct machine){
		.h = {.cohort = rollout_cohort_of(&f->r, NULL, p.point),
		      .turn = p.turn},
		.voice = p.voice,
		.skew = (2 * rng_unit(&f->rng) - 1) * f->o->skew_s,
		.bad_share = bad_share(f),
		.fails = INFINITY,
		.told = OUTCOMES,
	};
	m->offline = rng_unit(&f->rng) * 100 < f->o->offline_pct;
	m->turns = online_for(f, m->offline);
	plan(f, rng_unit(&f->rng) * f->o->every_s, EVENT_ROUND, i, OUTCOMES);
}

static void account(struct fleet *f, long pulls, long pushes, double bytes)
{
	size_t h = (size_t)(f->now / HOUR_S);

	if (h >= f->hour_count) {
		f->hours = mem_realloc(f->hours, h + 1, sizeof(*f->hours));
		memset(f->hours + f->hour_count, 0,
		       (h + 1 - f->hour_count) * sizeof(*f->hours));
		f->hour_count = h + 1;
	}
	f->hours[h].pulls += pulls;
	f->hours[h].pushes += pushes;
	f->hours[h].bytes += bytes;
}

/* What a host fetches of the reports of a cohort, or of the bad ones. */
static double fetch(struct fleet *f, struct machine *m, int i)
{
	uint32_t fresh = f->versions[i] - m->seen[i];

	m->seen[i] = f->versions[i];
	return f->refs[i] * f->o->costs.ref + fresh * f->o->costs.report;
}

static void pull(struct fleet *f, struct machine *m, time_t clock)
{
	unsigned int asks = rollout_asks(&f->r, f->tally, &m->h, clock);
	double bytes = f->o->costs.pull;

	if (rollout_listens(&m->h)) {
		bytes += fetch(f, m, ROLLOUT_COHORTS);
		for (int i = 0; i < ROLLOUT_COHORTS; i++)
			if (asks & 1u << i)
				bytes += fetch(f, m, i);
	}
	f->out->pulls++;
	f->out->pulled += bytes;
	account(f, 1, 0, bytes);
}

/* It was in force, and is no more. */
static void take_off(struct fleet *f, struct machine *m, double at)
{
	m->h.in_force = false;
	f->have--;
	if (m->fails == INFINITY)
		return;
	at = fmin(at, m->fails);
	f->out->bad_s += at - m->took;
	f->out->bad_longest_s = fmax(f->out->bad_longest_s, at - m->took);
}

static void be(struct machine *m, enum rollout_stage stage)
{
	if (m->h.stage == stage)
		return;
	m->h.stage = stage;
	m->unreported = true;
}

static void put_on(struct fleet *f, struct machine *m, time_t clock)
{
	m->h.in_force = true;
	m->h.since = clock;
	m->took = f->now;
	be(m, STAGE_TRYING);
	f->have++;
	f->out->had += !m->had;
	m->had = true;
	if (rng_unit(&f->rng) < m->bad_share) {
		m->fails = f->now + exponential(f, f->o->shows_s);
		f->out->had_bad++;
	}
	if (f->out->half_s < 0 && f->have * 2 >= f->o->hosts)
		f->out->half_s = f->now;
	if (f->out->most_s < 0 && f->have * 100 >= f->o->hosts * 99)
		f->out->most_s = f->now;
}

static void report(struct fleet *f, uint32_t i)
{
	struct machine *m = &f->m[i];
	enum rollout_outcome o = rollout_outcome_of(m->h.stage);
	double bytes = f->o->costs.push;

	if (!m->unreported || m->h.cohort < 0)
		return;
	m->unreported = false;
	if (!rollout_is_said(&f->r.cohorts[m->h.cohort], o, m->voice))
		return;
	/* git tells who pushes of every reference there is. */
	for (int k = 0; k <= ROLLOUT_COHORTS; k++)
		bytes += f->refs[k] * f->o->costs.ref;
	f->out->pushes++;
	f->out->pushed += bytes;
	account(f, 0, 1, bytes);
	plan(f, f->now + exponential(f, f->o->delay_s), EVENT_REPORT, i, o);
}

static void do_round(struct fleet *f, uint32_t i)
{
	struct machine *m = &f->m[i];
	time_t clock = (time_t)(FLEET_BEGAN + f->now + m->skew);
	struct rollout_choice c;

	/* sched-deploy has taken it off by itself, whoever is on line. */
	if (m->h.in_force && f->now >= m->fails) {
		take_off(f, m, m->fails);
		be(m, STAGE_EJECTED);
	}
	while (f->now >= m->turns) {
		m->offline = !m->offline;
		m->turns += online_for(f, m->offline);
	}
	plan(f, f->now + f->o->every_s, EVENT_ROUND, i, OUTCOMES);
	if (m->offline)
		return;
	pull(f, m, clock);
	rollout_decide(&f->r, f->tally, &m->h, clock, &c);
	if (c.answer == ROLLOUT_DEPLOY) {
		put_on(f, m, clock);
	} else if (c.answer == ROLLOUT_WITHDRAW) {
		take_off(f, m, f->now);
		be(m, STAGE_WITHDRAWN);
	} else if (c.answer == ROLLOUT_STAY && c.well) {
		be(m, STAGE_WELL);
	}
	if (c.open && !m->h.open)
		m->h.open = clock;
	if (clock > m->h.clock)
		m->h.clock = clock;
	report(f, i);
}

/* A report is there for all to see. */
static void arrive(struct fleet *f, const struct event *e)
{
	struct machine *m = &f->m[e->host];
	int cohort = m->h.cohort;
	int at = rollout_is_bad(e->outcome) ? ROLLOUT_COHORTS : cohort;

	/* What was ever bad stays so; of others the last that was said, in
	 * whatever order they come. */
	if (m->told != OUTCOMES &&
	    (rollout_is_bad(m->told) ||
	     (!rollout_is_bad(e->outcome) && e->seq < m->told_seq)))
		return;
	m->told_seq = e->seq;
	if (m->told != OUTCOMES)
		f->tally[cohort].by[m->told]--;
	if (m->told == OUTCOMES || at == ROLLOUT_COHORTS)
		f->refs[at]++;
	f->versions[at]++;
	f->tally[cohort].by[e->outcome]++;
	m->told = e->outcome;
	if (f->out->spoilt_s < 0 && rollout_spoilt(&f->r, f->tally) >= 0)
		f->out->spoilt_s = f->now;
}

/* ---- the whole --------------------------------------------------------- */

/* Nothing more will happen: all that can have it are well and have said so, or
 * it was ended and nobody has it. */
static bool is_settled(const struct fleet *f)
{
	if (f->out->spoilt_s >= 0)
		return !f->have;
	for (long i = 0; i < f->o->hosts; i++) {
		const struct machine *m = &f->m[i];

		if (m->h.cohort >= 0 &&
		    (m->h.stage < STAGE_WELL || m->unreported ||
		     (m->h.in_force && m->fails != INFINITY)))
			return false;
	}
	return true;
}

static int check(const struct fleet_opts *o, const struct rollout *r)
{
	double sum = 0;

	for (size_t i = 0; i < o->n; i++)
		sum += o->kernels[i].share_pct;
	if (sum > 100 + 1e-9)
		return err_set(EINVAL, "the kernels are of %g %% of the hosts",
			       sum);
	if (o->hosts < 1 || o->hosts > FLEET_HOSTS || !(o->every_s > 0))
		return err_set(EINVAL, "no hosts, too many, or no time from "
				       "one round to the next");
	return rollout_check(r);
}

static void prepare(struct fleet *f)
{
	char text[TEXT_MAX];

	f->r.serial = 1;
	f->r.state = ROLLOUT_RUNNING;
	f->r.began = f->r.issued = FLEET_BEGAN;
	f->r.expires = f->r.began + (time_t)f->o->until_s + 86400;
	strcpy(f->r.workload, "simulated");
	snprintf(text, sizeof(text), "fleet %llu",
		 (unsigned long long)f->o->seed);
	digest_hex(text, strlen(text), f->r.id);
	rng_init(&f->rng, f->o->seed);
	*f->out = (struct fleet_result){
		.half_s = -1, .most_s = -1, .spoilt_s = -1};
}

static void sum_up(struct fleet *f)
{
	struct fleet_result *out = f->out;

	out->end_s = f->now;
	out->have = f->have;
	/* What is bad and has not shown it yet counts until now. */
	for (long i = 0; i < f->o->hosts; i++)
		if (f->m[i].h.in_force)
			take_off(f, &f->m[i], f->now);
	for (size_t i = 0; i < f->hour_count; i++) {
		const struct hour *h = &f->hours[i];

		out->bytes_hour = fmax(out->bytes_hour, h->bytes);
		if (h->pulls > out->pulls_hour)
			out->pulls_hour = h->pulls;
		if (h->pushes > out->pushes_hour)
			out->pushes_hour = h->pushes;
	}
}

int fleet_run(const struct fleet_opts *o, struct fleet_result *out)
{
	struct fleet f = {.o = o, .r = o->r, .out = out};
	double looked = 0;
	int rc;

	prepare(&f);
	rc = check(o, &f.r);
	if (rc)
		return rc;
	f.m = mem_zalloc((size_t)o->hosts, sizeof(*f.m));
	for (long i = 0; i < o->hosts; i++)
		be_born(&f, (uint32_t)i);
	while (f.heap[0].at <= o->until_s) {
		struct event e = next(&f);

		f.now = e.at;
		if (e.kind == EVENT_ROUND)
			do_round(&f, e.host);
		else
			arrive(&f, &e);
		/* All of them are looked at, so not after each. */
		if (f.now - looked < o->every_s)
			continue;
		looked = f.now;
		if (is_settled(&f))
			break;
	}
	sum_up(&f);
	free(f.m);
	free(f.heap);
	free(f.hours);
	return 0;
}
