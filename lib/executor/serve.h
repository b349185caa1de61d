/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job on its node: run-job. */
#ifndef SCHEDKIT_EXECUTOR_SERVE_H
#define SCHEDKIT_EXECUTOR_SERVE_H

#include <signal.h>

/*
 * Runs DIR/NUMBER.job and leaves DIR/NUMBER.answer, whole, however often it was
 * begun before and whoever is at it still: one at a time is, and who comes
 * after an answer has nothing to do.  A job that was begun too often gets an
 * answer that says so, since what it runs may be what kills its node.
 *
 * 0: there is an answer.  -EINTR: *stop was set; -ECANCELED: whoever asked does
 * not want it any more; -EPERM: the folder is not ours alone; -errno.  In all
 * these cases the engine may begin it anew.
 */
int job_serve(const char *dir, const char *number,
	      const volatile sig_atomic_t *stop);

#endif
