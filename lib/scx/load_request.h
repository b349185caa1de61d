/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process that loads policies is told: the fields of a signed
 * statement, the numbers that are put into an object, and that object's bytes.
 * No document, no JSON, and nothing that a model wrote but as bytes whose
 * digest was signed.
 *
 * Its asker writes one struct load_request and the object on a socket; the
 * answer is lines, and the texts in them hold no control characters:
 *
 *     no ERRNO TEXT     it cannot be, and nothing is attached
 *     able              LOAD_ASK: this kernel takes policies from it
 *     loaded NAME       LOAD_TRY: the kernel's verifier accepts it
 *     attached NAME     the kernel says that it is enabled
 *     pinned            LOAD_PIN: and it stays
 *     count N VALUE     of the template's counters
 *     event NAME VALUE  of the kernel's
 *     time NS           its programs have taken so far, with every beat; -1:
 *                       nobody may know
 *     learned GENERATION STATE SINCE BURSTS ERROR AVERAGE WEIGHT TRIPS APART
 *             FOLLOW
 *                       a struct learned_report, behind each time; of a policy
 *                       that follows models
 *     told              that was what was asked for by LOAD_REPORT
 *     intents N         the rules of LOAD_INTENTS are in force, the N-th ones
 *     unheeded ERRNO TEXT  they are not, and those before are
 *     model N           the model of LOAD_MODEL counts, as generation N; 0:
 *                       none, as LOAD_UNMODEL says
 *     unlearned ERRNO TEXT  it does not, and what did before does
 *     silent            the asker has not beaten for LOAD_LIMIT_MS
 *     ended KIND CODE   what ops.exit() was told, and
 *     reason TEXT, message TEXT, dump TEXT (a line each)
 *     fault ERRNO TEXT  it could not be detached
 *     done              the kernel is back to its own scheduler
 *
 * While it is attached the asker writes single bytes: LOAD_BEAT several times
 * within LOAD_LIMIT_MS, LOAD_REPORT when it wants one, LOAD_INTENTS before as
 * much of a struct intent_rules as that says; LOAD_MODEL before a struct
 * forecast, of root alone, LOAD_CONTEXT before a struct feature_context, which
 * has no answer.  It closes its side when the deployment is to end.
 */
#ifndef SCHEDKIT_SCX_LOAD_REQUEST_H
#define SCHEDKIT_SCX_LOAD_REQUEST_H

#include <signal.h>
#include <stdbool.h>

#include "policy/image.h"
#include "trust/claim.h"

/* How long a policy stays without a beat: of the asker, then of the process
 * that holds it. */
#define LOAD_LIMIT_MS 2000
#define LOAD_BEAT     'b'
#define LOAD_REPORT   'r'
#define LOAD_INTENTS  'i'
#define LOAD_MODEL    'm'
#define LOAD_UNMODEL  'u'
#define LOAD_CONTEXT  'c'

#define LOAD_OBJECT_MAX (16u << 20)

enum load_verb { LOAD_ASK, LOAD_TRY, LOAD_HOLD, LOAD_PIN };

/* Zeroed before it is filled. */
struct load_request {
	uint32_t size; /* of this */
	uint32_t verb;
	uint32_t partial;    /* only tasks of SCHED_EXT */
	uint32_t intents;    /* LOAD_INTENTS will come; counts for root alone */
	uint32_t object_len; /* what follows */
	struct claim claim;
	char ed25519[SIGN_HEX];
	struct policy_image image;
};

/* What this host is. */
struct load_host {
	char release[128];
	char configuration[DIGEST_HEX_LEN];
};

void load_host_read(struct load_host *h);

/* -EINVAL: not what an asker of this version writes. */
int load_request_check(const struct load_request *r);

/*
 * Whether a request that was checked may be carried out here and now: 0, or
 * -EACCES with the reason and the way out.
 */
int load_request_judge(const struct load_request *r, const void *object,
		       const struct trust *t, const struct load_host *host,
		       time_t now);

/*
 * Reads one request from fd and carries it out; returns when the other side is
 * closed or silent, *cancel becomes true, or the policy ended, and it is
 * detached.  settled: called once nothing more is loaded or attached.
 */
int load_serve(int fd, const volatile sig_atomic_t *cancel,
	       int (*settled)(void));

#define LOAD_PINS "/sys/fs/bpf/schedkit"

#endif
