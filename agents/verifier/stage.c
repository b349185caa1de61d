/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/state.h"
#include "base/mem.h"
#include "policy/object.h"

#define TEXT_MAX     2048
#define FINDINGS_MAX 500

const char *const verifier_stage_names[STAGE_COUNT] = {
	"lint", "build", "prove", "sim", "kernel", "run"};

const char *const verifier_status_names[] = {"unknown", "passed", "failed",
					     "skipped"};

bool stage_wanted(const struct verifier *v, enum stage_id id)
{
	return !v->o->stages || v->o->stages & 1u << id;
}

static void add(struct stage *s, const char *rule, const char *file, long line,
		const char *text)
{
	struct json *f = json_object();

	json_set_string(f, "rule", rule);
	if (file) {
		/* What we compile is called by its name alone. */
		if (!strncmp(file, "./", 2))
			file += 2;
		json_set_string(f, "file", file);
		json_set_number(f, "line", (double)line);
	}
	json_set_string(f, "text", text);
	json_add(s->findings, f);
}

void stage_find(struct stage *s, const char *rule, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(s, rule, NULL, 0, text);
}

void stage_find_at(struct stage *s, const char *rule, const char *file,
		   long line, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(s, rule, file, line, text);
}

void stage_take_findings(struct stage *s, const struct json *list)
{
	size_t n = 0;

	json_each (f, list) {
		double line = json_as_number(json_get(f, "line"), 0);

		if (n++ == FINDINGS_MAX)
			break;
		stage_find_at(s, json_text_at(f, "rule"),
			      json_as_string(json_get(f, "file"), NULL),
			      line >= 0 && line <= 1e9 ? (long)line : 0, "%s",
			      json_text_at(f, "text"));
	}
}

void stage_fail(struct candidate *c, enum stage_id id, const char *rule,
		const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->stages[id].status = STATUS_FAILED;
	add(&c->stages[id], rule, NULL, 0, text);
}

const char *candidate_path(struct candidate *c)
{
	if (!c->path)
		c->path = policy_object_path(c->policy->body);
	return c->path;
}

/* Lines around the one that says why the verifier gave up. */
static bool is_chatter(const char *line)
{
	static const char *const starts[] = {
		"processed ",	     "-- ",	    "libbpf: ",	   "max_states",
		"verification time", "stack depth", "peak_states",
	};

	if (!*line)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (!strncmp(line, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* "; x = y->z; @ policy.bpf.c:123": file and line of the source. */
static bool source_line(char *line, char **file, long *number)
{
	char *at = NULL, *colon;

	if (*line != ';')
		return false;
	for (char *p = line; (p = strstr(p, " @ ")); p++)
		at = p;
	colon = at ? strrchr(at, ':') : NULL;
	if (!colon)
		return false;
	*number = strtol(colon + 1, NULL, 10);
	*colon = '\0';
	*file = at + strlen(" @ ");
	return *number > 0;
}

static void find_in_log(struct stage *s, const char *rule, const char *log)
{
	char *copy = mem_strdup(log), *save = NULL, *file = NULL, *at;
	const char *reason = NULL;
	long line = 0, n;

	for (char *w = strtok_r(copy, "\n", &save); w;
	     w = strtok_r(NULL, "\n", &save)) {
		if (source_line(w, &at, &n)) {
			file = at;
			line = n;
		} else if (!is_chatter(w)) {
			reason = w;
		}
	}
	if (reason)
		add(s, rule, file, line, reason);
	free(copy);
}

void stage_refused(struct candidate *c, enum stage_id id,
		   const struct run_result *r)
{
	struct stage *s = &c->stages[id];
	const char *log =
		json_as_string(json_get(r->report, "verifier_log"), NULL);

	stage_fail(c, id, run_outcome_name(r->outcome), "%s",
		   r->message ? r->message : run_outcome_name(r->outcome));
	if (log)
		find_in_log(s, "verifier", log);
}

const char *last_words(const char *text, size_t *len)
{
	const char *end = text + strlen(text), *at;

	while (end > text && end[-1] == '\n')
		end--;
	for (at = end; at > text && at[-1] != '\n';)
		at--;
	*len = (size_t)(end - at);
	return at;
}

bool candidate_alive(const struct candidate *c)
{
	for (size_t i = 0; i < STAGE_COUNT; i++)
		if (c->stages[i].status == STATUS_FAILED)
			return false;
	return !c->unbuilt && !c->known && !c->lost;
}

const struct group *candidate_group(const struct verifier *v,
				    const struct candidate *c)
{
	for (size_t i = 0; i < v->group_count; i++)
		for (size_t j = 0; j < v->groups[i].n; j++)
			if (v->groups[i].c[j] == c)
				return &v->groups[i];
	return NULL;
}
