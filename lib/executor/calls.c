/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "executor/engine.h"

#define SAID_MAX   8192
#define CALL_MAX_S 60

/* Not what is for squeue and scancel alone: it has them leave out jobs, and ask
 * before they end one. */
static bool concerns(const char *setting)
{
	static const char *const names[] = {
		"PATH=", "HOME=",   "USER=", "LOGNAME=",      "SHELL=",
		"LANG=", "TMPDIR=", "TZ=",   "SSH_AUTH_SOCK="};
	static const char *const kinds[] = {"LC_", "SLURM_", "SBATCH_", "KRB5"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strncmp(setting, names[i], strlen(names[i])))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strncmp(setting, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

void engine_environment(const struct executor *e, struct strs *env)
{
	for (char **s = environ; *s; s++)
		if (concerns(*s))
			strs_add(env, *s);
	/* Its own files beside the jobs, not in the user's home. */
	strs_printf(env, "PARALLEL_HOME=%s/parallel", e->folder.dir);
	strs_add(env, "PARALLEL_SSH=ssh -o BatchMode=yes -o ConnectTimeout=15 "
		      "-o ServerAliveInterval=15 -o ServerAliveCountMax=4");
}

char *engine_words(const struct buf *said)
{
	const char *end = said->data ? said->data + said->len : "", *at;
	char *line, *colon;

	while (said->data && end > said->data && end[-1] == '\n')
		end--;
	for (at = end; said->data && at > said->data && at[-1] != '\n';)
		at--;
	line = mem_strndup(at, (size_t)(end - at));
	colon = strstr(line, ": error: ");
	if (colon)
		memmove(line, colon + strlen(": error: "),
			strlen(colon + strlen(": error: ")) + 1);
	return line;
}

int engine_call(struct executor *e, char *const *argv, struct buf *out)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct strs env = {0};
	struct buf said;
	int rc;

	buf_init(&said, SAID_MAX);
	engine_environment(e, &env);
	spec.argv = argv;
	spec.cwd = "/";
	spec.env = env.v;
	spec.stdin_fd = -1;
	spec.out = out;
	spec.err = &said;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = CALL_MAX_S;
	spec.cancel = e->cancel;
	rc = proc_run(&spec, &res);
	if (!rc && res.cancelled)
		rc = err_set(EINTR, "interrupted");
	else if (!rc && res.timed_out)
		rc = err_set(EAGAIN, "%s does not answer", argv[0]);
	else if (!rc && res.exit_status) {
		char *words = engine_words(&said);

		rc = err_set(EAGAIN, "%s: %s", argv[0],
			     *words ? words : "failed, and does not say why");
		free(words);
	}
	strs_release(&env);
	buf_release(&said);
	return rc;
}

void engine_ranges(const size_t *which, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t first = which[i];

		while (i + 1 < n && which[i + 1] == which[i] + 1)
			i++;
		buf_printf(out, "%s%zu", out->len ? "," : "", first);
		if (which[i] != first)
			buf_printf(out, "-%zu", which[i]);
	}
}
