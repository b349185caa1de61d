/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/watcher/watcher.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/deployer/past.h"
#include "agents/deployer/status.h"
#include "agents/watcher/parts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "scx/ext.h"
#include "term/openmetrics.h"

#define OWN	    "the kernel's own scheduler"
#define LOOK_MS	    200
#define METRICS_MAX (1u << 20)

struct watch {
	const struct watcher_opts *o;
	struct watcher w;
	struct watcher_hold hold;
	struct json *features; /* of the last window; owned */
	long windows, unseen, changes, falls;
	char last[1024]; /* said; not again */
};

static bool stopped(const struct watch *x)
{
	return x->o->cancel && *x->o->cancel;
}

/* ---- saying ----------------------------------------------------------- */

static struct doc *note_of(const struct watch *x, const char *line,
			   const char *policy)
{
	struct json *body = json_object(), *tags;

	json_set_string(body, "text", line);
	tags = json_set(body, "tags", json_array());
	json_add(tags, json_string("watch"));
	if (*policy)
		json_set_string(body, "about", policy);
	if (x->features)
		json_set(body, "features", json_copy(x->features));
	return doc_new("note", WATCHER_BY, body, NULL, 0);
}

/* A decision; the history gets it, too. */
static void tell(struct watch *x, const char *policy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct watch *x, const char *policy, const char *fmt, ...)
{
	char line[1024];
	struct doc *note;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(x->last, sizeof(x->last), "%s", line);
	note = note_of(x, line, policy);
	x->o->said(x->o->said_arg, line, note);
	if (note && x->o->record && !x->o->dry_run && past_record(note))
		x->o->said(x->o->said_arg, err_text(), NULL);
	doc_free(note);
}

/* A remark, once as long as it stays the same. */
static void remark(struct watch *x, const char *words)
{
	if (!strcmp(x->last, words))
		return;
	snprintf(x->last, sizeof(x->last), "%s", words);
	x->o->said(x->o->said_arg, words, NULL);
}

/* ---- doing ------------------------------------------------------------ */

/* Somebody else's scheduler is not ours to replace. */
static bool is_taken(const struct watch *x)
{
	struct json *kernel = ext_kernel_state();
	bool taken = x->hold.child.fd < 0 &&
		     !strcmp(json_text_at(kernel, "state"), "enabled");

	json_free(kernel);
	return taken;
}

/* The history remembers what this process does not: it was started anew. */
static bool falls_again(const struct watch *x, const char *policy)
{
	time_t since = clock_wall() - (time_t)x->o->within_s;
	struct past p;
	bool falls =
		!past_deployments(false, x->o->cancel, &p) &&
		deployments_falls(&p.of, policy, since) >= (size_t)x->o->falls;

	past_deployments_release(&p);
	return falls;
}

/* It is not in place, whatever was tried. */
static void fell(struct watch *x, const struct watcher_vote *what,
		 const char *why)
{
	watcher_fell(&x->w, clock_monotonic(), what);
	x->falls++;
	tell(x, what->policy, "%.12s for '%s' is not in place: %s",
	     what->policy, what->workload, why);
}

static void put_in_place(struct watch *x, const struct watcher_choice *c)
{
	char why[512];
	int rc = 0;

	watcher_let_go(&x->hold);
	if (!x->o->dry_run && c->to.policy[0]) {
		if (falls_again(x, c->to.policy))
			rc = err_set(EACCES,
				     "it was taken off %ld times or more in "
				     "the last %.0f s",
				     x->o->falls, x->o->within_s);
		else
			rc = watcher_hold(x->o, &c->to, &x->hold);
	}
	if (rc == -EINTR && stopped(x))
		return;
	if (rc) {
		snprintf(why, sizeof(why), "%s", err_text());
		fell(x, &c->to, why);
		return;
	}
	watcher_changed(&x->w, clock_monotonic(), &c->to);
	x->changes++;
	if (c->to.policy[0] && x->o->dry_run)
		tell(x, c->to.policy, "would put %.12s in place: %s",
		     c->to.policy, c->why);
	else if (c->to.policy[0])
		tell(x, c->to.policy, "put '%s' (%.12s) in place: %s",
		     x->hold.title, c->to.policy, c->why);
	else
		tell(x, "", "%s " OWN ": %s",
		     x->o->dry_run ? "would go back to" : "back to", c->why);
}

