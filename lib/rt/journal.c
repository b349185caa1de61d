/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/journal_parts.h"

#define PENDING_MAX ((size_t)256 << 20) /* bytes that no disk would take */
#define BATCH	    (1u << 20)		/* of a rewriting */
#define SLACK	    (4u << 20)		/* bytes that no rewriting is worth */

struct rt_journal {
	struct journal_file file;
	struct buf out; /* the next batch */
	bool sync;	/* something in it was billed */
	bool full;	/* more would not fit into memory */
	double ahead;	/* of the engine's clock: the wall's */
	size_t live;	/* bytes that a rewriting left, or would have */
	uint64_t top;	/* the highest id */
};

static void empty(struct buf *batch)
{
	static const char room[JOURNAL_ROOM];

	buf_reset(batch);
	buf_add(batch, room, sizeof(room));
}

static double wall_ahead(double now)
{
	return (double)clock_wall() - now;
}

/* ---- opening ----------------------------------------------------------- */

static int replay(struct rt_journal *j, struct rt *r, double now)
{
	struct journal_found found;
	struct journal_view v;
	int rc = journal_view_open(&j->file, &v);

	if (rc)
		return rc;
	rc = journal_replay(&v, r, j->ahead, now, &found);
	journal_view_release(&v);
	j->live = found.live;
	j->top = found.top;
	return rc ? err_prefix(rc, "journal '%s'", j->file.path) : 0;
}

int rt_journal_open(const char *path, struct rt *r, double now, size_t *lost,
		    struct rt_journal **out)
{
	struct rt_journal *j = mem_zalloc(1, sizeof(*j));
	int rc = journal_file_open(&j->file, path, lost);

	buf_init(&j->out, SIZE_MAX);
	empty(&j->out);
	j->ahead = wall_ahead(now);
	if (!rc)
		rc = replay(j, r, now);
	if (rc)
		rt_journal_close(j);
	else
		*out = j;
	return rc;
}

void rt_journal_close(struct rt_journal *j)
{
	if (!j)
		return;
	journal_file_close(&j->file);
	buf_release(&j->out);
	free(j);
}

/* ---- writing ----------------------------------------------------------- */

static void put(struct buf *out, double ahead, const struct rt_task *t,
		enum journal_kind kind, const struct rt_outcome *o)
{
	struct journal_record x = {
		.kind = kind,
		.id = t->id,
		.attempt = t->attempt,
		.state = t->state,
		.used = t->used,
		.not_before = t->not_before,
	};

	/* Lent, for as long as it takes to write them down. */
	if (kind == JOURNAL_REQUEST)
		x.request = t->q;
	if (kind == JOURNAL_SUSPENDED)
		x.text = t->checkpoint;
	if (kind == JOURNAL_ENDED && o) {
		x.has_outcome = true;
		x.outcome = *o;
	}
	journal_put(out, &x, ahead);
}

static bool is_billed(const struct rt_usage *u)
{
	return u->tokens_in || u->tokens_out || u->cost_usd > 0;
}

void rt_journal_add(struct rt_journal *j, const struct rt_event *e)
{
	static const enum journal_kind kinds[] = {
		[RT_EV_SUBMITTED] = JOURNAL_REQUEST,
		[RT_EV_STARTED] = JOURNAL_STARTED,
		[RT_EV_SUSPENDED] = JOURNAL_SUSPENDED,
		[RT_EV_RETRY] = JOURNAL_RETRY,
		[RT_EV_ENDED] = JOURNAL_ENDED,
		[RT_EV_DELIVERED] = JOURNAL_DELIVERED,
	};
	const struct rt_task *t = e->task;

	/* That it was begun matters where it must not begin again. */
	if (e->kind == RT_EV_STARTED && !rt_request_once(&t->q))
		return;
	/* From here on nothing is committed, so nobody hears of more. */
	j->full = j->full || j->out.len > PENDING_MAX;
	if (j->full)
		return;
	put(&j->out, j->ahead, t, kinds[e->kind], e->outcome);
	if (t->id > j->top)
		j->top = t->id;
	if (e->kind != RT_EV_SUBMITTED && e->kind != RT_EV_DELIVERED &&
	    is_billed(&t->used))
		j->sync = true;
}

