/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal KILLS [SEED]: a process that runs an engine with a journal is killed
 * KILLS times, at any moment and at any byte, and each time another one goes
 * on from what it left.  The outside world, which remembers, is a ledger: what
 * was acknowledged, begun, delivered, and taken note of as delivered.
 *
 * 0: nothing was lost, nothing was done or delivered twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "rt/journal_parts.h"

#define RUN	  "run"
#define TOKENS	  7  /* that a slice or an attempt uses */
#define UNDER_WAY 12 /* requests, at most */
#define HOLDER	  1
#define PAYLOAD	  2000 /* bytes, at most */

/* What the ledger says of a key. */
struct known {
	uint64_t id;
	bool acked;	/* the submitter was told that it is taken */
	bool begun;	/* of what may be done once only */
	bool came;	/* its outcome */
	bool confirmed; /* the runtime knows that it came */
};

static struct {
	char *dir, *journal, *ledger;
	int fd;		    /* the ledger */
	struct known *keys; /* by key, from 1 */
	uint64_t *of_ids;   /* key by id */
	size_t count, id_count;
	uint64_t all_came; /* likewise */
	uint64_t acked;	   /* all up to this key */
	size_t repeats;	   /* outcomes that came again, rightly */
	size_t rewritings, states[RT_SKIPPED + 1];
} world;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; left in %s\n", world.dir);
	_exit(1);
}

static void must(int rc, const char *what)
{
	if (rc < 0)
		fail("%s: %s", what, err_text());
}

/* ---- the ledger -------------------------------------------------------- */

/* With room for entry `at`, the new ones zero. */
static void *grown(void *v, size_t *count, uint64_t at, size_t size)
{
	size_t more = 2 * at + 64;

	if (at < *count)
		return v;
	v = mem_realloc(v, more, size);
	memset((char *)v + *count * size, 0, (more - *count) * size);
	*count = more;
	return v;
}

static struct known *known(uint64_t key)
{
	world.keys = grown(world.keys, &world.count, key, sizeof(*world.keys));
	return &world.keys[key];
}

static void check_id(uint64_t key, uint64_t id)
{
	world.of_ids =
		grown(world.of_ids, &world.id_count, id, sizeof(*world.of_ids));
	if (world.of_ids[id] && world.of_ids[id] != key)
		fail("id %" PRIu64 " is of key %" PRIu64 " and of %" PRIu64, id,
		     world.of_ids[id], key);
	world.of_ids[id] = key;
}

/* One line of the ledger, as it is written and as it is read. */
static void note(char what, uint64_t key, uint64_t id)
{
	struct known *k = known(key);
	bool *once = what == 'S'   ? &k->acked
		     : what == 'X' ? &k->begun
		     : what == 'D' ? &k->came
				   : &k->confirmed;

	check_id(key, id);
	if (k->id && k->id != id)
		fail("key %" PRIu64 " is id %" PRIu64 " and %" PRIu64, key,
		     k->id, id);
	if (*once && what != 'C')
		fail("key %" PRIu64 ": '%c' twice", key, what);
	*once = true;
	k->id = id;
	while (known(world.acked + 1)->acked)
		world.acked++;
	while (known(world.all_came + 1)->came)
		world.all_came++;
}

static void tell(char what, uint64_t key, uint64_t id)
{
	char line[64];

	note(what, key, id);
	/* A torn one is not taken for a shorter one. */
	snprintf(line, sizeof(line), "%c %" PRIu64 " %" PRIu64 " .", what, key,
		 id);
	must(lines_append(world.fd, line, false), "ledger");
}

static int hear(void *arg, const char *line, size_t len)
{
	char text[64] = "", what, end = 0;
	uint64_t key, id;

	(void)arg;
	if (len >= sizeof(text))
		return 0;
	memcpy(text, line, len);
	if (sscanf(text, "%c %" SCNu64 " %" SCNu64 " %c", &what, &key, &id,
		   &end) == 4 &&
	    end == '.') {
		if (what == 'R')
			world.repeats++;
		else if (what == 'W')
			world.rewritings++;
		else if (what == 'E')
			world.states[id]++;
		else
			note(what, key, id);
	}
	return 0;
}

