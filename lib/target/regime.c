/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/regime.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/model.h"
#include "scx/ext.h"
#include "target/external_run.h"
#include "target/knob_run.h"

#define VERIFIER_LOG_MAX  (1u << 20)
#define VERIFIER_LOG_KEEP 16384

/* Takes the message. */
static void say(struct run_result *r, char *message)
{
	free(r->message);
	r->message = message;
}

static int refused(struct run_result *r, const char *what)
{
	r->outcome = RUN_REFUSED;
	say(r, mem_printf("the policy did not %s: %s", what, err_text()));
	return -1;
}

/* ---- objects ---------------------------------------------------------- */

/* The last lines are the ones that say what is wrong. */
static struct json *load_report(const struct buf *log)
{
	struct json *report = json_object();
	size_t skip =
		log->len > VERIFIER_LOG_KEEP ? log->len - VERIFIER_LOG_KEEP : 0;

	if (log->len)
		json_set_string(report, "verifier_log", log->data + skip);
	return report;
}

static void tell_context(void *arg)
{
	struct regime *g = arg;

	context_look(&g->context);
	ext_context(g->ext, &g->context.is);
}

static void object_stop(struct regime *g, struct run_result *r)
{
	struct ext_policy *p = g->ext;
	bool alive = ext_alive(p);
	const char *reason, *words;

	ticker_free(g->ticker);
	g->ticker = NULL;
	if (ext_detach(p) < 0 && alive)
		say(r, mem_strdup(err_text()));
	r->report = ext_report(p);
	if (alive)
		return;
	reason = json_as_string(json_get(r->report, "exit_reason"), "unknown");
	words = json_as_string(json_get(r->report, "exit_message"), "");
	r->outcome = RUN_EJECTED;
	say(r, mem_printf("the kernel dropped the policy: %s%s%s", reason,
			  *words ? ": " : "", words));
}

static int object_start(struct regime *g, const struct run_job *j,
			struct run_result *r)
{
	struct buf log;
	int rc;

	buf_init(&log, VERIFIER_LOG_MAX);
	rc = ext_load(j->object, j->policy, &g->ext, &log);
	if (rc) {
		refused(r, "load");
		r->report = load_report(&log);
	}
	buf_release(&log);
	if (rc)
		return rc;
	rc = ext_attach(g->ext);
	if (rc) {
		refused(r, "attach");
		r->report = ext_report(g->ext);
	} else if (!ext_alive(g->ext)) {
		/* Nothing would run under it. */
		object_stop(g, r);
		rc = -1;
	}
	if (rc) {
		ext_free(g->ext);
	} else if (policy_has_model(j->policy)) {
		context_init(&g->context);
		g->ticker = ticker_new(CONTEXT_EVERY_S, tell_context, g);
	}
	return rc;
}

/* ---- programs --------------------------------------------------------- */

static int external_begin(struct regime *g, const struct run_job *j,
			  struct run_result *r)
{
	struct external what;
	const struct external_start s = {.what = &what, .path = j->object};
	int rc = external_read(j->policy, &what);

	if (!rc)
		rc = external_run_start(&s, &g->external);
	return rc ? refused(r, "start") : 0;
}

/* Who asks for it checks what it was that ran. */
static struct json *external_report(const struct external_run *e)
{
	struct json *v = json_object();
	char *output = external_run_output(e);

	json_set_string(v, "name", external_run_ops(e));
	json_set_string(v, "object_sha256", external_run_sha256(e));
	json_set_string(v, "output", output);
	free(output);
	return v;
}

static void external_stop(struct regime *g, struct run_result *r)
{
	bool alive = external_run_alive(g->external);
	char *words;
	int rc = external_run_stop(g->external);

	r->report = external_report(g->external);
	if (alive) {
		if (rc)
			say(r, mem_strdup(err_text()));
		return;
	}
	words = external_run_words(g->external);
	r->outcome = RUN_EJECTED;
	say(r, mem_printf("the scheduler was gone before the command's end%s%s",
			  *words ? "; it said: " : "", words));
	free(words);
}

/* ---- knobs ------------------------------------------------------------ */

static void knobs_stop(struct regime *g, struct run_result *r)
{
	int rc = knob_run_end(g->knobs);

	r->report = knob_run_report(g->knobs);
	if (g->trouble)
		err_set(EPERM, "%s", g->trouble);
	if (g->trouble || rc)
		refused(r, "apply");
}

/* ---- whatever it is --------------------------------------------------- */

int regime_start(struct regime *g, const struct run_job *j,
		 struct run_result *r)
{
	*g = (struct regime){0};
	if (!j->policy)
		return 0;
	g->form = policy_form(j->policy);
	switch (g->form) {
	case FORM_KNOBS:
		return knob_run_open(j->policy, &g->knobs) ? refused(r, "apply")
							   : 0;
	case FORM_EXTERNAL:
		return external_begin(g, j, r);
	default:
		return object_start(g, j, r);
	}
}

void regime_take(struct regime *g, const struct run_job *j, pid_t pid)
{
	if (!g->knobs)
		return;
	if (!knob_run_take(g->knobs, pid, j->argv.v[0]))
		return;
	/* It has not begun, and must not without its knobs. */
	g->trouble = mem_strdup(err_text());
	kill(pid, SIGKILL);
}

void regime_stop(struct regime *g, struct run_result *r)
{
	if (g->ext)
		object_stop(g, r);
	if (g->external)
		external_stop(g, r);
	if (g->knobs)
		knobs_stop(g, r);
	ext_free(g->ext);
	external_run_free(g->external);
	knob_run_free(g->knobs);
	free(g->trouble);
	*g = (struct regime){0};
}
