/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is made of recordings, beside the rows in sim_sources.tsv (sim_rows.h):
 * traces, bursts and profiles that are thrown by dice, but as recordings are,
 * one real profile, and loads that are written as rt-app's JSON and read again.
 *
 * A row: the source and its task; then what the task is, and its program, an
 * instruction as WHAT.OBJECT.OBJECT.NUMBER.TIMES, whatever is 0 left out.
 */
#include <endian.h>
#include <unistd.h>

#include "base/clock.h"
#include "bpf/trace_abi.h"
#include "burst/bursts.h"
#include "sim/load_bursts.h"
#include "sim/load_spread.h"
#include "stats/hist.h"
#include "sim_rows.h"
#include "sim_scenes.h"

/* So much of a program is told, and a number that stands for all. */
#define TOLD 700

/* ---- loads as rows ------------------------------------------------------ */

static uint64_t stands_for(const char *text)
{
	uint64_t h = 14695981039346656037ull;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211ull;
	return h;
}

static void add_number(struct buf *b, uint64_t x)
{
	if (x)
		buf_printf(b, "%llu", LL(x));
}

static void add_dist(struct buf *b, const struct load_dist *d)
{
	static const char kinds[] = {'.', '~', 'q', '-'};

	buf_printf(b, "%c", kinds[d->kind]);
	add_number(b, d->ns);
	if (d->max_ns)
		buf_printf(b, "-%llu", LL(d->max_ns));
	if (d->table)
		buf_printf(b, "%llu<%llu<%llu*%.9g", LL(d->table[0]),
			   LL(d->table[LOAD_QUANTILES / 2]),
			   LL(d->table[LOAD_QUANTILES - 1]),
			   spread_table_mean(d));
}

static void add_op(struct buf *b, const struct load_op *op)
{
	static const char *const names[] = {
		"run",	"spin",	  "sleep", "timer", "wait", "post",
		"lock", "unlock", "cond",  "bar",   "fork", "join",
		"exec", "yield",  "nice",  "mask",  "pin",  "skip",
		"loop", "begin",  "done",  "exit",
	};

	buf_printf(b, " %s", names[op->what]);
	if (op->obj || op->obj2 || op->n)
		buf_printf(b, ".%u.%u.%d", op->obj, op->obj2, op->n);
	if (op->what == LOAD_SKIP)
		buf_printf(b, ".p%.6g", (double)op->p);
	if (op->id)
		buf_printf(b, ".%llx", LL(op->id));
	if (op->what <= LOAD_TIMER)
		add_dist(b, &op->dist);
}

static void add_task(struct buf *b, const char *name, const struct load *l,
		     size_t i)
{
	const struct load_task *t = &l->tasks[i];
	struct buf ops;

	buf_init(&ops, ROWS_MAX);
	for (size_t j = 0; j < t->op_count; j++)
		add_op(&ops, &t->ops[j]);
	buf_printf(b,
		   "%s\t%zu %s\tgroup=%u\tnice=%d\tpolicy=%d\tmask=%d"
		   "\tcgroup=%u\tinstances=%u\tstart=%llu\tstep=%llu"
		   "\tidentity=%llx\tprocess=%u%s%s%s\tops=%zu",
		   name, i, t->name, t->group, t->nice, (int)t->policy, t->mask,
		   t->cgroup, t->instances, LL(t->start_ns),
		   LL(t->start_step_ns), LL(t->identity), t->process,
		   t->leader ? " leader" : "", t->kernel ? " kernel" : "",
		   t->background ? " background" : "", t->op_count);
	if (ops.len > TOLD) {
		buf_printf(b, "\tall=%016llx", LL(stands_for(ops.data)));
		ops.data[TOLD] = 0;
	}
	buf_printf(b, "\t%s\n", ops.data);
	buf_release(&ops);
}

