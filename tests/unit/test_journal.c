/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal and the engine: what is left after a crash at any byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/journal_parts.h"

#define IDS    400
#define NEVER  SIZE_MAX
#define HOLDER 1
#define HEAD   20 /* bytes of the file before the first batch */

static char dir[32];
static char *path;

static int setup(void **state)
{
	(void)state;
	setenv("SCHEDKIT_TIME", "1795000000", 1);
	strcpy(dir, access("/dev/shm", W_OK) ? "/tmp/test_journal.XXXXXX"
					     : "/dev/shm/t_journal.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = mem_printf("%s/j", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(dir);
	free(path);
	return 0;
}

/* ---- a life ------------------------------------------------------------ */

struct life {
	struct rt *r;
	struct rt_journal *j;
	double now;
	struct rng rng;
	bool at_once; /* what is begun is done, what ended is delivered */
	uint64_t leases[64], ended[IDS];
	size_t lease_count, ended_count, events;
	unsigned came[IDS + 1]; /* outcomes, by id */
};

static void on_event(void *arg, const struct rt_event *e)
{
	struct life *l = arg;

	l->events++;
	if (l->j)
		rt_journal_add(l->j, e);
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *lease)
{
	struct life *l = arg;

	(void)t;
	assert_true(l->lease_count < 64);
	l->leases[l->lease_count++] = lease->id;
}

static void forget(struct life *l, uint64_t lease)
{
	for (size_t i = 0; i < l->lease_count; i++)
		if (l->leases[i] == lease)
			l->leases[i] = l->leases[--l->lease_count];
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *lease)
{
	(void)t;
	forget(arg, lease->id);
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct life *l = arg;

	(void)o;
	assert_true(t->id <= IDS);
	l->came[t->id]++;
	if (l->at_once)
		rt_delivered(l->r, t->id, l->now);
	else
		l->ended[l->ended_count++] = t->id;
}

static const struct rt_ops ops = {
	.start = on_start,
	.suspend = on_cancel, /* it is asked for by chance alone */
	.cancel = on_cancel,
	.ended = on_ended,
	.event = on_event,
};

static void begin(struct life *l, double now)
{
	struct rt_worker_spec s;
	struct rt_opts o;

	*l = (struct life){.now = now};
	rng_init(&l->rng, 5);
	rt_opts_init(&o);
	o.policy = "fifo";
	o.keep_ended = 50;
	o.ops = &ops;
	o.arg = l;
	assert_int_equal(rt_new(&o, &l->r), 0);
	rt_worker_spec_init(&s);
	free(s.name);
	s.name = mem_strdup("host");
	s.kinds = (1u << RT_KINDS) - 1;
	s.capacity.v[RES_CORES] = 4000;
	assert_int_equal(rt_worker_add(l->r, &s, HOLDER, now), 0);
	rt_worker_spec_release(&s);
}

static int reopen(struct life *l, double now, size_t *lost)
{
	begin(l, now);
	return rt_journal_open(path, l->r, now, lost, &l->j);
}

static void opened(struct life *l, double now)
{
	size_t lost;

	if (reopen(l, now, &lost))
		fail_msg("%s", err_text());
}

static void end(struct life *l)
{
	rt_journal_close(l->j);
	rt_free(l->r);
}

static void name(struct rt_request *q, uint64_t key)
{
	free(q->run);
	q->run = mem_strdup("r");
	free(q->key);
	q->key = mem_printf("%llu", (unsigned long long)key);
	q->need.v[RES_CORES] = 1000;
	q->kind = RT_SIM;
}

static uint64_t submit(struct life *l, uint64_t key, uint64_t after)
{
	struct rt_request q;
	uint64_t id;

	rt_request_init(&q);
	name(&q, key);
	q.kind = (enum rt_kind)(key % RT_KINDS);
	q.idempotent = key % 5 > 0;
	q.preemptible = true;
	if (after) {
		q.deps = mem_zalloc(1, sizeof(*q.deps));
		q.deps[0].key = mem_printf("%llu", (unsigned long long)after);
		q.deps[0].on_failure = (enum rt_edge)(key % 3);
		q.dep_count = 1;
	}
	assert_int_equal(rt_submit(l->r, &q, 1, HOLDER, l->now, &id), 0);
	rt_request_release(&q);
	return id;
}

static void work(struct life *l, uint64_t chance)
{
	uint64_t lease = l->leases[rng_below(&l->rng, l->lease_count)];
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.used.tokens_out = 3;
	o.used.cost_usd = 0.125;
	forget(l, lease);
	if (chance == 0) {
		rt_suspended(l->r, lease, "{\"at\":1}", &o.used, l->now);
	} else if (chance == 1) {
		o.error = -EIO;
		o.again = true;
		rt_done(l->r, lease, &o, l->now);
	} else {
		o.result = mem_strdup("{\"x\":1}");
		rt_done(l->r, lease, &o, l->now);
	}
	rt_outcome_release(&o);
}

static void finish(struct life *l)
{
	double wake;

	l->at_once = true;
	rt_adopt(l->r, "r", HOLDER, l->now);
	while ((wake = rt_step(l->r, l->now)) < INFINITY || l->lease_count) {
		while (l->lease_count)
			work(l, 2);
		if (wake < INFINITY)
			l->now = fmax(l->now, wake);
	}
}

/* ---- cut anywhere ------------------------------------------------------ */

/* Up to where the file must be there for the outside to rely on it. */
static struct {
	size_t submitted[IDS + 1], ended[IDS + 1], delivered[IDS + 1];
	long tokens[IDS + 1];
	enum rt_state state[IDS + 1];
	size_t marks[8 * IDS], mark_count;
	uint64_t ids;
} story;

static size_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}

