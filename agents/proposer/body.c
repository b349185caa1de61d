/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy bodies from what a model answered, and what makes two of them one. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/builder/lint_token.h"
#include "agents/planner/planner.h"
#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

#define TITLE_MAX 100
#define WHY_MAX	  1200
#define TASK_MAX  4000
#define CODE_MAX  (128u << 10)
/* More than the template has; looking each up takes its time. */
#define PARAMS_MAX 200
/* A hypothesis that a measurement could speak for or against. */
#define EFFECT_MAX 100000

static bool is_form(const struct json *body, const char *form)
{
	return !strcmp(json_text_at(body, "form"), form);
}

bool body_has_code(const struct json *body)
{
	return is_form(body, "hooks") || is_form(body, "source");
}

static bool has_params(const struct json *body)
{
	return is_form(body, "hooks") || is_form(body, "params");
}

/* ---- from the planner ------------------------------------------------- */

/* Strict schemas make a model give every key: null and "" mean none. */
static bool is_given(const struct json *v)
{
	switch (json_type(v)) {
	case JSON_ABSENT:
	case JSON_NULL:
		return false;
	case JSON_STRING:
		return *json_as_string(v, "") != '\0';
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_len(v) > 0;
	default:
		return true;
	}
}

static struct json *without_nulls(const struct json *v)
{
	struct json *out;

	if (json_type(v) == JSON_ARRAY) {
		out = json_array();
		json_each (m, v)
			json_add(out, without_nulls(m));
		return out;
	}
	if (json_type(v) != JSON_OBJECT)
		return json_copy(v);
	out = json_object();
	json_each (m, v)
		if (json_type(m) != JSON_NULL)
			json_set(out, json_key(m), without_nulls(m));
	return out;
}

/*
 * [{"name","value"}], the only form a strict schema knows for a map, to
 * {NAME: value} in the body.
 */
static int take_params(struct json *body, const struct json *list)
{
	struct json *out;

	if (json_len(list) > PARAMS_MAX)
		return err_set(EINVAL, "params: %zu are more than there are",
			       json_len(list));
	out = json_set(body, "params", json_object());
	json_each (m, list)
		if (*json_text_at(m, "name"))
			json_set(out, json_text_at(m, "name"),
				 json_copy(json_get(m, "value")));
	return 0;
}

static void set_text(struct json *body, const char *key, const char *text,
		     size_t max)
{
	char *cut = mem_strndup(text, max);

	json_set_string(body, key, cut); /* a halved character is mended */
	free(cut);
}

static void set_hypothesis(struct json *body, const struct json *given)
{
	const struct json *effect = json_get(given, "effect_pct");
	struct json *h;

	if (!*json_text_at(given, "metric") ||
	    json_type(effect) != JSON_NUMBER ||
	    !(fabs(json_as_number(effect, NAN)) <= EFFECT_MAX))
		return;
	h = json_set(body, "hypothesis", json_object());
	set_text(h, "metric", json_text_at(given, "metric"), TITLE_MAX);
	json_set_number(h, "effect_pct", json_as_number(effect, 0));
	if (*json_text_at(given, "text"))
		set_text(h, "text", json_text_at(given, "text"), WHY_MAX);
}

/* Those of the schema's words that were said; never NULL. */
static struct json *uses_of(const struct json *said)
{
	static const char *const words[] = {"behaviour", "learned_identity",
					    "declared_intent"};
	struct json *out = json_array();

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		json_each (u, said) {
			if (strcmp(json_as_string(u, ""), words[i]))
				continue;
			json_add(out, json_string(words[i]));
			break;
		}
	}
	return out;
}

/*
 * Of a point of the parameter space it is known how it tells tasks apart;
 * where identity is in use the expectations come from the profile.
 */
static void set_from_params(struct json *body, const struct json *profile)
{
	struct policy_params p;

	json_remove(body, "identities");
	if (!has_params(body) || policy_params_read(body, &p) < 0)
		return;
	if (is_form(body, "params"))
		json_set(body, "uses", planner_uses(&p));
	if (p.classify == CLASSIFY_IDENTITY)
		json_set(body, "identities", planner_identities(profile));
}

