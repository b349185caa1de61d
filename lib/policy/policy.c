/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/model.h"

static const char *const classify_names[] = {"none", "behaviour", "identity",
					     "weight", NULL};
static const char *const queue_names[] = {"global", "llc", "cpu", NULL};
static const char *const order_names[] = {"fifo",    "vruntime", "deadline",
					  "longest", "shortest", "predicted",
					  NULL};
static const char *const slice_names[] = {"fixed", "class", "depth",
					  "predicted", NULL};
static const char *const place_names[] = {"previous", "idle_core", "waker",
					  "llc", NULL};
static const char *const preempt_names[] = {"none", "class", "key", NULL};

/* first: of the choices that need a model. */
#define CHOICE_BEFORE(field, ax, d, names, first, words)                       \
	{                                                                      \
		.name = #field, .axis = ax, .kind = PARAM_CHOICE,              \
		.offset = offsetof(struct policy_params, field), .dflt = d,    \
		.max = ARRAY_LEN(names) - 2, .plain = first, .choices = names, \
		.help = words                                                  \
	}
#define CHOICE(field, ax, d, names, words) \
	CHOICE_BEFORE(field, ax, d, names, ARRAY_LEN(names) - 1, words)
#define NUMBER(field, ax, d, lo, hi, words)                                 \
	{                                                                   \
		.name = #field, .axis = ax, .kind = PARAM_NUMBER,           \
		.offset = offsetof(struct policy_params, field), .dflt = d, \
		.min = lo, .max = hi, .plain = hi - lo + 1, .help = words   \
	}
/* A number of no effect without a model. */
#define PREDICTED(field, ax, d, lo, hi, words)                              \
	{                                                                   \
		.name = #field, .axis = ax, .kind = PARAM_NUMBER,           \
		.offset = offsetof(struct policy_params, field), .dflt = d, \
		.min = lo, .max = hi, .plain = 1, .help = words             \
	}
#define SWITCH(field, ax, d, words)                                         \
	{                                                                   \
		.name = #field, .axis = ax, .kind = PARAM_SWITCH,           \
		.offset = offsetof(struct policy_params, field), .dflt = d, \
		.max = 1, .plain = 2, .help = words                         \
	}

const struct param policy_param_table[] = {
	CHOICE(classify, "classify", CLASSIFY_NONE, classify_names,
	       "how tasks are told apart"),
	NUMBER(interactive_us, "classify", 2000, 1, 10000000,
	       "a mean burst below this makes a task interactive"),
	NUMBER(batch_us, "classify", 10000, 1, 10000000,
	       "a mean burst above this makes a task batch"),
	NUMBER(ahead_us, "classify", 0, 0, 20000000,
	       "interactive tasks stand this much earlier in the queue"),
	CHOICE(queue, "queue", QUEUE_GLOBAL, queue_names,
	       "where waiting tasks stand"),
	CHOICE_BEFORE(order, "order", ORDER_VRUNTIME, order_names,
		      ORDER_PREDICTED, "who is next in a queue"),
	CHOICE_BEFORE(slice, "slice", SLICE_FIXED, slice_names, SLICE_PREDICTED,
		      "what the length of a turn depends on"),
	NUMBER(slice_us, "slice", 20000, 50, 1000000,
	       "a turn; by class: of neither interactive nor batch"),
	NUMBER(slice_interactive_us, "slice", 20000, 50, 1000000,
	       "by class: a turn of an interactive task"),
	NUMBER(slice_batch_us, "slice", 20000, 50, 1000000,
	       "by class: a turn of a batch task"),
	NUMBER(slice_min_us, "slice", 1000, 50, 1000000,
	       "no turn is shorter, by depth or by weight"),
	CHOICE(place, "place", PLACE_PREVIOUS, place_names,
	       "which idle CPU a waking task is offered first"),
	SWITCH(direct, "place", 1,
	       "a waking task that finds an idle CPU runs there at once"),
	CHOICE(preempt, "preempt", PREEMPT_NONE, preempt_names,
	       "whether a waking task may end another's turn"),
	NUMBER(preempt_min_us, "preempt", 500, 0, 1000000,
	       "a turn is left alone for this long first"),
	NUMBER(handover_us, "preempt", 0, 0, 10000,
	       "a waker that should sleep this soon is waited for; 0: never"),
	SWITCH(steal, "balance", 1,
	       "an idle CPU takes tasks from other CPUs' queues"),
	NUMBER(lag_us, "lag", 20000, 0, 1000000,
	       "how much unused run time a sleeper may keep as credit"),
	PREDICTED(slack_pct, "order", 400, 0, 10000,
		  "by prediction: of a burst, how much later a task may be"),
	NUMBER(unknown_us, "classify", 100000, 0, 10000000,
	       "by identity: a fork goes first this long, until it executes"),
	NUMBER(starve_us, "safety", 10000000, 0, 20000000,
	       "whoever waited longer is served first; 0: never"),
	NUMBER(timeout_ms, "safety", 30000, 1000, 30000,
	       "the kernel ejects the policy when a task waits this long"),
};
const size_t policy_param_count = ARRAY_LEN(policy_param_table);

