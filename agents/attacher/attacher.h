/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that holds a policy in this kernel, as its asker sees it: a
 * program of its own, with the privilege for it, that gets numbers, digests
 * and the object's bytes, and detaches as soon as its asker dies or stops.
 *
 * A thread beats for this process, hears what the other one says, and asks
 * anew when the kernel has dropped the policy to have it restarted, as it does
 * when a CPU comes or goes.
 */
#ifndef SCHEDKIT_AGENTS_ATTACHER_ATTACHER_H
#define SCHEDKIT_AGENTS_ATTACHER_ATTACHER_H

#include <pthread.h>
#include <signal.h>

#include "base/answer.h"
#include "base/child.h"
#include "base/strs.h"
#include "doc/json.h"
#include "bpf/forecast_abi.h"
#include "bpf/intent_abi.h"
#include "bpf/learned_abi.h"
#include "scx/load_request.h"
#include "scx/sysfs.h"

struct attach_request {
	const struct json *policy;  /* bodies */
	const struct json *verdict; /* signed */
	const void *object;
	size_t object_len;
	bool dry_run; /* only loaded: the kernel's verifier has to accept it */
	bool partial; /* only tasks of SCHED_EXT are switched */
	bool pin;     /* it stays when everybody has gone */
	const char *intents; /* folder of rules to follow; NULL: none */
	const char *model;   /* file of a model to follow; NULL: the policy's */
	/* While it is being loaded: -EINTR, and nothing is; NULL: never. */
	const volatile sig_atomic_t *cancel;
};

struct attacher {
	pthread_mutex_t lock; /* of all that follows, once there is a thread */
	pthread_cond_t news;
	pthread_t thread;
	bool threaded, over;

	struct child child; /* fd -1: none */
	const volatile sig_atomic_t *cancel;
	struct load_request *request;
	char *object;
	struct answers answers;

	char name[IMAGE_NAME_LEN]; /* as the kernel shows it; "": not loaded */
	bool loaded, attached, silent, done;
	unsigned long asked, told; /* reports */
	int rc;			   /* what it could not do, and why */
	char *why;
	double beaten, since, again; /* times; again 0: not to be restarted */
	double heard;		     /* when it said something last */
	double missed; /* since when the kernel lacks it, and it is not said */
	unsigned tries;

	uint64_t counts[COUNT_MAX];
	bool counted;
	double time_ns;
	struct declarer *declarer;  /* NULL: it is to follow no rules */
	struct intent_rules *rules; /* it was handed last; NULL: none */
	unsigned long declared, heeded;
	uint32_t generation; /* of them; 0: they were refused */
	/* Models: how many were handed over, or dropped, and answered; what the
	 * last answer was, and what was handed over that was taken. */
	struct supplier *supplier; /* NULL: it follows none */
	unsigned long modelled, answered;
	uint32_t model_generation;
	char *unlearned;	/* why it was not; NULL: it was */
	struct forecast *model; /* NULL: none … */
	bool dropped;		/* … and none is wanted */
	bool learns; /* it has said how it gets on, and that is … */
	struct learned_report learned;
	struct json *notes; /* an array; NULL: nothing is to be told */
	struct sysfs_events events;
	struct policy_exit *end;
	struct strs restarts; /* why it was loaded anew, once each */
};

/* As ext_check(), of the process that would load it. */
int attacher_check(void);

/*
 * Starts it and waits until the policy is attached and read back, or, dry, was
 * loaded.  On an error nothing is attached; attacher_release() in any case.
 * What is pinned is alive no longer for this process: it is on its own.
 */
int attacher_start(struct attacher *a, const struct attach_request *r);

/* Attached, or about to be again. */
bool attacher_alive(struct attacher *a);

/* As ext_report(), the caller's; and "restarts", a list of texts: why it was
 * loaded anew. */
struct json *attacher_report(struct attacher *a);

/* The CPU time that the policy's own programs have taken, since it was loaded
 * last; -1: it is not known, for lack of privilege. */
double attacher_time_ns(struct attacher *a);

/*
 * Hands it rules, copied, also after it was loaded anew.  -EAGAIN: it is not
 * there just now, or does not answer; other errors: it takes none of them.
 */
int attacher_declare(struct attacher *a, const struct intent_rules *r,
		     uint32_t *generation);

/*
 * Hands it a model, copied, also after it was loaded anew; NULL: it is to
 * follow none.  Errors as of attacher_declare(), and the one before stays.
 */
int attacher_model(struct attacher *a, const struct forecast *m,
		   uint32_t *generation);
/* What the machine does, for the model. */
void attacher_context(struct attacher *a, const struct feature_context *c);
/* How it gets on with the model that counts; false: it has not said so yet. */
bool attacher_learned(struct attacher *a, struct learned_report *out);

/* The body of a note, from whichever thread; taken. */
void attacher_note(struct attacher *a, struct json *body);
/* An array of those that there were since; NULL: none.  The caller's. */
struct json *attacher_notes(struct attacher *a);

/* Has it detached.  Other than 0: the kernel did not say so. */
int attacher_end(struct attacher *a);

void attacher_release(struct attacher *a); /* safe on a zeroed one */

#endif
