/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prompts: the roles that sched-synth and sched-intent give to a model, for a
 * client whose own model is to play them.  What is said is what these programs
 * say, by the same functions: whatever others wrote is fenced there, and the
 * documents it was taken from go along as resources.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/intents/draft_rules.h"
#include "agents/proposer/state.h"
#include "agents/steward/order.h"
#include "agents/steward/world.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/utf8.h"

#define INVALID	       (-32602)
#define FAILED	       (-32603)
#define COUNT_MAX      12
#define TEXT_MAX       (64u << 10) /* bytes of an argument */
#define EMBEDDED_MAX   (256u << 10)
#define VERDICTS_TRIED 200
#define TURNS	       3

/* What was asked for, read from the arguments. */
struct request {
	struct steward *s;
	const struct json *args;
	struct doc *profile, *policy, *verdict;
	struct proposer_opts o;
	const char *text;
};

/* The message of the role's own; -errno. */
typedef int writer(struct request *q, struct buf *b);

static writer write_planner, write_coder, write_fixer, write_critic,
	write_summariser, write_declarer;

#define ARG_END                       \
	{                             \
		.kind = WORLD_ARG_END \
	}
#define FORMS "knobs|external|params|hooks|source"
#define PROFILE(must)                                                          \
	{                                                                      \
		WORLD_ARG_ID, "profile", "Id of the profile of the workload.", \
			"profile", must                                        \
	}
#define POLICY(text)                                         \
	{                                                    \
		WORLD_ARG_ID, "policy", text, "policy", true \
	}

static const struct world_arg planner[] = {
	PROFILE(true),
	{WORLD_ARG_WISH, "wish", "What is wanted of the workload, in words.",
	 NULL, false},
	{WORLD_ARG_COUNT, "count", "How many experiments; 3 by default.", NULL,
	 false},
	{WORLD_ARG_WORD, "form", "The only form of policy that is wanted.",
	 FORMS, false},
	ARG_END,
};

static const struct world_arg coder[] = {
	POLICY("Id of the experiment whose code is to be written."),
	PROFILE(false),
	ARG_END,
};

static const struct world_arg fixer[] = {
	POLICY("Id of the policy that was refused."),
	{WORLD_ARG_ID, "verdict",
	 "Id of the verdict that says why; the newest about it by default.",
	 "verdict", false},
	ARG_END,
};

static const struct world_arg critic[] = {
	POLICY("Id of the policy to be reviewed."),
	ARG_END,
};

static const struct world_arg summariser[] = {
	{WORLD_ARG_TEXT, "text", "What is to be shortened.", NULL, true},
	ARG_END,
};

static const struct world_arg declarer[] = {
	{WORLD_ARG_WISH, "wish", "What is wanted of which tasks, in words.",
	 NULL, true},
	ARG_END,
};

static const struct prompt {
	const char *role, *title, *text;
	const struct world_arg *args;
	writer *write;
} prompts[] = {
	{"planner", "Plan experiments",
	 "Chooses which scheduling policies are worth an experiment for a "
	 "workload, from its profile.",
	 planner, write_planner},
	{"coder", "Write a policy's code", "Writes the code of one experiment.",
	 coder, write_coder},
	{"fixer", "Mend a policy",
	 "Corrects a policy that a stage of verification refused.", fixer,
	 write_fixer},
	{"critic", "Review a policy",
	 "Reviews the code of a policy before it is verified.", critic,
	 write_critic},
	{"summariser", "Shorten a text",
	 "Shortens a long text, such as the output of a program.", summariser,
	 write_summariser},
	{"declarer", "Write rules for tasks",
	 "Writes down as rules what a person wants of some tasks.", declarer,
	 write_declarer},
};

static const struct prompt *find(const char *role)
{
	for (size_t i = 0; i < ARRAY_LEN(prompts); i++)
		if (!strcmp(prompts[i].role, role))
			return &prompts[i];
	return NULL;
}

