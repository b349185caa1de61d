/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/schema_parts.h"

#include <string.h>

#include "base/mem.h"
#include "doc/doc.h"

/* lib/stats/hist.h */
static const struct rule hist[] = {
	{COUNT("count"), MUST},
	{POSITIVE("sum"), MUST},
	{POSITIVE("max"), MUST},
	{POSITIVE("p50"), MUST},
	{POSITIVE("p90"), MUST},
	{POSITIVE("p99"), MUST},
	{LIST("buckets"), ROWS({PAIR(NULL), .members = number, MUST})},
	{0},
};

static const struct rule workload[] = {
	{TEXT("name")},
	{TEXT("cwd")},
	{LIST("command"), ROWS({TEXT(NULL), MUST})},
	{LIST("bound"), ROWS({TEXT(NULL), MUST})},
	{LIST("short"), ROWS({TEXT(NULL), MUST})},
	{LIST("metrics"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("name"), MUST}, {TEXT("unit")}, {BETTER},
		    {TEXT("regex")}, {TEXT("json")})})},
	{0},
};

static const struct rule system_rows[] = {
	{WHOLE("cpus", 1), MUST},
	{WHOLE("cores", 1)},
	{WHOLE("llcs", 1)},
	{WHOLE("nodes", 1)},
	{TEXT("kernel"), MUST},
	{WORD("sched_ext"),
	 WORDS("disabled", "enabled", "enabling", "disabling", "absent")},
	{TEXT("ops")},
	{OBJECT("psi"),
	 ROWS({PERCENT("cpu_some_pct")}, {PERCENT("memory_some_pct")},
	      {PERCENT("io_some_pct")})},
	{0},
};

static const struct rule group[] = {
	{TEXT("name"), MUST},
	{BOOL("kernel")},
	{COUNT("cgroup")},
	{COUNT("tasks"), MUST},
	{POSITIVE("run_us"), MUST},
	{POSITIVE("wait_us"), MUST},
	{COUNT("wakeups"), MUST},
	{COUNT("migrations")},
	{COUNT("preemptions")},
	{COUNT("forks")},
	{COUNT("switches_voluntary")},
	{COUNT("preempted_holder_wakes")},
	{HIST("burst_us"), MUST},
	{HIST("delay_us"), MUST},
	{HIST("sleep_us")},
	{HIST("block_us")},
	{LIST("wakers"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("group"), MUST}, {COUNT("count"), MUST})})},
	{POSITIVE("weight")},
	{0},
};

static const struct rule profile[] = {
	{WORD("scope"), MUST, WORDS("command", "all", "pid", "cgroup")},
	{TEXT("goal"), MUST},
	{WORD("source"), MUST, WORDS("bpf", "proc")},
	{WORD("target"), MUST, WORDS("host", "vm", "sim")},
	{OBJECT("workload"), .members = workload},
	{POSITIVE("duration_us"), MUST},
	{COUNT("exit_status")},
	{POSITIVE("wall_us")},
	{POSITIVE("user_us")},
	{POSITIVE("sys_us")},
	{LIST("metrics"), ROWS({OBJECT(NULL), MUST,
				ROWS({TEXT("name"), MUST}, {TEXT("unit")},
				     {BETTER}, {NUMBER("value")})})},
	{TEXT("output_tail")},
	{OBJECT("system"), MUST, .members = system_rows},
	{OBJECT("run_queue"),
	 ROWS({PERCENT("busy_pct")}, {POSITIVE("depth_mean")},
	      {PERCENT("waiting_pct")}, {PERCENT("idle_while_waiting_pct")})},
	{LIST("groups"), MUST, ROWS({OBJECT(NULL), MUST, .members = group})},
	{LIST("identities"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({HEX("hash", 16), MUST}, {COUNT("execs"), MUST},
		    {POSITIVE("run_us"), MUST}, {POSITIVE("max_us"), MUST},
		    {POSITIVE("whole_us")}, {TEXT("name")})})},
	{LIST("notes"), ROWS({TEXT(NULL), MUST})},
	{MAP("costs"), .members = number},
	{OBJECT("trace"),
	 ROWS({TEXT("path"), MUST}, {HEX("sha256", 64), MUST},
	      {COUNT("events"), MUST}, {COUNT("drops"), MUST})},
	{OBJECT("bursts"),
	 ROWS({TEXT("path"), MUST}, {HEX("sha256", 64), MUST},
	      {COUNT("records"), MUST}, {COUNT("drops"), MUST},
	      {COUNT("left_out"), MUST}, {COUNT("bytes"), MUST})},
	{OBJECT("overhead"), MUST,
	 ROWS({COUNT("events")}, {COUNT("drops"), MUST}, {POSITIVE("cpu_us")},
	      {POSITIVE("pct")})},
	{0},
};

