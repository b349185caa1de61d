/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/program/program.h"
#include "agents/verifier/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/schema.h"

#define WORDS_MAX 300  /* of what a node said */
#define RUNS_MAX  1000 /* pairs of one policy */

/* ---- what was asked --------------------------------------------------- */

/* The stages in their order, all of them. */
static int check_stages(const struct json *body)
{
	const struct json *list = json_get(body, "stages");

	for (size_t i = 0; i < STAGE_COUNT; i++)
		if (strcmp(json_text_at(json_at(list, i), "name"),
			   verifier_stage_names[i]))
			return err_set(EBADMSG, "it lacks the stage %s",
				       verifier_stage_names[i]);
	return 0;
}

static enum stage_status status_of(const struct json *stage)
{
	const char *name = json_text_at(stage, "status");
	int i = STATUS_SKIPPED;

	while (i > STATUS_UNKNOWN && strcmp(verifier_status_names[i], name))
		i--;
	return (enum stage_status)i;
}

static double positive(const struct json *v, const char *path)
{
	double x = json_as_number(json_path(v, path), 0);

	return x >= 0 && x < 0x1p53 ? x : 0;
}

/* The samples of all metrics, if they are those of the workload: -EBADMSG. */
static int read_pairs(const struct group *g, const struct json *body,
		      struct pairs *out)
{
	const struct json *list = json_get(body, "metrics"), *base, *cand;
	size_t metrics = g->w.metric_count, n, i;
	double *rows;
	int rc = 0;

	if (!json_len(list))
		return 0;
	n = json_len(json_path(json_at(list, 0), "samples.baseline"));
	if (json_len(list) != metrics || !n || n > RUNS_MAX)
		return err_set(EBADMSG, "its figures are of another workload");
	rows = mem_zalloc(2 * n * metrics, sizeof(*rows));
	for (size_t m = 0; m < metrics && !rc; m++) {
		const struct json *row = json_at(list, m);

		base = json_path(row, "samples.baseline");
		cand = json_path(row, "samples.candidate");
		if (strcmp(json_text_at(row, "name"), g->w.metrics[m].name) ||
		    json_len(base) != n || json_len(cand) != n) {
			rc = err_set(EBADMSG, "its figures of '%s' do not fit",
				     g->w.metrics[m].name);
			break;
		}
		i = 0;
		json_each (x, base)
			rows[i++ * metrics + m] = json_as_number(x, 0);
		json_each (x, cand)
			rows[i++ * metrics + m] = json_as_number(x, 0);
	}
	for (i = 0; i < n && !rc; i++)
		pairs_add(out, metrics, rows + i * metrics,
			  rows + (n + i) * metrics);
	free(rows);
	return rc;
}

/* ---- where it was ----------------------------------------------------- */

static void set_text(struct json *to, const struct json *body, const char *key)
{
	if (*json_text_at(body, key))
		json_set_string(to, key, json_text_at(body, key));
}

static bool saw_kernel(const struct json *body)
{
	return strcmp(json_text_at(body, "kernel"), "none") != 0;
}

static void take_place(struct candidate *c, const struct json *body,
		       const char *node)
{
	struct elsewhere *from = mem_zalloc(1, sizeof(*from));

	from->facts = json_object();
	set_text(from->facts, body, "target");
	set_text(from->facts, body, "kernel");
	set_text(from->facts, body, "configuration");
	set_text(from->facts, body, "accelerator");
	/* A simulation is the same wherever it is made. */
	if (saw_kernel(body))
		from->node = mem_strdup(node);
	from->load = positive(body, "evidence.host_load");
	from->wait_pct = positive(body, "evidence.host_wait_pct");
	c->from = from;
}

/* ---- a look ----------------------------------------------------------- */

/* What is said of the decision there is not said of the one here, and what is
 * merely noted comes after it. */
