/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history bisect: which policy made it worse. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/program/program.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cmd/history-ladder.h"
#include "cmd/history.h"
#include "history/bisect.h"
#include "history/diff.h"

static struct {
	const char *workload, *good, *bad;
	struct ladder_arg ladder;
	int argc;
	char **argv;
} arg = {.ladder = {.worse_pct = 5}};

static const struct opt options[] = {
	HISTORY_OPTIONS,
	HISTORY_WORKLOAD(&arg.workload),
	{.kind = OPT_STRING,
	 .name = "good",
	 .arg = "ID",
	 .help = "start: a policy with which all was well; the first",
	 .target = &arg.good},
	{.kind = OPT_STRING,
	 .name = "bad",
	 .arg = "ID",
	 .help = "start: a policy with which it was not; the last",
	 .target = &arg.bad},
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "metric",
	 .arg = "NAME",
	 .help = "run: what got worse; the goal",
	 .target = &arg.ladder.metric},
	{.kind = OPT_DOUBLE,
	 .name = "worse",
	 .arg = "PCT",
	 .help = "run: more than this is bad (5)",
	 .target = &arg.ladder.worse_pct,
	 .min = 0,
	 .max = 99},
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .words = "host|vm|auto",
	 .help = "run: host, vm or auto (the default)",
	 .target = &arg.ladder.target},
	{.kind = OPT_LONG,
	 .name = "pairs",
	 .arg = "N",
	 .help = "run: pairs of runs of each policy, as of sched-verify",
	 .target = &arg.ladder.pairs,
	 .min = 1,
	 .max = 1000},
	{.kind = OPT_LONG,
	 .name = "cpus",
	 .arg = "N",
	 .help = "run: of the guest",
	 .target = &arg.ladder.cpus,
	 .min = 1,
	 .max = 512},
	{.kind = OPT_STRING,
	 .name = "kernel",
	 .arg = "SERIES",
	 .help = "run: of the guest",
	 .target = &arg.ladder.kernel},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "which policy made a workload slower",
	.synopsis = "bisect [OPTION...] start -w NAME | good [ID] | bad [ID] | "
		    "skip [ID] | run [COMMAND...] | log | reset",
	.operand = "start|good|bad|skip|run|log|reset",
	.options = options,
};

/* ---- what is told ------------------------------------------------------ */

static void put_culprit(struct history *h, const struct bisect *b, size_t at,
			size_t after)
{
	struct doc *bad = NULL, *good = NULL;
	const char *why = bisect_why(b, b->policy[at]);
	struct json *v = json_object();
	char *line;

	history_read(h, "policy", b->policy[at], &bad);
	history_read(h, "policy", b->policy[after], &good);
	json_set_string(v, "first_bad", b->policy[at]);
	json_set_string(v, "last_good", b->policy[after]);
	json_set_number(v, "tests", (double)json_len(b->log) - 2);
	if (why)
		json_set_string(v, "why", why);
	if (bad && good)
		json_set(v, "differs", diff_values(good->body, bad->body));
	if (cli_wants_json(history_arg.json)) {
		line = json_canonical(v);
		puts(line);
		free(line);
	} else {
		printf("%.*s is the first bad policy: ", HISTORY_SHORT_ID,
		       b->policy[at]);
		history_put_clean(bad ? json_text_at(bad->body, "title") : "");
		fputs(why ? "\n  " : "", stdout);
		history_put_clean(why ? why : "");
		putchar('\n');
		json_each (d, json_get(v, "differs")) {
			char *x = json_canonical(json_get(d, "a"));
			char *y = json_canonical(json_get(d, "b"));
			char *s = mem_printf("  %s: %s -> %s",
					     json_text_at(d, "path"), x, y);

			history_put_clean(s);
			putchar('\n');
			free(s);
			free(x);
			free(y);
		}
	}
	json_free(v);
	doc_free(bad);
	doc_free(good);
}