static void add_load(struct buf *b, const char *name, const struct load *l)
{
	buf_printf(b,
		   "%s\tload\tname=%s\tduration=%llu\tcpus=%u\tgroups=%zu"
		   "\tlocks=%zu\tbarriers=%zu\tprocesses=%zu\tinside=%d\tsems=",
		   name, l->name, LL(l->duration_ns), l->cpus, l->group_count,
		   l->lock_count, l->barrier_count, l->process_count,
		   l->costs_inside);
	for (size_t i = 0; i < l->sem_count; i++)
		buf_printf(b, " %u%s", l->sems[i].initial,
			   l->sems[i].lossy ? "!" : "");
	buf_puts(b, "\tmetrics=");
	for (size_t i = 0; i < l->metric_count; i++)
		buf_printf(b, " %s", l->metrics[i].name);
	buf_puts(b, "\tmasks=");
	for (size_t i = 0; i < l->mask_count; i++)
		buf_printf(b, " %llx", LL(l->masks[i].bits[0]));
	buf_puts(b, "\tcgroups=");
	for (size_t i = 1; i < l->cgroup_count; i++)
		buf_printf(b, " %s:%u:%u", l->cgroups[i].name,
			   l->cgroups[i].parent, l->cgroups[i].weight);
	buf_puts(b, "\n");
	json_each (n, l->notes)
		buf_printf(b, "%s\tnote\t%s\n", name, json_as_string(n, ""));
	json_each (v, l->identities)
		buf_printf(b, "%s\tidentity\t%s\texpect=%.9g\n", name,
			   json_as_string(json_get(v, "hash"), ""),
			   json_as_number(json_get(v, "expect_us"), 0));
	for (size_t i = 0; i < l->task_count; i++)
		add_task(b, name, l, i);
}

static void add_or_why_not(struct buf *b, const char *name, int rc,
			   struct load *l)
{
	if (rc < 0)
		buf_printf(b, "%s\trefused\t%d\t%s\n", name, rc, err_text());
	else
		add_load(b, name, l);
	load_free(l);
}

/* ---- traces ------------------------------------------------------------- */

enum { ACTORS = 7 };

struct play {
	struct buf b;
	struct rng rng;
	uint64_t at;
	struct {
		uint32_t pid;
		enum { AWAY, WAITS, RUNS, SLEEPS } doing;
		uint64_t cpu; /* time in all */
		uint64_t since;
		int nice;
	} a[ACTORS];
	uint32_t next_pid;
};

static void record(struct play *p, enum trace_what what, uint32_t pid,
		   uint32_t other, uint64_t value, uint8_t flags, int nice)
{
	struct trace_record r = {.at = htole64(p->at),
				 .value = htole64(value),
				 .pid = htole32(pid),
				 .other = htole32(other),
				 .what = (uint8_t)what,
				 .flags = flags,
				 .nice = (int8_t)nice};

	if (what == REC_NAME)
		memcpy(&r.value, flags & REC_SECOND ? "-and-on" : "worker-\0",
		       8);
	buf_add(&p->b, &r, sizeof(r));
}

static bool chance(struct play *p, unsigned percent)
{
	return rng_below(&p->rng, 100) < percent;
}

static void begins(struct play *p, int i, uint32_t by)
{
	p->a[i].pid = p->next_pid++;
	p->a[i].doing = WAITS;
	p->a[i].cpu = 0;
	p->a[i].nice = 0;
	if (by)
		record(p, REC_FORK, by, p->a[i].pid, 0, 0, 0);
	record(p, REC_NAME, p->a[i].pid, 0, 0, chance(p, 20) ? REC_KERNEL : 0,
	       0);
	if (chance(p, 50))
		record(p, REC_NAME, p->a[i].pid, 0, 0, REC_SECOND, 0);
}

static void goes_off(struct play *p, int i)
{
	uint64_t since = p->a[i].since, ran = p->at > since ? p->at - since : 0;
	uint8_t how = (uint8_t)rng_below(&p->rng, 3);

	/* What the kernel counts is not what the clock says. */
	ran = chance(p, 20) ? ran / 2 : ran + rng_below(&p->rng, 300);
	p->a[i].cpu += ran;
	if (chance(p, 10))
		record(p, REC_EXIT, p->a[i].pid, 0, 0, 0, 0);
	record(p, REC_OUT, p->a[i].pid, 0,
	       chance(p, 4) ? p->a[i].cpu / 3 : p->a[i].cpu, how, p->a[i].nice);
	p->a[i].doing = how == REC_PREEMPTED ? WAITS : SLEEPS;
	if (chance(p, 8))
		p->a[i].doing = AWAY;
}

