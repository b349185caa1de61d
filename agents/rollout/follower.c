/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/rollout/follower.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/rollout/follower_parts.h"
#include "base/err.h"
#include "base/mem.h"

#define SAID_MAX   1024
#define COHORT_MAX 4096

void follower_say(const struct follower *f, const char *fmt, ...)
{
	char line[SAID_MAX];
	va_list ap;

	if (!f->o->said)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	f->o->said(f->o->said_arg, line);
}

/* ---- who this host is -------------------------------------------------- */

/* The name in the file, the caller's; NULL: there is none. */
static int named_cohort(const char *given, char **out)
{
	struct buf b;
	int rc = 0;

	*out = given ? mem_strdup(given) : NULL;
	if (given || (access(FOLLOWER_COHORT_FILE, F_OK) && errno == ENOENT))
		return 0;
	buf_init(&b, COHORT_MAX);
	rc = buf_read_file(&b, FOLLOWER_COHORT_FILE);
	if (!rc && b.len) {
		b.data[strcspn(b.data, "\r\n")] = '\0';
		*out = mem_strdup(b.data);
	}
	buf_release(&b);
	return rc;
}

static int find_place(struct follower *f)
{
	struct rollout_place place;
	char *name;
	int rc = named_cohort(f->o->cohort, &name);

	if (rc)
		return rc;
	rollout_place(f->r.id, f->info.id, &place);
	f->named = name && *name;
	f->host.turn = place.turn;
	f->host.cohort =
		rollout_cohort_of(&f->r, f->named ? name : NULL, place.point);
	if (f->named && f->host.cohort < 0)
		follower_say(f, "the rollout has no cohort '%s'", name);
	free(name);
	return 0;
}

/* ---- what there is to follow ------------------------------------------- */

/* 1: nothing. */
static int choose(struct follower *f, const struct trust *t)
{
	struct rollouts all;
	int rc = rollouts_find(f->h, t, f->o->workload, &all);

	for (size_t i = 0; i < all.why.len; i++)
		follower_say(f, "%s", all.why.v[i]);
	if (!rc && all.n > 1)
		rc = err_set(EINVAL,
			     "there are rollouts for %zu workloads: name the "
			     "one that this host follows",
			     all.n);
	if (!rc && all.n)
		f->r = all.v[0];
	if (!rc && !all.n)
		rc = 1;
	rollouts_release(&all);
	return rc;
}

/* Fetches, and counts what is signed; 1: *asks has become more. */
static int gather(struct follower *f, const struct trust *hosts,
		  unsigned int *asks, struct rollout_tally *tally)
{
	time_t now = clock_wall();
	struct reports reports;
	unsigned int asked = *asks;
	int rc = reports_fetch_for(f->h, f->o->remote, &f->r, asked);

	if (rc)
		return rc;
	rc = reports_gather(f->h, hosts, &f->r, now, &reports);
	memcpy(tally, reports.tally, sizeof(reports.tally));
	*asks |= rollout_asks(&f->r, tally, &f->host, now);
	if (!rc && *asks == asked && reports.refused)
		follower_say(f,
			     "%zu reports do not count: no host that is "
			     "trusted here has signed them",
			     reports.refused);
	reports_release(&reports);
	return rc ? rc : *asks != asked;
}

/* What others report, as far as it bears upon this host. */
static int hear(struct follower *f, struct rollout_tally *tally)
{
	struct strs keep = {0};
	char part[ROLLOUTS_PART];
	unsigned int asks = 0;
	struct trust *hosts;
	int rc = rollouts_hosts(&hosts);

	if (rc)
		return rc;
	rollouts_part(&f->r, part);
	strs_add(&keep, part);
	rc = reports_forget(f->h, &keep);
	if (!rc)
		rc = 1;
	/* The bad ones first, which say what else bears upon it. */
	for (int i = 0; rc == 1 && i <= ROLLOUT_COHORTS; i++)
		rc = gather(f, hosts, &asks, tally);
	strs_release(&keep);
	trust_free(hosts);
	return rc < 0 ? rc : 0;
}