static void sort_findings(struct stage *s, struct elsewhere *from)
{
	struct json *kept = json_array();

	from->notes = json_array();
	json_each (f, s->findings) {
		const char *rule = json_text_at(f, "rule");

		if (!strcmp(rule, "busy-host") || !strcmp(rule, "model"))
			json_add(from->notes, json_copy(f));
		else if (strcmp(rule, "undecided"))
			json_add(kept, json_copy(f));
	}
	json_free(s->findings);
	s->findings = kept;
}

static void take_stages(const struct verifier *v, struct candidate *c,
			const struct json *body)
{
	const struct json *list = json_get(body, "stages");

	for (enum stage_id id = 0; id < STAGE_COUNT; id++) {
		const struct json *row = json_at(list, id);
		struct stage *s = &c->stages[id];

		s->status = status_of(row);
		s->seconds = positive(row, "seconds");
		stage_take_findings(s, json_get(row, "findings"));
	}
	sort_findings(&c->stages[STAGE_RUN], c->from);
	/* There was nothing to compile it with. */
	c->unbuilt = stage_wanted(v, STAGE_BUILD) &&
		     c->stages[STAGE_BUILD].status == STATUS_SKIPPED;
}

static int take_look(struct verifier *v, struct group *g, struct candidate *c,
		     const struct json *body, const char *node)
{
	const char *object = json_text_at(body, "object_sha256");
	int rc = check_stages(body);

	if (!rc && g->has_workload)
		rc = read_pairs(g, body, &c->screen);
	if (rc)
		return rc;
	take_place(c, body, node);
	take_stages(v, c, body);
	if (schema_is_hex(object, sizeof(c->object) - 1))
		memcpy(c->object, object, sizeof(c->object));
	if (json_get(body, "simulation"))
		c->simulation = json_copy(json_get(body, "simulation"));
	c->tally.runs = (size_t)positive(body, "evidence.runs");
	c->tally.invalid = (size_t)positive(body, "invalid_runs");
	g->target_runs += (size_t)positive(body, "evidence.target_runs");
	return 0;
}

/* ---- a verdict -------------------------------------------------------- */

/* The figures say so, too, by the rules that hold here. */
static bool is_borne_out(const struct verifier *v, const struct group *g,
			 const struct candidate *c, const struct json *body)
{
	struct evidence e;

	for (enum stage_id id = 0; id < STAGE_COUNT; id++) {
		enum stage_status s =
			status_of(json_at(json_get(body, "stages"), id));

		if (!stage_wanted(v, id) || s == STATUS_FAILED ||
		    s == STATUS_SKIPPED)
			return false;
	}
	if (c->main.n < VERIFIER_MIN_PAIRS || !v->o->confirm || !c->fresh ||
	    c->fresh >= c->main.n ||
	    (v->o->sequential &&
	     strcmp(json_text_at(body, "evidence.stopped"), "decided")))
		return false;
	verdict_judge(v, g, &c->main, 0, &e);
	return e.effect == EFFECT_BETTER && !verdict_guard_failed(v, g, c) &&
	       verdict_confirms(v, g, c);
}

/* What only who sent it knows. */
static void complete(const struct group *g, struct candidate *c,
		     const char *node)
{
	struct json *e = json_copy(json_get(c->answer, "evidence"));

	if (!e)
		e = json_object();
	json_set_number(e, "target_runs", (double)g->target_runs);
	/* Those of its own round only warmed it up. */
	if (c->screen.n)
		json_set_number(e, "screening_pairs", (double)c->screen.n);
	if (saw_kernel(c->answer))
		json_set_string(e, "node", node);
	json_set(c->answer, "evidence", e);
	json_remove(c->answer, "signature");
}

static int take_verdict(struct verifier *v, struct group *g,
			struct candidate *c, const struct json *body)
{
	const char *object = json_text_at(body, "object_sha256");
	int rc = check_stages(body);

	if (!rc)
		rc = read_pairs(g, body, &c->main);
	if (rc)
		return rc;
	c->fresh = (size_t)positive(body, "evidence.confirmation_pairs");
	if (*c->object && *object && strcmp(c->object, object))
		return err_set(EBADMSG,
			       "it is of another object than was looked at: "
			       "the nodes do not have the same installation");
	if (!strcmp(json_text_at(body, "decision"), "accepted") &&
	    !is_borne_out(v, g, c, body))
		return err_set(EBADMSG,
			       "it says 'accepted', and its figures do not");
	c->answer = json_copy(body);
	return 0;
}

