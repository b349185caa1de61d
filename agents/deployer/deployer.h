/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deployer: verdicts in, a policy attached, deployments out.
 *
 * Takes nothing but what was verified: an accepted verdict's policy by its
 * id, and the object whose hash the verdict names.  sched-deploy(1) has the
 * rules.
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_DEPLOYER_H
#define SCHEDKIT_AGENTS_DEPLOYER_DEPLOYER_H

#include <signal.h>
#include <stdbool.h>

#include "agents/canary/canary.h"
#include "agents/canary/probe.h"
#include "doc/stream.h"
#include "guard/sentry.h"

struct deployer_opts {
	/* "host", "vm" or "auto": knobs on the host, else as
	 * deployer_auto_target() */
	const char *target;
	const char *policy; /* an id or its beginning; NULL: the best */
	bool dry_run;
	/* On the host: the folder of rules that a policy follows; NULL: none.
	 */
	const char *intents;
	/* Likewise: the file of a model; NULL: what the policy has brought. */
	const char *model;
	bool pin; /* on the host: it stays, and needs nobody who holds it */
	double hold_s;	      /* 0: until cancelled, or the command's end */
	char *const *command; /* NULL: none; has a vm neither, it is an error */
	/* Knobs on what runs already; 0 and NULL: by the names of tasks. */
	long pid;	    /* a process and what descends from it */
	const char *cgroup; /* what is in it */
	/* The policy that this one is put back in place of; NULL: none. */
	const char *back_from;
	const struct guard_rule *guards; /* those that were asked for */
	size_t guard_count;
	bool again; /* a person says so: also what tripped too often */
	/* On the host, on some tasks first: agents/canary/canary.h. */
	const struct canary_plan *canary; /* NULL: on all at once */
	double canary_s;		  /* of a step; 0: CANARY_STEP_S */
	const struct probe *probes; /* for the canary, and those guards that
				       watch one */
	size_t probe_count;
	int out_fd;	    /* for what the command prints */
	const char *kernel; /* vm; NULL: of the verdict's series */
	long cpus, memory_mib;
	const char *topology;
	const volatile sig_atomic_t *cancel;
	/* After each deployment was emitted. */
	void (*emitted)(void *arg);
	void *emitted_arg;
	/* What is worth a line in a log, while it goes on; NULL: nothing is. */
	void (*said)(void *arg, const char *line);
	void *said_arg;
	void (*progress)(void *arg, long done, long total, const char *words);
	void *progress_arg;
};

enum deployer_answer {
	DEPLOYER_DONE,
	DEPLOYER_REFUSED, /* nothing was attached; err_text() says why */
	DEPLOYER_EJECTED, /* it did not last; err_text() says why */
	DEPLOYER_TRIPPED, /* a guard had it taken off; likewise */
	DEPLOYER_WORSE,	  /* its canary did not pass; likewise */
};

struct deployer_result {
	bool ran;	 /* the command */
	int exit_status; /* of the command, as a shell reports it */
};

/* "host" where a policy can be attached to this kernel, else "vm". */
const char *deployer_auto_target(void);

/* -EINVAL: a guard of a metric that no probe tells, a probe that nobody guards,
 * too many of them. */
int deployer_check_guards(const struct deployer_opts *o);

/*
 * Reads the stream to its end, then deploys: an enum deployer_answer, or
 * -EBADMSG (a bad line), -EBUSY (another deployer, or another policy is
 * attached), -EINTR (cancelled before anything was attached), -EAGAIN (the
 * guest died), -EPERM, -ENOSYS and the like: it could not be tried.
 */
int deployer_deploy(struct stream *s, const struct deployer_opts *o,
		    struct deployer_result *r);

#endif