static const struct rule plan[] = {
	{ID("profile"), MUST},
	{OBJECT("regime"), MUST,
	 ROWS({BOOL("saturated")},
	      {WORD("bound"),
	       WORDS("latency", "throughput", "makespan", "fairness")},
	      {LIST("traits"), ROWS({TEXT(NULL), MUST})},
	      {PERCENT("confidence_pct")})},
	{LIST("evidence"), MUST,
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("text"), MUST}, {NUMBER("value")}, {TEXT("key")})})},
	{TEXT("text"), MUST},
	{LIST("proposals"), MUST, ROWS({ID(NULL), MUST})},
	{LIST("predictions"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({ID("policy"), MUST}, {TEXT("metric"), MUST},
		    {NUMBER("ratio"), MUST}, {COUNT("seeds"), MUST},
		    {NUMBER("baseline")}, {NUMBER("expected")}, {CI95})})},
	{POSITIVE("expected_gain_pct")},
	{LIST("origins"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({ID("policy"), MUST}, {SOURCE, MUST}, {ID("from")})})},
	{TEXT("wish")},
	{COUNT("seed"), MUST},
	{0},
};

/* Of what a model foretells: how well, on time that it had not seen. */
static const struct rule target[] = {
	{WORD("kind"), MUST, WORDS("linear", "trees")},
	{COUNT("rows"), MUST},
	{POSITIVE("error"), MUST},
	{POSITIVE("average_error"), MUST},
	{POSITIVE("ratio"), MUST},
	{CI95, MUST},
	{0},
};

static const struct rule policy[] = {
	{FORM, MUST},
	{TEXT("title"), MUST},
	{TEXT("why"), MUST},
	{LIST("uses"), MUST,
	 ROWS({WORD(NULL), MUST,
	       WORDS("behaviour", "learned_identity", "declared_intent")})},
	{MAP("params"), ROWS({.shape = SHAPE_SCALAR, MUST})},
	{OBJECT("object"),
	 ROWS({TEXT("path"), MUST}, {HEX("sha256", 64), MUST})},
	{TEXT("task")},
	{TEXT("code")},
	{LIST("knobs"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("match")}, {HEX("identity", 16)}, {NUMBER("nice")},
		    {WORD("policy"), WORDS("other", "batch", "idle")},
		    {POSITIVE("slice_us")}, {TEXT("cpus")},
		    {COUNT("cpu_weight")}, {POSITIVE("cpu_max_pct")})})},
	{OBJECT("external"), ROWS({TEXT("program"), MUST},
				  {LIST("flags"), ROWS({TEXT(NULL), MUST})})},
	{OBJECT("hypothesis"),
	 ROWS({TEXT("metric"), MUST}, {NUMBER("effect_pct"), MUST},
	      {TEXT("text")})},
	{LIST("identities"),
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({HEX("hash", 16), MUST}, {POSITIVE("expect_us"), MUST})})},
	{OBJECT("model"),
	 ROWS({ID("sha256"), MUST}, {COUNT("feature_version"), MUST},
	      {LIST("trained_on"), ROWS({ID(NULL), MUST})},
	      {MAP("targets"), ROWS({OBJECT(NULL), MUST, .members = target})},
	      {TEXT("data"), MUST})},
	{0},
};