static const char *missing_of(const struct json *body)
{
	if (is_form(body, "params") && !json_get(body, "params"))
		return "params";
	if (body_has_code(body) && !json_get(body, "task"))
		return "task";
	if (is_form(body, "knobs") && !is_given(json_get(body, "knobs")))
		return "knobs";
	if (is_form(body, "external") &&
	    !*json_as_string(json_path(body, "external.program"), ""))
		return "external.program";
	if (!json_get(body, "hypothesis"))
		return "hypothesis";
	return NULL;
}

int body_of_experiment(const struct json *experiment,
		       const struct json *profile, struct json **out)
{
	static const char *const parts[] = {"knobs", "external"};
	struct json *b = json_object();
	const char *missing;
	int rc = 0;

	json_set_string(b, "form", json_text_at(experiment, "form"));
	set_text(b, "title", json_text_at(experiment, "title"), TITLE_MAX);
	set_text(b, "why", json_text_at(experiment, "why"), WHY_MAX);
	json_set(b, "uses", uses_of(json_get(experiment, "uses")));
	set_hypothesis(b, json_get(experiment, "hypothesis"));
	if (has_params(b) &&
	    json_type(json_get(experiment, "params")) == JSON_ARRAY)
		rc = take_params(b, json_get(experiment, "params"));
	if (rc) {
		json_free(b);
		return rc;
	}
	if (body_has_code(b) && is_given(json_get(experiment, "task")))
		set_text(b, "task", json_text_at(experiment, "task"), TASK_MAX);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (is_form(b, parts[i]))
			json_set(b, parts[i],
				 without_nulls(json_get(experiment, parts[i])));
	set_from_params(b, profile);
	missing = missing_of(b);
	if (missing || doc_check("policy", b) < 0) {
		json_free(b);
		return missing ? err_set(EINVAL, "the experiment says no '%s'",
					 missing)
			       : -EINVAL;
	}
	*out = b;
	return 0;
}

/* ---- what a policy does ----------------------------------------------- */

static bool is_word(const struct token *t)
{
	return t->kind == TOKEN_NAME || t->kind == TOKEN_NUMBER;
}

/* May be the half of another operator. */
static bool is_operator(const struct token *t)
{
	return t->kind == TOKEN_PUNCT && strchr("+-*/%&|^<>=!#.", *t->text);
}

/* Two that would read as another one without what is between them. */
static bool are_apart(const struct token *a, const struct token *b)
{
	if (is_word(a) && is_word(b))
		return true;
	return b->space && is_operator(a) && is_operator(b);
}

/* The tokens, with as little between them as C needs: a directive is a line,
 * and of its spaces one may matter. */
static void strip_code(struct buf *out, const char *code)
{
	struct token t, last = {.kind = TOKEN_END};
	bool directive = false;
	struct lexer l;

	lexer_init(&l, code, strlen(code));
	for (t = lexer_next(&l); t.kind != TOKEN_END; t = lexer_next(&l)) {
		if (t.first && (directive || token_is(&t, "#")))
			buf_puts(out, "\n");
		else if (directive ? t.space : are_apart(&last, &t))
			buf_puts(out, " ");
		if (t.first)
			directive = token_is(&t, "#");
		buf_add(out, t.text, t.len);
		last = t;
	}
	lexer_release(&l);
}

static void add_params(struct json *essence, const struct json *body)
{
	struct policy_params p;

	if (policy_params_read(body, &p) < 0) {
		json_set(essence, "params",
			 json_copy(json_get(body, "params")));
		return;
	}
	policy_params_normalise(&p);
	json_set(essence, "params", policy_params_json(&p));
}

void body_fingerprint(const struct json *body, char out[static DIGEST_HEX_LEN])
{
	static const char *const parts[] = {"knobs", "external", "object",
					    "model"};
	struct json *essence = json_object();
	struct buf code;
	char *text;

	json_set_string(essence, "form", json_text_at(body, "form"));
	if (has_params(body))
		add_params(essence, body);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (json_get(body, parts[i]))
			json_set(essence, parts[i],
				 json_copy(json_get(body, parts[i])));
	buf_init(&code, CODE_MAX);
	strip_code(&code, json_text_at(body, "code"));
	if (code.len)
		json_set_string(essence, "code", code.data);
	buf_release(&code);
	text = json_canonical(essence);
	digest_hex(text, strlen(text), out);
	free(text);
	json_free(essence);
}