const char *const policy_counter_names[COUNT_MAX] = {
	[COUNT_DIRECT] = "direct",
	[COUNT_QUEUED] = "queued",
	[COUNT_DISPATCHED] = "dispatched",
	[COUNT_STOLEN] = "stolen",
	[COUNT_KEPT] = "kept",
	[COUNT_PREEMPTED] = "preempted",
	[COUNT_RESCUED] = "rescued",
	[COUNT_PINNED] = "pinned",
	[COUNT_KNOWN] = "known",
	[COUNT_UNKNOWN] = "unknown",
};

const struct param *policy_param(const char *name)
{
	for (size_t i = 0; i < policy_param_count; i++)
		if (!strcmp(policy_param_table[i].name, name))
			return &policy_param_table[i];
	return NULL;
}

uint32_t policy_param_span(const struct param *row)
{
	return row->plain;
}

static uint32_t *field(const struct param *p, struct policy_params *in)
{
	return (uint32_t *)((char *)in + p->offset);
}

static uint32_t value(const struct param *p, const struct policy_params *in)
{
	return *(const uint32_t *)((const char *)in + p->offset);
}

static int read_choice(const struct param *p, const struct json *v,
		       uint32_t *out)
{
	const char *s = json_as_string(v, NULL);
	struct buf all;
	int rc;

	for (uint32_t i = 0; s && p->choices[i]; i++) {
		if (!strcmp(p->choices[i], s)) {
			*out = i;
			return 0;
		}
	}
	buf_init(&all, 1024);
	for (size_t i = 0; p->choices[i]; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", p->choices[i]);
	rc = err_set(EINVAL, "params.%s: '%s' is not one of %s", p->name,
		     s ? s : json_type_name(json_type(v)), all.data);
	buf_release(&all);
	return rc;
}

static int read_number(const struct param *p, const struct json *v,
		       uint32_t *out)
{
	double x = json_as_number(v, NAN);

	if (isnan(x))
		return err_set(EINVAL, "params.%s: a number is wanted, not %s",
			       p->name, json_type_name(json_type(v)));
	if (x < p->min)
		return err_set(EINVAL, "params.%s: %g is below %u", p->name, x,
			       p->min);
	if (x > p->max)
		return err_set(EINVAL, "params.%s: %g is above %u", p->name, x,
			       p->max);
	if (x != floor(x))
		return err_set(EINVAL, "params.%s: %g is not a whole number",
			       p->name, x);
	*out = (uint32_t)x;
	return 0;
}

static int read_one(const struct param *p, const struct json *v, uint32_t *out)
{
	if (p->kind == PARAM_CHOICE)
		return read_choice(p, v, out);
	if (p->kind == PARAM_NUMBER)
		return read_number(p, v, out);
	if (json_type(v) != JSON_BOOL)
		return err_set(EINVAL,
			       "params.%s: true or false is wanted, not %s",
			       p->name, json_type_name(json_type(v)));
	*out = json_as_bool(v, false);
	return 0;
}

static int check_model(const struct policy_params *p, bool has_model)
{
	bool wanted = policy_params_predict(p);

	if (wanted && !has_model)
		return err_set(EINVAL,
			       "params.%s: 'predicted' needs a model in the "
			       "policy; 'sched-train --policy' makes such",
			       p->order == ORDER_PREDICTED ? "order" : "slice");
	if (has_model && !wanted)
		return err_set(EINVAL,
			       "model: no parameter goes by it; params.order "
			       "or params.slice 'predicted' would");
	return 0;
}

/* What no single row can say. */
static int check_together(const struct policy_params *p, bool has_model)
{
	if (p->interactive_us > p->batch_us)
		return err_set(EINVAL,
			       "params.interactive_us: %u is above batch_us "
			       "(%u)",
			       p->interactive_us, p->batch_us);
	if (p->starve_us && p->starve_us / 1000 * 5 / 4 > p->timeout_ms)
		return err_set(EINVAL,
			       "params.starve_us: %u leaves the kernel's "
			       "watchdog (timeout_ms %u) no margin of a fifth",
			       p->starve_us, p->timeout_ms);
	return check_model(p, has_model);
}

int policy_params_check(const struct policy_params *p)
{
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *row = &policy_param_table[i];
		uint32_t v = value(row, p);

		if (v < row->min || v > row->max)
			return err_set(EINVAL,
				       "params.%s: %u is not between %u and %u",
				       row->name, v, row->min, row->max);
	}
	return check_together(p, false);
}

