/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/remote_git.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "history/repo.h"
#include "history/text.h"

#define SAID_CHARS 300

int remote_git_check(const char *url)
{
	static const char *const schemes[] = {"ssh",   "git",  "http",
					      "https", "file", "git+ssh"};
	const char *colon = strstr(url, "://");

	if (!*url || *url == '-' || strstr(url, "::") || strpbrk(url, "\n\r\t"))
		return err_set(EINVAL, "'%.200s' is no address for git", url);
	if (!colon)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strlen(schemes[i]) == (size_t)(colon - url) &&
		    !strncmp(url, schemes[i], strlen(schemes[i])))
			return 0;
	return err_set(EINVAL,
		       "'%.200s': git is to talk by ssh, https, http, git or "
		       "to a path",
		       url);
}

/* Ours, without what points git elsewhere, and so that it never asks. */
static void make_env(struct strs *env)
{
	static const char *const dropped[] = {
		"GIT_DIR=",
		"GIT_WORK_TREE=",
		"GIT_INDEX_FILE=",
		"GIT_NAMESPACE=",
		"GIT_OBJECT_DIRECTORY=",
		"GIT_TERMINAL_PROMPT=",
		"GIT_ALLOW_PROTOCOL=",
		"LC_ALL=",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES="};

	for (char **e = environ; *e; e++) {
		size_t i = 0;

		while (i < ARRAY_LEN(dropped) &&
		       strncmp(*e, dropped[i], strlen(dropped[i])))
			i++;
		if (i == ARRAY_LEN(dropped))
			strs_add(env, *e);
	}
	strs_add(env, "GIT_TERMINAL_PROMPT=0");
	strs_add(env, "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh");
	strs_add(env, "LC_ALL=C.UTF-8");
	if (!getenv("GIT_SSH_COMMAND") && !getenv("GIT_SSH"))
		strs_add(env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes "
			      "-oConnectTimeout=20");
}

static void make_argv(const struct history *h, const struct strs *args,
		      struct strs *argv)
{
	static const char *const settings[] = {
		"core.hooksPath=/dev/null",  "protocol.ext.allow=never",
		"fetch.fsckObjects=true",    "fetch.recurseSubmodules=false",
		"push.recurseSubmodules=no", "gc.auto=0",
		"maintenance.auto=false",
	};

	strs_add(argv, "git");
	strs_printf(argv, "--git-dir=%s", h->dir);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		strs_add(argv, "-c");
		strs_add(argv, settings[i]);
	}
	for (size_t i = 0; i < args->len; i++)
		strs_add(argv, args->v[i]);
}

int remote_git(const struct history *h, const struct remote_opts *o,
	       const struct strs *args, struct buf *said)
{
	struct proc_spec p = PROC_SPEC_INIT;
	struct strs argv = {0}, env = {0};
	struct proc_result r;
	int rc;

	make_argv(h, args, &argv);
	make_env(&env);
	p.argv = argv.v;
	p.env = env.v;
	p.stdin_fd = -1;
	p.out = said;
	p.err = said;
	p.out_fd = p.err_fd = -1;
	p.timeout_s = o->timeout_s;
	p.cancel = o->cancel;
	p.with_us = true;
	rc = proc_run(&p, &r);
	strs_release(&argv);
	strs_release(&env);
	if (rc)
		return rc;
	if (r.cancelled)
		return err_set(EINTR, "interrupted");
	if (r.timed_out)
		return err_set(ETIMEDOUT, "git did not end within %.0f s",
			       o->timeout_s);
	return r.exit_status;
}

/* How much a line says: why the other side refused is more than that it did. */
static int telling(const char *line)
{
	static const struct {
		const char *begins;
		int much;
	} kinds[] = {{"remote: error:", 3},
		     {"!\t", 2},
		     {"fatal:", 1},
		     {"error:", 1}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strncmp(line, kinds[i].begins, strlen(kinds[i].begins)))
			return kinds[i].much;
	return 0;
}

int remote_git_failed(const struct buf *said, const char *doing,
		      const char *url)
{
	const char *text = said->len ? said->data : "", *best = "";
	int most = -1, rc;
	struct buf line;
	char *one;

	/* Of those that say as much the first; of git's own complaints the
	 * last. */
	for (const char *s = text; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		int much = telling(s);

		if (much > most || (much == most && much == 1)) {
			most = much;
			best = s;
		}
	}
	one = mem_strndup(best, strcspn(best, "\n"));
	buf_init(&line, 4096);
	text_line(&line, one, SAID_CHARS);
	free(one);
	rc = err_set(EHOSTUNREACH, "cannot %s '%s': %s", doing, url,
		     line.len ? line.data : "git said nothing");
	buf_release(&line);
	return rc;
}