/* ---- from the coder and the fixer ------------------------------------- */

static int take_code(struct json *body, const struct json *answer)
{
	const char *code = json_text_at(answer, "code");

	if (strlen(code) > CODE_MAX)
		return err_set(EINVAL,
			       "the code is longer than %u KiB, the limit",
			       CODE_MAX >> 10);
	json_set_string(body, "code", code);
	return 0;
}

/* What a choice comes to; NULL: it is none, or not a valid one. */
static const char *choice_of(const struct param *row, const struct json *params)
{
	const struct json *v = json_get(params, row->name);
	const char *s = json_as_string(v, v ? NULL : row->choices[row->dflt]);

	for (size_t i = 0; s && row->choices[i]; i++)
		if (!strcmp(row->choices[i], s))
			return row->choices[i];
	return NULL;
}

/*
 * The choices that an experiment states are its idea; numbers and switches are
 * how it is carried out.
 */
static int check_choices(const struct json *old, const struct json *new)
{
	json_each (m, old) {
		const struct param *row = policy_param(json_key(m));
		const char *was, *is;

		if (!row || row->kind != PARAM_CHOICE)
			continue;
		was = choice_of(row, old);
		is = choice_of(row, new);
		if (was && is && was != is)
			return err_set(EPERM,
				       "params.%s was '%s': '%s' would be "
				       "another experiment",
				       row->name, was, is);
	}
	return 0;
}

/* The first of the answer's keys that a policy of this form has not. */
static const char *foreign_key(const struct json *body,
			       const struct json *answer)
{
	if (is_given(json_get(answer, "form")) &&
	    strcmp(json_text_at(answer, "form"), json_text_at(body, "form")))
		return "form";
	if (is_given(json_get(answer, "code")) && !body_has_code(body))
		return "code";
	if (is_given(json_get(answer, "params")) && !has_params(body))
		return "params";
	if (is_given(json_get(answer, "knobs")) && !is_form(body, "knobs"))
		return "knobs";
	return NULL;
}

int body_add_code(struct json *body, const struct json *answer,
		  const struct json *profile)
{
	const struct json *given = json_get(answer, "params");
	int rc;

	if (!is_given(json_get(answer, "code")))
		return err_set(EINVAL, "the coder gave no code");
	rc = take_code(body, answer);
	if (rc)
		return rc;
	json_set(body, "uses", uses_of(json_get(answer, "uses")));
	if (is_form(body, "hooks") && is_given(given)) {
		struct json *old = json_copy(json_get(body, "params"));

		rc = take_params(body, given);
		if (!rc)
			rc = check_choices(old, json_get(body, "params"));
		json_free(old);
		if (rc)
			return rc;
	}
	set_from_params(body, profile);
	return doc_check("policy", body);
}

int body_fix(const struct json *body, const struct json *answer,
	     const struct json *profile, struct json **out)
{
	const char *foreign = foreign_key(body, answer);
	struct json *b;
	int rc = 0;

	if (foreign)
		return err_set(EPERM,
			       "a policy of form %s cannot get another '%s': "
			       "that would be another experiment",
			       json_text_at(body, "form"), foreign);
	b = json_copy(body);
	if (is_given(json_get(answer, "code")))
		rc = take_code(b, answer);
	if (!rc && is_given(json_get(answer, "params"))) {
		rc = take_params(b, json_get(answer, "params"));
		if (!rc)
			rc = check_choices(json_get(body, "params"),
					   json_get(b, "params"));
	}
	if (is_given(json_get(answer, "knobs")))
		json_set(b, "knobs", without_nulls(json_get(answer, "knobs")));
	set_from_params(b, profile);
	if (!rc)
		rc = doc_check("policy", b);
	if (rc) {
		json_free(b);
		return rc;
	}
	*out = b;
	return 0;
}
