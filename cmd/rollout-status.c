/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched rollout status, prune: what hosts have reported. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/note.h"
#include "cmd/rollout.h"
#include "term/text.h"

static struct {
	bool no_pull, each;
} arg;

static const struct opt status_options[] = {
	ROLLOUT_FOR,
	{.kind = OPT_FLAG,
	 .name = "each",
	 .help = "tell of each host",
	 .target = &arg.each},
	{.kind = OPT_FLAG,
	 .name = "no-pull",
	 .help = "only what is here already",
	 .target = &arg.no_pull},
	ROLLOUT_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool status_tool = {
	.name = "sched-rollout",
	.purpose = "who has it, and how they fare",
	.synopsis = "status [OPTION...]",
	.options = status_options,
	.mixed = true,
};

static const struct opt prune_options[] = {
	ROLLOUT_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool prune_tool = {
	.name = "sched-rollout",
	.purpose = "remove reports of rollouts that are over from the remote",
	.synopsis = "prune [OPTION...]",
	.options = prune_options,
	.mixed = true,
};

/* ---- status ------------------------------------------------------------ */

static struct json *cohort_json(const struct rollout_cohort *c,
				const struct rollout_tally *t)
{
	struct json *v = json_object();

	json_set_string(v, "name", c->name);
	json_set_number(v, "share_pct", c->share_pct);
	json_set_number(v, "reports", (double)c->reports);
	json_set_number(v, "heard", (double)rollout_heard(t));
	for (int i = 0; i < OUTCOMES; i++)
		json_set_number(v, rollout_outcomes[i], (double)t->by[i]);
	return v;
}

static struct json *host_json(const struct rollout *r,
			      const struct rollout_report *h)
{
	char time[CLOCK_TEXT_LEN];
	struct json *v = json_object();

	clock_text(h->time, time);
	json_set_string(v, "key", h->key);
	json_set_string(v, "cohort", r->cohorts[h->cohort].name);
	json_set_string(v, "outcome", rollout_outcomes[h->outcome]);
	json_set_string(v, "kernel", h->kernel);
	json_set_string(v, "why", h->why);
	json_set_string(v, "time", time);
	return v;
}

static void put_json(const struct rollout *r, const struct reports *s,
		     int spoilt)
{
	struct json *v = json_object(), *list = json_array();
	char expires[CLOCK_TEXT_LEN];

	clock_text(r->expires, expires);
	json_set_string(v, "workload", r->workload);
	json_set_string(v, "rollout", r->id);
	json_set_string(v, "policy", r->policy);
	json_set_number(v, "serial", (double)r->serial);
	json_set_string(v, "state", rollout_states[r->state]);
	json_set_string(v, "why", r->why);
	json_set_string(v, "expires", expires);
	json_set_bool(v, "spoilt", spoilt >= 0);
	json_set_number(v, "not_counted", (double)s->refused);
	for (size_t i = 0; i < r->n; i++)
		json_add(list, cohort_json(&r->cohorts[i], &s->tally[i]));
	json_set(v, "cohorts", list);
	list = json_array();
	for (size_t i = 0; arg.each && i < s->n; i++)
		if (!i || strcmp(s->v[i - 1].key, s->v[i].key))
			json_add(list, host_json(r, &s->v[i]));
	json_set(v, "hosts", list);
	rollout_put_line(v);
}

static void put_cohorts(const struct rollout *r, const struct reports *s)
{
	struct table *t = table_new();

	table_column(t, "cohort", TABLE_LEFT);
	table_column(t, "share", TABLE_RIGHT);
	table_column(t, "needed", TABLE_RIGHT);
	for (int i = 0; i < OUTCOMES; i++)
		table_column(t, rollout_outcomes[i], TABLE_RIGHT);
	for (size_t i = 0; i < r->n; i++) {
		table_cell(t, "%s", r->cohorts[i].name);
		table_cell(t, "%g %%", r->cohorts[i].share_pct);
		table_cell(t, "%ld", r->cohorts[i].reports);
		for (int k = 0; k < OUTCOMES; k++)
			table_cell(t, "%ld", s->tally[i].by[k]);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void put_hosts(const struct rollout *r, const struct reports *s)
{
	static const char *const titles[] = {"host", "cohort", "outcome",
					     "kernel"};
	struct table *t = table_new();

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "why", TABLE_WRAP);
	for (size_t i = 0; i < s->n; i++) {
		const struct rollout_report *h = &s->v[i];

		if (i && !strcmp(s->v[i - 1].key, h->key))
			continue;
		table_cell(t, "%.12s", h->key);
		table_cell(t, "%s", r->cohorts[h->cohort].name);
		table_cell(t, "%s", rollout_outcomes[h->outcome]);
		table_cell(t, "%s", h->kernel);
		table_cell(t, "%s", h->why);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void put_words(const struct rollout *r, const struct reports *s,
		      int spoilt)
{
	char *line =
		mem_printf("policy %.12s for '%s' is %s%s%s (rollout "
			   "%.12s, statement %ld)",
			   r->policy, r->workload, rollout_states[r->state],
			   *r->why ? ": " : "", r->why, r->id, r->serial);

	note_line(line);
	free(line);
	if (spoilt >= 0)
		printf("hosts of '%s' report that it is bad: every host goes "
		       "back\n",
		       r->cohorts[spoilt].name);
	put_cohorts(r, s);
	if (arg.each)
		put_hosts(r, s);
	if (s->refused)
		printf("%zu reports do not count: no host that is trusted "
		       "here has signed them\n",
		       s->refused);
}

static int pull(struct rollout_world *w)
{
	struct remote_result r;

	return arg.no_pull ? 0 : remote_pull(w->h, &w->remote, &r);
}

static int status(const struct opt_tool *tool, struct rollout_world *w)
{
	struct trust *hosts = NULL;
	struct reports s = {0};
	struct rollout r;
	int said = pull(w), rc, end, spoilt;

	/* What is here is told in any case. */
	end = said ? rollout_fail(tool, said) : CLI_YES;
	rc = rollout_the(tool, w, &r);
	if (rc)
		return said ? end : rc;
	if (!said && !arg.no_pull) {
		said = reports_fetch_for(w->h, &w->remote, &r, ~0u);
		if (said)
			end = rollout_fail(tool, said);
	}
	rc = rollouts_hosts(&hosts);
	if (!rc)
		rc = reports_gather(w->h, hosts, &r, clock_wall(), &s);
	if (rc) {
		end = cli_fail(tool, rc);
	} else {
		spoilt = rollout_spoilt(&r, s.tally);
		if (cli_wants_json(rollout_arg.json))
			put_json(&r, &s, spoilt);
		else
			put_words(&r, &s, spoilt);
		if (end == CLI_YES &&
		    (spoilt >= 0 || r.state != ROLLOUT_RUNNING))
			end = CLI_NO;
	}
	reports_release(&s);
	trust_free(hosts);
	return end;
}

static int run_status(int argc, char **argv)
{
	if (cli_options(&status_tool, argc, argv) < argc)
		cli_usage(&status_tool, "too many arguments");
	return rollout_with(&status_tool, status);
}

/* ---- prune ------------------------------------------------------------- */

static int prune(const struct opt_tool *tool, struct rollout_world *w)
{
	struct remote_result r;
	struct rollouts all = {0};
	struct strs keep = {0};
	size_t n = 0;
	int rc = remote_pull(w->h, &w->remote, &r);

	if (!rc)
		rc = rollouts_find(w->h, w->t, NULL, &all);
	for (size_t i = 0; !rc && i < all.n; i++) {
		char part[ROLLOUTS_PART];

		rollouts_part(&all.v[i], part);
		strs_add(&keep, part);
	}
	if (!rc)
		rc = reports_prune(w->h, &w->remote, &keep, &n);
	rollouts_release(&all);
	strs_release(&keep);
	if (rc)
		return rollout_fail(tool, rc);
	if (cli_wants_json(rollout_arg.json)) {
		struct json *v = json_object();

		json_set_number(v, "removed", (double)n);
		rollout_put_line(v);
	} else {
		printf("%zu reports removed\n", n);
	}
	return CLI_YES;
}

static int run_prune(int argc, char **argv)
{
	if (cli_options(&prune_tool, argc, argv) < argc)
		cli_usage(&prune_tool, "too many arguments");
	return rollout_with(&prune_tool, prune);
}

const struct cli_command rollout_status_command = {
	.name = "status",
	.purpose = "who has it, and how they fare",
	.tool = &status_tool,
	.run = run_status,
};

const struct cli_command rollout_prune_command = {
	.name = "prune",
	.purpose = "remove reports of rollouts that are over",
	.tool = &prune_tool,
	.run = run_prune,
};