static void mark(size_t *of, size_t size)
{
	if (*of == NEVER)
		*of = size;
}

/* What a commit made sure of. */
static void committed(struct life *l)
{
	size_t size;

	assert_int_equal(rt_journal_commit(l->j), 0);
	size = file_size();
	story.marks[story.mark_count++] = size;
	for (uint64_t id = 1; id <= story.ids; id++) {
		const struct rt_task *t = rt_find(l->r, id);

		mark(&story.submitted[id], size);
		if (t && t->state >= RT_DONE) {
			mark(&story.ended[id], size);
			story.tokens[id] = t->used.tokens_out;
			story.state[id] = t->state;
		}
		if (!t || t->delivered)
			mark(&story.delivered[id], size);
	}
}

static void act(struct life *l)
{
	uint64_t what = rng_below(&l->rng, 10);

	if (what < 3 && story.ids < IDS / 2) {
		uint64_t n = story.ids + 1;

		story.ids = submit(l, n, n > 4 && n % 3 == 0 ? n - 2 : 0);
	} else if (what < 7 && l->lease_count) {
		work(l, rng_below(&l->rng, 6));
	} else if (what < 9 && l->ended_count) {
		rt_delivered(l->r, l->ended[--l->ended_count], l->now);
	} else if (rng_below(&l->rng, 8) == 0 && story.ids) {
		rt_cancel(l->r, 1 + rng_below(&l->rng, story.ids), l->now);
	}
	l->now += 0.3;
	rt_step(l->r, l->now);
}

static void tell_story(struct life *l)
{
	memset(&story, 0, sizeof(story));
	for (size_t i = 0; i <= IDS; i++)
		story.submitted[i] = story.ended[i] = story.delivered[i] =
			NEVER;
	opened(l, 100);
	while (l->events < 400) {
		act(l);
		if (rng_below(&l->rng, 2))
			committed(l);
	}
	committed(l);
	assert_true(story.ids > 50 && l->ended_count > 3);
}

