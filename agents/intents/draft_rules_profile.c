/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A draft from what was seen of tasks; no model has a part in it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/intents/draft_rules.h"
#include "base/mem.h"
#include "policy/policy.h"

#define MIN_WAKEUPS 50	 /* less says nothing of how it behaves */
#define MIN_RUN	    0.01 /* of a CPU */
#define GROUPS_MAX  256
#define SUFFIX_ROOM 4
#define COMMENT_LEN 300

/* All groups of one name: a rule by name is for all of them. */
struct seen {
	const char *name;
	double tasks, run_us, bursts, wakeups;
};

static double num(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

static struct seen *find(struct seen *all, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	if (*count == GROUPS_MAX)
		return NULL;
	all[*count] = (struct seen){.name = name};
	return &all[(*count)++];
}

static size_t gather(const struct json *profile, struct seen *all)
{
	size_t count = 0;

	json_each (g, json_get(profile, "groups")) {
		const char *name = json_text_at(g, "name");
		struct seen *s;

		/* Round brackets: what was seen of nobody in particular. */
		if (json_as_bool(json_get(g, "kernel"), false) || !*name ||
		    *name == '(')
			continue;
		s = find(all, &count, name);
		if (!s)
			continue;
		s->tasks += num(g, "tasks");
		s->run_us += num(g, "run_us");
		s->bursts += num(g, "burst_us.count");
		s->wakeups += num(g, "wakeups");
	}
	return count;
}

/* A task that never slept had one burst, and so had each of several. */
static double burst_of(const struct seen *s)
{
	double n = s->bursts > s->tasks ? s->bursts : s->tasks;

	return s->run_us / (n > 1 ? n : 1);
}

static const char *class_of(const struct seen *s, double duration_us)
{
	double burst = burst_of(s);

	if (burst < policy_param("interactive_us")->dflt &&
	    s->wakeups >= MIN_WAKEUPS)
		return "interactive";
	if (burst > policy_param("batch_us")->dflt &&
	    s->run_us >= MIN_RUN * duration_us)
		return "batch";
	return NULL;
}

static bool has_rule(const struct json *rules, const char *name)
{
	json_each (r, rules)
		if (!strcmp(json_text_at(r, "name"), name))
			return true;
	return false;
}

/* Letters, digits and what else a rule's name has; others like it have a
 * number. */
static char *rule_name(const struct json *rules, const char *name)
{
	size_t room = INTENT_NAME_MAX - SUFFIX_ROOM, n = 2;
	char *stem = mem_strndup(name, strnlen(name, room)), *out;

	for (char *c = stem; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			*c = '-';
	out = mem_strdup(stem);
	while (has_rule(rules, out)) {
		free(out);
		out = mem_printf("%s-%zu", stem, n++);
	}
	free(stem);
	return out;
}

/* The name as a pattern that holds for it: any byte stands for one that means
 * something, or that a file cannot have. */
static char *pattern_of(const char *name)
{
	size_t n = strlen(name);
	char *out = mem_strndup(name, n);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c <= ' ' || c >= 0x7f || strchr("*?[]\\", c))
			out[i] = (i == 0 || i + 1 == n || c != ' ') ? '?' : ' ';
	}
	return out;
}

static void set(struct json *settings, const char *key, const char *value)
{
	struct json *s = json_add(settings, json_object());

	json_set_string(s, "key", key);
	json_set_string(s, "value", value);
}

static void add_rule(struct json *rules, const struct seen *s,
		     const char *class)
{
	struct json *r = json_object(), *settings;
	bool brief = !strcmp(class, "interactive");
	char why[COMMENT_LEN], *name = rule_name(rules, s->name);
	char *pattern = pattern_of(s->name);

	snprintf(why, sizeof(why),
		 "%.0f task%s ran %.1f ms in turns of %.2f ms on average until "
		 "they slept, and were woken %.0f times; %s %.0f ms is %s.",
		 s->tasks, s->tasks > 1 ? "s" : "", s->run_us / 1e3,
		 burst_of(s) / 1e3, s->wakeups, brief ? "below" : "above",
		 policy_param(brief ? "interactive_us" : "batch_us")->dflt /
			 1e3,
		 class);
	json_set_string(r, "name", name);
	json_set_string(r, "why", why);
	settings = json_set(r, "settings", json_array());
	set(settings, "command", pattern);
	set(settings, "class", class);
	json_add(rules, r);
	free(pattern);
	free(name);
}

struct json *draft_rules_of_profile(const struct doc *profile)
{
	struct json *draft = json_object(), *rules;
	struct seen *all = mem_zalloc(GROUPS_MAX, sizeof(*all));
	size_t count = gather(profile->body, all);
	double duration = num(profile->body, "duration_us");
	char *summary = mem_printf("Seen for %.1f s, with %zu names of tasks.",
				   duration / 1e6, count);

	json_set_string(draft, "summary", summary);
	free(summary);
	rules = json_set(draft, "rules", json_array());
	/* They come with the most run time first. */
	for (size_t i = 0; i < count && json_len(rules) < DRAFT_RULES_MAX;
	     i++) {
		const char *class = class_of(&all[i], duration);

		if (class)
			add_rule(rules, &all[i], class);
	}
	free(all);
	return draft;
}