static const struct rule stage[] = {
	{WORD("name"), MUST,
	 WORDS("lint", "build", "prove", "sim", "kernel", "run")},
	{WORD("status"), MUST, WORDS("passed", "failed", "skipped", "unknown")},
	{LIST("findings"), MUST,
	 ROWS({OBJECT(NULL), MUST,
	       ROWS({TEXT("rule"), MUST}, {TEXT("file")}, {COUNT("line")},
		    {TEXT("text"), MUST})})},
	{POSITIVE("seconds"), MUST},
	{0},
};

static const struct rule metric[] = {
	{TEXT("name"), MUST},
	{TEXT("unit"), MUST},
	{BETTER},
	{NUMBER("baseline"), MUST},
	{NUMBER("candidate"), MUST},
	{NUMBER("ratio"), MUST},
	{CI95, MUST},
	{COUNT("pairs"), MUST},
	{BOOL("guard"), MUST},
	{OBJECT("samples"), ROWS({LIST("baseline"), .members = number},
				 {LIST("candidate"), .members = number})},
	{POSITIVE("guard_pct")},
	{NUMBER("shuffled_ratio")},
	{LIST("shuffled_samples"), .members = number},
	{0},
};

/* lib/trust/statement.h; whether it holds is not a question of form */
static const struct rule signature[] = {
	{OBJECT("statement"), MUST,
	 ROWS({TEXT("kind"), MUST}, {ID("key"), MUST}, {TEXT("issued"), MUST},
	      {TEXT("expires"), MUST}, {ID("policy"), MUST},
	      {TEXT("form"), MUST}, {HEX("params_sha256", 64)},
	      {HEX("image_sha256", 64)}, {TEXT("decision"), MUST},
	      {TEXT("target"), MUST}, {TEXT("kernel"), MUST},
	      {HEX("configuration", 64)}, {TEXT("accelerator")},
	      {TEXT("workload")}, {HEX("object_sha256", 64)},
	      {HEX("evidence_sha256", 64), MUST})},
	{HEX("ed25519", 128), MUST},
	{0},
};

static const struct rule verdict[] = {
	{ID("policy"), MUST},
	{TEXT("workload")},
	{WORD("decision"), MUST, WORDS("accepted", "rejected", "inconclusive")},
	{TEXT("why"), MUST},
	{WORD("target"), MUST, WORDS("vm", "host", "sim")},
	{TEXT("kernel"), MUST},
	{HEX("configuration", 64)},
	{WORD("accelerator"), WORDS("tcg", "kvm", "none")},
	{HEX("object_sha256", 64)},
	{OBJECT("signature"), .members = signature},
	{LIST("stages"), MUST, ROWS({OBJECT(NULL), MUST, .members = stage})},
	{LIST("metrics"), MUST, ROWS({OBJECT(NULL), MUST, .members = metric})},
	{OBJECT("bound"),
	 ROWS({TEXT("name")}, {NUMBER("value")}, {NUMBER("gap_closed_pct")},
	      {CI95}, {LIST("samples"), .members = number}, {TEXT("note")})},
	{COUNT("invalid_runs")},
	{OBJECT("hypothesis"),
	 ROWS({TEXT("metric"), MUST}, {NUMBER("expected_pct"), MUST},
	      {NUMBER("simulated_pct")}, {NUMBER("measured_pct")},
	      {BOOL("holds")})},
	{OBJECT("simulation"),
	 ROWS({COUNT("cpus")}, {COUNT("seeds")},
	      {LIST("metrics"), ROWS({OBJECT(NULL), MUST,
				      ROWS({TEXT("name"), MUST}, {TEXT("unit")},
					   {BETTER}, {NUMBER("baseline"), MUST},
					   {NUMBER("candidate"), MUST},
					   {NUMBER("ratio"), MUST})})},
	      {LIST("callbacks"),
	       ROWS({OBJECT(NULL), MUST,
		     ROWS({TEXT("name"), MUST}, {COUNT("calls")},
			  {COUNT("insns_mean")}, {COUNT("insns_max")})})})},
	{OBJECT("evidence"),
	 ROWS({TEXT("order")}, {COUNT("warmup")}, {COUNT("seed")},
	      {BOOL("confirmed")}, {POSITIVE("min_effect_pct")},
	      {COUNT("screening_pairs")}, {COUNT("confirmation_pairs")},
	      {POSITIVE("host_load")}, {POSITIVE("host_wait_pct")},
	      {COUNT("runs")}, {COUNT("target_runs")},
	      {WORD("stopped"), WORDS("full", "decided", "futile")},
	      {BOOL("pareto")}, {TEXT("node")})},
	{0},
};

