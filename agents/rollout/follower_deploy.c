/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The follower's hands: sched-deploy, with all checks of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/rollout/follower_parts.h"
#include "agents/program/launcher.h"
#include "agents/deployer/past.h"
#include "base/err.h"
#include "base/mem.h"

/* Gone without a word so often, and it is called bad: a machine that hangs
 * under a policy says nothing either. */
#define LOST_MAX 2

/* ---- how it fares ------------------------------------------------------ */

/* True: the machine was booted since. */
static bool look_at_boot(struct follower *f)
{
	char id[BOOT_ID_LEN];
	bool other;

	boot_id(id);
	other = *f->boot && strcmp(f->boot, id);
	snprintf(f->boot, sizeof(f->boot), "%s", id);
	return other;
}

/* The last deployment of a stream says how it ended. */
static void take_end(struct follower *f, const struct doc *d)
{
	const char *state = json_text_at(d->body, "state");
	const char *canary = json_text_at(d->body, "canary.decision");
	const char *why = json_text_at(d->body, "why");

	if (!strcmp(state, "ejected"))
		follower_is(f, STAGE_EJECTED, why);
	else if (!strcmp(state, "tripped") || !strcmp(canary, "worse"))
		follower_is(f, STAGE_BAD, why);
	else if (!strcmp(state, "refused") || !strcmp(canary, "inconclusive"))
		follower_is(f, STAGE_REFUSED, why);
	else
		follower_is(f, STAGE_STOPPED, why);
}

static void be_lost(struct follower *f)
{
	if (++f->lost < LOST_MAX) {
		f->host.stage = STAGE_NONE;
		return;
	}
	follower_is(f, STAGE_BAD,
		    "it was gone without a word more than once: its holder "
		    "was killed, or the machine died under it");
}

/* It was in force, and is not any more. */
static void be_gone(struct follower *f, bool booted)
{
	struct stream *s = launcher_look(f->deployed, ROLLOUTS_BY);
	const struct doc *d = s ? stream_last(s, "deployment") : NULL;
	const char *state = d ? json_text_at(d->body, "state") : "";

	if (!d || !strcmp(state, "attached"))
		be_lost(f);
	else if (booted && !strcmp(state, "stopped"))
		f->host.stage = STAGE_NONE; /* by the shutdown */
	else
		take_end(f, d);
	if (s)
		stream_free(s);
}

int follower_look(struct follower *f)
{
	enum rollout_stage was = f->host.stage;
	int is = *f->policy ? launcher_in_force(f->policy, f->o->remote->cancel)
			    : 0;
	bool booted;

	/* What cannot be seen is not gone. */
	if (is < 0)
		return is;
	booted = look_at_boot(f);
	f->host.in_force = is;
	if (!f->host.in_force && (was == STAGE_TRYING || was == STAGE_WELL)) {
		be_gone(f, booted);
		follower_say(f, "policy %.12s is not in force any more%s%s",
			     f->policy, *f->why ? ": " : "", f->why);
	}
	return 0;
}

/* ---- putting it in place ----------------------------------------------- */

static bool has_canary(const struct strs *args)
{
	for (size_t i = 0; args && i < args->len; i++)
		if (!strncmp(args->v[i], "--canary", 8) &&
		    (!args->v[i][8] || args->v[i][8] == '='))
			return true;
	return false;
}

/* The document, or the last verdict where id is NULL; NULL: none. */
static const struct doc *verdict_in(const struct doc *const *docs, size_t n,
				    const char *id)
{
	for (size_t i = n; i-- > 0;)
		if (!strcmp(docs[i]->kind, "verdict") &&
		    (!id || !strcmp(docs[i]->id, id)))
			return docs[i];
	return NULL;
}

static void make_args(const struct follower *f, const char *policy,
		      const struct doc *verdict, struct strs *args)
{
	strs_add(args, "--json");
	strs_add(args, "--target=host");
	strs_printf(args, "--policy=%s", policy);
	/* One from elsewhere opens a canary, and no more. */
	if (strcmp(json_text_at(verdict->body, "target"), "host") &&
	    !has_canary(f->o->deploy))
		strs_add(args, "--canary=" FOLLOWER_CANARY);
	for (size_t i = 0; f->o->deploy && i < f->o->deploy->len; i++)
		strs_add(args, f->o->deploy->v[i]);
}

