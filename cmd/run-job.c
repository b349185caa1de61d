/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Slurm or GNU parallel starts on a node: run-job FOLDER NUMBER runs one
 * job of the folder and leaves its answer there.  Status 0: there is one, or
 * nobody wants it any more; else the engine is to begin it anew.
 */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "executor/serve.h"

static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

int main(int argc, char **argv)
{
	static const int asked[] = {SIGTERM, SIGINT, SIGHUP};
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: run-job FOLDER NUMBER\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		signal(asked[i], on_stop);
	rc = job_serve(argv[1], argv[2], &stop);
	if (!rc)
		return 0;
	fprintf(stderr, "run-job: %s\n", err_text());
	if (rc == -ECANCELED)
		return 0;
	return rc == -EINTR ? 4 : 3;
}