static void check_restored(const struct life *l, size_t cut)
{
	for (uint64_t id = 1; id <= story.ids; id++) {
		const struct rt_task *t = rt_find(l->r, id);

		if (story.submitted[id] > cut) {
			assert_null(t);
			continue;
		}
		if (story.delivered[id] <= cut) {
			assert_true(!t || t->delivered);
			continue;
		}
		assert_non_null(t);
		assert_false(t->delivered);
		assert_int_equal(t->state >= RT_DONE, story.ended[id] <= cut);
		if (t->state < RT_DONE)
			continue;
		assert_int_equal(t->state, story.state[id]);
		assert_int_equal(t->used.tokens_out, story.tokens[id]);
		assert_int_equal(t->outcome->used.tokens_out, story.tokens[id]);
	}
}

/* What comes from here on: what had not come, once. */
static void check_rest(struct life *l, size_t cut)
{
	uint64_t top = 0;

	finish(l);
	for (uint64_t id = 1; id <= story.ids; id++) {
		bool there = story.submitted[id] <= cut;

		if (l->came[id] != (there && story.delivered[id] > cut))
			fail_msg("cut at %zu: request %llu came %u times", cut,
				 (unsigned long long)id, l->came[id]);
		top = there ? id : top;
	}
	assert_true(submit(l, 9999, 0) > top);
}

static void put(const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

/* Where the last batch ends that is whole. */
static size_t check_file(size_t cut)
{
	struct journal_file f;
	size_t lost, whole;

	if (journal_file_open(&f, path, &lost))
		fail_msg("cut at %zu: %s", cut, err_text());
	whole = (size_t)f.end;
	journal_file_close(&f);
	assert_int_equal(file_size(), whole);
	return whole;
}

/* What is left of a batch is as nothing, so an engine need not be tried on
 * each byte of it. */
static void test_cut_anywhere(void **state)
{
	size_t at = 0, lost, whole = 0;
	struct life l;
	struct buf b;

	(void)state;
	tell_story(&l);
	end(&l);
	buf_init(&b, 1 << 20);
	assert_int_equal(buf_read_file(&b, path), 0);
	for (size_t cut = 0; cut <= b.len; cut++) {
		bool ends = at < story.mark_count && cut == story.marks[at];

		put(b.data, cut);
		if (ends)
			whole = cut;
		assert_int_equal(check_file(cut), whole ? whole : HEAD);
		if (!ends && cut % 128)
			continue;
		put(b.data, cut);
		if (reopen(&l, 7, &lost))
			fail_msg("cut at %zu: %s", cut, err_text());
		check_restored(&l, whole);
		if (ends)
			check_rest(&l, whole);
		end(&l);
		while (at < story.mark_count && story.marks[at] <= cut)
			at++;
	}
	assert_int_equal(at, story.mark_count);
	buf_release(&b);
}

/* The last batch is all there, and none of it is right. */
static void test_garbage_at_end(void **state)
{
	size_t lost, last;
	struct life l;
	struct buf b;

	(void)state;
	tell_story(&l);
	submit(&l, 5000, 0);
	last = file_size();
	assert_int_equal(rt_journal_commit(l.j), 0);
	end(&l);
	buf_init(&b, 1 << 20);
	assert_int_equal(buf_read_file(&b, path), 0);
	memset(b.data + last, 0x5a, b.len - last);
	put(b.data, b.len);
	assert_int_equal(reopen(&l, 7, &lost), 0);
	assert_int_equal(lost, b.len - last);
	check_restored(&l, last);
	check_rest(&l, last);
	end(&l);
	buf_release(&b);
}

/* ---- written anew ------------------------------------------------------ */

static char *state_of(struct life *l)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	for (uint64_t id = 1; id <= IDS; id++) {
		const struct rt_task *t = rt_find(l->r, id);

		if (t)
			buf_printf(&b, "%llu %s %d %ld %ld %g %s %d %s\n",
				   (unsigned long long)id, t->q.key,
				   t->state >= RT_DONE ? (int)t->state : -1,
				   t->attempt, t->used.tokens_out,
				   t->used.cost_usd,
				   t->checkpoint ? t->checkpoint : "-",
				   t->delivered,
				   t->outcome && t->outcome->result
					   ? t->outcome->result
					   : "-");
	}
	return buf_take(&b);
}