/* ---- a round ----------------------------------------------------------- */

static int act(struct follower *f, struct follower_result *r)
{
	int rc = 0;

	switch (r->choice.answer) {
	case ROLLOUT_DEPLOY:
		rc = follower_deploy(f);
		r->failed = rc || f->host.stage != STAGE_TRYING;
		break;
	case ROLLOUT_WITHDRAW:
		rc = follower_withdraw(f, r->choice.why);
		break;
	case ROLLOUT_STAY:
		/* Somebody else has put the same policy in place. */
		if (f->host.stage == STAGE_NONE) {
			f->host.since = clock_wall();
			follower_is(f, STAGE_TRYING, "");
		}
		if (r->choice.well && f->host.stage == STAGE_TRYING)
			follower_is(f, STAGE_WELL, r->choice.why);
		break;
	case ROLLOUT_WAIT:
		break;
	}
	return rc;
}

static void remember(struct follower *f, const struct rollout_choice *c)
{
	time_t now = clock_wall();

	if (f->r.serial > f->host.serial)
		f->host.serial = f->r.serial;
	if (now > f->host.clock)
		f->host.clock = now;
	if (c->open && !f->host.open)
		f->host.open = now;
}

/* How it is here, whether or not the remote can be reached. */
static int prepare(struct follower *f)
{
	int rc = follower_load(f, f->r.workload);

	if (!rc)
		rc = find_place(f);
	/* By the policy that was put in place, which may be the one before. */
	if (!rc)
		rc = follower_look(f);
	if (rc || f->r.serial < f->host.serial || !strcmp(f->id, f->r.id))
		return rc;
	follower_turn_to(f, &f->r);
	return follower_look(f);
}

static int decide(struct follower *f, struct follower_result *r)
{
	struct rollout_tally tally[ROLLOUT_COHORTS] = {0};
	int rc = rollout_listens(&f->host) ? hear(f, tally) : 0, said;

	if (rc)
		return rc;
	rollout_decide(&f->r, tally, &f->host, clock_wall(), &r->choice);
	follower_say(f, "%s: %s", rollout_answers[r->choice.answer],
		     r->choice.why);
	if (f->o->dry_run)
		return 0;
	rc = act(f, r);
	remember(f, &r->choice);
	said = follower_report(f);
	return rc ? rc : said;
}

static void tell(const struct follower *f, struct follower_result *r)
{
	r->rollout = f->r;
	r->host = f->host;
	r->cohort = f->host.cohort < 0
			    ? NULL
			    : r->rollout.cohorts[f->host.cohort].name;
}

static void release(struct follower *f)
{
	sign_key_free(f->key);
	free(f->info.path);
	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f->deployed);
}

int follower_run(struct history *h, const struct follower_opts *o,
		 struct follower_result *r)
{
	struct follower f = {.h = h, .o = o, .lock = -1};
	struct remote_result taken;
	char *unreached = NULL;
	struct trust *t = NULL;
	int rc, pulled, saved;

	*r = (struct follower_result){0};
	rc = follower_key(&f.info, &f.key);
	if (!rc)
		rc = trust_open(&t);
	if (rc)
		goto out;
	pulled = remote_pull(h, o->remote, &taken);
	if (pulled)
		unreached = mem_strdup(err_text());
	rc = choose(&f, t);
	if (!rc)
		rc = prepare(&f);
	if (!rc) {
		/* What cannot be reached changes nothing. */
		rc = pulled ? pulled : decide(&f, r);
		if (rc && !pulled)
			unreached = mem_strdup(err_text());
		saved = o->dry_run ? 0 : follower_save(&f);
		if (saved && !rc)
			rc = saved;
		tell(&f, r);
	} else if (rc == 1) {
		rc = pulled;
		rollout_decide(NULL, NULL, &f.host, clock_wall(), &r->choice);
	} else {
		free(unreached);
		unreached = NULL;
	}
	if (rc && unreached)
		err_set(-rc, "%s", unreached);
out:
	free(unreached);
	trust_free(t);
	release(&f);
	return rc;
}
