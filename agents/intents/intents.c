/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/intents/intents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/host/holder.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "scx/ext.h"

struct json *intents_rule(const struct intent_rule *r, time_t now)
{
	struct json *v = json_object(), *match;
	char when[CLOCK_TEXT_LEN], *sets = intent_effects_text(r);

	json_set_string(v, "name", r->name);
	json_set_string(v, "file", r->file);
	json_set_number(v, "line", r->line);
	match = json_set(v, "match", json_object());
	for (size_t i = 0; i < INTENT_CONDITIONS; i++)
		if (r->match[i])
			json_set_string(match, intent_conditions[i],
					r->match[i]);
	json_set_string(v, "sets", sets);
	free(sets);
	if (r->until) {
		clock_text(r->until, when);
		json_set_string(v, "until", when);
		json_set_bool(v, "over", intent_is_over(r, now));
	}
	return v;
}

static void set_problems(struct json *to, const struct intents *i)
{
	json_set(to, "problems", json_strings(&i->problems));
}

static struct json *new_body(char *text, struct json *intent)
{
	struct json *body = json_object();

	json_set_string(body, "text", text);
	json_set(body, "intent", intent);
	free(text);
	return body;
}

/* ---- what carries them out -------------------------------------------- */

static bool is_followed(const struct json *declared,
			const struct intent_rule *r)
{
	char *words = intent_words(r);
	bool is = false;

	json_each (v, json_get(declared, "rules"))
		is |= !strcmp(json_text_at(v, "name"), r->name) &&
		      !strcmp(json_text_at(v, "words"), words);
	free(words);
	return is && json_as_number(json_get(declared, "generation"), 0) > 0;
}

static char *followed_text(const struct json *declared, bool one, bool followed)
{
	const char *folder = json_text_at(declared, "folder");

	if (!declared)
		return mem_strdup("the policy that is attached follows no "
				  "rules: no sched-deploy of root's holds "
				  "it");
	if (json_get(declared, "why"))
		return mem_printf("the policy that is attached follows no "
				  "rules: %s",
				  json_text_at(declared, "why"));
	return mem_printf("the policy that is attached %s%s; it has had the "
			  "rules of %s as they are since %s",
			  followed ? "follows " : "does not follow ",
			  one	     ? "it"
			  : followed ? "them"
				     : "all of them",
			  folder, json_text_at(declared, "since"));
}

static bool are_followed(const struct json *declared, const struct intents *i)
{
	bool all = true;

	for (size_t k = 0; k < i->count; k++)
		all &= intent_is_over(&i->v[k], clock_wall()) ||
		       is_followed(declared, &i->v[k]);
	return all;
}

/* What is there to carry these rules out, or one of them. */
static struct json *policy_json(const struct intents *i,
				const struct intent_rule *one)
{
	struct json *v = json_object(), *kernel = ext_kernel_state();
	struct json *declared = holder_declared();
	bool attached = !strcmp(json_text_at(kernel, "state"), "enabled");
	bool followed = attached && (i	   ? are_followed(declared, i)
				     : one ? is_followed(declared, one)
					   : false);
	char *text = attached ? followed_text(declared, !i, followed)
			      : mem_strdup("no policy is attached: rules "
					   "change nothing until sched-deploy "
					   "attaches one");

	json_set_bool(v, "attached", attached);
	if (attached)
		json_set_string(v, "name", json_text_at(kernel, "ops"));
	json_set_bool(v, "followed", followed);
	if (attached && declared)
		json_set_number(
			v, "generation",
			json_as_number(json_get(declared, "generation"), 0));
	json_set_string(v, "text", text);
	free(text);
	json_free(declared);
	json_free(kernel);
	return v;
}

/* ---- all of them ------------------------------------------------------ */

/* Files that somebody asks about need not be in force, so anybody's will do. */
static void read_files(struct intents *to, const struct strs *files)
{
	for (size_t i = 0; i < files->len; i++) {
		struct buf b;
		int rc;

		buf_init(&b, INTENT_FILE_MAX);
		rc = buf_read_file(&b, files->v[i]);
		if (!rc)
			rc = intents_parse(to, files->v[i],
					   b.data ? b.data : "", b.len,
					   clock_wall());
		if (rc)
			strs_add(&to->problems, err_text());
		buf_release(&b);
	}
}

