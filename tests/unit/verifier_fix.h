/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target that does what the title of the policy says: the real ones never
 * misbehave on request.  All of target/target.h is defined here, so the
 * archive's is not linked.  And streams of a profile and such policies.
 */
#ifndef SCHEDKIT_TESTS_UNIT_VERIFIER_FIX_H
#define SCHEDKIT_TESTS_UNIT_VERIFIER_FIX_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/verifier/verifier.h"
#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "target/target.h"

/* ---- a target on request ---- */

static struct {
	struct rng rng;
	struct json *facts;
	char order[512]; /* a letter for each run that measures */
	int loads, runs, opens;
	int open_error;
	int fail_base_every; /* every n-th baseline run exits with 7 */
	int base_runs;
	int shorts;		/* runs of the smaller command */
	bool refuse_work;	/* not only when it is loaded for nothing */
	bool only_wall;		/* the workload's metric is the wall time */
	double identity_effect; /* what right identities are worth */
	volatile sig_atomic_t cancel;
	int cancel_after;
} fake;

int target_open(const struct target_opts *o, struct target **out)
{
	(void)o;
	fake.opens++;
	if (fake.open_error)
		return err_set(fake.open_error, "no guest kernel here");
	*out = mem_zalloc(1, 1);
	return 0;
}

int target_await(struct target *t)
{
	(void)t;
	return 0;
}

int target_foretell(const struct target_opts *o, struct json **facts)
{
	(void)o;
	*facts = json_copy(fake.facts);
	return 0;
}

const struct json *target_facts(const struct target *t)
{
	(void)t;
	return fake.facts;
}

void target_close(struct target *t)
{
	free(t);
}

const char *run_outcome_name(enum run_outcome o)
{
	static const char *const names[] = {"done",    "timeout", "refused",
					    "ejected", "lost",	  "cancelled"};

	return names[o];
}

void run_result_release(struct run_result *r)
{
	free(r->out);
	free(r->err);
	free(r->message);
	json_free(r->report);
	*r = (struct run_result){0};
}

static inline void mark(char c)
{
	size_t n = strlen(fake.order);

	if (n + 1 < sizeof(fake.order))
		fake.order[n] = c;
}

/* "1.3 of makespan": 1.3 times as fast; "0.5 of errors": twice the tail. */
static inline void measure(const struct json *policy, struct run_result *r)
{
	const char *title = json_as_string(json_get(policy, "title"), "");
	double noise = 1 + 0.02 * (rng_unit(&fake.rng) - 0.5);
	double speed = policy ? strtod(title, NULL) : 1, tail = 1;
	const struct json *first = json_path(policy, "identities.0");

	if (strstr(title, "tail"))
		tail = 2;
	/* Right when the first identity is the long one. */
	if (first && json_as_number(json_get(first, "expect_us"), 0) > 1e6)
		speed *= fake.identity_effect;
	r->out = mem_printf("makespan: %.6f s\ntail: %.6f ms\n",
			    10 * noise / speed, 5 * noise * tail);
	if (fake.only_wall)
		r->proc.wall_s = 10 * noise / speed;
}

static inline int run_base(struct run_result *r)
{
	mark('A');
	fake.base_runs++;
	if (fake.fail_base_every && fake.base_runs % fake.fail_base_every == 0)
		r->proc.exit_status = 7;
	return 0;
}

static inline void refuse(struct run_result *r)
{
	r->outcome = RUN_REFUSED;
	r->message = mem_strdup("the policy did not load");
	r->report = json_object();
	json_set_string(r->report, "verifier_log",
			"; if (!t) @ policy.bpf.c:123\n"
			"R0 invalid mem access 'scalar'\n"
			"processed 12 insns\n");
}

int target_run(struct target *t, const struct run_spec *s, struct run_result *r)
{
	const char *title = json_as_string(json_get(s->policy, "title"), "");

	(void)t;
	*r = (struct run_result){.outcome = RUN_DONE};
	fake.loads += !strcmp(s->argv[0], "true");
	if (!strcmp(title, "refused") &&
	    (fake.refuse_work || !strcmp(s->argv[0], "true"))) {
		refuse(r);
		return 0;
	}
	if (!strcmp(s->argv[0], "true"))
		return 0;
	if (fake.cancel_after && ++fake.runs > fake.cancel_after) {
		fake.cancel = 1;
		r->outcome = RUN_CANCELLED;
		return 0;
	}
	if (!strcmp(s->argv[0], "bound")) {
		mark('L');
		r->out = mem_strdup("makespan: 6 s\n");
		return 0;
	}
	fake.shorts += !strcmp(s->argv[0], "short");
	if (!s->policy)
		run_base(r);
	else
		mark(*title == '1' ? title[2] : *title);
	if (!strcmp(title, "ejected")) {
		r->outcome = RUN_EJECTED;
		r->message = mem_strdup("runnable task stall");
		return 0;
	}
	if (!strcmp(title, "lost") || !strcmp(title, "timeout")) {
		r->outcome = *title == 'l' ? RUN_LOST : RUN_TIMEOUT;
		r->message = mem_printf("it is %s", title);
		return 0;
	}
	if (!strcmp(title, "mute"))
		return 0;
	measure(s->policy, r);
	if (r->proc.wall_s > s->timeout_s) {
		r->outcome = RUN_TIMEOUT;
		r->message = mem_strdup("it took too long");
		r->proc.wall_s = s->timeout_s;
	}
	return 0;
}