/* Takes what a process that is dead wrote. */
static void take_note(void)
{
	off_t at = 0;

	must(lines_read(world.fd, &at, 64, hear, NULL), "ledger");
	if (ftruncate(world.fd, 0) < 0)
		fail("ledger: %s", strerror(errno));
}

static void count(char what, uint64_t number)
{
	char line[64];

	snprintf(line, sizeof(line), "%c 0 %" PRIu64 " .", what, number);
	must(lines_append(world.fd, line, false), "ledger");
}

/* ---- the process ------------------------------------------------------- */

struct work {
	uint64_t id, lease, key;
	bool stop; /* it was told to suspend */
};

struct life {
	struct rt *r;
	struct rt_journal *j;
	struct rng rng;
	double now;
	struct work work[256];
	size_t count;
	uint64_t first, next; /* key that it submits */
};

static void commit(struct life *l)
{
	must(rt_journal_commit(l->j), "commit");
}

static uint64_t key_of(const struct rt_task *t)
{
	return strtoull(t->q.key, NULL, 10);
}

static void on_event(void *arg, const struct rt_event *e)
{
	struct life *l = arg;

	rt_journal_add(l->j, e);
}

static bool once_only(const struct rt_task *t)
{
	return t->q.kind == RT_TOOL && !t->q.idempotent;
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *lease)
{
	struct life *l = arg;
	uint64_t key = key_of(t);

	commit(l);
	if (known(key)->came)
		fail("key %" PRIu64 " had ended and is begun", key);
	if (once_only(t))
		tell('X', key, t->id);
	if (l->count == ARRAY_LEN(l->work))
		fail("too much is under way");
	l->work[l->count++] = (struct work){t->id, lease->id, key, false};
}

static size_t work_of(const struct life *l, uint64_t lease)
{
	size_t i = 0;

	while (i < l->count && l->work[i].lease != lease)
		i++;
	return i;
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *lease)
{
	struct life *l = arg;
	size_t i = work_of(l, lease->id);

	(void)t;
	if (i < l->count)
		l->work[i].stop = true;
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *lease)
{
	struct life *l = arg;
	size_t i = work_of(l, lease->id);

	(void)t;
	if (i < l->count)
		l->work[i] = l->work[--l->count];
}

/* Each slice and each attempt that was counted was billed once. */
static void check_bill(const struct rt_task *t, const struct rt_outcome *o)
{
	long slices = o->result ? atol(o->result) : 0;

	if (t->state == RT_DONE &&
	    o->used.tokens_out != TOKENS * (slices + t->attempt))
		fail("key %s: %ld tokens for %ld attempts and %ld slices",
		     t->q.key, o->used.tokens_out, t->attempt, slices);
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct life *l = arg;
	uint64_t key = key_of(t);

	commit(l);
	/* Unless it was asked for again. */
	if (known(key)->confirmed && key < l->first)
		fail("key %" PRIu64 " was delivered, and comes again", key);
	if (known(key)->came) {
		count('R', 0);
	} else {
		check_bill(t, o);
		tell('D', key, t->id);
		count('E', t->state);
	}
	rt_delivered(l->r, t->id, l->now);
	commit(l);
	tell('C', key, known(key)->id);
}

static const struct rt_ops ops = {
	.start = on_start,
	.suspend = on_suspend,
	.cancel = on_cancel,
	.ended = on_ended,
	.event = on_event,
};