/* With the verdict of this id; NULL: whatever verdict there is. */
static int put(const struct follower *f, const char *policy,
	       const char *verdict, struct launched *out)
{
	struct launch l = {.path = f->deployed,
			   .by = ROLLOUTS_BY,
			   .cancel = f->o->remote->cancel};
	struct program_answer story = {0};
	const struct doc **docs = NULL, *by;
	struct strs args = {0};
	int rc = past_story(policy, f->r.workload, l.cancel, &story, &docs,
			    &l.n);

	by = rc ? NULL : verdict_in(docs, l.n, verdict);
	if (!rc && !by)
		rc = err_set(ENOENT,
			     "the history lacks verdict %.12s, which the "
			     "rollout goes by",
			     verdict ? verdict : "");
	if (!rc) {
		make_args(f, policy, by, &args);
		l.args = &args;
		l.docs = docs;
		rc = launcher_start(&l, out);
	}
	strs_release(&args);
	free(docs);
	program_answer_release(&story);
	return rc;
}

/* What it says when it could not even try. */
static int failed(const struct launched *l)
{
	const struct doc *e = l->out ? stream_last(l->out, "error") : NULL;

	return err_set(l->exit_status == 4 ? EAGAIN : EIO,
		       "sched-deploy did not put the policy in place: %s",
		       e ? json_text_at(e->body, "text")
			 : "it ended and said nothing");
}

static bool is_attached(const struct launched *l)
{
	const struct doc *d = l->out ? stream_last(l->out, "deployment") : NULL;

	return d && !l->gone &&
	       !strcmp(json_text_at(d->body, "state"), "attached");
}

static int take(struct follower *f, const struct launched *l)
{
	const struct doc *d = l->out ? stream_last(l->out, "deployment") : NULL;

	if (!d)
		return failed(l);
	if (is_attached(l)) {
		f->host.in_force = true;
		f->host.since = clock_wall();
		follower_is(f, STAGE_TRYING, "");
	} else {
		take_end(f, d);
	}
	return 0;
}

/* What an earlier rollout has put in place goes.  1: it was there. */
static int make_way(struct follower *f)
{
	struct program_call c = {.program = "sched-deploy",
				 .cancel = f->o->remote->cancel};
	struct program_answer a;
	int rc = *f->before ? launcher_in_force(f->before, c.cancel) : 0;

	if (rc <= 0)
		return rc;
	strs_add(&c.args, "stop");
	rc = program_run(&c, &a);
	if (!rc && a.exit_status > 1)
		rc = err_set(EIO, "%s", a.words);
	program_answer_release(&a);
	strs_release(&c.args);
	return rc ? rc : 1;
}

/* It made way for one that is not in place after all. */
static void put_back(struct follower *f)
{
	struct launched is = {0};
	int rc = put(f, f->before, NULL, &is);

	if (!rc && !is_attached(&is))
		rc = failed(&is);
	if (rc)
		follower_say(f, "policy %.12s is not put back: %s", f->before,
			     err_text());
	else
		follower_say(f, "policy %.12s is back in place", f->before);
	launched_release(&is);
}

int follower_deploy(struct follower *f)
{
	int way = make_way(f), rc = way < 0 ? way : 0;
	struct launched is = {0};
	char *why = NULL;

	if (!rc)
		rc = put(f, f->r.policy, f->r.verdict, &is);
	if (!rc)
		rc = take(f, &is);
	launched_release(&is);
	if (way == 1 && f->host.stage != STAGE_TRYING) {
		why = mem_strdup(err_text());
		put_back(f);
		err_set(rc ? -rc : EIO, "%s", why);
		free(why);
	}
	return rc;
}

/* ---- going back -------------------------------------------------------- */

int follower_withdraw(struct follower *f, const char *why)
{
	char *path = mem_printf("%s.back", f->deployed);
	struct strs args = {0};
	const struct launch l = {.args = &args,
				 .path = path,
				 .by = ROLLOUTS_BY,
				 .cancel = f->o->remote->cancel};
	struct launched is = {0};
	int rc;

	strs_add(&args, "rollback");
	strs_add(&args, "--json");
	rc = launcher_start(&l, &is);
	if (!rc)
		rc = launcher_in_force(f->policy, f->o->remote->cancel);
	if (rc > 0)
		rc = err_set(EIO,
			     "policy %.12s is still in force after "
			     "'sched-deploy rollback', which ended with "
			     "status %d",
			     f->policy, is.exit_status);
	if (!rc) {
		f->host.in_force = false;
		follower_is(f, STAGE_WITHDRAWN, why);
	}
	launched_release(&is);
	strs_release(&args);
	free(path);
	return rc;
}
