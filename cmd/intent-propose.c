/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched-intent propose: rules for a wish in plain words, or for what was seen
 * of tasks.  They are printed; a person commits them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/intents/draft_rules.h"
#include "agents/proposer/proposer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/intent.h"
#include "cmd/model-box.h"
#include "cmd/note.h"
#include "cmd/rows.h"
#include "doc/stream.h"

static struct {
	const char *backend, *model, *budget, *record;
} arg;

static const struct opt options[] = {
	INTENT_FOLDER_OPTION,
	INTENT_JSON_OPTION,
	{.kind = OPT_STRING,
	 .letter = 'b',
	 .name = "backend",
	 .arg = "NAME",
	 .words = "openai|anthropic",
	 .help = "who reads the wish: openai, anthropic, command:CMD, "
		 "replay:FILE; SCHED_LLM's",
	 .target = &arg.backend},
	ROW_MODEL(&arg.model),
	ROW_MODEL_BUDGET(&arg.budget),
	ROW_RECORD(&arg.record),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-intent",
	.purpose = "rules for tasks, as people declare them",
	.synopsis = "propose [OPTION...] WISH...\n"
		    "       sched-intent propose [OPTION...] < PROFILE",
	.options = options,
	.epilogue = "exit status: 0 rules are proposed, 1 none, 2 usage, 3 "
		    "cannot, 4 later",
};

/* ---- the end of all of it --------------------------------------------- */

static int show(const struct json *draft, const struct draft_about *a)
{
	struct json *body;
	int rc = draft_rules_body(draft, a, &body);

	if (rc == -ENODATA) {
		cli_note(&tool, "no rules are proposed: %s",
			 json_text_at(draft, "summary"));
		return CLI_NO;
	}
	if (rc)
		return cli_fail(&tool, rc);
	if (intent_arg.json)
		return note_put(&tool, body);
	fputs(json_text_at(body, "intent.proposal"), stdout);
	json_free(body);
	return CLI_YES;
}

/* ---- a wish ----------------------------------------------------------- */

static char *join(char **words, int count)
{
	struct buf b;

	buf_init(&b, PROPOSER_WISH_MAX + 2);
	for (int i = 0; i < count; i++)
		buf_printf(&b, "%s%s", i ? " " : "", words[i]);
	return buf_take(&b);
}

static int open_model(struct model **out)
{
	const char *from = arg.backend ? arg.backend : getenv("SCHED_LLM");
	char *run = mem_printf("intent-%lld-%ld", (long long)clock_wall(),
			       (long)getpid());
	struct model_opts o = {
		.backend = arg.backend,
		.name = arg.model,
		.record = arg.record,
		.budget = arg.budget,
		.run = run,
		.stream = true,
		.cancel = &cli_stop,
	};
	int rc;

	if (!model_is_named(from))
		rc = err_set(ENOENT,
			     "no model is set that could read plain words: "
			     "give --backend, set SCHED_LLM (see "
			     "sched-synth(1)), or let rules be proposed from a "
			     "profile");
	else
		rc = model_open(&o, out);
	free(run);
	return rc;
}

/* Programs, names of users, and what the role says; nothing can be written,
 * and nothing executed. */
static int shut_in(void)
{
	struct strs read = {0};
	struct sandbox box = {0};
	char *ours = path_lib(""), *users = path_config("prompts");
	int rc;

	for (size_t i = 0; sandbox_system[i]; i++)
		strs_add(&read, sandbox_system[i]);
	strs_add(&read, ours);
	strs_add(&read, users);
	box.read = (const char *const *)read.v;
	rc = model_box_enter(&tool, &box);
	strs_release(&read);
	free(users);
	free(ours);
	return rc;
}

static int status_of(int rc)
{
	if (rc == -EDQUOT || rc == -EBADMSG) {
		cli_note(&tool, "%s", err_text());
		return rc == -EDQUOT ? CLI_LATER : CLI_NO;
	}
	return cli_fail(&tool, rc);
}

static int ask(struct model *m, struct draft_about *a)
{
	struct json *draft = NULL;
	int rc = shut_in();
	char *by;

	if (!rc)
		rc = draft_rules_ask(m, a, &draft);
	if (rc && rc != -ENODATA)
		return status_of(rc);
	by = mem_printf("the model %s", model_name(m));
	a->by = by;
	rc = show(draft, a);
	free(by);
	json_free(draft);
	return rc;
}

static int propose_wish(struct draft_about *a)
{
	struct model *m = NULL;
	int rc = proposer_wish(a->wish), status;

	if (rc)
		cli_usage(&tool, "%s", err_text());
	rc = open_model(&m);
	if (rc == -EINVAL)
		cli_usage(&tool, "%s", err_text());
	status = rc ? cli_fail(&tool, rc) : ask(m, a);
	model_close(m);
	return status;
}

/* ---- a profile -------------------------------------------------------- */

static int propose_seen(struct draft_about *a)
{
	struct stream *s = stream_open(STDIN_FILENO, -1, tool.name);
	const struct doc *d;
	struct json *draft;
	char *by;
	int rc, status = CLI_YES;

	while ((rc = stream_next(s, &d)) == 1 || rc == -EINVAL)
		if (rc != 1)
			status = cli_fail(&tool, rc);
	if (!rc && !stream_last(s, "profile"))
		rc = err_set(ENODATA,
			     "there is no profile in the input: 'sched-observe "
			     "--json | sched-intent propose', or say what is "
			     "wished");
	if (rc) {
		stream_free(s);
		return cli_fail(&tool, rc);
	}
	d = stream_last(s, "profile");
	by = mem_printf("profile %.12s", d->id);
	a->by = by;
	draft = draft_rules_of_profile(d);
	rc = show(draft, a);
	json_free(draft);
	free(by);
	stream_free(s);
	return rc ? rc : status;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), status;
	struct intents now = {0};
	struct crowd crowd = {0};
	struct draft_about a = {.now = &now, .crowd = &crowd};
	char *wish = at < argc ? join(argv + at, argc - at) : NULL;

	if (!wish && isatty(STDIN_FILENO))
		cli_usage(&tool, "say what is wished, or give a profile on "
				 "standard input");
	cli_catch_stop();
	a.wish = wish;
	if (intents_read(&now, intent_arg.folder)) {
		status = cli_fail(&tool, -EACCES);
	} else {
		crowd_read(&crowd);
		status = wish ? propose_wish(&a) : propose_seen(&a);
	}
	crowd_release(&crowd);
	intents_release(&now);
	free(wish);
	return cli_finish(&tool, status);
}

const struct cli_command intent_propose = {
	.name = "propose",
	.purpose = "rules for a wish in plain words, or for what was seen",
	.tool = &tool,
	.run = run,
};
