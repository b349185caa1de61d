/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/known.h"
#include "agents/deployer/deployments.h"
#include "agents/host/holder.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/privilege.h"
#include "crypt/digest.h"
#include "policy/external.h"
#include "policy/form.h"
#include "policy/knobs.h"
#include "policy/object.h"
#include "policy/policy.h"
#include "trust/statement.h"

static const char *text(const struct doc *d, const char *key)
{
	return json_as_string(json_get(d->body, key), "");
}

const char *deployer_auto_target(void)
{
	int rc = attacher_check();

	/* A kernel that another policy has taken is still the one meant. */
	return rc == 0 || rc == -EBUSY ? "host" : "vm";
}

static bool on_host(const struct deployer *d)
{
	return !strcmp(d->o->target, "host");
}

bool deployer_is_knobs(const struct deployer *d)
{
	return policy_form(d->policy->body) == FORM_KNOBS;
}

static bool is_external(const struct deployer *d)
{
	return policy_form(d->policy->body) == FORM_EXTERNAL;
}

struct json *deployer_body(const struct deployer *d, const char *state,
			   const struct json *report, double held_s,
			   const char *why)
{
	static const char *const copied[] = {
		"exit_kind", "exit_reason", "exit_message", "exit_dump",
		"events",    "counters",    "restarts"};
	const struct json *name = json_get(report, "name");
	struct json *b = json_object();
	char host[DIGEST_HEX_LEN];

	json_set_string(b, "policy", d->policy->id);
	json_set_string(b, "title", text(d->policy, "title"));
	json_set_string(b, "verdict", d->verdict->id);
	if (d->o->back_from)
		json_set_string(b, "back_from", d->o->back_from);
	if (deployments_host(host))
		json_set_string(b, "host", host);
	json_set_string(b, "target", d->o->target);
	json_set_string(b, "state", state);
	json_set_string(b, "why", why);
	if (d->kernel[0])
		json_set_string(b, "kernel", d->kernel);
	if (d->since[0])
		json_set_string(b, "since", d->since);
	if (d->o->again)
		json_set_bool(b, "again", true);
	if (name)
		json_set(b, "ops", json_copy(name));
	for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
		const struct json *m = json_get(report, copied[i]);

		if (m)
			json_set(b, copied[i], json_copy(m));
	}
	if (d->o->pin)
		json_set_bool(b, "pinned", true);
	if (d->canary)
		json_set(b, "canary", canary_json(d->canary));
	if (held_s >= 0)
		json_set_number(b, "held_us", (double)(long)(held_s * 1e6));
	return b;
}

int deployer_emit(struct deployer *d, struct json *body)
{
	const char *parents[] = {d->verdict->id, d->policy->id};
	int rc;

	if (on_host(d) && deployments_is_end(body))
		holder_ended(body);
	rc = stream_emit(d->s, doc_new("deployment", DEPLOYER_NAME, body,
				       parents, ARRAY_LEN(parents)));
	if (d->o->emitted)
		d->o->emitted(d->o->emitted_arg);
	return rc;
}

int deployer_tell(struct deployer *d, const char *state,
		  const struct json *report, double held_s, const char *why)
{
	return deployer_emit(d, deployer_body(d, state, report, held_s, why));
}

int deployer_refuse(struct deployer *d, const char *fmt, ...)
{
	char why[1024];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	rc = deployer_tell(d, "refused", NULL, -1, why);
	if (rc)
		return rc;
	err_set(EACCES, "%s", why);
	return DEPLOYER_REFUSED;
}

/* ---- the steps -------------------------------------------------------- */

/*
 * What loads and what sets knobs are programs of their own: documents are read
 * without what those need.  A guest of root's is made with root's name spaces.
 */
static int lower(struct deployer *d)
{
	if (!strcmp(d->o->target, "vm") ||
	    (!strcmp(d->o->target, "auto") &&
	     !strcmp(deployer_auto_target(), "vm")))
		return 0;
	return privilege_lower();
}

