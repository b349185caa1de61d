/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/loop/loop.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "agents/loop/parts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* A phase that was cut off may have gone on so long after its last beat. */
#define BEAT_S 1

double loop_now(void)
{
	return (double)clock_wall();
}

/* ---- the heart beat --------------------------------------------------- */

static const struct loop_state *beating;

static void on_beat(int sig)
{
	int saved = errno;

	(void)sig;
	if (beating)
		loop_state_beat(beating);
	errno = saved;
}

static void set_beat(const struct loop_state *s)
{
	const struct itimerval t = {{s ? BEAT_S : 0, 0}, {s ? BEAT_S : 0, 0}};
	struct sigaction sa = {.sa_handler = on_beat, .sa_flags = SA_RESTART};

	beating = s;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

/* ---- the state -------------------------------------------------------- */

static struct json *list_of(struct json *body, const char *key)
{
	struct json *v = (struct json *)json_get(body, key);

	return v ? v : json_set(body, key, json_array());
}

struct json *loop_row(struct loop *l)
{
	const struct json *rows = json_get(l->state.body, "rounds");
	size_t n = json_len(rows);

	return n ? (struct json *)json_at(rows, n - 1) : NULL;
}

static int save(struct loop *l)
{
	struct json *body = l->state.body,
		    *v = json_set(body, "spent", json_object());

	json_set_number(v, "seconds", l->spent.seconds);
	json_set_number(v, "usd", l->spent.usd);
	json_set_number(v, "tokens", l->spent.tokens);
	json_set_number(v, "guest_runs", (double)l->spent.guest_runs);
	json_set_number(v, "sim_runs", (double)l->spent.sim_runs);
	return loop_state_save(&l->state);
}

/* A fresh run. */
static int begin(struct loop *l)
{
	struct json *body;
	const struct workload *w = l->o->workload;
	char run[64];
	int rc = loop_state_clear(&l->state);

	if (rc)
		return rc;
	body = l->state.body;
	snprintf(run, sizeof(run), "%lld-%ld", (long long)clock_wall(),
		 (long)getpid());
	json_set_string(body, "run", run);
	json_set_string(body, "status", "running");
	json_set_string(body, "target", l->o->target);
	json_set_number(body, "began", loop_now());
	if (w) {
		json_set_string(body, "name", w->name);
		json_set(body, "command", json_strings(&w->command));
	}
	return save(l);
}

/* What an unfinished run was spending when it was cut off: the time from the
 * beginning of the phase to its last sign of life and a little more; and of a
 * model all that it had been allowed, for nobody knows how much of it was
 * used. */
static void charge(struct loop *l)
{
	const struct json *body = l->state.body, *v = json_get(body, "spent");
	const struct json *held = json_get(body, "held");
	double from = json_as_number(json_get(body, "phase_began"), 0);
	double last = l->state.last_alive;

	l->spent = (struct loop_spent){
		.seconds = json_as_number(json_get(v, "seconds"), 0),
		.usd = json_as_number(json_get(v, "usd"), 0) +
		       json_as_number(json_get(held, "usd"), 0),
		.tokens = json_as_number(json_get(v, "tokens"), 0) +
			  json_as_number(json_get(held, "tokens"), 0),
		.guest_runs =
			(long)json_as_number(json_get(v, "guest_runs"), 0),
		.sim_runs = (long)json_as_number(json_get(v, "sim_runs"), 0),
	};
	if (from > 0 && last > from)
		l->spent.seconds += last - from + BEAT_S;
	json_remove(l->state.body, "held");
	json_remove(l->state.body, "phase_began");
}

/* The documents so far. */
static int read_stream(struct loop *l, int out_fd)
{
	const struct doc *d;
	int rc = loop_state_cut(&l->state);

	if (rc)
		return rc;
	if (l->s)
		stream_free(l->s);
	l->s = stream_open(loop_state_fd(&l->state), out_fd, LOOP_BY);
	while ((rc = stream_next(l->s, &d)) != 0) {
		if (rc == 1 || rc == -EINTR)
			continue;
		/* Who reads our documents may leave; we need all of them. */
		if (rc == -EPIPE && out_fd >= 0)
			return read_stream(l, -1);
		return err_prefix(rc, "'%s/stream.jsonl'", l->state.dir);
	}
	return 0;
}

/* ---- phases ----------------------------------------------------------- */

static void say(const struct loop *l, const char *words)
{
	if (l->o->progress)
		l->o->progress(l->o->arg, (long)l->n, (long)l->o->budget.rounds,
			       words);
}

static void say_next(const struct loop *l, const struct loop_next *next)
{
	static const char *const acts[] = {"observing", "planning", "verifying",
					   "deploying", "ending"};
	char *words = l->n ? mem_printf("round %zu, %s: %s", l->n,
					acts[next->act], next->why)
			   : mem_printf("%s: %s", acts[next->act], next->why);

	say(l, words);
	free(words);
}

/* Written before it starts: what it may come to cost. */
static int enter(struct loop *l, const struct loop_next *next)
{
	struct json *body = l->state.body, *held, *row;
	static const char *const names[] = {"observe", "plan", "verify",
					    "deploy", "end"};
	double usd, tokens;

	l->phase_start = clock_monotonic();
	json_set_string(body, "phase", names[next->act]);
	json_set_number(body, "phase_began", loop_now());
	row = loop_row(l);
	if (next->act == LOOP_PLAN &&
	    (!row || json_as_bool(json_get(row, "judged"), false))) {
		json_add(list_of(body, "rounds"), json_object());
		loop_read_rounds(l);
	}
	if (next->act == LOOP_PLAN && next->model) {
		held = json_set(body, "held", json_object());
		loop_model_budget(l, &usd, &tokens);
		json_set_number(held, "usd", usd);
		json_set_number(held, "tokens", tokens);
	}
	if (row && isfinite(next->expected_gain_pct))
		json_set_number(row, "expected_gain_pct",
				next->expected_gain_pct);
	return save(l);
}

static int leave(struct loop *l, const struct loop_next *next)
{
	double seconds = clock_monotonic() - l->phase_start;
	struct json *body = l->state.body, *row = loop_row(l);

	l->spent.seconds += seconds;
	if (next->act == LOOP_PLAN || next->act == LOOP_VERIFY)
		json_set_number(row, "seconds",
				json_as_number(json_get(row, "seconds"), 0) +
					seconds);
	json_remove(body, "held");
	json_remove(body, "phase_began");
	return save(l);
}

static int deploy(struct loop *l)
{
	const struct loop_try *best = loop_best(l->rounds, l->n);
	int rc = loop_deploy(l, best);

	/* It holds nowhere yet but here; whoever goes further says so. */
	if (!rc && loop_promote(l, best) && l->o->note)
		l->o->note(l->o->arg, err_text());
	if (rc == -EINTR)
		return rc;
	if (rc && l->o->note)
		l->o->note(l->o->arg, err_text());
	l->deployed = true;
	json_set_bool(l->state.body, "deployed", true);
	return 0;
}

static int act(struct loop *l, const struct loop_next *next)
{
	int rc = enter(l, next);
	char *why;

	if (rc)
		return rc;
	switch (next->act) {
	case LOOP_OBSERVE:
		rc = loop_observe(l);
		break;
	case LOOP_PLAN:
		rc = loop_plan(l, next);
		break;
	case LOOP_VERIFY:
		rc = loop_verify(l);
		break;
	case LOOP_DEPLOY:
		rc = deploy(l);
		break;
	case LOOP_STOP:
		break;
	}
	if (!rc)
		return leave(l, next);
	/* The phase is to be done again: half of it does not count, what it
	 * took does.  Why it failed is what is told. */
	why = mem_strdup(err_text());
	l->spent.seconds += clock_monotonic() - l->phase_start;
	json_remove(l->state.body, "phase_began");
	if (!loop_state_cut(&l->state))
		save(l);
	err_set(-rc, "%s", why);
	free(why);
	return rc;
}

/* ---- the end ---------------------------------------------------------- */

static int end(struct loop *l, const char *status, struct loop_result *r)
{
	const struct loop_try *best = loop_best(l->rounds, l->n);
	struct json *body = l->state.body;
	struct doc *note = loop_note(l, status);
	int rc = note ? 0 : -EINVAL;

	if (!rc)
		rc = loop_state_append(&l->state, note);
	if (rc) {
		doc_free(note);
		return rc;
	}
	rc = stream_emit(l->s, note);
	r->note = stream_last(l->s, "note");
	if (rc && rc != -EPIPE)
		return rc;
	json_set_string(body, "status", status);
	json_set_string(body, "stopped", loop_stop_names[l->stop]);
	json_set_number(body, "ended", loop_now());
	if (best) {
		json_set_string(body, "best", best->policy);
		json_set_string(body, "verdict", best->verdict);
	}
	return loop_record(l);
}

static int go(struct loop *l, struct loop_result *r)
{
	struct loop_next next;
	struct loop_view v;
	int rc = 0;

	do {
		loop_read_view(l, &v);
		loop_decide(&v, &next);
		l->stop = next.stop;
		snprintf(l->why, sizeof(l->why), "%s", next.why);
		say_next(l, &next);
		if (next.act == LOOP_STOP)
			break;
		rc = act(l, &next);
		/* What was learned is safe even if this is the last of it. */
		if (!rc && next.act == LOOP_VERIFY)
			rc = loop_record(l);
	} while (!rc);
	if (rc == -ETIME) {
		/* Cut off by the budget; what was found before stands. */
		loop_read_rounds(l);
		l->stop = LOOP_BUDGET;
		snprintf(l->why, sizeof(l->why), "the %.0f s are over",
			 l->o->budget.seconds);
		rc = 0;
	}
	if (rc == -EINTR) {
		l->stop = LOOP_INTERRUPTED;
		snprintf(l->why, sizeof(l->why), "stopped on request");
		rc = 0;
	}
	if (rc)
		return rc;
	if (l->stop == LOOP_INTERRUPTED)
		r->answer = LOOP_LATER;
	else
		r->answer =
			loop_best(l->rounds, l->n) ? LOOP_BETTER : LOOP_NOTHING;
	rc = end(l,
		 r->answer == LOOP_LATER    ? "later"
		 : r->answer == LOOP_BETTER ? "better"
					    : "none",
		 r);
	return rc ? rc : save(l);
}

/* ---- the beginning ---------------------------------------------------- */

static void note(const struct loop *l, const char *words)
{
	if (l->o->note)
		l->o->note(l->o->arg, words);
}

/* An unfinished run that nobody wants to go on with: its documents stay in the
 * history. */
static int put_aside(struct loop *l)
{
	int rc = read_stream(l, -1);

	if (rc)
		return rc;
	note(l, "an earlier run on this workload was not finished (--resume "
		"would go on with it); what it found is in the history");
	return stream_count(l->s) ? loop_record(l) : 0;
}

/* 1: there is nothing to do. */
static int prepare(struct loop *l)
{
	bool unfinished = loop_state_unfinished(l->state.body), attach;
	int rc;

	if (unfinished && (l->o->resume || l->o->once)) {
		charge(l);
		json_set_string(l->state.body, "status", "running");
		l->deployed = json_as_bool(json_get(l->state.body, "deployed"),
					   false);
		rc = read_stream(l, l->o->out_fd);
		return rc ? rc : save(l);
	}
	if (unfinished)
		rc = put_aside(l);
	else if (l->o->resume)
		rc = err_set(ENOENT, "there is no unfinished run on this "
				     "workload to go on with");
	else if (l->o->once && !(rc = read_stream(l, -1)) &&
		 loop_is_current(l, &attach)) {
		if (!attach)
			return 1;
		loop_read_rounds(l);
		rc = loop_deploy(l, loop_best(l->rounds, l->n));
		return rc ? rc : 1;
	} else {
		rc = 0;
	}
	if (!rc)
		rc = begin(l);
	return rc ? rc : read_stream(l, l->o->out_fd);
}

int loop_run(const struct loop_opts *o, struct loop_result *r)
{
	struct loop l = {.o = o};
	char key[DOC_ID_LEN];
	int rc;

	*r = (struct loop_result){0};
	if (o->workload)
		loop_key(o->workload, o->target, key);
	else
		loop_key_profile(o->profile->id, o->target, key);
	rc = loop_state_open(key, &l.state);
	if (rc)
		return rc;
	set_beat(&l.state);
	rc = prepare(&l);
	if (rc == 1)
		r->answer = LOOP_CURRENT;
	else if (!rc)
		rc = go(&l, r);
	set_beat(NULL);
	snprintf(r->place, sizeof(r->place), "%s", l.place);
	r->docs = l.s;
	loop_free_rounds(&l);
	loop_state_close(&l.state);
	return rc < 0 ? rc : 0;
}

void loop_result_release(struct loop_result *r)
{
	if (r->docs)
		stream_free(r->docs);
	*r = (struct loop_result){0};
}
