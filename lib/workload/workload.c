/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workload/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static int wrong(const char *key, const char *what)
{
	return err_set(EINVAL, "workload.%s: %s", key, what);
}

static int read_strings(const struct json *v, const char *key, struct strs *out)
{
	const struct json *list = json_get(v, key);

	if (list && json_type(list) != JSON_ARRAY)
		return wrong(key, "must be a list of strings");
	json_each (item, list) {
		if (json_type(item) != JSON_STRING)
			return wrong(key, "must be a list of strings");
		strs_add(out, json_as_string(item, ""));
	}
	return 0;
}

static char *copy_string(const struct json *v, const char *key)
{
	const char *s = json_as_string(json_get(v, key), NULL);

	return s ? mem_strdup(s) : NULL;
}

static int read_metric(const struct json *v, struct metric *m)
{
	const char *better;

	m->name = copy_string(v, "name");
	if (!m->name || !*m->name)
		return wrong("metrics", "one has no name");
	m->unit = copy_string(v, "unit");
	m->regex = copy_string(v, "regex");
	m->json = copy_string(v, "json");
	if (m->regex && m->json)
		return wrong("metrics", "one has both a regex and a json path");
	if (!m->unit)
		m->unit = mem_strdup("");
	better = json_as_string(json_get(v, "better"),
				m->regex || m->json ? "higher" : "lower");
	m->higher_is_better = !strcmp(better, "higher");
	if (!m->higher_is_better && strcmp(better, "lower"))
		return wrong("metrics", "'better' must be higher or lower");
	return 0;
}

void workload_add_metric(struct workload *w, const struct metric *m)
{
	w->metrics = mem_realloc(w->metrics, w->metric_count + 1,
				 sizeof(*w->metrics));
	w->metrics[w->metric_count++] = *m;
}

void workload_complete(struct workload *w)
{
	const char *base;
	struct metric m;

	if (!w->name && w->command.len) {
		base = strrchr(w->command.v[0], '/');
		w->name = mem_strdup(base ? base + 1 : w->command.v[0]);
	}
	if (w->metric_count)
		return;
	metric_parse("wall", &m);
	workload_add_metric(w, &m);
}

static int read_metrics(const struct json *list, struct workload *w)
{
	int rc = 0;

	if (list && json_type(list) != JSON_ARRAY)
		return wrong("metrics", "must be a list");
	json_each (item, list) {
		struct metric m = {0};

		rc = read_metric(item, &m);
		if (rc) {
			metric_release(&m);
			return rc;
		}
		workload_add_metric(w, &m);
	}
	return 0;
}

int workload_read(const struct json *v, struct workload *w)
{
	int rc;

	*w = (struct workload){0};
	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "there is no workload: observe a "
				       "command, not the whole machine");
	w->name = copy_string(v, "name");
	w->cwd = copy_string(v, "cwd");
	rc = read_strings(v, "command", &w->command);
	if (!rc && !w->command.len)
		rc = wrong("command", "must have at least one word");
	if (!rc)
		rc = read_strings(v, "bound", &w->bound);
	if (!rc)
		rc = read_strings(v, "short", &w->shorter);
	if (!rc)
		rc = read_metrics(json_get(v, "metrics"), w);
	if (rc)
		workload_release(w);
	else
		workload_complete(w);
	return rc;
}

static struct json *metric_json(const struct metric *m)
{
	struct json *v = json_object();

	json_set_string(v, "name", m->name);
	json_set_string(v, "unit", m->unit);
	json_set_string(v, "better", m->higher_is_better ? "higher" : "lower");
	if (m->regex)
		json_set_string(v, "regex", m->regex);
	if (m->json)
		json_set_string(v, "json", m->json);
	return v;
}

struct json *workload_json(const struct workload *w)
{
	struct json *v = json_object(), *metrics;

	json_set_string(v, "name", w->name ? w->name : "");
	if (w->cwd)
		json_set_string(v, "cwd", w->cwd);
	json_set(v, "command", json_strings(&w->command));
	if (w->bound.len)
		json_set(v, "bound", json_strings(&w->bound));
	if (w->shorter.len)
		json_set(v, "short", json_strings(&w->shorter));
	metrics = json_set(v, "metrics", json_array());
	for (size_t i = 0; i < w->metric_count; i++)
		json_add(metrics, metric_json(&w->metrics[i]));
	return v;
}

void workload_release(struct workload *w)
{
	free(w->name);
	free(w->cwd);
	strs_release(&w->command);
	strs_release(&w->bound);
	strs_release(&w->shorter);
	for (size_t i = 0; i < w->metric_count; i++)
		metric_release(&w->metrics[i]);
	free(w->metrics);
	*w = (struct workload){0};
}
