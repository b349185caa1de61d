/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/access.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/request.h"

#define RESOURCE_MAX 1024 /* bytes */
#define OWN	     "{agent}"

/* Parts that are not named are NULL. */
struct permission {
	char *part[3]; /* kind, verb, resource */
};

struct rule {
	char *agent;
	bool any_uid_of_ours; /* the daemon's own and root */
	uid_t uid;
	struct permission *may, *denied;
	size_t may_count, denied_count;
};

struct rt_access {
	struct rule *rules;
	size_t count;
};

static const char defaults[] =
	"[{\"agent\":\"*\",\"may\":["
	"\"storage:*:{agent}/*\",\"storage:*:shared/*\","
	"\"memory:*:{agent}/*\",\"memory:*:shared/*\"]},"
	"{\"agent\":\"*\",\"may\":[\"*\"],\"not\":[\"storage\",\"memory\"]}]";

/* ---- reading rules ----------------------------------------------------- */

/* At most three parts: a resource may hold colons. */
static void split(const char *text, struct permission *out)
{
	size_t i = 0;

	for (; i < 2; i++) {
		const char *colon = strchr(text, ':');

		if (!colon)
			break;
		out->part[i] = mem_strndup(text, (size_t)(colon - text));
		text = colon + 1;
	}
	out->part[i] = mem_strdup(text);
}

static int read_list(const struct json *v, const char *key,
		     struct permission **out, size_t *n)
{
	if (!v)
		return 0;
	if (json_type(v) != JSON_ARRAY)
		return err_set(EINVAL, "%s: not a list", key);
	*out = mem_zalloc(json_len(v), sizeof(**out));
	json_each (it, v) {
		const char *text = json_as_string(it, "");

		if (!*text || *text == ':')
			return err_set(EINVAL,
				       "%s.%zu: not KIND[:VERB[:RESOURCE]]",
				       key, *n);
		split(text, &(*out)[(*n)++]);
	}
	return 0;
}

static int read_uid(const struct json *v, struct rule *r)
{
	double uid = json_as_number(v, -1);

	r->any_uid_of_ours = !v;
	if (!v)
		return 0;
	if (uid < 0 || uid != floor(uid) || uid >= (double)(uid_t)-1)
		return err_set(EINVAL, "uid: not a number of a user");
	r->uid = (uid_t)uid;
	return 0;
}

static int read_rule(const struct json *v, struct rule *r)
{
	static const char *const known[] = {"agent", "uid", "may", "not"};
	const char *agent = json_as_string(json_get(v, "agent"), NULL);
	int rc;

	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "not an object");
	/* A slip of the pen in "not" must not open what it was to close. */
	json_each (it, v) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && strcmp(known[i], json_key(it)))
			i++;
		if (i == ARRAY_LEN(known))
			return err_set(EINVAL,
				       "'%s' is none of agent, uid, may, not",
				       json_key(it));
	}
	if (!agent)
		return err_set(EINVAL, "agent: no pattern of names");
	r->agent = mem_strdup(agent);
	rc = read_uid(json_get(v, "uid"), r);
	if (!rc)
		rc = read_list(json_get(v, "may"), "may", &r->may,
			       &r->may_count);
	if (!rc)
		rc = read_list(json_get(v, "not"), "not", &r->denied,
			       &r->denied_count);
	return rc;
}

static int read_rules(const struct json *rules, struct rt_access *a)
{
	if (json_type(rules) != JSON_ARRAY)
		return err_set(EINVAL, "access: not a list of rules");
	a->rules = mem_zalloc(json_len(rules), sizeof(*a->rules));
	json_each (it, rules) {
		int rc = read_rule(it, &a->rules[a->count++]);

		if (rc)
			return err_prefix(rc, "access: rule %zu", a->count);
	}
	return 0;
}

int rt_access_new(const struct json *rules, struct rt_access **out)
{
	struct rt_access *a = mem_zalloc(1, sizeof(*a));
	struct json *ours = NULL;
	int rc;

	if (!rules)
		rules = ours = json_parse(defaults, strlen(defaults));
	rc = read_rules(rules, a);
	json_free(ours);
	if (rc)
		rt_access_free(a);
	else
		*out = a;
	return rc;
}

static void free_list(struct permission *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(p[i].part); k++)
			free(p[i].part[k]);
	free(p);
}

void rt_access_free(struct rt_access *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++) {
		free(a->rules[i].agent);
		free_list(a->rules[i].may, a->rules[i].may_count);
		free_list(a->rules[i].denied, a->rules[i].denied_count);
	}
	free(a->rules);
	free(a);
}

/* ---- asking ------------------------------------------------------------ */

/* A name in a pattern stands for itself alone. */
static void add_quoted(struct buf *b, const char *name)
{
	for (; *name; name++) {
		if (strchr("*?[]\\", *name))
			buf_puts(b, "\\");
		buf_add(b, name, 1);
	}
}

/* What neither matches nor fails to is `doubt`. */
static bool match(const char *pattern, const char *text, bool doubt)
{
	int rc = fnmatch(pattern, text, 0);

	return rc == 0 || (rc != FNM_NOMATCH && doubt);
}