static int read_stream(struct deployer *d)
{
	return stream_take_all(d->s,
			       "nothing is deployed from a damaged stream");
}

/* How sure the improvement is: the lower end of the goal's interval. */
static double merit(const struct doc *verdict)
{
	json_each (m, json_get(verdict->body, "metrics")) {
		if (!json_as_bool(json_get(m, "guard"), false))
			return json_as_number(json_path(m, "ci95.0"), 0);
	}
	return 0;
}

/* A later verdict on the same policy and workload overrides this one. */
static bool overridden(const struct stream *s, size_t i)
{
	const struct doc *v = stream_at(s, i);

	for (size_t j = i + 1; j < stream_count(s); j++) {
		const struct doc *w = stream_at(s, j);

		if (!strcmp(w->kind, "verdict") &&
		    !strcmp(text(w, "policy"), text(v, "policy")) &&
		    !strcmp(text(w, "workload"), text(v, "workload")))
			return true;
	}
	return false;
}

static int choose(struct deployer *d)
{
	const char *wanted = d->o->policy ? d->o->policy : "";
	const struct doc *best = NULL, *other = NULL, *error;

	for (size_t i = 0; i < stream_count(d->s); i++) {
		const struct doc *v = stream_at(d->s, i);

		if (strcmp(v->kind, "verdict") ||
		    strncmp(text(v, "policy"), wanted, strlen(wanted)) ||
		    overridden(d->s, i))
			continue;
		if (strcmp(text(v, "decision"), "accepted"))
			other = v;
		else if (!best || merit(v) > merit(best))
			best = v;
	}
	d->verdict = best;
	if (best)
		return 0;
	error = stream_last(d->s, "error");
	if (other)
		err_set(ENODATA,
			"no policy%s%s is accepted: the last verdict is "
			"'%s' (%s)",
			*wanted ? " " : "", wanted, text(other, "decision"),
			text(other, "why"));
	else
		err_set(ENODATA, "there is no verdict%s%s in the stream (%s)",
			*wanted ? " about policy " : "", wanted,
			error ? text(error, "text")
			      : "sched-verify makes them");
	/* "No" is an answer to verdicts; without any the input is wrong. */
	return stream_last(d->s, "verdict") ? DEPLOYER_REFUSED : -ENODATA;
}

static int find_policy(struct deployer *d)
{
	const char *id = text(d->verdict, "policy");
	struct policy_params params;
	struct external external;
	struct knobs knobs;
	int rc;

	d->policy = stream_find(d->s, id);
	if (!d->policy || strcmp(d->policy->kind, "policy")) {
		err_set(ENODATA,
			"the accepted policy %.12s is not in the stream: "
			"'sched-history show %.12s --json' gives it",
			id, id);
		return DEPLOYER_REFUSED;
	}
	if (deployer_is_knobs(d))
		rc = knobs_read(d->policy->body, &knobs);
	else if (is_external(d))
		rc = external_read(d->policy->body, &external);
	else if (!strcmp(text(d->policy, "form"), "params"))
		rc = policy_params_read(d->policy->body, &params);
	else
		return deployer_refuse(d,
				       "policy %.12s is of form '%s', only "
				       "'params', 'knobs' and 'external' can "
				       "be deployed",
				       id, text(d->policy, "form"));
	return rc ? deployer_refuse(d, "policy %.12s: %s", id, err_text()) : 0;
}

/*
 * By whom the verdict is signed, over what, and until when.  The time is the
 * machine's own, whatever the environment would have it be.
 */
static int check_signature(struct deployer *d)
{
	struct trust *t;
	enum statement_fault fault;
	int rc = trust_open(&t);

	if (rc)
		return rc;
	fault = statement_judge(t, d->verdict, d->policy, time(NULL));
	trust_free(t);
	return fault ? deployer_refuse(d, "%s", err_text()) : 0;
}