static void wakes(struct play *p, int i, uint32_t by)
{
	record(p, REC_WAKE, p->a[i].pid, by, 0, chance(p, 10) ? REC_EARLY : 0,
	       0);
	p->a[i].doing = WAITS;
}

static void while_it_runs(struct play *p, int i)
{
	int other = (int)rng_below(&p->rng, ACTORS);

	if (chance(p, 12))
		record(p, REC_EXEC, p->a[i].pid, 0, 0x100 + p->at % 7, 0, 0);
	else if (p->a[other].doing == SLEEPS)
		wakes(p, other, p->a[i].pid);
	else if (p->a[other].doing == AWAY)
		begins(p, other, p->a[i].pid);
	else
		goes_off(p, i);
}

static void trace_of(struct play *p, uint64_t seed, int n)
{
	struct trace_header h = {
		.magic = REC_MAGIC,
		.version = htole32(REC_VERSION),
		.record_bytes = htole32(sizeof(struct trace_record)),
		.hz = htole64(1000000000),
		.cpus = htole32(3),
	};

	*p = (struct play){.at = 5000000, .next_pid = 10};
	rng_init(&p->rng, seed);
	buf_init(&p->b, 1 << 20);
	buf_add(&p->b, &h, sizeof(h));
	for (int k = 0; k < n; k++) {
		int i = (int)rng_below(&p->rng, ACTORS);
		bool odd = chance(p, 3);

		p->at += rng_below(&p->rng, 400000);
		/* Clocks of CPUs are not quite one clock. */
		if (seed == 4 && chance(p, 20))
			p->at -= 400000;
		if (p->a[i].doing == AWAY && !p->a[i].pid) {
			begins(p, i, 0);
		} else if (odd && p->a[i].pid) {
			goes_off(p, i);
		} else if (p->a[i].doing == RUNS) {
			while_it_runs(p, i);
		} else if (p->a[i].doing == WAITS || odd) {
			p->a[i].doing = RUNS;
			p->a[i].since = p->at;
			p->a[i].nice += chance(p, 10) ? 2 : 0;
			record(p, REC_IN, p->a[i].pid, 0, p->a[i].cpu, 0,
			       p->a[i].nice);
		} else if (p->a[i].doing == SLEEPS) {
			wakes(p, i,
			      chance(p, 60)   ? REC_BY_INTERRUPT
			      : chance(p, 50) ? REC_BY_UNKNOWN
					      : 999);
		}
	}
	record(p, REC_END, 0, 0, seed % 2 ? 17 : 0, 0, 0);
}

static void add_traces(struct buf *b)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		char *name = mem_printf("trace %llu", LL(seed));
		struct load *l;
		struct play p;
		int rc;

		trace_of(&p, seed, 160);
		rc = load_from_trace(p.b.data, p.b.len - (seed == 3 ? 40 : 0),
				     &l);
		add_or_why_not(b, name, rc, l);
		buf_release(&p.b);
		free(name);
	}
}

/* ---- bursts ------------------------------------------------------------- */

enum { TASKS = 8, BURSTS = 14 };

struct tape {
	struct burst_record r[TASKS * BURSTS + TASKS];
	size_t n;
	struct rng rng;
};

