/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/openmetrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum type { GAUGE, COUNTER, SUMMARY, INFO };

struct label {
	const char *name, *value;
};

/* One metric family: a name, and what it means. */
static void family(struct buf *out, const char *name, enum type type,
		   const char *help)
{
	static const char *const words[] = {"gauge", "counter", "summary",
					    "info"};

	buf_printf(out, "# TYPE schedkit_%s %s\n# HELP schedkit_%s %s.\n", name,
		   words[type], name, help);
}

static void escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_puts(out, "\\");
		if (*s == '\n')
			buf_puts(out, "\\n");
		else
			buf_add(out, s, 1);
	}
}

static void value(struct buf *out, double x)
{
	struct json *v = json_number(x);
	char *text = json_canonical(v);

	buf_printf(out, " %s\n", isfinite(x) ? text : "NaN");
	free(text);
	json_free(v);
}

static void sample(struct buf *out, const char *name, const char *suffix,
		   const struct label *labels, size_t n, double x)
{
	buf_printf(out, "schedkit_%s%s", name, suffix);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
		escaped(out, labels[i].value);
		buf_puts(out, "\"");
	}
	if (n)
		buf_puts(out, "}");
	value(out, x);
}

static double number(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

/* ---- single figures ----------------------------------------------------- */

static const struct {
	const char *path, *name;
	enum type type;
	const char *help;
} singles[] = {
	{"cost_usd", "cost_usd", COUNTER, "Cost of what was asked of models"},
	{"hedges", "hedges", COUNTER, "Second starts of slow requests"},
	{"preemptions", "preemptions", COUNTER,
	 "Requests suspended for the sake of others"},
	{"retries", "retries", COUNTER,
	 "Attempts that failed and were "
	 "followed by another"},
	{"late", "late", COUNTER, "Requests that ended after their deadline"},
	{"deadlocks", "deadlocks", COUNTER,
	 "Circles of waiting that were broken"},
	{"jain_runs", "runs_jain", GAUGE,
	 "Fairness of attained service between runs, 1 is even"},
	{"daemon.clients", "clients", GAUGE, "Connections"},
	{"daemon.accepted", "connections", COUNTER, "Connections ever taken"},
	{"daemon.lines", "lines", COUNTER, "Lines taken from clients"},
	{"daemon.refused", "refused", COUNTER, "What was refused"},
	{"daemon.closed", "closed", COUNTER,
	 "Connections closed for what they sent or left unread"},
	{"daemon.held_bytes", "held_bytes", GAUGE,
	 "Memory of requests and of what is under way to or from clients"},
	{"daemon.uptime_s", "uptime_seconds", GAUGE, "Since the daemon began"},
};

static void put_singles(const struct json *m, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		if (!json_path(m, singles[i].path))
			continue;
		family(out, singles[i].name, singles[i].type, singles[i].help);
		sample(out, singles[i].name,
		       singles[i].type == COUNTER ? "_total" : "", NULL, 0,
		       number(m, singles[i].path));
	}
}

/* ---- families with labels ------------------------------------------------ */

static void put_requests(const struct json *m, struct buf *out)
{
	static const char *const now[] = {"queued", "running", "waiting"};
	static const char *const tokens[] = {"in", "cached", "out"};
	struct label policy = {"policy", json_text_at(m, "policy")};

	family(out, "policy", INFO, "In which order requests start");
	sample(out, "policy", "_info", &policy, 1, 1);
	family(out, "requests", GAUGE, "Requests that have not ended");
	for (size_t i = 0; i < ARRAY_LEN(now); i++)
		sample(out, "requests", "", &(struct label){"state", now[i]}, 1,
		       number(m, now[i]));
	family(out, "ended", COUNTER, "Requests that have ended");
	json_each (it, json_get(m, "ended"))
		sample(out, "ended", "_total",
		       &(struct label){"state", json_key(it)}, 1,
		       json_as_number(it, 0));
	family(out, "tokens", COUNTER, "Tokens of language models");
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		char *path = mem_printf("tokens_%s", tokens[i]);

		sample(out, "tokens", "_total",
		       &(struct label){"direction", tokens[i]}, 1,
		       number(m, path));
		free(path);
	}
}

