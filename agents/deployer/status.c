/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/status.h"

#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "agents/deployer/deployments.h"
#include "agents/host/holder.h"
#include "agents/deployer/past.h"
#include "agents/deployer/pinned.h"
#include "agents/attacher/setter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/task.h"
#include "scx/attached.h"
#include "scx/configuration.h"
#include "scx/ext.h"
#include "term/openmetrics.h"

#define TEXT_MAX (1u << 16)

static bool is_state(const struct json *of, const char *state)
{
	return !strcmp(json_text_at(of, "state"), state);
}

static double number(const struct json *v, const char *path, double dflt)
{
	return json_as_number(json_path(v, path), dflt);
}

/* ---- what is attached ------------------------------------------------- */

/* The process with the link is the holder's own, or one that it started. */
static bool is_by(const struct json *holder, const struct json *found)
{
	double pid = number(holder, "pid", 0);
	struct task_stat t;

	json_each (p, json_get(found, "processes")) {
		double with = number(p, "pid", 0);

		if (with == pid ||
		    (!task_stat((pid_t)with, &t) && (double)t.parent == pid))
			return true;
	}
	return false;
}

/* A holder attaches anew what a CPU that came or went had the kernel drop. */
static bool is_ours(const struct json *holder, const struct json *kernel,
		    const struct json *found)
{
	return holder_is_of(holder, kernel) ||
	       (holder_names(holder, kernel) &&
		(!found || is_by(holder, found)));
}

static void copy(struct json *to, const struct json *from,
		 const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_get(from, keys[i]))
			json_set(to, keys[i],
				 json_copy(json_get(from, keys[i])));
}

/* What was counted before it was attached is not its doing. */
static struct json *events_since(const struct json *now,
				 const struct json *then)
{
	struct json *v = json_object();

	json_each (e, now) {
		double n = json_as_number(e, 0) -
			   json_as_number(json_get(then, json_key(e)), 0);

		json_set_number(v, json_key(e), fmax(n, 0));
	}
	return v;
}

static void set_user(struct json *v, double uid)
{
	const struct passwd *pw = uid >= 0 ? getpwuid((uid_t)uid) : NULL;

	if (uid >= 0)
		json_set_number(v, "uid", uid);
	if (pw)
		json_set_string(v, "user", pw->pw_name);
}

/* Who did it: the record says it of ours, the kernel of others'. */
static struct json *by_of(const struct json *record, const struct json *found)
{
	static const char *const keys[] = {"pid", "uid", "user", "login"};
	const struct json *first = json_path(found, "processes.0");
	struct json *v = json_object();

	if (record) {
		copy(v, record, keys, ARRAY_LEN(keys));
		json_set_string(v, "name", "sched-deploy");
	} else {
		if (first)
			copy(v, first, (const char *const[]){"pid", "name"}, 2);
		set_user(v, number(found, "uid", -1));
	}
	return v;
}

static struct json *attached_of(const struct json *kernel,
				const struct json *holder)
{
	static const char *const told[] = {"policy", "verdict", "title",
					   "since",  "canary",	"guards",
					   "scope",  "program"};
	static const char *const of_kernel[] = {"map", "link", "programs",
						"processes", "counters"};
	const char *ops = json_text_at(kernel, "ops");
	struct json *v = json_object(), *found = attached_read(ops);
	bool ours = holder && is_ours(holder, kernel, found);

	json_set_string(v, "ops", ops);
	json_set_bool(v, "ours", ours);
	if (ours) {
		copy(v, holder, told, ARRAY_LEN(told));
		json_set(v, "model", holder_learned());
		json_set(v, "intents", holder_declared());
	} else if (*json_text_at(found, "loaded")) {
		json_set_string(v, "since", json_text_at(found, "loaded"));
	}
	if (!found)
		json_set_string(v, "unseen", err_text());
	copy(v, found, of_kernel, ARRAY_LEN(of_kernel));
	json_set(v, "by", by_of(ours ? holder : NULL, found));
	json_set_string(v, "kept",
			json_as_bool(json_get(found, "pinned"), false)
				? "pinned"
			: ours || json_path(found, "processes.0") ? "held"
								  : "unknown");
	json_set(v, "events",
		 events_since(json_get(kernel, "events"),
			      ours ? json_get(holder, "events") : NULL));
	if (number(kernel, "switch_all", 1) == 0)
		json_set_number(v, "tasks", (double)attached_tasks());
	json_free(found);
	return v;
}

