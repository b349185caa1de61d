/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agents/observer/features.h"
#include "agents/learner/learner.h"
#include "agents/deployer/past.h"
#include "agents/program/program.h"
#include "agents/watcher/parts.h"
#include "base/err.h"

#define PATIENCE_S 60
#define LESSONS	   256
/* What a workload is after is no matter of how it looks, and counts for at
 * most so much in the distance that the history goes by. */
#define GOAL 3.0

static int call(struct program_call *c, struct program_answer *a)
{
	int rc = program_run(c, a);

	strs_release(&c->args);
	if (rc)
		return rc;
	if (a->cancelled)
		return err_set(EINTR, "stopped on request");
	if (a->exit_status)
		return err_set(EIO, "%s: %s", c->program,
			       *a->words      ? a->words
			       : a->timed_out ? "it took too long"
					      : "it failed and said nothing");
	return 0;
}

static int observe(const struct watcher_opts *o, struct program_answer *a)
{
	struct program_call c = {.program = "sched-observe",
				 .timeout_s = o->window_s + PATIENCE_S,
				 .cancel = o->cancel};

	strs_add(&c.args, "--json");
	strs_add(&c.args, "--all");
	strs_printf(&c.args, "--seconds=%.3f", o->window_s);
	return call(&c, a);
}

static int ask(const struct watcher_opts *o, const struct doc *profile,
	       struct program_answer *a)
{
	struct program_call c = {.program = "sched-history",
				 .in = &profile,
				 .n = 1,
				 .timeout_s = PATIENCE_S,
				 .cancel = o->cancel};

	strs_add(&c.args, "neighbours");
	strs_add(&c.args, "--json");
	strs_printf(&c.args, "--max=%d", LESSONS);
	strs_printf(&c.args, "--max-distance=%.3f", o->rules.far + GOAL);
	return call(&c, a);
}

static struct json *features_of(const struct json *profile)
{
	struct json *v = learner_features(profile);
	char key[64];

	for (size_t i = 0; i < BOUND_COUNT; i++) {
		snprintf(key, sizeof(key), "goal_%s", bound_names[i]);
		json_remove(v, key);
	}
	return v;
}

/* ---- workloads of lessons --------------------------------------------- */

static struct watcher_seen *seen_of(struct watcher_view *v,
				    const char *workload)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->seen[i].workload, workload))
			return &v->seen[i];
	if (v->n == WATCHER_SEEN_MAX)
		return NULL;
	v->seen[v->n] = (struct watcher_seen){.distance = INFINITY};
	snprintf(v->seen[v->n].workload, sizeof(v->seen[v->n].workload), "%s",
		 workload);
	return &v->seen[v->n++];
}

static void take_lessons(const struct stream *s, const struct json *profile,
			 struct watcher_view *v)
{
	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);
		struct watcher_seen *to;
		double distance;

		/* Nothing can be trusted for what has no name. */
		if (strcmp(d->kind, "lesson") ||
		    !*json_text_at(d->body, "workload"))
			continue;
		to = seen_of(v, json_text_at(d->body, "workload"));
		distance =
			learner_lesson_distance(d->body, profile, v->features);
		if (to && distance < to->distance)
			to->distance = distance;
	}
}

static void take_trusted(const struct past_trusted *list, size_t n,
			 struct watcher_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < n; j++)
			if (!strcmp(list[j].workload, v->seen[i].workload))
				memcpy(v->seen[i].policy, list[j].policy,
				       sizeof(v->seen[i].policy));
}

int watcher_look(const struct watcher_opts *o, struct watcher_view *v)
{
	struct program_answer observed = {0}, known = {0};
	struct past_trusted *trusted = NULL;
	const struct doc *profile = NULL;
	size_t n = 0;
	int rc;

	*v = (struct watcher_view){0};
	rc = observe(o, &observed);
	if (!rc) {
		profile = stream_last(observed.out, "profile");
		if (!profile)
			rc = err_set(EIO, "sched-observe: it made no profile");
	}
	if (!rc) {
		v->features = features_of(profile->body);
		rc = ask(o, profile, &known);
	}
	if (!rc)
		rc = past_trusted(o->cancel, &trusted, &n);
	if (!rc) {
		take_lessons(known.out, profile->body, v);
		take_trusted(trusted, n, v);
	}
	past_trusted_free(trusted, n);
	program_answer_release(&known);
	program_answer_release(&observed);
	return rc;
}

void watcher_view_release(struct watcher_view *v)
{
	json_free(v->features);
	*v = (struct watcher_view){0};
}
