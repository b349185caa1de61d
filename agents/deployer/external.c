/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy of the form "external" on this host: an installed program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/deployer/state.h"
#include "agents/host/holder.h"
#include "agents/attacher/minder.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "policy/external.h"
#include "policy/form.h"
#include "scx/ext.h"
#include "scx/figures.h"

#define POLL_MS	  100
#define CONNECTS  50  /* tries, so far apart */
#define FIGURES_S 2.0 /* for an answer */

struct engagement {
	struct deployer *d;
	struct external_request request;
	struct minder minder;
	struct figures *connection; /* NULL: there is none, after … */
	int connects;		    /* … so many tries */
	long restarts;		    /* that the record knows of */
	struct json *figures;	    /* what it told at the end; NULL: … */
	char *no_figures;	    /* … why it did not */
	struct json *kernel;	    /* its own state at the end */
	double start;
};

/* ---- what it tells of itself ------------------------------------------ */

static int connect_to(struct engagement *x)
{
	figures_close(x->connection);
	return figures_open(FIGURES_SOCKET, (pid_t)x->minder.pid,
			    &x->connection);
}

/* A program that attached anew may have closed the connection. */
static void ask_figures(struct engagement *x)
{
	int rc = -ENOTCONN;

	if (x->connection)
		rc = figures_ask(x->connection, FIGURES_S, &x->figures);
	if (rc && rc != -ETIMEDOUT)
		rc = connect_to(x);
	if (!rc && !x->figures)
		rc = figures_ask(x->connection, FIGURES_S, &x->figures);
	if (rc)
		x->no_figures = mem_strdup(err_text());
}

/* ---- what is told ----------------------------------------------------- */

static struct json *program_of(const struct engagement *x)
{
	char *command = policy_text(x->d->policy->body);
	struct json *v = json_object();

	json_set_string(v, "command", command);
	json_set_string(v, "sha256", x->request.sha256);
	if (x->minder.path)
		json_set_string(v, "path", x->minder.path);
	if (x->minder.pid)
		json_set_number(v, "pid", (double)x->minder.pid);
	if (x->minder.restarts)
		json_set_number(v, "restarts", (double)x->minder.restarts);
	free(command);
	return v;
}

/* "… EXIT: runnable task stall (name[12] failed to run for 30.1s)", as such
 * programs say it. */
static void set_exit(struct json *report, const struct strs *said)
{
	const char *found = NULL, *open_at, *end;
	char *part;

	for (size_t i = 0; i < said->len; i++)
		if (strstr(said->v[i], "EXIT: "))
			found = strstr(said->v[i], "EXIT: ") + 6;
	if (!found)
		return;
	open_at = strstr(found, " (");
	end = strrchr(found, ')');
	part = mem_strndup(found,
			   open_at ? (size_t)(open_at - found) : strlen(found));
	json_set_string(report, "exit_reason", part);
	free(part);
	if (!open_at || !end || end < open_at)
		return;
	part = mem_strndup(open_at + 2, (size_t)(end - open_at) - 2);
	json_set_string(report, "exit_message", part);
	free(part);
}

/* As ext_report() has it of an object of ours. */
static struct json *report_of(const struct engagement *x)
{
	struct json *v = json_object();

	if (x->minder.ops)
		json_set_string(v, "name", x->minder.ops);
	if (x->kernel)
		json_set(v, "events", json_copy(json_get(x->kernel, "events")));
	set_exit(v, &x->minder.said);
	return v;
}

static struct json *body_of(const struct engagement *x, const char *state,
			    double held_s, const char *why)
{
	struct json *report = report_of(x), *b;

	b = deployer_body(x->d, state, report, held_s, why);
	json_free(report);
	json_set(b, "program", program_of(x));
	if (x->minder.said.len)
		json_set(b, "output", json_strings(&x->minder.said));
	if (x->figures)
		json_set(b, "stats", json_copy(x->figures));
	else if (x->no_figures)
		json_set_string(b, "no_stats", x->no_figures);
	return b;
}

/* ---- doing it --------------------------------------------------------- */

static bool cancelled(const struct engagement *x)
{
	return x->d->o->cancel && *x->d->o->cancel;
}

/* The kernel counts attachments: the record is of the one that there is. */
static void write_again(struct engagement *x)
{
	struct json *body = body_of(x, "attached", -1, "attached anew");

	x->restarts = x->minder.restarts;
	holder_write(body);
	json_free(body);
}

