/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a file of rules. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "intent/intent_parts.h"

#define KEY_MAX	  32
#define KEYS_MAX  16
#define WORDS_LEN 512

struct reader {
	struct intents *to;
	const char *file;
	time_t changed;
	char line[INTENT_LINE_MAX + 1];
	unsigned number;
	size_t first; /* rule of this file */
	bool in_rule;
	char keys[KEYS_MAX][KEY_MAX]; /* of this rule, so far */
	size_t key_count;
};

static struct intent_rule *rule_of(const struct reader *r)
{
	return &r->to->v[r->to->count - 1];
}

/* at: within the line, or NULL for all of it. */
static int __attribute__((format(printf, 3, 4)))
bad(const struct reader *r, const char *at, const char *fmt, ...)
{
	char words[WORDS_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(EINVAL, "%s:%u:%zu: %s", r->file, r->number,
		       at ? (size_t)(at - r->line) + 1 : 1, words);
}

void intent_rule_release(struct intent_rule *r)
{
	for (size_t i = 0; i < INTENT_CONDITIONS; i++)
		free(r->match[i]);
	free(r->file);
	memset(r, 0, sizeof(*r));
}

/* ---- a line ----------------------------------------------------------- */

static char *skip_blanks(char *s)
{
	return s + strspn(s, " \t");
}

static void cut_blanks(char *s)
{
	size_t n = strlen(s);

	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		s[--n] = '\0';
}

/* What a rule has to have, once all of it is read. */
static int end_rule(const struct reader *r)
{
	const struct intent_rule *rule;
	size_t asks = 0;

	if (!r->in_rule)
		return 0;
	rule = rule_of(r);
	for (size_t i = 0; i < INTENT_CONDITIONS; i++)
		asks += rule->match[i] != NULL;
	if (!asks || !rule->set)
		return err_set(
			EINVAL, "%s:%u:1: [%s] %s", r->file, rule->line,
			rule->name,
			asks ? "sets nothing: give it a class, weight, "
			       "slice_min, slice_max, deadline or cores"
			     : "is for no task: give it a command, executable, "
			       "cgroup, unit, tag or user");
	if (rule->slice_max_us && rule->slice_min_us > rule->slice_max_us)
		return err_set(EINVAL,
			       "%s:%u:1: [%s] has a slice_min above its "
			       "slice_max",
			       r->file, rule->line, rule->name);
	return 0;
}

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			return false;
	return n && n <= INTENT_NAME_MAX;
}

static int begin_rule(struct reader *r, char *at)
{
	char *end = strchr(at, ']'), *name = skip_blanks(at + 1);
	struct intent_rule *rule;
	int rc = end_rule(r);

	if (rc)
		return rc;
	if (!end || *skip_blanks(end + 1))
		return bad(r, at,
			   "a rule begins with [NAME] and nothing else "
			   "in its line");
	*end = '\0';
	cut_blanks(name);
	if (!is_name(name))
		return bad(r, name,
			   "the name of a rule has 1 to %d letters, digits, "
			   "'_', '.' and '-'",
			   INTENT_NAME_MAX);
	for (size_t i = r->first; i < r->to->count; i++)
		if (!strcmp(r->to->v[i].name, name))
			return bad(r, name,
				   "[%s] stands in line %u already: give one "
				   "of them another name",
				   name, r->to->v[i].line);
	if (r->to->count - r->first == INTENT_MAX_RULES)
		return bad(r, name, "there may be %d rules, not more",
			   INTENT_MAX_RULES);
	r->to->v = mem_realloc(r->to->v, r->to->count + 1, sizeof(*r->to->v));
	rule = &r->to->v[r->to->count++];
	memset(rule, 0, sizeof(*rule));
	snprintf(rule->name, sizeof(rule->name), "%s", name);
	rule->file = mem_strdup(r->file);
	rule->line = r->number;
	r->in_rule = true;
	r->key_count = 0;
	return 0;
}

