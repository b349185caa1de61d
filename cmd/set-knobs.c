/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets the knobs of a policy on this host and sets them back, for sched-deploy:
 * the part that may need privilege.  On its standard input, a socket, comes one
 * struct knob_request; lib/knob/request.h has the answers.  Whatever becomes of
 * its asker, it undoes what it did before it ends.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/privilege.h"
#include "knob/request.h"

/* Any task's settings, what it executes, and cgroups that root handed to
 * others. */
#define NEEDED                                                 \
	(PRIVILEGE(CAP_SYS_NICE) | PRIVILEGE(CAP_SYS_PTRACE) | \
	 PRIVILEGE(CAP_DAC_OVERRIDE))

static volatile sig_atomic_t over;

static void end(int sig)
{
	(void)sig;
	over = 1;
}

int main(void)
{
	static const int asked[] = {SIGTERM, SIGINT, SIGHUP};

	/* A terminal's are for its asker, who ends it. */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		signal(asked[i], asked[i] == SIGTERM ? end : SIG_IGN);
	/* It starts nothing. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (privilege_keep(NEEDED)) {
		fprintf(stderr, "set-knobs: %s\n", err_text());
		return 1;
	}
	return knob_serve(STDIN_FILENO, &over) ? 1 : 0;
}