/* Why a guard had a policy taken off. */
static const struct rule trip[] = {
	{TEXT("guard"), MUST},
	{TEXT("unit")},
	{WORD("allowed"), MUST, WORDS("at-most", "at-least")},
	{NUMBER("value")}, /* absent: it was told no more */
	{NUMBER("bound"), MUST},
	{POSITIVE("window_s"), MUST},
	{NUMBER("before")},
	{POSITIVE("times")},
	{POSITIVE("after_s")},
	{COUNT("tid")},
	{TEXT("task")},
	{LIST("samples"), ROWS({PAIR(NULL), .members = open_number, MUST})},
	{POSITIVE("revert_us")},
	{ID("instead")},
	{TEXT("no_other")},
	{COUNT("trips")},
	{TEXT("not_noted")},
	{0},
};

#define MEASURED                                             \
	{TEXT("metric"), MUST}, {TEXT("unit")}, {BETTER},    \
		{NUMBER("baseline")}, {NUMBER("candidate")}, \
		{NUMBER("ratio"), MUST}, {CI95},             \
	{                                                    \
		COUNT("pairs"), MUST                         \
	}

static const struct rule measured[] = {
	MEASURED,
	{NUMBER("shuffled_ratio")},
	{NUMBER("gap_closed_pct")},
	{0},
};

/* agents/canary/canary.h */
static const struct rule canary_metric[] = {MEASURED, {0}};

static const struct rule canary_step[] = {
	{TEXT("scope"), MUST},
	{WORD("mode"), MUST, WORDS("partial", "full")},
	{WORD("against"), MUST, WORDS("others", "before")},
	{COUNT("pairs"), MUST},
	{COUNT("tasks")},
	{PERCENT("others_pct")},
	{WORD("decision"), MUST,
	 WORDS("unfinished", "passed", "worse", "inconclusive")},
	{TEXT("why")},
	{LIST("metrics"), ROWS({OBJECT(NULL), MUST, .members = canary_metric})},
	{0},
};

static const struct rule canary[] = {
	{TEXT("scope"), MUST},
	{HEX("key", 16)},
	{POSITIVE("window_us")},
	{WORD("decision"), MUST,
	 WORDS("unfinished", "passed", "worse", "inconclusive")},
	{TEXT("why")},
	{TEXT("warning")},
	{LIST("steps"), ROWS({OBJECT(NULL), MUST, .members = canary_step})},
	{0},
};

static const struct rule deployment[] = {
	{ID("policy"), MUST},
	{ID("verdict")},
	{WORD("target"), MUST, WORDS("vm", "host", "sim")},
	{WORD("state"), MUST,
	 WORDS("attached", "detached", "ejected", "tripped", "refused",
	       "dry-run", "stopped")},
	{TEXT("title")},
	{TEXT("since")},
	{ID("host")},
	{ID("back_from")},
	{TEXT("kernel")},
	{TEXT("ops")},
	{NUMBER("exit_kind")},
	{TEXT("exit_reason")},
	{TEXT("exit_message")},
	{TEXT("exit_dump")},
	{MAP("events"), .members = number},
	{MAP("counters"), .members = number},
	{LIST("restarts"), ROWS({TEXT(NULL), MUST})},
	{BOOL("pinned")},
	{POSITIVE("held_us")},
	{OBJECT("scope"),
	 ROWS({TEXT("command")}, {WHOLE("pid", 1)}, {TEXT("cgroup")})},
	{LIST("changes"), ROWS({TEXT(NULL), MUST})},
	{LIST("left"), ROWS({TEXT(NULL), MUST})},
	{LIST("rules"), ROWS({OBJECT(NULL), MUST,
			      ROWS({TEXT("match"), MUST}, {HEX("identity", 16)},
				   {COUNT("tasks"), MUST})})},
	{OBJECT("program"),
	 ROWS({TEXT("command"), MUST}, {ID("sha256"), MUST}, {TEXT("path")},
	      {WHOLE("pid", 1)}, {WHOLE("restarts", 1)})},
	{LIST("output"), ROWS({TEXT(NULL), MUST})},
	{MAP("stats"), .members = number},
	{TEXT("no_stats")},
	{LIST("guards"), ROWS({TEXT(NULL), MUST})},
	{OBJECT("watcher"),
	 ROWS({BOOL("above"), MUST}, {BOOL("locked"), MUST}, {COUNT("tasks")},
	      {POSITIVE("look_s")}, {POSITIVE("cpu_pct")})},
	{OBJECT("trip"), .members = trip},
	{BOOL("again")},
	{OBJECT("canary"), .members = canary},
	{TEXT("why"), MUST},
	{0},
};

