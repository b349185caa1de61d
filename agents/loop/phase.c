/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a round: each is one or two of our programs. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/loop/parts.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/form.h"

#define NEIGHBOURS 12
/* Bits of exit statuses: done, and "the answer is no". */
#define YES    (1u << 0)
#define YES_NO (1u << 0 | 1u << 1)
/* A program that somebody killed is started once more. */
#define TRIES 2

/* ---- calling ---------------------------------------------------------- */

static double time_left(const struct loop *l)
{
	double left = l->o->budget.seconds;

	if (left <= 0)
		return 0;
	left -= l->spent.seconds + clock_monotonic() - l->phase_start;
	/* The decision that this phase fits was made a moment ago. */
	return fmax(left, 1);
}

static int status_error(int exit_status)
{
	return exit_status == 4 || exit_status > 128 ? -EAGAIN : -EIO;
}

static int failed(const struct program_call *c, const struct program_answer *a)
{
	int rc = status_error(a->exit_status);

	if (a->cancelled)
		return err_set(EINTR, "stopped on request");
	if (a->timed_out)
		return err_set(ETIME, "the time is over");
	/* It said why itself where it could be seen. */
	if (*a->words)
		return err_set(-rc, "%s", a->words);
	return err_set(-rc, "%s ended with status %d", c->program,
		       a->exit_status);
}

static int take_doc(struct loop *l, const struct doc *d)
{
	int rc = loop_state_append(&l->state, d);

	if (!rc)
		rc = stream_emit(l->s, doc_copy(d));
	/* Who reads our documents may leave; the work goes on. */
	return rc == -EPIPE ? 0 : rc;
}

int loop_take(struct loop *l, const struct stream *from)
{
	int taken = 0, rc;

	for (size_t i = 0; i < stream_count(from); i++) {
		const struct doc *d = stream_at(from, i);

		/* What a child complains about, it says to us. */
		if (!strcmp(d->kind, "error") || stream_find(l->s, d->id))
			continue;
		rc = take_doc(l, d);
		if (rc)
			return rc;
		taken++;
	}
	return taken;
}

/* Calls a program; the documents it wrote that are new are taken in when it
 * ended with a status of which the bit 1 << status is set in good. */
static int ask(struct loop *l, struct program_call *c, unsigned good,
	       struct program_answer *a)
{
	int rc = 0, status;

	c->talks = l->o->talks;
	/* Who was told to stop still has to put things away. */
	c->cancel = l->stop == LOOP_INTERRUPTED ? NULL : l->o->cancel;
	for (int i = 0; i < TRIES; i++) {
		if (i)
			program_answer_release(a);
		rc = program_run(c, a);
		if (rc || a->exit_status != 128 + SIGKILL || a->timed_out ||
		    a->cancelled)
			break;
	}
	if (rc)
		return rc;
	status = a->exit_status;
	if (a->timed_out || a->cancelled || status > 31 ||
	    !(good & 1u << status))
		return failed(c, a);
	rc = loop_take(l, a->out);
	return rc < 0 ? rc : 0;
}

/* Every document so far, but for the errors of others. */
static const struct doc **all_docs(const struct loop *l, size_t *n)
{
	size_t count = stream_count(l->s);
	const struct doc **docs = mem_zalloc(count + 1, sizeof(struct doc *));

	*n = 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(stream_at(l->s, i)->kind, "error"))
			docs[(*n)++] = stream_at(l->s, i);
	return docs;
}

static void add_long(struct strs *args, const char *option, long x)
{
	if (x <= 0)
		return;
	strs_add(args, option);
	strs_printf(args, "%ld", x);
}

static void add_text(struct strs *args, const char *option, const char *text)
{
	if (!text)
		return;
	strs_add(args, option);
	strs_add(args, text);
}

void loop_guest_args(const struct loop *l, struct strs *args, bool topology)
{
	add_text(args, "--target", l->o->target);
	if (strcmp(l->o->target, "vm"))
		return;
	add_long(args, "--cpus", l->o->cpus);
	add_long(args, "--memory", l->o->memory_mib);
	add_text(args, "--kernel", l->o->kernel);
	if (topology)
		add_text(args, "--topology", l->o->topology);
}

