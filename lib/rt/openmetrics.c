/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/openmetrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "term/openmetrics.h"

static double number(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

/* ---- single figures ----------------------------------------------------- */

static const struct {
	const char *path, *name;
	enum metric_type type;
	const char *help;
} singles[] = {
	{"cost_usd", "cost_usd", METRIC_COUNTER,
	 "Cost of what was asked of models"},
	{"hedges", "hedges", METRIC_COUNTER, "Second starts of slow requests"},
	{"preemptions", "preemptions", METRIC_COUNTER,
	 "Requests suspended for the sake of others"},
	{"retries", "retries", METRIC_COUNTER,
	 "Attempts that failed and were "
	 "followed by another"},
	{"late", "late", METRIC_COUNTER,
	 "Requests that ended after their deadline"},
	{"deadlocks", "deadlocks", METRIC_COUNTER,
	 "Circles of waiting that were broken"},
	{"jain_runs", "runs_jain", METRIC_GAUGE,
	 "Fairness of attained service between runs, 1 is even"},
	{"daemon.clients", "clients", METRIC_GAUGE, "Connections"},
	{"daemon.accepted", "connections", METRIC_COUNTER,
	 "Connections ever taken"},
	{"daemon.lines", "lines", METRIC_COUNTER, "Lines taken from clients"},
	{"daemon.refused", "refused", METRIC_COUNTER, "What was refused"},
	{"daemon.closed", "closed", METRIC_COUNTER,
	 "Connections closed for what they sent or left unread"},
	{"daemon.held_bytes", "held_bytes", METRIC_GAUGE,
	 "Memory of requests and of what is under way to or from clients"},
	{"daemon.uptime_s", "uptime_seconds", METRIC_GAUGE,
	 "Since the daemon began"},
};

static void put_singles(const struct json *m, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		if (!json_path(m, singles[i].path))
			continue;
		metric_family(out, singles[i].name, singles[i].type,
			      singles[i].help);
		metric_sample(out, singles[i].name,
			      singles[i].type == METRIC_COUNTER ? "_total" : "",
			      NULL, 0, number(m, singles[i].path));
	}
}

/* ---- families with labels ------------------------------------------------ */

static void put_requests(const struct json *m, struct buf *out)
{
	static const char *const now[] = {"queued", "running", "waiting"};
	static const char *const tokens[] = {"in", "cached", "out"};
	struct metric_label policy = {"policy", json_text_at(m, "policy")};

	metric_family(out, "policy", METRIC_INFO,
		      "In which order requests start");
	metric_sample(out, "policy", "_info", &policy, 1, 1);
	metric_family(out, "requests", METRIC_GAUGE,
		      "Requests that have not ended");
	for (size_t i = 0; i < ARRAY_LEN(now); i++)
		metric_sample(out, "requests", "",
			      &(struct metric_label){"state", now[i]}, 1,
			      number(m, now[i]));
	metric_family(out, "ended", METRIC_COUNTER, "Requests that have ended");
	json_each (it, json_get(m, "ended"))
		metric_sample(out, "ended", "_total",
			      &(struct metric_label){"state", json_key(it)}, 1,
			      json_as_number(it, 0));
	metric_family(out, "tokens", METRIC_COUNTER,
		      "Tokens of language models");
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		char *path = mem_printf("tokens_%s", tokens[i]);

		metric_sample(out, "tokens", "_total",
			      &(struct metric_label){"direction", tokens[i]}, 1,
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

	metric_family(out, name, METRIC_SUMMARY, help);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (json_get(v, rows[i].path))
			metric_sample(
				out, name, "",
				&(struct metric_label){"quantile",
						       rows[i].quantile},
				1,
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
		metric_family(out, rows[i].name, METRIC_GAUGE, rows[i].help);
		json_each (it, kinds)
			metric_sample(
				out, rows[i].name, "",
				&(struct metric_label){"kind", json_key(it)}, 1,
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
		metric_family(out, rows[i].name, METRIC_GAUGE, rows[i].help);
		json_each (it, works) {
			struct metric_label work = {"work",
						    json_text_at(it, "work")};

			if (json_get(it, rows[i].key))
				metric_sample(out, rows[i].name, "", &work, 1,
					      number(it, rows[i].key));
		}
	}
}

static void put_workers(const struct json *workers, struct buf *out)
{
	static const struct {
		const char *key, *name;
		enum metric_type type;
		const char *help;
	} rows[] = {
		{"load", "worker_load", METRIC_GAUGE,
		 "Largest share of a worker's resources that is taken"},
		{"running", "worker_running", METRIC_GAUGE,
		 "Requests that a worker carries out"},
		{"done", "worker_done", METRIC_COUNTER,
		 "Attempts that went well"},
		{"failed", "worker_failed", METRIC_COUNTER,
		 "Attempts that failed"},
		{"busy_s", "worker_busy_seconds", METRIC_COUNTER,
		 "Time times the share of resources taken"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		metric_family(out, rows[i].name, rows[i].type, rows[i].help);
		json_each (it, workers)
			metric_sample(
				out, rows[i].name,
				rows[i].type == METRIC_COUNTER ? "_total" : "",
				&(struct metric_label){
					"worker", json_text_at(it, "name")},
				1, number(it, rows[i].key));
	}
	metric_family(out, "worker_up", METRIC_GAUGE,
		      "Whether a worker is well");
	json_each (it, workers)
		metric_sample(out, "worker_up", "",
			      &(struct metric_label){"worker",
						     json_text_at(it, "name")},
			      1, !strcmp(json_text_at(it, "health"), "up"));
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
	metric_end(out);
}