/* Says where it stands: 1: *at is next; 0: it was found, or cannot be. */
static int stand(struct history *h, const struct bisect *b, size_t *at,
		 int *status)
{
	size_t after;
	int rc = bisect_next(b, at, &after);

	*status = CLI_YES;
	if (rc == 1)
		return 1;
	if (!rc) {
		put_culprit(h, b, *at, after);
	} else if (rc == -ENOTUNIQ) {
		cli_note(&tool,
			 "only skipped policies are left: it is one of "
			 "the %zu after %.12s, up to %.12s",
			 *at - after, b->policy[after], b->policy[*at]);
		*status = CLI_NO;
	} else {
		*status = cli_fail(&tool, rc);
	}
	return 0;
}

static int put_next(struct history *h, const struct bisect *b)
{
	struct doc *d = NULL;
	int status;
	size_t at;

	if (!stand(h, b, &at, &status))
		return status;
	if (history_read(h, "policy", b->policy[at], &d))
		return cli_fail(&tool, -ENOENT);
	cli_note(&tool, "test policy %.12s next", d->id);
	history_put(d);
	doc_free(d);
	return CLI_YES;
}

/* ---- tests ------------------------------------------------------------- */

/* The command's exit status is the answer; -errno: it gave none. */
static int test_by(const struct doc *d, enum bisect_mark *mark)
{
	struct proc_spec p = PROC_SPEC_INIT;
	struct proc_result r;
	int fd = program_memory(&d, 1), rc;

	if (fd < 0)
		return fd;
	setenv("SCHEDKIT_POLICY", d->id, 1);
	p.argv = arg.argv + 1;
	p.stdin_fd = fd;
	p.out_fd = p.err_fd = STDERR_FILENO;
	p.cancel = &cli_stop;
	p.with_us = true;
	rc = proc_run(&p, &r);
	close(fd);
	if (rc)
		return rc;
	if (r.cancelled || r.exit_status >= 128)
		return err_set(EINTR,
			       "'%s' ended with status %d: run again to "
			       "go on",
			       arg.argv[1], r.exit_status);
	*mark = r.exit_status == 125 ? BISECT_SKIP
		: r.exit_status	     ? BISECT_BAD
				     : BISECT_GOOD;
	return 0;
}

/* By the command, or by the ladder; what it says is noted. */
static int test_one(struct history *h, const struct ladder *l, const char *id,
		    enum bisect_mark *mark, char **why)
{
	struct doc *d = NULL;
	int rc = history_read(h, "policy", id, &d);

	*why = NULL;
	if (!rc)
		rc = arg.argc > 1 ? test_by(d, mark)
				  : ladder_test(l, d, mark, why);
	if (!rc)
		cli_note(&tool, "policy %.12s is %s%s%s", id,
			 *mark == BISECT_SKIP ? "skipped" : bisect_words[*mark],
			 *why ? ": " : "", *why ? *why : "");
	doc_free(d);
	return rc;
}

/* A search between two policies of which the later is not worse finds chance:
 * 1, and why was said. */
static int check_ends(struct history *h, const struct bisect *b,
		      const struct ladder *l)
{
	enum bisect_mark mark = BISECT_BAD;
	char *why;
	int rc = test_one(h, l, bisect_first_bad(b), &mark, &why);

	free(why);
	if (rc || mark == BISECT_BAD)
		return rc;
	cli_note(&tool, "the bad one %s the good one, policy %.12s",
		 mark == BISECT_SKIP ? "cannot be told from"
				     : "is not worse here than",
		 l->good->id);
	return 1;
}

static int go_on(struct history *h, struct bisect *b, const struct ladder *l,
		 int *status)
{
	size_t at;
	int rc = 0;

	while (!rc && stand(h, b, &at, status)) {
		enum bisect_mark mark = BISECT_NONE;
		char *why;

		rc = test_one(h, l, b->policy[at], &mark, &why);
		if (!rc)
			rc = bisect_say(b, b->policy[at], mark, why);
		if (!rc)
			rc = bisect_save(h, b);
		free(why);
	}
	return rc;
}