/* ---- what was before -------------------------------------------------- */

/* The last that ended, out of the history; NULL: it knows of none. */
static struct json *last_of_history(void)
{
	static const char *const keys[] = {
		"policy",    "verdict", "title",       "ops",
		"since",     "state",	"why",	       "held_us",
		"exit_kind", "trip",	"exit_reason", "exit_message"};
	struct json *v = NULL;
	struct past p;

	if (!past_deployments(false, NULL, &p))
		for (size_t i = p.of.n; i-- > 0 && !v;) {
			const struct doc *d = p.of.v[i].end;

			if (!d || !deployment_was_attached(&p.of.v[i]))
				continue;
			v = json_object();
			copy(v, d->body, keys, ARRAY_LEN(keys));
			json_set_string(v, "until",
					json_text_at(d->env, "time"));
		}
	past_deployments_release(&p);
	return v;
}

/* A record that nobody cleared away is of one that was killed. */
static struct json *last_of(const struct json *kernel)
{
	static const char *const keys[] = {"policy", "verdict", "title",
					   "ops",    "since",	"pid"};
	struct json *left = holder_left(), *v = NULL;
	const char *ops = json_text_at(left, "ops");

	if (left && (*ops || json_get(left, "policy")) &&
	    !(is_state(kernel, "enabled") && holder_is_of(left, kernel))) {
		v = json_object();
		copy(v, left, keys, ARRAY_LEN(keys));
		json_set_string(v, "state", "lost");
		json_set_string(v, "why",
				*ops ? "its holder was killed: the kernel went "
				       "back to its own scheduler"
				     : "its holder was killed");
	}
	json_free(left);
	if (!v)
		v = pinned_fallen(kernel);
	if (!v)
		v = holder_last();
	json_remove(v, "counts");
	return v ? v : last_of_history();
}

/* How many have ended, by their state, since the machine began. */
static struct json *ended(void)
{
	struct json *last = holder_last();
	const struct json *counts = json_get(last, "counts");
	struct json *v = counts ? json_copy(counts) : json_object();

	json_free(last);
	return v;
}

/* ---- in words --------------------------------------------------------- */

static void describe_owner(const struct json *a, const struct json *holder,
			   struct buf *out)
{
	double pid = number(a, "by.pid", 0);

	if (json_as_bool(json_get(holder, "pinned"), false)) {
		buf_puts(out, ", pinned by sched-deploy");
		return;
	}
	if (json_as_bool(json_get(a, "ours"), false)) {
		buf_printf(out, ", held by sched-deploy (process %.0f)",
			   number(holder, "pid", 0));
		return;
	}
	buf_puts(out, ", not by sched-deploy");
	if (pid > 0)
		buf_printf(out, " but by '%s' (process %.0f)",
			   json_text_at(a, "by.name"), pid);
	else if (!strcmp(json_text_at(a, "kept"), "pinned"))
		buf_puts(out, ": it is pinned, and no process holds it");
	if (*json_text_at(a, "by.user"))
		buf_printf(out, " of user %s", json_text_at(a, "by.user"));
}

static void describe(const struct json *s, struct buf *out)
{
	const struct json *kernel = json_get(s, "sched_ext");
	const struct json *a = json_get(s, "attached");

	if (is_state(kernel, "absent")) {
		buf_puts(out, "this kernel has no sched_ext");
	} else if (!a) {
		buf_printf(out, "no policy is attached (sched_ext is %s)",
			   json_text_at(kernel, "state"));
	} else {
		buf_printf(out, "the policy '%s' is attached",
			   json_text_at(a, "ops"));
		describe_owner(a, json_get(s, "holder"), out);
	}
}

