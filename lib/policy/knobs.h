/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form "knobs": what the kernel's own scheduler can be told about tasks
 * without any BPF.
 *
 *   "knobs":[{"match":"cc1*","policy":"batch","slice_us":20000},
 *            {"match":"*","nice":5,"cpus":"0-3,6"}]
 *
 * A rule is for tasks whose name (/proc/PID/comm, 15 bytes) its pattern
 * matches, as a shell's does; "*" is the whole workload.  The first rule that
 * matches a task is the only one for it; what it leaves out is as it was
 * before the workload began.
 */
#ifndef SCHEDKIT_POLICY_KNOBS_H
#define SCHEDKIT_POLICY_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc/json.h"

#define KNOBS_MAX_RULES 32
#define KNOBS_MAX_CPUS	512
#define KNOBS_CPU_WORDS (KNOBS_MAX_CPUS / 64)
#define KNOBS_NAME_LEN	15 /* of a task's name */

/* What a rule sets. */
enum knob_bits {
	KNOB_NICE = 1,
	KNOB_POLICY = 2,
	KNOB_SLICE = 4,
	KNOB_CPUS = 8,
	KNOB_WEIGHT = 16,
	KNOB_MAX = 32,
};

#define KNOB_CGROUP (KNOB_WEIGHT | KNOB_MAX) /* these need a cgroup */

enum knob_policy { KNOB_OTHER, KNOB_BATCH, KNOB_IDLE };

struct knob_rule {
	char match[KNOBS_NAME_LEN + 1];
	unsigned set; /* enum knob_bits */
	int nice;
	enum knob_policy policy;
	uint32_t slice_us;
	uint64_t cpus[KNOBS_CPU_WORDS];
	uint32_t cpu_weight;
	double cpu_max_pct; /* of one CPU: 200 are two */
};

struct knobs {
	struct knob_rule rules[KNOBS_MAX_RULES];
	size_t count;
	unsigned set; /* of any rule */
	bool by_name; /* there is a rule for less than the whole workload */
};

/* -EINVAL names the key at fault: "knobs.1.nice: 20 is above 19". */
int knobs_read(const struct json *body, struct knobs *out);

/*
 * Whether what another process handed over could have come from knobs_read():
 * every number is in its range.  -EINVAL.
 */
int knobs_check(const struct knobs *k);

/* "0-3,6", as the kernel writes it; the caller's. */
char *knobs_cpus_text(const uint64_t cpus[static KNOBS_CPU_WORDS]);

/* The rule for a task of that name; -1: none. */
int knobs_rule(const struct knobs *k, const char *name);

/*
 * Whether the rules are for a machine of n CPUs: every CPU that they name is
 * there, or (not all) at least one of each rule is, which a kernel puts up
 * with.  -EINVAL.
 */
int knobs_check_cpus(const struct knobs *k, uint32_t n, bool all);

/* "cc1*: batch, slice 20000 us; all: nice 5, CPUs 0-3,6" */
char *knobs_text(const struct json *body);

#endif
