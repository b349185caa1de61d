/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model that is a program: the prompt on its standard input, the answer on
 * its standard output.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "llm/dialect.h"
#include "llm/extract.h"
#include "llm/provider.h"
#include "llm/runner.h"
#include "llm/said.h"
#include "llm/secret.h"
#include "workload/words.h"

struct command {
	struct provider base;
	struct runner *runner;
	enum said_form form;
	const volatile sig_atomic_t *cancel;
	unsigned long calls; /* of tools, for their ids */
};

/*
 * The agent programs as tellers of text: not interactive, without a session on
 * disk, and without tools of their own, so that a prompt cannot make them read
 * or run anything.  As documented in November 2026:
 *   claude    code.claude.com/docs/en/cli-reference: --tools "" is no tool at
 *             all, --strict-mcp-config without --mcp-config no server
 *   codex     developers.openai.com/codex/noninteractive: "-" is standard
 *             input, the last message goes to standard output; no flag but the
 *             feature shell_tool takes the shell away, and what is left is
 *             read-only
 *   opencode  opencode.ai/docs/cli, /docs/permissions and /docs/agents:
 *             standard input is the message; its settings come by the
 *             environment and are merged with the user's, whose rules for a
 *             tool stay next to one for all.  An agent's own rules are behind
 *             all of them, and the last that fits counts
 */
static const struct preset {
	const char *name;
	const char *argv[12];
	const char *model; /* the option that names one */
	const char *last;  /* argument behind all; NULL: none */
	const char *key;   /* variable with its vendor's key; it keeps that */
	const char *env;   /* one variable more */
	enum said_form form;
} presets[] = {
	{
		.name = "claude",
		.argv = {"claude", "-p", "--output-format", "json", "--tools",
			 "", "--strict-mcp-config", "--no-session-persistence"},
		.model = "--model",
		.key = "ANTHROPIC_API_KEY",
		.form = SAID_CLAUDE,
	},
	{
		.name = "codex",
		.argv = {"codex", "exec", "--ephemeral",
			 "--skip-git-repo-check", "--sandbox", "read-only",
			 "--color", "never", "--disable", "shell_tool"},
		.model = "--model",
		.last = "-",
		.key = "OPENAI_API_KEY",
		.form = SAID_TEXT,
	},
	{
		.name = "opencode",
		.argv = {"opencode", "run", "--format", "json", "--agent",
			 "schedkit"},
		.model = "--model",
		.env = "OPENCODE_CONFIG_CONTENT={\"permission\":\"deny\","
		       "\"agent\":{\"schedkit\":{\"mode\":\"primary\","
		       "\"permission\":{\"*\":\"deny\"}}}}",
		.form = SAID_OPENCODE,
	},
};

/* ---- the prompt ------------------------------------------------------- */

static void put_calls(struct buf *b, const struct json *calls)
{
	char *text;

	if (!json_len(calls))
		return;
	text = json_canonical(calls);
	buf_printf(b, "{\"calls\":");
	buf_puts(b, text);
	buf_puts(b, "}\n");
	free(text);
}

static void put_results(struct buf *b, const struct json *results)
{
	json_each (it, results) {
		buf_printf(b, "[%s %s%s]\n",
			   json_as_string(json_get(it, "id"), ""),
			   json_as_string(json_get(it, "name"), ""),
			   json_as_bool(json_get(it, "error"), false)
				   ? ", failed"
				   : "");
		buf_puts(b, json_as_string(json_get(it, "text"), ""));
		buf_puts(b, "\n");
	}
}

static void put_messages(struct buf *b, const struct json *messages)
{
	bool several = json_len(messages) > 1;

	json_each (it, messages) {
		const char *role = json_as_string(json_get(it, "role"), "user");

		if (several)
			buf_printf(b, "\n# %s\n\n", role);
		buf_puts(b, json_as_string(json_get(it, "text"), ""));
		buf_puts(b, "\n");
		put_calls(b, json_get(it, "calls"));
		put_results(b, json_get(it, "results"));
	}
}

static char *prompt(const struct llm_request *r)
{
	char *system = shape_system(r, SHAPE_PLAIN), *tools;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	if (system)
		buf_printf(&b, "%s\n\n", system);
	free(system);
	if (json_len(r->tools)) {
		tools = json_canonical(r->tools);
		buf_puts(&b,
			 "You may call tools before you answer. To do so, "
			 "write {\"calls\":[{\"name\":NAME,\"arguments\":{...}}"
			 "]} and nothing else; the results come back to you. "
			 "The tools:\n");
		buf_puts(&b, tools);
		buf_puts(&b, "\n\n");
		free(tools);
	}
	put_messages(&b, r->messages);
	return buf_take(&b);
}

/* ---- the answer ------------------------------------------------------- */

/* {"calls":[{"name","arguments"}]} and nothing else. */
static bool is_calls(const struct json *v)
{
	const struct json *calls = json_get(v, "calls");

	if (json_type(calls) != JSON_ARRAY || json_len(v) != 1 ||
	    !json_len(calls))
		return false;
	json_each (it, calls)
		if (json_type(json_get(it, "name")) != JSON_STRING ||
		    json_type(json_get(it, "arguments")) != JSON_OBJECT)
			return false;
	return true;
}

static void take_calls(struct command *c, struct llm_answer *out)
{
	struct json *v = extract_json(out->text);

	if (is_calls(v)) {
		json_each (it, json_get(v, "calls")) {
			struct json *call = json_copy(it);
			char *id = mem_printf("call_%lu", ++c->calls);

			json_set_string(call, "id", id);
			json_add(out->calls, call);
			free(id);
		}
		out->finish = LLM_CALLS;
		out->text[0] = '\0';
	}
	json_free(v);
}

