/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "stats/sample.h"

#define CHOOSE_SHARE  0.2	/* of the time before what is held out */
#define FIT_MOST      (1 << 18) /* rows that trees are made from */
#define ONLINE_FORGET 0.9998	/* half of it after 3,500 rows */
#define SEED	      1

/* The rows of one target. */
struct split {
	struct picks fit, choose, held; /* before each other */
	struct picks all;		/* fit and choose, what is known */
};

struct made {
	struct linear linear;
	struct trees trees;
	struct forecast_part part[TRAIN_COUNT];
	double miss[TRAIN_COUNT]; /* on the rows that choose */
};

const char *train_name(unsigned contender)
{
	static const char *const names[] = {
		"average", "smooth", "last",   "median",
		"linear",  "trees",  "online",
	};

	return names[contender];
}

unsigned train_contender(enum forecast_kind kind)
{
	return kind == FORECAST_LINEAR ? TRAIN_LINEAR : TRAIN_TREES;
}

/* ---- who is learned from ---------------------------------------------- */

static void pick(struct picks *p, const struct row *r)
{
	p->v[p->n++] = r;
}

/* n rows of one recording, by time. */
static void split_one(struct split *s, const struct row *v, size_t n,
		      double holdout_pct)
{
	double span = (double)(v[n - 1].at - v[0].at);
	double before = span * (1 - holdout_pct / 100);
	uint64_t held = v[0].at + (uint64_t)before;
	uint64_t choose = v[0].at + (uint64_t)(before * (1 - CHOOSE_SHARE));

	for (size_t i = 0; i < n; i++) {
		if (isnan(v[i].y[s->held.target]))
			continue;
		if (v[i].at >= held) {
			pick(&s->held, &v[i]);
			continue;
		}
		if (v[i].known > held)
			continue;
		pick(&s->all, &v[i]);
		if (v[i].at >= choose)
			pick(&s->choose, &v[i]);
		else if (v[i].known <= choose)
			pick(&s->fit, &v[i]);
	}
}

static void split_release(struct split *s)
{
	free(s->fit.v);
	free(s->choose.v);
	free(s->held.v);
	free(s->all.v);
}

static void split_make(struct split *s, const struct rows *r,
		       enum forecast_target t, double holdout_pct)
{
	struct picks *each[] = {&s->fit, &s->choose, &s->held, &s->all};
	size_t end;

	for (size_t i = 0; i < ARRAY_LEN(each); i++)
		*each[i] = (struct picks){
			.v = mem_zalloc(r->n + 1, sizeof(*each[i]->v)),
			.target = t,
		};
	for (size_t i = 0; i < r->n; i = end) {
		for (end = i + 1; end < r->n && r->v[end].from == r->v[i].from;)
			end++;
		split_one(s, r->v + i, end - i, holdout_pct);
	}
}

/* ---- models ------------------------------------------------------------ */

/* Trees are made from one of so many, lest it take minutes. */
static struct picks thinned(const struct picks *p)
{
	size_t every = p->n / FIT_MOST + 1;
	struct picks few = {.target = p->target};

	few.v = mem_zalloc(p->n / every + 1, sizeof(*few.v));
	for (size_t i = 0; i < p->n; i += every)
		pick(&few, p->v[i]);
	return few;
}

static void learn_on(struct linear *l, const struct picks *p)
{
	for (size_t i = 0; i < p->n; i++)
		linear_update(l, p->v[i]->x, picks_y(p, i));
}

static double missed(const struct forecast_part *part, const struct picks *p)
{
	double sum = 0;

	for (size_t i = 0; i < p->n; i++)
		sum += score_miss(p->target, forecast_of(part, p->v[i]->x),
				  picks_y(p, i));
	return sum;
}

static int make_linear(const struct split *s, const struct train_opts *o,
		       struct made *m)
{
	struct forecast_part *part = &m->part[TRAIN_LINEAR];
	int rc;

	linear_init(&m->linear, o->features, 1);
	learn_on(&m->linear, &s->fit);
	rc = forecast_of_linear(&m->linear, part);
	if (rc)
		return rc;
	m->miss[TRAIN_LINEAR] = missed(part, &s->choose);
	linear_init(&m->linear, o->features, 1);
	learn_on(&m->linear, &s->all);
	return forecast_of_linear(&m->linear, part);
}

static int make_trees(const struct split *s, const struct train_opts *o,
		      struct made *m)
{
	const struct picks none = {.target = s->all.target};
	struct forecast_part *part = &m->part[TRAIN_TREES];
	struct picks few = thinned(&s->fit);
	int rc;

