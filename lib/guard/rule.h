/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guard watches, and what it must not exceed, in a user's words:
 *
 *   NAME:BOUND[:WINDOW]
 *
 * BOUND is PCT (so much worse than before, as sched-verify(1) has it), Nx (N
 * times what it was before), or a value with its unit: 20ms, 5s, 40%, 100/s.
 * "<" and ">" say which side is well where the name does not, and make a bare
 * number a value.  WINDOW is how long it must be exceeded: 3s, 500ms.
 */
#ifndef SCHEDKIT_GUARD_RULE_H
#define SCHEDKIT_GUARD_RULE_H

#include <stdbool.h>
#include <stddef.h>

#define GUARD_NAME_LEN 48
#define GUARD_WORDS    160

enum guard_kind {
	GUARD_WAIT_P99,	    /* us */
	GUARD_STALL,	    /* s */
	GUARD_PSI_CPU,	    /* % of the time in which some task waited */
	GUARD_PSI_CPU_FULL, /* % in which all of a cgroup's did */
	GUARD_THROUGHPUT,   /* CPUs at work */
	GUARD_POLICY_CPU,   /* % of the CPU time that was used */
	GUARD_EVENTS,	    /* 1/s, of all that are no good sign */
	GUARD_EVENT,	    /* 1/s, of one that the kernel counts */
	GUARD_METRIC,	    /* a number that the user's command prints */
	GUARD_KINDS,
};

struct guard_rule {
	enum guard_kind kind;
	char name[GUARD_NAME_LEN];
	bool at_least;	 /* violated below the bound, else above */
	bool relative;	 /* the bound is a multiple of what it was before */
	double bound;	 /* in the kind's unit, or a multiple */
	double pct;	 /* a metric's, worse than before: 0: said otherwise */
	double window_s; /* 0: at once */
	bool own;	 /* nobody asked for it: left out where there is
			    nothing to read */
};

/* Those that need no metric: "wait_p99, stall, …". */
extern const char guard_names[];

/* -EINVAL: the message names what is wrong with it. */
int guard_rule_parse(const char *text, struct guard_rule *out);

/* Which way a metric points, as far as its bound left that open. */
void guard_rule_point(struct guard_rule *r, bool higher_is_better);

/* "us", "%", …; "" for a metric. */
const char *guard_unit(enum guard_kind k);

/* What relative bounds are at least relative to: less than that is noise. */
double guard_least(enum guard_kind k);

/* "wait_p99 at most 200 ms (for 3 s)", "stall at most 5 s". */
void guard_rule_words(const struct guard_rule *r, double bound,
		      char out[static GUARD_WORDS]);
/* "812 ms" of 812000 us. */
void guard_value_words(enum guard_kind k, double value, char *out, size_t size);

/*
 * What is watched although nobody asked: a task that waits for more than half
 * of the kernel's watchdog's time (at most 5 s), and bounds that no policy in
 * its right mind exceeds.  Those of a name that is in asked are left out.
 * Returns how many; out has room for GUARD_OWN_MAX.
 */
#define GUARD_OWN_MAX 3
size_t guard_rules_own(double watchdog_s, const struct guard_rule *asked,
		       size_t n, struct guard_rule *out);

#endif