/* ---- observing -------------------------------------------------------- */

/* 'a word' as words_split() reads it. */
static char *quoted(const struct strs *words)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < words->len; i++) {
		buf_puts(&b, i ? " '" : "'");
		for (const char *c = words->v[i]; *c; c++)
			if (*c == '\'')
				buf_puts(&b, "'\\''");
			else
				buf_add(&b, c, 1);
		buf_puts(&b, "'");
	}
	return buf_take(&b);
}

static void add_metric(struct strs *args, const struct metric *m)
{
	strs_add(args, "--metric");
	if (!m->regex && !m->json) {
		strs_add(args, "wall");
		return;
	}
	strs_printf(args, "%s,%s%s%s=%s:%s", m->name,
		    m->higher_is_better ? "higher" : "lower",
		    m->unit && *m->unit ? "," : "", m->unit ? m->unit : "",
		    m->regex ? "re" : "json", m->regex ? m->regex : m->json);
}

static void add_words(struct strs *args, const char *option,
		      const struct strs *words)
{
	char *text;

	if (!words->len)
		return;
	text = quoted(words);
	add_text(args, option, text);
	free(text);
}

static void observe_args(const struct loop *l, struct strs *args)
{
	const struct workload *w = l->o->workload;

	strs_add(args, "--json");
	loop_guest_args(l, args, false);
	add_text(args, "--goal", l->o->goal);
	add_text(args, "--name", w->name);
	for (size_t i = 0; i < w->metric_count; i++)
		add_metric(args, &w->metrics[i]);
	add_words(args, "--bound", &w->bound);
	add_words(args, "--short", &w->shorter);
	strs_add(args, "--");
	for (size_t i = 0; i < w->command.len; i++)
		strs_add(args, w->command.v[i]);
}

/* What the history has to say may be nothing. */
static int ask_neighbours(struct loop *l, const struct doc *profile)
{
	struct program_call c = {
		.program = "sched-history", .in = &profile, .n = 1};
	struct program_answer a = {0};
	int rc;

	strs_add(&c.args, "neighbours");
	strs_add(&c.args, "--json");
	add_long(&c.args, "-n", NEIGHBOURS);
	rc = ask(l, &c, YES_NO, &a);
	program_answer_release(&a);
	strs_release(&c.args);
	return rc;
}

static int observe(struct loop *l, const struct doc **profile)
{
	struct program_call c = {.program = "sched-observe",
				 .cwd = l->o->workload->cwd,
				 .timeout_s = time_left(l)};
	struct program_answer a = {0};
	int rc;

	observe_args(l, &c.args);
	rc = ask(l, &c, YES, &a);
	if (!rc)
		l->spent.guest_runs++;
	program_answer_release(&a);
	strs_release(&c.args);
	*profile = stream_last(l->s, "profile");
	if (!rc && !*profile)
		rc = err_set(ENODATA, "sched-observe gave no profile");
	return rc;
}

int loop_observe(struct loop *l)
{
	const struct doc *profile = NULL;
	int rc = 0;

	if (!l->o->profile) {
		rc = observe(l, &profile);
	} else {
		rc = take_doc(l, l->o->profile);
		profile = stream_last(l->s, "profile");
	}
	if (rc)
		return rc;
	json_set_string(l->state.body, "profile", profile->id);
	rc = ask_neighbours(l, profile);
	if (rc == -EINTR || rc == -ENOSPC)
		return rc;
	return 0;
}

/* ---- planning --------------------------------------------------------- */

void loop_model_budget(const struct loop *l, double *usd, double *tokens)
{
	const struct loop_budget *b = &l->o->budget;
	double rounds = fmax(1, (double)(b->rounds - (long)l->n + 1));

	*usd = fmax(0, b->usd - l->spent.usd) / rounds;
	*tokens = fmax(0, b->tokens - l->spent.tokens) / rounds;
}

