/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history bisect: which policy made it worse. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cmd/history.h"
#include "history/bisect.h"
#include "history/diff.h"

static struct {
	const char *workload, *good, *bad;
	int argc;
	char **argv;
} arg;

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
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "which policy made a workload slower",
	.synopsis = "bisect [OPTION...] start -w NAME | good [ID] | bad [ID] | "
		    "skip [ID] | run [COMMAND...] | log | reset",
	.options = options,
};

/* ---- what is told ------------------------------------------------------ */

static void put_culprit(struct history *h, const struct bisect *b, size_t at,
			size_t after)
{
	struct doc *bad = NULL, *good = NULL;
	struct json *v = json_object();
	char *line;

	history_read(h, "policy", b->policy[at], &bad);
	history_read(h, "policy", b->policy[after], &good);
	json_set_string(v, "first_bad", b->policy[at]);
	json_set_string(v, "last_good", b->policy[after]);
	json_set_number(v, "tests", (double)json_len(b->log) - 2);
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

static int input_of(const struct doc *d)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	char *text = doc_line(d), *line = mem_printf("%s\n", text);

	if (fd >= 0)
		io_write(fd, line, strlen(line));
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	free(line);
	free(text);
	return fd;
}

/* The command's exit status is the answer; -errno: it gave none. */
static int test_by(const struct doc *d, enum bisect_mark *mark)
{
	struct proc_spec p = PROC_SPEC_INIT;
	struct proc_result r;
	int fd = input_of(d), rc;

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

static int run_search(struct history *h, struct bisect *b)
{
	int status, rc;
	size_t at;

	while (stand(h, b, &at, &status)) {
		enum bisect_mark mark = BISECT_NONE;
		struct doc *d = NULL;

		rc = history_read(h, "policy", b->policy[at], &d);
		if (!rc)
			rc = test_by(d, &mark);
		if (!rc)
			rc = bisect_say(b, d->id, mark);
		if (!rc)
			rc = bisect_save(h, b);
		if (!rc)
			cli_note(&tool, "policy %.12s is %s", d->id,
				 mark == BISECT_SKIP ? "skipped"
						     : bisect_words[mark]);
		doc_free(d);
		if (rc)
			return cli_fail(&tool, rc);
	}
	return status;
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
	rc = bisect_say(b, d ? d->id : b->policy[at], mark);
	if (!rc)
		rc = bisect_save(h, b);
	doc_free(d);
	return rc ? cli_fail(&tool, rc) : put_next(h, b);
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
			printf("%s\t%s\n", json_text_at(l, "mark"),
			       json_text_at(l, "policy"));
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
	/* What follows `run` is the command's own. */
	argc -= at;
	argv += at;
	if (strcmp(verbs[i], "run")) {
		more = cli_options(&tool, argc, argv);
		argc -= more - 1;
		argv += more - 1;
		argv[0] = (char *)verbs[i];
	} else if (argc < 2) {
		cli_usage(&tool, "run which test? a command, whose exit status "
				 "says it");
	}
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
