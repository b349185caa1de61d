/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A draft as a file of rules, and which tasks its rules would be for. */
#include "agents/intents/draft_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/intents/intents.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "term/text.h"

#define FILE_NAME   "proposal"
#define RULES_BYTES (16u << 10) /* of them without what is said of them */
#define WORDS_MAX   1000	/* of a comment */
#define LINE_BYTES  76
#define TASKS_SHOWN 6
#define TAKEN_SHOWN 4

/* ---- comments --------------------------------------------------------- */

/* How much of s goes into a line: whole words, or whole characters. */
static size_t line_of(const char *s)
{
	size_t n = LINE_BYTES;

	if (strlen(s) <= LINE_BYTES)
		return strlen(s);
	while (n && s[n] != ' ')
		n--;
	if (n)
		return n;
	n = LINE_BYTES;
	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* No word of it can be more than a comment. */
static void comment(struct buf *out, const char *words)
{
	struct buf clean;
	const char *at;

	buf_init(&clean, WORDS_MAX);
	text_clean(&clean, words, 0);
	for (at = clean.len ? clean.data : ""; *at; at += strspn(at, " ")) {
		size_t n = line_of(at);

		buf_printf(out, "# %.*s\n", (int)n, at);
		at += n;
	}
	buf_release(&clean);
}

/* ---- a file ----------------------------------------------------------- */

/* What a person cannot see as it is they cannot agree to. */
static int check_shown(const char *rule, const char *value)
{
	struct buf clean;
	bool same;

	buf_init(&clean, RULES_BYTES);
	text_clean(&clean, value, 0);
	same = !strcmp(clean.len ? clean.data : "", value);
	buf_release(&clean);
	return same ? 0
		    : err_set(EINVAL,
			      "rule '%.32s': there are characters in it that "
			      "cannot be shown",
			      rule);
}

static int add_rule(struct buf *out, const struct json *rule)
{
	const char *name = json_text_at(rule, "name");
	int rc = check_shown(name, name);

	buf_printf(out, "[%s]\n", name);
	json_each (s, json_get(rule, "settings")) {
		const char *key = json_text_at(s, "key");
		const char *value = json_text_at(s, "value");

		if (!rc)
			rc = check_shown(name, key);
		if (!rc)
			rc = check_shown(name, value);
		buf_printf(out, "%s = %s\n", key, value);
	}
	return rc;
}

static int parse(const struct buf *text, struct intents *to)
{
	if (text->truncated)
		return err_set(EINVAL, "the rules have more than %zu bytes",
			       text->max);
	return intents_parse(to, FILE_NAME, text->data, text->len,
			     clock_wall());
}

int draft_rules_check(const struct json *draft)
{
	struct intents parsed = {0};
	struct buf text;
	size_t count = json_len(json_get(draft, "rules"));
	int rc = 0;

	if (!count)
		return err_set(ENODATA, "no rules are proposed");
	if (count > DRAFT_RULES_MAX)
		return err_set(EINVAL, "%zu rules are proposed: %d at most",
			       count, DRAFT_RULES_MAX);
	buf_init(&text, RULES_BYTES);
	json_each (rule, json_get(draft, "rules"))
		rc = rc ? rc : add_rule(&text, rule);
	if (!rc)
		rc = parse(&text, &parsed);
	intents_release(&parsed);
	buf_release(&text);
	return rc;
}

/* ---- whom it would be for --------------------------------------------- */

/* Which of the rules proposed, and which in force, is for each task. */
struct matched {
	size_t tasks;
	struct json *first, *taken;
};

static void take_name(struct json *list, const char *name)
{
	json_each (v, list)
		if (!strcmp(json_as_string(v, ""), name))
			return;
	if (json_len(list) < TAKEN_SHOWN)
		json_add(list, json_string(name));
}

static void match(const struct draft_about *a, const struct intents *rules,
		  struct matched *out)
{
	time_t now = clock_wall();

	for (size_t k = 0; k < rules->count; k++)
		out[k] = (struct matched){0, json_array(), json_array()};
	for (size_t i = 0; i < a->crowd->count; i++) {
		const struct intent_who *w = &a->crowd->v[i];
		int at = intents_find(rules, w, now);
		int has = intents_find(a->now, w, now);
		struct json *v;

		if (at < 0)
			continue;
		if (out[at].tasks++ < TASKS_SHOWN) {
			v = json_add(out[at].first, json_object());
			json_set_number(v, "tid", w->tid);
			json_set_string(v, "command", w->command);
		}
		if (has >= 0)
			take_name(out[at].taken, a->now->v[has].name);
	}
}

static void say_tasks(struct buf *out, const struct matched *m)
{
	struct buf words;
	size_t n = 0;

	buf_init(&words, WORDS_MAX);
	if (!m->tasks)
		buf_puts(&words, "No task that runs now.");
	else
		buf_printf(&words, "Now for %zu task%s: ", m->tasks,
			   m->tasks == 1 ? "" : "s");
	json_each (t, m->first)
		buf_printf(&words, "%s%s (%.0f)", n++ ? ", " : "",
			   json_text_at(t, "command"),
			   json_as_number(json_get(t, "tid"), 0));
	if (m->tasks > n)
		buf_puts(&words, ", …");
	comment(out, words.data);
	json_each (name, m->taken) {
		buf_reset(&words);
		buf_printf(&words,
			   "Some of them have rule [%s] now; the file whose "
			   "name comes first wins.",
			   json_as_string(name, ""));
		comment(out, words.data);
	}
	buf_release(&words);
}

/* ---- all of it -------------------------------------------------------- */

static void say_about(struct buf *out, const struct json *draft,
		      const struct draft_about *a)
{
	char *by = mem_printf("Proposed by %s and not in force: read it, then "
			      "sched-intent commit FILE.conf",
			      a->by);

	if (a->wish) {
		char *wish = mem_printf("Wished: %s", a->wish);

		comment(out, wish);
		free(wish);
	}
	comment(out, by);
	free(by);
	if (*json_text_at(draft, "summary"))
		comment(out, json_text_at(draft, "summary"));
	if (a->crowd->more)
		comment(out, "There are more tasks than were looked at.");
}

/* The same rules with what is said of them; m NULL: nothing yet. */
static void write_file(struct buf *out, const struct json *draft,
		       const struct draft_about *a, const struct matched *m)
{
	size_t k = 0;

	buf_init(out, INTENT_FILE_MAX);
	say_about(out, draft, a);
	json_each (rule, json_get(draft, "rules")) {
		buf_puts(out, "\n");
		comment(out, json_text_at(rule, "why"));
		if (m)
			say_tasks(out, &m[k++]);
		add_rule(out, rule);
	}
}

static struct json *rules_json(const struct json *draft,
			       const struct intents *rules, struct matched *m)
{
	struct json *list = json_array();
	size_t k = 0;

	json_each (rule, json_get(draft, "rules")) {
		struct json *v = json_add(list, intents_rule(&rules->v[k], 0));

		json_set_string(v, "why", json_text_at(rule, "why"));
		json_set_number(v, "tasks", (double)m[k].tasks);
		json_set(v, "first", m[k].first);
		json_set(v, "taken", m[k].taken);
		k++;
	}
	return list;
}

static struct json *body_of(const struct json *draft,
			    const struct draft_about *a, const char *text,
			    const struct intents *rules, struct matched *m)
{
	struct json *body = json_object(), *v;
	char *words =
		mem_printf("%zu rule%s proposed by %s, not in force",
			   rules->count, rules->count == 1 ? "" : "s", a->by);

	json_set_string(body, "text", words);
	free(words);
	v = json_set(body, "intent", json_object());
	json_set_string(v, "proposal", text);
	json_set_string(v, "by", a->by);
	json_set_string(v, "summary", json_text_at(draft, "summary"));
	json_set(v, "rules", rules_json(draft, rules, m));
	json_set(v, "problems", json_array());
	return body;
}

int draft_rules_body(const struct json *draft, const struct draft_about *a,
		     struct json **body)
{
	struct matched m[DRAFT_RULES_MAX];
	struct intents rules = {0};
	struct buf text;
	int rc = draft_rules_check(draft);

	if (rc)
		return rc;
	/* Once to know what the rules are, and again with whom they are for. */
	write_file(&text, draft, a, NULL);
	rc = parse(&text, &rules);
	buf_release(&text);
	if (rc)
		return rc;
	match(a, &rules, m);
	intents_release(&rules);
	write_file(&text, draft, a, m);
	rc = parse(&text, &rules);
	if (!rc) {
		*body = body_of(draft, a, text.data, &rules, m);
	} else {
		for (size_t k = 0; k < json_len(json_get(draft, "rules"));
		     k++) {
			json_free(m[k].first);
			json_free(m[k].taken);
		}
	}
	intents_release(&rules);
	buf_release(&text);
	return rc;
}