static void add_budget(const struct loop *l, struct strs *args)
{
	const struct loop_budget *b = &l->o->budget;
	double usd, tokens;
	struct buf text;

	loop_model_budget(l, &usd, &tokens);
	buf_init(&text, 256);
	if (b->usd > 0)
		buf_printf(&text, "usd=%.6f", usd);
	if (b->tokens > 0)
		buf_printf(&text, "%stokens=%.0f", text.len ? "," : "",
			   fmax(1, tokens));
	if (b->seconds > 0)
		buf_printf(&text, "%stime=%.0f", text.len ? "," : "",
			   time_left(l));
	if (text.len)
		add_text(args, "--budget", text.data);
	buf_release(&text);
}

static int ask_synth(struct loop *l, long count, bool model)
{
	struct program_call c = {.program = "sched-synth",
				 .timeout_s = time_left(l)};
	struct program_answer a = {0};
	const struct doc **docs = all_docs(l, &c.n);
	size_t before = stream_count(l->s);
	double usd, tokens;
	int rc;

	c.in = docs;
	strs_add(&c.args, "--json");
	add_long(&c.args, "-n", count);
	add_long(&c.args, "--seed", l->o->seed + (long)l->n - 1);
	/* For what only a model writes, what is built in proposes as ever. */
	if (model || policy_form_is_searched(policy_form_named(l->o->form)))
		add_text(&c.args, "--form", l->o->form);
	add_text(&c.args, "--backend", model ? l->o->backend : "builtin");
	if (model) {
		add_text(&c.args, "--model", l->o->model);
		add_budget(l, &c.args);
	} else if (l->o->backend && !l->o->asks_model) {
		free(c.args.v[c.args.len - 1]);
		c.args.v[c.args.len - 1] = mem_strdup(l->o->backend);
	}
	rc = ask(l, &c, model ? YES_NO : YES, &a);
	loop_read_cost(l->s, before, &usd, &tokens);
	l->spent.usd += usd;
	l->spent.tokens += tokens;
	program_answer_release(&a);
	strs_release(&c.args);
	free(docs);
	return rc;
}

static bool was_tried(const struct loop *l, const char *policy)
{
	json_each (row, json_get(l->state.body, "rounds"))
		json_each (p, json_get(row, "policies"))
			if (!strcmp(json_as_string(p, ""), policy))
				return true;
	return false;
}

/* What docs[from..] propose becomes the round's. */
static void note_plans(struct loop *l, size_t from)
{
	struct json *row = loop_row(l), *plans = json_array(),
		    *policies = json_array();

	for (size_t i = from; i < stream_count(l->s); i++) {
		const struct doc *d = stream_at(l->s, i);

		if (!strcmp(d->kind, "plan"))
			json_add(plans, json_string(d->id));
		else if (!strcmp(d->kind, "policy") && !was_tried(l, d->id))
			json_add(policies, json_string(d->id));
	}
	json_set(row, "plans", plans);
	json_set(row, "policies", policies);
}

int loop_plan(struct loop *l, const struct loop_next *next)
{
	size_t from = stream_count(l->s);
	int rc = 0;

	if (next->builtin > 0)
		rc = ask_synth(l, next->builtin, false);
	if (!rc && next->model > 0) {
		rc = ask_synth(l, next->model, true);
		/* An endpoint that is down does not stop the others. */
		if (rc && rc != -EINTR && rc != -ENOSPC && next->builtin > 0) {
			if (l->o->note)
				l->o->note(l->o->arg, err_text());
			rc = 0;
		}
	}
	if (!rc)
		note_plans(l, from);
	return rc;
}

/* ---- verifying and learning ------------------------------------------- */

/* The profile, and the round's own plans and policies: the rest of the stream
 * would be measured, too. */
static const struct doc **round_docs(const struct loop *l, size_t *n)
{
	const struct json *row = loop_row((struct loop *)l);
	static const char *const lists[] = {"plans", "policies"};
	const struct doc **docs;
	size_t most = 1;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		most += json_len(json_get(row, lists[i]));
	docs = mem_zalloc(most, sizeof(struct doc *));
	*n = 0;
	docs[(*n)++] = loop_profile(l);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		json_each (id, json_get(row, lists[i])) {
			const struct doc *d =
				stream_find(l->s, json_as_string(id, ""));

			/* The state may name what somebody took out. */
			if (d)
				docs[(*n)++] = d;
		}
	return docs;
}