	trees_fit(&few, &s->choose, o->features, FORECAST_TREES, &m->trees);
	free(few.v);
	rc = forecast_of_trees(&m->trees, part);
	if (rc)
		return rc;
	m->miss[TRAIN_TREES] = missed(part, &s->choose);
	few = thinned(&s->all);
	trees_fit(&few, &none, o->features, m->trees.n, &m->trees);
	free(few.v);
	return forecast_of_trees(&m->trees, part);
}

/* ---- judging ----------------------------------------------------------- */

static double median_of(const struct picks *p)
{
	double *y = mem_zalloc(p->n, sizeof(*y)), m;

	for (size_t i = 0; i < p->n; i++)
		y[i] = picks_y(p, i);
	m = sample_median(y, p->n);
	free(y);
	return m;
}

static void guess(const struct split *s, enum guess g, double *said)
{
	double median = s->all.n ? median_of(&s->all) : NAN;

	for (size_t i = 0; i < s->held.n; i++) {
		const struct row *r = s->held.v[i];
		double x = g == GUESS_MEDIAN
				   ? median
				   : (double)r->guess[g][s->held.target];

		said[i] = isnan(x) ? median : x;
	}
}

static int by_known(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a;
	const struct row *y = *(const struct row *const *)b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->known != y->known)
		return x->known < y->known ? -1 : 1;
	return (x > y) - (x < y);
}

/* Was what came of r known when the features of now were taken? */
static bool was_known(const struct row *r, const struct row *now)
{
	return r->from != now->from ? r->from < now->from : r->known <= now->at;
}

/* Learns on from what is over by then. */
static void say_online(const struct split *s, const struct made *m,
		       double *said)
{
	const struct picks *p = &s->held;
	struct linear l = m->linear;
	const struct row **order = mem_zalloc(p->n, sizeof(*order));
	size_t next = 0;

	memcpy(order, p->v, p->n * sizeof(*order));
	qsort(order, p->n, sizeof(*order), by_known);
	l.forget = ONLINE_FORGET;
	for (size_t i = 0; i < p->n; i++) {
		while (next < p->n && was_known(order[next], p->v[i])) {
			const struct row *r = order[next++];

			linear_update(&l, r->x, (double)r->y[p->target]);
		}
		said[i] = forecast_kept(linear_predict(&l, p->v[i]->x));
	}
	free(order);
}

static void say(const struct split *s, const struct made *m, unsigned who,
		double *said)
{
	if (who < GUESS_COUNT)
		guess(s, (enum guess)who, said);
	else if (who == TRAIN_ONLINE)
		say_online(s, m, said);
	else
		for (size_t i = 0; i < s->held.n; i++)
			said[i] = forecast_of(&m->part[who], s->held.v[i]->x);
}

/* What each misses by: TRAIN_COUNT rows of s->held.n. */
static double *judge(const struct split *s, const struct made *m,
		     struct train_part *out)
{
	enum forecast_target t = s->held.target;
	size_t n = s->held.n;
	double *said = mem_zalloc(2 * n, sizeof(*said)), *y = said + n;
	double *all = mem_zalloc(TRAIN_COUNT * n, sizeof(*all));

	for (size_t i = 0; i < n; i++)
		y[i] = picks_y(&s->held, i);
	for (unsigned who = 0; who < TRAIN_COUNT; who++) {
		double *miss = all + who * n;

		if (!out->tried[who])
			continue;
		say(s, m, who, said);
		for (size_t i = 0; i < n; i++)
			miss[i] = score_miss(t, said[i], y[i]);
		score_of(t, said, y, n, &out->score[who]);
		score_ratio(miss, all + GUESS_AVERAGE * n, n, SEED,
			    &out->ratio[who]);
	}
	free(said);
	return all;
}

/* ---- all of it --------------------------------------------------------- */

static unsigned choose(const struct made *m, const struct train_part *p)
{
	if (!p->tried[TRAIN_LINEAR])
		return TRAIN_TREES;
	return p->tried[TRAIN_TREES] &&
			       m->miss[TRAIN_TREES] < m->miss[TRAIN_LINEAR]
		       ? TRAIN_TREES
		       : TRAIN_LINEAR;
}

static void decide(const struct made *m, const double *misses,
		   struct train_part *p)
{
	unsigned who = choose(m, p);

	p->chosen = (enum forecast_kind)m->part[who].kind;
	p->bound = forecast_bound(&m->part[who]);
	for (unsigned g = 0; g < GUESS_COUNT; g++)
		if (p->tried[g] && p->score[g].error < p->score[p->best].error)
			p->best = (enum guess)g;
	score_ratio(misses + who * p->held, misses + p->best * p->held, p->held,
		    SEED, &p->ratio_best);
	p->beats = p->ratio[who].hi < 1 && p->ratio_best.hi < 1;
}