static void task_bursts(struct tape *t, uint32_t tid)
{
	uint64_t at = 1000000 + rng_below(&t->rng, 3000000);
	bool kernel = tid == 107, thread = tid % 3 == 1;

	for (int i = 0; i < BURSTS; i++) {
		struct burst_record *r = &t->r[t->n++];
		uint64_t run = 1000 + rng_below(&t->rng, 500000);

		*r = (struct burst_record){
			.at = at,
			.identity = kernel ? 0 : 0xa0 + tid % 4 + (i > 9),
			.cgroup = tid % 3 + 1,
			.run_ns = run,
			.wait_ns = rng_below(&t->rng, 200000),
			.sleep_ns = rng_below(&t->rng, 900000),
			.tid = tid,
			.tgid = thread ? tid - 1 : tid,
			.preempted = rng_below(&t->rng, 4) == 0,
		};
		r->features[FEATURE_KIND] = kernel   ? FEATURE_KERNEL
					    : thread ? FEATURE_THREAD
						     : FEATURE_PROCESS;
		r->features[FEATURE_WAKER] = FEATURE_BY_INTERRUPT;
		r->features[FEATURE_BURST_SLOW] =
			(int16_t)(300 + rng_below(&t->rng, 9));
		r->features[FEATURE_BURST_TREND] =
			(int16_t)rng_below(&t->rng, 5);
		r->features[FEATURE_WEIGHT] = (int16_t)(tid % 3 * 128);
		r->features[FEATURE_NICE] =
			(int16_t)(tid == 104 ? i / 5 * 3 : 0);
		if (rng_below(&t->rng, 9) == 0)
			r->flags |= BURST_EXECUTED;
		if (i == 8 && tid == 105)
			r->flags |= BURST_EXITED;
		at += r->wait_ns + run + r->sleep_ns +
		      (rng_below(&t->rng, 12) ? 0 : 2000000);
	}
}

/* Half of them were woken by somebody who ran then. */
static void give_wakers(struct tape *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct burst_record *r = &t->r[i];
		bool first = i % BURSTS == 0;

		for (size_t k = 0; k < t->n; k++) {
			const struct burst_record *w =
				&t->r[(k * 37 + i) % t->n];
			bool kernel =
				w->features[FEATURE_KIND] == FEATURE_KERNEL;

			if (w->tid == r->tid || w->at >= r->at ||
			    r->at > told_end(w) || rng_below(&t->rng, 4) == 0)
				continue;
			r->features[FEATURE_WAKER] =
				first		     ? FEATURE_BY_FORK
				: w->tgid == r->tgid ? FEATURE_BY_THREAD
				: kernel	     ? FEATURE_BY_KERNEL
						     : FEATURE_BY_OTHER;
			r->features[FEATURE_WAKER_BURST] =
				(int16_t)(w->features[FEATURE_BURST_SLOW] +
					  w->features[FEATURE_BURST_TREND] +
					  (int)rng_below(&t->rng, 2));
			if (first)
				r->flags |= BURST_FORKED;
			break;
		}
	}
}

static void write_tape(const struct tape *t, const char *path, uint64_t lost)
{
	struct bursts_opts o = {.max_bytes = 1 << 30,
				.every = 1,
				.epoch_ns = 1700000000000000000};
	struct bursts_written sum;
	struct bursts_writer *w;

	assert_int_equal(bursts_append(path, &o, &w), 0);
	for (size_t i = 0; i < t->n; i++)
		bursts_put(w, &t->r[i]);
	bursts_lost(w, lost);
	assert_int_equal(bursts_finish(w, &sum), 0);
	bursts_writer_free(w);
}

static void add_bursts(struct buf *b)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		char path[] = "/tmp/test_sim_sources.XXXXXX";
		char *name = mem_printf("bursts %llu", LL(seed));
		struct tape t = {.n = 0};
		struct load *l;
		int rc;

		close(mkstemp(path));
		rng_init(&t.rng, seed);
		for (uint32_t i = 0; i < TASKS; i++)
			task_bursts(&t, 100 + i);
		give_wakers(&t);
		write_tape(&t, path, seed == 2 ? 5 : 0);
		rc = load_from_bursts(path, seed == 4 ? 0.4 : 0, &l);
		/* How many CPUs it was recorded on is this machine's affair. */
		if (!rc)
			l->cpus = 0;
		add_or_why_not(b, name, rc, l);
		unlink(path);
		free(name);
	}
}

/* ---- profiles ----------------------------------------------------------- */

static struct json *a_hist(struct rng *r, unsigned n, double low, double high)
{
	struct hist h = {0};

	for (unsigned i = 0; i < n; i++)
		hist_add(&h, (uint64_t)(low * pow(high / low, rng_unit(r))));
	return hist_json(&h);
}

static void add_wakers(struct json *g, struct rng *r, int groups)
{
	struct json *list = json_array();

	for (int by = 0; by < groups; by++) {
		struct json *w;

		if (rng_below(r, 3))
			continue;
		w = json_add(list, json_object());
		json_set_string(w, "group",
				rng_below(r, 8) == 0
					? "(interrupt)"
					: (char[]){(char)('a' + by), 0});
		json_set_number(w, "count", (double)rng_below(r, 400));
	}
	json_set(g, "wakers", list);
}