/* What a key asks for follows from its number: another life asks the same. */
static void ask(uint64_t key, struct rt_request *q)
{
	static const enum rt_kind kinds[] = {RT_LLM, RT_TOOL, RT_SIM,
					     RT_STORAGE};
	struct rng r;

	rng_init(&r, key);
	rt_request_init(q);
	q->kind = kinds[rng_below(&r, ARRAY_LEN(kinds))];
	q->idempotent = q->kind != RT_TOOL;
	q->preemptible = q->idempotent;
	free(q->run);
	q->run = mem_strdup(RUN);
	free(q->key);
	q->key = mem_printf("%" PRIu64, key);
	q->need.v[RES_CORES] = 1000;
	q->attempts = 100;
	free(q->payload);
	q->payload = mem_zalloc(1, PAYLOAD + 1);
	memset(q->payload, '1', 1 + rng_below(&r, PAYLOAD));
	if (key > 3 && rng_below(&r, 3) == 0) {
		q->deps = mem_zalloc(1, sizeof(*q->deps));
		q->deps[0].key =
			mem_printf("%" PRIu64, key - 1 - rng_below(&r, 3));
		q->deps[0].on_failure = (enum rt_edge)rng_below(&r, 3);
		q->dep_count = 1;
	}
}

/* A graph of some, all or none. */
static void submit(struct life *l)
{
	size_t n = 1 + l->next % 4;
	struct rt_request q[4];
	uint64_t ids[4];

	for (size_t i = 0; i < n; i++)
		ask(l->next + i, &q[i]);
	must(rt_submit(l->r, q, n, HOLDER, l->now, ids), "submit");
	commit(l);
	for (size_t i = 0; i < n; i++) {
		if (!known(l->next + i)->acked)
			tell('S', l->next + i, ids[i]);
		rt_request_release(&q[i]);
	}
	if (rng_below(&l->rng, 10) == 0) {
		rt_cancel(l->r, ids[0], l->now);
		commit(l);
	}
	l->next += n;
}

/* A thing that is under way comes to an end, or a stop. */
static void work(struct life *l)
{
	size_t i = rng_below(&l->rng, l->count);
	struct work w = l->work[i];
	const struct rt_task *t = rt_find(l->r, w.id);
	long slices = t->checkpoint ? atol(t->checkpoint) : 0;
	char text[32];
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.used.tokens_out = TOKENS;
	o.used.cost_usd = rng_below(&l->rng, 50) ? 0 : 0.01;
	l->work[i] = l->work[--l->count];
	if (w.stop || (t->q.preemptible && rng_below(&l->rng, 5) == 0)) {
		snprintf(text, sizeof(text), "%ld", slices + 1);
		rt_suspended(l->r, w.lease, text, &o.used, l->now);
	} else if (rng_below(&l->rng, 4) == 0) {
		o.error = -EIO;
		o.again = rng_below(&l->rng, 4) > 0;
		rt_done(l->r, w.lease, &o, l->now);
	} else {
		snprintf(text, sizeof(text), "%ld", slices);
		o.result = text;
		rt_done(l->r, w.lease, &o, l->now);
	}
	/* Until then nobody hears of it. */
	if (rng_below(&l->rng, 2))
		commit(l);
}

static void begin(struct life *l)
{
	struct rt_worker_spec s;
	struct rt_opts o;
	size_t lost;

	rt_opts_init(&o);
	o.policy = "rr";
	o.policy_opts.quantum_s = 0.02;
	o.keep_ended = 50;
	o.ops = &ops;
	o.arg = l;
	must(rt_new(&o, &l->r), "engine");
	must(rt_journal_open(world.journal, l->r, l->now, &lost, &l->j),
	     "open");
	rt_worker_spec_init(&s);
	free(s.name);
	s.name = mem_strdup("host");
	s.kinds = (1u << RT_KINDS) - 1;
	s.capacity.v[RES_CORES] = 4000;
	must(rt_worker_add(l->r, &s, HOLDER, l->now), "worker");
	rt_worker_spec_release(&s);
	rt_adopt(l->r, RUN, HOLDER, l->now);
}

static void compact(struct life *l)
{
	struct stat st;

	if (rng_below(&l->rng, 40) || stat(world.journal, &st) < 0 ||
	    st.st_size < 100000)
		return;
	must(journal_rewrite(l->j, l->r, l->now), "rewrite");
	count('W', 0);
}