/* Its socket may be there a little later than its scheduler. */
static bool alive(struct engagement *x, int wait_ms)
{
	bool yes;

	if (!x->connection && x->connects++ < CONNECTS)
		connect_to(x);
	yes = minder_alive(&x->minder, wait_ms);
	if (yes && x->restarts != x->minder.restarts)
		write_again(x);
	return yes;
}

static void wait_here(struct engagement *x)
{
	double hold_s = x->d->o->hold_s, end = x->start + hold_s;

	while (!cancelled(x) && (hold_s <= 0 || clock_monotonic() < end) &&
	       alive(x, POLL_MS))
		;
}

static int run_command(struct engagement *x)
{
	const struct deployer_opts *o = x->d->o;
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	int rc;

	spec.argv = o->command;
	spec.stdin_fd = -1;
	spec.out_fd = o->out_fd;
	spec.timeout_s = o->hold_s;
	spec.cancel = o->cancel;
	rc = proc_run(&spec, &res);
	if (rc)
		return rc;
	x->d->r->ran = true;
	x->d->r->exit_status = res.exit_status;
	return 0;
}

/* Before it is ended: afterwards nobody tells. */
static bool look_last(struct engagement *x)
{
	if (!alive(x, 0))
		return false;
	ask_figures(x);
	x->kernel = ext_kernel_state();
	return minder_alive(&x->minder, 0);
}

static int finish(struct engagement *x, int failed)
{
	double held = clock_monotonic() - x->start;
	const struct deployer *d = x->d;
	char why[1024] = "the time is over";
	bool asked = cancelled(x), lives;
	int rc;

	if (failed)
		snprintf(why, sizeof(why), "%s", err_text());
	else if (asked)
		snprintf(why, sizeof(why), "asked to stop");
	else if (d->r->ran)
		snprintf(why, sizeof(why), "the command ended with status %d",
			 d->r->exit_status);
	lives = look_last(x);
	rc = minder_end(&x->minder);
	if (!lives)
		snprintf(why, sizeof(why), "the scheduler is gone: %s",
			 x->minder.gone ? x->minder.gone
					: "who minded it was killed");
	if (rc)
		snprintf(why, sizeof(why), "%s", err_text());
	holder_clear();
	failed = rc ? rc : failed;
	rc = deployer_emit(x->d, body_of(x,
					 !lives	 ? "ejected"
					 : asked ? "stopped"
						 : "detached",
					 held, why));
	if (rc)
		return rc;
	err_set(failed ? -failed : EIO, "%s", why);
	return failed ? failed : lives ? DEPLOYER_DONE : DEPLOYER_EJECTED;
}

static int announce(struct engagement *x)
{
	struct json *body;
	int rc;

	x->start = clock_monotonic();
	clock_text(clock_wall(), x->d->since);
	body = body_of(x, "attached", -1, "the best accepted policy");
	rc = holder_write(body);
	if (!rc)
		return deployer_emit(x->d, body);
	json_free(body);
	return rc;
}

static int hold(struct engagement *x)
{
	int rc = announce(x);

	if (rc) {
		minder_end(&x->minder);
		holder_clear();
		return rc;
	}
	if (x->d->o->command)
		rc = run_command(x);
	else
		wait_here(x);
	return finish(x, rc);
}

/* What is wrong with this machine is no answer to the policy. */
static int could_not(struct engagement *x, int rc)
{
	switch (rc) {
	case -EINTR:
	case -EBUSY:
	case -EPERM:
	case -ENOTSUP:
		return rc;
	default:
		return deployer_refuse(x->d, "%s", err_text());
	}
}

static int engage(struct engagement *x)
{
	const struct deployer_opts *o = x->d->o;
	int rc;

	x->request.size = sizeof(x->request);
	x->request.verb = o->dry_run ? EXTERNAL_PLAN : EXTERNAL_HOLD;
	snprintf(x->request.sha256, sizeof(x->request.sha256), "%s",
		 json_text_at(x->d->verdict->body, "object_sha256"));
	rc = external_read(x->d->policy->body, &x->request.what);
	if (!rc)
		rc = minder_start(&x->minder, &x->request, o->cancel);
	if (rc)
		return could_not(x, rc);
	if (!o->dry_run)
		return hold(x);
	return deployer_emit(x->d, body_of(x, "dry-run", -1,
					   "every check passed: this program "
					   "would be started"));
}

int deployer_hold_external(struct deployer *d)
{
	struct engagement *x = mem_zalloc(1, sizeof(*x));
	int rc;

	x->d = d;
	x->minder.child.fd = -1;
	rc = engage(x);
	minder_release(&x->minder);
	figures_close(x->connection);
	json_free(x->figures);
	json_free(x->kernel);
	free(x->no_figures);
	free(x);
	return rc;
}
