/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording of bursts, and what a single record of it tells. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_bursts.h"

#define NS_PER_S 1000000000ll
/* The clocks of one boot do not drift further apart. */
#define SAME_BOOT_NS (60 * NS_PER_S)
/* Who is on a CPU may be known a little late. */
#define LATE_NS 2000

/* ---- the file ---------------------------------------------------------- */

static int check(const struct burst_record *r, uint64_t number)
{
	const char *what = NULL;

	if (r->at > INT64_MAX || r->run_ns > LOAD_MAX_NS ||
	    r->wait_ns > LOAD_MAX_NS || r->sleep_ns > LOAD_MAX_NS)
		what = "its times are out of range";
	else if (r->features[FEATURE_NICE] < -20 ||
		 r->features[FEATURE_NICE] > 19)
		what = "its nice value is none";
	if (!what)
		return 0;
	return err_set(EINVAL, "burst %" PRIu64 ": %s", number, what);
}

static int add(struct told *t, const struct bursts_block *b, int64_t *epoch)
{
	int64_t off = b->epoch_ns - *epoch;
	int rc = 0;

	if (b->every > 1)
		return err_set(ENOTSUP,
			       "only one of %u bursts was recorded: what the "
			       "others did is not known; record all "
			       "(--bursts-every 1)",
			       b->every);
	if (*epoch && (off > SAME_BOOT_NS || off < -SAME_BOOT_NS))
		return err_set(ENOTSUP,
			       "it was continued after a boot: tasks of two "
			       "boots are not the same");
	*epoch = b->epoch_ns;
	if (t->n + b->count > LOAD_MAX_BURSTS)
		return err_set(EFBIG,
			       "more than %u bursts: record for a shorter time",
			       LOAD_MAX_BURSTS);
	t->v = mem_realloc(t->v, t->n + b->count, sizeof(*t->v));
	for (uint32_t i = 0; i < b->count && !rc; i++) {
		rc = check(&b->records[i], t->n + 1);
		t->v[t->n++] = b->records[i];
	}
	t->lost += b->lost;
	return rc;
}

/* Bursts of one task never begin together; equal ones must stand somewhere. */
static int by_time(const void *a, const void *b)
{
	const struct burst_record *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return memcmp(x, y, sizeof(*x));
}

int told_from_file(const char *path, struct told *out)
{
	struct bursts_block block;
	struct bursts *b;
	int64_t epoch = 0;
	int rc = bursts_open(path, &b);

	*out = (struct told){0};
	if (rc)
		return rc;
	while (!rc && (rc = bursts_next(b, &block)) > 0)
		rc = add(out, &block, &epoch);
	out->torn = bursts_torn(b);
	out->cpus = bursts_cpus(b);
	bursts_close(b);
	if (!rc && !out->n)
		rc = err_set(EINVAL, "there is no burst in it");
	if (rc) {
		told_release(out);
		return err_prefix(rc, "'%s'", path);
	}
	qsort(out->v, out->n, sizeof(*out->v), by_time);
	out->start = out->v[0].at;
	out->end = out->v[out->n - 1].at;
	return 0;
}

void told_release(struct told *r)
{
	free(r->v);
	*r = (struct told){0};
}

/* ---- a record ---------------------------------------------------------- */

uint64_t told_ran(const struct burst_record *r, uint64_t at)
{
	uint64_t length = r->wait_ns + r->run_ns, gone;

	gone = at > r->at ? at - r->at : 0;
	if (gone >= length)
		return r->run_ns;
	/* One that was not preempted waited first and then ran. */
	if (!r->preempted)
		return gone > r->wait_ns ? gone - r->wait_ns : 0;
	return (uint64_t)((unsigned __int128)r->run_ns * gone / length);
}

/* The average of its bursts that a waker leaves with whom it wakes; two
 * features that were rounded down have it together. */
static bool is_average(const struct burst_record *w, int16_t said)
{
	int average = w->features[FEATURE_BURST_SLOW] +
		      w->features[FEATURE_BURST_TREND];

	if (w->flags & BURST_EXECUTED && !said)
		return true;
	return said == average || said == average + 1;
}

static bool is_kind(const struct burst_record *w, const struct burst_record *r)
{
	bool kernel = w->features[FEATURE_KIND] == FEATURE_KERNEL;

	switch (r->features[FEATURE_WAKER]) {
	case FEATURE_BY_FORK:
		/* Its child is what it is itself. */
		return w->identity == r->identity || w->flags & BURST_EXECUTED;
	case FEATURE_BY_THREAD:
		return w->tgid == r->tgid;
	case FEATURE_BY_OTHER:
		return w->tgid != r->tgid && !kernel;
	case FEATURE_BY_KERNEL:
		return kernel;
	default:
		return false;
	}
}

bool told_may_wake(const struct burst_record *w, const struct burst_record *r)
{
	uint64_t begun = w->at + (w->preempted ? 0 : w->wait_ns);

	/* Later than it began: so nobody waits for who waits for him. */
	return w->tid != r->tid && w->at < r->at && begun <= r->at + LATE_NS &&
	       r->at <= told_end(w) + LATE_NS && is_kind(w, r) &&
	       is_average(w, r->features[FEATURE_WAKER_BURST]);
}