/* ---- nothing ---------------------------------------------------------- */

/* rc 0: it was tried, and no more is to be had. */
static void lose(struct verifier *v, struct candidate *c, int rc,
		 const char *why)
{
	if (c->lost)
		return;
	c->lost = mem_printf("%.*s", WORDS_MAX, why);
	if (rc && !v->lost++)
		v->lost_rc = rc;
	for (enum stage_id id = 0; id < STAGE_RUN && !c->answer; id++)
		if (stage_wanted(v, id) &&
		    c->stages[id].status == STATUS_UNKNOWN) {
			stage_find(&c->stages[id], "lost", "%s", c->lost);
			break;
		}
}

static int error_of(int exit_status)
{
	return exit_status <= 1 ? 0 : exit_status == 4 ? -EAGAIN : -EIO;
}

static void no_verdict(struct verifier *v, struct candidate *c,
		       const struct executor_answer *a)
{
	size_t len;
	const char *words = last_words(a->said, &len);
	char *why = mem_printf("sched-verify on %s gave no verdict (status "
			       "%d)%s%.*s",
			       a->node, a->exit_status, len ? ": " : "",
			       (int)(len > WORDS_MAX ? WORDS_MAX : len), words);
	int rc = error_of(a->exit_status);

	lose(v, c, rc ? rc : -EIO, why);
	free(why);
}

static void lose_job(struct verifier *v, struct candidate *c,
		     const struct executor_answer *a)
{
	char *why = mem_printf("its job was lost: %s", a->why);

	lose(v, c, -EAGAIN, why);
	free(why);
}

static const struct json *verdict_on(const struct stream *s,
				     const struct candidate *c)
{
	for (size_t i = s ? stream_count(s) : 0; i-- > 0;) {
		const struct doc *d = stream_at(s, i);

		if (!strcmp(d->kind, "verdict") &&
		    !strcmp(json_text_at(d->body, "policy"), c->policy->id))
			return d->body;
	}
	return NULL;
}

/* ---- all of it -------------------------------------------------------- */

static void take_one(struct verifier *v, struct group *g, struct candidate *c,
		     bool look, const struct executor_answer *a,
		     const struct json *body)
{
	int rc = look ? take_look(v, g, c, body, a->node)
		      : take_verdict(v, g, c, body);
	bool measured = stage_wanted(v, STAGE_RUN) && g->has_workload;
	char *why;

	if (rc) {
		why = mem_printf("the answer of %s is none: %s", a->node,
				 err_text());
		lose(v, c, rc, why);
		free(why);
	} else if (candidate_alive(c) && (error_of(a->exit_status) ||
					  (look && measured && !c->screen.n))) {
		/* It could not climb as far as it should have. */
		lose(v, c, error_of(a->exit_status), json_text_at(body, "why"));
	}
}

void gather_take(struct verifier *v, struct group *g, struct candidate **c,
		 size_t n, bool look, const struct executor_answer *a)
{
	struct stream *s = NULL;
	size_t runs = 0;

	if (a->state == EXECUTOR_DONE)
		s = program_read(a->out, a->out_len, "sched-verify");
	for (size_t i = 0; i < n && a->state != EXECUTOR_UNKNOWN; i++) {
		const struct json *body = verdict_on(s, c[i]);

		if (a->state == EXECUTOR_LOST)
			lose_job(v, c[i], a);
		else if (body)
			take_one(v, g, c[i], look, a, body);
		else
			no_verdict(v, c[i], a);
	}
	/* Each verdict of a job has all of the job's. */
	for (size_t i = 0; i < n; i++)
		if (c[i]->answer)
			runs = (size_t)positive(c[i]->answer,
						"evidence.target_runs");
	g->target_runs += runs;
	for (size_t i = 0; i < n; i++)
		if (c[i]->answer)
			complete(g, c[i], a->node);
	stream_free(s);
}
