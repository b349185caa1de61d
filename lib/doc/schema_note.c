/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a note: what several tools have to say. */
#include "doc/schema_parts.h"

/* One run of sched-loop, as far as it has come. */
static const struct rule loop_candidate[] = {
	{ID("policy"), MUST},
	{TEXT("title")},
	{SOURCE},
	{NUMBER("predicted")},
	{NUMBER("measured")},
	{CI95},
	{COUNT("pairs")},
	{TEXT("decision")},
	{BOOL("pareto")},
	{0},
};

static const struct rule loop[] = {
	{TEXT("run"), MUST},
	{TEXT("workload")},
	{WORD("status"), MUST, WORDS("running", "better", "none", "later")},
	{TEXT("stopped")},
	{LIST("rounds"), MUST,
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({COUNT("round"), MUST}, {POSITIVE("seconds")},
		    {COUNT("guest_runs")}, {COUNT("sim_runs")},
		    {LIST("candidates"),
		     ROWS({OBJECT(NULL), MUST, .members = loop_candidate})},
		    {ID("best")}, {NUMBER("best_ratio")},
		    {NUMBER("expected_gain_pct")})})},
	{ID("best")},
	{ID("verdict")},
	{NUMBER("best_ratio")},
	{OBJECT("regret"),
	 ROWS({NUMBER("best_known_ratio"), MUST}, {ID("best_known")},
	      {NUMBER("regret_pct"), MUST})},
	{OBJECT("spent"),
	 ROWS({POSITIVE("seconds")}, {POSITIVE("usd")}, {COUNT("tokens")},
	      {COUNT("guest_runs")}, {COUNT("sim_runs")})},
	{OBJECT("budget"), ROWS({POSITIVE("seconds")}, {POSITIVE("usd")},
				{COUNT("tokens")}, {COUNT("rounds")})},
	{0},
};

/* What questions to a model cost; null: no price is known. */
static const struct rule account[] = {
	{COUNT("calls")},      {COUNT("tokens_in")},   {COUNT("tokens_cached")},
	{COUNT("tokens_out")}, {POSITIVE("cost_usd")}, {0},
};

static const struct rule contender[] = {
	{TEXT("name"), MUST},
	{POSITIVE("error"), MUST},
	{POSITIVE("error_ns")},
	{NUMBER("rank")},
	{POSITIVE("ratio")},
	{CI95},
	{POSITIVE("miscalibrated")},
	{LIST("foretold"), .members = open_number},
	{LIST("came"), .members = open_number},
	{0},
};

static const struct rule trained[] = {
	{TEXT("target"), MUST},
	{TEXT("model"), MUST},
	{BOOL("beats"), MUST},
	{COUNT("learned")},
	{COUNT("held_out")},
	{POSITIVE("bound")},
	{TEXT("best_guess")},
	{POSITIVE("ratio_best")},
	{LIST("ratio_best_ci95"), .members = open_number},
	{LIST("contenders"), ROWS({OBJECT(NULL), MUST, .members = contender})},
	{0},
};

static const struct rule training[] = {
	{LIST("recordings"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("path"), MUST}, {COUNT("bursts")}, {COUNT("lost")},
		    {COUNT("torn_bytes")})})},
	{COUNT("bursts")},
	{COUNT("every")},
	{PERCENT("holdout_pct")},
	{TEXT("checked")},
	{COUNT("feature_version")},
	{LIST("targets"), ROWS({OBJECT(NULL), MUST, .members = trained})},
	{OBJECT("model"),
	 ROWS({TEXT("path"), MUST}, {ID("sha256"), MUST}, {COUNT("bytes")})},
	{0},
};

/* Of the bursts that count, in all and of one group. */
#define BURSTS                                                         \
	{COUNT("bursts"), MUST}, {POSITIVE("response_us"), MUST},      \
		{POSITIVE("response_p99_us")}, {POSITIVE("slowdown")}, \
	{                                                              \
		POSITIVE("slowdown_p99")                               \
	}

static const struct rule judgement[] = {
	{BOOL("beats"), MUST},
	{NUMBER("way_response_pct")},
	{NUMBER("way_slowdown_pct")},
	{LIST("arms"), MUST,
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("name"), MUST}, BURSTS, {POSITIVE("wall_s")},
		    {COUNT("findings")}, {COUNT("followed")},
		    {POSITIVE("error")}, {POSITIVE("average_error")},
		    {LIST("groups"),
		     ROWS({OBJECT(NULL), MUST,
			   ROWS({TEXT("name"), MUST}, BURSTS)})})})},
	{LIST("assumed"), ROWS({TEXT(NULL), MUST})},
	{0},
};

