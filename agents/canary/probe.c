/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user's own figure. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/canary/probe.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"

#define PROBE_S	  5.0
#define PROBE_MAX 65536
#define NOBODY	  "65534"
#define AS_IT_IS  5 /* words of argv below that are for root */
#define A_NUMBER  "([-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?)"

static int bad(const char *text)
{
	return err_set(EINVAL,
		       "'%s' is no metric: NAME[,higher|lower][,UNIT]=COMMAND",
		       text);
}

int probe_parse(const char *text, struct probe *out)
{
	const char *eq = strchr(text, '=');
	char *metric;
	int rc;

	*out = (struct probe){0};
	if (!eq || eq == text || !eq[1])
		return bad(text);
	metric = mem_printf("%.*s=re:%s", (int)(eq - text), text, A_NUMBER);
	rc = metric_parse(metric, &out->metric);
	free(metric);
	/* To that a text without a good name is nothing but an expression. */
	if (!rc && strcmp(out->metric.regex, A_NUMBER)) {
		probe_release(out);
		return bad(text);
	}
	if (!rc)
		out->command = mem_strdup(eq + 1);
	return rc;
}

void probe_release(struct probe *p)
{
	metric_release(&p->metric);
	free(p->command);
	*p = (struct probe){0};
}

int probe_read(const struct probe *p, double *value)
{
	/* A root that has lowered itself cannot become another user; what it
	 * executes can. */
	char *argv[] = {(char *)"setpriv",
			(char *)"--reuid=" NOBODY,
			(char *)"--regid=" NOBODY,
			(char *)"--clear-groups",
			(char *)"--no-new-privs",
			(char *)"sh",
			(char *)"-c",
			p->command,
			NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct buf out;
	int rc;

	buf_init(&out, PROBE_MAX);
	spec.argv = geteuid() ? argv + AS_IT_IS : argv;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.out_fd = -1;
	spec.timeout_s = PROBE_S;
	spec.with_us = true;
	rc = proc_run(&spec, &res);
	if (!rc && res.timed_out)
		rc = err_set(ETIMEDOUT, "it took longer than %.0f s", PROBE_S);
	else if (!rc && res.exit_status)
		rc = err_set(EINVAL, "its exit status is %d", res.exit_status);
	if (!rc)
		rc = metric_read(&p->metric, out.len ? out.data : "", "", 0,
				 value);
	buf_release(&out);
	return rc ? err_prefix(rc, "the command of the metric '%s'",
			       p->metric.name)
		  : 0;
}