static int take_key(struct reader *r, const char *key)
{
	for (size_t i = 0; i < r->key_count; i++)
		if (!strcmp(r->keys[i], key))
			return bad(r, key,
				   "'%s' is set twice: a rule has each key "
				   "once",
				   key);
	if (strlen(key) < KEY_MAX && r->key_count < KEYS_MAX)
		strcpy(r->keys[r->key_count++], key);
	return 0;
}

static int setting(struct reader *r, char *key)
{
	char *is = strchr(key, '='), *value, *why;
	int rc;

	if (!is)
		return bad(r, key, "neither [NAME], KEY = VALUE nor a comment");
	*is = '\0';
	value = skip_blanks(is + 1);
	cut_blanks(key);
	if (!r->in_rule)
		return bad(r, key, "a setting before the first [NAME]");
	rc = take_key(r, key);
	if (rc)
		return rc;
	if (!*value)
		return bad(r, value, "'%s' has no value", key);
	rc = intent_take(rule_of(r), key, value, r->changed);
	if (!rc)
		return 0;
	why = mem_strdup(err_text());
	rc = bad(r, rc == -ENOENT ? key : value, "%s", why);
	free(why);
	return rc;
}

static int line(struct reader *r)
{
	char *at = skip_blanks(r->line);

	cut_blanks(at);
	for (const char *c = at; *c; c++)
		if ((unsigned char)*c < ' ' && *c != '\t')
			return bad(r, c, "a control character (%d)", *c);
	if (!*at || *at == '#' || *at == ';')
		return 0;
	return *at == '[' ? begin_rule(r, at) : setting(r, at);
}

static int lines(struct reader *r, const char *text, size_t len)
{
	const char *end = text + len;
	int rc = 0;

	while (!rc && text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		r->number++;
		if (n > INTENT_LINE_MAX)
			return bad(r, NULL, "the line has more than %d bytes",
				   INTENT_LINE_MAX);
		memcpy(r->line, text, n);
		r->line[n] = '\0';
		rc = strlen(r->line) == n ? line(r)
					  : bad(r, r->line + strlen(r->line),
						"a control character (0)");
		text += n + 1;
	}
	return rc ? rc : end_rule(r);
}

/* ---- a file ----------------------------------------------------------- */

static void drop(struct intents *i, size_t at)
{
	intent_rule_release(&i->v[at]);
	memmove(&i->v[at], &i->v[at + 1],
		(i->count - at - 1) * sizeof(i->v[0]));
	i->count--;
}

/* Those of earlier files that are written anew in this one, which begins at
 * the rule first. */
static void drop_overridden(struct intents *i, size_t first)
{
	for (size_t at = 0; at < first;) {
		size_t k = first;

		while (k < i->count && strcmp(i->v[k].name, i->v[at].name))
			k++;
		if (k == i->count) {
			at++;
		} else {
			drop(i, at);
			first--;
		}
	}
}

/* How many rules there would be, without those that are replaced. */
static size_t count_with(const struct intents *i, size_t first)
{
	size_t n = i->count;

	for (size_t at = 0; at < first; at++) {
		for (size_t k = first; k < i->count; k++) {
			if (!strcmp(i->v[k].name, i->v[at].name)) {
				n--;
				break;
			}
		}
	}
	return n;
}

int intents_parse(struct intents *to, const char *file, const char *text,
		  size_t len, time_t changed)
{
	struct reader r = {
		.to = to, .file = file, .changed = changed, .first = to->count};
	int rc = lines(&r, text, len);

	if (!rc && count_with(to, r.first) > INTENT_MAX_RULES)
		rc = err_set(E2BIG,
			     "%s:1:1: there may be %d rules in all: with this "
			     "file there are more",
			     file, INTENT_MAX_RULES);
	if (!rc) {
		drop_overridden(to, r.first);
		return 0;
	}
	while (to->count > r.first)
		drop(to, to->count - 1);
	return rc;
}

void intents_release(struct intents *i)
{
	while (i->count)
		drop(i, i->count - 1);
	free(i->v);
	strs_release(&i->problems);
	memset(i, 0, sizeof(*i));
}