static char *knowledge(const struct life *l)
{
	struct json *v = rt_predictor_json(rt_predictor_of(l->r));
	char *text = json_canonical(v);

	json_free(v);
	return text;
}

static void test_rewritten(void **state)
{
	struct life l;
	char *before, *after, *knows, *still;
	size_t size;

	(void)state;
	tell_story(&l);
	end(&l);
	/* All stand still. */
	opened(&l, 50);
	before = state_of(&l);
	knows = knowledge(&l);
	size = file_size();
	assert_int_equal(rt_journal_compact(l.j, l.r, 50), 0);
	assert_int_equal(file_size(), size);
	assert_int_equal(journal_rewrite(l.j, l.r, 50), 0);
	assert_true(file_size() < size);
	/* It goes on with the new one. */
	submit(&l, 5000, 0);
	assert_int_equal(rt_journal_commit(l.j), 0);
	end(&l);
	opened(&l, 1000);
	assert_int_equal(rt_cancel(l.r, story.ids + 1, 1000), 1);
	after = state_of(&l);
	assert_memory_equal(after, before, strlen(before));
	still = knowledge(&l);
	assert_string_equal(still, knows);
	check_restored(&l, NEVER - 1);
	check_rest(&l, NEVER - 1);
	end(&l);
	free(before);
	free(after);
	free(knows);
	free(still);
}

/* An id is not given again though nothing of it is left. */
static void test_highest_id(void **state)
{
	struct life l;
	uint64_t id;

	(void)state;
	opened(&l, 0);
	l.at_once = true;
	id = submit(&l, 1, 0);
	finish(&l);
	assert_int_equal(journal_rewrite(l.j, l.r, 0), 0);
	end(&l);
	opened(&l, 0);
	assert_true(submit(&l, 2, 0) > id);
	end(&l);
}

/* When it pays: by itself, and not again for a while. */
static void test_compact(void **state)
{
	struct life l;
	size_t most = 0, rewritten = 0, before = 0;

	(void)state;
	opened(&l, 0);
	for (uint64_t key = 1; rewritten < 3; key++) {
		struct rt_request q;
		uint64_t id;

		assert_true(key < IDS);
		rt_request_init(&q);
		name(&q, key);
		free(q.payload);
		q.payload = mem_zalloc(1, 200001);
		memset(q.payload, '1', 200000);
		assert_int_equal(rt_submit(l.r, &q, 1, HOLDER, l.now, &id), 0);
		rt_request_release(&q);
		finish(&l);
		assert_int_equal(rt_journal_commit(l.j), 0);
		assert_int_equal(rt_journal_compact(l.j, l.r, l.now), 0);
		rewritten += file_size() < before;
		before = file_size();
		most = before > most ? before : most;
	}
	assert_in_range(most, (4u << 20) - 210000, 6u << 20);
	end(&l);
}

/* ---- clocks ------------------------------------------------------------ */

static double deadline_after(double now)
{
	struct life l;
	double d;

	opened(&l, now);
	d = rt_find(l.r, 1)->q.deadline - now;
	end(&l);
	return d;
}

static void test_deadline(void **state)
{
	struct rt_request q;
	struct life l;
	uint64_t id;

	(void)state;
	opened(&l, 5000);
	rt_request_init(&q);
	name(&q, 1);
	q.deadline = 5600;
	assert_int_equal(rt_submit(l.r, &q, 1, HOLDER, 5000, &id), 0);
	rt_request_release(&q);
	assert_int_equal(rt_journal_commit(l.j), 0);
	end(&l);
	/* Whatever the clock of the next process says. */
	assert_true(deadline_after(3) == 600);
	assert_true(deadline_after(1e6) == 600);
	setenv("SCHEDKIT_TIME", "1795000100", 1);
	assert_true(deadline_after(3) == 500);
	setenv("SCHEDKIT_TIME", "1795001000", 1);
	assert_true(deadline_after(3) == -400);
}