/* Of times in units, of classes as a share in 2^-16. */
static uint32_t kept_error(enum forecast_target t, double error)
{
	return (uint32_t)lround(error *
				(t == FORECAST_CLASS ? 65536 : FORECAST_ONE));
}

static void keep(const struct made *m, enum forecast_target t,
		 const struct train_part *from, struct forecast_part *to)
{
	unsigned who = train_contender(from->chosen);

	*to = m->part[who];
	to->error = kept_error(t, from->score[who].error);
	to->average_error = kept_error(t, from->score[GUESS_AVERAGE].error);
}

static int train_part(const struct split *s, const struct train_opts *o,
		      struct forecast_part *to, struct train_part *out)
{
	struct made *m = mem_zalloc(1, sizeof(*m));
	double *misses;
	int rc = 0;

	for (unsigned g = 0; g < GUESS_COUNT; g++)
		out->tried[g] = true;
	if (o->linear) {
		rc = make_linear(s, o, m);
		out->tried[TRAIN_LINEAR] = out->tried[TRAIN_ONLINE] = !rc;
		/* What no line of integers can say trees may. */
		if (rc == -ERANGE && o->trees)
			rc = 0;
	}
	if (!rc && o->trees) {
		rc = make_trees(s, o, m);
		out->tried[TRAIN_TREES] = true;
	}
	if (!rc) {
		misses = judge(s, m, out);
		decide(m, misses, out);
		free(misses);
		if (out->beats)
			keep(m, s->held.target, out, to);
	}
	free(m);
	return rc;
}

static bool is_enough(const struct split *s)
{
	return s->fit.n >= TRAIN_LEAST && s->choose.n &&
	       s->held.n >= TRAIN_LEAST;
}

int train(struct rows *r, const struct train_opts *o, struct forecast *out,
	  struct train_part *parts)
{
	bool any = false;
	int rc = 0;

	forecast_init(out, o->feature_version, o->features);
	memset(parts, 0, FORECAST_TARGETS * sizeof(*parts));
	rows_sort(r);
	for (int t = 0; t < FORECAST_TARGETS && !rc; t++) {
		struct split s = {0};

		if (!o->target[t])
			continue;
		split_make(&s, r, (enum forecast_target)t, o->holdout_pct);
		if (is_enough(&s)) {
			any = true;
			parts[t].learned = s.all.n;
			parts[t].held = s.held.n;
			rc = train_part(&s, o, &out->part[t], &parts[t]);
		}
		split_release(&s);
	}
	if (!rc && !any)
		rc = err_set(ENODATA,
			     "too few bursts: %zu, and %d are needed on either "
			     "side of the split",
			     r->n, TRAIN_LEAST);
	return rc;
}

/* ---- a model that is there ---------------------------------------------- */

static bool is_guessed(const struct row *r, enum forecast_target t)
{
	for (unsigned g = 0; g < GUESS_MEDIAN; g++)
		if (isnan(r->guess[g][t]))
			return false;
	return !isnan(r->y[t]);
}

static void check_part(const struct split *s, const struct forecast_part *from,
		       struct train_part *out)
{
	unsigned who = train_contender((enum forecast_kind)from->kind);
	struct made *m = mem_zalloc(1, sizeof(*m));
	double *misses;

	for (unsigned g = 0; g < GUESS_MEDIAN; g++)
		out->tried[g] = true;
	out->tried[who] = true;
	out->held = s->held.n;
	m->part[who] = *from;
	misses = judge(s, m, out);
	decide(m, misses, out);
	free(misses);
	free(m);
}

int train_check(struct rows *r, const struct train_opts *o,
		const struct forecast *m, struct train_part *parts)
{
	bool any = false;

	memset(parts, 0, FORECAST_TARGETS * sizeof(*parts));
	if (m->feature_version != o->feature_version ||
	    m->features != o->features)
		return err_set(ENOTSUP,
			       "the model is of %u features of version %u, not "
			       "%u of version %u",
			       m->features, m->feature_version, o->features,
			       o->feature_version);
	rows_sort(r);
	for (int t = 0; t < FORECAST_TARGETS; t++) {
		struct split s = {.held.target = (enum forecast_target)t};

		if (!o->target[t] || !m->part[t].kind)
			continue;
		s.held.v = mem_zalloc(r->n + 1, sizeof(*s.held.v));
		for (size_t i = 0; i < r->n; i++)
			if (is_guessed(&r->v[i], s.held.target))
				pick(&s.held, &r->v[i]);
		if (s.held.n >= TRAIN_LEAST) {
			any = true;
			check_part(&s, &m->part[t], &parts[t]);
		}
		split_release(&s);
	}
	return any ? 0
		   : err_set(ENODATA,
			     "there are fewer than %d bursts that the model "
			     "says something of",
			     TRAIN_LEAST);
}