int policy_params_read(const struct json *body, struct policy_params *out)
{
	const struct json *params = json_get(body, "params");

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < policy_param_count; i++)
		*field(&policy_param_table[i], out) =
			policy_param_table[i].dflt;
	json_each (m, params) {
		const struct param *p = policy_param(json_key(m));
		int rc;

		if (!p)
			return err_set(EINVAL,
				       "params.%s: no such parameter; "
				       "'sched-synth --list-params' shows them",
				       json_key(m));
		rc = read_one(p, m, field(p, out));
		if (rc)
			return rc;
	}
	return check_together(out, policy_has_model(body));
}

static void reset(struct policy_params *p, const char *name)
{
	const struct param *row = policy_param(name);

	*field(row, p) = row->dflt;
}

void policy_params_normalise(struct policy_params *p)
{
	bool vtime = p->order == ORDER_VRUNTIME || p->order == ORDER_DEADLINE ||
		     p->order == ORDER_PREDICTED;

	if (p->classify == CLASSIFY_NONE || p->classify == CLASSIFY_WEIGHT) {
		reset(p, "interactive_us");
		reset(p, "batch_us");
	}
	if (p->classify == CLASSIFY_NONE)
		reset(p, "ahead_us");
	if (p->classify != CLASSIFY_IDENTITY)
		reset(p, "unknown_us");
	if (p->slice != SLICE_CLASS || p->classify == CLASSIFY_NONE) {
		reset(p, "slice_interactive_us");
		reset(p, "slice_batch_us");
	}
	if (p->slice == SLICE_CLASS && p->classify == CLASSIFY_NONE)
		reset(p, "slice");
	if (p->preempt == PREEMPT_CLASS && p->classify == CLASSIFY_NONE)
		reset(p, "preempt");
	if (p->preempt == PREEMPT_NONE)
		reset(p, "preempt_min_us");
	if (p->preempt == PREEMPT_NONE && p->place != PLACE_WAKER)
		reset(p, "handover_us");
	if (!vtime)
		reset(p, "lag_us");
	if (p->order != ORDER_PREDICTED)
		reset(p, "slack_pct");
	if (p->queue == QUEUE_GLOBAL)
		reset(p, "steal");
}

static struct json *value_json(const struct param *p, uint32_t v)
{
	switch (p->kind) {
	case PARAM_CHOICE:
		return json_string(p->choices[v]);
	case PARAM_SWITCH:
		return json_bool(v);
	default:
		return json_number(v);
	}
}

struct json *policy_params_json(const struct policy_params *in)
{
	struct json *params = json_object();

	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];

		json_set(params, p->name, value_json(p, value(p, in)));
	}
	return params;
}

char *policy_params_text(const struct json *body)
{
	struct policy_params in;
	struct buf out;

	buf_init(&out, 4096);
	if (policy_params_read(body, &in) < 0)
		buf_puts(&out, "(invalid)");
	else
		for (size_t i = 0; i < policy_param_count; i++) {
			const struct param *p = &policy_param_table[i];
			uint32_t v = value(p, &in);

			if (v == p->dflt)
				continue;
			buf_printf(&out, "%s%s=", out.len ? " " : "", p->name);
			if (p->kind == PARAM_CHOICE)
				buf_puts(&out, p->choices[v]);
			else
				buf_printf(&out, "%u", v);
		}
	if (!out.len)
		buf_puts(&out, "defaults");
	return buf_take(&out);
}

uint64_t policy_longest_ns(const struct json *body)
{
	double us = 0;

	json_each (v, json_get(body, "identities")) {
		double x = json_as_number(json_get(v, "expect_us"), 0);

		if (x > us)
			us = x;
	}
	return us > 0 ? (uint64_t)(us * 1000) : 1000000000;
}