/* Knobs are no part of what the kernel tells of sched_ext. */
static void describe_knobs(const struct json *s, struct buf *out)
{
	const struct json *knobs = json_get(s, "knobs");
	double pid = number(s, "holder.pid", 0);
	struct task_stat t;

	if (!knobs)
		return;
	buf_printf(out, "; knobs are set on %.0f tasks and %.0f cgroups",
		   number(knobs, "tasks", 0), number(knobs, "groups", 0));
	if (json_get(s, "holder"))
		buf_printf(out, " by %s (process %.0f)",
			   task_stat((pid_t)pid, &t) ? "one that just ended"
						     : t.name,
			   pid);
	else
		buf_puts(out, " by one that was killed: 'sched-deploy stop' "
			      "undoes it");
}

struct json *status_read(void)
{
	struct json *s = json_object(), *kernel = ext_kernel_state();
	struct json *holder = holder_read(), *pinned = pinned_in_force(kernel);
	struct json *knobs = setter_in_force(false);
	bool enabled = is_state(kernel, "enabled");
	char configuration[DIGEST_HEX_LEN];
	struct buf words;

	if (!knobs)
		knobs = setter_in_force(true);
	configuration_digest(configuration);
	json_set(s, "kernel", configuration_facts());
	json_set_string(s, "configuration", configuration);
	if (enabled)
		json_set(s, "attached",
			 attached_of(kernel, pinned ? pinned : holder));
	/* What was attached to stay needs nobody who lives. */
	if (!holder) {
		holder = pinned;
		pinned = NULL;
	}
	json_free(pinned);
	/* A record of nothing is of one who is just letting go. */
	if (!knobs && !json_as_bool(json_path(s, "attached.ours"), false)) {
		json_free(holder);
		holder = NULL;
	}
	json_set(s, "last", last_of(kernel));
	json_set(s, "ended", ended());
	json_set(s, "sched_ext", kernel);
	json_set(s, "knobs", knobs);
	if (strlen(json_text_at(holder, "policy")) == DOC_ID_LEN - 1)
		json_set_string(s, "about", json_text_at(holder, "policy"));
	json_set(s, "holder", holder);
	buf_init(&words, TEXT_MAX);
	describe(s, &words);
	describe_knobs(s, &words);
	json_set_string(s, "text", words.data);
	buf_release(&words);
	json_set_bool(s, "well", status_is_well(s));
	return s;
}

bool status_is_well(const struct json *s)
{
	bool ours = json_as_bool(json_path(s, "attached.ours"), false);

	return (ours || json_get(s, "knobs")) && json_get(s, "holder");
}

/* ---- as figures ------------------------------------------------------- */

/* Of what has a state: 1 for that one, 0 for the others that it may have. */
static void put_state(const struct json *of, const char *name, const char *help,
		      const char *const *states, size_t n, struct buf *out)
{
	metric_family(out, name, METRIC_GAUGE, help);
	for (size_t i = 0; i < n; i++)
		metric_sample(out, name, "",
			      &(struct metric_label){"state", states[i]}, 1,
			      is_state(of, states[i]));
}

static void put_kernel(const struct json *kernel, struct buf *out)
{
	static const char *const states[] = {"absent", "disabled", "enabling",
					     "enabled", "disabling"};
	static const struct {
		const char *key, *name, *help;
	} counts[] = {
		{"enable_seq", "sched_ext_enables",
		 "Schedulers that this kernel has enabled"},
		{"nr_rejected", "sched_ext_rejected",
		 "Tasks that were refused SCHED_EXT"},
	};

	put_state(kernel, "sched_ext_state",
		  "1 for the state that the kernel is in", states,
		  ARRAY_LEN(states), out);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (json_get(kernel, counts[i].key))
			metric_single(out, counts[i].name, METRIC_COUNTER,
				      counts[i].help,
				      number(kernel, counts[i].key, 0));
}