/* One of many, some of which fork, hold locks, or come and go. */
static struct json *a_group(struct rng *r, int i, int groups)
{
	struct json *g = json_object();
	unsigned bursts = 20 + (unsigned)rng_below(r, 600);
	double low = 2e4 + (double)rng_below(r, 400000);

	json_set_string(g, "name", (char[]){(char)('a' + i), 0});
	json_set_number(g, "tasks", 1 + (double)rng_below(r, 6));
	/* Some hardly ran. */
	json_set_number(g, "run_us",
			i == 4 ? 9 : 1000 + (double)rng_below(r, 900000));
	json_set_number(g, "wait_us", (double)rng_below(r, 90000));
	json_set_number(g, "wakeups", bursts);
	json_set_number(g, "weight",
			(double[]){1024, 335, 9548, 15, 1}[rng_below(r, 5)]);
	json_set_number(g, "preemptions", (double)rng_below(r, 90));
	if (rng_below(r, 3) == 0)
		json_set_number(g, "preempted_holder_wakes", bursts / 3);
	if (rng_below(r, 3) == 0)
		json_set_number(g, "forks", (double)rng_below(r, 60));
	if (i == 5)
		json_set_bool(g, "kernel", true);
	if (rng_below(r, 6))
		json_set(g, "burst_us",
			 a_hist(r, bursts, low, low * (double)(2 + i * 30)));
	if (rng_below(r, 6))
		json_set(g, "sleep_us", a_hist(r, bursts, 2e5, 3e7));
	if (rng_below(r, 2))
		json_set(g, "block_us", a_hist(r, bursts / 4, 1e5, 9e5));
	add_wakers(g, r, groups);
	return g;
}

static struct json *a_profile(uint64_t seed, const char *scope,
			      const char *goal)
{
	struct json *v = json_object(), *system, *groups, *ids;
	struct rng r;
	int n;

	rng_init(&r, seed);
	n = 4 + (int)rng_below(&r, 5);
	json_set_string(v, "scope", scope);
	json_set_string(v, "goal", goal);
	json_set_number(v, "duration_us", 3e6 + (double)rng_below(&r, 4000000));
	system = json_set(v, "system", json_object());
	json_set_number(system, "cpus", 1 + (double)rng_below(&r, 4));
	groups = json_array();
	for (int i = 0; i < n; i++)
		json_add(groups, a_group(&r, i, n));
	json_set(v, "groups", groups);
	ids = json_array();
	for (int i = 0; i < 6; i++) {
		char name[2] = {(char)('a' + (int)rng_below(&r, 4)), 0};
		struct json *id = json_add(ids, json_object());

		json_set_string(id, "name", name);
		json_set_string(
			id, "hash",
			(char[]){'0', 'a', (char)('0' + (i * 5) % 9), 0});
		json_set_number(id, "execs", (double)rng_below(&r, 5));
		json_set_number(id, "run_us", (double)rng_below(&r, 600000));
	}
	json_set(v, "identities", ids);
	return v;
}

static void add_profile(struct buf *b, const char *name, const struct json *v)
{
	struct load *l;
	int rc = load_from_profile(v, &l);

	add_or_why_not(b, name, rc, l);
}

static void add_profiles(struct buf *b)
{
	static const struct {
		const char *scope, *goal;
	} kinds[] = {{"command", "makespan"},
		     {"command", "throughput"},
		     {"all", "latency"},
		     {"command", "makespan"}};
	struct json *doc;
	struct buf text;

	for (uint64_t seed = 1; seed <= 12; seed++) {
		size_t kind = seed % ARRAY_LEN(kinds);
		char *name = mem_printf("profile %llu", LL(seed));
		struct json *v =
			a_profile(seed, kinds[kind].scope, kinds[kind].goal);

		add_profile(b, name, v);
		json_free(v);
		free(name);
	}
	buf_init(&text, ROWS_MAX);
	assert_int_equal(buf_read_file(&text, "tests/bench/requests.profile"),
			 0);
	doc = json_parse(text.data, text.len);
	add_profile(b, "requests.profile", json_get(doc, "body"));
	json_free(doc);
	buf_release(&text);
}