/* What served a workload like this one, tried by itself: how good it is and
 * why was found out there. */
static bool is_proven(const struct loop *l)
{
	const struct loop_round *r = &l->rounds[l->n - 1];

	return l->n == 1 && r->n == 1 && r->tries[0].source == LOOP_NEIGHBOUR;
}

static void verify_args(const struct loop *l, struct strs *args)
{
	strs_add(args, "--json");
	loop_guest_args(l, args, true);
	/* On other machines each policy has a look, and no rungs. */
	if (l->o->executor)
		add_text(args, "--executor", l->o->executor);
	else
		strs_add(args, "--halving");
	strs_add(args, "--sequential");
	if (is_proven(l))
		strs_add(args, "--bare");
	add_long(args, "--pairs", l->o->pairs);
	add_long(args, "--seed", l->o->seed + (long)l->n - 1);
	strs_add(args, "--min-effect");
	strs_printf(args, "%g", l->o->min_effect_pct);
	for (size_t i = 0; i < l->o->guard_count; i++)
		add_text(args, "--guard", l->o->guards[i]);
}

static int learn(struct loop *l)
{
	struct program_call c = {.program = "sched-history"};
	struct program_answer a = {0};
	const struct doc **docs = all_docs(l, &c.n);
	int rc;

	c.in = docs;
	strs_add(&c.args, "learn");
	strs_add(&c.args, "--json");
	rc = ask(l, &c, YES_NO, &a);
	program_answer_release(&a);
	strs_release(&c.args);
	free(docs);
	return rc;
}

int loop_verify(struct loop *l)
{
	struct program_call c = {.program = "sched-verify",
				 .timeout_s = time_left(l)};
	size_t from = stream_count(l->s);
	struct json *row = loop_row(l), *verdicts;
	struct program_answer a = {0};
	const struct doc **docs = round_docs(l, &c.n);
	long runs, simulated;
	int rc;

	c.in = docs;
	verify_args(l, &c.args);
	rc = ask(l, &c, YES_NO, &a);
	if (!rc) {
		verdicts = json_array();
		for (size_t i = from; i < stream_count(l->s); i++)
			if (!strcmp(stream_at(l->s, i)->kind, "verdict"))
				json_add(verdicts,
					 json_string(stream_at(l->s, i)->id));
		json_set(row, "verdicts", verdicts);
		json_set_bool(row, "judged", true);
		loop_read_runs(l->s, from, &runs, &simulated);
		json_set_number(row, "guest_runs", (double)runs);
		json_set_number(row, "sim_runs", (double)simulated);
		l->spent.guest_runs += runs;
		l->spent.sim_runs += simulated;
		rc = learn(l);
	}
	program_answer_release(&a);
	strs_release(&c.args);
	free(docs);
	return rc;
}

/* ---- the history ------------------------------------------------------ */

int loop_record(struct loop *l)
{
	struct program_call c = {.program = "sched-history"};
	struct program_answer a = {0};
	const struct doc **docs = all_docs(l, &c.n);
	int rc;

	c.in = docs;
	strs_add(&c.args, "add");
	strs_add(&c.args, "--json");
	rc = ask(l, &c, YES, &a);
	program_answer_release(&a);
	strs_release(&c.args);
	free(docs);
	return rc;
}

int loop_promote(struct loop *l, const struct loop_try *best)
{
	const struct json *name =
		json_path(loop_profile(l)->body, "workload.name");
	struct program_call c = {.program = "sched-history"};
	struct program_answer a = {0};
	int rc;

	strs_add(&c.args, "promote");
	strs_add(&c.args, "candidate");
	strs_add(&c.args, best->policy);
	add_text(&c.args, "--workload", json_as_string(name, NULL));
	rc = ask(l, &c, YES_NO, &a);
	program_answer_release(&a);
	strs_release(&c.args);
	return rc;
}