static int run_search(struct history *h, struct bisect *b)
{
	bool begun = json_len(b->log) > 2;
	struct ladder l = {0};
	int status = CLI_NO, rc = 0;

	if (arg.argc < 2)
		rc = ladder_begin(&l, h, b, &arg.ladder);
	if (!rc && arg.argc < 2 && !begun)
		rc = check_ends(h, b, &l);
	if (!rc)
		rc = go_on(h, b, &l, &status);
	ladder_release(&l);
	if (rc == -EINVAL)
		cli_usage(&tool, "%s", err_text());
	return rc < 0 ? cli_fail(&tool, rc) : status;
}

/* ---- verbs ------------------------------------------------------------- */

static int start(struct history *h)
{
	struct doc *good = NULL, *bad = NULL;
	struct bisect *b = NULL;
	int status = CLI_YES, rc;

	if (!arg.workload)
		cli_usage(&tool, "for which workload? name it with --workload");
	if (arg.good)
		status = history_the(&tool, h, "policy", arg.good, &good);
	if (!status && arg.bad)
		status = history_the(&tool, h, "policy", arg.bad, &bad);
	if (!status) {
		rc = bisect_start(h, arg.workload, good ? good->id : NULL,
				  bad ? bad->id : NULL, &b);
		status = rc ? cli_fail(&tool, rc) : put_next(h, b);
	}
	bisect_free(b);
	doc_free(good);
	doc_free(bad);
	return status;
}

static int say(struct history *h, struct bisect *b, enum bisect_mark mark)
{
	struct doc *d = NULL;
	size_t at = 0, after;
	int status = CLI_YES, rc;

	if (arg.argc > 1) {
		status = history_the(&tool, h, "policy", arg.argv[1], &d);
		if (status)
			return status;
	} else if (bisect_next(b, &at, &after) != 1) {
		return put_next(h, b);
	}
	rc = bisect_say(b, d ? d->id : b->policy[at], mark, NULL);
	if (!rc)
		rc = bisect_save(h, b);
	doc_free(d);
	return rc ? cli_fail(&tool, rc) : put_next(h, b);
}

static void put_log(const struct json *l)
{
	const char *why = json_text_at(l, "why");

	printf("%s\t%s%s", json_text_at(l, "mark"), json_text_at(l, "policy"),
	       *why ? "\t" : "");
	history_put_clean(why);
	putchar('\n');
}

static int with_search(struct history *h)
{
	const char *verb = arg.argv[0];
	struct bisect *b;
	int rc = bisect_load(h, &b), status = CLI_USAGE;

	if (rc)
		return cli_fail(&tool, rc);
	if (!strcmp(verb, "run"))
		status = run_search(h, b);
	for (int m = BISECT_GOOD; m <= BISECT_SKIP; m++)
		if (!strcmp(verb, bisect_words[m]))
			status = say(h, b, (enum bisect_mark)m);
	if (!strcmp(verb, "log")) {
		json_each (l, b->log)
			put_log(l);
		status = CLI_YES;
	}
	bisect_free(b);
	return status;
}

static int bisect(struct history *h)
{
	int rc;

	if (!strcmp(arg.argv[0], "start"))
		return start(h);
	if (strcmp(arg.argv[0], "reset"))
		return with_search(h);
	rc = bisect_reset(h);
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

static int run(int argc, char **argv)
{
	static const char *const verbs[] = {"start", "good", "bad",  "skip",
					    "run",   "log",  "reset"};
	int at = history_operands(&tool, argc, argv, 1, -1), more;
	size_t i = 0;

	while (i < ARRAY_LEN(verbs) && strcmp(verbs[i], argv[at]))
		i++;
	if (i == ARRAY_LEN(verbs))
		cli_usage(&tool, "unknown command '%s'", argv[at]);
	/* What follows the command that `run` names is its own. */
	argc -= at;
	argv += at;
	more = cli_options(&tool, argc, argv);
	argc -= more - 1;
	argv += more - 1;
	argv[0] = (char *)verbs[i];
	arg.argc = argc;
	arg.argv = argv;
	cli_catch_stop();
	return history_with_write(&tool, bisect);
}

const struct cli_command history_bisect_command = {
	.name = "bisect",
	.purpose = "which policy made a workload slower",
	.tool = &tool,
	.run = run,
};
