/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ladder on other machines: each policy with its profile is a job, and what
 * is run there is this very program.
 *
 * Where policies of a profile are to be measured beside each other there are
 * two rounds of jobs: a look at each, and then, on one node, the finalists
 * together, with all their pairs.  Who is a finalist is decided here, by the
 * code that decides it when all is done here.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/rounds.h"
#include "base/mem.h"

#define INPUT_MAX (PACKET_JOB_MAX - (1u << 20))

/* What one job is for. */
struct errand {
	struct group *g;
	struct candidate **c; /* in the order of the input */
	size_t n;
	bool look;
	struct buf input; /* what the job reads */
};

struct errands {
	struct errand *v;
	size_t n;
};

/* ---- who goes where --------------------------------------------------- */

static bool is_measured(const struct verifier *v, const struct group *g)
{
	return stage_wanted(v, STAGE_RUN) && g->has_workload;
}

/* With no more of them than finalists there is nothing to choose. */
static bool is_looked_at(const struct verifier *v, const struct group *g)
{
	return !is_measured(v, g) ||
	       (v->o->screen > 0 && (long)g->n > v->o->finalists);
}

static void put_doc(struct buf *b, const struct doc *d)
{
	char *line = doc_line(d);

	buf_puts(b, line);
	buf_puts(b, "\n");
	free(line);
}

static struct errand *new_errand(struct errands *all, struct group *g,
				 bool look)
{
	struct errand *e;

	all->v = mem_realloc(all->v, all->n + 1, sizeof(*all->v));
	e = &all->v[all->n++];
	*e = (struct errand){.g = g, .look = look};
	e->c = mem_zalloc(g->n, sizeof(struct candidate *));
	buf_init(&e->input, INPUT_MAX);
	if (g->profile)
		put_doc(&e->input, g->profile);
	return e;
}

static void add_candidate(struct errand *e, struct candidate *c)
{
	e->c[e->n++] = c;
	put_doc(&e->input, c->policy);
}

static void release(struct errands *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->v[i].c);
		buf_release(&all->v[i].input);
	}
	free(all->v);
	*all = (struct errands){0};
}

/* In the order of the input, so that the same input is the same jobs. */
static void plan_looks(struct verifier *v, struct errands *all)
{
	for (size_t i = 0; i < v->group_count; i++) {
		struct group *g = &v->groups[i];

		for (size_t k = 0; k < g->n && is_looked_at(v, g); k++)
			add_candidate(new_errand(all, g, true), g->c[k]);
	}
}

static void plan_finals(struct verifier *v, struct errands *all)
{
	for (size_t i = 0; i < v->group_count; i++) {
		struct group *g = &v->groups[i];
		struct errand *e = NULL;

		if (!is_measured(v, g))
			continue;
		if (is_looked_at(v, g))
			rungs_keep_finalists(v, g);
		for (size_t k = 0; k < g->n; k++) {
			if (!rounds_in_play(g->c[k]))
				continue;
			if (!e)
				e = new_errand(all, g, false);
			add_candidate(e, g->c[k]);
		}
	}
}

/* ---- what they are told ----------------------------------------------- */

static void add_stages(const struct verifier *v, struct strs *args)
{
	struct buf list;

	if (!v->o->stages)
		return;
	buf_init(&list, 256);
	for (enum stage_id id = 0; id < STAGE_COUNT; id++)
		if (stage_wanted(v, id))
			buf_printf(&list, "%s%s", list.len ? "," : "",
				   verifier_stage_names[id]);
	strs_printf(args, "--stages=%s", list.data);
	buf_release(&list);
}

static void add_guest(const struct verifier_opts *o, struct strs *args)
{
	strs_printf(args, "--target=%s", o->target);
	if (o->cpus)
		strs_printf(args, "--cpus=%ld", o->cpus);
	if (o->memory_mib)
		strs_printf(args, "--memory=%ld", o->memory_mib);
	if (o->topology)
		strs_printf(args, "--topology=%s", o->topology);
	for (size_t i = 0; i < o->kernel_count; i++)
		strs_printf(args, "--kernel=%s", o->kernels[i]);
	if (o->timeout_s > 0)
		strs_printf(args, "--timeout=%.17g", o->timeout_s);
}

static void add_evidence(const struct verifier_opts *o, struct strs *args)
{
	strs_printf(args, "--pairs=%ld", o->pairs);
	strs_printf(args, "--seed=%llu", (unsigned long long)o->seed);
	strs_printf(args, "--min-effect=%.17g", o->min_effect_pct);
	strs_printf(args, "--guard=%.17g", o->guard_pct);
	for (size_t i = 0; i < o->guard_count; i++)
		strs_printf(args, "--guard=%s:%.17g", o->guards[i].metric,
			    o->guards[i].pct);
	if (o->sequential)
		strs_add(args, "--sequential");
	if (o->bare)
		strs_add(args, "--bare");
	if (!o->confirm)
		strs_add(args, "--no-confirm");
}

static void tell(const struct verifier *v, const struct errand *e,
		 struct job_packet *job)
{
	const struct verifier_opts *o = v->o;
	struct strs *args = &job->argv;

	strs_add(args, executor_program(o->executor));
	strs_add(args, "--json");
	strs_add(args, "--no-sign"); /* who asked vouches for it */
	add_stages(v, args);
	add_guest(o, args);
	add_evidence(o, args);
	strs_printf(args, "--screen=%ld", e->look ? o->screen : 0);
	strs_printf(args, "--finalists=%ld",
		    e->look && is_measured(v, e->g) ? 0 : o->finalists);
	job->input = e->input.data ? e->input.data : "";
	job->input_len = e->input.len;
}

/* What a node may know of our environment, and would not by itself. */
static void add_settings(struct job_packet *job)
{
	static const char *const names[] = {"BPF_CLANG", "SCHEDKIT_MIRROR",
					    "XDG_CACHE_HOME"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			strs_printf(&job->env, "%s=%s", names[i], value);
	}
}

/* ---- on its way ------------------------------------------------------- */

static void take_all(struct verifier *v, const struct errands *all,
		     const struct executor_answer *answers)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct errand *e = &all->v[i];

		gather_take(v, e->g, e->c, e->n, e->look, &answers[i]);
	}
}

static void hand_out(struct verifier *v, struct errands *all)
{
	struct executor_watch w = {.cancel = v->o->cancel,
				   .progress = v->o->progress,
				   .arg = v->o->progress_arg};
	struct executor_answer *answers =
		mem_zalloc(all->n + 1, sizeof(*answers));
	struct job_packet *jobs = mem_zalloc(all->n + 1, sizeof(*jobs));
	int rc = 0;

	for (size_t i = 0; i < all->n; i++) {
		tell(v, &all->v[i], &jobs[i]);
		add_settings(&jobs[i]);
	}
	if (all->n)
		rc = executor_run(v->o->executor, jobs, all->n, &w, answers);
	if (rc)
		target_fail(v, rc);
	take_all(v, all, answers);
	for (size_t i = 0; i < all->n; i++) {
		executor_answer_release(&answers[i]);
		job_packet_release(&jobs[i]);
	}
	free(answers);
	free(jobs);
}

void scatter_climb(struct verifier *v)
{
	struct errands looks = {0}, finals = {0};

	plan_looks(v, &looks);
	hand_out(v, &looks);
	if (!v->cancelled && !v->failed) {
		plan_finals(v, &finals);
		hand_out(v, &finals);
	}
	release(&looks);
	release(&finals);
}