int rt_journal_commit(struct rt_journal *j)
{
	int rc;

	if (j->full)
		return err_set(ENOBUFS,
			       "journal '%s': more waits to be written than "
			       "memory may hold: end this process, and give "
			       "the disk room",
			       j->file.path);
	if (j->out.len == JOURNAL_ROOM)
		return 0;
	rc = journal_file_write(&j->file, &j->out, j->sync);
	if (rc)
		return rc;
	empty(&j->out);
	j->sync = false;
	return 0;
}

/* ---- writing anew ------------------------------------------------------ */

struct rewriting {
	struct journal_file to;
	struct buf batch;
	double ahead;
	size_t live;
};

static int flush(struct rewriting *w)
{
	int rc;

	if (w->batch.len == JOURNAL_ROOM)
		return 0;
	rc = journal_file_write(&w->to, &w->batch, false);
	empty(&w->batch);
	return rc;
}

static void put_progress(struct rewriting *w, const struct rt_task *t)
{
	bool runs = rt_task_runs(t);
	struct rt_task before = *t;

	/* Each holds what was used so far, and the last one says how it goes
	 * on: from where it stopped, or with the next attempt. */
	if (t->checkpoint)
		put(&w->batch, w->ahead, t, JOURNAL_SUSPENDED, NULL);
	before.attempt -= runs;
	if (before.attempt && !t->resumed)
		put(&w->batch, w->ahead, &before, JOURNAL_RETRY, NULL);
	if (runs && rt_request_once(&t->q))
		put(&w->batch, w->ahead, t, JOURNAL_STARTED, NULL);
}

static int put_task(void *arg, const struct rt_task *t)
{
	static char nothing[] = "";
	struct rewriting *w = arg;
	size_t before = w->batch.len;
	struct rt_task copy = *t;

	if (rt_task_ended(t))
		copy.q.payload = nothing;
	put(&w->batch, w->ahead, &copy, JOURNAL_REQUEST, NULL);
	if (rt_task_ended(t))
		put(&w->batch, w->ahead, t, JOURNAL_ENDED, t->outcome);
	else
		put_progress(w, t);
	if (t->delivered)
		put(&w->batch, w->ahead, t, JOURNAL_DELIVERED, NULL);
	w->live += w->batch.len - before;
	return w->batch.len > BATCH ? flush(w) : 0;
}

static int put_all(struct rewriting *w, const struct rt *r, uint64_t top)
{
	struct rt_predictor *p = rt_predictor_of((struct rt *)(uintptr_t)r);
	struct json *v = rt_predictor_json(p);
	char *text = json_canonical(v);
	struct journal_record x = {
		.kind = JOURNAL_PREDICTOR, .id = top, .text = text};
	int rc = rt_each(r, put_task, w);

	/* Last: it knows already what those that ended before it taught. */
	journal_put(&w->batch, &x, w->ahead);
	free(text);
	json_free(v);
	return rc ? rc : flush(w);
}

int journal_rewrite(struct rt_journal *j, const struct rt *r, double now)
{
	struct rewriting w = {.ahead = wall_ahead(now)};
	/* What is not written yet would be in both. */
	int rc = rt_journal_commit(j);

	rc = rc ? rc : journal_file_beside(&j->file, &w.to);
	if (rc)
		return rc;
	buf_init(&w.batch, SIZE_MAX);
	empty(&w.batch);
	rc = put_all(&w, r, j->top);
	buf_release(&w.batch);
	if (rc) {
		journal_file_give_up(&w.to);
		return rc;
	}
	rc = journal_file_replace(&j->file, &w.to);
	j->live = w.live;
	j->ahead = w.ahead;
	return rc;
}

int rt_journal_compact(struct rt_journal *j, const struct rt *r, double now)
{
	if ((size_t)j->file.end < 2 * j->live + SLACK)
		return 0;
	return journal_rewrite(j, r, now);
}
