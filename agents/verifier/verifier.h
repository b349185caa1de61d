/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The execution verifier: policies in, one verdict for each.
 *
 * Reads the stream to its end, then takes every policy up the ladder
 * (lint, build, prove, sim, kernel, run) and emits its verdict.  Policies
 * that answer the same profile are measured together: screened once, the
 * finalists in interleaved pairs beside the kernel's own scheduler, the
 * winner confirmed with fresh pairs.  sched-verify(1) has the rules.
 */
#ifndef SCHEDKIT_AGENTS_VERIFIER_VERIFIER_H
#define SCHEDKIT_AGENTS_VERIFIER_VERIFIER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/verifier/signer.h"
#include "doc/stream.h"
#include "executor/executor.h"
#include "rt/client.h"

enum stage_id {
	STAGE_LINT,
	STAGE_BUILD,
	STAGE_PROVE,
	STAGE_SIM,
	STAGE_KERNEL,
	STAGE_RUN,
	STAGE_COUNT,
};

extern const char *const verifier_stage_names[STAGE_COUNT];

/* Fewer pairs are measured, but never accepted. */
#define VERIFIER_MIN_PAIRS 5

struct verifier_guard {
	char *metric;
	double pct;
};

struct verifier_opts {
	const char *target; /* "host", "vm" or "auto" */
	/* Object files: each becomes a policy of form "source". */
	char *const *objects;
	size_t object_count;
	unsigned stages; /* bits 1 << enum stage_id; 0: all, none by name */
	long pairs;	 /* of each finalist */
	long screen;	 /* runs of each policy before; 0: no screening */
	long finalists;	 /* 0: a look at each and no more */
	/* Instead of screening: rungs with ever more runs for ever fewer. */
	bool halving;
	/* Pairs end when the answer is known; `pairs` is the most. */
	bool sequential;
	/* No runs at the bound, none with identities shuffled: they explain,
	 * and judge nothing.  Fewer fresh pairs: the luck of the best of many
	 * is not to be feared. */
	bool bare;
	/* Leave out what the stream has a verdict for. */
	bool only_new;
	bool confirm;
	double min_effect_pct;
	double guard_pct; /* of metrics without a row in guards */
	const struct verifier_guard *guards;
	size_t guard_count;
	double timeout_s; /* of one run; 0: by the baseline's first run */
	uint64_t seed;	  /* of the bootstrap */
	long cpus, memory_mib;
	const char *topology;
	/* The first is measured on; the others only have to load it. */
	char *const *kernels;
	size_t kernel_count;
	/* Whose leases the simulator and the target wait for; NULL: nobody
	 * shares this machine. */
	struct rt_client *runtime;
	/* Who climbs and measures elsewhere; NULL: it is done here.  Neither
	 * with `halving` nor with `only_new`. */
	struct executor *executor;
	/* What is accepted is signed by it; NULL: nothing is. */
	struct signer *signer;
	const volatile sig_atomic_t *cancel;
	/* About so many steps: the total changes as policies drop out. */
	void (*progress)(void *arg, long done, long total, const char *words);
	void *progress_arg;
};

struct verifier_result {
	size_t verdicts;  /* written */
	size_t accepted;  /* also those of before, with only_new */
	size_t unsigned_; /* accepted here, and could not be signed … */
	char why[512];	  /* … for this reason */
};

/* "lint,build" to bits.  -EINVAL names the word. */
int verifier_stages_parse(const char *text, unsigned *stages);

/*
 * 0 when every policy has a verdict that answers what was asked.
 * -EBADMSG: the input has a bad line, nothing was measured; -ENODATA: it has
 * no policy; -EINTR: cancelled; another -errno: no target, or it failed.  In
 * the last two cases the verdicts are emitted nevertheless, with what is
 * known.  With an executor also -EAGAIN: it cannot be reached, or some
 * policies' jobs were lost with their nodes.
 */
int verifier_verify(struct stream *s, const struct verifier_opts *o,
		    struct verifier_result *out);

#endif