/* ---- rt-app's JSON ------------------------------------------------------ */

/* What was written for each task, and what is read from it. */
static void add_written(struct buf *b, const char *name, const char *words)
{
	struct load *l = fix_load(words), *again;
	const struct json *notes;
	struct json *v = load_to_rtapp(l, &notes);
	char *text = json_canonical(v);
	int rc;

	json_each (t, json_get(v, "tasks")) {
		char *task = json_canonical(t);

		buf_printf(b, "%s\twrites %s\tall=%016llx\t%.400s\n", name,
			   json_key(t), LL(stands_for(task)), task);
		free(task);
	}
	json_each (n, notes)
		buf_printf(b, "%s\twrites note\t%s\n", name,
			   json_as_string(n, ""));
	rc = load_from_rtapp(text, strlen(text), &again);
	add_or_why_not(b, name, rc, again);
	json_free((struct json *)notes);
	json_free(v);
	free(text);
	load_free(l);
}

static void add_rtapp(struct buf *b)
{
	add_written(b, "written office", "for 1500ms\n" OFFICE);
	add_written(b, "written locks", LOCKS);
	add_written(b, "written jobs", BUILD_JOBS);
	add_written(b, "written groups", GROUPS);
	add_written(b, "written plug", PLUG);
	add_written(
		b, "written loops",
		"cpus 3\ncpus 6\nsem 0 lossy\nlocks 2\n"
		"a mask=0 nice=4 at=1ms : run 5ms ; sleep 1ms ; loop 7 ; "
		"nice 2 ; run 1ms ; loop 3 2 ; mask 1 ; run 2ms ; sleep "
		"3ms ; loop 0 6\n"
		"b*3 step=5ms : run 900ns ; run 300ns ; sleep 2501ns ; "
		"loop 4 ; run ~7us ; loop 5 4 ; skip 0.25 1 ; run 3us\n"
		"c : timer 0 ; run 4us ; timer 2ms ; spin 3us ; "
		"timer 5ms 1 ; loop\n"
		"d : lock 0 ; cond 0 0 ; unlock 0 ; post 0 9 ; post 0 8 ; post 0 3 ; "
		"run 20us-60us ; loop\n"
		"a : wait 0 ; run ~40us ; loop\n"
		"e : loop 3 ; exit\n");
}

/* ---- the hostile set ---------------------------------------------------- */

/* On many CPUs there are no more of some tasks than there are bits. */
static void add_large(struct buf *b, const char *name)
{
	size_t instances = 0, ops = 0;
	struct load *l;

	assert_int_equal(load_hostile(name, 200, 11, &l), 0);
	for (size_t i = 0; i < l->task_count; i++) {
		instances += l->tasks[i].instances;
		ops += l->tasks[i].op_count;
	}
	buf_printf(b,
		   "%s\tlarge\tcpus=%u\ttasks=%zu\tinstances=%zu\tops=%zu"
		   "\tsems=%zu\tmasks=%zu\tevents=%zu\tduration=%llu\n",
		   name, l->cpus, l->task_count, instances, ops, l->sem_count,
		   l->mask_count, l->event_count, LL(l->duration_ns));
	load_free(l);
}

static void add_hostile(struct buf *b)
{
	for (size_t i = 0; load_hostile_names[i]; i++) {
		const char *name = load_hostile_names[i];
		struct load *l;

		assert_int_equal(load_hostile(name, 5, 11, &l), 0);
		add_load(b, name, l);
		for (size_t e = 0; e < l->event_count; e++)
			buf_printf(b, "%s\tevent\t%llu\t%d\t%u\n", name,
				   LL(l->events[e].at_ns),
				   (int)l->events[e].what, l->events[e].cpu);
		load_free(l);
		add_large(b, name);
	}
}

static void all_sources(struct buf *b)
{
	add_traces(b);
	add_bursts(b);
	add_profiles(b);
	add_rtapp(b);
	add_hostile(b);
}

int main(int argc, char **argv)
{
	return rows_main(argc, argv, "tests/unit/sim_sources.tsv", all_sources);
}