/* The pause before another attempt is kept. */
static void test_pause(void **state)
{
	struct rt_outcome o = {.error = -EIO, .again = true, .after_s = 60};
	struct life l;

	(void)state;
	opened(&l, 10);
	submit(&l, 1, 0);
	rt_step(l.r, 10);
	assert_int_equal(l.lease_count, 1);
	rt_done(l.r, l.leases[0], &o, 10);
	assert_int_equal(rt_journal_commit(l.j), 0);
	end(&l);
	setenv("SCHEDKIT_TIME", "1795000020", 1);
	opened(&l, 500);
	rt_adopt(l.r, "r", HOLDER, 500);
	assert_true(rt_step(l.r, 500) == 540);
	assert_int_equal(l.lease_count, 0);
	rt_step(l.r, 540);
	assert_int_equal(l.lease_count, 1);
	assert_int_equal(rt_find(l.r, 1)->attempt, 2);
	end(&l);
}

/* ---- faults ------------------------------------------------------------ */

static void test_full_disk(void **state)
{
	struct rlimit old, small;
	struct life l;
	size_t size;

	(void)state;
	opened(&l, 0);
	submit(&l, 1, 0);
	assert_int_equal(rt_journal_commit(l.j), 0);
	size = file_size();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = size + 30;
	setrlimit(RLIMIT_FSIZE, &small);
	submit(&l, 2, 0);
	assert_int_equal(rt_journal_commit(l.j), -EFBIG);
	assert_int_equal(file_size(), size);
	submit(&l, 3, 0);
	assert_int_equal(rt_journal_commit(l.j), -EFBIG);
	assert_int_equal(rt_journal_compact(l.j, l.r, 0), 0);
	assert_int_equal(journal_rewrite(l.j, l.r, 0), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rt_journal_commit(l.j), 0);
	end(&l);
	opened(&l, 0);
	assert_int_equal(rt_pending(l.r), 3);
	end(&l);
}

/* Of two that would go on from it, one does. */
static void test_locked(void **state)
{
	struct life l, other;
	size_t lost;

	(void)state;
	opened(&l, 0);
	assert_int_equal(reopen(&other, 0, &lost), -EAGAIN);
	rt_free(other.r);
	assert_int_equal(journal_rewrite(l.j, l.r, 0), 0);
	assert_int_equal(reopen(&other, 0, &lost), -EAGAIN);
	rt_free(other.r);
	end(&l);
	opened(&l, 0);
	end(&l);
}

/* Whole by its checksum, and still nothing that an engine wrote. */
static void test_nonsense(void **state)
{
	static const char room[JOURNAL_ROOM];
	struct journal_record x = {.kind = JOURNAL_DELIVERED, .id = 5};
	struct journal_file f;
	struct life l;
	struct buf b;
	size_t lost;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add(&b, room, sizeof(room));
	journal_put(&b, &x, 0);
	assert_int_equal(journal_file_open(&f, path, &lost), 0);
	assert_int_equal(journal_file_write(&f, &b, false), 0);
	journal_file_close(&f);
	assert_int_equal(reopen(&l, 0, &lost), -EUCLEAN);
	assert_non_null(strstr(err_text(), "request 5"));
	rt_free(l.r);
	buf_release(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_cut_anywhere), T(test_garbage_at_end), T(test_rewritten),
		T(test_highest_id),   T(test_compact),	      T(test_deadline),
		T(test_pause),	      T(test_full_disk),      T(test_locked),
		T(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