static const struct rule lesson[] = {
	{ID("profile"), MUST},
	{ID("policy"), MUST},
	{ID("verdict"), MUST},
	{TEXT("workload")},
	{MAP("features"), MUST, .members = number},
	{LIST("traits"), ROWS({TEXT(NULL), MUST})},
	{OBJECT("tried"), MUST,
	 ROWS({FORM, MUST}, {TEXT("title"), MUST}, {SOURCE, MUST}, {ID("from")},
	      {MAP("params"), ROWS({.shape = SHAPE_SCALAR, MUST})})},
	{OBJECT("predicted"),
	 ROWS({TEXT("metric"), MUST}, {NUMBER("ratio"), MUST}, {COUNT("seeds")},
	      {NUMBER("baseline")})},
	{OBJECT("measured"), .members = measured},
	{LIST("guards"), ROWS({OBJECT(NULL), MUST, .members = measured})},
	{WORD("outcome"), MUST,
	 WORDS("better", "no-better", "worse", "unsafe", "unknown")},
	{TEXT("text"), MUST},
	{OBJECT("conditions"), MUST,
	 ROWS({WORD("target"), MUST, WORDS("vm", "host", "sim")},
	      {TEXT("kernel"), MUST}, {TEXT("accelerator")}, {COUNT("cpus")},
	      {HEX("object_sha256", 64)}, {POSITIVE("min_effect_pct")},
	      {MAP("costs"), .members = number})},
	{OBJECT("spent"), ROWS({COUNT("guest_runs")}, {POSITIVE("seconds")})},
	{0},
};

static const struct rule error[] = {
	{TEXT("code"), MUST},
	{TEXT("text"), MUST},
	{WHOLE("line", 1)},
	{ID("about")},
	{0},
};

static const struct rule provenance[] = {
	{TEXT("backend"), MUST},
	{TEXT("model")},
	{COUNT("calls")},
	{COUNT("tokens_in")},
	{COUNT("tokens_cached")},
	{COUNT("tokens_out")},
	{POSITIVE("cost_usd")},
	{ID("transcript")},
	{0},
};

const struct rule schema_envelope[] = {
	{NUMBER("v"), MUST},
	{TEXT("kind"), MUST},
	{ID("id"), MUST},
	{LIST("parent"), MUST, ROWS({ID(NULL), MUST})},
	{TEXT("by"), MUST},
	{TEXT("time"), MUST},
	{OBJECT("body"), MUST, .members = anything},
	{OBJECT("provenance"), .members = provenance},
	{0},
};

static const struct {
	const char *kind;
	const struct rule *rows;
} schemas[] = {
	{"profile", profile},	    {"plan", plan},
	{"policy", policy},	    {"verdict", verdict},
	{"deployment", deployment}, {"lesson", lesson},
	{"note", schema_note},	    {"error", error},
};

const char *const doc_kinds[] = {
	"profile", "plan", "policy", "verdict", "deployment",
	"lesson",  "note", "error",  NULL,
};

const struct rule *schema_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		if (!strcmp(kind, schemas[i].kind))
			return schemas[i].rows;
	}
	return NULL;
}