static void put_summary(const struct json *v, const char *name,
			const char *help, struct buf *out)
{
	static const struct {
		const char *path, *quantile;
	} rows[] = {{"p50", "0.5"}, {"p90", "0.9"}, {"p99", "0.99"}};

	family(out, name, SUMMARY, help);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (json_get(v, rows[i].path))
			sample(out, name, "",
			       &(struct label){"quantile", rows[i].quantile}, 1,
			       json_as_number(json_get(v, rows[i].path), NAN));
}

static void put_kinds(const struct json *kinds, struct buf *out)
{
	static const struct {
		const char *key, *name, *help;
	} rows[] = {
		{"gini", "kind_gini",
		 "Unevenness of the load of a kind's workers, 0 is even"},
		{"jain", "kind_jain",
		 "Evenness of the load of a kind's workers, 1 is even"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		family(out, rows[i].name, GAUGE, rows[i].help);
		json_each (it, kinds)
			sample(out, rows[i].name, "",
			       &(struct label){"kind", json_key(it)}, 1,
			       number(it, rows[i].key));
	}
}

static void put_predictor(const struct json *works, struct buf *out)
{
	static const struct {
		const char *key, *name, *help;
	} rows[] = {
		{"kendall_tau", "predictor_kendall_tau",
		 "Rank correlation of predicted and real times"},
		{"mape_pct", "predictor_mape_percent",
		 "Mean error of predicted times"},
		{"covered_p90_pct", "predictor_covered_p90_percent",
		 "Requests that took no longer than the p90 predicted"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		family(out, rows[i].name, GAUGE, rows[i].help);
		json_each (it, works) {
			struct label work = {"work", json_text_at(it, "work")};

			if (json_get(it, rows[i].key))
				sample(out, rows[i].name, "", &work, 1,
				       number(it, rows[i].key));
		}
	}
}

static void put_workers(const struct json *workers, struct buf *out)
{
	static const struct {
		const char *key, *name;
		enum type type;
		const char *help;
	} rows[] = {
		{"load", "worker_load", GAUGE,
		 "Largest share of a worker's resources that is taken"},
		{"running", "worker_running", GAUGE,
		 "Requests that a worker carries out"},
		{"done", "worker_done", COUNTER, "Attempts that went well"},
		{"failed", "worker_failed", COUNTER, "Attempts that failed"},
		{"busy_s", "worker_busy_seconds", COUNTER,
		 "Time times the share of resources taken"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		family(out, rows[i].name, rows[i].type, rows[i].help);
		json_each (it, workers)
			sample(out, rows[i].name,
			       rows[i].type == COUNTER ? "_total" : "",
			       &(struct label){"worker",
					       json_text_at(it, "name")},
			       1, number(it, rows[i].key));
	}
	family(out, "worker_up", GAUGE, "Whether a worker is well");
	json_each (it, workers)
		sample(out, "worker_up", "",
		       &(struct label){"worker", json_text_at(it, "name")}, 1,
		       !strcmp(json_text_at(it, "health"), "up"));
}

void rt_openmetrics(const struct json *m, struct buf *out)
{
	put_requests(m, out);
	put_summary(json_get(m, "wait_s"), "wait_seconds",
		    "From being ready to the start", out);
	put_summary(json_get(m, "turnaround_s"), "turnaround_seconds",
		    "From the submission to the end", out);
	put_singles(m, out);
	put_kinds(json_get(m, "kinds"), out);
	put_workers(json_get(m, "workers"), out);
	put_predictor(json_get(m, "predictor"), out);
	buf_puts(out, "# EOF\n");
}
