/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form "knobs": what the kernel's own scheduler can be told about tasks
 * without any BPF.
 *
 *   "knobs":[{"match":"cc1*","policy":"batch","slice_us":20000},
 *            {"match":"*","nice":5,"cpus":"0-3,6"}]
 *
 * A rule is for tasks whose name (/proc/PID/comm, 15 bytes) its pattern
 * matches, as a shell's does; "*" is the whole workload.  With "identity", 16
 * hexadecimal digits as a profile has them, it is for those of them alone that
 * were executed as that.  The first rule that matches a task is the only one
 * for it; what it leaves out is as it was before the workload began.
 */
#ifndef SCHEDKIT_POLICY_KNOBS_H
#define SCHEDKIT_POLICY_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/exec_id.h"
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

/* KNOB_EXT, into the hands of the policy that is attached, is in no document:
 * sched-deploy asks for it for the tasks of a canary. */
enum knob_policy { KNOB_OTHER, KNOB_BATCH, KNOB_IDLE, KNOB_EXT };

struct knob_rule {
	char match[KNOBS_NAME_LEN + 1];
	uint64_t identity; /* exec_id(); 0: whatever was executed */
	unsigned set;	   /* enum knob_bits */
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
	/* 1: there is a rule for less than the whole workload.  No bool: it may
	 * come from another process. */
	uint32_t by_name;
};

/* -EINVAL names the key at fault: "knobs.1.nice: 20 is above 19". */
int knobs_read(const struct json *body, struct knobs *out);

/*
 * Whether what another process handed over could have come from knobs_read():
 * every number is in its range.  -EINVAL.
 */
int knobs_check(const struct knobs *k);

/* Sets "match", and "identity" if it has one, of a report's row. */
void knobs_rule_name(const struct knob_rule *r, struct json *row);

/* Adds those of a list, "0-3,6", to bits; false: it is none. */
bool knobs_read_cpus(const char *s, uint64_t bits[static KNOBS_CPU_WORDS]);
/* The list, as the kernel writes it; the caller's. */
char *knobs_cpus_text(const uint64_t cpus[static KNOBS_CPU_WORDS]);

/* A task, as rules look at it. */
struct knob_who {
	const char *name;
	const uint64_t *identities; /* it may be one of these */
	size_t identity_count;
};

/* The rule for it; -1: none. */
int knobs_rule(const struct knobs *k, const struct knob_who *who);

/*
 * The same for a task of that name that runs in process pid: what it was
 * executed as is looked up where a rule asks for it.  ids are those of the
 * process that was asked about last, so that its tasks cost one look-up.
 * False, and *rule is as before: it is in the middle of an execve(2), and will
 * be known at the next look.
 */
bool knobs_rule_now(const struct knobs *k, const char *name, pid_t pid,
		    struct exec_ids *ids, int *rule);

/* No rule is for a part of the workload only. */
bool knobs_rule_is_all(const struct knob_rule *r);

/* Whether a rule is for a part of the workload: by what was executed
 * (identity), or by its name alone. */
bool knobs_uses(const struct knobs *k, bool identity);

/*
 * Whether the rules are for a machine of n CPUs: every CPU that they name is
 * there, or (not all) at least one of each rule is, which a kernel puts up
 * with.  -EINVAL.
 */
int knobs_check_cpus(const struct knobs *k, uint32_t n, bool all);

/* "cc1*: batch, slice 20000 us; all: nice 5, CPUs 0-3,6" */
char *knobs_text(const struct json *body);

#endif