static bool match_resource(const char *pattern, const char *text,
			   const char *agent, bool doubt)
{
	const char *own = strstr(pattern, OWN);
	struct buf b;
	bool hit;

	if (!own)
		return match(pattern, text, doubt);
	/* Who has no name owns nothing. */
	if (!*agent)
		return doubt;
	buf_init(&b, SIZE_MAX);
	for (; own; own = strstr(pattern, OWN)) {
		buf_add(&b, pattern, (size_t)(own - pattern));
		add_quoted(&b, agent);
		pattern = own + strlen(OWN);
	}
	buf_puts(&b, pattern);
	hit = match(b.data, text, doubt);
	buf_release(&b);
	return hit;
}

/* Whether p covers all of what is asked; or, if in_part, any of it. */
static bool covers(const struct permission *p, const char *const asked[3],
		   const char *agent, bool in_part)
{
	for (size_t i = 0; i < 3; i++) {
		if (!p->part[i])
			return true;
		if (!asked[i]) {
			if (in_part || !strcmp(p->part[i], "*"))
				continue;
			return false;
		}
		if (i == 2 ? !match_resource(p->part[i], asked[i], agent,
					     in_part)
			   : !match(p->part[i], asked[i], in_part))
			return false;
	}
	return true;
}

static bool is_about(const struct rule *r, const struct rt_peer *who)
{
	if (!match(r->agent, who->agent, false))
		return false;
	if (r->any_uid_of_ours)
		return who->uid == geteuid() || who->uid == 0;
	return who->uid == r->uid;
}

/* 1: yes, -1: no, 0: the rule says nothing. */
static int answer_of(const struct rule *r, const struct rt_peer *who,
		     const char *const asked[3])
{
	if (!is_about(r, who))
		return 0;
	for (size_t i = 0; i < r->denied_count; i++)
		if (covers(&r->denied[i], asked, who->agent, true))
			return -1;
	for (size_t i = 0; i < r->may_count; i++)
		if (covers(&r->may[i], asked, who->agent, false))
			return 1;
	return 0;
}

/* A name that a path would make into another one's. */
static bool is_hostile(const char *resource)
{
	resource += *resource == '/';
	while (*resource) {
		size_t len = strcspn(resource, "/");

		if (!len || (len == 2 && !memcmp(resource, "..", 2)) ||
		    (len == 1 && *resource == '.'))
			return true;
		resource += len;
		resource += *resource == '/';
	}
	return false;
}

/* The rule that would say yes, as JSON: whatever the names hold, it is one
 * line and means what it says. */
static int refuse(const struct rt_peer *who, const char *const asked[3],
		  size_t rule)
{
	struct json *v = json_object(), *may = json_array();
	struct buf agent, need;
	char *text;
	int rc;

	buf_init(&agent, SIZE_MAX);
	buf_init(&need, SIZE_MAX);
	add_quoted(&agent, who->agent);
	for (size_t i = 0; i < 3 && asked[i]; i++) {
		buf_puts(&need, i ? ":" : "");
		add_quoted(&need, asked[i]);
	}
	json_set_string(v, "agent", agent.data ? agent.data : "");
	json_set_number(v, "uid", who->uid);
	json_add(may, json_string(need.data));
	json_set(v, "may", may);
	text = json_canonical(v);
	rc = rule ? err_set(EACCES,
			    "rule %zu of \"access\" in runtime.json forbids "
			    "it to process %ld; before it, this one would "
			    "allow it: %s",
			    rule, (long)who->pid, text)
		  : err_set(EACCES,
			    "no rule of \"access\" in runtime.json allows it "
			    "to process %ld; this one would: %s",
			    (long)who->pid, text);
	free(text);
	json_free(v);
	buf_release(&agent);
	buf_release(&need);
	return rc;
}

int rt_access_check(const struct rt_access *a, const struct rt_peer *who,
		    const char *kind, const char *verb, const char *resource)
{
	const char *const asked[3] = {kind, verb, verb ? resource : NULL};

	if (strlen(who->agent) > RT_NAME_MAX)
		return err_set(EACCES,
			       "an agent's name has at most %d bytes, that of "
			       "process %ld has %zu",
			       RT_NAME_MAX, (long)who->pid, strlen(who->agent));
	if ((verb && strlen(verb) > RT_NAME_MAX) ||
	    (asked[2] && strlen(asked[2]) > RESOURCE_MAX))
		return err_set(EACCES,
			       "a resource's name has at most %d bytes, a "
			       "verb %d",
			       RESOURCE_MAX, RT_NAME_MAX);
	if (asked[2] && is_hostile(asked[2]))
		return err_set(EACCES, "a resource's name has no part that is "
				       "empty, '.' or '..'");
	for (size_t i = 0; i < a->count; i++) {
		int answer = answer_of(&a->rules[i], who, asked);

		if (answer)
			return answer > 0 ? 0 : refuse(who, asked, i + 1);
	}
	return refuse(who, asked, 0);
}
