/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameter space of the template bpf/policy.bpf.c: one row per
 * parameter.  The body of a `policy` document of form "params" holds values
 * of these rows under "params"; what is left out has its default.
 *
 * To add a parameter: a field in struct policy_params (bpf/policy_abi.h), a row
 * in lib/policy/policy.c, its use in bpf/policy_task.bpf.h, and what else
 * CONTRIBUTING.md tells of one.
 */
#ifndef SCHEDKIT_POLICY_POLICY_H
#define SCHEDKIT_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/policy_abi.h"
#include "doc/json.h"

enum param_kind { PARAM_CHOICE, PARAM_NUMBER, PARAM_SWITCH };

struct param {
	const char *name; /* key under "params" */
	const char *axis; /* the axis it belongs to: "queue", "slice", … */
	enum param_kind kind;
	size_t offset; /* of the u32 in struct policy_params */
	uint32_t dflt, min, max;
	uint32_t plain; /* how many of its values, from min on, need no model */
	const char *const *choices; /* names, NULL-terminated; PARAM_CHOICE */
	const char *help;
};

extern const struct param policy_param_table[];
extern const size_t policy_param_count;

/* Of the template's counters, enum policy_counter. */
extern const char *const policy_counter_names[COUNT_MAX];

const struct param *policy_param(const char *name); /* NULL: unknown */

/*
 * How many values of a row, from min on, somebody may choose from who proposes
 * policies and has no trained model to put into them.  1: nothing to choose.
 */
uint32_t policy_param_span(const struct param *row);

/* Whether they go by the predictions of a model. */
static inline bool policy_params_predict(const struct policy_params *p)
{
	return p->order == ORDER_PREDICTED || p->slice == SLICE_PREDICTED;
}

/* Whether it matters to them what a task executes. */
static inline bool policy_params_look_at_exec(const struct policy_params *p)
{
	return p->classify == CLASSIFY_IDENTITY || policy_params_predict(p);
}

/*
 * Reads "params" of a policy body.  -EINVAL names the key at fault
 * ("params.slice_us: 7 is below 50"), also where they go by a model and the
 * body has none, or has one that they do not go by.
 */
int policy_params_read(const struct json *body, struct policy_params *out);

/* Whether they could have been read so, of a body without a model: -EINVAL
 * names the one at fault. */
int policy_params_check(const struct policy_params *p);

/* The other way round, every row, in table order. */
struct json *policy_params_json(const struct policy_params *p);

/*
 * Sets what has no effect beside the other values to its default (the slice
 * of a class where slices are fixed, …): two points that are one policy
 * become equal.
 */
void policy_params_normalise(struct policy_params *p);

/* The longest expectation of its identities, for the template's longest_ns; a
 * second without any. */
uint64_t policy_longest_ns(const struct json *body);

/* "queue=global order=vruntime slice_us=20000": what differs from default. */
char *policy_params_text(const struct json *body);

#endif
