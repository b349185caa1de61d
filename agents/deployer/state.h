/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the deployer share. */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_STATE_H
#define SCHEDKIT_AGENTS_DEPLOYER_STATE_H

#include "agents/attacher/attacher.h"
#include "agents/deployer/deployer.h"
#include "agents/program/program.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "crypt/digest.h"
#include "guard/stand.h"
#include "scx/attach.h"
#include "target/target.h"

#define DEPLOYER_NAME "sched-deploy"

struct deployer {
	struct stream *s;
	const struct deployer_opts *o;
	struct deployer_opts own; /* what o is, with the target chosen */
	struct deployer_result *r;
	const struct doc *verdict; /* lent by the stream */
	const struct doc *policy;
	char *object;	  /* path … */
	struct buf bytes; /* … and what was read there, once */
	char kernel[128]; /* of the target */
	char configuration[DIGEST_HEX_LEN]; /* of its kernel; "": not known */
	struct target *guest;		    /* vm */
	struct attacher attacher;	    /* host */
	struct proc *command;		    /* host: it runs; NULL: none */
	/* What is in force still is; NULL: the attacher
	 * has it. */
	bool (*alive)(void *arg);
	void *alive_arg;
	/* The guards, guard.c. */
	struct sentry *sentry;
	struct stand stand;
	bool watching, armed;
	double cpu_s, wall; /* when they began */
	struct {
		struct program_answer answer; /* lends them */
		const struct doc **docs;
		const struct doc *verdict;
		const struct doc *policy; /* NULL: none … */
		char why[256];		  /* … for this reason */
	} known;	       /* what to put in its place, known.c */
	struct canary *canary; /* host, while it is tried */
	bool from_guest;       /* what was measured, and it is for a host */
	int lock;	       /* host; -1: none */
	char since[CLOCK_TEXT_LEN]; /* when it was attached; "": not */
};

/* The policy's form. */
bool deployer_is_knobs(const struct deployer *d);

/*
 * The body of a deployment; report (may be NULL) is an ext_report(), held_s
 * below 0: it was never attached.
 */
struct json *deployer_body(const struct deployer *d, const char *state,
			   const struct json *report, double held_s,
			   const char *why);
/* Emits it; takes body. */
int deployer_emit(struct deployer *d, struct json *body);
/* Both in one. */
int deployer_tell(struct deployer *d, const char *state,
		  const struct json *report, double held_s, const char *why);

/* Whether the file of --model is one that a policy could follow. */
int deployer_check_model(const struct deployer *d);
/* Emits notes of what became of the policy's model since the last time; the
 * message may be another one afterwards. */
void deployer_tell_models(struct deployer *d);

/* Sets the message, emits a deployment with it; DEPLOYER_REFUSED. */
int deployer_refuse(struct deployer *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The command's end, which it waits for; why it could not be run. */
int deployer_command_ended(struct deployer *d);

/* "6.18" of "6.18.15+deb13-cloud-amd64": what guest kernels are asked by. */
void deployer_series(const char *release, char *out, size_t size);

/* Which kernel this host runs. */
void deployer_know_host(struct deployer *d);

/* The steps that are done by target; each as deployer_deploy(). */
int deployer_open_host(struct deployer *d);
int deployer_hold_host(struct deployer *d);
int deployer_hold_canary(struct deployer *d);
/*
 * The canary has passed on a part of this host: signs a verdict of the host in
 * place of the guest's, and emits it.  -ENOENT: with no key of the caller's
 * own; -errno.
 */
int deployer_agree(struct deployer *d);
int deployer_open_knobs(struct deployer *d);
int deployer_hold_knobs(struct deployer *d);
int deployer_hold_external(struct deployer *d); /* opened as any on the host */
int deployer_open_guest(struct deployer *d);
int deployer_hold_guest(struct deployer *d);

#endif
