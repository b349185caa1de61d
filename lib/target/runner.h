/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one command under one policy on the kernel one stands on.  The
 * guest's PID 1 and the host target both come here.
 */
#ifndef SCHEDKIT_TARGET_RUNNER_H
#define SCHEDKIT_TARGET_RUNNER_H

#include "base/strs.h"
#include "target/target.h"
#include "target/wire.h"

struct run_job {
	struct strs argv, env;
	char *cwd;
	char *object;	     /* the policy's object file */
	char *bring;	     /* "": no file */
	struct json *policy; /* NULL: the kernel's own scheduler */
	double timeout_s;
	uid_t uid; /* with set_ids */
	gid_t gid;
	bool set_ids;
	bool may_be_killed; /* first choice of the oom killer */
	const volatile sig_atomic_t *cancel;
};

void run_job_release(struct run_job *j);

/* From a spec; fills in the defaults.  env: what spec->env NULL stands for. */
void run_job_fill(struct run_job *j, const struct run_spec *s,
		  char *const *env);

/* 0 when r says what happened; -errno when the command could not start. */
int run_job(const struct run_job *j, struct run_result *r);

/* Messages.  rc and the error slot travel with the result. */
int run_job_send(int fd, const struct run_job *j, double limit_s);
int run_job_read(const struct wire_msg *m, struct run_job *j);
int run_result_send(int fd, int rc, const struct run_result *r);
int run_result_read(const struct wire_msg *m, struct run_result *r);

#endif