static int understand(struct command *c, const struct llm_request *r,
		      const struct run *run, struct llm_answer *out)
{
	int rc;

	if (memchr(run->out, '\0', run->out_len))
		return err_set(EBADMSG, "the answer holds a NUL");
	rc = said_read(c->form, run->out, run->out_len, out);
	if (!rc && json_len(r->tools))
		take_calls(c, out);
	return rc;
}

static int command_call(struct provider *p, const struct llm_request *r,
			enum llm_shape shape, struct llm_answer *out)
{
	struct command *c = (struct command *)p;
	double start = clock_monotonic();
	char *text, why[1024];
	struct run run;
	int rc;

	*out = answer_none();
	out->attempts = 1;
	out->calls = json_array();
	out->text = mem_strdup("");
	if (r->schema && shape != SHAPE_PLAIN)
		return err_set(EOPNOTSUPP, "a program is told the schema in "
					   "words");
	text = prompt(r);
	rc = runner_run(c->runner, text, strlen(text), c->cancel, &run);
	out->seconds = clock_monotonic() - start;
	/* Whatever it was, the prompt was read and paid for. */
	if (rc != -ENOENT && rc != -EACCES) {
		out->usage.in = tokens_guess(strlen(text));
		out->usage.out = tokens_guess(run.out_len);
		out->estimated = true;
	}
	if (!rc && run.exit_status) {
		plain_line(why, sizeof(why), run.err);
		rc = err_set(EIO, "'%s' ended with status %d: %s", p->name,
			     run.exit_status, why);
	}
	if (!rc)
		rc = understand(c, r, &run, out);
	run_release(&run);
	free(text);
	return rc;
}

static void command_free(struct provider *p)
{
	struct command *c = (struct command *)p;

	runner_stop(c->runner);
	free(p->name);
	free(p->model);
	free(c);
}

static const struct provider_ops command_ops = {.call = command_call,
						.free = command_free};

/* ---- starting --------------------------------------------------------- */

static const struct preset *preset_of(const struct strs *words)
{
	for (size_t i = 0; words->len == 1 && i < ARRAY_LEN(presets); i++)
		if (!strcmp(presets[i].name, words->v[0]))
			return &presets[i];
	return NULL;
}

static bool is_key(const char *entry, const char *keep)
{
	size_t n = strcspn(entry, "=");

	if (keep && strlen(keep) == n && !strncmp(entry, keep, n))
		return false;
	return secret_is_env(entry, n);
}

/* Of two of a name the first would count. */
static void set_env(struct strs *env, const char *entry)
{
	size_t n = strcspn(entry, "=") + 1, len = 0;

	for (size_t i = 0; i < env->len; i++)
		if (strncmp(env->v[i], entry, n) != 0)
			env->v[len++] = env->v[i];
		else
			free(env->v[i]);
	env->len = len;
	strs_add(env, entry);
}

/* The caller's without keys that are not the program's own.  Agents take the
 * folder that they are in from PWD. */
static void environment(const struct preset *p, const char *cwd,
			struct strs *env)
{
	char *pwd;

	for (char **e = environ; *e; e++)
		if (!is_key(*e, p ? p->key : NULL))
			strs_add(env, *e);
	if (!p)
		return;
	pwd = mem_printf("PWD=%s", cwd);
	set_env(env, pwd);
	free(pwd);
	if (p->env)
		set_env(env, p->env);
}

static void arguments(const struct preset *p, const char *model,
		      struct strs *argv)
{
	for (size_t i = 0; p->argv[i]; i++)
		strs_add(argv, p->argv[i]);
	if (model) {
		strs_add(argv, p->model);
		strs_add(argv, model);
	}
	if (p->last)
		strs_add(argv, p->last);
}

static int start(struct command *c, const struct preset *p,
		 const struct strs *words, const struct llm_opts *o)
{
	char *empty = path_cache("empty");
	struct llm_limits limits = o->limits;
	struct strs argv = {0}, env = {0};
	struct runner_spec s;
	int rc = 0;

	limits_fill(&limits);
	environment(p, empty, &env);
	if (p)
		arguments(p, o->model, &argv);
	/* Of the folder that it is started in, an agent would read files. */
	if (p)
		rc = path_make_dirs(empty);
	s = (struct runner_spec){
		.argv = p ? argv.v : words->v,
		.env = env.v,
		.cwd = p ? empty : NULL,
		.timeout_s = limits.total_s,
		.max_bytes = limits.max_bytes,
	};
	if (!rc)
		rc = runner_start(&s, &c->runner);
	strs_release(&argv);
	strs_release(&env);
	free(empty);
	return rc;
}

int command_provider_new(const char *command, const struct llm_opts *o,
			 struct provider **out)
{
	struct strs words = {0};
	const struct preset *p;
	struct command *c;
	int rc = words_split(command, &words);

	if (!rc && !words.len)
		rc = err_set(EINVAL, "'command:' lacks the command");
	if (rc) {
		strs_release(&words);
		return rc;
	}
	p = preset_of(&words);
	c = mem_zalloc(1, sizeof(*c));
	c->base.ops = &command_ops;
	c->base.name = mem_strdup(words.v[0]);
	c->base.model = mem_strdup(o->model ? o->model : words.v[0]);
	c->form = p ? p->form : SAID_TEXT;
	c->cancel = o->cancel;
	rc = start(c, p, &words, o);
	if (rc)
		command_free(&c->base);
	else
		*out = &c->base;
	strs_release(&words);
	return rc;
}