/* What became of the model of a policy that is attached. */
static const struct rule model[] = {
	{WORD("event"), MUST,
	 WORDS("swapped", "refused", "drifts", "recovered", "braked",
	       "retired")},
	{ID("sha256")},
	{ID("before")},
	{COUNT("feature_version")},
	{COUNT("generation")},
	{WORD("state"), MUST,
	 WORDS("none", "trial", "followed", "braked", "retired")},
	{COUNT("bursts")},
	{POSITIVE("error")},
	{POSITIVE("average_error")},
	{POSITIVE("ratio")},
	{POSITIVE("ratio_lately")},
	{COUNT("trips")},
	{COUNT("apart")},
	{COUNT("follow")},
	{0},
};

/* What cgroups will want, in CPUs. */
static const struct rule wanting[] = {
	{TEXT("cgroup"), MUST},
	{COUNT("samples"), MUST},
	{BOOL("gone")},
	{POSITIVE("mean")},
	{NUMBER("level")},
	{NUMBER("trend_per_minute")},
	{POSITIVE("period_s")},
	{NUMBER("period_strength")},
	{POSITIVE("forecast")},
	{POSITIVE("peak")},
	{COUNT("judged")},
	{BOOL("better")},
	{POSITIVE("error")},
	{POSITIVE("error_last")},
	{POSITIVE("error_mean")},
	{COUNT("cycles")},
	{COUNT("cycles_better")},
	{COUNT("cycles_held")},
	{COUNT("changes")},
	{COUNT("let_go")},
	{COUNT("distrust")},
	{POSITIVE("pressure_before_pct")},
	{POSITIVE("pressure_pct")},
	{TEXT("why")},
	{0},
};

/* Which hosts are to have a policy, in which order: signed. */
static const struct rule rollout_cohort[] = {
	{TEXT("name"), MUST},
	{PERCENT("share_pct"), MUST},
	{POSITIVE("soak_s"), MUST},
	{WHOLE("reports", 1), MUST},
	{PERCENT("bad_pct"), MUST},
	{PERCENT("report_pct"), MUST},
	{0},
};

static const struct rule rollout[] = {
	{OBJECT("statement"), MUST,
	 ROWS({TEXT("kind"), MUST}, {ID("key"), MUST}, {TEXT("issued"), MUST},
	      {ID("rollout"), MUST}, {WHOLE("serial", 1), MUST},
	      {WORD("state"), MUST, WORDS("running", "halted", "withdrawn")},
	      {ID("policy"), MUST}, {ID("verdict"), MUST},
	      {TEXT("workload"), MUST}, {TEXT("why")}, {TEXT("began"), MUST},
	      {TEXT("expires"), MUST}, {POSITIVE("spread_s"), MUST},
	      {LIST("cohorts"), MUST,
	       ROWS({OBJECT(NULL), MUST, .members = rollout_cohort})})},
	{HEX("ed25519", 128), MUST},
	{0},
};

/* What a host says of that: signed as well. */
static const struct rule report[] = {
	{OBJECT("statement"), MUST,
	 ROWS({TEXT("kind"), MUST}, {ID("key"), MUST}, {TEXT("issued"), MUST},
	      {ID("rollout"), MUST}, {WHOLE("serial", 1), MUST},
	      {ID("policy"), MUST}, {COUNT("cohort"), MUST},
	      {BOOL("named"), MUST},
	      {WORD("outcome"), MUST,
	       WORDS("trying", "ok", "bad", "ejected", "refused", "withdrawn",
		     "stopped")},
	      {TEXT("kernel")}, {TEXT("why")})},
	{HEX("ed25519", 128), MUST},
	{0},
};

const struct rule schema_note[] = {
	{TEXT("text"), MUST},
	{ID("about")},
	{ID("after")},
	{OBJECT("state"),
	 ROWS({WORD("name"), MUST,
	       WORDS("candidate", "canary", "trusted", "none")},
	      {TEXT("workload"), MUST}, {ID("previous")}, {ID("verdict")},
	      {BOOL("forced")})},
	{TEXT("agent")},
	{LIST("tags"), ROWS({TEXT(NULL), MUST})},
	{MAP("features"), .members = number},
	{OBJECT("antipattern"), ROWS({TEXT("form"), MUST}, {TEXT("why"), MUST},
				     {TEXT("workload")}, {ID("fingerprint")})},
	{MAP("accounts"), ROWS({OBJECT(NULL), MUST, .members = account})},
	{OBJECT("loop"), .members = loop},
	{OBJECT("training"), .members = training},
	{OBJECT("judgement"), .members = judgement},
	{OBJECT("model"), .members = model},
	{OBJECT("demand"), ROWS({POSITIVE("every_s")}, {POSITIVE("lead_s")},
				{LIST("cgroups"), ROWS({OBJECT(NULL), MUST,
							.members = wanting})})},
	{OBJECT("rollout"), .members = rollout},
	{OBJECT("report"), .members = report},
	{LIST("transcript"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("role"), MUST},
		    {LIST("messages"),
		     ROWS({OBJECT(NULL), MUST, .members = anything})},
		    {OBJECT("answer"), .members = anything})})},
	{0},
};