static void act(struct watch *x)
{
	struct watcher_choice c;
	char words[1024];

	switch (watcher_decide(&x->w, clock_monotonic(), &c)) {
	case WATCHER_STAY:
		return;
	case WATCHER_WAIT:
		snprintf(words, sizeof(words), "not yet %.12s for '%s'",
			 c.to.policy[0] ? c.to.policy : "none", c.to.workload);
		remark(x, words);
		return;
	case WATCHER_CHANGE:
		break;
	}
	if (is_taken(x))
		remark(x, "another scheduler is attached to this kernel: it is "
			  "left alone");
	else
		put_in_place(x, &c);
}

/* What was in place may have ended without being asked to. */
static void look_after(struct watch *x, int wait_ms)
{
	struct watcher_vote was = x->w.present;
	char why[640];

	if (x->hold.child.fd < 0 || watcher_holds(&x->hold, wait_ms))
		return;
	snprintf(why, sizeof(why), "%s: %s",
		 x->hold.state[0] ? x->hold.state : "its holder died",
		 x->hold.why);
	fell(x, &was, why);
}

/* ---- figures ---------------------------------------------------------- */

static void put_watch(const struct watch *x, struct buf *out)
{
	const struct watcher_vote *p = &x->w.present;
	const struct metric_label labels[] = {{"policy", p->policy},
					      {"workload", p->workload}};

	metric_single(out, "watch_windows", METRIC_COUNTER,
		      "Times that the machine was looked at",
		      (double)x->windows);
	metric_single(out, "watch_unseen", METRIC_COUNTER,
		      "Times that it could not be looked at",
		      (double)x->unseen);
	metric_single(out, "watch_changes", METRIC_COUNTER,
		      "Times that another policy was put in place",
		      (double)x->changes);
	metric_single(out, "watch_falls", METRIC_COUNTER,
		      "Policies that were refused, or ended unasked",
		      (double)x->falls);
	metric_family(out, "watch_present", METRIC_GAUGE,
		      "What is in place, and what for");
	metric_sample(out, "watch_present", "", labels, ARRAY_LEN(labels), 1);
}

static void write_metrics(struct watch *x)
{
	struct json *s;
	struct buf out;

	if (!x->o->metrics)
		return;
	s = status_read();
	buf_init(&out, METRICS_MAX);
	status_metrics(s, &out);
	put_watch(x, &out);
	metric_end(&out);
	if (path_write_public(x->o->metrics, out.data, out.len))
		remark(x, err_text());
	buf_release(&out);
	json_free(s);
}

/* ---- its course ------------------------------------------------------- */

/* One window; -errno: it was not seen. */
static int look(struct watch *x)
{
	struct watcher_view v;
	int rc = watcher_look(x->o, &v);

	if (rc && stopped(x)) {
		watcher_view_release(&v);
		return rc;
	}
	x->windows++;
	x->unseen += rc != 0;
	json_free(x->features);
	x->features = v.features;
	v.features = NULL;
	watcher_saw(&x->w, v.seen, rc ? 0 : v.n);
	watcher_view_release(&v);
	return rc;
}

static void rest(struct watch *x, double until)
{
	while (!stopped(x) && clock_monotonic() < until) {
		if (x->hold.child.fd >= 0)
			look_after(x, LOOK_MS);
		else
			poll(NULL, 0, LOOK_MS);
	}
}

static int watch(struct watch *x)
{
	for (long i = 0; !stopped(x) && (!x->o->rounds || i < x->o->rounds);
	     i++) {
		double next = clock_monotonic() + x->o->interval_s;
		int rc = look(x);

		if (stopped(x))
			break;
		if (rc && !i)
			return rc;
		if (rc)
			remark(x, err_text());
		look_after(x, 0);
		act(x);
		write_metrics(x);
		if (!x->o->rounds || i + 1 < x->o->rounds)
			rest(x, next);
	}
	return 0;
}

int watcher_run(const struct watcher_opts *o)
{
	struct watch *x = mem_zalloc(1, sizeof(*x));
	char why[512];
	bool held;
	int rc;

	x->o = o;
	x->hold.child.fd = -1;
	watcher_init(&x->w, &o->rules, clock_monotonic());
	rc = watch(x);
	snprintf(why, sizeof(why), "%s", err_text());
	held = x->hold.child.fd >= 0;
	watcher_let_go(&x->hold);
	if (held)
		tell(x, "", "back to " OWN ": the watch is over");
	x->w.present = (struct watcher_vote){0};
	write_metrics(x);
	json_free(x->features);
	free(x);
	return rc ? err_set(-rc, "%s", why) : 0;
}
