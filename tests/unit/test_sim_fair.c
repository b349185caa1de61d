/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EEVDF beside a second way: sums over all tasks in place of the heap's, and
 * hogs that are simulated tick by tick. */
#include "base/clock.h"
#include "sim/eevdf.h"
#include "sim/engine.h"
#include "sim_fix.h"

/* ---- a queue ------------------------------------------------------------ */

enum { TASKS = 24 };

struct crowd {
	struct sim_task t[TASKS];
	bool in[TASKS];
	struct fair_rq rq;
	struct rng rng;
};

static const uint64_t weights[] = {1024, 3, 88761, 335, 15, 2, 3121};

/* How far v is behind the average, times all weights: >= 0 is eligible. */
static __int128 behind(const struct crowd *c, int64_t v, __int128 *load)
{
	__int128 sum = 0;

	*load = 0;
	for (int i = 0; i < TASKS; i++) {
		if (!c->in[i] && c->rq.curr != &c->t[i])
			continue;
		*load += c->t[i].fair.weight;
		sum += (__int128)(c->t[i].fair.vruntime - v) *
		       (int64_t)c->t[i].fair.weight;
	}
	return sum;
}

static bool naive_eligible(const struct crowd *c, const struct sim_task *t)
{
	__int128 load;

	return behind(c, t->fair.vruntime, &load) >= 0;
}

/* The earliest deadline of all that are eligible. */
static int64_t naive_deadline(const struct crowd *c)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < TASKS; i++) {
		if ((c->in[i] || c->rq.curr == &c->t[i]) &&
		    naive_eligible(c, &c->t[i]) && c->t[i].fair.deadline < best)
			best = c->t[i].fair.deadline;
	}
	return best;
}

static void agrees(const struct crowd *c)
{
	const struct sim_task *curr = c->rq.curr, *best;
	__int128 load, sum = behind(c, 0, &load), floor;

	for (int i = 0; i < TASKS; i++)
		assert_int_equal(fair_eligible(&c->rq, c->t[i].fair.vruntime),
				 load == 0 || naive_eligible(c, &c->t[i]));
	if (load) {
		floor = sum / load - (sum < 0 && sum % load);
		assert_true(fair_average(&c->rq) == (int64_t)floor);
	} else {
		assert_int_equal(fair_average(&c->rq), c->rq.min_vruntime);
	}
	best = fair_earliest(&c->rq);
	if (!load) {
		assert_null(best);
		return;
	}
	if (curr &&
	    (c->rq.len == 0 || (naive_eligible(c, curr) &&
				curr->fair.vruntime < curr->fair.vprot))) {
		assert_ptr_equal(best, curr);
		return;
	}
	assert_true(naive_eligible(c, best));
	assert_true(best->fair.deadline == naive_deadline(c));
}

static void queue_and_sums_agree(void **state)
{
	struct crowd *c = mem_zalloc(1, sizeof(*c));

	(void)state;
	rng_init(&c->rng, 9);
	for (int step = 0; step < 6000; step++) {
		int i = (int)rng_below(&c->rng, TASKS);
		struct sim_task *t = &c->t[i];
		int64_t base = c->rq.min_vruntime;

		if (c->rq.curr == t) {
			/* It runs, or makes room. */
			t->fair.vruntime += (int64_t)rng_below(&c->rng, 90000);
			if (rng_below(&c->rng, 3) == 0)
				c->rq.curr = NULL;
		} else if (c->in[i]) {
			fair_extract(&c->rq, t);
			c->in[i] = false;
			if (!c->rq.curr && rng_below(&c->rng, 2)) {
				c->rq.curr = t;
				t->fair.vprot =
					t->fair.vruntime +
					(int64_t)rng_below(&c->rng, 50000);
			}
		} else {
			t->fair.weight =
				weights[rng_below(&c->rng, ARRAY_LEN(weights))];
			t->fair.vruntime = base - 200000 +
					   (int64_t)rng_below(&c->rng, 500000);
			t->fair.deadline = t->fair.vruntime +
					   (int64_t)rng_below(&c->rng, 300000);
			fair_insert(&c->rq, t);
			c->in[i] = true;
		}
		agrees(c);
		fair_update_min(&c->rq);
		/* It never goes back, and is never ahead of all. */
		assert_true(c->rq.min_vruntime >= base);
		agrees(c);
	}
	free(c->rq.heap);
	free(c);
}