/* ---- streams ---- */

static inline struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s", err_text());
	return v;
}

static inline int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	rng_init(&fake.rng, 7);
	fake.identity_effect = 1;
	fake.facts = parse("{\"target\":\"vm\",\"kernel\":\"6.18.15\","
			   "\"accelerator\":\"tcg\"}");
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	json_free(fake.facts);
	return 0;
}

static const char workload[] =
	"{\"name\":\"w\",\"command\":[\"work\"],%s\"metrics\":["
	"{\"name\":\"makespan\",\"unit\":\"s\",\"better\":\"lower\","
	"\"regex\":\"makespan: ([0-9.]+)\"},"
	"{\"name\":\"tail\",\"unit\":\"ms\",\"better\":\"lower\","
	"\"regex\":\"tail: ([0-9.]+)\"}]}";

static inline struct doc *profile(const char *bound)
{
	char *w = fake.only_wall ? mem_strdup("{\"command\":[\"work\"]}")
				 : mem_printf(workload, bound);
	char *text = mem_printf("{\"scope\":\"command\",\"goal\":\"makespan\","
				"\"source\":\"bpf\",\"target\":\"vm\","
				"\"workload\":%s,\"duration_us\":1,"
				"\"system\":{\"cpus\":2,\"kernel\":\"6\"},"
				"\"groups\":[],\"overhead\":{\"drops\":0}}",
				w);
	struct json *body = parse(text);
	struct doc *d;

	d = doc_new("profile", "test", body, NULL, 0);
	assert_non_null(d);
	free(text);
	free(w);
	return d;
}

static inline void put(int fd, struct doc *d)
{
	char *line = doc_line(d);

	dprintf(fd, "%s\n", line);
	free(line);
	doc_free(d);
}

/* A stream of a profile and policies with these titles (NULL-terminated);
 * extra: more keys of the policies. */
static inline struct stream *stream_of(const char *bound, const char *extra,
				       const char *const *titles)
{
	int fd = memfd_create("stream", 0);
	struct doc *p = profile(bound);
	char *id = mem_strdup(p->id);
	const char *parents[] = {id};

	put(fd, p);
	for (; *titles; titles++) {
		char *text = mem_printf("{\"form\":\"params\",\"title\":\"%s\","
					"\"why\":\"a test\",\"params\":{}%s}",
					*titles, extra);
		struct json *body = parse(text);

		put(fd, doc_new("policy", "test", body, parents, 1));
		free(text);
	}
	free(id);
	lseek(fd, 0, SEEK_SET);
	return stream_open(fd, -1, "test");
}

/* Its hostile loads take a second of each policy. */
#define WITHOUT_SIM                                                  \
	(1u << STAGE_LINT | 1u << STAGE_BUILD | 1u << STAGE_KERNEL | \
	 1u << STAGE_RUN)

static const char plain[] = ",\"uses\":[]";

static inline struct verifier_opts options(void)
{
	return (struct verifier_opts){
		.target = "vm",
		.pairs = 5,
		.screen = 1,
		.finalists = 2,
		.confirm = true,
		.min_effect_pct = 3,
		.guard_pct = 10,
		.seed = 1,
		.cancel = &fake.cancel,
	};
}

/* The verdict for the i-th policy. */
static inline const struct json *verdict(const struct stream *s, size_t i)
{
	for (size_t k = 0; k < stream_count(s); k++) {
		const struct doc *d = stream_at(s, k);

		if (!strcmp(d->kind, "verdict") && i-- == 0)
			return d->body;
	}
	fail_msg("there is no such verdict");
	return NULL;
}

/* What is at a path of it; -1 and "": nothing is. */
static inline double figure(const struct stream *s, size_t i, const char *path)
{
	return json_as_number(json_path(verdict(s, i), path), -1);
}

static inline const char *word(const struct stream *s, size_t i,
			       const char *path)
{
	return json_as_string(json_path(verdict(s, i), path), "");
}

static inline const char *decision(const struct stream *s, size_t i)
{
	const struct json *v = verdict(s, i);

	print_message("%s: %s\n", json_as_string(json_get(v, "decision"), "?"),
		      json_as_string(json_get(v, "why"), "?"));
	return json_as_string(json_get(v, "decision"), "?");
}

static inline void run(struct stream *s, const struct verifier_opts *o,
		       int wanted)
{
	struct verifier_result res;
	int rc = verifier_verify(s, o, &res);

	if (rc != wanted)
		print_message("%s\n", err_text());
	assert_int_equal(rc, wanted);
}

#endif