int intents_list(const char *folder, const struct strs *files,
		 struct json **body)
{
	struct json *v, *rules;
	struct intents i = {0};
	int rc = 0;

	if (files->len)
		read_files(&i, files);
	else
		rc = intents_read(&i, folder);
	if (rc) {
		intents_release(&i);
		return rc;
	}
	v = json_object();
	rules = json_set(v, "rules", json_array());
	for (size_t k = 0; k < i.count; k++)
		json_add(rules, intents_rule(&i.v[k], clock_wall()));
	if (!files->len)
		json_set(v, "policy", policy_json(&i, NULL));
	set_problems(v, &i);
	*body = new_body(mem_printf("%zu rule%s, %zu problem%s", i.count,
				    i.count == 1 ? "" : "s", i.problems.len,
				    i.problems.len == 1 ? "" : "s"),
			 v);
	intents_release(&i);
	return 0;
}

/* ---- one task --------------------------------------------------------- */

static const char *value_of(const struct intent_who *w, enum intent_condition c,
			    const struct intent_rule *r)
{
	switch (c) {
	case INTENT_COMMAND:
		return intent_command_holds(r->match[c], w->command)
			       ? w->command
			       : w->process;
	case INTENT_EXECUTABLE:
		return w->executable;
	case INTENT_TAG:
		return w->tag;
	default:
		return w->cgroup;
	}
}

static void set_because(struct json *to, const struct intent_rule *r,
			const struct intent_who *w)
{
	struct json *list = json_set(to, "because", json_array());

	for (int i = 0; i < INTENT_CONDITIONS; i++) {
		enum intent_condition c = (enum intent_condition)i;
		struct json *v;

		if (!r->match[c])
			continue;
		v = json_add(list, json_object());
		json_set_string(v, "key", intent_conditions[c]);
		json_set_string(v, "pattern", r->match[c]);
		if (c == INTENT_USER)
			json_set_number(v, "value", w->uid);
		else
			json_set_string(v, "value", value_of(w, c, r));
	}
}

static struct json *task_json(const struct intent_who *w)
{
	struct json *v = json_object();

	json_set_number(v, "tid", w->tid);
	json_set_number(v, "pid", w->pid);
	json_set_string(v, "command", w->command);
	json_set_string(v, "process", w->process);
	json_set_number(v, "uid", w->uid);
	if (w->executable)
		json_set_string(v, "executable", w->executable);
	if (w->cgroup)
		json_set_string(v, "cgroup", w->cgroup);
	if (w->tag)
		json_set_string(v, "tag", w->tag);
	return v;
}

static struct json *explain(const struct intents *i, const struct intent_who *w)
{
	struct json *v = json_object(), *also, *rule;
	time_t now = clock_wall();
	int first = intents_find(i, w, now);

	json_set(v, "task", task_json(w));
	also = json_array();
	for (size_t k = 0; k < i->count; k++) {
		if (!intent_matches(&i->v[k], w))
			continue;
		rule = intents_rule(&i->v[k], now);
		set_because(rule, &i->v[k], w);
		if ((int)k == first)
			json_set(v, "rule", rule);
		else
			json_add(also, rule);
	}
	json_set(v, "also", also);
	json_set(v, "policy",
		 policy_json(NULL, first < 0 ? NULL : &i->v[first]));
	set_problems(v, i);
	return v;
}

static char *explain_text(const struct json *v, const struct intent_who *w)
{
	const struct json *rule = json_get(v, "rule");

	if (!rule)
		return mem_printf("no rule is for task %d (%s)", (int)w->tid,
				  w->command);
	return mem_printf("rule [%s] of %s:%.0f is for task %d (%s): %s",
			  json_text_at(rule, "name"),
			  json_text_at(rule, "file"),
			  json_as_number(json_get(rule, "line"), 0),
			  (int)w->tid, w->command, json_text_at(rule, "sets"));
}

int intents_explain(const char *folder, pid_t tid, struct json **body)
{
	struct intents i = {0};
	struct intent_who w;
	struct json *v;
	int rc = intent_who_read(tid, &w);

	if (!rc)
		rc = intents_read(&i, folder);
	if (!rc) {
		v = explain(&i, &w);
		*body = new_body(explain_text(v, &w), v);
	}
	intent_who_release(&w);
	intents_release(&i);
	return rc;
}