static void virtual_time_goes_by_weight(void **state)
{
	static const struct {
		uint64_t ns, weight;
		int64_t want;
	} rows[] = {{1000, 1024, 1000},
		    {1000, 2048, 500},
		    {1000, 512, 2000},
		    {1000, 3, 341333},
		    {999, 88761, 11},
		    {0, 15, 0},
		    {1ull << 40, 1024, 1ll << 40}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(fair_virtual(rows[i].ns, rows[i].weight),
				 rows[i].want);
}

static void first_of_several_sets(void **state)
{
	struct fair f = {.words = 3};
	uint64_t a[3], b[3], c[3];
	struct rng rng;

	(void)state;
	rng_init(&rng, 4);
	for (int step = 0; step < 3000; step++) {
		uint32_t from = (uint32_t)rng_below(&rng, 192);
		int want = -1, way = (int)rng_below(&rng, 3);

		for (int w = 0; w < 3; w++) {
			a[w] = rng_next(&rng) & rng_next(&rng);
			b[w] = rng_next(&rng) & rng_next(&rng);
			c[w] = rng_next(&rng) &
			       (rng_below(&rng, 2) ? ~0ull : 0);
		}
		for (uint32_t i = 0; i < 192 && want < 0; i++) {
			uint32_t cpu = (from + i) % 192;

			if (fair_bit(a, cpu) && (way < 1 || fair_bit(b, cpu)) &&
			    (way < 2 || fair_bit(c, cpu)))
				want = (int)cpu;
		}
		assert_int_equal(fair_first(&f, a, way < 1 ? NULL : b,
					    way < 2 ? NULL : c, from),
				 want);
	}
}

/* ---- hogs, tick by tick ------------------------------------------------- */

/* No two that wait have one deadline: either could be next. */

struct hog {
	int nice;
	uint64_t slice, weight;
	int64_t v, deadline;
	uint64_t ran;
};

#define TICK 4000000ull
#define DFLT 700000ull /* a slice, on one CPU */

/* The kernel's table at the nice values that are used here. */
static uint64_t weight_at(int nice)
{
	return nice == 0    ? 1024
	       : nice == 5  ? 335
	       : nice == -5 ? 3121
	       : nice == 10 ? 110
			    : 0;
}

static int64_t virtual(const struct hog *h, uint64_t ns)
{
	return (int64_t)(ns * 1024 / h->weight);
}

/* Of two with one deadline it is not who runs. */
static int naive_next(const struct hog *h, int n, int curr)
{
	int best = -1;

	for (int i = 0; i < n; i++) {
		__int128 sum = 0;

		for (int j = 0; j < n; j++)
			sum += (__int128)(h[j].v - h[i].v) *
			       (int64_t)h[j].weight;
		if (sum >= 0 &&
		    (best < 0 || h[i].deadline < h[best].deadline ||
		     (h[i].deadline == h[best].deadline && best == curr)))
			best = i;
	}
	return best;
}

/* Runs so many ticks; how often another one was chosen. */
static uint64_t naive_hogs(struct hog *h, int n, int ticks)
{
	uint64_t switches = 1, least = UINT64_MAX;
	int64_t protected;
	int curr = 0;

	for (int i = 0; i < n; i++) {
		h[i].weight = weight_at(h[i].nice);
		least = h[i].slice && h[i].slice < least ? h[i].slice : least;
		h[i].slice = h[i].slice ? h[i].slice : DFLT;
		/* A new one's first request is half of one. */
		h[i].deadline = virtual(&h[i], h[i].slice) / 2;
	}
	/* They come one after the other, and a shorter request goes first. */
	for (int i = 1; i < n; i++) {
		if (h[i].slice < h[curr].slice &&
		    h[i].deadline < h[curr].deadline) {
			curr = i;
			switches++;
		}
	}
	protected = h[curr].deadline;
	for (int tick = 0; tick < ticks; tick++) {
		struct hog *c = &h[curr];
		bool expired = false;
		int next;

		c->ran += TICK;
		c->v += virtual(c, TICK);
		if (c->v >= c->deadline) {
			c->deadline = c->v + virtual(c, c->slice);
			expired = true;
		}
		if (!expired && c->v < protected)
			continue;
		next = naive_next(h, n, curr);
		if (next == curr)
			continue;
		switches++;
		curr = next;
		/* Nobody waits longer than the shortest request. */
		protected = h[curr].deadline;
		for (int i = 0; i < n; i++) {
			int64_t until = h[curr].v +
					virtual(&h[curr], h[i].slice);

			if (least != UINT64_MAX && h[i].slice < h[curr].slice &&
			    until < protected)
			protected = until;
		}
	}
	return switches;
}

static void hogs_go_tick_by_tick(void **state)
{
	static const struct {
		const char *words;
		struct hog h[5];
		int n;
	} rows[] = {
		{"a : run 1s\nb : run 1s\n", {{.nice = 0}, {.nice = 0}}, 2},
		{"a : run 1s\nb nice=5 : run 1s\n",
		 {{.nice = 0}, {.nice = 5}},
		 2},
		{"a nice=10 : run 1s\nb nice=-5 : run 1s\nc : run 1s\n",
		 {{.nice = 10}, {.nice = -5}, {.nice = 0}},
		 3},
		{"a nice=5 : run 1s\nb nice=5 : run 1s\nc nice=-5 : run 1s\n"
		 "d : run 1s\ne nice=10 : run 1s\n",
		 {{.nice = 5}, {.nice = 5}, {.nice = -5}, {0}, {.nice = 10}},
		 5},
		{"a slice=17300us : run 1s\nb slice=9100us : run 1s\n"
		 "c slice=30700us nice=5 : run 1s\n",
		 {{.slice = 17300000},
		  {.slice = 9100000},
		  {.slice = 30700000, .nice = 5}},
		 3},
		{"a slice=40100us : run 1s\nb slice=40300us : run 1s\n"
		 "c slice=40700us nice=-5 : run 1s\n",
		 {{.slice = 40100000},
		  {.slice = 40300000},
		  {.slice = 40700000, .nice = -5}},
		 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_opts o = fix_free("1");
		struct load *l = fix_load(rows[i].words);
		struct hog h[5];
		struct sim_result r;
		uint64_t switches;

		memcpy(h, rows[i].h, sizeof(h));
		/* Before the first window of time ends, which is no tick. */
		o.limit_ns = 60 * TICK + 1;
		switches = naive_hogs(h, rows[i].n, 60);
		r = fix_run(&o, NULL, l);
		assert_int_equal(r.ticks, 60);
		if (r.switches != switches)
			fail_msg("row %zu: %llu switches, not %llu", i,
				 (unsigned long long)r.switches,
				 (unsigned long long)switches);
		for (int j = 0; j < rows[i].n; j++) {
			uint64_t ran = r.groups[j].run_ns;

			/* The last nanosecond is one of theirs. */
			if (ran != h[j].ran && ran != h[j].ran + 1)
				fail_msg("row %zu: '%s' ran %llu, not %llu", i,
					 l->groups[j].name,
					 (unsigned long long)ran,
					 (unsigned long long)h[j].ran);
		}
		sim_result_release(&r);
		load_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_and_sums_agree),
		cmocka_unit_test(virtual_time_goes_by_weight),
		cmocka_unit_test(first_of_several_sets),
		cmocka_unit_test(hogs_go_tick_by_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