static const struct world_arg *find_arg(const struct prompt *p,
					const char *name)
{
	for (const struct world_arg *a = p->args; a->kind; a++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}

const struct world_arg *world_prompt_arg(const char *prompt, const char *name)
{
	const struct prompt *p = find(prompt);

	return p ? find_arg(p, name) : NULL;
}

struct json *steward_prompts_list(struct steward *s, const struct mcp_who *who)
{
	struct json *list = json_array();

	(void)s;
	(void)who;
	for (size_t i = 0; i < ARRAY_LEN(prompts); i++) {
		struct json *v = json_add(list, json_object()), *args, *row;

		json_set_string(v, "name", prompts[i].role);
		json_set_string(v, "title", prompts[i].title);
		json_set_string(v, "description", prompts[i].text);
		args = json_set(v, "arguments", json_array());
		for (const struct world_arg *a = prompts[i].args; a->kind;
		     a++) {
			row = json_add(args, json_object());
			json_set_string(row, "name", a->name);
			json_set_string(row, "description", a->text);
			json_set_bool(row, "required", a->required);
		}
	}
	return list;
}

/* ---- arguments --------------------------------------------------------- */

static const char *arg(const struct request *q, const char *name)
{
	return json_as_string(json_get(q->args, name), NULL);
}

/* Its names are ours; what else was sent is not repeated. */
static int check_names(const struct prompt *p, const struct json *args)
{
	json_each (v, args) {
		const struct world_arg *a = find_arg(p, json_key(v));

		if (!a)
			return err_set(EINVAL,
				       "the prompt %s has no argument of that "
				       "name; see prompts/list",
				       p->role);
		if (json_type(v) != JSON_STRING)
			return err_set(EINVAL, "%s is not a string", a->name);
	}
	for (const struct world_arg *a = p->args; a->kind; a++)
		if (a->required && !json_get(args, a->name))
			return err_set(EINVAL, "%s is missing", a->name);
	return 0;
}

static int check_text(const struct world_arg *a, const char *value)
{
	size_t len = strlen(value);

	if (!len || len > TEXT_MAX || !utf8_valid(value, len))
		return err_set(EINVAL,
			       "%s is empty, no UTF-8 or longer than "
			       "%u bytes",
			       a->name, TEXT_MAX);
	return 0;
}

static int read_document(struct request *q, const struct world_arg *a,
			 const char *value)
{
	struct doc **to = !strcmp(a->words, "profile")	? &q->profile
			  : !strcmp(a->words, "policy") ? &q->policy
							: &q->verdict;

	if (!steward_is_id(value, 4))
		return err_set(EINVAL,
			       "%s is not 64 hexadecimal digits, or the first "
			       "of them",
			       a->name);
	return world_document(q->s, a->words, value, to);
}

static int read_arg(struct request *q, const struct world_arg *a,
		    const char *value)
{
	char *end;

	switch (a->kind) {
	case WORLD_ARG_ID:
		return read_document(q, a, value);
	case WORLD_ARG_WORD:
		q->o.form = value;
		return steward_is_word(a->words, value)
			       ? 0
			       : err_set(EINVAL, "%s is none of %s", a->name,
					 a->words);
	case WORLD_ARG_COUNT:
		q->o.count = strtol(value, &end, 10);
		return *value && !*end && q->o.count >= 1 &&
				       q->o.count <= COUNT_MAX
			       ? 0
			       : err_set(EINVAL, "%s is not 1 to %d", a->name,
					 COUNT_MAX);
	case WORLD_ARG_WISH:
		q->o.wish = value;
		return proposer_wish(value);
	default:
		q->text = value;
		return check_text(a, value);
	}
}

static int read_args(struct request *q, const struct prompt *p)
{
	int rc = check_names(p, q->args);

	for (const struct world_arg *a = p->args; a->kind && !rc; a++)
		if (arg(q, a->name))
			rc = read_arg(q, a, arg(q, a->name));
	return rc;
}

/* ---- what they leave open ---------------------------------------------- */

/* What the policy was made for. */
static int find_profile(struct request *q)
{
	int rc = -ENOENT;

	for (size_t i = 0; i < doc_parent_count(q->policy) && rc; i++)
		rc = world_document(q->s, "profile", doc_parent(q->policy, i),
				    &q->profile);
	return rc ? err_set(EINVAL, "the history does not say which profile "
				    "that policy is for: give profile")
		  : 0;
}

static int find_verdict(struct request *q)
{
	struct world_entry *e;
	struct doc *d;
	bool more;
	size_t n = world_newest(q->s, "verdict", "", VERDICTS_TRIED, &e, &more);

	for (size_t i = 0; i < n && !q->verdict; i++) {
		if (world_document(q->s, "verdict", e[i].key.id, &d))
			continue;
		if (!strcmp(json_text_at(d->body, "policy"), q->policy->id))
			q->verdict = d;
		else
			doc_free(d);
	}
	world_entries_free(e, n);
	return q->verdict ? 0
			  : err_set(EINVAL, "the history has no verdict about "
					    "that policy: let it be verified "
					    "first, or give verdict");
}

/* ---- messages ---------------------------------------------------------- */

static struct proposer proposer_of(const struct request *q)
{
	return (struct proposer){.profile = q->profile, .o = &q->o};
}

static int write_planner(struct request *q, struct buf *b)
{
	struct proposer p = proposer_of(q);

	words_for_planner(b, &p, "");
	return 0;
}

static int write_coder(struct request *q, struct buf *b)
{
	int rc = q->profile ? 0 : find_profile(q);
	struct proposer p = proposer_of(q);
	struct json *body;

	if (rc)
		return rc;
	body = json_copy(q->policy->body);
	json_remove(body, "code");
	words_for_coder(b, &p, body);
	json_free(body);
	return 0;
}

static int write_fixer(struct request *q, struct buf *b)
{
	int rc = q->verdict ? 0 : find_verdict(q);
	struct proposer p = proposer_of(q);
	struct draft d = {.turns = 1};

	if (rc)
		return rc;
	d.body = json_copy(q->policy->body);
	d.findings = findings_of(q->verdict->body);
	words_for_fixer(b, &p, &d);
	json_free(d.findings);
	json_free(d.body);
	return 0;
}

static int write_critic(struct request *q, struct buf *b)
{
	struct proposer p = proposer_of(q);

	words_for_critic(b, &p, q->policy->body);
	return 0;
}

static int write_summariser(struct request *q, struct buf *b)
{
	words_for_summariser(b, q->text);
	return 0;
}

static int write_declarer(struct request *q, struct buf *b)
{
	struct draft_about a = {.wish = q->o.wish};

	draft_rules_words(b, &a);
	return 0;
}

/* What the model's programs get beside the text, a client has to be told. */
static void add_schema(struct buf *b, const struct role *r)
{
	char *text;

	if (!r->schema)
		return;
	text = json_canonical(r->schema);
	buf_printf(b,
		   "\n# Answer\n\nOne JSON object by this schema, and "
		   "nothing else:\n\n%s\n",
		   text);
	free(text);
}

static struct json *add_content(struct json *messages, const char *type)
{
	struct json *m = json_add(messages, json_object()), *content;

	json_set_string(m, "role", "user");
	content = json_set(m, "content", json_object());
	json_set_string(content, "type", type);
	return content;
}

static void add_text(struct json *messages, const char *text)
{
	json_set_string(add_content(messages, "text"), "text", text);
}

static void add_document(struct json *messages, const struct doc *d)
{
	char *line = d ? doc_line(d) : NULL, *uri;
	struct json *r;

	if (line && strlen(line) <= EMBEDDED_MAX) {
		uri = mem_printf(WORLD_SCHEME "history/%s/%s", d->kind, d->id);
		r = json_set(add_content(messages, "resource"), "resource",
			     json_object());
		json_set_string(r, "uri", uri);
		json_set_string(r, "mimeType", "application/json");
		json_set_string(r, "text", line);
		free(uri);
	}
	free(line);
}

static int compose(struct request *q, const struct prompt *p,
		   struct json *messages)
{
	struct role r;
	struct buf b;
	int rc = role_load(p->role, &r);

	if (rc)
		return rc;
	buf_init(&b, PROMPT_MAX);
	rc = p->write(q, &b);
	if (!rc) {
		add_schema(&b, &r);
		add_text(messages, r.system);
		add_text(messages, b.len ? b.data : "");
		add_document(messages, q->profile);
		add_document(messages, q->policy);
		add_document(messages, q->verdict);
	}
	buf_release(&b);
	role_release(&r);
	return rc;
}

static void release(struct request *q)
{
	doc_free(q->profile);
	doc_free(q->policy);
	doc_free(q->verdict);
}

/* What the client can mend, or what is wrong here. */
static void fail(struct mcp_call *c, int rc)
{
	bool theirs = rc == -EINVAL || rc == -ENOENT || rc == -EEXIST;

	mcp_call_fail(c, theirs ? INVALID : FAILED, err_text(), NULL);
}

void steward_prompts_call(struct steward *s, struct mcp_call *c)
{
	const struct prompt *p = find(mcp_call_name(c));
	struct request q = {.s = s, .args = mcp_call_arguments(c)};
	struct json *result, *messages;
	int rc;

	q.o = (struct proposer_opts){
		.by = "sched-mcp", .count = 3, .turns = TURNS};
	if (!p) {
		mcp_call_fail(c, INVALID,
			      "there is no such prompt; see prompts/list",
			      NULL);
		return;
	}
	result = json_object();
	json_set_string(result, "description", p->text);
	messages = json_set(result, "messages", json_array());
	rc = read_args(&q, p);
	if (!rc)
		rc = compose(&q, p, messages);
	release(&q);
	if (!rc) {
		mcp_call_done(c, result);
		return;
	}
	json_free(result);
	fail(c, rc);
}