/* Which machine it is for, where nobody said so. */
static int choose_target(struct deployer *d)
{
	const struct deployer_opts *o = d->o;

	if (!strcmp(o->target, "auto"))
		d->own.target =
			deployer_is_knobs(d) ? "host" : deployer_auto_target();
	if ((o->pid || o->cgroup) && !(deployer_is_knobs(d) && on_host(d)))
		return deployer_refuse(d,
				       "--pid and --cgroup are for knobs on "
				       "the host: what is loaded schedules all "
				       "of it");
	if (o->pin && (deployer_is_knobs(d) || !on_host(d)))
		return deployer_refuse(d, "--pin is for what is loaded on the "
					  "host: nothing else outlives its "
					  "holder");
	if (o->guard_count && is_external(d))
		return deployer_refuse(d, "--guard is for params and knobs: an "
					  "external scheduler takes as long to "
					  "let go as it likes");
	if (o->guard_count && o->pin)
		return deployer_refuse(d, "what is pinned has no guards: it "
					  "outlives who would watch");
	if (o->guard_count && !on_host(d))
		return deployer_refuse(d, "--guard is for the host: a guest is "
					  "thrown away");
	if (o->model && (deployer_is_knobs(d) || is_external(d) ||
			 !on_host(d) || o->pin || o->canary))
		return deployer_refuse(
			d,
			"--model is for what is loaded on the host and held: "
			"%s",
			o->pin	    ? "what is pinned is on its own"
			: o->canary ? "a canary measures what was signed"
				    : "nothing else follows a model");
	if (o->canary &&
	    (deployer_is_knobs(d) || is_external(d) || !on_host(d)))
		return deployer_refuse(
			d,
			"--canary tries what is loaded on a host that is at "
			"work: %s",
			deployer_is_knobs(d) ? "for knobs there are --pid and "
					       "--cgroup"
			: is_external(d)
				? "an external scheduler takes all tasks"
				: "a guest is thrown away");
	if (o->canary && o->canary->step[0].kind == CANARY_ALL &&
	    strcmp(text(d->verdict, "target"), "host"))
		return deployer_refuse(d,
				       "--canary all tries what was measured "
				       "on this host, 'sched-verify --target "
				       "host'; in a guest's word it is never "
				       "given all of one");
	if (!on_host(d) && !o->command && !o->dry_run && o->hold_s <= 0)
		return err_set(EINVAL,
			       "a guest is thrown away: give --for, a command "
			       "or --dry-run");
	return 0;
}

/* What is loaded, or started, as it is on the disk now. */
static int read_object(struct deployer *d, char now[static DIGEST_HEX_LEN])
{
	struct external external;
	int rc;

	if (is_external(d)) {
		rc = external_read(d->policy->body, &external);
		if (!rc)
			rc = external_find(&external, &d->object);
		if (rc)
			return deployer_refuse(d, "%s", err_text());
		return digest_file_hex(d->object, now);
	}
	d->object = policy_object_path(d->policy->body);
	buf_init(&d->bytes, EXT_OBJECT_MAX);
	rc = buf_read_file(&d->bytes, d->object);
	if (!rc)
		digest_hex(d->bytes.len ? d->bytes.data : "", d->bytes.len,
			   now);
	return rc;
}

/* It must be what was measured. */
static int check_object(struct deployer *d)
{
	const char *measured = text(d->verdict, "object_sha256");
	char now[DIGEST_HEX_LEN];
	int rc;

	/* The policy's id is over all that there is of it. */
	if (deployer_is_knobs(d))
		return 0;
	rc = read_object(d, now);
	if (rc)
		return rc;
	if (!*measured)
		return deployer_refuse(d,
				       "the verdict names no object: it "
				       "cannot be told whether '%s' is "
				       "what was measured",
				       d->object);
	if (strcmp(measured, now))
		return deployer_refuse(d,
				       "'%s' is not the object that was "
				       "measured (%.12s, measured %.12s): "
				       "verify again",
				       d->object, now, measured);
	return 0;
}