static void put_counts(const struct json *counts, const char *name,
		       const char *label, const char *help, struct buf *out)
{
	if (!json_first(counts))
		return;
	metric_family(out, name, METRIC_COUNTER, help);
	json_each (c, counts)
		metric_sample(out, name, "_total",
			      &(struct metric_label){label, json_key(c)}, 1,
			      json_as_number(c, 0));
}

static void put_model(const struct json *m, struct buf *out)
{
	static const char *const states[] = {"none", "trial", "followed",
					     "braked", "retired"};

	if (!m)
		return;
	put_state(m, "model_state", "1 for what the policy makes of its model",
		  states, ARRAY_LEN(states), out);
	metric_single(out, "model_generation", METRIC_GAUGE,
		      "Models that the policy has followed, up to this one",
		      number(m, "generation", 0));
	metric_single(out, "model_bursts", METRIC_GAUGE,
		      "Bursts that the model has foretold",
		      number(m, "bursts", 0));
	metric_single(out, "model_trips", METRIC_GAUGE,
		      "How often the model was braked", number(m, "trips", 0));
	if (json_get(m, "ratio"))
		metric_single(out, "model_error_ratio", METRIC_GAUGE,
			      "The model's error by the exponential average's",
			      number(m, "ratio", 0));
	metric_single(out, "model_alarm", METRIC_GAUGE,
		      "Whether it does more harm than good",
		      json_get(m, "alarm") != NULL);
}

static void put_attached(const struct json *a, struct buf *out)
{
	const struct metric_label labels[] = {
		{"ops", json_text_at(a, "ops")},
		{"policy", json_text_at(a, "policy")},
		{"by", json_text_at(a, "by.name")},
	};
	time_t since = clock_parse(json_text_at(a, "since"));

	metric_single(out, "attached_ours", METRIC_GAUGE,
		      "Whether what is attached is sched-deploy's",
		      json_as_bool(json_get(a, "ours"), false));
	if (!a)
		return;
	metric_family(out, "attached", METRIC_GAUGE, "What is attached");
	metric_sample(out, "attached", "", labels, ARRAY_LEN(labels), 1);
	if (since)
		metric_single(out, "attached_since_seconds", METRIC_GAUGE,
			      "When it was attached, in seconds since 1970",
			      (double)since);
	if (json_get(a, "tasks"))
		metric_single(out, "attached_tasks", METRIC_GAUGE,
			      "Tasks that it schedules, where not all",
			      number(a, "tasks", 0));
	put_counts(json_get(a, "events"), "sched_ext_events", "event",
		   "Special events of sched_ext since it was attached", out);
	put_counts(json_get(a, "counters"), "policy_actions", "action",
		   "What the policy did", out);
	put_model(json_get(a, "model"), out);
}

void status_metrics(const struct json *s, struct buf *out)
{
	const struct json *counts = json_get(s, "ended");

	metric_single(out, "well", METRIC_GAUGE,
		      "Whether a policy or knobs are in force and held",
		      status_is_well(s));
	put_kernel(json_get(s, "sched_ext"), out);
	put_attached(json_get(s, "attached"), out);
	metric_single(out, "knob_tasks", METRIC_GAUGE,
		      "Tasks on which knobs are set",
		      number(s, "knobs.tasks", 0));
	metric_single(out, "knob_cgroups", METRIC_GAUGE,
		      "Cgroups on which knobs are set",
		      number(s, "knobs.groups", 0));
	put_counts(counts, "deployments_ended", "state",
		   "Deployments that have ended since the machine began", out);
	metric_single(out, "trips", METRIC_COUNTER,
		      "Policies that a guard took off since the machine began",
		      number(counts, "tripped", 0));
	if (json_path(s, "last.exit_kind"))
		metric_single(out, "last_exit_kind", METRIC_GAUGE,
			      "How the kernel says the last policy ended",
			      number(s, "last.exit_kind", 0));
}