/* What was acknowledged is there, or its outcome has come. */
static void check_all_there(const struct life *l)
{
	for (uint64_t k = world.all_came + 1; k <= world.acked; k++) {
		const struct known *x = known(k);

		if (!x->came && !rt_find(l->r, x->id))
			fail("key %" PRIu64 " was acknowledged and is lost", k);
	}
}

static void live(uint64_t seed, bool to_the_end)
{
	struct life l = {.first = world.acked + 1, .next = world.acked + 1};
	double wake;

	rng_init(&l.rng, seed);
	begin(&l);
	check_all_there(&l);
	for (;;) {
		if (!to_the_end && rt_pending(l.r) < UNDER_WAY)
			submit(&l);
		wake = rt_step(l.r, l.now);
		commit(&l);
		if (to_the_end && !rt_pending(l.r) && isinf(wake))
			break;
		if (l.count)
			work(&l);
		else if (wake < INFINITY)
			l.now = fmax(l.now, wake);
		l.now += 0.01;
		compact(&l);
	}
	rt_journal_close(l.j);
	rt_free(l.r);
}

/* ---- its death --------------------------------------------------------- */

/* At the byte that it cannot write any more. */
static void limit_bytes(uint64_t most)
{
	struct rlimit r = {0, 0};
	struct stat st;

	setrlimit(RLIMIT_CORE, &r);
	if (stat(world.journal, &st) < 0)
		st.st_size = 0;
	r.rlim_cur = r.rlim_max = (rlim_t)st.st_size + most;
	setrlimit(RLIMIT_FSIZE, &r);
}

static void kill_one(struct rng *r)
{
	bool at_byte = rng_below(r, 2);
	uint64_t bytes = 1 + rng_below(r, 6000), seed = rng_next(r);
	struct timespec t = {0, (long)rng_below(r, 1500) * 1000};
	int status;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		if (at_byte)
			limit_bytes(bytes);
		live(seed, false);
		_exit(2);
	}
	if (!at_byte) {
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != (at_byte ? SIGXFSZ : SIGKILL))
		fail("it ended by itself, with %x", (unsigned)status);
	take_note();
}

static void finish(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		live(1, true);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		fail("the last one ended with %x", (unsigned)status);
	take_note();
	for (uint64_t k = 1; k <= world.acked; k++)
		if (!known(k)->came)
			fail("key %" PRIu64 " never ended", k);
}

static void prepare(void)
{
	/* What a process that is killed wrote is in the kernel; a disk would
	 * only take its time. */
	const char *tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	world.dir = mem_printf("%s/crash.XXXXXX", tmp);
	if (!mkdtemp(world.dir))
		fail("%s: %s", world.dir, strerror(errno));
	world.journal = mem_printf("%s/journal", world.dir);
	world.ledger = mem_printf("%s/ledger", world.dir);
	world.fd = lines_open(world.ledger);
	must(world.fd, "ledger");
}

static void clean_up(void)
{
	char *beside = mem_printf("%s.new", world.journal);

	unlink(world.journal);
	unlink(world.ledger);
	unlink(beside);
	rmdir(world.dir);
	free(beside);
}

int main(int argc, char **argv)
{
	long kills = argc > 1 ? atol(argv[1]) : 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	double start = clock_monotonic();
	struct rng r;

	if (kills <= 0) {
		fprintf(stderr, "usage: journal KILLS [SEED]\n");
		return 2;
	}
	prepare();
	rng_init(&r, seed);
	for (long i = 0; i < kills; i++)
		kill_one(&r);
	finish();
	printf("killed %ld times in %.1f s: %" PRIu64 " requests acknowledged, "
	       "none lost, none twice (%zu done, %zu failed, %zu cancelled, "
	       "%zu skipped); %zu outcomes came again and were known, %zu "
	       "rewritings\n",
	       kills, clock_monotonic() - start, world.acked,
	       world.states[RT_DONE], world.states[RT_FAILED],
	       world.states[RT_CANCELLED], world.states[RT_SKIPPED],
	       world.repeats, world.rewritings);
	clean_up();
	return 0;
}