/* A figure from an emulated guest ranks policies; it is no evidence for how
 * one behaves on the host, where it opens the canary at most. */
static int check_evidence(struct deployer *d)
{
	const char *where = text(d->verdict, "target");

	d->from_guest = on_host(d) && strcmp(where, "host");
	if (d->from_guest && (!d->o->canary || strcmp(where, "vm")))
		return deployer_refuse(d,
				       "the verdict was measured on '%s': "
				       "'sched-verify --target host' "
				       "measures on this host, and --canary "
				       "tries what was measured in a guest",
				       where);
	if (on_host(d))
		deployer_know_host(d);
	return 0;
}

static int open_target(struct deployer *d)
{
	if (!on_host(d))
		return deployer_open_guest(d);
	return deployer_is_knobs(d) ? deployer_open_knobs(d)
				    : deployer_open_host(d);
}

/* What was measured in a guest is tried on a host that runs as much as the
 * same series: the host's own verifier and the canary have the last word. */
static int check_series(struct deployer *d, const char *measured)
{
	char wanted[32], here[32];

	deployer_series(measured, wanted, sizeof(wanted));
	deployer_series(d->kernel, here, sizeof(here));
	if (!strcmp(wanted, here))
		return 0;
	return deployer_refuse(d,
			       "the verdict is for a kernel of the series %s, "
			       "this host runs %s: 'sched-verify --kernel %s' "
			       "measures with one like it",
			       wanted, d->kernel, here);
}

/* A guest's is known once it is open. */
static int check_kernel(struct deployer *d)
{
	const char *measured = text(d->verdict, "kernel");

	if (!d->kernel[0])
		return 0;
	if (d->from_guest)
		return check_series(d, measured);
	if (strcmp(measured, d->kernel))
		return deployer_refuse(d,
				       "the verdict is for kernel %s, the "
				       "target runs %s: verify again",
				       measured, d->kernel);
	measured = text(d->verdict, "configuration");
	if (strcmp(measured, d->configuration) && (*measured || on_host(d)))
		return deployer_refuse(d,
				       "the verdict is for another build or "
				       "configuration of kernel %s (%.12s, the "
				       "target's is %.12s): verify again",
				       d->kernel, *measured ? measured : "none",
				       d->configuration);
	return 0;
}

static int hold(struct deployer *d)
{
	if (!on_host(d))
		return deployer_hold_guest(d);
	if (is_external(d))
		return deployer_hold_external(d);
	if (deployer_is_knobs(d))
		return deployer_hold_knobs(d);
	return d->o->canary && !d->o->dry_run ? deployer_hold_canary(d)
					      : deployer_hold_host(d);
}

/* In this order; the first that does not return 0 ends it. */
static int (*const steps[])(struct deployer *d) = {
	lower,		 read_stream,	choose,	      find_policy,
	check_signature, choose_target, check_object, check_evidence,
	check_kernel,	 open_target,	check_kernel, hold,
};

int deployer_deploy(struct stream *s, const struct deployer_opts *o,
		    struct deployer_result *r)
{
	struct deployer d = {.s = s, .own = *o, .r = r, .lock = -1};
	int rc = 0;

	d.o = &d.own;
	*r = (struct deployer_result){0};
	for (size_t i = 0; !rc && i < ARRAY_LEN(steps); i++) {
		if (o->cancel && *o->cancel)
			rc = err_set(EINTR, "stopped before anything was "
					    "attached");
		else
			rc = steps[i](&d);
	}
	attacher_release(&d.attacher);
	deployer_known_release(&d);
	target_close(d.guest);
	buf_release(&d.bytes);
	free(d.object);
	if (d.lock >= 0)
		close(d.lock);
	return rc;
}
