/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts an external scheduler on this host, watches it and ends it, for
 * sched-deploy: the part that needs privilege.  On its standard input, a
 * socket, comes one struct external_request; lib/target/external_serve.h has
 * the answers.  Whatever becomes of its asker, the program is gone before it
 * ends itself; and if it is killed the kernel kills the program.
 */
#include <signal.h>
#include <unistd.h>

#include "target/external_serve.h"

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
	return external_serve(STDIN_FILENO, &over) ? 1 : 0;
}
